"""Readers of a table that is replaced or rebuilt see all old rows or all new rows, and nothing else.

The replacements run in worker processes without the state machine. Readers have their own
connections and never pause.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2
import pytest

from tests.e2e.conftest import columns
from tests.guarantees.harness import Harness
from tests.guarantees.run_size import ISOLATION_LEVELS, short_or_long

pytestmark = pytest.mark.parametrize("harness", ISOLATION_LEVELS, indirect=True)

LOADS = short_or_long(40, 100)
ROWS = 200
REBUILDS = short_or_long(6, 100)
READERS = 2


@dataclass
class Readers:
    """Connections that repeat one query until they are stopped.

    `seen`: the distinct results; `reads`: the number of queries. `locked_table`: the table that
    they lock before each query.
    """

    harness: Harness
    query: str
    locked_table: str = ""
    seen: set[tuple[Any, ...]] = field(default_factory=set)
    reads: int = 0
    errors: list[str] = field(default_factory=list)

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read while the block runs."""
        stopped = threading.Event()
        threads = [threading.Thread(target=self._read, args=(stopped,)) for _ in range(READERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stopped.set()
            for thread in threads:
                thread.join()

    def _read(self, stopped: threading.Event) -> None:
        endpoint = self.harness.lake.client.outputs.warehouse
        connection = psycopg2.connect(
            host=endpoint.host,
            port=endpoint.port,
            user=endpoint.user,
            password=endpoint.password,
            dbname=self.harness.database,
        )
        connection.autocommit = not self.locked_table
        with closing(connection), connection.cursor() as cursor:
            while not stopped.is_set():
                try:
                    if self.locked_table:
                        cursor.execute(f"LOCK TABLE {self.locked_table}")
                    cursor.execute(self.query)
                    self.seen.add(cursor.fetchone())
                    connection.commit()
                except psycopg2.Error as error:
                    self.errors.append(str(error))
                    return
                self.reads += 1


def test_during_many_replacements_a_reader_sees_the_old_or_the_new_rows(
    harness: Harness,
) -> None:
    table = harness.lake.table("read")
    harness.load("schema", table, _schema("INTEGER"), 0)
    harness.load("append", table, _rows(0), 1)
    readers = Readers(harness, f"SELECT count(*), min(run), max(run), sum(id) FROM {table}")
    events = [harness.put("truncate", table, _rows(run), run + 1) for run in range(1, LOADS + 1)]
    with readers.reading():
        results = [
            harness.pool.call(_load(harness), {"event": event, "retry_count": 0})
            for event in events
        ]
    assert [each.result["status"] for each in results] == ["loaded"] * LOADS
    assert not readers.errors
    assert readers.seen <= {
        (ROWS + run, run, run, sum(range(ROWS + run))) for run in range(LOADS + 1)
    }
    assert readers.reads > LOADS
    assert len(readers.seen) > 10


def test_during_rebuilds_of_a_column_a_reader_sees_every_row(harness: Harness) -> None:
    readers = rebuild(harness, "SELECT count(*), sum(run) FROM {table}")
    assert readers.seen == {(ROWS, 0)}


def test_during_rebuilds_of_a_column_a_reader_sees_every_value(harness: Harness) -> None:
    """The readers lock the table first, because the emulator gives a statement that waits for a
    lock the snapshot from before.
    """
    readers = rebuild(harness, "SELECT count(*), sum(id) FROM {table}", locked_table="{table}")
    assert readers.seen == {(ROWS, sum(range(ROWS)))}


def rebuild(harness: Harness, query: str, locked_table: str = "") -> Readers:
    """Rebuild a column repeatedly while readers read."""
    table = harness.lake.table("rebuild")
    harness.load("schema", table, _schema("INTEGER"), 0)
    harness.load("append", table, _rows(0), 1)
    readers = Readers(harness, query.format(table=table), locked_table.format(table=table))
    with readers.reading():
        for number in range(REBUILDS):
            kind = ("BIGINT", "INTEGER")[number % 2]
            result = harness.load(
                "schema", table, _schema(kind, allowed_changes=["retype", "narrow"]), number + 2
            )
            assert result.data["record"]["status"] == "applied", result.data
    assert not readers.errors
    assert readers.reads > REBUILDS
    return readers


@pytest.mark.parametrize("action", ["append", "truncate"])
def test_a_reader_never_sees_rows_of_a_refused_file(harness: Harness, action: str) -> None:
    table = harness.lake.table("refused")
    harness.load("schema", table, _schema("INTEGER"), 0)
    harness.load("append", table, _rows(0), 1)
    readers = Readers(harness, f"SELECT count(*), sum(id), sum(run) FROM {table}")
    with readers.reading():
        for number in range(5):
            result = harness.load(action, table, _rows(1) + "x,1\n", number + 2)
            assert result.data["record"]["status"] == "rejected"
    assert not readers.errors
    assert readers.seen == {(ROWS, sum(range(ROWS)), 0)}


def _schema(kind: str, **properties: Any) -> str:
    return json.dumps(columns(("id", kind), ("run", "INTEGER"), **properties))


def _rows(run: int) -> str:
    return "id,run\n" + "".join(f"{number},{run}\n" for number in range(ROWS + run))


def _load(harness: Harness) -> str:
    [handler] = [each for each in harness.interpreter.handlers.values() if ".load." in each]
    return handler
