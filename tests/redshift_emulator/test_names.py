"""Names: folded, cut, case-sensitive on demand; names of temporary tables."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg2
import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from tests.redshift_emulator.conftest import Connect, error, rows, value


def test_quoted_names_are_folded_too(cursor: Cursor) -> None:
    cursor.execute('CREATE TABLE "MixedCase" ("Id" integer, "É" integer)')
    cursor.execute('SELECT "ID", "É" AS "Alias" FROM mixedcase')
    assert [column.name for column in cursor.description or ()] == ["id", "alias"]
    assert error(cursor, 'CREATE TABLE t ("a" integer, "A" integer)')[0] == "42701"


def test_quoted_names_keep_their_case_with_the_setting(cursor: Cursor) -> None:
    cursor.execute("SET enable_case_sensitive_identifier TO true")
    cursor.execute('CREATE TABLE t ("Id" integer)')
    assert rows(cursor, 'SELECT "Id" FROM t') == []
    assert error(cursor, "SELECT id FROM t")[0] == "42703"
    cursor.execute("RESET enable_case_sensitive_identifier")
    assert error(cursor, 'SELECT "Id" FROM t')[0] == "42703"


@pytest.mark.parametrize(
    ("statements", "setting"),
    [
        (["BEGIN", "SET enable_case_sensitive_identifier TO on", "ROLLBACK"], "off"),
        (["BEGIN", "SET enable_case_sensitive_identifier TO on", "COMMIT"], "on"),
        (["BEGIN; SET enable_case_sensitive_identifier TO on; ROLLBACK"], "off"),
        (["SET enable_case_sensitive_identifier TO on; SELECT 1/0"], "off"),
        (["BEGIN", "SET enable_case_sensitive_identifier TO on", "SELECT 1/0", "COMMIT"], "off"),
        (["SET enable_case_sensitive_identifier TO on", "RESET ALL"], "off"),
    ],
)
def test_the_case_of_names_follows_the_setting(
    cursor: Cursor, statements: list[str], setting: str
) -> None:
    for statement in statements:
        with contextlib.suppress(psycopg2.errors.DivisionByZero):
            cursor.execute(statement)
    assert value(cursor, "SHOW enable_case_sensitive_identifier") == setting
    cursor.execute('SELECT 1 AS "AbC"')
    assert cursor.description is not None
    assert cursor.description[0].name == ("AbC" if setting == "on" else "abc")


def test_redshifts_own_settings_may_be_login_options(connect: Connect) -> None:
    options = "-c query_group=etl -c enable_case_sensitive_identifier=on -c statement_timeout=5000"
    cursor = connect(options=options).cursor()
    assert [value(cursor, "SHOW " + name) for name in ("query_group", "statement_timeout")] == [
        "etl",
        "5s",
    ]
    cursor.execute('SELECT 1 AS "AbC"')
    assert cursor.description is not None
    assert cursor.description[0].name == "AbC"


@pytest.fixture
def case_kept(cursor: Cursor) -> Iterator[Cursor]:
    """A cursor of a session with enable_case_sensitive_identifier."""
    cursor.execute("SET enable_case_sensitive_identifier TO true")
    yield cursor
    cursor.execute('DROP TABLE IF EXISTS "Ab"')


SHOWN = (
    'SELECT "column", distkey, sortkey, encoding FROM pg_table_def'
    " WHERE schemaname = 'public' AND tablename = 'Ab' ORDER BY 1"
)


def test_create_table_keeps_the_case_of_quoted_names(case_kept: Cursor) -> None:
    case_kept.execute(
        'CREATE TABLE "Ab" ("Cd" integer ENCODE raw, "Ef" varchar(9) DISTKEY, PRIMARY KEY ("Cd")) SORTKEY ("Cd")'
    )
    assert rows(case_kept, SHOWN) == [("Cd", False, 1, "none"), ("Ef", True, 0, "lzo")]
    assert [row[3] for row in rows(case_kept, 'SHOW COLUMNS FROM TABLE "Ab"')] == ["Cd", "Ef"]
    assert '"Ab"' in str(value(case_kept, 'SHOW TABLE public."Ab"'))
    case_kept.execute('VACUUM "Ab"')
    case_kept.execute('ANALYZE "Ab"')
    assert error(case_kept, "ANALYZE ab")[0] == "42P01"
    case_kept.execute('CREATE TABLE ab (LIKE "Ab")')
    case_kept.execute("DROP TABLE ab")


@pytest.mark.parametrize(
    "sql",
    ['CREATE TABLE "Ab" DISTKEY ("Cd") AS SELECT 1 AS "Cd"', 'SELECT 1 AS "Cd" INTO "Ab"'],
    ids=["as", "into"],
)
def test_a_table_made_from_a_query_keeps_the_case_of_quoted_names(
    case_kept: Cursor, sql: str
) -> None:
    case_kept.execute(sql)
    assert [row[0] for row in rows(case_kept, SHOWN)] == ["Cd"]


def test_alter_table_keeps_the_case_of_quoted_names(case_kept: Cursor) -> None:
    case_kept.execute('CREATE TABLE "Ab" ("Cd" integer, "Ef" varchar(3))')
    case_kept.execute('ALTER TABLE "Ab" ADD COLUMN "Gh" integer ENCODE raw')
    case_kept.execute('ALTER TABLE "Ab" RENAME COLUMN "Gh" TO "Ij"')
    case_kept.execute('ALTER TABLE "Ab" ALTER COLUMN "Ef" TYPE varchar(20)')
    case_kept.execute('ALTER TABLE "Ab" ALTER SORTKEY ("Ef")')
    case_kept.execute('ALTER TABLE "Ab" ALTER COLUMN "Ef" ENCODE zstd')
    case_kept.execute('ALTER TABLE "Ab" ADD CONSTRAINT "Kl" UNIQUE ("Ij")')
    case_kept.execute('ALTER TABLE "Ab" DROP CONSTRAINT "Kl"')
    case_kept.execute('ALTER TABLE "Ab" DROP COLUMN "Cd"')
    assert rows(case_kept, SHOWN) == [("Ef", False, 1, "zstd"), ("Ij", False, 0, "none")]
    assert error(case_kept, 'ALTER TABLE "Ab" DROP COLUMN ef')[0] == "42703"
    case_kept.execute('ALTER TABLE "Ab" RENAME TO "Mn"')
    case_kept.execute('ALTER TABLE "Mn" RENAME TO "Ab"')


def test_create_user_keeps_the_case_of_a_quoted_name(case_kept: Cursor) -> None:
    case_kept.execute("CREATE USER \"Reader\" PASSWORD 'Secret1x'")
    assert rows(case_kept, "SELECT usename FROM pg_user WHERE usename = 'Reader'") == [("Reader",)]
    case_kept.execute('DROP USER "Reader"')


@pytest.mark.parametrize("quoted", [True, False])
def test_names_are_cut_at_127_bytes(cursor: Cursor, quoted: bool) -> None:
    name = "n" * 140
    written = f'"{name}"' if quoted else name
    cursor.execute(f"CREATE TABLE {written} ({written} integer, {'m' * 70} varchar(3))")
    cursor.execute(f"SELECT * FROM {'n' * 127}")
    assert [column.name for column in cursor.description or ()] == ["n" * 127, "m" * 70]
    shown = rows(
        cursor, "SELECT tablename, \"column\" FROM pg_table_def WHERE schemaname = 'public'"
    )
    assert shown == [("n" * 127, "n" * 127), ("n" * 127, "m" * 70)]
    assert error(cursor, f"CREATE TABLE {'n' * 128} (a integer)")[0] == "42P07"


def test_two_long_names_may_differ_after_63_bytes(cursor: Cursor) -> None:
    cursor.execute(f"CREATE TABLE t ({'x' * 100}a integer, {'x' * 100}b integer)")
    assert rows(cursor, f"SELECT {'x' * 100}b FROM t") == []


def test_long_names_are_whole_in_information_schema(cursor: Cursor) -> None:
    table, view, column = "t" * 100, "v" * 100, "c" * 100
    cursor.execute(f"CREATE TABLE {table} ({column} integer)")
    cursor.execute(f"CREATE VIEW {view} AS SELECT {column} FROM {table}")
    own = "WHERE table_schema = 'public' ORDER BY 1"
    assert rows(cursor, f"SELECT table_name FROM information_schema.tables {own}") == [
        (table,),
        (view,),
    ]
    assert rows(cursor, f"SELECT table_name FROM information_schema.views {own}") == [(view,)]
    columns = f"SELECT table_name, column_name FROM information_schema.columns c {own}"
    assert rows(cursor, columns) == [(table, column), (view, column)]
    found = f"SELECT count(*) FROM dev.information_schema.tables i WHERE i.table_name = '{table}'"
    assert value(cursor, found) == 1


def test_a_table_with_a_hash_name_is_temporary(connect: Connect) -> None:
    one, other = connect().cursor(), connect().cursor()
    one.execute("CREATE TABLE #stage (a varchar(3))")
    one.execute("INSERT INTO #stage VALUES ('x')")
    assert rows(one, "SELECT * FROM #stage") == [("x",)]
    with pytest.raises(psycopg2.Error):
        other.execute("SELECT * FROM #stage")


@pytest.mark.parametrize(
    "into", ["#picked", "TEMP picked", "TABLE #picked", "TEMPORARY TABLE picked"]
)
def test_select_into_creates_a_temporary_table(connect: Connect, into: str) -> None:
    one, other = connect().cursor(), connect().cursor()
    one.execute("CREATE TABLE k (a integer); INSERT INTO k VALUES (1)")
    one.execute(f"SELECT a INTO {into} FROM k")
    name = into.split()[-1]
    assert rows(one, f"SELECT a FROM {name}") == [(1,)]
    assert error(other, f"SELECT a FROM {name}")[0] == "42P01"


def test_select_into_works_after_a_with(connect: Connect) -> None:
    one, other = connect().cursor(), connect().cursor()
    one.execute("WITH k AS (SELECT 1 AS a) SELECT a INTO #picked FROM k")
    assert rows(one, "SELECT a FROM #picked") == [(1,)]
    assert error(other, "SELECT a FROM #picked")[0] == "42P01"
    assert error(one, "SELECT 1 AS a INTO public.#picked")[0] == "42601"
