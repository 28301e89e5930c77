"""MERGE within Redshift's limits."""

from __future__ import annotations

import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from tests.redshift_emulator.conftest import error, rows

BRANCHES = (
    "WHEN MATCHED THEN UPDATE SET b = s.b WHEN NOT MATCHED THEN INSERT (a, b) VALUES (s.a, s.b)"
)


@pytest.fixture(autouse=True)
def tables(cursor: Cursor) -> None:
    """A target t with keys 1 and 2, a source s with keys 2 and 3."""
    cursor.execute(
        "CREATE TABLE t (a integer, b varchar(9)); CREATE TABLE s (a integer, b varchar(9))"
    )
    cursor.execute(
        "INSERT INTO t VALUES (1, 'old'), (2, 'old'); INSERT INTO s VALUES (2, 'new'), (3, 'new')"
    )


def test_merge_updates_and_inserts(cursor: Cursor) -> None:
    cursor.execute("MERGE INTO t USING s ON t.a = s.a " + BRANCHES)
    assert rows(cursor, "SELECT * FROM t ORDER BY a") == [(1, "old"), (2, "new"), (3, "new")]


def test_duplicate_keys_in_the_source_are_an_error(cursor: Cursor) -> None:
    cursor.execute("INSERT INTO s VALUES (2, 'twice')")
    assert error(cursor, "MERGE INTO t USING s ON t.a = s.a " + BRANCHES) == (
        "XX000",
        "Found multiple matches to update the same tuple",
    )


@pytest.mark.parametrize(
    "sql",
    [
        "MERGE INTO t AS x USING s ON x.a = s.a " + BRANCHES,
        "MERGE INTO t USING (SELECT * FROM s) AS s ON t.a = s.a " + BRANCHES,
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET b = s.b",
        "MERGE INTO t USING s ON t.a = s.a WHEN NOT MATCHED THEN INSERT (a) VALUES (s.a)",
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET t.b = s.b WHEN NOT MATCHED "
        "THEN INSERT VALUES (s.a, s.b)",
        "MERGE INTO t USING s ON t.a = s.a WHEN NOT MATCHED THEN INSERT VALUES (1, 'x') WHEN MATCHED THEN DELETE",
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED AND s.a > 1 THEN DELETE WHEN NOT MATCHED "
        "THEN INSERT VALUES (1, 'x')",
        "MERGE INTO t USING s ON t.a = s.a",
        "MERGE INTO t USING s ON t.a = s.a " + BRANCHES + " WHEN NOT MATCHED BY SOURCE THEN DELETE",
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE WHEN NOT MATCHED BY SOURCE THEN DELETE",
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE WHEN NOT MATCHED BY TARGET "
        "THEN INSERT VALUES (1, 'x')",
        "MERGE INTO t USING s ON t.a = s.a " + BRANCHES + " WHEN MATCHED THEN DELETE",
        "MERGE INTO t USING s ON t.a = s.a " + BRANCHES + " RETURNING t.a",
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DO NOTHING WHEN NOT MATCHED THEN INSERT VALUES (1, 'x')",
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN DO NOTHING",
        "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT DEFAULT VALUES",
        "WITH x AS (SELECT 1) MERGE INTO t USING s ON t.a = s.a " + BRANCHES,
    ],
)
def test_a_merge_outside_redshifts_grammar_is_a_syntax_error(cursor: Cursor, sql: str) -> None:
    assert error(cursor, sql)[0] == "42601"


def test_the_source_must_be_another_table(cursor: Cursor) -> None:
    assert error(cursor, "MERGE INTO t USING t ON t.a = t.a " + BRANCHES)[0] == "0A000"


@pytest.mark.parametrize(
    "condition", ["t.a = s.a AND t.b = s.b", "(t.a = s.a) AND coalesce(t.b, '<') = nvl(s.b, 'or')"]
)
def test_a_condition_of_equalities_is_accepted(cursor: Cursor, condition: str) -> None:
    cursor.execute(f"MERGE INTO t USING s ON {condition} " + BRANCHES)
    assert rows(cursor, "SELECT count(*) FROM t") == [(4,)]


@pytest.mark.parametrize(
    "condition", ["t.a > s.a", "t.a = s.a AND s.b <> 'x'", "t.a = s.a OR t.b = s.b", "true"]
)
def test_any_other_condition_is_refused(cursor: Cursor, condition: str) -> None:
    assert (
        "must be equalities" in error(cursor, f"MERGE INTO t USING s ON {condition} " + BRANCHES)[1]
    )


def test_the_target_must_be_a_user_table(cursor: Cursor) -> None:
    merge = (
        "MERGE INTO pg_class USING s ON pg_class.relname = s.b WHEN MATCHED THEN DELETE "
        "WHEN NOT MATCHED THEN INSERT VALUES (1)"
    )
    assert "must not be a system table" in error(cursor, merge)[1]
