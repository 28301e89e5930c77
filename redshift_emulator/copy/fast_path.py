"""The fast path: one regular expression finds the rows that PostgreSQL reads exactly as Redshift would. Pure.

Such rows go unchanged to PostgreSQL's own COPY; all others are converted field by field
(convert.py). The expression may miss rows that PostgreSQL would read correctly, but PostgreSQL must
accept every row it matches, with the same meaning. At each position at most one alternative of a
field matches together with its delimiter, so a row that does not match costs one pass.

Measured on files of 2 to 60 columns: a COPY takes 6 to 20 times as long without the fast path.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from redshift_emulator.copy.columns import Column
from redshift_emulator.copy.options import CopyOptions
from redshift_emulator.copy.patterns import HIGH_BYTES, FieldSyntax, empty_is_null, field_pattern
from redshift_emulator.copy.rows import ANY_NUMBER
from redshift_emulator.copy.texts import is_utf8
from redshift_emulator.lexer import quote_name
from redshift_emulator.rewrite import stored_name

# PostgreSQL's CSV needs a quote character. For plain delimited text it is one of these; rows that
# contain it are converted.
NO_QUOTES = ("\x01", "\x02")


@dataclass(frozen=True)
class Dialect:
    """The CSV dialect of the rows sent to PostgreSQL.

    ``null_mark`` is the NULL string: empty, or the text of NULL AS.
    """

    delimiter: str
    quote: str
    null_mark: str
    newline: bytes

    def copy_sql(self, table: str, columns: Sequence[Column], options: CopyOptions) -> str:
        """Return COPY FROM STDIN for the rows of the fast path. ``table`` is a quoted name."""
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
    """Return the dialect for PostgreSQL.

    Its NULL string is the text of NULL AS where CSV allows that text. Otherwise it is the empty
    string, and a field that may be the text of NULL AS does not take the fast path.
    """
    quote = options.quote or NO_QUOTES[options.delimiter == NO_QUOTES[0]]
    mark = options.null_as
    not_allowed = mark == "\\N" or set(mark) & {options.delimiter, quote, "\r", "\n", "\0"}
    return Dialect(options.delimiter, quote, "" if not_allowed else mark, newline)


@dataclass(frozen=True)
class FastPath:
    """The fast path for the given columns and options, for files with the line ending of the dialect."""

    columns: tuple[Column, ...]
    options: CopyOptions
    dialect: Dialect

    @cached_property
    def rows(self) -> re.Pattern[bytes]:
        """Matches as many whole rows as possible."""
        return _compile(self.columns, self.options, self.dialect, b"")

    @cached_property
    def ascii_rows(self) -> re.Pattern[bytes]:
        """Matches rows of ASCII only, for data that is not valid UTF-8."""
        return _compile(self.columns, self.options, self.dialect, HIGH_BYTES)

    def accept(self, buffer: bytes, start: int) -> int:
        """Return the end of the fast-path rows that begin at ``start``; ``start`` when the first row is not one."""
        match = self.rows.match(buffer, start)
        end = match.end() if match else start
        matched = buffer[start:end]
        if matched.isascii() or is_utf8(matched):
            return end
        match = self.ascii_rows.match(buffer, start)
        return match.end() if match else start


def build_fast_path(columns: Sequence[Column], options: CopyOptions, newline: bytes) -> FastPath:
    """Return the fast path for files whose lines end with ``newline``."""
    return FastPath(tuple(columns), options, dialect_of(options, newline))


def _compile(
    columns: Sequence[Column], options: CopyOptions, dialect: Dialect, excluded: bytes
) -> re.Pattern[bytes]:
    excluded = b"\0" + excluded + (b"" if options.quote else dialect.quote.encode())
    if options.null_as and options.null_as != dialect.null_mark:
        excluded += options.null_as.encode()[:1]
    syntax = FieldSyntax(
        dialect.delimiter.encode(),
        dialect.quote.encode(),
        dialect.null_mark.encode(),
        frozenset(excluded),
    )
    ends = [re.escape(syntax.delimiter)] * (len(columns) - 1) + [dialect.newline]
    fields = [
        field_pattern(column, options, syntax, end)
        for column, end in zip(columns, ends, strict=True)
    ]
    blank = rb"(?!\r?\n)" if len(columns) == 1 else rb""
    return re.compile(rb"(?:" + blank + b"".join(fields) + rb")" + ANY_NUMBER)
