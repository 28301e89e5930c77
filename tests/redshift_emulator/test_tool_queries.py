"""What tools ask the catalog: Amazon's JDBC driver, DBeaver, psql and awswrangler.

The tools themselves run in tools/; these are statements in our own words that need the same of the catalog.
"""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from tests.redshift_emulator.conftest import PASSWORD, Warehouse, rows, value


@pytest.fixture
def shop(cursor: Cursor) -> Cursor:
    """Two tables with keys, a view and a late-binding view."""
    cursor.execute(
        "CREATE TABLE customers (id bigint IDENTITY(1, 1), name varchar(30), PRIMARY KEY (id, name))"
    )
    cursor.execute(
        "CREATE TABLE orders (id bigint, customer bigint, name varchar(30),"
        " FOREIGN KEY (customer, name) REFERENCES customers (id, name))"
    )
    cursor.execute("CREATE VIEW names AS SELECT name FROM customers")
    cursor.execute("CREATE VIEW late AS SELECT name FROM public.customers WITH NO SCHEMA BINDING")
    return cursor


def test_a_foreign_key_depends_on_the_index_of_the_key_that_it_refers_to(shop: Cursor) -> None:
    """JDBC's getImportedKeys reads pg_depend."""
    found = rows(
        shop,
        "SELECT f.conname, i.relname, i.relkind FROM pg_constraint f, pg_depend d, pg_class i"
        " WHERE d.objid = f.oid AND d.refobjid = i.oid AND f.contype = 'f'"
        " AND d.classid = 'pg_constraint'::regclass::oid AND d.refclassid = 'pg_class'::regclass::oid",
    )
    assert found == [("orders_customer_fkey", "customers_pkey", "i")]


def test_the_sequence_of_an_identity_column_is_hidden(shop: Cursor) -> None:
    assert value(shop, "SELECT count(*) FROM pg_class WHERE relkind = 'S'") == 0


def test_the_columns_of_a_late_binding_view_are_not_in_pg_attribute(shop: Cursor) -> None:
    counts = rows(
        shop,
        "SELECT c.relname, count(*) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relname IN ('names', 'late') AND a.attnum > 0 GROUP BY c.relname",
    )
    assert counts == [("names", 1)]
    assert value(shop, "SELECT count(*) FROM svv_columns WHERE table_name = 'late'") == 1


def test_an_alias_in_where_is_known_in_a_subquery_of_the_catalog(shop: Cursor) -> None:
    found = rows(
        shop,
        "SELECT t FROM (SELECT relname AS t, relkind AS k FROM pg_class WHERE k = 'r' AND t LIKE 'cust%')"
        " AS x WHERE t = 'customers'",
    )
    assert found == [("customers",)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT isnull(NULL, 'x')", "x"),
        ("SELECT current_setting('query_group')", "default"),
        ("SELECT set_config('query_group', 'mine', false)", "mine"),
        ("SELECT current_setting('application_name')", ""),
        ("SELECT replicate('ab', 2)", "abab"),
        ("SELECT date_part_year('2026-01-05')", 2026),
        ("SELECT json_size(json_parse('[10001, 10002, \"abc\"]'))", 19),
        ("SELECT from_varbyte(json_serialize_to_varbyte(json_parse('[1]')), 'utf8')", "[1]"),
        ("SELECT from_varbyte(substring('abc'::varbyte, 2, 1), 'utf8')", "b"),
    ],
)
def test_a_function_that_tools_call(cursor: Cursor, sql: str, expected: object) -> None:
    assert value(cursor, sql) == expected


def test_the_columns_of_a_primary_key_are_in_information_schema(shop: Cursor) -> None:
    """Airflow's upsert reads them."""
    found = rows(
        shop,
        "SELECT k.column_name, k.ordinal_position FROM information_schema.table_constraints t"
        " JOIN information_schema.key_column_usage k ON k.constraint_name = t.constraint_name"
        " AND k.constraint_schema = t.constraint_schema WHERE t.constraint_type = 'PRIMARY KEY'"
        " AND k.table_schema = 'public' AND k.table_name = 'customers' ORDER BY 2",
    )
    assert found == [("id", 1), ("name", 2)]


def test_set_readonly_makes_the_session_read_only(shop: Cursor) -> None:
    """JDBC's setReadOnly sends it."""
    shop.execute("SET readonly=1")
    with pytest.raises(Exception, match="read-only transaction"):
        shop.execute("INSERT INTO orders VALUES (1)")
    shop.execute("SET readonly=0")
    shop.execute("INSERT INTO orders VALUES (1)")


def test_a_table_like_a_qualified_table(shop: Cursor) -> None:
    """awswrangler makes its temporary tables so."""
    shop.execute('CREATE TEMPORARY TABLE "copied" (LIKE "public"."orders")')
    shop.execute('DELETE copied USING "public"."orders" WHERE copied.id = orders.id')
    assert value(shop, "SELECT count(*) FROM copied") == 0


# What DBeaver's Redshift support reads, as far as known, in our own words. Not compared with its source.
DBEAVER = {
    "databases": "SELECT d.oid, d.datname, d.datdba, d.encoding FROM pg_catalog.pg_database d WHERE d.datallowconn",
    "schemas": "SELECT n.oid, n.*, d.description FROM pg_catalog.pg_namespace n"
    " LEFT JOIN pg_catalog.pg_description d ON d.objoid = n.oid AND d.objsubid = 0 ORDER BY n.nspname",
    "external schemas": "SELECT es.esoid, es.databasename, es.schemaname, es.esoptions, es.eskind"
    " FROM svv_external_schemas es",
    "tables": "SELECT c.oid, c.*, d.description FROM pg_catalog.pg_class c"
    " LEFT JOIN pg_catalog.pg_description d ON d.objoid = c.oid AND d.objsubid = 0"
    " WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'public')"
    " AND c.relkind NOT IN ('i', 'c')",
    "table info": "SELECT t.* FROM svv_table_info t WHERE t.schema = 'public'",
    "columns": "SELECT c.relname, a.*, pg_catalog.pg_get_expr(ad.adbin, ad.adrelid, true) AS def_value,"
    " format_encoding(a.attencodingtype::integer) AS encoding FROM pg_catalog.pg_attribute a"
    " INNER JOIN pg_catalog.pg_class c ON (a.attrelid = c.oid)"
    " LEFT OUTER JOIN pg_catalog.pg_attrdef ad ON (a.attrelid = ad.adrelid AND a.attnum = ad.adnum)"
    " WHERE NOT a.attisdropped AND c.relname = 'orders' ORDER BY a.attnum",
    "constraints": "SELECT c.oid, c.*, t.relname AS tabrelname, rt.relnamespace AS refnamespace"
    " FROM pg_catalog.pg_constraint c INNER JOIN pg_catalog.pg_class t ON t.oid = c.conrelid"
    " LEFT OUTER JOIN pg_catalog.pg_class rt ON rt.oid = c.confrelid ORDER BY c.oid",
    "indexes": "SELECT i.*, i.indkey AS keys, c.relname, c.relnamespace, c.relam FROM pg_catalog.pg_index i"
    " INNER JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid ORDER BY c.relname",
    "types": "SELECT t.oid, t.*, c.relkind FROM pg_catalog.pg_type t"
    " LEFT OUTER JOIN pg_class c ON c.oid = t.typrelid WHERE t.typname IS NOT NULL LIMIT 5",
    "procedures": "SELECT p.prooid, p.*, d.description FROM pg_catalog.pg_proc_info p"
    " LEFT OUTER JOIN pg_catalog.pg_description d ON d.objoid = p.prooid LIMIT 5",
    "view": "SELECT pg_get_viewdef(c.oid, true) FROM pg_class c WHERE c.relname = 'names'",
    "users": "SELECT u.usename, u.usesysid, u.usesuper FROM pg_catalog.pg_user u",
    "locks": "SELECT * FROM stv_locks",
    "sessions": "SELECT s.process, s.user_name, s.db_name, s.starttime FROM stv_sessions s",
}


@pytest.mark.parametrize("sql", DBEAVER.values(), ids=DBEAVER)
def test_dbeavers_metadata(shop: Cursor, sql: str) -> None:
    shop.execute(sql)
    shop.fetchall()


PSQL = ("\\dn", "\\dt", "\\dv", "\\du", "\\dT", "\\conninfo")
# psql 15 and later ask every server for what PostgreSQL 9.2 has: columns that Redshift's catalog lacks, and E''.
NEWER_THAN_REDSHIFT = {
    "\\l": 'type "e" does not exist',
    "\\dp": 'type "e" does not exist',
    "\\d orders": "column c.relhastriggers does not exist",
    "\\df": "column p.proisagg does not exist",
}


def run_psql(warehouse: Warehouse, command: str) -> subprocess.CompletedProcess[str]:
    """Run one command of psql, over TLS with verification."""
    login = f"host={warehouse.host} port={warehouse.port} user=awsuser dbname=dev"
    tls = f"sslmode=verify-ca sslrootcert={warehouse.ca_file}"
    return subprocess.run(
        ["psql", "-X", "-w", "-v", "ON_ERROR_STOP=1", f"{login} {tls}", "-c", command],
        env={"PATH": os.environ["PATH"], "PGPASSWORD": PASSWORD, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.skipif(shutil.which("psql") is None, reason="psql is not on the PATH")
@pytest.mark.parametrize("command", PSQL)
def test_a_command_of_psql(warehouse: Warehouse, shop: Cursor, command: str) -> None:
    del shop
    done = run_psql(warehouse, command)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def _psql_major() -> int:
    if shutil.which("psql") is None:
        return 0
    version = subprocess.run(["psql", "--version"], capture_output=True, text=True, check=True)
    return int(version.stdout.split()[2].split(".")[0])


@pytest.mark.skipif(_psql_major() != 15, reason="other versions of psql ask otherwise")
@pytest.mark.parametrize(("command", "message"), NEWER_THAN_REDSHIFT.items())
def test_a_command_of_psql_that_needs_a_newer_server(
    warehouse: Warehouse, shop: Cursor, command: str, message: str
) -> None:
    del shop
    assert message in run_psql(warehouse, command).stderr
