"""Drift: what somebody changed in a table behind the back of its schema file, told before a COPY meets it. Pure.

What decides what a row means is compared: names, types, nullability. Keys, encodings and descriptions are not: a load works with any.
Nor are defaults and identities, because no source confirms every form in which the catalog prints them. Nor is a text that is
longer than its schema says: a schema file that was refused after its widening had committed leaves one behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from etl_core.model.errors import TableDriftError
from etl_core.model.lake_key import Action
from etl_core.model.table_ref import TableRef
from etl_core.schema_changes.changes import (
    AddColumn,
    Change,
    ChangeNullability,
    DropColumn,
    NarrowColumn,
    RetypeColumn,
    SuspectedRename,
    WidenColumn,
)
from etl_core.schema_changes.diff import diff
from etl_core.schema_changes.live_table import parse_table
from etl_core.schema_files.column_types import describe_type
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file


def check_drift(rows: Sequence[sa.Row[Any]], spec: SchemaFile, table: TableRef) -> None:
    """Raises TableDriftError if the live table (rows of catalog.select_table) is not the one of `spec`, the schema in force.

    No rows, no table: that is told by the first statement that needs it.
    """
    try:
        actual = parse_table(table, rows)
    except ValueError as error:
        found: tuple[str, ...] = (f"a column has a type that no schema file can describe: {error}",)
    else:
        found = () if actual is None else tuple(describe_drift(actual, spec, table))
    if found:
        raise _drifted(str(table), spec, found)


def describe_drift(actual: sa.Table, spec: SchemaFile, table: TableRef) -> Iterator[str]:
    """Each difference of a column, in words."""
    desired = table_of_schema_file(_without_renames(spec), table)
    for change in diff(actual, desired):
        if text := _describe(change):
            yield text


def _without_renames(spec: SchemaFile) -> SchemaFile:
    """They were done when the file was applied; a column of the old name is another one."""
    columns = tuple(column.model_copy(update={"renamed_from": None}) for column in spec.columns)
    return spec.model_copy(update={"columns": columns})


def _describe(change: Change) -> str | None:
    match change:
        case AddColumn(column):
            return f"column {column.name!r} is in the schema file, but not in the table"
        case SuspectedRename(dropped, added, kind):
            return f"column {added!r} seems to have been renamed to {dropped!r}: both are {kind}"
        case NarrowColumn() if _is_only_longer(change):
            return None
        case DropColumn() | WidenColumn() | RetypeColumn() | NarrowColumn() | ChangeNullability():
            return str(change)
        case _:
            return None


def _is_only_longer(change: NarrowColumn) -> bool:
    return (
        describe_type(change.actual.type).name
        == describe_type(change.desired.type).name
        == "character varying"
    )


def _drifted(target: str, spec: SchemaFile, found: tuple[str, ...]) -> TableDriftError:
    undo = "undo the change in the warehouse"
    describe = "upload a schema file that describes the table as it is now"
    ways = f"{describe}, or {undo}" if Action.SCHEMA in spec.allowed_operations else undo
    return TableDriftError(
        f"the table {target} is no longer what its schema (version {spec.schema_version}) says: {'; '.join(found)}. "
        "It was altered outside of the pipeline, and files are loaded only into the table that the schema file describes. "
        f"Nothing was loaded; the table is as it was. To go on, {ways}; then upload this file again",
        found,
    )
