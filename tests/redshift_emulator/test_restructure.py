"""Clauses that PostgreSQL does not have: the statements before and after. Pure."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redshift_emulator.errors import SqlError
from redshift_emulator.lexer import tokenize
from redshift_emulator.restructure import lateral_alias, restructured
from redshift_emulator.restructure.source import Source
from tests.redshift_emulator.sql_pieces import PIECES

REWRITTEN = {
    "DECODE": (
        "SELECT decode(a, 1, 'x', 'z') FROM t",
        "SELECT CASE WHEN (a) IS NOT DISTINCT FROM (1) THEN 'x' ELSE 'z' END FROM t",
    ),
    "DECODE in DECODE": (
        "SELECT decode(a, 1, decode(b, 2, 3), 4)",
        "SELECT CASE WHEN (a) IS NOT DISTINCT FROM (1) THEN CASE WHEN (b) IS NOT DISTINCT FROM (2) "
        "THEN 3 END ELSE 4 END",
    ),
    "CONVERT": (
        "SELECT convert(varchar(3), f(a, b))",
        "SELECT CAST(f(a, b) AS varchar(3))",
    ),
    "a path": (
        "SELECT body.user.tags[1]::varchar FROM t",
        "SELECT pg_rs.member(pg_rs.member(pg_rs.member(body, 'user'), 'tags'), 1)::varchar FROM t",
    ),
    "a path as an item keeps its name": (
        "SELECT e.body.n FROM t e",
        "SELECT pg_rs.member(e.body, 'n') AS \"n\" FROM t e",
    ),
    "an unnested array": (
        "SELECT i.price FROM t, t.body.items i",
        "SELECT pg_rs.member(i, 'price') AS \"price\" FROM t, "
        "LATERAL pg_rs.elements(pg_rs.member(t.body, 'items')) AS i",
    ),
    "IGNORE NULLS": (
        "SELECT lag(a) IGNORE NULLS OVER (ORDER BY b) FROM t",
        "SELECT pg_rs.last_value(a) OVER (ORDER BY b ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) FROM t",
    ),
    "RESPECT NULLS": (
        "SELECT first_value(a RESPECT NULLS) OVER (ORDER BY b) FROM t",
        "SELECT first_value(a ) OVER (ORDER BY b) FROM t",
    ),
    "PERCENTILE_CONT OVER": (
        "SELECT percentile_cont(0.2) WITHIN GROUP (ORDER BY a DESC) OVER (PARTITION BY b) FROM t",
        "SELECT pg_rs.percentile_cont(1 - (0.2), a) OVER (PARTITION BY b) FROM t",
    ),
    "(+)": (
        "SELECT * FROM a, b, c WHERE a.x = b.x(+) AND a.y = c.y AND b.z(+) = 1",
        "SELECT * FROM a CROSS JOIN c LEFT JOIN b ON a.x = b.x AND b.z = 1 WHERE a.y = c.y",
    ),
    "QUALIFY": (
        "SELECT a, rank() OVER (ORDER BY b) AS r FROM t QUALIFY r = 1 ORDER BY b LIMIT 2",
        'SELECT  "rs$q"."rs$0" AS "a", "rs$q"."rs$1" AS "r" FROM (SELECT a AS "rs$0", '
        'rank() OVER (ORDER BY b) AS "rs$1", ((rank() OVER (ORDER BY b)) = 1) AS "rs$ok", b AS "rs$o0" '
        'from t) AS "rs$q" WHERE "rs$q"."rs$ok" ORDER BY "rs$q"."rs$o0"  limit 2',
    ),
    "REMOVE DUPLICATES": (
        "MERGE INTO t USING s AS x ON t.a = x.a REMOVE DUPLICATES",
        "WITH removed AS (DELETE FROM t USING s AS x WHERE t.a = x.a) INSERT INTO t SELECT DISTINCT * FROM s",
    ),
    "ARRAY": (
        "SELECT array(a, 'x', array()) FROM t",
        "SELECT pg_rs.array_of(pg_rs.array_element(a), pg_rs.array_element('x'), "
        "pg_rs.array_element(pg_rs.array_of())) FROM t",
    ),
    "literals of a new table": (
        "CREATE TABLE t AS SELECT 'é' AS a, 10.50 b, 'xy'::text AS c, CAST('z' AS varchar) AS d FROM u",
        "CREATE TABLE t AS SELECT 'é'::varchar(2) AS a, 10.50::numeric(4,2) b, 'xy'::varchar(2) AS c, "
        "'z'::varchar(1) AS d FROM u",
    ),
    "literals in WITH, in a subquery and in parentheses": (
        "CREATE VIEW v AS (WITH q AS (SELECT 'a' AS x) SELECT * FROM q, (SELECT 1.5 AS y) AS s)",
        "CREATE VIEW v AS (WITH q AS (SELECT 'a'::varchar(1) AS x) SELECT * FROM q, "
        "(SELECT 1.5::numeric(2,1) AS y) AS s)",
    ),
    "literals in every branch of a UNION": (
        "CREATE VIEW v AS SELECT 'a' AS x, 0.5 AS y UNION ALL SELECT 'bcd' AS x, 10.25 AS y",
        "CREATE VIEW v AS SELECT 'a'::varchar(3) AS x, 0.5::numeric(4,2) AS y UNION ALL "
        "SELECT 'bcd'::varchar(3) AS x, 10.25::numeric(4,2) AS y",
    ),
}  # fmt: skip
UNCHANGED = [
    "SELECT t.a, public.t.b FROM public.t WHERE t.a = 1",
    "SELECT count(*) FROM information_schema.tables WHERE information_schema.tables.table_name = 'x'",
    "UPDATE shop.t SET a = s.b FROM s WHERE s.a = shop.t.a",
    "DELETE FROM shop.t WHERE t.a = 1 AND shop.t.b = 2",
    "DELETE FROM t USING s WHERE s.a = t.a",
    "MERGE INTO d.s.t USING u ON d.s.t.a = u.a WHEN MATCHED THEN DELETE",
    "CREATE TABLE t (LIKE shop.u)",
    "CREATE TABLE t (a int REFERENCES shop.u)",
    "INSERT INTO shop.t (a) SELECT s.a FROM s",
    "WITH c AS (SELECT 1 AS a) SELECT c.a FROM c",
    "SELECT x.a FROM (SELECT 1 AS a) x JOIN (SELECT 2 AS b) AS y ON x.a = y.b",
    "SELECT pg_catalog.upper(t.a) FROM t",
    "SELECT nulls, decode FROM t ORDER BY nulls NULLS LAST",
    "SELECT a + 1 AS b FROM t",
    "CREATE TABLE decode (decode integer)",
    "CREATE VIEW v AS SELECT '2026-01-01' AS d UNION SELECT day AS d FROM t",
    "CREATE VIEW v AS (SELECT '2026-01-01' AS d) UNION ((SELECT day AS d FROM t))",
    "CREATE VIEW v AS SELECT day AS d FROM t UNION ((SELECT '2026-01-01' AS d))",
    "CREATE VIEW v AS SELECT 'a' AS x UNION SELECT 1.5 AS x",
    "CREATE VIEW v AS SELECT 'a'::varchar(9) AS x, date '2026-01-01' AS d, 1 AS n, 1e3 AS e, '' AS f, 'u'",
    "INSERT INTO t SELECT 'a' AS x, 1.5 AS y",
    "SELECT 'a' AS x, 1.5 AS y",
]  # fmt: skip


def rewrite(sql: str) -> str:
    """Return a statement in PostgreSQL's form."""
    return restructured(sql, Source.of(sql).words)


@pytest.mark.parametrize(("sql", "expected"), REWRITTEN.values(), ids=REWRITTEN)
def test_a_clause_is_rewritten_and_then_stays(sql: str, expected: str) -> None:
    assert rewrite(sql) == expected


@pytest.mark.parametrize("sql", UNCHANGED)
def test_a_statement_without_such_a_clause_stays_byte_for_byte(sql: str) -> None:
    assert rewrite(sql) == sql


@given(st.lists(PIECES, max_size=12))
def test_any_text_is_refused_or_becomes_a_text_with_complete_tokens(pieces: list[str]) -> None:
    sql = "SELECT a.b.c[0] " + " ".join(pieces)
    with contextlib.suppress(SqlError):
        tokenize(rewrite(sql))


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a AS b, b + 1 AS c, c * 2 FROM t", "SELECT a AS b, (a) + 1 AS c, ((a) + 1) * 2 FROM t"),
        ("SELECT a AS b, t.b, f(b) FROM t", "SELECT a AS b, t.b, f((a)) FROM t"),
        ("SELECT a AS b FROM t ORDER BY b", None),
        ("SELECT b, a AS b FROM t", None),
    ],
)  # fmt: skip
def test_lateral_aliases_are_replaced_after_their_definition(
    sql: str, expected: str | None
) -> None:
    assert lateral_alias(Source.of(sql)) == expected
