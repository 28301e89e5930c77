"""Plan CREATE VIEW, materialized views and stored procedures. Pure.

Sources: r_CREATE_VIEW, materialized-view-create-sql-command, r_ALTER_MATERIALIZED_VIEW, r_CREATE_PROCEDURE.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from redshift_emulator.cursor import Cursor
from redshift_emulator.ddl.create import (
    TableDefinition,
    read_table_attribute,
    record_arguments,
)
from redshift_emulator.dialect_rewrites import DIALECT_WORDS, dialect_edits
from redshift_emulator.errors import SqlError
from redshift_emulator.lexer import Edit, Kind, is_name, quote_literal, splice, tokenize
from redshift_emulator.plan_queries import forward, stored_table_name
from redshift_emulator.refusals import refusal
from redshift_emulator.relations import relations
from redshift_emulator.rewrite import SessionValues, word_edits
from redshift_emulator.sql import call, join_statements
from redshift_emulator.statement import Statement
from redshift_emulator.step import Action, Step
from redshift_emulator.types import ColumnType, read_type

_NO_VALUES = SessionValues()
_MODES = ("in", "out", "inout")
_LATE = ["with", "no", "schema", "binding"]


def plan_create_view(statement: Statement) -> Step:
    """Plan CREATE VIEW. A view WITH NO SCHEMA BINDING is kept as text, too, and is bound when it is read."""
    is_late = statement.words[-4:] == _LATE
    is_replaced = statement.words[1:3] == ["or", "replace"]
    if not is_late and not is_replaced:
        return Step(Action.FORWARD, statement.rewritten(), long_names=statement.long_names)
    cursor = statement.cursor(4 if is_replaced else 2)
    name = cursor.qualified_name()
    stored = stored_table_name(name)
    if not is_late:
        sql = join_statements(statement.rewritten(), call("pg_rs.forget_late_view", stored))
        return Step(Action.RUN, sql, "CREATE VIEW", long_names=statement.long_names)
    columns = ""
    if cursor.at("("):
        first, end = cursor.skip_group()
        columns = statement.rewritten(
            start=cursor.tokens[first].start, end=cursor.tokens[end - 1].end
        )
    cursor.expect("as")
    if any(len(name) == 1 for name in relations(statement.tokens)):
        raise refusal("late view names")
    query = statement.rewritten(start=cursor.token.start, end=cursor.tokens[-5].end)
    sql = call(
        "pg_rs.create_late_view",
        stored,
        columns,
        query,
        statement.text,
        "t" if is_replaced else "f",
    )
    return Step(Action.RUN, sql, "CREATE VIEW", long_names=statement.long_names, late_view=name[-1])


def plan_create_materialized_view(statement: Statement) -> Step:
    """Plan CREATE MATERIALIZED VIEW. What PostgreSQL has no place for is recorded."""
    cursor = statement.cursor(3)
    table = TableDefinition(cursor.qualified_name(), temporary=False)
    if cursor.at("("):
        cursor.skip_group()
    start = cursor.token.start
    auto_refresh = False
    while not cursor.at("as"):
        if cursor.take("auto", "refresh"):
            auto_refresh = _yes(cursor)
        else:
            read_table_attribute(cursor, table)
    sql = statement.rewritten([Edit(start, cursor.token.start, "")])
    note = (
        f"SELECT pg_rs.note_materialized_view({record_arguments(table)},"
        f" {quote_literal(statement.text)}, {str(auto_refresh).lower()})"
    )
    return Step(
        Action.RUN,
        join_statements(sql, note),
        "CREATE MATERIALIZED VIEW",
        long_names=statement.long_names,
    )


def _yes(cursor: Cursor) -> bool:
    word = cursor.take_any("yes", "no")
    if not word:
        raise cursor.syntax_error()
    return word == "yes"


def plan_alter_materialized_view(statement: Statement) -> Step:
    """Plan ALTER MATERIALIZED VIEW v AUTO REFRESH {YES | NO}."""
    cursor = statement.cursor(3)
    name = stored_table_name(cursor.qualified_name())
    if not cursor.take("auto", "refresh"):
        return forward(statement)
    wanted = "t" if _yes(cursor) else "f"
    cursor.expect_end()
    return Step(Action.RUN, call("pg_rs.set_auto_refresh", name, wanted), "ALTER MATERIALIZED VIEW")


def plan_create_procedure(statement: Statement) -> Step:
    """Plan CREATE PROCEDURE. Redshift's words in its body are edited.

    CALL leaves OUT arguments out: they become INOUT arguments with a default, which must be the last ones.
    """
    words = statement.words
    cursor = statement.cursor(words.index("procedure") + 1)
    name = stored_table_name(cursor.qualified_name())
    first = cursor.index
    edits = _arguments(cursor)
    for token in statement.tokens:
        if token.kind is Kind.STRING and token.value.startswith("$"):
            edits.append(Edit(token.start, token.end, _body(token.value)))
        elif token.value == "nonatomic":
            edits.append(Edit(token.start, token.end, ""))
    cursor.index = first
    return Step(
        Action.RUN,
        join_statements(statement.rewritten(edits), _note(statement, name, read_arguments(cursor))),
        "CREATE PROCEDURE",
        long_names=statement.long_names,
    )


@dataclass(frozen=True)
class Argument:
    """An argument of a procedure. `mode` is IN, OUT or INOUT; the type is written between `start` and `end`."""

    name: str
    mode: str
    type: ColumnType
    start: int
    end: int


def read_arguments(cursor: Cursor) -> list[Argument] | None:
    """Take the parenthesised arguments of a procedure.

    None if one has a type that columns do not have, such as REFCURSOR.
    """
    cursor.expect("(")
    arguments: list[Argument] = []
    while not cursor.take(")"):
        if arguments:
            cursor.expect(",")
        mode = cursor.take_any(*_MODES)
        # A type begins here unless a name does, and after a name comes another word.
        is_named = is_name(cursor.peek()) and not _is_type(cursor)
        name = cursor.name() if is_named else ""
        mode = mode or cursor.take_any(*_MODES) or "in"
        start = cursor.token.start
        try:
            kind = read_type(cursor, name)
        except SqlError:
            return None
        end = cursor.tokens[cursor.index - 1].end
        arguments.append(Argument(name, mode.upper(), kind, start, end))
    return arguments


def _is_type(cursor: Cursor) -> bool:
    """Whether a type begins here and ends at the end of the argument."""
    attempt = cursor.copy()
    try:
        read_type(attempt, "")
    except SqlError:
        return False
    return attempt.at(",") or attempt.at(")")


def _note(statement: Statement, name: str, arguments: list[Argument] | None) -> str:
    """Return the statement that keeps what PostgreSQL forgets of the arguments; "" if there is nothing to keep."""
    if not arguments:
        return ""
    types = [statement.rewritten(start=each.start, end=each.end) for each in arguments]
    signature = name + "(" + ", ".join(types) + ")"
    kept = [
        {"name": argument.name, "mode": argument.mode, "type": argument.type.shown}
        for argument in arguments
    ]
    return call("pg_rs.note_routine", signature, json.dumps(kept))


def _body(quoted: str) -> str:
    tag = quoted[: quoted.index("$", 1) + 1]
    text = quoted[len(tag) : -len(tag)]
    tokens = tokenize(text)
    edits = word_edits(tokens, _NO_VALUES)
    if any(token.value in DIALECT_WORDS for token in tokens):
        edits += dialect_edits(tokens)
    return tag + splice(text, edits) + tag


def _arguments(cursor: Cursor) -> list[Edit]:
    first, end = cursor.skip_group()
    edits: list[Edit] = []
    depth, is_out = 0, False
    for place in range(first, end):
        token = cursor.tokens[place]
        depth += (token.value == "(") - (token.value == ")")
        ends = (depth == 1 and token.value == ",") or (depth == 0 and place == end - 1)
        if depth == 1 and token.value == "out" and token.kind is Kind.WORD:
            edits.append(Edit(token.start, token.end, "INOUT"))
            is_out = True
        elif ends and is_out:
            edits.append(Edit(token.start, token.start, " DEFAULT NULL"))
            is_out = False
        elif ends and edits and place < end - 1:
            raise refusal(
                "emulator", command="A procedure with an IN argument after an OUT argument"
            )
    return edits
