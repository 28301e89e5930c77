"""Plan SHOW of settings and of objects. Pure.

Sources: r_SHOW, r_SHOW_COLUMNS, r_SHOW_TABLES, r_SHOW_SCHEMAS, r_SHOW_DATABASES, r_SHOW_GRANTS, r_SHOW_TABLE,
r_SHOW_VIEW, r_SHOW_PROCEDURE.
"""

from __future__ import annotations

from redshift_emulator.cursor import Cursor
from redshift_emulator.lexer import quote_literal, quote_name
from redshift_emulator.session_settings import REDSHIFT_SETTINGS, SERVER_VERSION, name_at
from redshift_emulator.sql import call
from redshift_emulator.statement import Statement
from redshift_emulator.step import Action, Step


def plan_show(statement: Statement) -> Step:
    """Plan SHOW."""
    cursor = statement.cursor(1)
    sql = _show_object(cursor) or _show_setting(cursor) or statement.rewritten()
    return Step(Action.FORWARD, sql, catalog_only=True)


def _show_setting(cursor: Cursor) -> str:
    if cursor.take("transaction", "isolation", "level") or cursor.take("transaction_isolation"):
        return "SELECT 'serializable'::text AS transaction_isolation"
    if cursor.take("server_version"):
        return "SELECT '" + SERVER_VERSION + "'::text AS server_version"
    name = name_at(cursor)
    if name in REDSHIFT_SETTINGS:
        return "SELECT current_setting('redshift." + name + "') AS " + name
    return ""


def _show_object(cursor: Cursor) -> str:
    """Return the query of SHOW of an object; "" for a setting."""
    if cursor.take("columns", "from", "table"):
        schema, table = ("public", *cursor.qualified_name())[-2:]
        where = _equal(schema_name=schema, table_name=table)
        return _listed(cursor, "pg_rs.show_columns", where, "column_name", "ordinal_position")
    if cursor.take("tables", "from", "schema"):
        where = _equal(schema_name=cursor.qualified_name()[-1])
        return _listed(cursor, "pg_rs.show_tables", where, "table_name", "table_name")
    if cursor.take("schemas", "from", "database"):
        where = _equal(database_name=cursor.name())
        return _listed(cursor, "pg_rs.show_schemas", where, "schema_name", "schema_name")
    if cursor.take("databases"):
        return _listed(cursor, "pg_rs.show_databases", "true", "database_name", "database_name")
    if cursor.take("grants"):
        return _grants(cursor)
    if cursor.take("table"):
        schema, table = ("public", *cursor.qualified_name())[-2:]
        return call("pg_rs.show_table", schema, table) + ' AS "Show Table DDL statement"'
    if cursor.take("view"):
        name = ".".join(map(quote_name, cursor.qualified_name()[-2:]))
        return call("pg_rs.show_view", name) + ' AS "Show View DDL statement"'
    if cursor.take("procedure"):
        name = ".".join(map(quote_name, cursor.qualified_name()[-2:]))
        return call("pg_rs.show_procedure", name) + ' AS "Stored Procedure Definition"'
    return ""


def _equal(**values: str) -> str:
    return " AND ".join(f"{column} = {quote_literal(value)}" for column, value in values.items())


def _listed(cursor: Cursor, view: str, where: str, filtered: str, order: str) -> str:
    """Add LIKE 'pattern' and LIMIT n."""
    if cursor.take("like"):
        where += f" AND {filtered} LIKE {quote_literal(cursor.string())}"
    limit = f" LIMIT {cursor.integer()}" if cursor.take("limit") else ""
    cursor.expect_end()
    # The values are literals; the names are this module's.
    return f"SELECT * FROM {view} WHERE {where} ORDER BY {order}{limit}"  # noqa: S608


def _grants(cursor: Cursor) -> str:
    view, where = "pg_rs.show_grants", "true"
    if cursor.take("on"):
        if cursor.take("schema"):
            view, where = (
                "pg_rs.show_schema_grants",
                _equal(schema_name=cursor.qualified_name()[-1]),
            )
        else:
            cursor.take("table")
            schema, table = ("public", *cursor.qualified_name())[-2:]
            where = _equal(schema_name=schema, object_name=table)
    if cursor.take("for"):
        kind = "role" if cursor.take("role") else "user"
        kind = "public" if cursor.take("public") else kind
        where += " AND " + _equal(identity_type=kind)
        where += "" if kind == "public" else " AND " + _equal(identity_name=cursor.name())
    return _listed(
        cursor,
        view,
        where,
        "object_name",
        "schema_name, object_name, privilege_type, identity_name",
    )
