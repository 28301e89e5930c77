"""Executes ALTER TABLE.

What Redshift would refuse is checked in the catalog first. PostgreSQL's statement and the changes
to the records in pg_rs are sent as one string, and so run in one transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from redshift_emulator.backend import Backend
from redshift_emulator.ddl import alter
from redshift_emulator.ddl.columns import check_encoding
from redshift_emulator.ddl.create import DISTSTYLES
from redshift_emulator.describe import ColumnDescription, TableDescription, read_table
from redshift_emulator.errors import SqlError
from redshift_emulator.lexer import quote_name
from redshift_emulator.refusals import refusal
from redshift_emulator.rewrite import stored_name
from redshift_emulator.sql import call, join_statements, qualified
from redshift_emulator.types import VARBYTE

_FIXED_ENCODINGS = {1: "bytedict", 8: "runlength", 9: "text255", 10: "text32k"}
_RESIZABLE = ("character varying", VARBYTE)
_KEY_NAMES = {"p": "PRIMARY KEY", "u": "UNIQUE", "f": "FOREIGN KEY"}


def run_alter(backend: Backend, change: alter.Alter) -> None:
    """Execute one action.

    Raises SqlError for what Redshift refuses, BackendError for errors of PostgreSQL.
    """
    schema = change.table[-2] if len(change.table) > 1 else None
    table = read_table(backend, schema, change.table[-1])
    if table is None:
        backend.query(
            change.sql or "ALTER TABLE " + _sql_name(change.table) + " OWNER TO CURRENT_USER"
        )
        return
    _RUNNERS.get(type(change), _forward)(backend, table, change)


def _sql_name(parts: tuple[str, ...]) -> str:
    return qualified(*(stored_name(part) for part in parts[-2:]))


def _forward(backend: Backend, table: TableDescription, change: alter.Alter) -> None:
    del table
    backend.query(change.sql)


def _column(table: TableDescription, name: str) -> ColumnDescription:
    column = table.columns.get(name)
    if column is None:
        raise SqlError("42703", f'column "{name}" of relation "{table.info.name}" does not exist')
    return column


def _add_column(backend: Backend, table: TableDescription, change: alter.AddColumn) -> None:
    assert change.column is not None
    record = json.dumps({stored_name(change.column.name): change.column.record()})
    manual = call("pg_rs.set_encode_auto", table.sql_name, "f") if change.column.encoding else ""
    backend.query(
        join_statements(change.sql, call("pg_rs.note_columns", table.sql_name, record), manual)
    )


def _drop_column(backend: Backend, table: TableDescription, change: alter.DropColumn) -> None:
    column = _column(table, change.column)
    if column.sortkeyord:
        raise refusal("drop sortkey", column=change.column)
    if column.distkey:
        raise refusal("drop distkey", column=change.column)
    if len(table.columns) == 1:
        raise refusal("drop last column", table=table.info.name)
    backend.query(join_statements(change.sql, call("pg_rs.note_columns", table.sql_name, "{}")))


def _resize_column(backend: Backend, table: TableDescription, change: alter.ResizeColumn) -> None:
    assert change.type is not None
    column = _column(table, change.column)
    actual, desired = column.info.length, change.type.arguments[0] if change.type.arguments else 0
    if (
        column.info.type_name not in _RESIZABLE
        or change.type.name != column.info.type_name
        or actual is None
    ):
        raise refusal("alter type", column=change.column, actual=column.info.type_name)
    if column.encoding in _FIXED_ENCODINGS:
        raise refusal("alter type encoding", encoding=_FIXED_ENCODINGS[column.encoding])
    if column.key:
        raise refusal("alter type key", key=_KEY_NAMES[column.key])
    if desired < actual:
        _check_shrink(backend, table, column, desired)
    resize = change.sql
    if change.type.name == VARBYTE:
        resize = call("pg_rs.set_length", table.sql_name, column.info.number, desired)
    backend.query(join_statements(resize, call("pg_rs.guard_lengths", table.sql_name)))


def _check_shrink(
    backend: Backend, table: TableDescription, column: ColumnDescription, desired: int
) -> None:
    if column.info.has_default:
        raise refusal("alter type shrink default")
    longest = backend.query(
        call("pg_rs.longest_value", table.sql_name, stored_name(column.info.name))
    )[0][0]
    if int(longest or 0) > desired:
        raise refusal("alter type too short", longest=longest)


def _change_encodings(
    backend: Backend, table: TableDescription, change: alter.ChangeEncodings
) -> None:
    steps = [call("pg_rs.set_encode_auto", table.sql_name, "f" if change.columns else "t")]
    for name, encoding in change.columns:
        column = _column(table, name)
        check_encoding(encoding, column.info.type_name)
        if backend.query(call("pg_rs.encoding_number", encoding)) == [(str(column.encoding),)]:
            raise refusal("alter encoding same", column=name, encoding=encoding)
        steps.append(call("pg_rs.set_encoding", table.sql_name, column.info.number, encoding))
    backend.query(join_statements(*steps))


def _change_layout(backend: Backend, table: TableDescription, change: alter.ChangeLayout) -> None:
    steps = []
    if change.diststyle:
        key = _column(table, change.distkey).info.number if change.distkey else 0
        steps.append(call("pg_rs.set_diststyle", table.sql_name, DISTSTYLES[change.diststyle], key))
    if change.sort_auto or change.sortkey is not None:
        steps.append(call("pg_rs.set_sort_auto", table.sql_name, "t" if change.sort_auto else "f"))
    if change.sortkey is not None:
        numbers = [str(_column(table, name).info.number) for name in change.sortkey]
        steps.append(call("pg_rs.set_sortkey", table.sql_name, "{" + ",".join(numbers) + "}"))
    backend.query(join_statements(*steps))


def _add_key(backend: Backend, table: TableDescription, change: alter.AddKey) -> None:
    assert change.key is not None
    for name in change.key.columns if change.key.kind == "p" else []:
        if not _column(table, name).info.not_null:
            raise refusal("add key nullable", column=name)
    backend.query(call("pg_rs.note_key", table.sql_name, json.dumps(change.key.record())))


def _drop_constraint(
    backend: Backend, table: TableDescription, change: alter.DropConstraint
) -> None:
    if not backend.query(call("pg_rs.drop_key", table.sql_name, change.name)):
        raise SqlError(
            "42704", f'constraint "{change.name}" of relation "{table.info.name}" does not exist'
        )


def _append(backend: Backend, table: TableDescription, change: alter.AppendFrom) -> None:
    schema = change.source[-2] if len(change.source) > 1 else None
    source = read_table(backend, schema, change.source[-1])
    if source is None:
        raise SqlError("42P01", f'relation "{change.source[-1]}" does not exist')
    names = ", ".join(
        quote_name(stored_name(name)) for name in _columns_to_append(table, source, change.extra)
    )
    # The names are quoted.
    insert = f"INSERT INTO {table.sql_name} ({names}) SELECT {names} FROM {source.sql_name}"  # noqa: S608
    backend.query(join_statements(insert, "TRUNCATE " + source.sql_name))


def _columns_to_append(target: TableDescription, source: TableDescription, extra: str) -> list[str]:
    """Return the columns that both tables have.

    Raises SqlError if they differ, or if one table has other columns and ``extra`` does not allow
    it (r_ALTER_TABLE_APPEND).
    """
    names = [name for name, column in target.columns.items() if not column.info.identity]
    missing = [name for name in names if name not in source.columns]
    surplus = [
        name
        for name, column in source.columns.items()
        if name not in target.columns and not column.info.identity
    ]
    if (missing and extra != "filltarget") or (surplus and extra != "ignoreextra"):
        raise refusal("append columns", columns=", ".join(missing + surplus))
    for name in (name for name in names if name in source.columns):
        if _append_traits(target.columns[name]) != _append_traits(source.columns[name]):
            raise refusal("append unlike", column=name)
    return [name for name in names if name in source.columns]


def _append_traits(column: ColumnDescription) -> tuple[object, ...]:
    info = column.info
    kind = (info.type_name, info.length, info.precision, info.scale, info.not_null)
    return (*kind, column.encoding, column.distkey, column.sortkeyord)


_RUNNERS: dict[type[alter.Alter], Callable[[Backend, TableDescription, Any], None]] = {
    alter.AddColumn: _add_column,
    alter.DropColumn: _drop_column,
    alter.ResizeColumn: _resize_column,
    alter.ChangeEncodings: _change_encodings,
    alter.ChangeLayout: _change_layout,
    alter.AddKey: _add_key,
    alter.DropConstraint: _drop_constraint,
    alter.AppendFrom: _append,
}
