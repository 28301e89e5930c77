"""What COPY refused, in words: the load-error view tells line, column and reason; the value is read from the file itself.

sys_load_error_detail, the one view that every user of every Redshift can read, does not hold the value.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from etl_core.csv_files.header import CODECS
from etl_core.model.errors import CopyRefusedError, EtlError, LoadErrorLine
from etl_core.upload_log.outcome import Failure

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
        return Failure(
            "CopyRefusedError",
            f"{error.message.rstrip('.')}. Nothing was loaded; the table is as it was. Correct the file and upload it again",
        )
    lines = sorted(error.lines, key=lambda line: line.line)[:MAX_LINES]
    rows = (
        _rows_at({line.line for line in lines}, pieces, options)
        if options.encoding == "UTF8"
        else {}
    )
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
        place += (
            f", column {line.column!r} ({line.column_type})"
            if line.column_type
            else f", column {line.column!r}"
        )
    value = _value(line.column, row, columns)
    given = "" if value is None else f", value {_short(value)}"
    return f"{place}{given}: {line.reason.rstrip('. ')} (code {line.code})"


def _value(column: str, row: Sequence[str] | None, columns: Sequence[str]) -> str | None:
    if row is None or column not in columns or columns.index(column) >= len(row):
        return None
    return row[columns.index(column)]


def _short(value: str) -> str:
    return (
        repr(value)
        if len(value) <= _MAX_VALUE
        else f"{value[:_MAX_VALUE]!r}... ({len(value.encode())} bytes)"
    )


def _rows_at(numbers: set[int], pieces: Iterable[bytes], options: RowShape) -> dict[int, list[str]]:
    """The parsed rows that begin at these lines (the first line is 1). Reads no further than it must."""
    found: dict[int, list[str]] = {}
    last, quote = max(numbers), options.quote.encode()
    row: list[bytes] = []
    begin = size = quotes = 0
    try:
        for number, line in _lines(pieces, min(numbers), last + 1000):
            if not row and number not in numbers:
                if number > last:
                    break
                continue
            if not row:
                begin, size, quotes = number, 0, 0
            row.append(line)
            size, quotes = size + len(line), quotes + line.count(quote)
            if quotes % 2 == 0 or size > _MAX_ROW_BYTES:
                found[begin] = _parse(b"".join(row), options)
                row.clear()
    except EtlError:
        # The refusal is what is to be told; a file that cannot be read to that place only leaves the value unknown.
        return found
    return found


def _lines(pieces: Iterable[bytes], first: int, most: int) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers; those before `first` are only counted, a piece at a time, and may be left out."""
    number, rest, size = 1, b"", 0
    for piece in pieces:
        size += len(piece)
        breaks = piece.count(b"\n")
        if breaks and number + breaks < first:
            number, rest = number + breaks, piece[piece.rindex(b"\n") + 1 :]
            continue
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
