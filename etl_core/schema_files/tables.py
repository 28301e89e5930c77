"""Schema files as SQLAlchemy tables, and the keys of a table."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from etl_core.model.table_ref import TableRef
from etl_core.schema_files.column_types import describe_type
from etl_core.schema_files.default_values import server_default
from etl_core.schema_files.schema_file import ColumnSpec, SchemaFile
from etl_core.sql import identifier


def table_of_schema_file(spec: SchemaFile, table: TableRef) -> sa.Table:
    """Return the table that the schema file describes. Keys and encodings are dialect options."""
    options: dict[str, Any] = {}
    if spec.distkey is not None:
        options["redshift_distkey"] = identifier(spec.distkey)
    elif spec.diststyle != "AUTO":
        options["redshift_diststyle"] = spec.diststyle
    if spec.sortkey:
        options["redshift_sortkey"] = [identifier(part) for part in spec.sortkey]
    return sa.Table(
        identifier(table.name),
        sa.MetaData(),
        *(_column(column, spec.primary_key) for column in spec.columns),
        # In the order of the file; sa.Column(primary_key=True) would use the order of the columns.
        *(
            [sa.PrimaryKeyConstraint(*map(identifier, spec.primary_key))]
            if spec.primary_key
            else []
        ),
        schema=identifier(table.schema),
        comment=spec.description,
        **options,
    )


def _column(spec: ColumnSpec, primary_key: tuple[str, ...]) -> sa.Column[Any]:
    options: dict[str, Any] = {}
    if spec.encode is not None:
        options["redshift_encode"] = spec.encode
    if spec.identity is not None:
        options["redshift_identity"] = spec.identity
    return sa.Column(
        identifier(spec.name),
        spec.type.to_sqlalchemy(),
        nullable=spec.nullable and spec.name not in primary_key and spec.identity is None,
        autoincrement=False,
        server_default=server_default(spec.default, spec.type),
        comment=spec.description,
        info={} if spec.renamed_from is None else {"renamed_from": spec.renamed_from},
        **options,
    )


_RAW_BY_DEFAULT = frozenset(
    {"boolean", "real", "double precision", "geometry", "geography", "hllsketch"}
)


def as_created(spec: SchemaFile) -> SchemaFile:
    """Return the file with the encodings that Redshift chooses where the file has none (database
    developer guide, "CREATE TABLE").

    It then describes the table that CREATE TABLE makes. Later changes by ENCODE AUTO are not known.
    """
    columns = tuple(
        column
        if column.encode
        else column.model_copy(update={"encode": _default_encoding(column, spec.sortkey)})
        for column in spec.columns
    )
    return spec.model_copy(update={"columns": columns})


def _default_encoding(column: ColumnSpec, sortkey: tuple[str, ...]) -> str:
    kind = column.type
    if column.name in sortkey or kind.name in _RAW_BY_DEFAULT:
        return "raw"
    if kind.is_text or kind.name == "binary varying":
        return "lzo"
    return "zstd" if kind.name == "super" else "az64"


def describe_table(table: sa.Table) -> str:
    """Return the table's columns in one line, for people."""
    return ", ".join(
        f"{column.name} {describe_type(column.type)}{'' if column.nullable else ' not null'}"
        for column in table.columns
    )


# The keys of a table, from the dialect options of sa.Table


def distkey_of(table: sa.Table) -> str | None:
    """Return the column of the distribution key."""
    key = table.dialect_options["redshift"].get("distkey")
    return str(key) if key else None


def diststyle_of(table: sa.Table) -> str:
    """Return AUTO, EVEN, ALL or KEY."""
    if distkey_of(table):
        return "KEY"
    return str(table.dialect_options["redshift"].get("diststyle") or "AUTO")


def sortkey_of(table: sa.Table) -> tuple[str, ...]:
    """Return the columns of the sort key, in order."""
    key: Any = table.dialect_options["redshift"].get("sortkey") or ()
    return tuple(str(part) for part in key)


def primary_key_of(table: sa.Table) -> tuple[str, ...]:
    """Return the columns of the primary key, in order."""
    return tuple(str(column.name) for column in table.primary_key.columns)
