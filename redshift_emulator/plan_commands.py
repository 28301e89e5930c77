"""Plan the statements that are neither queries nor settings: transactions, CREATE, DROP, ALTER,
LOCK, COPY, VACUUM, ... Pure.
"""

from __future__ import annotations

from collections.abc import Callable

from redshift_emulator.ddl.alter import read_alter
from redshift_emulator.ddl.create import create_table
from redshift_emulator.lexer import quote_literal
from redshift_emulator.plan_permissions import (
    plan_alter_user,
    plan_create_database,
    plan_create_group,
    plan_create_role,
    plan_create_user,
    plan_schema,
)
from redshift_emulator.plan_queries import check_expressions, forward, stored_table_name
from redshift_emulator.plan_views import (
    plan_alter_materialized_view,
    plan_create_materialized_view,
    plan_create_procedure,
    plan_create_view,
)
from redshift_emulator.relations import relations
from redshift_emulator.sql import call
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
    """Plan CREATE; PostgreSQL gets all that is not in `_CREATORS`."""
    words = [word for word in statement.words[1:5] if word not in ("local", "or", "replace")]
    if words[:1] == ["table"] or (
        words[:1] in (["temp"], ["temporary"]) and words[1:2] == ["table"]
    ):
        sql = create_table(statement)
        check_expressions(statement, list(relations(statement.tokens)), makes_table=True)
        return Step(Action.RUN, sql, long_names=statement.long_names)
    if words[:1] == ["view"]:
        check_expressions(statement, list(relations(statement.tokens)), makes_table=True)
    return _CREATORS.get(words[0] if words else "", forward)(statement)


_CREATORS: dict[str, Callable[[Statement], Step]] = {
    "user": plan_create_user,
    "group": plan_create_group,
    "role": plan_create_role,
    "view": plan_create_view,
    "materialized": plan_create_materialized_view,
    "procedure": plan_create_procedure,
    "database": plan_create_database,
    "schema": plan_schema,
}


def _autocommit_only(statement: Statement) -> Step:
    command = " ".join(statement.words[:2]).upper()
    return Step(Action.FORWARD, statement.rewritten(), autocommit_only=command)


def plan_drop(statement: Statement) -> Step:
    """Plan DROP. DROP DATABASE cannot run in a block."""
    if statement.words[1:2] == ["schema"]:
        return plan_schema(statement)
    return (
        _autocommit_only(statement) if statement.words[1:2] == ["database"] else forward(statement)
    )


def plan_alter(statement: Statement) -> Step:
    """Plan ALTER TABLE, USER and MATERIALIZED VIEW; PostgreSQL gets all other ALTER statements."""
    if statement.words[1:2] == ["user"]:
        return plan_alter_user(statement)
    if statement.words[1:2] == ["schema"]:
        return plan_schema(statement)
    if statement.words[1:3] == ["materialized", "view"]:
        return plan_alter_materialized_view(statement)
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


def plan_unload(statement: Statement) -> Step:
    """Plan UNLOAD."""
    return Step(Action.UNLOAD, statement.text, "UNLOAD", long_names=statement.long_names)


def plan_vacuum(statement: Statement) -> Step:
    """Plan VACUUM: of one table PostgreSQL's, which gives back the space of deleted rows; else it does nothing."""
    cursor = statement.cursor(1)
    cursor.take_any("full", "reindex", "recluster")
    if cursor.take("sort") or cursor.take("delete"):
        cursor.expect("only")
    sql = "SELECT 1"
    if not cursor.at_end and not cursor.at("boost"):
        sql = "VACUUM " + stored_table_name(cursor.qualified_name())
    return Step(Action.VACUUM, sql, "VACUUM", "VACUUM")


def plan_analyze(statement: Statement) -> Step:
    """Plan ANALYZE. It only checks that its table exists."""
    cursor = statement.cursor(1)
    cursor.take_any("verbose", "compression")
    sql = "SELECT 1"
    if not cursor.at_end:
        table = stored_table_name(cursor.qualified_name())
        sql = "SELECT " + quote_literal(table) + "::regclass"
    return Step(Action.RUN, sql, "ANALYZE")


def plan_cancel(statement: Statement) -> Step:
    """Plan CANCEL of a session's running statement."""
    process_id = statement.cursor(1).integer()
    return Step(Action.RUN, call("pg_cancel_backend", process_id), "CANCEL")
