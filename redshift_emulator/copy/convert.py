"""Turns a row that the gate held back into values to store, or says why it cannot be loaded. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from redshift_emulator.copy.columns import Column
from redshift_emulator.copy.field_error import FieldError
from redshift_emulator.copy.fields import converter_of
from redshift_emulator.copy.options import CopyOptions
from redshift_emulator.copy.rows import MAX_ROW_BYTES, Row

RAW_BYTES = 1024
"""How much of a row or a field the load-error views show."""


class RowError(Exception):
    """Why a row was rejected: code and reason, the column it failed at, where that field begins in the row, its text."""

    def __init__(
        self,
        code: int,
        reason: str,
        column: Column | None = None,
        position: int = 0,
        value: bytes = b"",
    ) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.column = column
        self.position = position
        self.value = value[:RAW_BYTES]


class RowConverter:
    """Converts rows for these columns under these options."""

    def __init__(self, columns: Sequence[Column], options: CopyOptions) -> None:
        self._columns = columns
        self._fill = options.fill_record
        self._skip_blank = options.ignore_blank_lines
        self._converters = [converter_of(column, options) for column in columns]
        self._filled = [
            b"" if c.is_character and not options.empty_as_null else None for c in columns
        ]

    def convert(self, row: Row) -> list[bytes | None] | None:
        """The values in the order of the columns, None among them for NULL. None instead of a list for a blank line that
        IGNOREBLANKLINES skips. Raises RowError."""
        if row.end - row.start > MAX_ROW_BYTES:
            raise RowError(1216, "Input line is not valid: the row is longer than 4 MB")
        if row.broken:
            raise self._broken(row)
        fields = row.fields
        if self._skip_blank and len(fields) == 1 and not fields[0]:
            return None
        if len(fields) > len(self._columns):
            raise RowError(
                1202, "Extra column(s) found", self._columns[-1], row.offsets[-1], fields[-1]
            )
        if len(fields) < len(self._columns) and not self._fill:
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

    def _values(self, row: Row) -> list[bytes | None]:
        values: list[bytes | None] = []
        try:
            for convert, field in zip(self._converters, row.fields, strict=False):
                values.append(convert(field))
        except FieldError as fault:
            at = len(values)
            raise RowError(
                fault.code, fault.reason, self._columns[at], row.offsets[at], row.fields[at]
            ) from fault
        return values

    def _missing(self, given: int, row: Row) -> list[bytes | None]:
        """FILLRECORD: what stands for fields that a short row does not have."""
        for column, value in zip(self._columns[given:], self._filled[given:], strict=True):
            if value is None and (column.not_null or column.identity):
                raise RowError(1213, "Missing data for not-null field", column, row.end - row.start)
        return self._filled[given:]

    def _broken(self, row: Row) -> RowError:
        at = min(len(row.fields), len(self._columns) - 1)
        return RowError(
            1214, "Invalid quote formatting for CSV", self._columns[at], row.offsets[-1]
        )


_SPECIAL = re.compile(rb"[\\\n\r\t]")
_ESCAPES = {b"\\": rb"\\", b"\n": rb"\n", b"\r": rb"\r", b"\t": rb"\t"}


def render_row(values: Sequence[bytes | None]) -> bytes:
    """A converted row as one line of PostgreSQL's text format."""
    return b"\t".join([_render(value) for value in values]) + b"\n"


def _render(value: bytes | None) -> bytes:
    if value is None:
        return rb"\N"
    return (
        _SPECIAL.sub(lambda found: _ESCAPES[found[0]], value) if _SPECIAL.search(value) else value
    )
