"""Names folded and cut, lengths in bytes, backslashes, identity, dates."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from decimal import Decimal

import psycopg2
import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from redshift_emulator.errors import SqlError
from redshift_emulator.planner import CACHED_LENGTH, Planner
from redshift_emulator.plans import plan_long_insert
from redshift_emulator.rewrite import SessionValues
from redshift_emulator.wire import raw
from tests.redshift_emulator.conftest import Connect, error, rows, value


def test_names_are_folded_even_in_quotes(cursor: Cursor) -> None:
    cursor.execute('CREATE TABLE "MixedCase" ("Id" integer, "É" integer)')
    cursor.execute('SELECT "ID", "É" AS "Alias" FROM mixedcase')
    assert [column.name for column in cursor.description or ()] == ["id", "alias"]
    assert error(cursor, 'CREATE TABLE t ("a" integer, "A" integer)')[0] == "42701"


def test_case_sensitive_identifiers_on_demand(cursor: Cursor) -> None:
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


def test_settings_of_redshifts_own_may_come_with_the_login(connect: Connect) -> None:
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
    """A cursor of a session in which quoted names keep their case."""
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
    case_kept.execute('ALTER TABLE "Ab" ALTER COLUMN "Ef" ENCODE zstd')
    case_kept.execute('ALTER TABLE "Ab" ALTER SORTKEY ("Ef")')
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


def test_two_long_names_that_differ_behind_63_bytes(cursor: Cursor) -> None:
    cursor.execute(f"CREATE TABLE t ({'x' * 100}a integer, {'x' * 100}b integer)")
    assert rows(cursor, f"SELECT {'x' * 100}b FROM t") == []


@pytest.mark.parametrize(
    ("kind", "text", "fits"),
    [
        ("varchar(3)", "abc", True), ("varchar(3)", "äb", True), ("varchar(3)", "ää", False), ("varchar(3)", "abcd", False),
        ("varchar(4)", "😀", True), ("varchar(3)", "😀", False), ("char(3)", "abc", True), ("char(3)", "äb", False),
        ("text", "x" * 256, True), ("text", "ä" * 129, False), ("varchar", "x" * 257, False), ("char", "xy", False),
    ],
)  # fmt: skip
def test_lengths_count_bytes(cursor: Cursor, kind: str, text: str, fits: bool) -> None:
    cursor.execute(f"CREATE TABLE t (a {kind})")
    if fits:
        cursor.execute("INSERT INTO t VALUES (%s)", (text,))
        assert value(cursor, "SELECT a FROM t") == text
    else:
        assert error(cursor, "INSERT INTO t VALUES (%s)", text)[0] == "22001"


def test_a_renamed_column_still_counts_bytes(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a varchar(3))")
    cursor.execute("ALTER TABLE t RENAME COLUMN a TO b")
    code, message = error(cursor, "INSERT INTO t VALUES ('ää')")
    assert (code, message) == ("22001", "value too long for type character varying(3)")


def test_backslash_is_an_escape_in_plain_literals(cursor: Cursor) -> None:
    cursor.execute(r"SELECT 'a\nb', 'it\'s', '\\'")
    assert cursor.fetchone() == ("a\nb", "it's", "\\")
    assert value(cursor, "SELECT %s", "a\\nb'c") == "a\\nb'c"


def test_identity_columns_take_no_values_of_their_own(cursor: Cursor) -> None:
    cursor.execute(
        "CREATE TABLE t (id integer IDENTITY(5,3), free bigint GENERATED BY DEFAULT AS IDENTITY(1,1), a integer)"
    )
    cursor.execute("INSERT INTO t (a) VALUES (1), (2)")
    cursor.execute("INSERT INTO t (free, a) VALUES (70, 3)")
    assert [row[0] for row in rows(cursor, "SELECT id FROM t ORDER BY a")] == [5, 8, 11]
    assert "identity" in error(cursor, "INSERT INTO t (id) VALUES (1)")[1]


def test_dates_of_the_server(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a timestamp DEFAULT sysdate, b timestamp DEFAULT getdate())")
    cursor.execute("INSERT INTO t (a) VALUES (SYSDATE)")
    assert value(cursor, "SELECT count(*) FROM t WHERE a <= SYSDATE AND b <= GETDATE()") == 1
    assert value(cursor, "SELECT sysdate IS NOT NULL") is True


@pytest.mark.parametrize(
    "cast",
    [
        "1.6::numeric",
        "CAST(1.6 AS decimal)",
        "cast((1.6) AS numeric)",
        "CAST(CAST('1.6' AS numeric(3,1)) AS dec)",
    ],
)
def test_a_cast_to_bare_numeric_is_to_18_0(cursor: Cursor, cast: str) -> None:
    assert str(value(cursor, "SELECT " + cast)) == "2"
    assert error(cursor, "SELECT " + cast.replace("1.6", "1e18"))[0] == "22003"


def test_a_column_may_be_called_as_a_type(cursor: Cursor) -> None:
    assert rows(
        cursor,
        "SELECT s.dec, CAST((SELECT 1.5 AS decimal) AS numeric(2,1)) FROM (SELECT 1.5 AS dec) AS s",
    ) == [(Decimal("1.5"), Decimal("1.5"))]


def test_super_takes_json_and_gives_text(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a super)")
    cursor.execute("INSERT INTO t VALUES ('{\"x\": 1}')")
    assert value(cursor, "SELECT a FROM t") == '{"x": 1}'


def test_varbyte_keeps_its_length(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a varbyte(2), b integer)")
    cursor.execute("INSERT INTO t VALUES ('ab', 1)")
    too_long = ("22001", "value too long for type binary varying(2)")
    assert error(cursor, "INSERT INTO t VALUES ('abc', 1)") == too_long
    cursor.execute("ALTER TABLE t ADD COLUMN c varbinary(1)")
    assert error(cursor, "INSERT INTO t (c) VALUES ('ab')")[0] == "22001"
    cursor.execute("ALTER TABLE t ALTER COLUMN a TYPE varbyte(3)")
    cursor.execute("INSERT INTO t VALUES ('abc', 1)")
    cursor.execute("CREATE TABLE u (LIKE t)")
    shown = "SELECT type FROM pg_table_def WHERE tablename = %s"
    assert rows(cursor, shown, "u") == rows(cursor, shown, "t")
    assert rows(cursor, shown, "t") == [
        ("binary varying(3)",),
        ("integer",),
        ("binary varying(1)",),
    ]
    assert (
        value(
            cursor,
            "SELECT character_maximum_length FROM pg_rs.show_columns WHERE column_name = 'c'",
        )
        == 1
    )
    assert error(cursor, "CREATE TABLE n (a varbyte(16777217))")[0] == "22023"
    assert error(cursor, "CREATE TABLE n (a varbyte(1) SORTKEY)")[0] == "0A000"


def test_a_driver_gives_bytes_for_varbyte(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a varbyte(9))")
    cursor.execute("INSERT INTO t VALUES (%s)", (b"ab",))
    cursor.execute("UPDATE t SET a = %s", (b"abc",))
    assert value(cursor, "SELECT count(*) FROM t WHERE a = %s", b"abc") == 1
    assert error(cursor, "INSERT INTO t SELECT a::bytea FROM t")[0] == "0A000"
    assert error(cursor, "SELECT %s AS a INTO u", b"abc")[0] == "0A000"


def test_shapes_and_sketches_are_kept_as_they_came(cursor: Cursor) -> None:
    point = "0101000000000000000000F03F0000000000000040"
    cursor.execute("CREATE TABLE t (a geometry, b geography, c hllsketch)")
    cursor.execute("INSERT INTO t VALUES (%s, %s, 'sketch')", (point, point))
    assert rows(cursor, "SELECT * FROM t") == [(point, point, "sketch")]
    assert error(cursor, "CREATE TABLE n (a geometry DISTKEY)")[0] == "0A000"


def test_temporary_tables_with_a_hash_name(connect: Connect) -> None:
    one, other = connect().cursor(), connect().cursor()
    one.execute("CREATE TABLE #stage (a varchar(3))")
    one.execute("INSERT INTO #stage VALUES ('x')")
    assert rows(one, "SELECT * FROM #stage") == [("x",)]
    with pytest.raises(psycopg2.Error):
        other.execute("SELECT * FROM #stage")


@pytest.mark.parametrize(
    "into", ["#picked", "TEMP picked", "TABLE #picked", "TEMPORARY TABLE picked"]
)
def test_select_into_a_temporary_table(connect: Connect, into: str) -> None:
    one, other = connect().cursor(), connect().cursor()
    one.execute("CREATE TABLE k (a integer); INSERT INTO k VALUES (1)")
    one.execute(f"SELECT a INTO {into} FROM k")
    name = into.split()[-1]
    assert rows(one, f"SELECT a FROM {name}") == [(1,)]
    assert error(other, f"SELECT a FROM {name}")[0] == "42P01"


def test_select_into_behind_a_with(connect: Connect) -> None:
    one, other = connect().cursor(), connect().cursor()
    one.execute("WITH k AS (SELECT 1 AS a) SELECT a INTO #picked FROM k")
    assert rows(one, "SELECT a FROM #picked") == [(1,)]
    assert error(other, "SELECT a FROM #picked")[0] == "42P01"
    assert error(one, "SELECT 1 AS a INTO public.#picked")[0] == "42601"


def test_a_long_insert_of_plain_rows(cursor: Cursor) -> None:
    cursor.execute('CREATE TABLE t ("A" integer, b varchar(20))')
    written = ", ".join(f"({number}, 'it''s {number}')" for number in range(1000))
    cursor.execute(f'INSERT INTO t ("A", b) VALUES {written}')
    assert rows(cursor, "SELECT count(*), max(b) FROM t") == [(1000, "it's 999")]
    assert error(cursor, f"INSERT INTO t VALUES {written} ON CONFLICT DO NOTHING")[0] == "42601"


HIDDEN = [
    "INSERT INTO t VALUES (1, 'x') -- '\n; SELECT median(a) FROM t; -- '",
    "INSERT INTO t VALUES (1, 'x') /* '*/; SELECT median(a) FROM t; --'",
    "INSERT INTO t VALUES (1, 'x'); SELECT median(a) FROM t",
    "INSERT INTO t VALUES (1, 'x'), (2, 'y' || median(a))",
    "INSERT INTO t -- VALUES ('\n(a) SELECT median(a) FROM t -- ')",
    "INSERT INTO t /* VALUES ('*/ SELECT median(a) FROM t --')",
    "INSERT INTO \"t VALUES ('\"; SELECT median(a) FROM t; --')",
]


@pytest.mark.parametrize("sql", HIDDEN)
def test_what_hides_in_an_insert_is_looked_at(sql: str) -> None:
    assert plan_long_insert(sql, SessionValues()) is None
    with pytest.raises(SqlError, match="median"):
        Planner().plan(raw(sql + " " * CACHED_LENGTH), SessionValues())


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO s.t VALUES (1, -2.5, 'it''s', 'a\\'b'), (+.5, NULL, true, DEFAULT);",
        "insert into \"A b\" (\"C d\", e)values('-- x', '/* y')",
    ],
)
def test_rows_of_literals_are_not_read(sql: str) -> None:
    step = plan_long_insert(sql, SessionValues(keep_case=True))
    assert step is not None
    assert step.sql == sql
