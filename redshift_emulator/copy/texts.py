"""CHAR and VARCHAR as COPY reads them: UTF-8, lengths in bytes. Pure.

Sources: "Multibyte character load errors", r_Character_types.
"""

from __future__ import annotations

import codecs
import re

from redshift_emulator.copy.columns import Column
from redshift_emulator.copy.load_errors import Convert, FieldError
from redshift_emulator.copy.options import CopyOptions


def read_char(column: Column, options: CopyOptions) -> Convert:
    """Return the converter for CHAR, which holds ASCII only."""

    def read(raw: bytes) -> bytes:
        if not raw.isascii():
            invalid = re.search(rb"[\x80-\xff]+", raw)
            shown = (invalid[0] if invalid else b"")[:4].hex(" ")
            raise FieldError(
                1220,
                f"Multibyte character not supported for CHAR (Hint: Try using VARCHAR). Invalid char: {shown}",
            )
        return _fit(raw, column.length, "Char length exceeds DDL length", options)

    return read


def read_varchar(column: Column, options: CopyOptions) -> Convert:
    """Return the converter for VARCHAR."""

    def read(raw: bytes) -> bytes | None:
        error = utf8_error(raw)
        if error is not None:
            if options.accept_inv_chars is None:
                raise FieldError(
                    1220, f"String contains invalid or unsupported UTF8 codepoints. {error}"
                )
            raw = replace_invalid(raw, options.accept_inv_chars)
        if options.trim_blanks:
            raw = raw.rstrip(b" ")
        return _fit(raw, column.length, "String length exceeds DDL length", options)

    return read


def _fit(raw: bytes, length: int, reason: str, options: CopyOptions) -> bytes:
    """Return the value cut to ``length`` bytes.

    Trailing blanks are cut without an error (r_Character_types). TRUNCATECOLUMNS cuts other text
    between two characters.
    """
    if len(raw) <= length:
        return raw
    kept = raw[:length]
    if not raw[length:].strip(b" "):
        return kept
    if options.truncate_columns:
        return kept.decode(errors="ignore").encode()
    raise FieldError(1204, reason)


def is_utf8(raw: bytes) -> bool:
    """Return whether the bytes are valid UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def utf8_error(raw: bytes) -> str | None:
    """Return the first invalid UTF-8 sequence in hexadecimal with Redshift's error number, or None for valid UTF-8.

    Error numbers: 1 longer than four bytes, 2 incomplete, 3 first byte out of range, 4 a later byte
    or the character out of range.
    """
    if raw.isascii():
        return None
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        invalid = raw[error.start : max(error.end, error.start + 1)]
        return (
            f"Bad UTF8 hex sequence: {invalid.hex(' ')} (error {_error_number(raw, error.start)})"
        )
    return None


def _error_number(raw: bytes, start: int) -> int:
    first = raw[start]
    if first in (0xFE, 0xFF) or first < 0xC2:
        return 3
    if first >= 0xF5:
        return 1
    needed = 1 if first < 0xE0 else 2 if first < 0xF0 else 3
    following = raw[start + 1 : start + 1 + needed]
    return 2 if len(following) < needed else 4


def _mark_invalid(error: UnicodeError) -> tuple[str, int]:
    """Decode each invalid byte as one NUL. A field that gets here contains no other NUL."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    end = max(error.end, error.start + 1)
    return "\0" * (end - error.start), end


codecs.register_error("redshift-copy-mark", _mark_invalid)


def replace_invalid(raw: bytes, replacement: str) -> bytes:
    """Replace each byte of an invalid character by ``replacement`` (ACCEPTINVCHARS).

    ``raw`` must contain no NUL.
    """
    return raw.decode("utf-8", "redshift-copy-mark").encode().replace(b"\0", replacement.encode())
