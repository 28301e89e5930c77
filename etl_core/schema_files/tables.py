"""Schema files as SQLAlchemy tables, and back."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from etl_core.model.table_ref import TableRef
from etl_core.schema_files.column_types import describe_type
from etl_core.schema_files.default_values import parse_server_default, server_default
from etl_core.schema_files.keys import distkey_of, diststyle_of, primary_key_of, sortkey_of
from etl_core.schema_files.schema_file import ColumnSpec, SchemaFile
from etl_core.sql import identifier


def table_of_schema_file(spec: SchemaFile, table: TableRef) -> sa.Table:
    """The table that the schema file describes; names folded, keys and encodings as dialect options."""
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
        # As the file orders it; sa.Column(primary_key=True) would give the order of the columns.
        *(
            [sa.PrimaryKeyConstraint(*map(identifier, spec.primary_key))]
            if spec.primary_key
            else []
        ),
        schema=identifier(table.schema),
        comment=spec.description,
        **options,
    )


def schema_file_of_table(table: sa.Table) -> SchemaFile:
    """The schema file that describes the table; the inverse of table_of_schema_file for what a table can hold."""
    style: Any = diststyle_of(table)
    return SchemaFile(
        columns=tuple(_column_spec(column) for column in table.columns),
        primary_key=primary_key_of(table),
        diststyle=style,
        distkey=distkey_of(table),
        sortkey=sortkey_of(table),
        description=table.comment,
    )


_NO_DEFAULT_ENCODING = frozenset(
    {"boolean", "real", "double precision", "geometry", "geography", "hllsketch"}
)
_TEXT_ENCODED = frozenset({"character", "character varying", "binary varying"})


def as_created(spec: SchemaFile) -> SchemaFile:
    """The file with the encodings that Redshift gives the columns for which it names none (database developer guide, "CREATE
    TABLE"), so that it can stand for the table made by it. What ENCODE AUTO may change later is not foreseen."""
    columns = tuple(
        column
        if column.encode
        else column.model_copy(update={"encode": _default_encoding(column, spec.sortkey)})
        for column in spec.columns
    )
    return spec.model_copy(update={"columns": columns})


def _default_encoding(column: ColumnSpec, sortkey: tuple[str, ...]) -> str:
    kind = column.column_type.name
    if column.name in sortkey or kind in _NO_DEFAULT_ENCODING:
        return "raw"
    return "lzo" if kind in _TEXT_ENCODED else "zstd" if kind == "super" else "az64"


def describe_table(table: sa.Table) -> str:
    """The table's columns in one line, for people."""
    return ", ".join(
        f"{column.name} {describe_type(column.type)}{'' if column.nullable else ' not null'}"
        for column in table.columns
    )


def _column(spec: ColumnSpec, primary_key: tuple[str, ...]) -> sa.Column[Any]:
    options: dict[str, Any] = {}
    if spec.encode is not None:
        options["redshift_encode"] = spec.encode
    if spec.identity is not None:
        options["redshift_identity"] = spec.identity
    return sa.Column(
        identifier(spec.name),
        spec.column_type.to_sqlalchemy(),
        nullable=spec.nullable and spec.name not in primary_key and spec.identity is None,
        autoincrement=False,
        server_default=server_default(spec.default, spec.column_type),
        comment=spec.description,
        info={} if spec.renamed_from is None else {"renamed_from": spec.renamed_from},
        **options,
    )


def _column_spec(column: sa.Column[Any]) -> ColumnSpec:
    options = column.dialect_options["redshift"]
    kind = describe_type(column.type)
    return ColumnSpec(
        name=column.name,
        type=str(kind),
        nullable=bool(column.nullable),
        default=parse_server_default(column.server_default, kind),
        encode=options.get("encode"),
        identity=options.get("identity"),
        description=column.comment,
    )
