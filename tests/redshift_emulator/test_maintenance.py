"""VACUUM and ANALYZE (r_VACUUM_command, r_ANALYZE)."""

from __future__ import annotations

import psycopg2
import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from tests.redshift_emulator.conftest import Connect, error, rows, value
from tests.redshift_emulator.test_write_locks import while_it_waits


@pytest.fixture(autouse=True)
def table(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a integer)")


def test_a_cluster_runs_one_vacuum_at_a_time(cursor: Cursor, connect: Connect) -> None:
    first, observer = connect().cursor(), connect().cursor()
    cursor.execute("CREATE TABLE u (a integer)")
    cursor.execute("BEGIN; LOCK t")
    with while_it_waits(first, observer, "VACUUM DELETE ONLY t"):
        with pytest.raises(psycopg2.Error, match=r"^VACUUM is running") as caught:
            observer.execute("VACUUM u")
        assert caught.value.diag.message_hint == "re-execute after other vacuum finished"
        observer.execute("ANALYZE u")
        cursor.execute("COMMIT")
    observer.execute("VACUUM u")
    assert observer.statusmessage == "VACUUM"


def test_a_vacuum_that_fails_or_is_cancelled_lets_the_next_one_run(
    cursor: Cursor, connect: Connect
) -> None:
    other = connect().cursor()
    assert error(cursor, "VACUUM absent")[0] == "42P01"
    other.execute("BEGIN; LOCK t")
    cursor.execute("SET statement_timeout TO 100")
    assert error(cursor, "VACUUM DELETE ONLY t")[0] == "57014"
    other.execute("COMMIT")
    cursor.execute("VACUUM DELETE ONLY t")


def test_a_vacuum_gives_back_the_space_of_deleted_rows(cursor: Cursor) -> None:
    cursor.execute(
        "INSERT INTO t SELECT a.attnum FROM pg_catalog.pg_proc, pg_catalog.pg_attribute a LIMIT 100000"
    )
    size = "SELECT pg_relation_size('t')"
    full = value(cursor, size)
    cursor.execute("DELETE FROM t")
    assert value(cursor, size) == full
    cursor.execute('VACUUM DELETE ONLY "public"."t"')
    assert value(cursor, size) == 0


@pytest.mark.parametrize(
    "statement",
    [
        "VACUUM",
        "VACUUM t",
        "VACUUM FULL t",
        "VACUUM SORT ONLY t",
        "VACUUM REINDEX t",
        "ANALYZE t",
        "ANALYZE",
    ],
)
def test_every_form_is_accepted_and_changes_no_row(cursor: Cursor, statement: str) -> None:
    cursor.execute("INSERT INTO t VALUES (1)")
    cursor.execute(statement)
    assert cursor.statusmessage == statement.split()[0]
    assert rows(cursor, "SELECT a FROM t") == [(1,)]
