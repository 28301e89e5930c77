"""The gate: one regular expression that lets through rows PostgreSQL reads exactly as Redshift would. Pure.

What passes goes to PostgreSQL's own COPY unread; what does not is read field by field (convert.py). The gate is exact in
one direction: PostgreSQL must accept, with the same meaning, whatever passes. It may hold back rows that are fine.
At any place only one alternative of a field can match with its delimiter, so a row that fails costs one pass.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from redshift_emulator.copy.columns import Column
from redshift_emulator.copy.options import CopyOptions
from redshift_emulator.copy.patterns import HIGH_BYTES, Frame, empty_is_null, field_pattern
from redshift_emulator.copy.repeats import MANY
from redshift_emulator.copy.utf8 import is_utf8
from redshift_emulator.lexer import quote_name
from redshift_emulator.rewrite import stored_name

# PostgreSQL's COPY needs some quote; in plain delimited text one of these stands for "none" and never passes the gate.
NO_QUOTES = ("\x01", "\x02")


@dataclass(frozen=True)
class Dialect:
    """How PostgreSQL is told to read the rows that pass: ``null_mark`` is its NULL string (empty, or NULL AS's text)."""

    delimiter: str
    quote: str
    null_mark: str
    newline: bytes

    def copy_sql(self, table: str, columns: Sequence[Column], options: CopyOptions) -> str:
        """COPY FROM STDIN for the rows that pass. ``table`` is quoted already."""
        names = [quote_name(stored_name(column.name)) for column in columns]
        keeps_empty = not self.null_mark and not empty_is_null(options)
        texts = [
            quote_name(stored_name(column.name))
            for column in columns
            if column.is_character and keeps_empty
        ]
        nulls = [name for name in names if name not in texts]
        parts = [
            "FORMAT csv",
            f"DELIMITER {_literal(self.delimiter)}",
            f"QUOTE {_literal(self.quote)}",
            f"ESCAPE {_literal(self.quote)}",
            f"NULL {_literal(self.null_mark)}",
            "ENCODING 'UTF8'",
        ]
        if nulls:
            parts.append(f"FORCE_NULL ({', '.join(nulls)})")
        if texts:
            parts.append(f"FORCE_NOT_NULL ({', '.join(texts)})")
        return f"COPY {table} ({', '.join(names)}) FROM STDIN WITH ({', '.join(parts)})"


def _literal(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def dialect_of(options: CopyOptions, newline: bytes) -> Dialect:
    """PostgreSQL's side. NULL AS's text becomes its NULL string when there is one that CSV can carry; otherwise empty is
    NULL there, and a field that might be NULL AS's text is held back by the gate."""
    quote = options.quote or NO_QUOTES[options.delimiter == NO_QUOTES[0]]
    mark = options.null_as
    unfit = mark == "\\N" or set(mark) & {options.delimiter, quote, "\r", "\n", "\0"}
    return Dialect(options.delimiter, quote, "" if unfit else mark, newline)


@dataclass(frozen=True)
class Gate:
    """The gate for these columns and options, for files whose lines end as the dialect says."""

    columns: tuple[Column, ...]
    options: CopyOptions
    dialect: Dialect

    @cached_property
    def rows(self) -> re.Pattern[bytes]:
        """As many whole rows as pass."""
        return _compile(self.columns, self.options, self.dialect, b"")

    @cached_property
    def ascii_rows(self) -> re.Pattern[bytes]:
        """The same for a stretch that is not valid UTF-8: rows of ASCII alone."""
        return _compile(self.columns, self.options, self.dialect, HIGH_BYTES)

    def accept(self, buffer: bytes, start: int) -> int:
        """The end of the rows that pass, beginning at ``start`` (which is returned when the first does not)."""
        match = self.rows.match(buffer, start)
        end = match.end() if match else start
        passed = buffer[start:end]
        if passed.isascii() or is_utf8(passed):
            return end
        match = self.ascii_rows.match(buffer, start)
        return match.end() if match else start


def build_gate(columns: Sequence[Column], options: CopyOptions, newline: bytes) -> Gate:
    """The gate for files whose lines end with ``newline``."""
    return Gate(tuple(columns), options, dialect_of(options, newline))


def _compile(
    columns: Sequence[Column], options: CopyOptions, dialect: Dialect, barred: bytes
) -> re.Pattern[bytes]:
    shut = b"\0" + barred + (b"" if options.quote else dialect.quote.encode())
    if options.null_as and options.null_as != dialect.null_mark:
        shut += options.null_as.encode()[:1]
    frame = Frame(
        dialect.delimiter.encode(),
        dialect.quote.encode(),
        dialect.null_mark.encode(),
        frozenset(shut),
    )
    ends = [re.escape(frame.delimiter)] * (len(columns) - 1) + [dialect.newline]
    fields = [
        field_pattern(column, options, frame, end)
        for column, end in zip(columns, ends, strict=True)
    ]
    blank = rb"(?!\r?\n)" if len(columns) == 1 else rb""
    return re.compile(rb"(?:" + blank + b"".join(fields) + rb")" + MANY)
