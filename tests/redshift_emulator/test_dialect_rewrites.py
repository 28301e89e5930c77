"""Redshift's everyday SQL: it is translated or refused as a limit of the emulator, never with PostgreSQL's error."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import psycopg
import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from tests.redshift_emulator.conftest import Warehouse, error, rows, value

TRANSLATED = [
    ("SELECT TOP 2 a FROM t ORDER BY a DESC", [(3,), (2,)]),
    ("SELECT DISTINCT TOP 1 b FROM t WHERE a < 3 ORDER BY b", [("x",)]),
    ("SELECT count(*) FROM (SELECT TOP 2 a FROM t) AS s", [(2,)]),
    ("SELECT a FROM t MINUS SELECT 1 MINUS (SELECT 2)", [(3,)]),
    ("SELECT LISTAGG(b) FROM t WHERE a = 1", [("x",)]),
    ("SELECT LISTAGG(\"A\", ', ') WITHIN GROUP (ORDER BY a DESC) FROM t", [("3, 2, 1",)]),
    (
        "SELECT b, listagg(nvl(a, 0) + 1, '-') within group (order by a) FROM t GROUP BY b ORDER BY b",
        [("x", "2-3"), ("y", "4")],
    ),
    ("SELECT LISTAGG(DISTINCT b, ',') FROM t WHERE b = 'x'", [("x",)]),
    ("SELECT APPROXIMATE COUNT(DISTINCT b) FROM t", [(2,)]),
    ("SELECT NVL(NULL, NULL, 'z'), NVL2(NULL::int, 'a', 'b')", [("z", "b")]),
    ("SELECT CHARINDEX('b', 'abc'), LEN('ä')", [(2, 1)]),
    ("SELECT DATEADD(day, 30, '2008-11-01')", [(datetime(2008, 12, 1),)]),  # noqa: DTZ001 - TIMESTAMP has no zone
    ("SELECT DATEADD(month, 18, '2008-02-28')", [(datetime(2009, 8, 28),)]),  # noqa: DTZ001
    ("SELECT dateadd('qtr', -1, d) FROM t WHERE a = 1", [(datetime(2023, 11, 29),)]),  # noqa: DTZ001
    ("SELECT ADD_MONTHS('2008-02-29', 1)", [(datetime(2008, 3, 31),)]),  # noqa: DTZ001
    ("SELECT LAST_DAY('2024-02-01'), TRUNC(SYSDATE) <= CURRENT_DATE", [(date(2024, 2, 29), True)]),
    ("SELECT DATEDIFF(week, '2009-01-01', '2009-12-31')", [(52,)]),
    ("SELECT DATEDIFF(hour, '2023-01-01', '2023-01-03 05:04:03')", [(53,)]),
    (
        "SELECT DATEDIFF(qtr, '2009-03-31', '2009-04-01'), datediff(YEAR, '2008-12-31', '2009-01-01')",
        [(1, 1)],
    ),
    ("SELECT DATEDIFF(day, d, '2024-03-01') FROM t WHERE a = 1", [(1,)]),
    ("SELECT DATEDIFF(d, SYSDATE, GETDATE())", [(0,)]),
    ("SELECT DATE_PART(year, d) FROM t WHERE a = 1", [(2024,)]),
    ("SELECT REGEXP_REPLACE('aXbXc', 'X', '-'), REGEXP_REPLACE('aXbXc', 'X')", [("a-b-c", "abc")]),
    (
        "SELECT regexp_replace('aXbXc', 'X', '-', 3), regexp_replace('aXb', 'X', '-', 9)",
        [("aXb-c", "aXb")],
    ),
    (
        "SELECT regexp_replace('aXbX', '[a-z]', '', 0), regexp_replace('ab', 'a', NULL)",
        [("XX", None)],
    ),
    (
        "SELECT REGEXP_REPLACE('the fox', 'FOX', 'quick brown fox', 1, 'i')",
        [("the quick brown fox",)],
    ),
    (
        "SELECT REGEXP_REPLACE('the fox', 'FOX', 'dog'), REGEXP_REPLACE('axbx', '(?<=b)x', 'y', 1, 'p')",
        [("the fox", "axby")],
    ),
    (
        "SELECT CONCAT('a', NULL), CONCAT('a', 'b'), CONCAT(b, '!') FROM t WHERE a = 1",
        [(None, "ab", "x!")],
    ),
    ("SELECT concat('a', concat('b', a)), concat(a, b) FROM t WHERE a = 1", [("ab1", "1x")]),
    (
        "SELECT NVL2('a', 'b', 'c'), NVL2(NULL, 'a', 'b'), NVL2(b, d, SYSDATE) = d FROM t WHERE a = 1",
        [("b", "b", True)],
    ),
    (
        "SELECT NVL2(d, b, 'none'), NVL2(b, 1, 2.5) FROM t ORDER BY a",
        [("x", 1), ("none", 1), ("none", 1)],
    ),
    (
        "SELECT DATE_TRUNC('month', d)::varchar, date_trunc('year', '2024-02-29')::date FROM t WHERE a = 1",
        [("2024-02-01 00:00:00", date(2024, 1, 1))],
    ),
    (
        "SELECT AVG(a), avg(-a::smallint), avg(9223372036854775807) FROM t WHERE a < 3",
        [(1, -1, 9223372036854775807)],
    ),
    (
        "SELECT AVG(a::numeric(8,2)), avg(a::real), AVG(DISTINCT a::float) FROM t WHERE a < 3",
        [(Decimal("1.50"), 1.5, 1.5)],
    ),
    (
        "SELECT AVG(a) OVER (ORDER BY a), avg(NULL::int) OVER () FROM t",
        [(1, None), (1, None), (2, None)],
    ),
    (
        "SELECT DATE_DIFF('day', d, '2024-03-01'), date_add('month', 1, d)::date FROM t WHERE a = 1",
        [(1, date(2024, 3, 29))],
    ),
]
CONDITIONS = [
    ("1", [(1,), (2,), (3,)]), ("1 AND a = 2", [(2,)]), ("1 ORDER BY a LIMIT 1", [(1,)]),
    ("1=1 AND a = 3", [(3,)]), ("1=0", []),
    ("1 IN (1, 2) AND a = 1", [(1,)]), ("1 BETWEEN a AND a", [(1,)]), ("1::int = a", [(1,)]), ("1 < a", [(2,), (3,)]),
    ("1 + 1 = a", [(2,)]), ("1 IS NULL", []),
]  # fmt: skip
NOT_SUPPORTED = [
    "SELECT a FROM t CONNECT BY a = b",
    "SELECT TOP 1 a FROM t UNION SELECT 2", "SELECT * FROM t PIVOT (sum(a) FOR b IN ('x'))",
    "SELECT * FROM t UNPIVOT (v FOR n IN (a))", "SELECT SOUNDEX(b) FROM t", "SELECT CRC32('1')",
    "SELECT NTH_VALUE(a, 1) IGNORE NULLS OVER (ORDER BY a) FROM t",
    "SELECT LAG(a, 2) IGNORE NULLS OVER (ORDER BY a) FROM t",
    "SELECT t.a FROM t, s WHERE t.a = a(+)",
    "COPY t FROM 's3://b/k' IAM_ROLE default CSV JOB CREATE j", "COPY JOB RUN j",
    "CREATE EXTERNAL SCHEMA e FROM DATA CATALOG DATABASE 'd'", "CREATE MODEL m FROM t",
    "SELECT DATEADD(epoch, 1, '2020-01-01')",
]  # fmt: skip


@pytest.fixture(autouse=True)
def table(cursor: Cursor) -> None:
    """A table t with three rows and an empty table s."""
    cursor.execute("CREATE TABLE t (a integer, b varchar(3), d date); CREATE TABLE s (a integer)")
    cursor.execute("INSERT INTO t VALUES (1, 'x', '2024-02-29'), (2, 'x', NULL), (3, 'y', NULL)")


@pytest.mark.parametrize(("sql", "expected"), TRANSLATED, ids=[sql for sql, _ in TRANSLATED])
def test_a_query_is_translated_the_first_and_the_second_time(
    cursor: Cursor, sql: str, expected: list[tuple[object, ...]]
) -> None:
    assert rows(cursor, sql) == expected
    assert rows(cursor, sql) == expected


@pytest.mark.parametrize(
    ("condition", "expected"), CONDITIONS, ids=[condition for condition, _ in CONDITIONS]
)
def test_where_1_is_true_unless_an_expression_follows(
    cursor: Cursor, warehouse: Warehouse, condition: str, expected: list[tuple[object, ...]]
) -> None:
    sql = f"SELECT a FROM t WHERE {condition}"
    assert rows(cursor, sql) == expected
    assert rows(cursor, f"SELECT * FROM ({sql}) AS s") == expected
    with psycopg.connect(warehouse.conninfo, autocommit=True) as extended:
        assert extended.execute(sql.encode(), prepare=True).fetchall() == expected


def test_a_condition_compares_numbers_and_parameters(cursor: Cursor, warehouse: Warehouse) -> None:
    assert value(cursor, "SELECT 1 WHERE 1=1") == 1
    cursor.execute("CREATE TABLE shape AS SELECT * FROM t WHERE 1=0")
    assert rows(cursor, "SELECT * FROM shape") == []
    with psycopg.connect(warehouse.conninfo, autocommit=True) as extended:
        assert extended.execute("SELECT a FROM t WHERE 1=%s", (2,)).fetchall() == []


@pytest.mark.parametrize("sql", NOT_SUPPORTED)
def test_an_unsupported_statement_is_refused_as_a_limit_of_the_emulator(
    cursor: Cursor, sql: str
) -> None:
    code, message = error(cursor, sql)
    assert code == "0A000"
    assert "emulator" in message


def test_concat_takes_two_arguments(cursor: Cursor) -> None:
    assert error(cursor, "SELECT CONCAT('a', 'b', 'c')")[0] == "42883"


def test_date_trunc_of_a_date_is_a_timestamp_without_time_zone(cursor: Cursor) -> None:
    cursor.execute(
        "CREATE TABLE truncated AS SELECT DATE_TRUNC('month', d) AS a, DATE_TRUNC('month', '2024-02-29') AS b FROM t"
    )
    types = rows(cursor, "SELECT type FROM pg_table_def WHERE tablename = 'truncated'")
    assert types == [("timestamp without time zone",)] * 2


def test_avg_has_redshifts_type_for_each_argument_type(cursor: Cursor) -> None:
    cursor.execute(
        "CREATE TABLE averages AS SELECT AVG(a::smallint) AS a, AVG(a) AS b, AVG(a::bigint) AS c, "
        "AVG(a::dec(5,2)) AS d,"
        " AVG(a::real) AS e, AVG(a::float) AS f FROM t"
    )
    types = [
        row[0] for row in rows(cursor, "SELECT type FROM pg_table_def WHERE tablename = 'averages'")
    ]
    assert types == [
        "bigint",
        "bigint",
        "bigint",
        "numeric",
        "double precision",
        "double precision",
    ]


def test_date_diff_takes_its_part_as_a_string(cursor: Cursor) -> None:
    assert error(cursor, "SELECT DATE_DIFF(day, d, d) FROM t")[0] == "42703"


def test_a_carriage_return_ends_a_comment(cursor: Cursor) -> None:
    assert rows(cursor, "-- c\rSELECT TOP 1 a FROM t ORDER BY a") == [(1,)]
    assert "crc32() is not supported" in error(cursor, "SELECT 1 -- it's\r, crc32(b) FROM t")[1]


def test_listagg_needs_a_user_table(cursor: Cursor) -> None:
    assert (
        "must be applied on at least one user created tables"
        in error(cursor, "SELECT LISTAGG(relname) FROM pg_class")[1]
    )


def test_show_table_returns_a_statement_that_creates_the_same_table(cursor: Cursor) -> None:
    cursor.execute(
        "CREATE TABLE made (id bigint IDENTITY(1,2), a integer NOT NULL, b varchar(9) DEFAULT 'x' "
        "DISTKEY, c varbyte(3), PRIMARY KEY (a))"
        " SORTKEY (a)"
    )
    shown = str(value(cursor, "SHOW TABLE made"))
    assert shown.splitlines() == [
        "CREATE TABLE public.made (",
        "    id bigint IDENTITY(1,2) ENCODE az64,",
        "    a integer NOT NULL,",
        "    b character varying(9) DEFAULT 'x'::character varying ENCODE lzo distkey,",
        "    c binary varying(3) ENCODE lzo,",
        "    PRIMARY KEY (a)",
        ")",
        "DISTSTYLE KEY",
        " SORTKEY ( a );",
    ]
    cursor.execute("DROP TABLE made")
    cursor.execute(shown)
    assert value(cursor, "SHOW TABLE public.made") == shown
    assert error(cursor, "SHOW TABLE absent")[0] == "42P01"
