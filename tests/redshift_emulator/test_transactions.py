"""Transaction blocks, locks, snapshots, and clients that disconnect."""

from __future__ import annotations

import socket
import threading
import time

import psycopg2
import pytest
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from tests.redshift_emulator.conftest import Connect, error, rows, value


def wait_until(condition: object, seconds: float = 5.0) -> None:
    """Wait for a condition; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "the condition did not come true"
        time.sleep(0.01)


@pytest.fixture
def table(cursor: Cursor) -> None:
    """An empty table."""
    cursor.execute("CREATE TABLE t (a integer)")


@pytest.mark.usefixtures("table")
def test_truncate_commits_the_block(cursor: Cursor, connect: Connect) -> None:
    writer = connect()
    writer.autocommit = False
    one = writer.cursor()
    one.execute("INSERT INTO t VALUES (1)")
    one.execute("CREATE TABLE made (a integer)")
    one.execute("TRUNCATE t")
    assert writer.info.transaction_status == psycopg2.extensions.TRANSACTION_STATUS_IDLE
    writer.rollback()
    assert rows(cursor, "SELECT * FROM made") == []


@pytest.mark.usefixtures("table")
def test_a_failed_truncate_fails_the_block(cursor: Cursor) -> None:
    cursor.execute("BEGIN")
    assert error(cursor, "TRUNCATE absent")[0] == "42P01"
    assert error(cursor, "SELECT 1")[0] == "25P02"
    cursor.execute("ROLLBACK")


@pytest.mark.usefixtures("table")
def test_a_refused_statement_fails_the_block(cursor: Cursor) -> None:
    cursor.execute("BEGIN")
    cursor.execute("INSERT INTO t VALUES (1)")
    assert error(cursor, "CREATE INDEX i ON t (a)")[0] == "0A000"
    assert error(cursor, "INSERT INTO t VALUES (2)")[0] == "25P02"
    cursor.execute("COMMIT")
    assert rows(cursor, "SELECT * FROM t") == []


@pytest.mark.usefixtures("table")
def test_several_statements_of_one_string_are_one_transaction(cursor: Cursor) -> None:
    cursor.execute(
        "INSERT INTO t VALUES (1); CREATE TABLE u (a integer); INSERT INTO u VALUES (2); SELECT a FROM u"
    )
    assert cursor.fetchall() == [(2,)]
    assert error(cursor, "INSERT INTO t VALUES (2); CREATE TABLE u (a integer)")[0] == "42P07"
    assert rows(cursor, "SELECT a FROM t") == [(1,)]
    cursor.execute("BEGIN; INSERT INTO t VALUES (3); ROLLBACK; INSERT INTO t VALUES (4)")
    assert rows(cursor, "SELECT a FROM t ORDER BY a") == [(1,), (4,)]


@pytest.mark.usefixtures("table")
def test_a_block_takes_its_snapshot_after_its_lock(cursor: Cursor, connect: Connect) -> None:
    """Also after catalog queries, which take no snapshot in Redshift."""
    cursor.execute("BEGIN")
    cursor.execute("LOCK t")
    cursor.execute("INSERT INTO t VALUES (1)")
    other, seen = connect().cursor(), []

    def wait_for_lock() -> None:
        other.execute("BEGIN")
        other.execute("SET statement_timeout TO 60000")
        other.execute("SELECT pg_backend_pid(), sysdate")
        other.execute("SELECT count(*) FROM pg_class WHERE relname = 't'")
        other.execute("LOCK TABLE t")
        seen.extend(rows(other, "SELECT a FROM t"))
        seen.extend(rows(other, "SHOW statement_timeout"))
        other.execute("COMMIT")

    thread = threading.Thread(target=wait_for_lock)
    thread.start()
    time.sleep(0.2)
    cursor.execute("COMMIT")
    thread.join(10)
    assert seen == [(1,), ("1min",)]


def test_sysdate_is_the_start_time_of_the_block(cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a integer)")
    cursor.execute("INSERT INTO t VALUES (1)")
    cursor.execute("BEGIN")
    seen = set()
    for statement in (
        "SELECT sysdate",
        "SELECT sysdate",
        "SELECT current_schema()",
        "SELECT sysdate FROM t",
    ):
        time.sleep(0.01)
        seen.add(value(cursor, statement))
    cursor.execute("COMMIT")
    assert len(seen - {"public"}) == 1
    assert value(cursor, "SELECT sysdate") > max(seen - {"public"})  # type: ignore[operator, type-var]


def test_sysdate_and_getdate_are_in_the_time_zone_of_the_session(cursor: Cursor) -> None:
    cursor.execute("SET timezone TO 'Asia/Tokyo'")
    try:
        hours = "SELECT datediff(hour, timezone('UTC', current_timestamp), {})"
        cursor.execute(hours.format("sysdate") + "; ")
        assert cursor.fetchone() == (9,)
        cursor.execute(hours.format("getdate()"))
        assert cursor.fetchone() == (9,)
    finally:
        cursor.execute("RESET timezone")


@pytest.mark.parametrize("wait", [False, True])
def test_a_lock_that_fails_outside_a_block_opens_no_block(
    cursor: Cursor, connect: Connect, wait: bool
) -> None:
    cursor.execute("CREATE TABLE t (a integer)")
    if wait:
        other = connect()
        other.cursor().execute("BEGIN; LOCK t")
        cursor.execute("SET statement_timeout TO 100")
    assert error(cursor, "LOCK t" if wait else "LOCK nothere")[0] == ("57014" if wait else "42P01")
    assert value(cursor, "SELECT 1") == 1


@pytest.mark.usefixtures("table")
def test_a_lock_blocks_readers(cursor: Cursor, connect: Connect) -> None:
    cursor.execute("BEGIN")
    cursor.execute("LOCK t")
    reader = connect().cursor()
    reader.execute("SET statement_timeout TO 100")
    assert error(reader, "SELECT * FROM t")[0] == "57014"
    cursor.execute("ROLLBACK")


@pytest.mark.usefixtures("table")
def test_a_transaction_reads_its_snapshot(cursor: Cursor, connect: Connect) -> None:
    reader = connect().cursor()
    reader.execute("BEGIN")
    assert rows(reader, "SELECT count(*) FROM t") == [(0,)]
    cursor.execute("INSERT INTO t VALUES (1)")
    assert rows(reader, "SELECT count(*) FROM t") == [(0,)]
    reader.execute("COMMIT")
    assert rows(reader, "SELECT count(*) FROM t") == [(1,)]


@pytest.mark.usefixtures("table")
def test_a_write_conflict_is_1023(cursor: Cursor, connect: Connect) -> None:
    cursor.execute("INSERT INTO t VALUES (1)")
    other = connect().cursor()
    other.execute("BEGIN")
    other.execute("SELECT * FROM t")
    cursor.execute("UPDATE t SET a = 2")
    with pytest.raises(psycopg2.Error) as caught:
        other.execute("UPDATE t SET a = 3")
    assert str(caught.value).startswith("1023")
    assert "Serializable isolation violation on table" in str(caught.value)
    other.execute("ROLLBACK")


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("tls", ["disable", "require"])
def test_a_block_is_rolled_back_when_its_client_disconnects(
    cursor: Cursor, connect: Connect, tls: str
) -> None:
    gone = connect(sslmode=tls)
    one = gone.cursor()
    one.execute("BEGIN")
    one.execute("LOCK t")
    one.execute("INSERT INTO t VALUES (1)")
    cut_off(gone)
    cursor.execute("SET statement_timeout TO 5000")
    assert rows(cursor, "SELECT * FROM t") == []


@pytest.mark.usefixtures("table")
def test_a_block_that_waits_for_a_lock_ends_when_its_client_disconnects(
    cursor: Cursor, connect: Connect
) -> None:
    cursor.execute("BEGIN")
    cursor.execute("LOCK t")
    gone = connect()
    pid = value(gone.cursor(), "SELECT pg_backend_pid()")
    thread = threading.Thread(target=lock_in_a_block, args=(gone.cursor(),))
    thread.start()
    observer = connect().cursor()
    alive = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
    wait_until(lambda: value(observer, alive + " AND wait_event_type = 'Lock'", pid) == 1)
    cut_off(gone)
    wait_until(lambda: value(observer, alive, pid) == 0)
    cursor.execute("COMMIT")
    thread.join(10)


def lock_in_a_block(cursor: Cursor) -> None:
    """Wait for a lock until the connection is cut."""
    cursor.execute("BEGIN")
    with pytest.raises(psycopg2.Error):
        cursor.execute("LOCK t")


def cut_off(connection: psycopg2.extensions.connection) -> None:
    """Close the TCP connection without a message, as a killed process does."""
    with socket.socket(fileno=socket.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


@pytest.mark.usefixtures("table")
def test_a_terminated_session_gets_an_error_message(cursor: Cursor, connect: Connect) -> None:
    victim = connect()
    one = victim.cursor()
    pid = value(one, "SELECT pg_backend_pid()")
    one.execute("BEGIN")
    one.execute("INSERT INTO t VALUES (1)")
    assert value(cursor, "SELECT pg_terminate_backend(%s)", pid) is True
    with socket.socket(fileno=socket.dup(victim.fileno())) as line:
        line.settimeout(5)
        assert b"C57P01" in line.recv(1000, socket.MSG_PEEK)
    with pytest.raises(psycopg2.OperationalError):
        one.execute("SELECT 1")
    assert rows(cursor, "SELECT * FROM t") == []


def test_cancel_stops_the_running_statement(connect: Connect) -> None:
    running = connect()
    timer = threading.Timer(0.2, running.cancel)
    timer.start()
    code, _ = error(
        running.cursor(),
        "SELECT count(*) FROM pg_class a, pg_class b, pg_class c, pg_class d, pg_class e",
    )
    assert code == "57014"
    timer.join()
    assert rows(running.cursor(), "SELECT 1") == [(1,)]


def test_statement_timeout_cancels_a_statement(cursor: Cursor) -> None:
    cursor.execute("SET statement_timeout TO 50")
    assert (
        error(
            cursor,
            "SELECT count(*) FROM pg_class a, pg_class b, pg_class c, pg_class d, pg_class e",
        )[0]
        == "57014"
    )


def test_the_isolation_level_cannot_be_chosen(cursor: Cursor) -> None:
    cursor.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
    assert value(cursor, "SHOW transaction isolation level") == "serializable"
    assert value(cursor, "SELECT current_setting('transaction_isolation')") == "repeatable read"
    cursor.execute("COMMIT")
    cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED")
    assert (
        value(cursor, "SELECT current_setting('default_transaction_isolation')")
        == "repeatable read"
    )


@pytest.mark.usefixtures("table")
def test_a_statement_outside_a_block_is_committed_when_its_client_disconnects(
    cursor: Cursor, connect: Connect
) -> None:
    cursor.execute("BEGIN")
    cursor.execute("LOCK t")
    gone = connect()
    pid = value(gone.cursor(), "SELECT pg_backend_pid()")
    thread = threading.Thread(target=insert_until_cut, args=(gone.cursor(),))
    thread.start()
    observer = connect().cursor()
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
    wait_until(lambda: value(observer, waiting, pid) == 1)
    cut_off(gone)
    thread.join(10)
    assert value(observer, waiting, pid) == 1
    cursor.execute("COMMIT")
    wait_until(lambda: rows(observer, "SELECT a FROM t") == [(7,)])


def insert_until_cut(cursor: Cursor) -> None:
    """Insert a row. The connection is cut before the answer."""
    with pytest.raises(psycopg2.Error):
        cursor.execute("INSERT INTO t VALUES (7)")
