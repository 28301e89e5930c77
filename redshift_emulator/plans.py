"""A statement becomes a step. A table keyed by the first word says how each is planned; whatever is not in it is checked for
refusals, edited word by word and relayed. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from redshift_emulator.aliases import alias_edits
from redshift_emulator.casts import check_casts
from redshift_emulator.ddl.alter import read_alter
from redshift_emulator.ddl.create import create_table
from redshift_emulator.errors import SqlError
from redshift_emulator.lexer import Edit, Kind, is_name, quote_literal, quote_name, tokenize
from redshift_emulator.merge import check_merge
from redshift_emulator.refusals import begins_a_write, check_refusals, refusal
from redshift_emulator.relations import (
    is_leader_table,
    is_on_nodes,
    is_user_table,
    relations,
    uses_leader_function,
)
from redshift_emulator.rewrite import SessionValues, stored_name
from redshift_emulator.session_settings import plan_reset, plan_set, plan_show
from redshift_emulator.sql import call, qualified, together
from redshift_emulator.statement import Statement
from redshift_emulator.steps import Do, Step

# Rows of plain literals: nothing in them to refuse or to edit, no comment, no second statement.
_VALUE = (
    r"(?:[+-]?(?:\d++(?:\.\d*+)?+|\.\d++)|'(?:[^'\\]++|\\.|'')*+'|(?i:null|true|false|default)\b)"
)
_ROW = rf"\(\s*+{_VALUE}\s*+(?:,\s*+{_VALUE}\s*+)*+\)\s*+"
_PLAIN_ROWS = re.compile(rf"\s*+{_ROW}(?:,\s*+{_ROW})*+;?\s*+", re.DOTALL)
# Names alone, so neither a comment nor a literal.
_INSERT_HEAD = re.compile(
    r'\s*insert\s+into\s(?:[\s\w.$#]|"[^"]*")*(?:\((?:[\s\w$,]|"[^"]*")*\)\s*)?\bvalues\b',
    re.IGNORECASE,
)


def plan_long_insert(sql: str, values: SessionValues) -> Step | None:
    """INSERT .. VALUES with rows of plain literals alone: only its head is read."""
    head = _INSERT_HEAD.match(sql)
    if head is None or not _PLAIN_ROWS.fullmatch(sql, head.end()):
        return None
    statement = Statement(sql, tokenize(sql[: head.end()]), values)
    target = _target(statement)
    return target and Step(
        Do.RELAY,
        statement.rewritten(end=len(sql)),
        long_names=statement.long_names,
        writes=target.sql,
    )


def plan_statement(statement: Statement) -> Step:
    """The step of one statement."""
    check_refusals(statement.tokens, statement.words)
    return _PLANS.get(statement.words[0], _relay)(statement)


def _relay(statement: Statement) -> Step:
    return Step(Do.RELAY, statement.rewritten(), long_names=statement.long_names)


class _Target(NamedTuple):
    """What an INSERT, UPDATE, DELETE or MERGE writes to: the command, the table's name, and the same as SQL."""

    command: str
    name: tuple[str, ...]
    sql: str


def _target(statement: Statement) -> _Target | None:
    """The table that a statement (perhaps behind a WITH) writes to."""
    depth = 0
    for place, word in enumerate(statement.words):
        depth += (word == "(") - (word == ")")
        if depth == 0 and begins_a_write(statement.words, place):
            cursor = statement.cursor(place + 1)
            cursor.take_any("into", "from")
            start = cursor.token.start
            if not is_name(cursor.token):
                return None
            name = cursor.qualified_name()
            return _Target(
                word,
                name,
                statement.rewritten(start=start, end=cursor.tokens[cursor.index - 1].end),
            )
    return None


def _write(statement: Statement, edits: Sequence[Edit] = ()) -> Step:
    """INSERT, UPDATE, DELETE, MERGE: other writers of the table have to wait (c_write_readwrite)."""
    target = _target(statement)
    # An INSERT alone does not read what it writes to.
    read = [target.name] if target and target.command != "insert" else []
    _check_expressions(statement, [*relations(statement.tokens), *read], makes_table=False)
    writes = target.sql if target else ""
    return Step(
        Do.RELAY, statement.rewritten(edits), long_names=statement.long_names, writes=writes
    )


def _check_expressions(
    statement: Statement, tables: Sequence[tuple[str, ...]], *, makes_table: bool
) -> None:
    """Leader-node functions fail together with tables that are on the compute nodes. Where neither they nor the catalog are
    asked, there are no types but Redshift's own."""
    asked = uses_leader_function(statement.words)
    if asked and any(map(is_on_nodes, tables)):
        raise refusal("leader function")
    if not asked and all(map(is_user_table, tables)):
        check_casts(statement.tokens, makes_table=makes_table)


def _with(statement: Statement) -> Step:
    return _write(statement) if _target(statement) else _select(statement)


def _select(statement: Statement) -> Step:
    tables = list(relations(statement.tokens))
    into = _top_level(statement.words, "into")
    _check_expressions(statement, tables, makes_table=bool(into))
    if into:
        return _select_into(statement, into)
    if not any(map(is_user_table, tables)):
        if "listagg" in statement.words:
            raise refusal("compute function")
        light = (
            all(map(is_leader_table, tables))
            and statement.words[0] == "select"
            and "set_config" not in statement.words
        )
        edits = alias_edits(statement.source, statement.tokens) if tables else []
        return Step(
            Do.RELAY, statement.rewritten(edits), light=light, long_names=statement.long_names
        )
    return _relay(statement)


def _select_into(statement: Statement, place: int) -> Step:
    """SELECT .. INTO t makes a table, a temporary one for TEMP or a name that begins with #. `place` is that of INTO."""
    cursor = statement.cursor(place + 1)
    temporary = bool(cursor.take_any("temp", "temporary"))
    cursor.take("table")
    name = cursor.qualified_name()
    edits = []
    if name[-1].startswith("#") and not temporary:
        into = statement.tokens[place]
        edits.append(Edit(into.end, into.end, " TEMP"))
    if len(name) > 1 and (temporary or edits):
        raise refusal("temporary schema")
    note = call(
        "pg_rs.note_table",
        _stored(name),
        '{"diststyle": 9, "sort_auto": true, "encode_auto": true}',
    )
    return Step(
        Do.HIDDEN, statement.rewritten(edits) + "; " + note, long_names=statement.long_names
    )


def _top_level(words: Sequence[str], wanted: str) -> int:
    """The place of the first such word outside of parentheses; 0 for none."""
    depth = 0
    for place, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if depth == 0 and word == wanted:
            return place
    return 0


def _stored(name: tuple[str, ...]) -> str:
    return qualified(*(stored_name(part) for part in name[-2:]))


def _begin(statement: Statement) -> Step:
    """Every isolation level means the database's own (r_BEGIN)."""
    words = " ".join(statement.words)
    mode = " READ ONLY" if "read only" in words else ""
    return Step(Do.BEGIN, "BEGIN" + mode)


def _end(statement: Statement) -> Step:
    return Step(Do.END, statement.rewritten())


def _create(statement: Statement) -> Step:
    words = [word for word in statement.words[1:5] if word not in ("local", "or", "replace")]
    if words[:1] == ["user"]:
        return _create_user(statement)
    if words[:1] == ["table"] or (
        words[:1] in (["temp"], ["temporary"]) and words[1:2] == ["table"]
    ):
        sql = create_table(statement)
        _check_expressions(statement, list(relations(statement.tokens)), makes_table=True)
        return Step(Do.HIDDEN, sql, long_names=statement.long_names)
    if words[:1] == ["view"]:
        _check_expressions(statement, list(relations(statement.tokens)), makes_table=True)
        return Step(
            Do.RELAY, statement.rewritten(_late_binding(statement)), long_names=statement.long_names
        )
    return _alone(statement) if words[:1] == ["database"] else _relay(statement)


def _create_user(statement: Statement) -> Step:
    """A user who may insert into a table may hold it for writing, which PostgreSQL grants apart from INSERT."""
    name = statement.cursor(2).name()
    grant = "GRANT pg_maintain TO " + quote_name(stored_name(name))
    return Step(Do.HIDDEN, together(statement.rewritten(), grant), "CREATE USER")


def _late_binding(statement: Statement) -> list[Edit]:
    if statement.words[-4:] != ["with", "no", "schema", "binding"]:
        return []
    return [Edit(statement.tokens[-4].start, statement.end, "")]


def _alone(statement: Statement) -> Step:
    step = _relay(statement)
    return Step(step.do, step.sql, alone=" ".join(statement.words[:2]).upper())


def _drop(statement: Statement) -> Step:
    return _alone(statement) if statement.words[1:2] == ["database"] else _relay(statement)


def _alter(statement: Statement) -> Step:
    if statement.words[1:2] != ["table"]:
        return _relay(statement)
    change = read_alter(statement)
    return Step(
        Do.ALTER,
        change.sql,
        "ALTER TABLE",
        change.autocommit_only,
        change=change,
        long_names=statement.long_names,
    )


def _truncate(statement: Statement) -> Step:
    cursor = statement.cursor(1)
    cursor.take("table")
    cursor.qualified_name()
    cursor.expect_end()
    return Step(
        Do.TRUNCATE, statement.rewritten(), "TRUNCATE TABLE", long_names=statement.long_names
    )


def _lock(statement: Statement) -> Step:
    cursor = statement.cursor(1)
    cursor.take("table")
    cursor.qualified_name()
    while cursor.take(","):
        cursor.qualified_name()
    cursor.expect_end()
    return Step(Do.LOCK, statement.rewritten(), "LOCK TABLE", long_names=statement.long_names)


def _copy(statement: Statement) -> Step:
    return Step(Do.COPY, statement.text, "COPY", long_names=statement.long_names)


def _maintain(statement: Statement) -> Step:
    """VACUUM and ANALYZE do nothing here; their table must exist."""
    command = statement.words[0]
    cursor = statement.cursor(1)
    cursor.take_any("full", "reindex", "recluster", "verbose", "compression")
    if cursor.take("sort") or cursor.take("delete"):
        cursor.expect("only")
    sql = "SELECT 1"
    if not cursor.at_end and not cursor.at("boost"):
        sql = "SELECT " + quote_literal(_stored(cursor.qualified_name())) + "::regclass"
    return Step(Do.HIDDEN, sql, command.upper(), "VACUUM" if command == "vacuum" else "")


def _delete(statement: Statement) -> Step:
    """FROM may be left out."""
    edits = []
    if len(statement.words) > 1 and statement.words[1] != "from":
        edits.append(Edit(statement.tokens[0].end, statement.tokens[0].end, " FROM"))
    return _write(statement, edits)


def _merge(statement: Statement) -> Step:
    check_merge(statement)
    return _write(statement)


def _cancel(statement: Statement) -> Step:
    cursor = statement.cursor(1)
    return Step(Do.HIDDEN, call("pg_cancel_backend", cursor.integer()), "CANCEL")


def _no_group(statement: Statement) -> Step:
    if statement.tokens[0].kind is Kind.SYMBOL and statement.words[0] != "(":
        raise SqlError("42601", 'syntax error at or near "' + statement.words[0] + '"')
    return _select(statement)


_PLANS: dict[str, Callable[[Statement], Step]] = {
    "select": _select,
    "with": _with,
    "insert": _write,
    "update": _write,
    "(": _no_group,
    "begin": _begin,
    "start": _begin,
    "commit": _end,
    "end": _end,
    "rollback": _end,
    "abort": _end,
    "create": _create,
    "drop": _drop,
    "alter": _alter,
    "truncate": _truncate,
    "lock": _lock,
    "copy": _copy,
    "vacuum": _maintain,
    "analyze": _maintain,
    "analyse": _maintain,
    "delete": _delete,
    "merge": _merge,
    "cancel": _cancel,
    "set": plan_set,
    "reset": plan_reset,
    "show": plan_show,
}
