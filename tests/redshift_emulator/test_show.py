"""SHOW commands: of this database and of others, with bound names, as Amazon's drivers send them."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
import redshift_connector
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from tests.redshift_emulator.conftest import PASSWORD, Connect, Warehouse, error, rows

_ELSEWHERE = """
CREATE SCHEMA depot;
CREATE TABLE depot.shelf (aisle integer, bay integer, label varchar(30) NOT NULL, PRIMARY KEY (aisle, bay));
CREATE TABLE depot.box (id bigint IDENTITY, aisle integer, bay integer, weight numeric(9,3) DISTKEY,
    held interval day to second(3), FOREIGN KEY (aisle, bay) REFERENCES depot.shelf (aisle, bay));
CREATE VIEW depot.heavy AS SELECT id FROM depot.box WHERE weight > 20
"""


@pytest.fixture
def elsewhere(connect: Connect) -> Iterator[Cursor]:
    """A cursor in another database, which has a schema `depot`."""
    cursor = connect(dbname="analytics").cursor()
    cursor.execute(_ELSEWHERE)
    yield cursor
    cursor.execute("DROP SCHEMA depot CASCADE")


def test_show_lists_the_objects_of_another_database(elsewhere: Cursor, cursor: Cursor) -> None:
    del elsewhere
    databases = [row[0] for row in rows(cursor, "SHOW DATABASES LIKE 'a%'")]
    assert databases == ["analytics"]
    schemas = rows(cursor, "SHOW SCHEMAS FROM DATABASE analytics LIKE 'dep%'")
    assert [row[:2] for row in schemas] == [("analytics", "depot")]
    tables = rows(cursor, "SHOW TABLES FROM SCHEMA analytics.depot")
    assert [(*row[:4], row[9], row[10]) for row in tables] == [
        ("analytics", "depot", "box", "TABLE", "KEY(weight)", "REGULAR TABLE"),
        ("analytics", "depot", "heavy", "VIEW", None, "REGULAR VIEW"),
        ("analytics", "depot", "shelf", "TABLE", "AUTO", "REGULAR TABLE"),
    ]
    assert rows(cursor, "SHOW TABLES FROM SCHEMA dev.depot") == []
    columns = rows(cursor, "SHOW COLUMNS FROM TABLE analytics.depot.box LIKE 'we%'")
    columns += rows(cursor, "SHOW COLUMNS FROM TABLE analytics.depot.box LIKE 'held'")
    assert [(row[3], row[7], row[9], row[10], row[14]) for row in columns] == [
        ("weight", "numeric", 9, 3, 1),
        ("held", "interval day to second(3)", None, None, None),
    ]


def test_show_of_what_does_not_exist_is_empty(cursor: Cursor) -> None:
    assert rows(cursor, "SHOW SCHEMAS FROM DATABASE absent") == []
    assert rows(cursor, "SHOW TABLES FROM SCHEMA absent.s") == []
    assert rows(cursor, "SHOW SCHEMAS FROM DATABASE postgres") == []
    assert error(cursor, "SHOW TABLES FROM SCHEMA public LIKE") == (
        "42601",
        "syntax error at end of input",
    )


def test_names_with_quotes_and_backslashes_are_data(connect: Connect, cursor: Cursor) -> None:
    name = "o'b\\x %L"
    other = connect(dbname="analytics").cursor()
    other.execute(f'CREATE SCHEMA "{name}"; CREATE TABLE "{name}".t (a integer)')
    try:
        shown = rows(cursor, f'SHOW TABLES FROM SCHEMA analytics."{name}"')
        assert [row[1] for row in shown] == [name.lower()]
        assert rows(cursor, 'SHOW TABLES FROM SCHEMA analytics."\' OR true --"') == []
    finally:
        other.execute(f'DROP SCHEMA "{name}" CASCADE')


def test_show_constraints_lists_keys_from_both_sides(elsewhere: Cursor, cursor: Cursor) -> None:
    del elsewhere
    primary = rows(cursor, "SHOW CONSTRAINTS PRIMARY KEYS FROM TABLE analytics.depot.shelf")
    assert primary == [
        ("analytics", "depot", "shelf", "shelf_pkey", "aisle", 1),
        ("analytics", "depot", "shelf", "shelf_pkey", "bay", 2),
    ]
    imported = rows(cursor, "SHOW CONSTRAINTS FOREIGN KEYS FROM TABLE analytics.depot.box")
    exported = rows(
        cursor, "SHOW CONSTRAINTS FOREIGN KEYS EXPORTED FROM TABLE analytics.depot.shelf"
    )
    assert imported == exported
    assert [(row[2], row[3], row[6], row[7], row[8], row[10]) for row in imported] == [
        ("shelf", "aisle", "box", "aisle", 1, "shelf_pkey"),
        ("shelf", "bay", "box", "bay", 2, "shelf_pkey"),
    ]


def test_a_user_sees_another_database_with_their_own_permissions(
    elsewhere: Cursor, connect: Connect, cursor: Cursor
) -> None:
    elsewhere.execute("GRANT SELECT (label) ON depot.shelf TO PUBLIC")
    cursor.execute("CREATE USER viewer PASSWORD 'Secret123'")
    try:
        mine = connect(user="viewer", password="Secret123").cursor()
        grants = rows(mine, "SHOW COLUMN GRANTS ON TABLE analytics.depot.shelf FOR PUBLIC")
        assert [(row[3], row[5], row[7], row[9], row[11]) for row in grants] == [
            ("label", "SELECT", "public", False, "awsuser")
        ]
        # The connection to the other database is the user's, not the server's.
        who = "SELECT * FROM pg_rs.read_elsewhere('analytics', 'SELECT to_json(current_user)')"
        assert rows(mine, who) == [("viewer",)]
    finally:
        cursor.execute("DROP USER viewer")


def test_grant_all_is_shown_with_redshifts_permissions(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE shared (a integer); CREATE GROUP readers")
    cursor.execute("CREATE ROLE auditors")
    try:
        cursor.execute("GRANT ALL ON shared TO ROLE auditors")
        shown = rows(cursor, "SHOW GRANTS ON TABLE public.shared FOR ROLE auditors")
        assert {str(row[4]) for row in shown} == {
            "ALTER", "DELETE", "DROP", "INSERT", "REFERENCES", "RULE", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE"
        }  # fmt: skip
        cursor.execute("GRANT SELECT ON shared TO GROUP readers")
        to_group = rows(cursor, 'SHOW GRANTS ON TABLE public.shared FOR ROLE "/readers"')
        assert [row[4:8:2] for row in to_group] == [("SELECT", "/readers")]
    finally:
        cursor.execute("DROP TABLE shared; DROP ROLE auditors; DROP GROUP readers")


def test_procedures_and_functions_are_shown_with_their_arguments(cursor: Cursor) -> None:
    cursor.execute(
        "CREATE PROCEDURE close_day(d IN date, limit_ numeric(7,2), who varchar(40), done OUT integer)"
        " AS $$ BEGIN done := 1; END; $$ LANGUAGE plpgsql"
    )
    cursor.execute(
        "CREATE PROCEDURE close_all(comment text, late interval day to second(2))"
        " AS $$ BEGIN NULL; END; $$ LANGUAGE plpgsql"
    )
    cursor.execute(
        "CREATE PROCEDURE close_day(INOUT rs refcursor) AS $$ BEGIN NULL; END; $$ LANGUAGE plpgsql"
    )
    cursor.execute(
        "CREATE FUNCTION doubled(n bigint) RETURNS bigint STABLE AS $$ SELECT 2 * $1 $$ LANGUAGE sql"
    )
    procedures = rows(cursor, "SHOW PROCEDURES FROM SCHEMA dev.public LIKE 'close%'")
    assert [row[2:6] for row in procedures] == [
        ("close_all", 2, "character varying, intervald2s", None),
        ("close_day", 3, "date, numeric, character varying", "integer"),
        ("close_day", 1, "refcursor", "refcursor"),
    ]
    shown = rows(
        cursor, "SHOW PARAMETERS OF PROCEDURE public.close_day(DATE, DECIMAL(7,2), VARCHAR)"
    )
    assert [row[3:] for row in shown] == [
        ("d", 1, "IN", "date", None, None, None),
        ("limit_", 2, "IN", "numeric", None, 7, 2),
        ("who", 3, "IN", "character varying", 40, None, None),
        ("done", 4, "OUT", "integer", None, None, None),
    ]
    for spelled in ("intervald2s", "interval day to second"):
        shown = rows(cursor, f"SHOW PARAMETERS OF PROCEDURE public.close_all(varchar, {spelled})")
        assert [row[6] for row in shown] == ["character varying", "interval day to second"]
    functions = rows(cursor, "SHOW FUNCTIONS FROM SCHEMA public")
    assert [row[2:6] for row in functions] == [("doubled", 1, "bigint", "bigint")]
    parameters = rows(cursor, "SHOW PARAMETERS OF FUNCTION dev.public.doubled(bigint)")
    assert [row[3:7] for row in parameters] == [
        ("", 0, "RETURN", "bigint"),
        ("n", 1, "IN", "bigint"),
    ]
    assert rows(cursor, "SHOW PARAMETERS OF FUNCTION dev.public.doubled(integer)") == []


def test_replacing_a_procedure_replaces_its_arguments(cursor: Cursor) -> None:
    for scale in (1, 4):
        cursor.execute(
            f"CREATE OR REPLACE PROCEDURE rated(r numeric(9,{scale})) AS $$ BEGIN NULL; END; $$ LANGUAGE plpgsql"
        )
    shown = rows(cursor, "SHOW PARAMETERS OF PROCEDURE public.rated(numeric)")
    assert [row[9] for row in shown] == [4]


def test_names_are_bound_as_parameters(elsewhere: Cursor, warehouse: Warehouse) -> None:
    del elsewhere
    with psycopg.connect(warehouse.conninfo, autocommit=True) as modern:
        shown = modern.execute(
            "SHOW TABLES FROM SCHEMA %s.%s LIKE %s", ("analytics", "depot", "b%")
        ).fetchall()
        assert [row[:3] for row in shown] == [("analytics", "depot", "box")]


def test_redshift_connector_discovers_both_databases(
    elsewhere: Cursor, warehouse: Warehouse
) -> None:
    del elsewhere
    with redshift_connector.connect(
        host=warehouse.host, port=warehouse.port, user="awsuser", password=PASSWORD, database="dev", ssl=False,
        database_metadata_current_db_only=False,
    ) as session:  # fmt: skip
        cursor = session.cursor()
        assert {"analytics", "dev"} <= {row[0] for row in cursor.get_catalogs()}
        tables = cursor.get_tables("analytics", "depot", "%", ["TABLE"])
        assert [row[2] for row in tables] == ["box", "shelf"]
        columns = cursor.get_columns("analytics", "depot", "box", "%")
        assert [(row[3], row[5], row[6], row[22]) for row in columns][:4] == [
            ("id", "int8", 19, "YES"), ("aisle", "int4", 10, "NO"), ("bay", "int4", 10, "NO"),
            ("weight", "numeric", 9, "NO"),
        ]  # fmt: skip
        keys = cursor.get_imported_keys("analytics", "depot", "box")
        assert [(row[2], row[3], row[7], row[8]) for row in keys] == [
            ("shelf", "aisle", "aisle", 1),
            ("shelf", "bay", "bay", 2),
        ]
