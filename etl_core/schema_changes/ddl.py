"""DDL elements for each form of ALTER TABLE that Redshift has and SQLAlchemy lacks, rendered by the dialect's compiler.

Why not alembic.ddl: its elements render PostgreSQL's forms (ALTER COLUMN TYPE with USING, SET NOT
NULL, several actions in one statement). Each would have to be overridden for Redshift, and alembic
would slow down every cold start of the load function. See docs/adr/0006.
"""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler

from etl_core.schema_changes.changes import Column
from etl_core.schema_files.column_types import ColumnType, describe_type
from etl_core.schema_files.default_values import SpecDefault
from etl_core.sql import Text, identifier


class AlterTable(ExecutableDDLElement):
    """ALTER TABLE. Redshift accepts one action per statement."""

    def __init__(self, table: sa.Table) -> None:
        self.table = table


class AddColumn(AlterTable):
    """ADD COLUMN. The column becomes the last one; NOT NULL needs a default."""

    def __init__(self, table: sa.Table, column: Column, name: str | None = None) -> None:
        super().__init__(table)
        self.column = _copy_of(column, name or str(column.name))


class DropColumn(AlterTable):
    """DROP COLUMN, RESTRICT: fails while a view is bound to the column."""

    def __init__(self, table: sa.Table, name: str) -> None:
        super().__init__(table)
        self.name = name


class RenameColumn(AlterTable):
    """RENAME COLUMN."""

    def __init__(self, table: sa.Table, name: str, new_name: str) -> None:
        super().__init__(table)
        self.name, self.new_name = name, new_name


class AlterColumnType(AlterTable):
    """ALTER COLUMN TYPE: the length of a VARCHAR. Autocommit only."""

    def __init__(self, table: sa.Table, name: str, kind: sa.types.TypeEngine[Any]) -> None:
        super().__init__(table)
        self.name, self.kind = name, kind


class AlterColumnEncode(AlterTable):
    """ALTER COLUMN ENCODE. Autocommit only."""

    def __init__(self, table: sa.Table, name: str, encoding: str) -> None:
        super().__init__(table)
        self.name, self.encoding = name, encoding


class AlterDistribution(AlterTable):
    """ALTER DISTSTYLE EVEN or ALL, or ALTER DISTKEY. Autocommit only."""

    def __init__(self, table: sa.Table, style: str, key: str | None) -> None:
        super().__init__(table)
        self.style, self.key = style, key


class AlterSortKey(AlterTable):
    """ALTER COMPOUND SORTKEY. Autocommit only."""

    def __init__(self, table: sa.Table, names: tuple[str, ...]) -> None:
        super().__init__(table)
        self.names = names


class ReleaseSortKey(AlterTable):
    """ALTER SORTKEY NONE, which removes the key, or AUTO, which lets Redshift choose. Autocommit only."""

    def __init__(self, table: sa.Table, style: Literal["NONE", "AUTO"]) -> None:
        super().__init__(table)
        self.style = style


class AddPrimaryKey(AlterTable):
    """ADD PRIMARY KEY. Its columns must have been created as NOT NULL."""

    def __init__(self, table: sa.Table, names: tuple[str, ...]) -> None:
        super().__init__(table)
        self.names = names


class DropConstraint(AlterTable):
    """DROP CONSTRAINT."""

    def __init__(self, table: sa.Table, name: str) -> None:
        super().__init__(table)
        self.name = name


def copy_values(table: sa.Table, actual: Column, desired: Column, name: str) -> sa.Update:
    """Return the UPDATE that fills the column `name` with the values of `actual`, converted to the type of `desired`.

    `actual` already has the name of `desired` when the statement runs. Texts are assigned without a
    cast to the new length: an explicit cast would cut a text that is too long, an assignment fails.
    An empty text becomes NULL where the new type is not a text, as COPY loads it.
    """
    kind, desired_kind = describe_type(actual.type), describe_type(desired.type)
    source: sa.ColumnElement[Any] = sa.column(identifier(str(desired.name)))
    if empties_become_null(kind, desired_kind):
        source = sa.func.nullif(source, Text(""))
    if kind.name != desired_kind.name and not (kind.is_text and desired_kind.is_text):
        source = sa.cast(source, sa.VARCHAR(65535) if desired_kind.is_text else desired.type)
    target = sa.table(table.name, sa.column(identifier(name)), schema=table.schema)
    return sa.update(target).values({target.c[name]: source})


def empties_become_null(actual: ColumnType, desired: ColumnType) -> bool:
    """Whether a change of the type turns empty texts into NULL."""
    return actual.is_text and not desired.is_text


def _copy_of(column: Column, name: str) -> Column:
    """Return the column under another name, in a table of its own."""
    options = column.dialect_options["redshift"]
    default = column.server_default
    copy: Column = sa.Column(
        identifier(name),
        column.type,
        nullable=column.nullable,
        autoincrement=False,
        server_default=SpecDefault(default.arg, default.value)
        if isinstance(default, SpecDefault)
        else None,
        redshift_encode=options.get("encode"),
    )
    sa.Table("detached", sa.MetaData(), copy)
    return copy


def _alter(element: AlterTable, compiler: DDLCompiler, action: str) -> str:
    return f"ALTER TABLE {compiler.preparer.format_table(element.table)} {action}"


def _quoted(compiler: DDLCompiler, name: str) -> str:
    return compiler.preparer.quote(identifier(name))


def _list(compiler: DDLCompiler, names: tuple[str, ...]) -> str:
    return ", ".join(_quoted(compiler, name) for name in names)


@compiles(AddColumn, "redshift")
def _add_column(element: AddColumn, compiler: DDLCompiler, **_: Any) -> str:
    return _alter(
        element, compiler, f"ADD COLUMN {compiler.get_column_specification(element.column)}"
    )


@compiles(DropColumn, "redshift")
def _drop_column(element: DropColumn, compiler: DDLCompiler, **_: Any) -> str:
    return _alter(element, compiler, f"DROP COLUMN {_quoted(compiler, element.name)}")


@compiles(RenameColumn, "redshift")
def _rename_column(element: RenameColumn, compiler: DDLCompiler, **_: Any) -> str:
    names = (_quoted(compiler, name) for name in (element.name, element.new_name))
    return _alter(element, compiler, f"RENAME COLUMN {' TO '.join(names)}")


@compiles(AlterColumnType, "redshift")
def _alter_type(element: AlterColumnType, compiler: DDLCompiler, **_: Any) -> str:
    kind = compiler.type_compiler.process(element.kind)
    return _alter(element, compiler, f"ALTER COLUMN {_quoted(compiler, element.name)} TYPE {kind}")


@compiles(AlterColumnEncode, "redshift")
def _alter_encode(element: AlterColumnEncode, compiler: DDLCompiler, **_: Any) -> str:
    return _alter(
        element,
        compiler,
        f"ALTER COLUMN {_quoted(compiler, element.name)} ENCODE {element.encoding.upper()}",
    )


@compiles(AlterDistribution, "redshift")
def _alter_distribution(element: AlterDistribution, compiler: DDLCompiler, **_: Any) -> str:
    if element.key is not None:
        return _alter(element, compiler, f"ALTER DISTKEY {_quoted(compiler, element.key)}")
    return _alter(element, compiler, f"ALTER DISTSTYLE {element.style}")


@compiles(AlterSortKey, "redshift")
def _alter_sort_key(element: AlterSortKey, compiler: DDLCompiler, **_: Any) -> str:
    return _alter(element, compiler, f"ALTER COMPOUND SORTKEY ({_list(compiler, element.names)})")


@compiles(ReleaseSortKey, "redshift")
def _release_sort_key(element: ReleaseSortKey, compiler: DDLCompiler, **_: Any) -> str:
    return _alter(element, compiler, f"ALTER SORTKEY {element.style}")


@compiles(AddPrimaryKey, "redshift")
def _add_primary_key(element: AddPrimaryKey, compiler: DDLCompiler, **_: Any) -> str:
    return _alter(element, compiler, f"ADD PRIMARY KEY ({_list(compiler, element.names)})")


@compiles(DropConstraint, "redshift")
def _drop_constraint(element: DropConstraint, compiler: DDLCompiler, **_: Any) -> str:
    return _alter(element, compiler, f"DROP CONSTRAINT {_quoted(compiler, element.name)}")
