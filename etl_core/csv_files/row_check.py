"""Checks rows as COPY reads them, without a warehouse: what it refuses, cuts off or reads in one of two ways. Pure.

`etl check` and loads use the same check, so that both say the same about a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from etl_core.csv_files.messages import (
    ADD_FIELDS,
    DELIMITER_AT_END,
    END_OF_FILE_MARK,
    FIELDS_MISSING,
    FIELDS_SURPLUS,
    FINDING_OF_ROW,
    FINDING_OF_VALUE,
    HEADER_REPEATED,
    QUOTE_VALUES,
    REMOVE_EMPTY_ROWS,
    REMOVE_HEADERS,
    ROW_ALL_EMPTY,
)
from etl_core.csv_files.rows import CsvRow
from etl_core.csv_files.values import Effect, ValueIssue, ValueTest, size_of, value_test
from etl_core.schema_files.schema_file import ColumnSpec, SchemaFile

_MAX_KEPT, _MAX_KEPT_LENGTH, _MAX_SHOWN = 20_000, 64, 80
_ALL_EMPTY = ValueIssue(ROW_ALL_EMPTY(), Effect.NOTED, REMOVE_EMPTY_ROWS)
_REPEATED_HEADER = ValueIssue(HEADER_REPEATED(), Effect.NOTED, REMOVE_HEADERS)


@dataclass(frozen=True)
class Finding:
    """One value, or a whole row (`column` is None), and what is wrong with it."""

    line: int
    column: str | None
    value: str
    issue: ValueIssue

    def __str__(self) -> str:
        if self.column is None:
            return FINDING_OF_ROW(line=self.line, reason=self.issue.reason)
        return FINDING_OF_VALUE(
            line=self.line,
            column=self.column,
            value=shown(self.value),
            reason=self.issue.reason,
        )


def shown(value: str) -> str:
    """Return the beginning of the value in quotes; its bytes if it is not valid text."""
    rest = f"... ({size_of(value)} bytes)" if len(value) > _MAX_SHOWN else ""
    value = value[:_MAX_SHOWN]
    try:
        value.encode()
    except UnicodeEncodeError:
        return repr(value.encode("utf-8", "surrogateescape")).removeprefix("b") + rest
    return repr(value) + rest


class RowCheck:
    """The check of one file's rows. `columns` are the file's, in its order; `header` its first row.

    Memory use does not grow with the file.
    """

    def __init__(
        self, columns: Sequence[str], spec: SchemaFile, header: Sequence[str] = ()
    ) -> None:
        by_name = {column.name: column for column in spec.columns}
        self.options = spec.csv
        self._checks = [_ColumnCheck(by_name.get(name), spec) for name in columns]
        self._header = list(header)

    def findings(self, rows: Iterable[CsvRow]) -> Iterator[Finding]:
        """Yield what is wrong with the rows."""
        for row in rows:
            yield from self.of_row(row)

    def of_row(self, row: CsvRow) -> Iterator[Finding]:
        """Yield what is wrong with one row. A row of another length has one finding."""
        line, fields = row.line, row.fields
        if row.fault is not None:
            yield Finding(line, None, "", ValueIssue(row.fault, find_hint=lambda: row.hint))
        elif len(fields) != len(self._checks):
            if fields != [""]:  # COPY skips an empty line
                yield Finding(
                    line, None, self.options.delimiter.join(fields), self._count_issue(fields)
                )
        else:
            note = self._note(fields)
            if note is not None:
                yield Finding(line, None, "", note)
            yield from self._of_values(line, fields, note)

    def _note(self, fields: list[str]) -> ValueIssue | None:
        """Return what is remarkable about the row as a whole, although it may load."""
        if len(fields) > 1 and not any(fields):
            return _ALL_EMPTY
        if fields == self._header:
            return _REPEATED_HEADER
        return None

    def _of_values(
        self, line: int, fields: list[str], note: ValueIssue | None
    ) -> Iterator[Finding]:
        for value, check in zip(fields, self._checks, strict=True):
            if (issue := check.run(value)) is not None:
                if note is not None and issue.effect is Effect.REFUSED:
                    issue = replace(issue, find_hint=note.find_hint)
                yield Finding(line, check.name, value, issue)

    def _count_issue(self, fields: list[str]) -> ValueIssue:
        given, expected = len(fields), len(self._checks)
        if given < expected:
            hint = END_OF_FILE_MARK() if "".join(fields).strip("\x1a") == "" else ADD_FIELDS()
            return ValueIssue(
                FIELDS_MISSING(given=given, expected=expected), find_hint=lambda: hint
            )
        is_delimiter_at_end = given == expected + 1 and not fields[-1]
        hint = DELIMITER_AT_END() if is_delimiter_at_end else QUOTE_VALUES()
        return ValueIssue(FIELDS_SURPLUS(given=given, expected=expected), find_hint=lambda: hint)


class _ColumnCheck:
    """A column's test, and results that it had: most files repeat most of their values."""

    def __init__(self, column: ColumnSpec | None, spec: SchemaFile) -> None:
        self.name = ""
        self._test: ValueTest = lambda _: None  # a column that is not loaded
        if column is not None:
            not_null = not column.nullable or column.name in spec.primary_key
            self.name = column.name
            self._test = value_test(column, spec.csv, not_null=not_null)
        self._known: dict[str, ValueIssue | None] = {}

    def run(self, value: str) -> ValueIssue | None:
        try:
            return self._known[value]
        except KeyError:
            issue = self._test(value)
        if len(value) <= _MAX_KEPT_LENGTH and len(self._known) < _MAX_KEPT:
            self._known[value] = issue
        return issue
