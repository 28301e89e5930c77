"""Schema files as SQLAlchemy tables, and back; what distinguishes two tables, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable, ExecutableDDLElement, SetColumnComment, SetTableComment

from etl_core.column_types import describe_type
from etl_core.default_values import parse_server_default, server_default
from etl_core.schema_file import ColumnSpec, DefaultFunction, SchemaFile
from etl_core.sql import identifier


def table_of_schema_file(spec: SchemaFile, schema: str, name: str) -> sa.Table:
    """The table that the schema file describes; names folded, keys and encodings as dialect options."""
    options: dict[str, Any] = {}
    if spec.distkey is not None:
        options["redshift_distkey"] = identifier(spec.distkey)
    elif spec.diststyle != "AUTO":
        options["redshift_diststyle"] = spec.diststyle
    if spec.sortkey:
        options["redshift_sortkey"] = [identifier(part) for part in spec.sortkey]
    return sa.Table(
        identifier(name),
        sa.MetaData(),
        *(_column(column, spec.primary_key) for column in spec.columns),
        # As the file orders it; sa.Column(primary_key=True) would give the order of the columns.
        *([sa.PrimaryKeyConstraint(*map(identifier, spec.primary_key))] if spec.primary_key else []),
        schema=identifier(schema),
        comment=spec.description,
        **options,
    )


def schema_file_of_table(table: sa.Table) -> SchemaFile:
    """The schema file that describes the table; the inverse of table_of_schema_file for what a table can hold."""
    distkey, sortkey = _distkey(table), _sortkey(table)
    style: Any = "KEY" if distkey else table.dialect_options["redshift"].get("diststyle") or "AUTO"
    return SchemaFile(
        columns=tuple(_column_spec(column) for column in table.columns),
        primary_key=tuple(column.name for column in table.primary_key.columns),
        diststyle=style,
        distkey=distkey,
        sortkey=sortkey,
        description=table.comment,
    )


def create_statements(table: sa.Table) -> tuple[ExecutableDDLElement, ...]:
    """CREATE TABLE and its comments, in order; all of them may share a transaction."""
    return (CreateTable(table), *comment_statements(table))


def comment_statements(table: sa.Table, in_force: sa.Table | None = None) -> tuple[ExecutableDDLElement, ...]:
    """The COMMENTs that give the table its descriptions; only those that differ from the table in force, if one is given."""
    before = {} if in_force is None else {column.name: column.comment for column in in_force.columns}
    made: list[ExecutableDDLElement] = []
    if table.comment != (in_force.comment if in_force is not None else None):
        made.append(SetTableComment(table))
    made += [SetColumnComment(column) for column in table.columns if column.comment != before.get(column.name)]
    return tuple(made)


def differences(actual: sa.Table, desired: sa.Table) -> tuple[str, ...]:
    """Each difference as a sentence, in the desired table's order; empty when the live table is what the file says."""
    return (*_column_differences(actual, desired), *_key_differences(actual, desired))


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


def _column_differences(actual: sa.Table, desired: sa.Table) -> Iterator[str]:
    for column in desired.columns:
        if column.name not in actual.columns:
            yield f"column {column.name!r} is new: the table does not have it"
        else:
            yield from _facets(actual.columns[column.name], column)
    for column in actual.columns:
        if column.name not in desired.columns:
            yield f"column {column.name!r} is in the table, but not in the schema file"


def _facets(actual: sa.Column[Any], desired: sa.Column[Any]) -> Iterator[str]:
    for facet, here, wanted in (
        ("type", describe_type(actual.type), describe_type(desired.type)),
        ("nullability", _nullability(actual), _nullability(desired)),
        ("default", _default(actual), _default(desired)),
        ("identity", _identity(actual), _identity(desired)),
    ):
        if here != wanted:
            yield f"column {desired.name!r}: its {facet} is {here} in the table and {wanted} in the schema file"
    encoding, wanted_encoding = (column.dialect_options["redshift"].get("encode") for column in (actual, desired))
    if wanted_encoding is not None and encoding != wanted_encoding:
        yield f"column {desired.name!r}: its encoding is {encoding or 'raw'} in the table and {wanted_encoding} in the schema file"


def _nullability(column: sa.Column[Any]) -> str:
    return "nullable" if column.nullable else "not null"


def _default(column: sa.Column[Any]) -> str:
    value = parse_server_default(column.server_default, describe_type(column.type))
    if isinstance(value, DefaultFunction):
        return value.function
    return "none" if value is None else repr(value)


def _identity(column: sa.Column[Any]) -> str:
    pair = column.dialect_options["redshift"].get("identity")
    return f"({pair[0]},{pair[1]})" if pair else "none"


def _key_differences(actual: sa.Table, desired: sa.Table) -> Iterator[str]:
    here, wanted = ([column.name for column in table.primary_key.columns] for table in (actual, desired))
    if here != wanted:
        yield f"the primary key is {_names(here)} in the table and {_names(wanted)} in the schema file"
    # A file that names no key leaves the choice to Redshift (AUTO), so that whatever the table has is right.
    if (wanted_key := _distkey(desired)) and _distkey(actual) != wanted_key:
        yield f"the distkey is {_distkey(actual) or 'none'} in the table and {wanted_key} in the schema file"
    if (wanted_sort := _sortkey(desired)) and _sortkey(actual) != wanted_sort:
        yield f"the sortkey is {_names(_sortkey(actual))} in the table and {_names(wanted_sort)} in the schema file"
    style, wanted_style = (table.dialect_options["redshift"].get("diststyle") for table in (actual, desired))
    if wanted_style and wanted_style != style:
        yield f"the diststyle is {style or 'AUTO'} in the table and {wanted_style} in the schema file"


def _names(names: list[str] | tuple[str, ...]) -> str:
    return f"({', '.join(names)})" if names else "none"


def _distkey(table: sa.Table) -> str | None:
    key = table.dialect_options["redshift"].get("distkey")
    return str(key) if key else None


def _sortkey(table: sa.Table) -> tuple[str, ...]:
    return tuple(str(part) for part in table.dialect_options["redshift"].get("sortkey") or ())
