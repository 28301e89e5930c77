"""Explain a refused COPY: line, column and reason come from the load-error view, the value from the file.

sys_load_error_detail, the only such view that every user of every Redshift can read, does not hold
the value.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from etl_core.csv_files.text_encodings import CODECS
from etl_core.loading.messages import (
    COPY_REFUSED,
    COPY_REFUSED_ROW,
    REFUSED_COLUMN,
    REFUSED_LINE,
    REFUSED_PLACE,
    REFUSED_PLACE_UNKNOWN,
    REFUSED_VALUE,
)
from etl_core.model.errors import CopyRefusedError, EtlError, LoadErrorLine
from etl_core.upload_log.outcome import Failure

MAX_LINES = 10
_MAX_ROW_BYTES = 4 << 20
_MAX_FILE_BYTES = 1 << 30
_MAX_VALUE = 120


class RowFormat(Protocol):
    """How the file's rows are written."""

    @property
    def delimiter(self) -> str: ...
    @property
    def quote(self) -> str: ...
    @property
    def encoding(self) -> str: ...


def describe_refusal(
    error: CopyRefusedError, pieces: Iterable[bytes], columns: Sequence[str], options: RowFormat
) -> Failure:
    """Return the failure of a COPY that refused rows.

    `pieces` are the file's uncompressed bytes, `columns` in file order.
    """
    if not error.lines:
        return Failure("CopyRefusedError", COPY_REFUSED(reason=error.message.rstrip(".")))
    lines = sorted(error.lines, key=lambda line: (line.line < 1, line.line))[:MAX_LINES]
    numbers = {line.line for line in lines if line.line >= 1}
    rows = _rows_at(numbers, pieces, options) if numbers and options.encoding == "UTF8" else {}
    details = tuple(_describe(line, rows.get(line.line), columns) for line in lines)
    return Failure("CopyRefusedError", COPY_REFUSED_ROW(row=details[0]), details)


def _describe(line: LoadErrorLine, row: Sequence[str] | None, columns: Sequence[str]) -> str:
    reason, code = line.reason.rstrip(". "), line.code
    # COPY reads a large file in parts, and numbers no lines then: the view has -1.
    place = REFUSED_PLACE(line=line.line) if line.line >= 1 else REFUSED_PLACE_UNKNOWN()
    if not line.column:
        return REFUSED_LINE(place=place, reason=reason, code=code)
    column = f"{line.column!r} ({line.column_type})" if line.column_type else repr(line.column)
    value = _find_value(line.column, row, columns)
    if value is None:
        return REFUSED_COLUMN(place=place, column=column, reason=reason, code=code)
    return REFUSED_VALUE(place=place, column=column, value=_short(value), reason=reason, code=code)


def _find_value(column: str, row: Sequence[str] | None, columns: Sequence[str]) -> str | None:
    if row is None or column not in columns or columns.index(column) >= len(row):
        return None
    return row[columns.index(column)]


def _short(value: str) -> str:
    return (
        repr(value)
        if len(value) <= _MAX_VALUE
        else f"{value[:_MAX_VALUE]!r}... ({len(value.encode())} bytes)"
    )


def _rows_at(
    numbers: set[int], pieces: Iterable[bytes], options: RowFormat
) -> dict[int, list[str]]:
    """Return the parsed rows that begin at these lines (the first line is 1).

    Stops reading after the last one.
    """
    rows: dict[int, list[str]] = {}
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
                rows[begin] = _parse(b"".join(row), options)
                row.clear()
    except EtlError:
        # The refusal matters more: a file that cannot be read up to that line only leaves the value
        # unknown.
        return rows
    return rows


def _lines(pieces: Iterable[bytes], first: int, most: int) -> Iterator[tuple[int, bytes]]:
    """Yield the lines with their numbers.

    Lines before `first` are only counted, a piece at a time, and may be left out.
    """
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


def _parse(row: bytes, options: RowFormat) -> list[str]:
    text = row.decode(CODECS[options.encoding], errors="replace").rstrip("\r\n")
    try:
        return next(csv.reader([text], delimiter=options.delimiter, quotechar=options.quote), [])
    except csv.Error:
        return []
