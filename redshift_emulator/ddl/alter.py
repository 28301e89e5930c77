"""Parses ALTER TABLE. Each statement has one action, a value that ddl.run_alter executes. Pure.

Source: r_ALTER_TABLE.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from redshift_emulator.cursor import Cursor, refuse_reserved
from redshift_emulator.ddl.columns import ColumnDefinition, Key, read_column, read_encoding
from redshift_emulator.ddl.create import DISTSTYLES, TableDefinition, read_key, read_sortkey
from redshift_emulator.lexer import Edit
from redshift_emulator.refusals import refusal
from redshift_emulator.statement import Statement
from redshift_emulator.types import ColumnType, read_type


@dataclass(frozen=True)
class Alter:
    """An ALTER TABLE statement.

    ``sql`` is the statement for PostgreSQL, where PostgreSQL has it. ``autocommit_only`` is the
    command's name, if Redshift runs the action only outside a block; else "".
    """

    table: tuple[str, ...]
    sql: str
    autocommit_only: str = ""


@dataclass(frozen=True)
class AddColumn(Alter):
    """ADD [COLUMN]."""

    column: ColumnDefinition | None = None


@dataclass(frozen=True)
class DropColumn(Alter):
    """DROP [COLUMN]."""

    column: str = ""


@dataclass(frozen=True)
class ResizeColumn(Alter):
    """ALTER COLUMN c TYPE t."""

    column: str = ""
    type: ColumnType | None = None


@dataclass(frozen=True)
class ChangeEncodings(Alter):
    """ALTER COLUMN c ENCODE e, ..; without columns ALTER ENCODE AUTO."""

    columns: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ChangeLayout(Alter):
    """ALTER DISTSTYLE, DISTKEY and SORTKEY; None for what the statement does not change."""

    diststyle: str | None = None
    distkey: str | None = None
    sortkey: tuple[str, ...] | None = None
    sort_auto: bool = False


@dataclass(frozen=True)
class AddKey(Alter):
    """ADD [CONSTRAINT n] PRIMARY KEY, UNIQUE or FOREIGN KEY."""

    key: Key | None = None


@dataclass(frozen=True)
class DropConstraint(Alter):
    """DROP CONSTRAINT n."""

    name: str = ""


@dataclass(frozen=True)
class AppendFrom(Alter):
    """APPEND FROM s."""

    source: tuple[str, ...] = ()
    extra: str = ""


def read_alter(statement: Statement) -> Alter:
    """Parse ALTER TABLE t action.

    Raises SqlError for anything that is not in Redshift's grammar.
    """
    cursor = statement.cursor(1)
    cursor.expect("table")
    if cursor.at("if"):
        raise cursor.syntax_error()
    table = cursor.qualified_name()
    reader = _READERS.get(cursor.token.value)
    if reader is None:
        raise cursor.syntax_error()
    cursor.next()
    change = reader(statement, cursor, table)
    cursor.expect_end()
    return change


def _add(statement: Statement, cursor: Cursor, table: tuple[str, ...]) -> Alter:
    name = cursor.name() if cursor.take("constraint") else None
    key = read_key(cursor, name)
    if key is not None:
        return AddKey(table, "", key=key)
    cursor.take("column")
    if cursor.at("if", "not"):
        raise cursor.syntax_error()
    column = read_column(cursor, table[-1])
    for what, present in (
        ("an IDENTITY", column.identity),
        ("a DISTKEY", column.distkey),
        ("a SORTKEY", column.sortkey),
    ):
        if present:
            raise refusal("add column key", what=what)
    if column.keys:
        raise refusal("add column key", what="a key")
    if column.not_null and (column.default is None or column.default.lower() == "null"):
        raise refusal("add column not null")
    return AddColumn(table, statement.rewritten(column.edits), column=column)


def _drop(statement: Statement, cursor: Cursor, table: tuple[str, ...]) -> Alter:
    if cursor.take("constraint"):
        name = cursor.name()
        cursor.take_any("restrict", "cascade")
        return DropConstraint(table, "", name=name)
    cursor.take("column")
    if cursor.at("if", "exists"):
        raise cursor.syntax_error()
    column = cursor.name()
    cursor.take_any("restrict", "cascade")
    return DropColumn(table, statement.rewritten(), column=column)


def _alter(statement: Statement, cursor: Cursor, table: tuple[str, ...]) -> Alter:
    if cursor.take("encode", "auto"):
        return ChangeEncodings(table, "", "ALTER TABLE ALTER ENCODE")
    if cursor.token.value in ("diststyle", "distkey", "sortkey", "compound", "interleaved"):
        return _change_layout(cursor, table)
    cursor.take("column")
    column = cursor.name()
    if cursor.take("encode"):
        return _change_encodings(cursor, table, column)
    if cursor.at("set", "default") or cursor.at("drop", "default"):
        raise refusal("alter default")
    if cursor.at("set", "not", "null") or cursor.at("drop", "not", "null"):
        raise refusal("alter not null")
    cursor.expect("type")
    type_start = cursor.token.start
    column_type = read_type(cursor, column)
    if cursor.at("using"):
        raise refusal("alter using")
    edits = [Edit(type_start, cursor.tokens[cursor.index - 1].end, column_type.sql)]
    sql = statement.rewritten(edits)
    return ResizeColumn(table, sql, "ALTER TABLE ALTER COLUMN", column=column, type=column_type)


def _change_encodings(cursor: Cursor, table: tuple[str, ...], first: str) -> Alter:
    columns = [(first, read_encoding(cursor, ""))]
    while cursor.take(",", "alter"):
        cursor.take("column")
        name = cursor.name()
        cursor.expect("encode")
        columns.append((name, read_encoding(cursor, "")))
    return ChangeEncodings(table, "", "ALTER TABLE ALTER COLUMN", columns=tuple(columns))


def _change_layout(cursor: Cursor, table: tuple[str, ...]) -> Alter:
    style = key = None
    sorting: TableDefinition | None = None
    while not cursor.at_end:
        if cursor.take("diststyle"):
            style = cursor.take_any(*DISTSTYLES)
            if not style:
                raise cursor.syntax_error()
        elif cursor.take("distkey"):
            style, key = "key", cursor.name()
        elif cursor.take("sortkey", "none"):
            sorting = TableDefinition(table, temporary=False)
        else:
            sorting = TableDefinition(table, temporary=False)
            read_sortkey(cursor, sorting)
        if cursor.take(","):
            cursor.expect("alter")
    auto = bool(sorting and sorting.sort_auto)
    columns = None if sorting is None or auto else tuple(sorting.sortkey)
    return ChangeLayout(
        table,
        "",
        "ALTER TABLE ALTER DISTSTYLE",
        diststyle=style,
        distkey=key,
        sortkey=columns,
        sort_auto=auto,
    )


def _rename(statement: Statement, cursor: Cursor, table: tuple[str, ...]) -> Alter:
    if cursor.take("to"):
        refuse_reserved(cursor)
        cursor.name()
        return Alter(table, statement.rewritten())
    cursor.take("column")
    cursor.name()
    cursor.expect("to")
    refuse_reserved(cursor)
    cursor.name()
    return Alter(table, statement.rewritten())


def _owner(statement: Statement, cursor: Cursor, table: tuple[str, ...]) -> Alter:
    cursor.expect("to")
    cursor.name()
    return Alter(table, statement.rewritten())


def _append(statement: Statement, cursor: Cursor, table: tuple[str, ...]) -> Alter:
    del statement
    cursor.expect("from")
    source = cursor.qualified_name()
    extra = cursor.take_any("ignoreextra", "filltarget")
    return AppendFrom(table, "", "ALTER TABLE APPEND", source=source, extra=extra)


_READERS: dict[str, Callable[[Statement, Cursor, tuple[str, ...]], Alter]] = {
    "add": _add,
    "drop": _drop,
    "alter": _alter,
    "rename": _rename,
    "owner": _owner,
    "append": _append,
}
