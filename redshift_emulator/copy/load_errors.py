"""Why a field or a row cannot be loaded, as the load-error views show it. Pure.

Codes: "Load error reference".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redshift_emulator.copy.columns import Column
from redshift_emulator.errors import BackendError

RAW_BYTES = 1024
"""How many bytes of a row or a field the load-error views show."""


class FieldError(Exception):
    """A field that cannot be loaded: the error code and the reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


Convert = Callable[[bytes], bytes | None]
"""Converts one field of the file to text for PostgreSQL, or to NULL. Raises FieldError."""


class RowError(Exception):
    """A row that cannot be loaded.

    ``column`` is the column that failed, ``position`` the offset of its field in the row, ``value``
    the field's text.
    """

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


def row_too_long() -> RowError:
    """Return the error of a row that exceeds 4 MB."""
    return RowError(1216, "Input line is not valid: the row is longer than 4 MB")


@dataclass(frozen=True)
class Rejection:
    """A rejected row, its file and its line number."""

    file: str
    line: int
    error: RowError
    raw_line: bytes = b""


_CODES = {
    "22001": 1204,
    "22003": 1204,
    "22007": 1206,
    "22008": 1205,
    "22P02": 1207,
    "22P04": 1202,
    "23502": 1213,
    "22021": 1220,
}
_CONTEXT = re.compile(r"line (\d+)(?:, column ([^:]+))?(?:: \"(.*)\")?", re.DOTALL)


def rejection_by_postgresql(
    failure: BackendError, file: str, line: int, columns: Sequence[Column]
) -> Rejection | None:
    """Return PostgreSQL's error about one row as a rejection.

    None when the error is not about a row.
    """
    code = _CODES.get(failure.sqlstate)
    where = _CONTEXT.search(failure.fields.get("W", ""))
    if code is None or where is None:
        return None
    name = where[2] or failure.fields.get("c")
    column = next((each for each in columns if each.name == name), None)
    value = (where[3] or "").encode()
    return Rejection(file, line, RowError(code, str(failure), column, 0, value), value)


def failed_stream_line(failure: BackendError) -> int:
    """Return the line of the stream that PostgreSQL's error names; 0 when it names none."""
    where = _CONTEXT.search(failure.fields.get("W", ""))
    return int(where[1]) if where else 0
