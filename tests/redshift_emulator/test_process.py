"""The emulator as a process: it starts, prints its address, keeps its data, and leaves no process
behind, however it ends.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from tests.redshift_emulator.conftest import place, running


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for the data. After the test no process may use it."""
    yield tmp_path
    assert until(lambda: not processes_using(tmp_path)), processes_using(tmp_path)


def processes_using(folder: Path) -> list[str]:
    """Return the command lines that contain the folder."""
    lines = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(folder) in line and "pytest" not in line.split(str(folder))[0]:
            lines.append(line[:200])
    return lines


def until(condition: object, seconds: float = 10.0) -> bool:
    """Wait for a condition; return whether it came true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


def execute(
    process: subprocess.Popen[str], sql: str, database: str = "dev"
) -> list[tuple[object, ...]]:
    """Run a statement on a new connection and return its rows."""
    host, port = place(process) if not hasattr(process, "address") else process.address
    process.address = (host, port)  # type: ignore[attr-defined]
    connection = psycopg2.connect(
        host=host, port=port, user="awsuser", dbname=database, sslmode="disable"
    )
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_data_survives_a_restart_and_databases_are_added(folder: Path) -> None:
    with running(folder, "--databases", "dev") as process:
        execute(
            process, "CREATE TABLE kept (a varchar(3)) DISTSTYLE ALL; INSERT INTO kept VALUES ('x')"
        )
    with running(
        folder, "--databases", "dev, more", "--ready-file", str(folder / "ready")
    ) as process:
        assert execute(process, "SELECT a FROM kept") == [("x",)]
        assert execute(process, "SELECT reldiststyle FROM pg_class WHERE relname = 'kept'") == [
            (8,)
        ]
        assert execute(process, "SELECT current_database()", "more") == [("more",)]
        assert (folder / "ready").read_text().split() == [str(part) for part in process.address]


def test_the_emulator_stops_when_standard_input_closes(folder: Path) -> None:
    with running(folder) as process:
        execute(process, "SELECT 1")
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def test_postgresql_stops_when_the_emulator_is_killed(folder: Path) -> None:
    with running(folder) as process:
        execute(process, "CREATE TABLE kept (a integer)")
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert until(lambda: not processes_using(folder))
    with running(folder) as process:
        assert execute(process, "SELECT * FROM kept") == []


def test_a_certificate_without_a_key_is_refused(folder: Path) -> None:
    with running(folder, "--cert", __file__) as process:
        assert process.wait(10) == 2
    assert "--cert and --key must be given together" in (folder / "emulator.log").read_text()


def test_serializable_isolation_detects_a_read_write_cycle(folder: Path) -> None:
    with running(folder, "--isolation", "serializable") as process:
        execute(process, "CREATE TABLE a (x integer); CREATE TABLE b (x integer)")
        host, port = process.address  # type: ignore[attr-defined]
        one, other = (
            psycopg2.connect(host=host, port=port, user="awsuser", dbname="dev") for _ in range(2)
        )
        with one.cursor() as first, other.cursor() as second:
            first.execute("SELECT * FROM a; INSERT INTO b VALUES (1)")
            second.execute("SELECT * FROM b; INSERT INTO a VALUES (1)")
            one.commit()
            with pytest.raises(psycopg2.Error, match="1023"):  # noqa: PT012 - either statement may fail
                second.execute("SELECT 1")
                other.commit()
        one.close()
        other.close()


def test_sigterm_stops_the_emulator_without_an_error(folder: Path) -> None:
    with running(folder) as process:
        execute(process, "SELECT 1")
        process.terminate()
        assert process.wait(10) == 0
    assert (folder / "emulator.log").read_text() == ""


def age(process: subprocess.Popen[str], *statements: str) -> None:
    """Make the database `dev` look as if another version of the emulator had made it."""
    for statement in ("COMMENT ON SCHEMA pg_rs IS 'another version'", *statements):
        execute(process, statement)


def test_the_data_of_an_older_version_is_converted(folder: Path) -> None:
    with running(folder) as process:
        execute(process, "CREATE TABLE kept (a integer); INSERT INTO kept VALUES (7)")
        age(process, "DROP FUNCTION pg_rs.set_config(text, text, boolean)")
    with running(folder) as process:
        assert execute(process, "SELECT a FROM kept") == [(7,)]
        assert execute(process, "SELECT set_config('query_group', 'x', false)") == [("x",)]


def test_data_that_cannot_be_converted_is_refused_and_stays(folder: Path) -> None:
    with running(folder) as process:
        age(
            process,
            "DROP FUNCTION pg_rs.set_config(text, text, boolean)",
            "CREATE FUNCTION pg_rs.set_config(text, text, boolean) RETURNS int IMMUTABLE"
            " AS $$ SELECT 1 $$ LANGUAGE sql",
        )
    for _ in range(2):
        with running(folder) as process:
            assert process.wait(30) == 1
        message = (folder / "emulator.log").read_text()
        assert "was made by another version of the emulator and cannot be converted" in message
        assert "start with another --data folder" in message
        assert "Traceback" not in message


def test_the_data_of_another_postgresql_is_refused(folder: Path) -> None:
    version = folder / "data" / "pgdata" / "PG_VERSION"
    with running(folder) as process:
        execute(process, "SELECT 1")
    made_by = version.read_text()
    version.write_text("14\n")
    with running(folder) as process:
        assert process.wait(30) == 1
    message = (folder / "emulator.log").read_text()
    assert f"was made by PostgreSQL 14; this emulator runs PostgreSQL {made_by.strip()}" in message
    version.write_text(made_by)
    with running(folder) as process:
        assert execute(process, "SELECT 1") == [(1,)]
