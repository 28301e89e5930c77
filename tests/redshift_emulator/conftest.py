"""One emulator for all tests of this package, with TLS and a certificate authority of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest
import trustme
from psycopg2.extensions import connection as Connection  # noqa: N812
from psycopg2.extensions import cursor as Cursor  # noqa: N812

PASSWORD = "Secret+/=1"

Connect = Callable[..., Connection]


@dataclass(frozen=True)
class Warehouse:
    """A running emulator: its address and the file of its certificate authority."""

    host: str
    port: int
    ca_file: Path
    data_api_url: str

    @property
    def conninfo(self) -> str:
        """The connection string for psycopg 3, which uses the extended protocol."""
        return f"host={self.host} port={self.port} user=awsuser password={PASSWORD} dbname=dev sslmode=disable"

    def connect(self, **arguments: object) -> Connection:
        """Connect as the master user, in autocommit."""
        values: dict[str, object] = {
            "host": self.host, "port": self.port, "user": "awsuser", "password": PASSWORD, "dbname": "dev",
            "sslmode": "disable", **arguments,
        }  # fmt: skip
        session: Connection = psycopg2.connect(**values)  # type: ignore[call-overload]
        session.autocommit = True
        return session


def certificates(folder: Path) -> None:
    """Write ca.pem, cert.pem and key.pem for localhost."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    for blob in issued.cert_chain_pems:
        blob.write_to_path(folder / "cert.pem", append=True)


@contextmanager
def running(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Run the emulator as a child process, which is stopped at the end."""
    command = [
        sys.executable,
        "-m",
        "redshift_emulator",
        "--data",
        str(folder / "data"),
        "--exit-with-stdin",
        *options,
    ]
    with (
        (folder / "emulator.log").open("w") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()


def place(process: subprocess.Popen[str]) -> tuple[str, int]:
    """Return the host and port that an emulator prints."""
    assert process.stdout is not None
    words = process.stdout.readline().split()
    assert words[:1] == ["ready"], words
    return words[1], int(words[2])


def data_api_url(process: subprocess.Popen[str]) -> str:
    """Return the URL of the Data API, whose address is printed after the emulator's own."""
    assert process.stdout is not None
    host, port = process.stdout.readline().split()
    return f"http://{host}:{port}"


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The emulator that all tests share."""
    folder = tmp_path_factory.mktemp("redshift")
    certificates(folder)
    (folder / "password").write_text(PASSWORD)
    options = ["--databases", "dev,analytics", "--password-file", str(folder / "password")]
    options += ["--cert", str(folder / "cert.pem"), "--key", str(folder / "key.pem")]
    options += ["--data-api-port", "0"]
    with running(folder, *options) as process:
        host, port = place(process)
        yield Warehouse(host, port, folder / "ca.pem", data_api_url(process))


@pytest.fixture
def connect(warehouse: Warehouse) -> Iterator[Connect]:
    """Open connections. After the test they are closed and the schema `public` is emptied."""
    opened: list[Connection] = []

    def open_one(**arguments: object) -> Connection:
        opened.append(warehouse.connect(**arguments))
        return opened[-1]

    yield open_one
    for session in opened:
        session.close()
    cleanup = warehouse.connect()
    cleanup.cursor().execute(
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO PUBLIC"
    )
    cleanup.close()


@pytest.fixture
def session(connect: Connect) -> Connection:
    """A connection in autocommit."""
    return connect()


@pytest.fixture
def cursor(session: Connection) -> Iterator[Cursor]:
    """A cursor of the session."""
    with session.cursor() as session_cursor:
        yield session_cursor


def rows(cursor: Cursor, sql: str, *values: object) -> list[tuple[object, ...]]:
    """Return all rows of a query."""
    cursor.execute(sql, values or None)
    return cursor.fetchall()


def value(cursor: Cursor, sql: str, *values: object) -> object:
    """Return the only value of a query."""
    return rows(cursor, sql, *values)[0][0]


def error(cursor: Cursor, sql: str, *values: object) -> tuple[str | None, str]:
    """Return the SQLSTATE and the first line of the error that a statement fails with."""
    with pytest.raises(psycopg2.Error) as caught:
        cursor.execute(sql, values or None)
    return caught.value.pgcode, str(caught.value).splitlines()[0]
