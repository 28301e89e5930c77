"""What COPY refused, in words: the load-error view tells line, column and reason; the value is read from the file itself.

sys_load_error_detail, the one view that every user of every Redshift can read, does not hold the value.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from etl_core.csv_header import CODECS
from etl_core.errors import CopyRefusedError, LoadErrorLine
from etl_core.log import Failure

MAX_LINES = 10
_MAX_ROW_BYTES = 4 << 20
_MAX_FILE_BYTES = 1 << 30
_MAX_VALUE = 120


class RowShape(Protocol):
    """How the file's rows are written."""

    @property
    def delimiter(self) -> str: ...
    @property
    def quote(self) -> str: ...
    @property
    def encoding(self) -> str: ...


def describe_refusal(
    error: CopyRefusedError, pieces: Iterable[bytes], columns: Sequence[str], options: RowShape
) -> Failure:
    """The log's failure for a COPY that refused rows. `pieces` are the file's uncompressed bytes, `columns` in file order."""
    if not error.lines:
        return Failure("CopyRefusedError", f"{error.message}. Nothing was loaded; the table is as it was")
    lines = sorted(error.lines, key=lambda line: line.line)[:MAX_LINES]
    rows = _rows_at({line.line for line in lines}, pieces, options) if options.encoding == "UTF8" else {}
    details = tuple(_describe(line, rows.get(line.line), columns) for line in lines)
    return Failure(
        "CopyRefusedError",
        f"the warehouse refused a row of the file: {details[0]}. "
        "Nothing was loaded; the table is as it was. Correct the file and upload it again",
        details,
    )


def _describe(line: LoadErrorLine, row: Sequence[str] | None, columns: Sequence[str]) -> str:
    place = f"line {line.line}"
    if line.column:
        place += f", column {line.column!r} ({line.column_type})" if line.column_type else f", column {line.column!r}"
    value = _value(line.column, row, columns)
    given = "" if value is None else f", value {_short(value)}"
    return f"{place}{given}: {line.reason.rstrip('. ')} (code {line.code})"


def _value(column: str, row: Sequence[str] | None, columns: Sequence[str]) -> str | None:
    if row is None or column not in columns or columns.index(column) >= len(row):
        return None
    return row[columns.index(column)]


def _short(value: str) -> str:
    return repr(value) if len(value) <= _MAX_VALUE else f"{value[:_MAX_VALUE]!r}... ({len(value.encode())} bytes)"


def _rows_at(numbers: set[int], pieces: Iterable[bytes], options: RowShape) -> dict[int, list[str]]:
    """The parsed rows that begin at these lines (the first line is 1). Reads no further than it must."""
    found: dict[int, list[str]] = {}
    open_row: tuple[int, bytes] | None = None
    quote = options.quote.encode()
    for number, line in _lines(pieces, max(numbers) + 1000):
        if open_row is not None:
            open_row = (open_row[0], open_row[1] + line)
        elif number in numbers:
            open_row = (number, line)
        if open_row is not None and (open_row[1].count(quote) % 2 == 0 or len(open_row[1]) > _MAX_ROW_BYTES):
            found[open_row[0]] = _parse(open_row[1], options)
            open_row = None
        if open_row is None and (len(found) == len(numbers) or number > max(numbers)):
            break
    return found


def _lines(pieces: Iterable[bytes], most: int) -> Iterator[tuple[int, bytes]]:
    number, rest, size = 1, b"", 0
    for piece in pieces:
        size += len(piece)
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield number, line + b"\n"
            number += 1
        if number > most or size > _MAX_FILE_BYTES or len(rest) > _MAX_ROW_BYTES:
            return
    if rest:
        yield number, rest


def _parse(row: bytes, options: RowShape) -> list[str]:
    text = row.decode(CODECS[options.encoding], errors="replace").rstrip("\r\n")
    try:
        return next(csv.reader([text], delimiter=options.delimiter, quotechar=options.quote), [])
    except csv.Error:
        return []
