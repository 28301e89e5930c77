"""The fixture `redshift_emulator` gives each test an empty database of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from redshift_emulator.pytest_plugin import PASSWORD, Databases, RedshiftDatabase
from redshift_emulator.server import Server, ServerOptions


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """An emulator."""
    with Server.start(ServerOptions(data=tmp_path / "data", password=PASSWORD)) as running:
        yield running


def tables(database: RedshiftDatabase) -> list[tuple[str, ...]]:
    """Return the tables of a database, and add one."""
    with closing(psycopg2.connect(database.conninfo)) as session, session.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname = 'mine'")
        found = cursor.fetchall()
        cursor.execute("CREATE TABLE mine (a integer)")
        session.commit()
    return found


def test_each_database_is_empty_and_is_dropped(server: Server) -> None:
    with closing(Databases(server)) as databases:
        taken = [databases.take() for _ in range(3)]
        assert [tables(database) for database in taken] == [[], [], []]
        assert len({each.dbname for each in taken}) == 3
        for database in taken:
            databases.drop(database)
    with server.cluster.connect("postgres", "rdsdb") as owner:
        left = owner.query("SELECT datname FROM pg_database WHERE datname LIKE 'test%'")
    assert not {(each.dbname,) for each in taken} & set(left)
