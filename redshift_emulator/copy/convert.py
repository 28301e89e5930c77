"""Converts a row that cannot take the fast path to the values to store. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from redshift_emulator.copy.columns import Column
from redshift_emulator.copy.fields import converter_of
from redshift_emulator.copy.load_errors import FieldError, RowError, row_too_long
from redshift_emulator.copy.options import CopyOptions
from redshift_emulator.copy.rows import MAX_ROW_BYTES, Row


class RowConverter:
    """Converts rows for the given columns and options."""

    def __init__(self, columns: Sequence[Column], options: CopyOptions) -> None:
        self._columns = columns
        self._fill_record = options.fill_record
        self._ignore_blank = options.ignore_blank_lines
        self._converters = [converter_of(column, options) for column in columns]
        self._fill_values = [
            b"" if c.is_character and not options.empty_as_null else None for c in columns
        ]

    def convert(self, row: Row) -> list[bytes | None] | None:
        """Return the values in column order (None is NULL), or None for a line that IGNOREBLANKLINES skips.

        Raises RowError.
        """
        if row.end - row.start > MAX_ROW_BYTES:
            raise row_too_long()
        if row.broken:
            raise self._quote_error(row)
        fields = row.fields
        if self._ignore_blank and len(fields) == 1 and not fields[0]:
            return None
        if len(fields) > len(self._columns):
            raise RowError(
                1202, "Extra column(s) found", self._columns[-1], row.offsets[-1], fields[-1]
            )
        if len(fields) < len(self._columns) and not self._fill_record:
            last = len(fields) - 1
            raise RowError(
                1214, "Delimiter not found", self._columns[last], row.offsets[last], fields[last]
            )
        values = self._values(row)
        return (
            values
            if len(values) == len(self._columns)
            else [*values, *self._missing(len(fields), row)]
        )

    def convert_record(self, given: Sequence[bytes | None]) -> list[bytes | None]:
        """Return the values of a record, in which None is NULL. Raises RowError."""
        values: list[bytes | None] = []
        for column, convert, field in zip(self._columns, self._converters, given, strict=True):
            if field is None and (column.not_null or column.identity):
                raise RowError(1213, "Missing data for not-null field", column)
            try:
                values.append(None if field is None else convert(field))
            except FieldError as error:
                raise RowError(error.code, error.reason, column, 0, field or b"") from error
        return values

    def _values(self, row: Row) -> list[bytes | None]:
        values: list[bytes | None] = []
        try:
            for convert, field in zip(self._converters, row.fields, strict=False):
                values.append(convert(field))
        except FieldError as error:
            at = len(values)
            raise RowError(
                error.code, error.reason, self._columns[at], row.offsets[at], row.fields[at]
            ) from error
        return values

    def _missing(self, given: int, row: Row) -> list[bytes | None]:
        """Return the values that FILLRECORD adds to a short row of ``given`` fields."""
        for column, value in zip(self._columns[given:], self._fill_values[given:], strict=True):
            if value is None and (column.not_null or column.identity):
                raise RowError(1213, "Missing data for not-null field", column, row.end - row.start)
        return self._fill_values[given:]

    def _quote_error(self, row: Row) -> RowError:
        at = min(len(row.fields), len(self._columns) - 1)
        return RowError(
            1214, "Invalid quote formatting for CSV", self._columns[at], row.offsets[-1]
        )


_SPECIAL = re.compile(rb"[\\\n\r\t]")
_ESCAPES = {b"\\": rb"\\", b"\n": rb"\n", b"\r": rb"\r", b"\t": rb"\t"}


def render_row(values: Sequence[bytes | None]) -> bytes:
    """Render a converted row as one line of PostgreSQL's text format."""
    return b"\t".join([_render(value) for value in values]) + b"\n"


def _render(value: bytes | None) -> bytes:
    if value is None:
        return rb"\N"
    return (
        _SPECIAL.sub(lambda match: _ESCAPES[match[0]], value) if _SPECIAL.search(value) else value
    )
