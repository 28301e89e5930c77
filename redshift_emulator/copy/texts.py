"""CHAR and VARCHAR as COPY reads them: lengths in bytes, CHAR for ASCII alone. Pure."""

from __future__ import annotations

import re

from redshift_emulator.copy.columns import Column
from redshift_emulator.copy.field_error import Convert, FieldError
from redshift_emulator.copy.options import CopyOptions
from redshift_emulator.copy.utf8 import fault_of, replace_faults


def read_char(column: Column, options: CopyOptions) -> Convert:
    def read(raw: bytes) -> bytes:
        if not raw.isascii():
            faulty = re.search(rb"[\x80-\xff]+", raw)
            shown = (faulty[0] if faulty else b"")[:4].hex(" ")
            raise FieldError(
                1220,
                f"Multibyte character not supported for CHAR (Hint: Try using VARCHAR). Invalid char: {shown}",
            )
        return _fit(raw, column.length, "Char length exceeds DDL length", options)

    return read


def read_varchar(column: Column, options: CopyOptions) -> Convert:
    def read(raw: bytes) -> bytes | None:
        fault = fault_of(raw)
        if fault is not None:
            if options.accept_inv_chars is None:
                raise FieldError(
                    1220, f"String contains invalid or unsupported UTF8 codepoints. {fault}"
                )
            raw = replace_faults(raw, options.accept_inv_chars)
        if options.trim_blanks:
            raw = raw.rstrip(b" ")
        return _fit(raw, column.length, "String length exceeds DDL length", options)

    return read


def _fit(raw: bytes, length: int, reason: str, options: CopyOptions) -> bytes:
    """The value within its bytes: blanks past the end go silently (r_Character_types), TRUNCATECOLUMNS cuts on a character."""
    if len(raw) <= length:
        return raw
    kept = raw[:length]
    if not raw[length:].strip(b" "):
        return kept
    if options.truncate_columns:
        return kept.decode(errors="ignore").encode()
    raise FieldError(1204, reason)
