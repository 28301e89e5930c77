"""A pytest plugin: the fixture `redshift_emulator` is an empty database of an emulator that all tests share.

The emulator starts with the first test that asks for it and stops at the end of the session. Each test gets a database
of its own, which is dropped after it. Installing the package makes the fixture available.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from redshift_emulator.cluster import OWNER
from redshift_emulator.server import Server, ServerOptions

PASSWORD = "Emulator1"  # noqa: S105 - of a server that listens on the loopback address during a test run
_NUMBERS = itertools.count(1)


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


@pytest.fixture(scope="session")
def redshift_emulator_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The emulator that the tests of this session share."""
    data = tmp_path_factory.mktemp("redshift_emulator") / "data"
    with Server.start(ServerOptions(data=data, password=PASSWORD)) as server:
        yield server


@pytest.fixture
def redshift_emulator(redshift_emulator_server: Server) -> Iterator[RedshiftDatabase]:
    """An empty database for one test."""
    name = f"test_{next(_NUMBERS)}"
    cluster = redshift_emulator_server.cluster
    with cluster.connect("postgres", OWNER) as owner:
        owner.query(f"CREATE DATABASE {name}")
    host, port = redshift_emulator_server.address
    user = redshift_emulator_server.options.user
    yield RedshiftDatabase(host, port, user, PASSWORD, name)
    with cluster.connect("postgres", OWNER) as owner:
        owner.query(f"DROP DATABASE {name} WITH (FORCE)")
