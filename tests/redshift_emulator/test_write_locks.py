"""Writers of one table wait for each other; readers do not wait (c_write_readwrite,
r_Serializable_isolation_example).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import psycopg2
import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from tests.redshift_emulator.conftest import (
    PASSWORD,
    Connect,
    Warehouse,
    error,
    place,
    rows,
    running,
    value,
)
from tests.redshift_emulator.test_transactions import wait_until

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
MERGE = (
    "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET b = t.b + 1 "
    "WHEN NOT MATCHED THEN INSERT VALUES (s.a, 0)"
)
WRITES = [
    ("INSERT INTO t VALUES (2, 5)", [(1, 11), (2, 5)]),
    ("INSERT INTO public.t SELECT a, 7 FROM s", [(1, 7), (1, 11)]),
    ('UPDATE "T" SET b = b + 1', [(1, 12)]),
    ("DELETE FROM t WHERE b = 11", []),
    ("DELETE t WHERE b = 11", []),
    (
        "WITH one AS (SELECT 1 AS a) UPDATE t SET b = b + 1 WHERE a IN (SELECT a FROM one)",
        [(1, 12)],
    ),
    (MERGE, [(1, 12)]),
    ("SELECT 1; UPDATE t SET b = b + 1", [(1, 12)]),
    ("INSERT INTO t VALUES " + ", ".join(["(3, 3)"] * 1000), [(1, 11), *[(3, 3)] * 1000]),
]


@pytest.fixture(autouse=True)
def tables(cursor: Cursor) -> None:
    """One row in each of two tables."""
    cursor.execute("CREATE TABLE t (a integer, b integer); CREATE TABLE s (a integer)")
    cursor.execute("INSERT INTO t VALUES (1, 10); INSERT INTO s VALUES (1)")


@contextmanager
def while_it_waits(cursor: Cursor, observer: Cursor, *statements: str) -> Iterator[None]:
    """Run statements in a thread.

    The last one waits for a lock until the block ends, and then succeeds.
    """
    pid = value(cursor, "SELECT pg_backend_pid()")
    failures: list[BaseException] = []

    def run() -> None:
        try:
            for statement in statements:
                cursor.execute(statement)
        except psycopg2.Error as failure:
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        wait_until(lambda: value(observer, WAITING, pid) == 1)
        yield
    finally:
        thread.join(20)
    assert not failures


@pytest.mark.parametrize(("sql", "after"), WRITES, ids=[sql[:30] for sql, _ in WRITES])
@pytest.mark.parametrize("begin", ["BEGIN", "SELECT 1"], ids=["in a block", "outside"])
def test_a_writer_waits_and_then_sees_what_the_other_writer_committed(
    cursor: Cursor, connect: Connect, begin: str, sql: str, after: list[tuple[int, int]]
) -> None:
    other, observer = connect().cursor(), connect().cursor()
    cursor.execute("BEGIN")
    cursor.execute("UPDATE t SET b = b + 1")
    with while_it_waits(other, observer, begin, sql):
        assert rows(observer, "SELECT a, b FROM t") == [(1, 10)]
        cursor.execute("COMMIT")
    other.execute("COMMIT")
    assert rows(observer, "SELECT a, b FROM t ORDER BY a, b") == after


def test_the_client_gets_the_command_tag_of_the_statement_and_not_of_the_lock(
    cursor: Cursor,
) -> None:
    cursor.execute("INSERT INTO t VALUES (2, 2), (3, 3)")
    assert (cursor.statusmessage, cursor.rowcount) == ("INSERT 0 2", 2)
    cursor.execute(
        "BEGIN; UPDATE t SET b = 0; DELETE FROM t WHERE a = 1; SELECT a FROM t ORDER BY a"
    )
    assert (cursor.statusmessage, cursor.fetchall()) == ("SELECT 2", [(2,), (3,)])
    cursor.execute("UPDATE t SET b = 1")
    assert cursor.statusmessage == "UPDATE 2"
    cursor.execute("ROLLBACK")
    assert error(cursor, "INSERT INTO absent VALUES (1)") == (
        "42P01",
        'relation "absent" does not exist',
    )
    assert error(cursor, "INSERT INTO t VALUES (1, 2, 3)")[0] == "42601"


def test_writers_of_other_tables_do_not_wait(cursor: Cursor, connect: Connect) -> None:
    other = connect().cursor()
    cursor.execute("BEGIN")
    cursor.execute("INSERT INTO t VALUES (2, 2)")
    other.execute("INSERT INTO s VALUES (2)")
    cursor.execute("ROLLBACK")
    other.execute("INSERT INTO t VALUES (3, 3)")


def test_writers_in_opposite_order_deadlock_and_one_succeeds(connect: Connect) -> None:
    pairs = [(connect().cursor(), "t (a)", "s (a)"), (connect().cursor(), "s (a)", "t (a)")]
    for one, first, _ in pairs:
        one.execute("BEGIN")
        one.execute(f"INSERT INTO {first} VALUES (2)")
    codes: list[str | None] = []

    def write_second_table(one: Cursor, table: str) -> None:
        try:
            one.execute(f"INSERT INTO {table} VALUES (3)")
            codes.append("00000")
        except psycopg2.Error as failure:
            codes.append(failure.pgcode)
        one.execute("COMMIT")

    threads = [
        threading.Thread(target=write_second_table, args=(one, second)) for one, _, second in pairs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(map(str, codes)) == ["00000", "40P01"]


def test_a_writer_with_a_snapshot_older_than_its_lock_conflicts(
    cursor: Cursor, connect: Connect
) -> None:
    other, observer = connect().cursor(), connect().cursor()
    other.execute("BEGIN")
    other.execute("SELECT * FROM t")
    cursor.execute("BEGIN")
    cursor.execute("UPDATE t SET b = 0")
    with pytest.raises(AssertionError), while_it_waits(other, observer, "UPDATE t SET b = b + 1"):
        cursor.execute("COMMIT")
    assert error(other, "SELECT 1")[0] == "25P02"


def test_a_user_with_only_the_insert_permission_inserts(cursor: Cursor, connect: Connect) -> None:
    cursor.execute("CREATE USER loader PASSWORD 'Loader+1'")
    try:
        cursor.execute("GRANT INSERT ON t TO loader")
        one = connect(user="loader", password="Loader+1").cursor()
        one.execute("INSERT INTO t VALUES (2, 2)")
        assert error(one, "DELETE FROM t")[0] == "42501"
    finally:
        cursor.execute("REVOKE ALL ON t FROM loader")
        cursor.execute("DROP USER loader")


@pytest.fixture
def modern(warehouse: Warehouse) -> Iterator[psycopg.Connection]:
    """A connection of psycopg 3, which uses the extended protocol, in autocommit."""
    with psycopg.connect(
        host=warehouse.host,
        port=warehouse.port,
        user="awsuser",
        password=PASSWORD,
        dbname="dev",
        autocommit=True,
    ) as session:
        yield session


@pytest.mark.parametrize("prepared", [False, True])
def test_a_writer_waits_in_the_extended_protocol(
    cursor: Cursor, connect: Connect, modern: psycopg.Connection, prepared: bool
) -> None:
    observer, pid = connect().cursor(), modern.info.backend_pid
    if prepared:
        modern.execute("UPDATE t SET b = b + %s", (0,), prepare=True)
    cursor.execute("BEGIN")
    cursor.execute("UPDATE t SET b = b + 1")
    thread = threading.Thread(
        target=lambda: modern.execute("UPDATE t SET b = b + %s", (1,), prepare=prepared)
    )
    thread.start()
    wait_until(lambda: value(observer, WAITING, pid) == 1)
    cursor.execute("COMMIT")
    thread.join(20)
    assert rows(observer, "SELECT b FROM t") == [(12,)]
    assert modern.info.transaction_status is psycopg.pq.TransactionStatus.IDLE


def test_a_pipeline_locks_its_tables_and_rolls_back_on_an_error(modern: psycopg.Connection) -> None:
    with modern.pipeline():
        for number in range(3):
            modern.execute("INSERT INTO t VALUES (%s, 0)", (number,))
            modern.execute("INSERT INTO s VALUES (%s)", (number,))
    assert modern.execute(
        "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM s)"
    ).fetchone() == (4, 4)
    with pytest.raises(psycopg.errors.UndefinedTable), modern.pipeline():  # noqa: PT012 - about the pipeline
        modern.execute("INSERT INTO t VALUES (%s, 0)", (7,))
        modern.execute("INSERT INTO absent VALUES (%s)", (7,))
    assert modern.execute("SELECT count(*) FROM t WHERE a = 7").fetchone() == (0,)


def test_under_serializable_only_a_writer_that_read_before_conflicts(tmp_path: Path) -> None:
    """Two transactions that only write do not conflict; one that read before it wrote fails with 1023."""
    with running(tmp_path, "--isolation", "serializable") as process:
        host, port = place(process)
        login = {"host": host, "port": port, "user": "awsuser", "dbname": "dev"}
        with (
            closing(psycopg2.connect(**login)) as first,
            closing(psycopg2.connect(**login)) as second,
        ):
            first.autocommit = second.autocommit = True
            one, other = first.cursor(), second.cursor()
            one.execute("CREATE TABLE t (a integer); INSERT INTO t VALUES (1)")
            with closing(psycopg2.connect(**login)) as third:
                third.autocommit = True
                one.execute("BEGIN")
                one.execute("UPDATE t SET a = a + 1")
                with while_it_waits(other, third.cursor(), "BEGIN", "UPDATE t SET a = a + 1"):
                    one.execute("COMMIT")
            other.execute("COMMIT")
            assert rows(one, "SELECT a FROM t") == [(3,)]
            other.execute("BEGIN")
            other.execute("SELECT a FROM t")
            one.execute("UPDATE t SET a = a + 1")
            assert error(other, "UPDATE t SET a = a + 1") == ("XX000", "1023")
