"""Rules for the names that data files use for columns: each name means one column. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from etl_core.model.names import header_key, header_spelling
from etl_core.schema_files.messages import (
    HEADER_NAME_TWICE,
    HEADER_OF_IDENTITY,
    OPTION_WITHOUT_HEADER,
)
from etl_core.schema_files.schema_rules import Fault, Path

if TYPE_CHECKING:
    from etl_core.schema_files.schema_file import ColumnSpec, SchemaFile


def faults_of_headers(file: SchemaFile, faulty: Collection[Path]) -> Iterator[Fault]:
    """Yield the faults of `header`, `csv.header` and `csv.ignore_columns`.

    `faulty`: paths with a fault of their own, of which nothing more is reported.
    """
    listed = file.columns if "columns" in file.model_fields_set else ()
    columns = {
        index: column for index, column in enumerate(listed) if "name" in column.model_fields_set
    }
    if file.csv.header == "none":
        yield from _without_header(file, columns)
        return
    meanings = _Meanings(faulty)
    for index, column in columns.items():
        if not column.header:
            meanings.of_names[header_key(column.name)] = _shown(index, column)
    for index, column in columns.items():
        yield from meanings.faults_of_column(index, column)
    for place, name in enumerate(file.csv.ignore_columns):
        yield from meanings.faults_of_name(("csv", "ignore_columns", place), name, "ignored")


class _Meanings:
    """What each name of a header means.

    The empty name may belong to several columns, which are told apart by their order. So may names
    that differ only in case, if the file lists each of them: they are told apart by their spelling.
    """

    def __init__(self, faulty: Collection[Path]) -> None:
        self.of_names: dict[str, str] = {}
        """Of the names of the columns without `header`, by key."""
        self._of_spellings: dict[str, str] = {}
        self._faulty = faulty

    def faults_of_column(self, index: int, column: ColumnSpec) -> Iterator[Fault]:
        path = ("columns", index, "header")
        if column.identity is not None and column.header:
            yield Fault(path, HEADER_OF_IDENTITY())
        for place, name in enumerate(column.header):
            meant = "a column" if not name.strip() else _shown(index, column)
            yield from self.faults_of_name((*path, place), name, meant)

    def faults_of_name(self, path: Path, name: str, meant: str) -> Iterator[Fault]:
        if path not in self._faulty:
            first = self._of_spellings.setdefault(header_spelling(name), meant)
            first = self.of_names.get(header_key(name), first)
            if first != meant:
                yield Fault(path, HEADER_NAME_TWICE(name=name, other=first))


def _shown(index: int, column: ColumnSpec) -> str:
    return f"columns[{index}] ({column.name!r})"


def _without_header(file: SchemaFile, columns: dict[int, ColumnSpec]) -> Iterator[Fault]:
    if file.csv.ignore_columns:
        yield Fault(("csv", "ignore_columns"), OPTION_WITHOUT_HEADER())
    if file.csv.missing_columns != "reject":
        yield Fault(("csv", "missing_columns"), OPTION_WITHOUT_HEADER())
    for index, column in columns.items():
        if column.header:
            yield Fault(("columns", index, "header"), OPTION_WITHOUT_HEADER())
