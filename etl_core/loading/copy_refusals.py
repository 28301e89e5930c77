"""Explain a refused COPY. The load-error view names the line and the column; our own check of that row says
what is wrong and how to cure it. COPY's text and code are a detail.

sys_load_error_detail, the only such view that every user of every Redshift can read, does not hold
the value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from etl_core.csv_files.row_check import Finding, RowCheck, shown
from etl_core.csv_files.rows import CsvRow, read_rows, read_rows_from
from etl_core.csv_files.values import Effect
from etl_core.loading.file_scan import place_of
from etl_core.loading.messages import (
    COPY_REFUSED,
    COPY_REFUSED_ROW,
    CORRECT_FILE,
    REFUSED_COLUMN,
    REFUSED_LINE,
    REFUSED_PLACE,
    REFUSED_PLACE_UNKNOWN,
    REFUSED_VALUE,
)
from etl_core.model.errors import CopyRefusedError, EtlError, LoadErrorLine, Place
from etl_core.schema_files.schema_file import CsvOptions
from etl_core.upload_log.outcome import Failure, code_of

MAX_LINES = 10
_MAX_LINES_FURTHER = 1000
_MAX_FILE_BYTES = 1 << 30
_TYPE = CopyRefusedError.__name__


@dataclass(frozen=True)
class ExplainedCopy:
    """A refused COPY, explained. `is_of_file`: the file is at fault; otherwise nobody knows."""

    failure: Failure
    is_of_file: bool


def describe_refusal(
    error: CopyRefusedError,
    pieces: Iterable[bytes],
    columns: Sequence[str],
    options: CsvOptions,
    check: RowCheck | None = None,
) -> ExplainedCopy:
    """Return the explanation of a COPY that refused rows.

    `pieces` are the file's uncompressed bytes, `columns` in file order. `check` checks its rows.
    """
    lines = sorted(error.lines, key=lambda line: (line.line < 1, line.line))[:MAX_LINES]
    numbers = {line.line for line in lines if line.line >= 1}
    limited = _limited(pieces)
    rows = _rows_at(numbers, limited, options) if numbers else {}
    finding = _find_first(rows, lines, check) if numbers else _search(limited, options, check)
    if finding is None and not lines:
        reason = COPY_REFUSED(reason=error.message.rstrip("."))
        return ExplainedCopy(Failure(_TYPE, reason, code=code_of(reason)), is_of_file=False)
    details = tuple(_describe(line, rows.get(line.line), columns) for line in lines)
    if finding is None:
        return ExplainedCopy(_failure_of_copy(details, lines[0], rows, columns), is_of_file=True)
    return ExplainedCopy(_failure_of_finding(finding, details), is_of_file=True)


def _failure_of_copy(
    details: Sequence[str], line: LoadErrorLine, rows: dict[int, CsvRow], columns: Sequence[str]
) -> Failure:
    hint = CORRECT_FILE()
    message = COPY_REFUSED_ROW(row=details[0], fix=hint)
    value = _find_value(line.column, rows.get(line.line), columns)
    place = Place(line.line if line.line >= 1 else None, line.column or None, value)
    return Failure(_TYPE, message, tuple(details), code_of(message), hint, place)


def _failure_of_finding(finding: Finding, details: Sequence[str]) -> Failure:
    hint = finding.issue.hint or CORRECT_FILE()
    message = COPY_REFUSED_ROW(row=finding, fix=hint)
    return Failure(_TYPE, message, tuple(details), finding.issue.reason.id, hint, place_of(finding))


def _find_first(
    rows: dict[int, CsvRow], lines: Sequence[LoadErrorLine], check: RowCheck | None
) -> Finding | None:
    """Return what our check says about the first refused row; of its findings, that of COPY's column."""
    row = rows.get(lines[0].line)
    if row is None or check is None:
        return None
    findings = [each for each in check.of_row(row) if each.issue.effect is Effect.REFUSED]
    named = [each for each in findings if each.column in (None, lines[0].column)]
    return next(iter([*named, *findings]), None)


def _search(pieces: Iterable[bytes], options: CsvOptions, check: RowCheck | None) -> Finding | None:
    """Return the first fault of the file: COPY says that there is one, and not where."""
    if check is None:
        return None
    try:
        findings = check.findings(read_rows(pieces, options))
        return next((each for each in findings if each.issue.effect is Effect.REFUSED), None)
    except EtlError:
        return None


def _describe(line: LoadErrorLine, row: CsvRow | None, columns: Sequence[str]) -> str:
    reason, code = line.reason.rstrip(". "), line.code
    # COPY reads a large file in parts, and numbers no lines then: the view has -1.
    place = REFUSED_PLACE(line=line.line) if line.line >= 1 else REFUSED_PLACE_UNKNOWN()
    if not line.column:
        return REFUSED_LINE(place=place, reason=reason, code=code)
    column = f"{line.column!r} ({line.column_type})" if line.column_type else repr(line.column)
    value = _find_value(line.column, row, columns)
    if value is None:
        return REFUSED_COLUMN(place=place, column=column, reason=reason, code=code)
    return REFUSED_VALUE(place=place, column=column, value=shown(value), reason=reason, code=code)


def _find_value(column: str, row: CsvRow | None, columns: Sequence[str]) -> str | None:
    if row is None or column not in columns or columns.index(column) >= len(row.fields):
        return None
    return row.fields[columns.index(column)]


def _rows_at(numbers: set[int], pieces: Iterable[bytes], options: CsvOptions) -> dict[int, CsvRow]:
    """Return the rows that begin at these lines (the first line is 1). Stops reading after the last one."""
    rows: dict[int, CsvRow] = {}
    last = max(numbers)
    try:
        for row in islice(read_rows_from(pieces, options, min(numbers)), last + _MAX_LINES_FURTHER):
            if row.line in numbers:
                rows[row.line] = row
            if row.line >= last:
                break
    except EtlError:
        # The refusal matters more: a file that cannot be read up to that line only leaves the value
        # unknown.
        return rows
    return rows


def _limited(pieces: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        yield piece
        if size > _MAX_FILE_BYTES:
            return
