"""Drift: a table that was altered outside of the pipeline. Reported before COPY runs. Pure.

Names, types and nullability of columns are compared, because they decide what a row means. Keys,
encodings and descriptions are not: a load works with any. Defaults and identities are not either,
because no source confirms every form in which the catalog prints them. A column whose type the
loader does not know is not compared: it is left alone, and a warning names it. A VARCHAR that is longer
than in its schema is no drift: it remains when a schema file is refused after its widening has
committed.
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
    DropColumn,
    Facet,
    RebuildColumn,
    SuspectedRename,
    WidenColumn,
)
from etl_core.schema_changes.conversions import are_varchar
from etl_core.schema_changes.diff import diff
from etl_core.schema_changes.live_table import parse_table, warn_unknown_types
from etl_core.schema_changes.messages import (
    DRIFT_RENAMED,
    TABLE_ALTERED,
    TABLE_ALTERED_FIXED_SCHEMA,
    join_lines,
)
from etl_core.schema_files.column_types import describe_type
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file


def check_drift(rows: Sequence[sa.Row[Any]], spec: SchemaFile, table: TableRef) -> tuple[str, ...]:
    """Return a warning for each column of the live table (rows of select_table) that cannot be compared.

    Raises TableDriftError if the table does not match `spec`, the schema in force. Without rows there
    is no table; the next statement reports that.
    """
    actual = parse_table(table, rows)
    differences = () if actual is None else tuple(describe_drift(actual, spec, table))
    if differences:
        raise _drift_error(table, spec, differences)
    return warn_unknown_types(actual)


def describe_drift(actual: sa.Table, spec: SchemaFile, table: TableRef) -> Iterator[str]:
    """Yield each difference of a column, in words."""
    desired = table_of_schema_file(_without_renames(spec), table)
    for change in diff(actual, desired):
        yield from _describe(change)


def _without_renames(spec: SchemaFile) -> SchemaFile:
    """The schema file in force has done its renames: another column of the old name is a new one."""
    columns = tuple(column.model_copy(update={"renamed_from": None}) for column in spec.columns)
    return spec.model_copy(update={"columns": columns})


def _describe(change: Change) -> Iterator[str]:
    match change:
        case SuspectedRename(dropped, added, kind):
            yield DRIFT_RENAMED(desired=added, actual=dropped, type=kind)
        case AddColumn() | DropColumn() | WidenColumn():
            yield str(change)
        case RebuildColumn(facets=facets):
            yield from (str(facet) for facet in facets if _is_drift(change, facet))
        case _:
            pass


def _is_drift(change: RebuildColumn, facet: Facet) -> bool:
    if facet.name == "type":
        kinds = describe_type(change.actual.type), describe_type(change.desired.type)
        is_longer = facet.permission == "narrow" and are_varchar(*kinds)
        return not is_longer
    return facet.name == "nullability"


def _drift_error(
    table: TableRef, spec: SchemaFile, differences: tuple[str, ...]
) -> TableDriftError:
    version, shown = spec.schema_version, join_lines(differences)
    if Action.SCHEMA in spec.allowed_operations:
        message = TABLE_ALTERED(table=table, version=version, differences=shown)
    else:
        message = TABLE_ALTERED_FIXED_SCHEMA(table=table, version=version, differences=shown)
    return TableDriftError(message, differences)
