"""Translates CREATE TABLE to PostgreSQL's statement and a record of what PostgreSQL cannot store.

Pure. Source: r_CREATE_TABLE_NEW, r_CREATE_TABLE_AS.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from redshift_emulator.cursor import Cursor, refuse_reserved
from redshift_emulator.ddl.columns import ColumnDefinition, Key, read_column
from redshift_emulator.errors import SqlError
from redshift_emulator.lexer import Edit, quote_literal, quote_name
from redshift_emulator.refusals import refusal
from redshift_emulator.rewrite import stored_name
from redshift_emulator.statement import Statement
from redshift_emulator.types import NO_KEY_TYPES

DISTSTYLES = {"even": 0, "key": 1, "all": 8, "auto": 9}
MAX_COLUMNS = 1_600


@dataclass
class TableDefinition:
    """A table as declared."""

    name: tuple[str, ...]
    temporary: bool
    columns: list[ColumnDefinition] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    like: tuple[str, ...] = ()
    diststyle: str | None = None
    distkey: str | None = None
    sortkey: list[str] = field(default_factory=list)
    interleaved: bool = False
    sort_auto: bool = False
    edits: list[Edit] = field(default_factory=list)

    @property
    def stored(self) -> str:
        """The quoted name of the table as PostgreSQL stores it."""
        qualifier = (
            ("pg_temp",)
            if self.temporary
            else tuple(stored_name(part) for part in self.name[-2:-1])
        )
        return ".".join(quote_name(part) for part in (*qualifier, stored_name(self.name[-1])))


def create_table(statement: Statement) -> str:
    """Return the statements that create the table and record the rest, as one string and so as one transaction.

    Raises SqlError for what Redshift refuses.
    """
    cursor = statement.cursor(1)
    cursor.take("local")
    temporary = bool(cursor.take_any("temp", "temporary"))
    cursor.expect("table")
    cursor.take("if", "not", "exists")
    name_token = cursor.token
    refuse_reserved(cursor)
    name = cursor.qualified_name()
    hash_name = name[-1].startswith("#")
    table = TableDefinition(name, temporary or hash_name)
    if table.temporary and len(name) > 1:
        raise refusal("temporary schema")
    if hash_name and not temporary:
        place = statement.tokens[1].start
        table.edits.append(Edit(place, place, "TEMP "))
    if cursor.at("("):
        _read_body(statement, cursor, table)
    elif name_token.end == statement.end:
        raise cursor.syntax_error()
    _read_attributes(cursor, table)
    _resolve(table)
    return (
        statement.rewritten(table.edits)
        + "; SELECT pg_rs.note_table("
        + record_arguments(table)
        + ")"
    )


def _read_body(statement: Statement, cursor: Cursor, table: TableDefinition) -> None:
    """Read the list in parentheses: columns, keys and LIKE; or only names, as in CREATE TABLE t (a, b) AS."""
    if cursor.peek(2).value in (",", ")"):
        cursor.name_list()
        return
    start = cursor.token.start
    cursor.expect("(")
    ranges: list[tuple[int, int, list[Edit]]] = []
    while True:
        first = cursor.token.start
        if cursor.take("like"):
            table.like = cursor.qualified_name()
            while cursor.take_any("including", "excluding"):
                cursor.expect("defaults")
            ranges.append((first, cursor.tokens[cursor.index - 1].end, []))
        elif not _read_table_key(cursor, table):
            column = read_column(cursor, table.name[-1])
            table.columns.append(column)
            ranges.append((column.start, column.end, column.edits))
        if not cursor.take(","):
            break
    cursor.expect(")")
    _add_not_null_to_primary_keys(table)
    parts = [statement.rewritten(edits, begin, end) for begin, end, edits in ranges]
    table.edits.append(
        Edit(start, cursor.tokens[cursor.index - 1].end, "(" + ", ".join(parts) + ")")
    )


def _read_table_key(cursor: Cursor, table: TableDefinition) -> bool:
    name = cursor.name() if cursor.take("constraint") else None
    key = read_key(cursor, name)
    if key is None:
        if name is not None:
            raise cursor.syntax_error()
        return False
    table.keys.append(key)
    return True


def read_key(cursor: Cursor, name: str | None) -> Key | None:
    """Read PRIMARY KEY (..), UNIQUE (..) or FOREIGN KEY (..) REFERENCES t [(..)]; None when no key follows."""
    if cursor.at("check"):
        raise refusal("check")
    if cursor.at("exclude"):
        raise refusal("exclude")
    if cursor.take("primary", "key"):
        return Key("p", cursor.name_list(), name)
    if cursor.at("unique", "("):
        cursor.expect("unique")
        return Key("u", cursor.name_list(), name)
    if cursor.take("foreign", "key"):
        columns = cursor.name_list()
        cursor.expect("references")
        return Key(
            "f",
            columns,
            name,
            cursor.qualified_name(),
            cursor.name_list() if cursor.at("(") else None,
        )
    return None


def _add_not_null_to_primary_keys(table: TableDefinition) -> None:
    primary = {name for key in table.keys if key.kind == "p" for name in key.columns}
    for column in table.columns:
        if column.name in primary and not column.not_null:
            column.not_null = True
            column.edits.append(Edit(column.end, column.end, " NOT NULL"))


def _read_attributes(cursor: Cursor, table: TableDefinition) -> None:
    """Read the table attributes after the list and remove them from the text.

    AS query may follow.
    """
    while not cursor.at_end and not cursor.at("as"):
        start = cursor.token.start
        read_table_attribute(cursor, table)
        table.edits.append(Edit(start, cursor.tokens[cursor.index - 1].end, ""))
    if not cursor.at("as") and not table.columns and not table.like:
        raise cursor.syntax_error()


def read_table_attribute(cursor: Cursor, table: TableDefinition) -> None:
    """Read one table attribute: BACKUP, DISTSTYLE, DISTKEY, SORTKEY or ENCODE AUTO."""
    if cursor.take("backup"):
        if not cursor.take_any("yes", "no"):
            raise cursor.syntax_error()
    elif cursor.take("diststyle"):
        table.diststyle = cursor.take_any(*DISTSTYLES)
        if not table.diststyle:
            raise cursor.syntax_error()
    elif cursor.take("distkey"):
        cursor.expect("(")
        table.distkey = cursor.name()
        cursor.expect(")")
    elif cursor.take("encode"):
        cursor.expect("auto")
    else:
        read_sortkey(cursor, table)


def read_sortkey(cursor: Cursor, table: TableDefinition) -> None:
    """Read [COMPOUND | INTERLEAVED] SORTKEY (..), or SORTKEY AUTO."""
    if table.sortkey:
        raise refusal("two sortkeys")
    table.interleaved = cursor.take_any("compound", "interleaved") == "interleaved"
    cursor.expect("sortkey")
    if cursor.take("auto"):
        table.sort_auto = True
    else:
        table.sortkey = cursor.name_list()


def _resolve(table: TableDefinition) -> None:
    """Move column-level keys to the table, and check what needs the whole declaration."""
    if len(table.columns) > MAX_COLUMNS:
        raise SqlError("54011", f"tables can have at most {MAX_COLUMNS} columns")
    marked = [column.name for column in table.columns if column.distkey]
    if table.distkey:
        marked.append(table.distkey)
    if len(set(marked)) > 1:
        raise refusal("two distkeys")
    if marked and table.diststyle in ("even", "all"):
        raise refusal("diststyle and distkey", style=table.diststyle.upper())
    table.distkey = marked[0] if marked else None
    sorted_by = [column.name for column in table.columns if column.sortkey]
    if len(sorted_by) > 1 or (sorted_by and table.sortkey):
        raise refusal("two sortkeys")
    table.sortkey = table.sortkey or sorted_by
    _check_key_columns(table, [table.distkey] if table.distkey else [], "DISTKEY")
    _check_key_columns(table, table.sortkey, "SORTKEY")


def _check_key_columns(table: TableDefinition, names: list[str], clause: str) -> None:
    """Check that every key column exists and has a type that allows it.

    A table created from a query is not checked.
    """
    known = {column.name: column for column in table.columns}
    for name in names if known else []:
        if name not in known:
            raise refusal("key column", column=name, clause=clause)
        if known[name].type.name in NO_KEY_TYPES:
            raise refusal("key type", column=name, type=known[name].type.name, clause=clause)


def sort_positions(columns: list[str], *, interleaved: bool) -> dict[str, int]:
    """Return attsortkeyord of every sort key column: 1, 2, 3, ..; interleaved keys alternate in sign."""
    sign = -1 if interleaved else 1
    return {name: place * (sign if place % 2 == 0 else 1) for place, name in enumerate(columns, 1)}


def record_arguments(table: TableDefinition) -> str:
    """Return the arguments of pg_rs.note_table() as SQL: the table's name and its attributes."""
    positions = sort_positions(table.sortkey, interleaved=table.interleaved)
    columns = {column.name: column.record() for column in table.columns}
    for name in (*positions, *([table.distkey] if table.distkey else [])):
        columns.setdefault(name, {})
    for name, place in positions.items():
        columns[name]["sortkey"] = place
    if table.distkey:
        columns[table.distkey]["distkey"] = True
    record: dict[str, object] = {
        "columns": {stored_name(name): value for name, value in columns.items()},
        "keys": [
            key.record()
            for key in (*(key for column in table.columns for key in column.keys), *table.keys)
        ],
    }
    if table.like:
        record["like"] = ".".join(quote_name(stored_name(part)) for part in table.like[-2:])
    style = table.diststyle or ("key" if table.distkey else "auto")
    if not table.like or table.diststyle or table.distkey:
        record["diststyle"] = DISTSTYLES[style]
    record["sort_auto"] = not table.sortkey
    record["encode_auto"] = not any(column.encoding for column in table.columns)
    return quote_literal(table.stored) + ", " + quote_literal(json.dumps(record))
