"""Checks the values of a CSV file as COPY would, without a warehouse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from etl_core.csv_files.rows import CsvRow
from etl_core.csv_files.values import ValueIssue, ValueTest, value_test
from etl_core.schema_files.schema_file import SchemaFile

_MAX_KEPT, _MAX_KEPT_LENGTH, _MAX_SHOWN = 20_000, 64, 80


@dataclass(frozen=True)
class Finding:
    """One value, or a whole row (`column` is None), and what is wrong with it.

    `loads`: COPY accepts it, but changes it.
    """

    line: int
    column: str | None
    value: str
    reason: str
    loads: bool = False

    def __str__(self) -> str:
        if self.column is None:
            return f"line {self.line}: {self.reason}"
        shown = _shown(self.value[:_MAX_SHOWN]) + ("..." if len(self.value) > _MAX_SHOWN else "")
        return f"line {self.line}, column {self.column!r}, value {shown}: {self.reason}"


def _shown(value: str) -> str:
    """Return the value in quotes; its bytes if it is not valid text."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return repr(value.encode("utf-8", "surrogateescape")).removeprefix("b")
    return repr(value)


def check_rows(
    rows: Iterable[CsvRow], columns: Sequence[str], spec: SchemaFile
) -> Iterator[Finding]:
    """Yield what is wrong with the rows.

    `columns` are the file's, in its order. Memory use does not grow with the file.
    """
    checks = [_ColumnCheck(name, _test(name, spec)) for name in columns]
    for line, fields, fault in rows:
        if fault is not None:
            yield Finding(line, None, "", fault)
            continue
        if len(fields) != len(columns):
            if fields != [""]:  # COPY skips an empty line
                reason = f"has {len(fields)} fields; the header has {len(columns)}"
                yield Finding(line, None, "", reason)
            continue
        for value, check in zip(fields, checks, strict=True):
            if value not in check.accepted and (issue := check.run(value)) is not None:
                yield Finding(line, check.name, value, issue.reason, issue.loads)


class _ColumnCheck:
    """A column's test, and values that it accepted: most files repeat most of their values."""

    def __init__(self, name: str, test: ValueTest) -> None:
        self.name, self._test = name, test
        self.accepted: set[str] = set()

    def run(self, value: str) -> ValueIssue | None:
        issue = self._test(value)
        if issue is None and len(value) <= _MAX_KEPT_LENGTH and len(self.accepted) < _MAX_KEPT:
            self.accepted.add(value)
        return issue


def _test(name: str, spec: SchemaFile) -> ValueTest:
    column = next(column for column in spec.columns if column.name == name)
    return value_test(column, spec.csv, not_null=not column.nullable or name in spec.primary_key)
