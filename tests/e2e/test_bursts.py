"""Many uploads of one table at once, and schema files with their data files: micro-batches and arrival order."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from tests.e2e.conftest import Lake, columns

FILES = 12
BURST = 40


def test_pending_uploads_are_loaded_by_one_transaction_and_only_the_bad_file_fails(
    lake: Lake,
) -> None:
    table = lake.table("burst")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER"), ("note", "VARCHAR(20)")))
    with lake.ledger_locked(table):
        good = [
            lake.put(f"dev/append/{table}/{number}.csv", _rows(number)) for number in range(FILES)
        ]
        bad = lake.put(f"dev/append/{table}/bad.csv", "id,note\n1,a\nx7,b\n")
        _until_received(lake, table, FILES + 1)
    entries = [lake.entry(table, version, 90) for version in good]
    refused = lake.entry(table, bad, 90)

    assert [(entry["status"], entry["rows_loaded"]) for entry in entries] == [("loaded", 2)] * FILES
    assert refused["status"] == "rejected"
    assert "line 3, column 'id', value 'x7'" in refused["error"]["message"]
    assert lake.rows(table, "id") == sorted(
        ((number,) for number in range(FILES) for _ in range(2)), key=repr
    )
    assert len(lake.rows(f"etl_ledger.public__{table}", "loaded_at")) == FILES + 1
    assert (
        len(set(lake.rows(f"etl_ledger.public__{table}", "date_trunc('second', loaded_at)")))
        < FILES
    )


@dataclass
class Observer:
    """Counts the connections to the warehouse and the API's status codes while a burst runs."""

    lake: Lake
    table: str
    idle: int = 0
    connections: list[int] = field(default_factory=list)
    codes: Counter[int] = field(default_factory=Counter)

    @contextmanager
    def watching(self) -> Iterator[None]:
        self.idle = self._connections()
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.1):
                self.connections.append(self._connections())

        def ask() -> None:
            while True:
                self.codes[self._ask()] += 1
                if ended.wait(0.2):
                    return

        with ThreadPoolExecutor(2) as threads:
            running = [threads.submit(watch), threads.submit(ask)]
            try:
                yield
            finally:
                ended.set()
        for each in running:
            each.result()

    def _connections(self) -> int:
        """Return the number of sessions of clients, without this one."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'dev' AND pid <> pg_backend_pid()"
        return int(self.lake.client.sql("dev", query).rows[0][0])

    def _ask(self) -> int:
        """Ask the API once, without the client's retries. Return the status code."""
        client = self.lake.client
        url = client.log_url({"table_name": self.table, "limit": "1"})
        request = urllib.request.Request(url, headers={"x-api-key": client.outputs.api_key})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code


@pytest.mark.timeout(360)
def test_a_burst_into_one_table_uses_few_connections_and_the_api_answers(lake: Lake) -> None:
    table = lake.table("burst")
    schema = lake.put(f"dev/schema/{table}/s.json", columns(("id", "INTEGER")))
    assert lake.entry(table, schema, 90)["status"] == "applied"
    observer = Observer(lake, table)
    with observer.watching():
        with ThreadPoolExecutor(8) as threads:
            keys = [f"dev/append/{table}/{number}.csv" for number in range(BURST)]
            list(threads.map(lambda pair: lake.put(pair[1], f"id\n{pair[0]}\n"), enumerate(keys)))
        _until_answered(lake, table, BURST + 1)
    assert lake.rows(table) == sorted(((number,) for number in range(BURST)), key=repr)
    statuses = Counter(entry["status"] for entry in lake.client.log_entries(table))
    assert statuses == {"applied": 1, "loaded": BURST}
    # Functions keep their connections, so the burst may need no new one.
    most = max(observer.connections)
    assert 1 <= most <= observer.idle + 2, (observer.idle, Counter(observer.connections))
    assert set(observer.codes) == {200}, observer.codes


def _until_answered(lake: Lake, table: str, count: int) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        entries = lake.client.log_entries(table)
        if len(entries) == count and all(entry["status"] != "received" for entry in entries):
            return
        time.sleep(0.5)
    statuses = Counter(entry["status"] for entry in lake.client.log_entries(table))
    raise AssertionError(f"not all {count} uploads of {table} were answered: {statuses}")


def test_a_changed_schema_file_and_its_data_files_may_be_uploaded_at_once(lake: Lake) -> None:
    table = lake.table("both")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER")))
    before = lake.put(f"dev/append/{table}/before.csv", "id\n1\n")
    schema = lake.put(
        f"dev/schema/{table}/s2.json", columns(("id", "INTEGER"), ("note", "VARCHAR(20)"))
    )
    after = lake.put(f"dev/append/{table}/after.csv", "id,note\n2,new\n")

    assert [lake.entry(table, each, 90)["status"] for each in (before, schema, after)] == [
        "loaded",
        "applied",
        "loaded",
    ]
    assert lake.rows(table) == [(1, None), (2, "new")]


def _rows(number: int) -> str:
    return f"id,note\n{number},a\n{number},b\n"


def _until_received(lake: Lake, table: str, count: int) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if sum(entry["status"] == "received" for entry in lake.client.log_entries(table)) >= count:
            return
        time.sleep(0.3)
    raise AssertionError(f"{count} uploads of {table} were not received")


def test_data_files_of_several_schema_files_uploaded_at_once_are_each_read_by_their_own(
    lake: Lake,
) -> None:
    table, kinds = (
        lake.table("chain"),
        [("id", "INTEGER"), *((f"c{number}", "INTEGER") for number in range(1, 5))],
    )
    versions = []
    for count in range(1, 6):
        header = ",".join(name for name, _ in kinds[:count])
        versions.append(lake.put(f"dev/schema/{table}/v{count}.json", columns(*kinds[:count])))
        for number in range(2):
            versions.append(
                lake.put(
                    f"dev/append/{table}/v{count}_{number}.csv",
                    f"{header}\n{','.join('7' * count)}\n",
                )
            )
    entries = [lake.entry(table, version, 120) for version in versions]

    assert {(entry["action"], entry["status"]) for entry in entries} <= {
        ("schema", "applied"),
        ("schema", "superseded"),
        ("append", "loaded"),
    }
    assert lake.count(table) == 10
    assert lake.rows(table, "COUNT(c4)") == [(2,)]
