"""CREATE VIEW ... WITH NO SCHEMA BINDING (r_CREATE_VIEW, PG_GET_LATE_BINDING_VIEW_COLS)."""

from __future__ import annotations

import psycopg
import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from tests.redshift_emulator.conftest import Connect, Warehouse, error, rows, value

COLUMNS = (
    "SELECT * FROM pg_get_late_binding_view_cols() cols(view_schema name, view_name name, col_name name, "
    "col_type varchar, col_num int)"
)
CREATE = "CREATE VIEW v AS SELECT a, b AS named FROM public.t WITH NO SCHEMA BINDING"


@pytest.fixture(autouse=True)
def table(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a integer, b varchar(9), c date)")
    cursor.execute("INSERT INTO t VALUES (1, 'x', '2026-11-27')")


def test_its_columns_are_listed(cursor: Cursor) -> None:
    cursor.execute("CREATE VIEW bound AS SELECT a FROM t")
    cursor.execute(CREATE)
    assert rows(cursor, COLUMNS) == [
        ("public", "v", "a", "integer", 1),
        ("public", "v", "named", "character varying(9)", 2),
    ]
    assert rows(cursor, "SELECT * FROM v") == [(1, "x")]


def test_its_definition_is_the_whole_statement(cursor: Cursor) -> None:
    cursor.execute("CREATE VIEW bound AS SELECT a FROM t")
    cursor.execute(CREATE)
    definitions = dict(
        rows(cursor, "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'")
    )
    assert definitions["v"] == CREATE
    assert "CREATE" not in str(definitions["bound"])


def test_its_table_and_columns_can_be_dropped_and_it_fails_afterwards(cursor: Cursor) -> None:
    cursor.execute(CREATE)
    cursor.execute("ALTER TABLE t DROP COLUMN c")
    assert rows(cursor, "SELECT * FROM v") == [(1, "x")]
    cursor.execute("ALTER TABLE t DROP COLUMN b")
    assert error(cursor, "SELECT * FROM v")
    cursor.execute("DROP TABLE t")
    assert error(cursor, "SELECT * FROM v")
    for query in (
        "SELECT definition FROM pg_views WHERE viewname = 'v'",
        "SELECT view_definition FROM information_schema.views WHERE table_name = 'v'",
    ):
        assert rows(cursor, query) == [(CREATE,)]
    cursor.execute("DROP VIEW v")
    assert rows(cursor, COLUMNS) == []


def test_a_view_with_a_binding_still_prevents_the_drop(cursor: Cursor) -> None:
    cursor.execute("CREATE VIEW bound AS SELECT b FROM t")
    assert error(cursor, "ALTER TABLE t DROP COLUMN b")[0] == "2BP01"


def test_a_replaced_view_has_the_binding_of_the_last_statement(cursor: Cursor) -> None:
    cursor.execute(CREATE)
    cursor.execute("CREATE OR REPLACE VIEW v AS SELECT a, b AS named FROM public.t")
    assert rows(cursor, COLUMNS) == []
    assert error(cursor, "ALTER TABLE t DROP COLUMN b")[0] == "2BP01"
    cursor.execute(CREATE.replace("CREATE", "CREATE OR REPLACE"))
    assert len(rows(cursor, COLUMNS)) == 2
    cursor.execute("ALTER TABLE t DROP COLUMN b")


def test_a_rolled_back_view_is_not_listed(cursor: Cursor) -> None:
    cursor.execute("BEGIN")
    cursor.execute(CREATE)
    cursor.execute("ROLLBACK")
    assert rows(cursor, COLUMNS) == []


def test_a_user_without_more_rights_than_to_create_it_can_create_one(
    cursor: Cursor, connect: Connect
) -> None:
    cursor.execute("CREATE USER analyst PASSWORD 'Analyst1'")
    try:
        cursor.execute("GRANT SELECT ON t TO analyst")
        analyst = connect(user="analyst", password="Analyst1").cursor()
        analyst.execute(CREATE)
        assert rows(analyst, "SELECT * FROM v") == [(1, "x")]
        cursor.execute("ALTER TABLE t DROP COLUMN b")
    finally:
        cursor.execute("DROP OWNED BY analyst CASCADE; DROP USER analyst")


def test_another_user_binds_a_view_again(connect: Connect) -> None:
    cursor = connect().cursor()
    cursor.execute("CREATE USER reader_of_views PASSWORD 'Abcdefg1'")
    cursor.execute("CREATE VIEW v AS SELECT c FROM public.t WITH NO SCHEMA BINDING")
    cursor.execute("GRANT SELECT ON v TO reader_of_views")
    other = connect(user="reader_of_views", password="Abcdefg1").cursor()
    assert len(rows(other, "SELECT * FROM v")) == 1
    cursor.execute("DROP TABLE t; CREATE TABLE t (c varchar(3)); INSERT INTO t VALUES ('x')")
    try:
        assert rows(other, "SELECT * FROM v") == [("x",)]
        assert rows(cursor, "SELECT * FROM v") == [("x",)]
    finally:
        cursor.execute("DROP VIEW v; DROP USER reader_of_views")


def test_a_view_of_a_missing_table_fails_in_every_protocol(
    cursor: Cursor, warehouse: Warehouse
) -> None:
    cursor.execute("CREATE VIEW v AS SELECT a FROM public.later WITH NO SCHEMA BINDING")
    cursor.execute("CREATE VIEW w AS SELECT a FROM public.v WITH NO SCHEMA BINDING")
    assert error(cursor, "SELECT a FROM w")[0] == "42P01"
    assert error(cursor, "SELECT 1; SELECT a FROM w")[0] == "42P01"
    with psycopg.connect(warehouse.conninfo, autocommit=True) as extended:
        with pytest.raises(psycopg.errors.UndefinedTable):
            extended.execute("SELECT a FROM w WHERE a = %s", (1,))
        cursor.execute("CREATE TABLE later (a integer); INSERT INTO later VALUES (1)")
        assert extended.execute("SELECT a FROM w WHERE a = %s", (1,)).fetchall() == [(1,)]
    assert rows(cursor, "SELECT a FROM w") == [(1,)]


def test_the_tables_of_a_view_are_qualified(cursor: Cursor) -> None:
    message = error(cursor, "CREATE VIEW v AS SELECT a FROM t WITH NO SCHEMA BINDING")[1]
    assert message.startswith("All the relation names inside should be qualified")


def test_the_catalog_shows_a_materialized_view_as_redshift_does(cursor: Cursor) -> None:
    cursor.execute(
        "CREATE TABLE sold (shop integer, day date); INSERT INTO sold VALUES (1, '2024-02-03')"
    )
    statement = (
        "CREATE MATERIALIZED VIEW per_shop BACKUP NO DISTKEY (shop) SORTKEY (days) AUTO REFRESH YES AS"
        " (SELECT shop, count(*) AS days FROM sold GROUP BY shop)"
    )
    cursor.execute(statement)
    assert rows(cursor, "SELECT relkind FROM pg_class WHERE relname = 'per_shop'") == [("v",)]
    definitions = (
        "SELECT definition FROM pg_views WHERE viewname = 'per_shop'",
        "SELECT view_definition FROM information_schema.views WHERE table_name = 'per_shop'",
    )
    assert [value(cursor, query) for query in definitions] == [statement] * 2
    info = """SELECT diststyle, sortkey1, tbl_rows FROM svv_table_info WHERE "table" = 'per_shop'"""
    assert rows(cursor, info) == [("KEY(shop)", "days", 1)]
    refreshed = "SELECT autorefresh FROM svv_mv_info WHERE name = 'per_shop'"
    assert value(cursor, refreshed) == "t"
    stored = (
        "SELECT attname, attisdistkey, attsortkeyord FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid"
        " WHERE relname LIKE 'mv_tbl__per_shop__%' ORDER BY attnum"
    )
    assert rows(cursor, stored) == [("shop", True, 0), ("days", False, 1)]
    cursor.execute("ALTER MATERIALIZED VIEW per_shop AUTO REFRESH NO")
    assert value(cursor, refreshed) == "f"
    on_nodes = "SELECT trim(schema), autorefresh FROM stv_mv_info WHERE name = 'per_shop'"
    assert rows(cursor, on_nodes) == [("public", "f")]
    cursor.execute("DROP MATERIALIZED VIEW per_shop")
    assert rows(cursor, stored) == rows(cursor, refreshed) == []
