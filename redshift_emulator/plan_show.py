"""Plan SHOW of settings and of objects. Pure.

Sources: r_SHOW, r_SHOW_COLUMNS, r_SHOW_TABLES, r_SHOW_SCHEMAS, r_SHOW_DATABASES, r_SHOW_GRANTS, r_SHOW_COLUMN_GRANTS,
r_SHOW_CONSTRAINTS, r_SHOW_PROCEDURES, r_SHOW_FUNCTIONS, r_SHOW_PARAMETERS, r_SHOW_TABLE, r_SHOW_VIEW, r_SHOW_PROCEDURE.

Drivers bind the names as parameters (SHOW TABLES FROM SCHEMA $1.$2). Each name is therefore an SQL expression here: a
literal or a parameter.
"""

from __future__ import annotations

from redshift_emulator.cursor import Cursor
from redshift_emulator.lexer import Kind, quote_literal, quote_name
from redshift_emulator.session_settings import REDSHIFT_SETTINGS, SERVER_VERSION, name_at
from redshift_emulator.sql import call
from redshift_emulator.statement import Statement
from redshift_emulator.step import Action, Step
from redshift_emulator.types import read_type

_THIS_DATABASE = "current_database()"
_DEFAULT_SCHEMA = "'public'"
# The kinds of parameters: users before roles, as drivers expect.
_BY_IDENTITY = "privilege_type, identity_type = 'user' DESC, identity_id"
_PARAMETER_COLUMNS = (
    "parameter_name, ordinal_position, parameter_type, data_type, character_maximum_length,"
    " numeric_precision, numeric_scale"
)


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
        listing = _Listing.of_table(cursor, "show_columns")
        return listing.query(cursor, "ordinal_position", pattern_on="column_name")
    if cursor.take("tables", "from", "schema"):
        listing = _Listing.of_schema(cursor, "show_tables")
        return listing.query(cursor, "table_name", pattern_on="table_name")
    if cursor.take("schemas", "from", "database"):
        listing = _Listing("show_schemas", _value(cursor))
        return listing.query(cursor, "schema_name", pattern_on="schema_name")
    if cursor.take("databases"):
        return _Listing("show_databases").query(cursor, "database_name", pattern_on="database_name")
    if cursor.take("constraints"):
        return _constraints(cursor)
    if cursor.take("column", "grants", "on", "table"):
        listing = _Listing.of_table(cursor, "show_column_grants")
        _for_identity(cursor, listing)
        return listing.query(cursor, "column_name, " + _BY_IDENTITY)
    if cursor.take("grants"):
        return _grants(cursor)
    return _show_routines(cursor) or _show_definition(cursor)


def _show_definition(cursor: Cursor) -> str:
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


class _Listing:
    """The rows of a view of `pg_rs`, in one database, that fulfil conditions.

    The conditions are a format for PostgreSQL's format(), which quotes the values.
    """

    def __init__(self, view: str, database: str = _THIS_DATABASE) -> None:
        self.view = view
        self.database = database
        self.columns = "*"
        self._conditions: list[str] = []
        self._values: list[str] = []

    @classmethod
    def of_schema(cls, cursor: Cursor, view: str) -> _Listing:
        """Read [database.]schema."""
        database, schema = _values(cursor, _THIS_DATABASE, "")
        listing = cls(view, database)
        listing.require("schema_name = %L", schema)
        return listing

    @classmethod
    def of_table(
        cls, cursor: Cursor, view: str, schema: str = "schema_name", table: str = "table_name"
    ) -> _Listing:
        """Read [[database.]schema.]table, whose columns in the view are `schema` and `table`."""
        database, schema_name, name = _values(cursor, _THIS_DATABASE, _DEFAULT_SCHEMA, "")
        listing = cls(view, database)
        listing.require(schema + " = %L", schema_name)
        listing.require(table + " = %L", name)
        return listing

    def require(self, condition: str, *values: str) -> None:
        """Add a condition, in which each %L stands for a value."""
        self._conditions.append(condition)
        self._values += values

    def query(self, cursor: Cursor, order: str, *, pattern_on: str = "") -> str:
        """Read LIKE 'pattern' and LIMIT n; return the query."""
        if pattern_on and cursor.take("like"):
            self.require(pattern_on + " LIKE %L", _text(cursor))
        limit = f" LIMIT {cursor.integer()}" if cursor.take("limit") else ""
        cursor.expect_end()
        condition = quote_literal(" AND ".join(self._conditions) or "true")
        arguments = ", ".join([condition, *self._values])
        # The values are literals and parameters; the names are this module's.
        return (
            f"SELECT {self.columns} FROM pg_rs.shown(NULL::pg_rs.{self.view}, {self.database},"  # noqa: S608
            f" format({arguments})) ORDER BY {order}{limit}"
        )


def _value(cursor: Cursor) -> str:
    """Take a name or a parameter and return it as an expression."""
    if cursor.token.kind is Kind.PARAMETER:
        return cursor.next().value + "::text"
    return quote_literal(cursor.name())


def _values(cursor: Cursor, *defaults: str) -> tuple[str, ...]:
    """Take a qualified name. What it leaves out at its start comes from `defaults`."""
    values = [_value(cursor)]
    while len(values) < len(defaults) and cursor.take("."):
        values.append(_value(cursor))
    return (*defaults[: -len(values)], *values)


def _text(cursor: Cursor) -> str:
    if cursor.token.kind is Kind.PARAMETER:
        return cursor.next().value + "::text"
    return quote_literal(cursor.string())


def _constraints(cursor: Cursor) -> str:
    if cursor.take("primary", "keys"):
        cursor.expect("from", "table")
        return _Listing.of_table(cursor, "show_primary_keys").query(cursor, "key_seq")
    cursor.expect("foreign", "keys")
    side = "pk" if cursor.take("exported") else "fk"
    cursor.expect("from", "table")
    listing = _Listing.of_table(
        cursor, "show_foreign_keys", side + "_schema_name", side + "_table_name"
    )
    order = "pk_schema_name, pk_table_name, fk_schema_name, fk_table_name, fk_name, key_seq"
    return listing.query(cursor, order)


def _show_routines(cursor: Cursor) -> str:
    """Return the query of SHOW PROCEDURES, SHOW FUNCTIONS or SHOW PARAMETERS; "" for another object."""
    kind = cursor.take_any("procedures", "functions").removesuffix("s")
    if kind:
        cursor.expect("from", "schema")
        listing = _Listing.of_schema(cursor, f"show_{kind}s")
        name = kind + "_name"
        return listing.query(cursor, name + ", argument_list", pattern_on=name)
    if not cursor.take("parameters", "of"):
        return ""
    kind = cursor.take_any("procedure", "function")
    if not kind:
        raise cursor.syntax_error()
    name = kind + "_name"
    listing = _Listing.of_table(cursor, f"show_{kind}_parameters", table=name)
    listing.columns = f"database_name, schema_name, {name}, {_PARAMETER_COLUMNS}"
    types = _argument_types(cursor)
    listing.require(
        "signature = pg_rs.spelled("
        + ", ".join(["VARIADIC '{}'"] if not types else ["%L"] * len(types))
        + ")",
        *types,
    )
    return listing.query(cursor, "ordinal_position", pattern_on="parameter_name")


def _argument_types(cursor: Cursor) -> list[str]:
    cursor.expect("(")
    types: list[str] = []
    while not cursor.take(")"):
        if types:
            cursor.expect(",")
        if cursor.token.kind is Kind.PARAMETER:
            types.append(_value(cursor))
        else:
            types.append(quote_literal(read_type(cursor, "").name))
    return types


def _grants(cursor: Cursor) -> str:
    listing = _Listing("show_grants")
    if cursor.take("on"):
        if cursor.take("schema"):
            listing = _Listing.of_schema(cursor, "show_schema_grants")
        else:
            cursor.take("table")
            listing = _Listing.of_table(cursor, "show_grants", table="object_name")
    _for_identity(cursor, listing)
    return listing.query(cursor, "schema_name, object_name, " + _BY_IDENTITY)


def _for_identity(cursor: Cursor, listing: _Listing) -> None:
    """Read FOR {user | ROLE role | PUBLIC}."""
    if not cursor.take("for"):
        return
    if cursor.take("public"):
        listing.require("identity_type = 'public'")
        return
    kind = "role" if cursor.take("role") else "user"
    listing.require("identity_type = %L", quote_literal(kind))
    listing.require("identity_name = %L", _value(cursor))
