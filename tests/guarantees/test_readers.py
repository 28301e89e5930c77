"""What readers of a table see while it is replaced or rebuilt: all of the old rows or all of the new ones, never anything else.

The loads run in worker processes without the state machine around them; readers are connections of their own and never pause.
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
from tests.guarantees.scale import few_or_all

pytestmark = pytest.mark.parametrize(
    "site", few_or_all(["snapshot"], ["snapshot", "serializable"]), indirect=True
)

LOADS = 100
ROWS = 200
REBUILDS = few_or_all(6, 100)
READERS = 2


@dataclass
class Readers:
    """Connections that ask the same question until they are told to stop. `seen`: the distinct answers; `reads`: how many.

    `waits`: they take the table's lock before they ask.
    """

    site: Harness
    question: str
    waits: str = ""
    seen: set[tuple[Any, ...]] = field(default_factory=set)
    reads: int = 0
    errors: list[str] = field(default_factory=list)

    @contextmanager
    def reading(self) -> Iterator[None]:
        ended = threading.Event()
        threads = [threading.Thread(target=self._read, args=(ended,)) for _ in range(READERS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            ended.set()
            for thread in threads:
                thread.join()

    def _read(self, ended: threading.Event) -> None:
        where = self.site.lake.client.outputs.warehouse
        connection = psycopg2.connect(
            host=where.host,
            port=where.port,
            user=where.user,
            password=where.password,
            dbname=self.site.database,
        )
        connection.autocommit = not self.waits
        with closing(connection), connection.cursor() as cursor:
            while not ended.is_set():
                try:
                    if self.waits:
                        cursor.execute(f"LOCK TABLE {self.waits}")
                    cursor.execute(self.question)
                    self.seen.add(cursor.fetchone())
                    connection.commit()
                except psycopg2.Error as error:
                    self.errors.append(str(error))
                    return
                self.reads += 1


def test_during_a_hundred_replacements_a_reader_sees_the_old_rows_or_the_new_ones(
    site: Harness,
) -> None:
    table = site.lake.table("read")
    site.load("schema", table, _schema("INTEGER"), 0)
    site.load("append", table, _rows(0), 1)
    readers = Readers(site, f"SELECT count(*), min(run), max(run), sum(id) FROM {table}")
    events = [site.land("truncate", table, _rows(run), run + 1) for run in range(1, LOADS + 1)]
    with readers.reading():
        answers = [
            site.pool.call(_load(site), {"event": event, "retry_count": 0}) for event in events
        ]
    assert [answer.result["status"] for answer in answers] == ["loaded"] * LOADS
    assert not readers.errors
    assert readers.seen <= {
        (ROWS + run, run, run, sum(range(ROWS + run))) for run in range(LOADS + 1)
    }
    assert readers.reads > LOADS
    assert len(readers.seen) > 10


def test_during_rebuilds_of_a_column_a_reader_sees_every_row(site: Harness) -> None:
    readers = rebuild(site, "SELECT count(*), sum(run) FROM {table}")
    assert readers.seen == {(ROWS, 0)}


def test_during_rebuilds_of_a_column_its_values_are_whole_at_every_moment(site: Harness) -> None:
    """The readers take the table's lock, because the stand-in gives a statement that waits for one the snapshot from before."""
    readers = rebuild(site, "SELECT count(*), sum(id) FROM {table}", waits="{table}")
    assert readers.seen == {(ROWS, sum(range(ROWS)))}


def rebuild(site: Harness, question: str, waits: str = "") -> Readers:
    """Makes a column anew, time and again, while readers read."""
    table = site.lake.table("rebuild")
    site.load("schema", table, _schema("INTEGER"), 0)
    site.load("append", table, _rows(0), 1)
    readers = Readers(site, question.format(table=table), waits.format(table=table))
    with readers.reading():
        for number in range(REBUILDS):
            kind = ("BIGINT", "INTEGER")[number % 2]
            ended = site.load(
                "schema", table, _schema(kind, allowed_changes=["retype", "narrow"]), number + 2
            )
            assert ended.data["record"]["status"] == "applied", ended.data
    assert not readers.errors
    assert readers.reads > REBUILDS
    return readers


@pytest.mark.parametrize("action", ["append", "truncate"])
def test_a_reader_never_sees_rows_of_a_file_that_is_refused(site: Harness, action: str) -> None:
    table = site.lake.table("refused")
    site.load("schema", table, _schema("INTEGER"), 0)
    site.load("append", table, _rows(0), 1)
    readers = Readers(site, f"SELECT count(*), sum(id), sum(run) FROM {table}")
    with readers.reading():
        for number in range(5):
            ended = site.load(action, table, _rows(1) + "x,1\n", number + 2)
            assert ended.data["record"]["status"] == "failed"
    assert not readers.errors
    assert readers.seen == {(ROWS, sum(range(ROWS)), 0)}


def _schema(kind: str, **properties: Any) -> str:
    return json.dumps(columns(("id", kind), ("run", "INTEGER"), **properties))


def _rows(run: int) -> str:
    return "id,run\n" + "".join(f"{number},{run}\n" for number in range(ROWS + run))


def _load(site: Harness) -> str:
    [handler] = [each for each in site.machine.handlers.values() if ".load." in each]
    return handler
