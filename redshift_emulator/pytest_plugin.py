"""A pytest plugin: the fixture `redshift_emulator` is an empty database of an emulator for all tests.

The emulator starts with the first test that asks for it and stops at the end of the session. Each test
gets a database of its own, which is dropped after it; the next one is created during the test.
Installing the package makes the fixture available.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import pytest

from redshift_emulator.cluster import OWNER
from redshift_emulator.server import Server, ServerOptions

PASSWORD = "Emulator1"  # noqa: S105 - of a server that listens on the loopback address during a test run

# Not PostgreSQL's template1: logins read users there, and would wait while it is copied.
TEMPLATE = "redshift_emulator_template"


@dataclass(frozen=True)
class RedshiftDatabase:
    """How to connect to a test's database."""

    host: str
    port: int
    user: str
    password: str
    dbname: str

    @property
    def conninfo(self) -> str:
        """The connection string for libpq, psycopg and psql."""
        return (
            f"host={self.host} port={self.port} user={self.user} password={self.password}"
            f" dbname={self.dbname} sslmode=disable"
        )


class Databases:
    """Empty databases of an emulator. The next one is created while a test uses the one before."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._worker = ThreadPoolExecutor(1, "redshift-databases")
        self._numbers = itertools.count(1)
        self._worker.submit(self._run, f"CREATE DATABASE {TEMPLATE}")
        self._next = self._worker.submit(self._create)

    def take(self) -> RedshiftDatabase:
        """Return an empty database."""
        name = self._next.result()
        self._next = self._worker.submit(self._create)
        host, port = self.server.address
        return RedshiftDatabase(host, port, self.server.options.user, PASSWORD, name)

    def drop(self, database: RedshiftDatabase) -> None:
        """Drop a database, soon. Its connections are closed."""
        self._worker.submit(self._run, f"DROP DATABASE IF EXISTS {database.dbname} WITH (FORCE)")

    def close(self) -> None:
        """Wait for the drops that were asked for."""
        self._worker.shutdown()

    def _create(self) -> str:
        name = f"test_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return name

    def _run(self, sql: str) -> None:
        with self.server.cluster.connect("postgres", OWNER) as owner:
            owner.query(sql)


@pytest.fixture(scope="session")
def redshift_emulator_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The emulator that the tests of this session share."""
    data = tmp_path_factory.mktemp("redshift_emulator") / "data"
    with Server.start(ServerOptions(data=data, password=PASSWORD)) as server:
        yield server


@pytest.fixture(scope="session")
def redshift_emulator_databases(redshift_emulator_server: Server) -> Iterator[Databases]:
    """The databases that the tests of this session take one after the other."""
    with closing(Databases(redshift_emulator_server)) as databases:
        yield databases


@pytest.fixture
def redshift_emulator(redshift_emulator_databases: Databases) -> Iterator[RedshiftDatabase]:
    """An empty database for one test."""
    database = redshift_emulator_databases.take()
    yield database
    redshift_emulator_databases.drop(database)
