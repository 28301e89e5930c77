"""What COPY would say about a CSV file, found out without a warehouse: the header, then every value of every row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from etl_core.csv_files.rows import CsvRow
from etl_core.csv_files.values import Objection, Test, value_test
from etl_core.schema_files.schema_file import SchemaFile

_MOST_KEPT, _LONGEST_KEPT, _MOST_SHOWN = 20_000, 64, 80


@dataclass(frozen=True)
class Finding:
    """One value, or one whole row (`column` is None), and what is wrong with it. `loads`: COPY takes it, but changes it."""

    line: int
    column: str | None
    value: str
    reason: str
    loads: bool = False

    def __str__(self) -> str:
        if self.column is None:
            return f"line {self.line}: {self.reason}"
        shown = _shown(self.value[:_MOST_SHOWN]) + ("..." if len(self.value) > _MOST_SHOWN else "")
        return f"line {self.line}, column {self.column!r}, value {shown}: {self.reason}"


def _shown(value: str) -> str:
    """The value in quotes; the bytes of one that is no text."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return repr(value.encode("utf-8", "surrogateescape")).removeprefix("b")
    return repr(value)


def check_rows(
    rows: Iterable[CsvRow], columns: Sequence[str], spec: SchemaFile
) -> Iterator[Finding]:
    """What is wrong with the rows; `columns` are the file's, in its order. Memory does not grow with the file."""
    memories = [_Memory(name, _test(name, spec)) for name in columns]
    known = [memory.accepted for memory in memories]
    for line, fields, fault in rows:
        if fault is not None:
            yield Finding(line, None, "", fault)
            continue
        if len(fields) != len(columns):
            if fields == [""]:  # an empty line is skipped
                continue
            yield Finding(
                line, None, "", f"has {len(fields)} fields; the header has {len(columns)}"
            )
            continue
        for value, accepted, memory in zip(fields, known, memories, strict=True):
            if value not in accepted and (found := memory.test(value)) is not None:
                yield Finding(line, memory.name, value, found.reason, found.loads)


class _Memory:
    """A column's test, and values that passed it: most files repeat most of their values."""

    def __init__(self, name: str, test: Test) -> None:
        self.name, self._test = name, test
        self.accepted: set[str] = set()

    def test(self, value: str) -> Objection | None:
        found = self._test(value)
        if found is None and len(value) <= _LONGEST_KEPT and len(self.accepted) < _MOST_KEPT:
            self.accepted.add(value)
        return found


def _test(name: str, spec: SchemaFile) -> Test:
    column = next(column for column in spec.columns if column.name == name)
    return value_test(column, spec.csv, not_null=not column.nullable or name in spec.primary_key)
