"""Statements that Redshift refuses: SQLSTATE and message."""

from __future__ import annotations

import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from redshift_emulator.refusals import REFUSALS
from tests.redshift_emulator.conftest import error, rows

TABLE = """
CREATE TABLE t (
    id bigint NOT NULL, name varchar(10), code varchar(10) DEFAULT 'x', packed varchar(10) ENCODE bytedict,
    amount numeric(10,2),
    area varchar(10) DISTKEY, day date SORTKEY, loose integer, PRIMARY KEY (id), UNIQUE (loose)
)
"""
BLOCK = "cannot run inside a transaction block"

REFUSED = [
    # Transactions
    ("SAVEPOINT s", "0A000", "SAVEPOINT"),
    ("ROLLBACK TO SAVEPOINT s", "0A000", "SAVEPOINT"),
    ("RELEASE SAVEPOINT s", "0A000", "SAVEPOINT"),
    ("PREPARE TRANSACTION 'x'", "0A000", "not supported"),
    # ALTER TABLE
    (
        "ALTER TABLE t ALTER COLUMN amount TYPE numeric(12,2)",
        "0A000",
        "only VARCHAR may change its length",
    ),
    ("ALTER TABLE t ALTER COLUMN name TYPE integer", "0A000", "only VARCHAR may change its length"),
    ("ALTER TABLE t ALTER COLUMN packed TYPE varchar(20)", "0A000", "encoding bytedict"),
    (
        "ALTER TABLE t ALTER COLUMN code TYPE varchar(5)",
        "0A000",
        "cannot decrease a VARCHAR column size with default value",
    ),
    (
        "ALTER TABLE t ALTER COLUMN name TYPE varchar(2) USING name",
        "0A000",
        "ALTER TABLE ALTER COLUMN does not support USING",
    ),
    ("ALTER TABLE t ALTER COLUMN id SET NOT NULL", "0A000", "SET/DROP NOT NULL"),
    ("ALTER TABLE t ALTER COLUMN id DROP NOT NULL", "0A000", "SET/DROP NOT NULL"),
    (
        "ALTER TABLE t ALTER COLUMN id SET DEFAULT 1",
        "0A000",
        "ALTER COLUMN SET/DROP DEFAULT is not supported",
    ),
    (
        "ALTER TABLE t ALTER COLUMN id DROP DEFAULT",
        "0A000",
        "ALTER COLUMN SET/DROP DEFAULT is not supported",
    ),
    (
        "ALTER TABLE t ADD COLUMN a integer, ADD COLUMN b integer",
        "42601",
        'syntax error at or near ","',
    ),
    ("ALTER TABLE t ADD COLUMN IF NOT EXISTS a integer", "42601", 'syntax error at or near "IF"'),
    ("ALTER TABLE t DROP COLUMN IF EXISTS a", "42601", 'syntax error at or near "IF"'),
    ("ALTER TABLE IF EXISTS t ADD COLUMN a integer", "42601", 'syntax error at or near "IF"'),
    ("ALTER TABLE t SET SCHEMA other", "42601", 'syntax error at or near "SET"'),
    (
        "ALTER TABLE t ADD COLUMN a integer NOT NULL",
        "0A000",
        "must have a non-null default expression",
    ),
    (
        "ALTER TABLE t ADD COLUMN a integer NOT NULL DEFAULT NULL",
        "0A000",
        "must have a non-null default expression",
    ),
    ("ALTER TABLE t ADD COLUMN a integer IDENTITY(1,1)", "0A000", "IDENTITY"),
    ("ALTER TABLE t ADD COLUMN a integer PRIMARY KEY", "0A000", "a key"),
    ("ALTER TABLE t DROP COLUMN area", "0A000", "cannot drop distkey column"),
    ("ALTER TABLE t DROP COLUMN day", "0A000", "cannot drop sortkey column"),
    ("ALTER TABLE t DROP COLUMN absent", "42703", "does not exist"),
    ("ALTER TABLE t ADD PRIMARY KEY (name)", "0A000", "must have been created NOT NULL"),
    ("ALTER TABLE t DROP CONSTRAINT absent", "42704", "does not exist"),
    ("ALTER TABLE t ALTER COLUMN amount ENCODE text255", "0A000", "not valid for type numeric"),
    ("ALTER TABLE t ALTER COLUMN packed ENCODE bytedict", "0A000", "already"),
    ("ALTER TABLE absent ADD COLUMN a integer", "42P01", 'relation "absent" does not exist'),
    # CREATE TABLE
    ("CREATE TABLE n (a serial)", "0A000", 'unsupported type "serial"'),
    ("CREATE TABLE n (a json)", "0A000", 'unsupported type "json"'),
    ("CREATE TABLE n (a uuid)", "0A000", 'unsupported type "uuid"'),
    ("CREATE TABLE n (a bytea)", "0A000", 'unsupported type "bytea"'),
    ("CREATE TABLE n (a integer[])", "0A000", 'unsupported type "integer[]"'),
    ("CREATE TABLE n (a wrong)", "42704", 'type "wrong" does not exist'),
    ("CREATE TABLE n (a varchar(65536))", "22023", "cannot exceed 65535"),
    ("CREATE TABLE n (a char(4097))", "22023", "cannot exceed 4096"),
    ("CREATE TABLE n (a varchar(0))", "22023", "at least 1"),
    ("CREATE TABLE n (a numeric(39,2))", "22023", "between 1 and 38"),
    ("CREATE TABLE n (a numeric(10,11))", "22023", "between 0 and 10"),
    ("CREATE TABLE n (a integer CHECK (a > 0))", "0A000", "CHECK"),
    ("CREATE TABLE n (a integer, CHECK (a > 0))", "0A000", "CHECK"),
    ("CREATE TABLE n (a integer, CONSTRAINT c CHECK (a > 0))", "0A000", "CHECK"),
    ("CREATE TABLE n (a integer) DISTSTYLE EVEN DISTKEY (a)", "42601", "DISTKEY"),
    ("CREATE TABLE n (a integer DISTKEY, b integer DISTKEY)", "42601", "one DISTKEY"),
    ("CREATE TABLE n (a integer) SORTKEY (b)", "42703", "SORTKEY"),
    ("CREATE TABLE n (a super) SORTKEY (a)", "0A000", "cannot be a SORTKEY"),
    ("CREATE TABLE n (a varchar(3) IDENTITY(1,1))", "42601", "INT or BIGINT"),
    ("CREATE TABLE n (a varchar(3) ENCODE az64)", "0A000", "not valid for type"),
    ("CREATE TABLE n (a varchar(3) ENCODE wrong)", "42601", "not recognized"),
    ("CREATE TABLE n (oid integer)", "42701", "system column"),
    (
        "CREATE TABLE n (a integer) PARTITION BY RANGE (a)",
        "42601",
        'syntax error at or near "PARTITION"',
    ),
    ("CREATE TABLE n (a integer) INHERITS (t)", "42601", 'syntax error at or near "INHERITS"'),
    ("CREATE TEMP TABLE public.n (a integer)", "42601", "schema"),
    ("CREATE TABLE n", "42601", "syntax error at end of input"),
    ("CREATE INDEX i ON t (id)", "0A000", "CREATE INDEX"),
    ("CREATE UNIQUE INDEX i ON t (id)", "0A000", "CREATE INDEX"),
    ("CREATE SEQUENCE s", "0A000", "Sequences"),
    ("CREATE TYPE mood AS ENUM ('sad')", "0A000", "not supported"),
    ("CREATE DOMAIN d AS integer", "0A000", "not supported"),
    ("CREATE TRIGGER g BEFORE INSERT ON t EXECUTE FUNCTION f()", "0A000", "Triggers"),
    ("CREATE EXTENSION hstore", "0A000", "not supported"),
    # Queries
    ("INSERT INTO t (id) VALUES (1) ON CONFLICT DO NOTHING", "42601", 'at or near "on"'),
    ("INSERT INTO t (id) VALUES (1) RETURNING id", "42601", 'at or near "returning"'),
    ("UPDATE t SET id = 1 RETURNING id", "42601", 'at or near "returning"'),
    ("DELETE FROM t RETURNING id", "42601", 'at or near "returning"'),
    (
        "WITH x AS (INSERT INTO t (id) VALUES (1) RETURNING id) SELECT id FROM x",
        "42601",
        'at or near "insert"',
    ),
    (
        "WITH x AS (SELECT 1), y AS (UPDATE public.t SET id = 1) SELECT * FROM x",
        "42601",
        'at or near "update"',
    ),
    ("WITH x AS (WITH y AS (SELECT 1) DELETE FROM t) SELECT 1", "42601", 'at or near "delete"'),
    (
        "WITH x AS MATERIALIZED (DELETE FROM t) INSERT INTO t (id) SELECT 1",
        "42601",
        'at or near "delete"',
    ),
    (
        "CREATE TABLE n AS WITH x AS (DELETE FROM t RETURNING id) SELECT id FROM x",
        "42601",
        'at or near "delete"',
    ),
    (
        "WITH x AS (SELECT 1 AS a) UPDATE t SET id = a FROM x RETURNING id",
        "42601",
        'at or near "returning"',
    ),
    (
        "WITH x AS (SELECT 1 AS a) DELETE FROM t USING x RETURNING id",
        "42601",
        'at or near "returning"',
    ),
    (
        "WITH x AS (SELECT 1 AS a) INSERT INTO t (id) SELECT a FROM x ON CONFLICT DO NOTHING",
        "42601",
        'at or near "on"',
    ),
    (
        "WITH x AS (SELECT 1) MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE",
        "42601",
        'at or near "merge"',
    ),
    ("SELECT * FROM t FOR UPDATE", "0A000", "FOR UPDATE"),
    ("SELECT DISTINCT ON (id) id FROM t", "0A000", "DISTINCT ON"),
    ("SELECT id IS DISTINCT FROM 1 FROM t", "0A000", "IS DISTINCT FROM"),
    ("SELECT * FROM (VALUES (1)) AS v (a)", "0A000", "VALUES"),
    ("SELECT E'a'", "42704", 'type "e" does not exist'),
    ("CREATE TABLE n AS SELECT '7b0c'::uuid", "0A000", 'unsupported type "uuid"'),
    ("CREATE TABLE n AS SELECT ARRAY[1, 2]", "0A000", 'unsupported type "array"'),
    ("CREATE TABLE n AS SELECT '{}'::pg_catalog.json AS a", "0A000", 'unsupported type "json"'),
    (
        "CREATE VIEW v AS SELECT CAST((SELECT name AS n) AS bytea) FROM t",
        "0A000",
        'unsupported type "bytea"',
    ),
    ("SELECT name::jsonb INTO n FROM t", "0A000", 'unsupported type "jsonb"'),
    ("SELECT CAST('{1}' AS int[]) FROM t", "0A000", 'unsupported type "int[]"'),
    ("SELECT '{1}'::numeric(3,1)[]", "0A000", 'unsupported type "numeric[]"'),
    ("SELECT '{1}'::double precision[]", "0A000", 'unsupported type "double[]"'),
    ("INSERT INTO t (name) VALUES ('1.2.3.4'::inet)", "0A000", 'unsupported type "inet"'),
    ("UPDATE t SET name = loose::money", "0A000", 'unsupported type "money"'),
    ("DELETE FROM t WHERE name = 'x'::\"xml\"", "0A000", 'unsupported type "xml"'),
    ("SELECT pg_advisory_lock(1)", "42883", "pg_advisory_lock"),
    ("SELECT pg_try_advisory_lock(1)", "42883", "pg_try_advisory_lock"),
    ("SELECT pg_sleep(0)", "42883", "pg_sleep"),
    ("SELECT clock_timestamp()", "42883", "clock_timestamp"),
    ("SELECT string_agg(name, ',') FROM t", "42883", "string_agg"),
    ("SELECT array_agg(name) FROM t", "42883", "array_agg"),
    ("SELECT nextval('s')", "0A000", "Sequences"),
    ("SELECT current_schema(), id FROM t", "0A000", "not supported on Redshift tables"),
    ("SELECT now(), id FROM t", "0A000", "not supported on Redshift tables"),
    ("SELECT now() AS at INTO n FROM t", "0A000", "not supported on Redshift tables"),
    (
        "INSERT INTO t (id, name) SELECT id, current_schema() FROM t",
        "0A000",
        "not supported on Redshift tables",
    ),
    (
        "INSERT INTO t (id) VALUES ((SELECT count(*) FROM t WHERE day < now()))",
        "0A000",
        "not supported on Redshift tables",
    ),
    ("UPDATE t SET day = now()", "0A000", "not supported on Redshift tables"),
    (
        "WITH x AS (SELECT 1 AS a) UPDATE public.t SET day = now() FROM x",
        "0A000",
        "not supported on Redshift tables",
    ),
    ("DELETE FROM t WHERE day < CURRENT_TIMESTAMP", "0A000", "not supported on Redshift tables"),
    ("DELETE t WHERE day < now()", "0A000", "not supported on Redshift tables"),
    (
        "CREATE TABLE n AS SELECT now() AS at, id FROM t",
        "0A000",
        "not supported on Redshift tables",
    ),
    (
        "CREATE TEMP TABLE n AS (SELECT id FROM t WHERE name = version())",
        "0A000",
        "not supported on Redshift tables",
    ),
    (
        "CREATE OR REPLACE VIEW v AS SELECT version(), id FROM t",
        "0A000",
        "not supported on Redshift tables",
    ),
    ("SHOW standard_conforming_strings", "42704", "unrecognized configuration parameter"),
    ('SET "standard_conforming_strings" TO on', "42704", "unrecognized configuration parameter"),
    ("LOCK TABLE t IN SHARE MODE", "42601", 'syntax error at or near "IN"'),
    ("TRUNCATE t, t", "42601", 'syntax error at or near ","'),
    ("TRUNCATE t CASCADE", "42601", 'syntax error at or near "CASCADE"'),
    ("VACUUM absent", "42P01", "does not exist"),
    ("SELECT 'open", "42601", "unterminated quoted string"),
    ("SELECT 1; VACUUM t", "25001", "VACUUM cannot run inside a multiple commands statement"),
    (
        "SELECT 1; ALTER TABLE t ALTER COLUMN name TYPE varchar(20)",
        "25001",
        "ALTER TABLE ALTER COLUMN cannot run inside a multiple",
    ),
]

REFUSED_IN_A_BLOCK = [
    ("ALTER TABLE t ALTER COLUMN name TYPE varchar(20)", f"ALTER TABLE ALTER COLUMN {BLOCK}"),
    ("ALTER TABLE t ALTER COLUMN name ENCODE lzo", f"ALTER TABLE ALTER COLUMN {BLOCK}"),
    ("ALTER TABLE t APPEND FROM s", f"ALTER TABLE APPEND {BLOCK}"),
    ("VACUUM t", f"VACUUM {BLOCK}"),
    ("CREATE DATABASE other", f"CREATE DATABASE {BLOCK}"),
    ("DROP DATABASE analytics", f"DROP DATABASE {BLOCK}"),
]


@pytest.fixture
def table(cursor: Cursor) -> None:
    """A table with keys, a default and encodings."""
    cursor.execute(TABLE)


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(("sql", "sqlstate", "text"), REFUSED, ids=[sql for sql, _, _ in REFUSED])
def test_a_statement_is_refused(cursor: Cursor, sql: str, sqlstate: str, text: str) -> None:
    code, message = error(cursor, sql)
    assert code == sqlstate
    assert text in message
    assert rows(cursor, "SELECT 1") == [(1,)]


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("sql", "text"), REFUSED_IN_A_BLOCK, ids=[sql for sql, _ in REFUSED_IN_A_BLOCK]
)
def test_a_statement_is_refused_in_a_block(cursor: Cursor, sql: str, text: str) -> None:
    cursor.execute("BEGIN")
    assert error(cursor, sql) == ("25001", text)
    assert error(cursor, "SELECT 1")[0] == "25P02"
    cursor.execute("ROLLBACK")
    assert rows(cursor, "SELECT 1") == [(1,)]


@pytest.mark.usefixtures("table")
def test_a_key_column_cannot_change_its_type(cursor: Cursor) -> None:
    cursor.execute(
        "CREATE TABLE k (name varchar(5) UNIQUE, other varchar(5) NOT NULL, PRIMARY KEY (other))"
    )
    assert "UNIQUE" in error(cursor, "ALTER TABLE k ALTER COLUMN name TYPE varchar(9)")[1]
    assert "PRIMARY KEY" in error(cursor, "ALTER TABLE k ALTER COLUMN other TYPE varchar(9)")[1]


@pytest.mark.usefixtures("table")
def test_a_varchar_grows_and_shrinks_to_its_longest_value(cursor: Cursor) -> None:
    cursor.execute("INSERT INTO t (id, name) VALUES (1, 'äb')")
    cursor.execute("ALTER TABLE t ALTER COLUMN name TYPE varchar(20)")
    cursor.execute("INSERT INTO t (id, name) VALUES (1, repeat('x', 20))")
    assert error(cursor, "INSERT INTO t (id, name) VALUES (1, repeat('ä', 11))")[0] == "22001"
    assert (
        "current maximum column size (20)"
        in error(cursor, "ALTER TABLE t ALTER COLUMN name TYPE varchar(19)")[1]
    )
    cursor.execute("DELETE t WHERE len(name) = 20")
    cursor.execute("ALTER TABLE t ALTER COLUMN name TYPE varchar(3)")
    assert error(cursor, "INSERT INTO t (id, name) VALUES (1, 'äää')")[0] == "22001"


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO t (id, name, day) VALUES (1, current_schema(), now())",
        "INSERT INTO t (id, day) SELECT 1, now()",
        "CREATE TABLE n AS SELECT now() AS at",
        "CREATE TABLE n (a timestamp DEFAULT now(), b timestamptz DEFAULT current_timestamp)",
        "CREATE VIEW v AS SELECT current_schema() AS a FROM pg_class",
        "WITH x AS (SELECT now() AS at) SELECT extract(year FROM at) FROM x",
        "SELECT extract(year FROM relname::date), now() FROM pg_class WHERE relname = ''",
        "WITH x (a) AS (SELECT 1), y AS (SELECT 2) SELECT current_schema(), a FROM x, y",
        "SELECT t.id, c.relname FROM t JOIN pg_class c ON c.oid = t.id",
        "UPDATE t SET day = SYSDATE WHERE day < GETDATE()",
    ],
)
def test_a_leader_node_function_runs_without_a_user_table(cursor: Cursor, sql: str) -> None:
    cursor.execute(sql)


@pytest.mark.parametrize(
    "name", ["object", "convert", "datetime", "decode", "hll", "median", "nextval", "age", "now"]
)
def test_a_table_and_a_column_may_have_the_name_of_a_refused_function(
    cursor: Cursor, name: str
) -> None:
    cursor.execute(f"CREATE TABLE {name} ({name} integer, id integer)")
    cursor.execute(f"INSERT INTO {name} (id, {name}) VALUES (1, 2)")
    cursor.execute(f"INSERT INTO public.{name} (id, {name}) SELECT id, {name} FROM {name}")
    cursor.execute(f"UPDATE {name} SET {name} = 3 WHERE id = 1")
    asked = (
        f"WITH {name} (a, b) AS (SELECT id, {name} FROM public.{name}) "
        f"SELECT {name}.b FROM {name} WHERE a IN (1, 2)"
    )
    assert rows(cursor, asked) == [(3,), (3,)]
    assert rows(cursor, f"SELECT a FROM {name} AS {name} (b, a) WHERE {name}.a = 1") == [(1,), (1,)]
    cursor.execute(f"DROP TABLE {name}")


@pytest.mark.usefixtures("table")
def test_a_column_may_have_the_name_values(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE n (values integer)")
    cursor.execute("INSERT INTO n (values) VALUES (1)")
    cursor.execute("SELECT id AS values FROM t")
    assert rows(cursor, "SELECT (values) FROM n") == [(1,)]


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("call", ["crc32 (name)", "pg_catalog.crc32(name)", "1 + crc32(name)"])
def test_a_call_of_a_refused_function_is_refused_in_every_form(cursor: Cursor, call: str) -> None:
    for sql in (
        f"SELECT {call} FROM t",
        f"INSERT INTO t (id) SELECT {call} FROM t",
        f"UPDATE t SET id = {call}",
    ):
        assert "crc32() is not supported" in error(cursor, sql)[1]
    assert "crc32() is not supported" in error(cursor, "SELECT * FROM crc32('x')")[1]


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT conkey::smallint[], conname::name, oid::regclass::text, ARRAY[1, 2] FROM pg_constraint",
        "SELECT CAST(ARRAY(SELECT nspname FROM pg_namespace) AS text[])",
        "SELECT current_schemas(true)::text[]",
        "SELECT table_name::text[] FROM information_schema.tables WHERE 1=0",
        "SELECT 't'::regclass::oid, 'a'::\"char\", 1::oid",
        "SELECT json.id::varchar(9), CAST(json.amount AS double precision) AS uuid FROM t AS json",
    ],
)
def test_a_cast_is_allowed(cursor: Cursor, sql: str) -> None:
    cursor.execute(sql)


def test_names_in_a_with_may_be_command_words(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (insert integer, update integer)")
    cursor.execute(
        "WITH x AS (SELECT 1 AS a, 2 AS b) INSERT INTO t (insert, update) SELECT a, b FROM x"
    )
    asked = "WITH x (update) AS (SELECT (update + 1) AS delete FROM t) SELECT update FROM x"
    assert rows(cursor, asked) == [(3,)]
    cursor.execute("WITH x AS (SELECT 5 AS a) UPDATE t SET update = a FROM x")
    assert rows(cursor, "SELECT update FROM t") == [(5,)]


def test_an_error_in_a_query_string_rolls_back_all_its_statements(cursor: Cursor) -> None:
    assert error(cursor, "CREATE TABLE a (x integer); CREATE TABLE b (x serial)")[0] == "0A000"
    assert error(cursor, "CREATE TABLE a (x integer); SELECT 1/0")[0] == "22012"
    assert error(cursor, "SELECT * FROM a")[0] == "42P01"


def test_a_statement_over_16_mb_is_refused(cursor: Cursor) -> None:
    code, message = error(cursor, "SELECT '" + "x" * 16_777_216 + "'")
    assert code == "54001"
    assert "Maximum Allowed: 16777216 bytes" in message


def test_every_refusal_has_a_source_and_a_name_of_its_own() -> None:
    assert all(row.source and row.message and len(row.sqlstate) == 5 for row in REFUSALS)
    assert len({row.name for row in REFUSALS}) == len(REFUSALS)
