"""Plan the statements that are neither queries nor settings: transactions, CREATE, DROP, ALTER,
LOCK, COPY, VACUUM, ... Pure.
"""

from __future__ import annotations

from redshift_emulator.ddl.alter import read_alter
from redshift_emulator.ddl.create import create_table
from redshift_emulator.lexer import Edit, quote_literal, quote_name
from redshift_emulator.plan_queries import check_expressions, forward, stored_table_name
from redshift_emulator.relations import relations
from redshift_emulator.rewrite import stored_name
from redshift_emulator.sql import call, join_statements
from redshift_emulator.statement import Statement
from redshift_emulator.step import Action, Step


def plan_begin(statement: Statement) -> Step:
    """Plan BEGIN and START TRANSACTION.

    Every isolation level means the database's own (r_BEGIN).
    """
    mode = " READ ONLY" if "read only" in " ".join(statement.words) else ""
    return Step(Action.BEGIN, "BEGIN" + mode)


def plan_end(statement: Statement) -> Step:
    """Plan COMMIT, END, ROLLBACK and ABORT."""
    return Step(Action.END, statement.rewritten())


def plan_create(statement: Statement) -> Step:
    """Plan CREATE USER, TABLE, VIEW, DATABASE; PostgreSQL gets all others."""
    words = [word for word in statement.words[1:5] if word not in ("local", "or", "replace")]
    if words[:1] == ["user"]:
        return _plan_create_user(statement)
    if words[:1] == ["table"] or (
        words[:1] in (["temp"], ["temporary"]) and words[1:2] == ["table"]
    ):
        sql = create_table(statement)
        check_expressions(statement, list(relations(statement.tokens)), makes_table=True)
        return Step(Action.RUN, sql, long_names=statement.long_names)
    if words[:1] == ["view"]:
        check_expressions(statement, list(relations(statement.tokens)), makes_table=True)
        sql = statement.rewritten(_late_binding(statement))
        return Step(Action.FORWARD, sql, long_names=statement.long_names)
    return _autocommit_only(statement) if words[:1] == ["database"] else forward(statement)


def _plan_create_user(statement: Statement) -> Step:
    """A user with INSERT on a table may lock it for writing.

    In PostgreSQL this needs a permission of its own.
    """
    name = statement.cursor(2).name()
    grant = "GRANT pg_maintain TO " + quote_name(stored_name(name))
    return Step(Action.RUN, join_statements(statement.rewritten(), grant), "CREATE USER")


def _late_binding(statement: Statement) -> list[Edit]:
    """Remove WITH NO SCHEMA BINDING."""
    if statement.words[-4:] != ["with", "no", "schema", "binding"]:
        return []
    return [Edit(statement.tokens[-4].start, statement.end, "")]


def _autocommit_only(statement: Statement) -> Step:
    command = " ".join(statement.words[:2]).upper()
    return Step(Action.FORWARD, statement.rewritten(), autocommit_only=command)


def plan_drop(statement: Statement) -> Step:
    """Plan DROP. DROP DATABASE cannot run in a block."""
    return (
        _autocommit_only(statement) if statement.words[1:2] == ["database"] else forward(statement)
    )


def plan_alter(statement: Statement) -> Step:
    """Plan ALTER TABLE; PostgreSQL gets all other ALTER statements."""
    if statement.words[1:2] != ["table"]:
        return forward(statement)
    change = read_alter(statement)
    return Step(
        Action.ALTER,
        change.sql,
        "ALTER TABLE",
        change.autocommit_only,
        change=change,
        long_names=statement.long_names,
    )


def plan_truncate(statement: Statement) -> Step:
    """Plan TRUNCATE of one table."""
    cursor = statement.cursor(1)
    cursor.take("table")
    cursor.qualified_name()
    cursor.expect_end()
    return Step(
        Action.TRUNCATE, statement.rewritten(), "TRUNCATE TABLE", long_names=statement.long_names
    )


def plan_lock(statement: Statement) -> Step:
    """Plan LOCK of one or more tables."""
    cursor = statement.cursor(1)
    cursor.take("table")
    cursor.qualified_name()
    while cursor.take(","):
        cursor.qualified_name()
    cursor.expect_end()
    return Step(Action.LOCK, statement.rewritten(), "LOCK TABLE", long_names=statement.long_names)


def plan_copy(statement: Statement) -> Step:
    """Plan COPY."""
    return Step(Action.COPY, statement.text, "COPY", long_names=statement.long_names)


def plan_maintenance(statement: Statement) -> Step:
    """Plan VACUUM and ANALYZE. They only check that their table exists."""
    command = statement.words[0]
    cursor = statement.cursor(1)
    cursor.take_any("full", "reindex", "recluster", "verbose", "compression")
    if cursor.take("sort") or cursor.take("delete"):
        cursor.expect("only")
    sql = "SELECT 1"
    if not cursor.at_end and not cursor.at("boost"):
        table = stored_table_name(cursor.qualified_name())
        sql = "SELECT " + quote_literal(table) + "::regclass"
    return Step(Action.RUN, sql, command.upper(), "VACUUM" if command == "vacuum" else "")


def plan_cancel(statement: Statement) -> Step:
    """Plan CANCEL of a session's running statement."""
    process_id = statement.cursor(1).integer()
    return Step(Action.RUN, call("pg_cancel_backend", process_id), "CANCEL")
