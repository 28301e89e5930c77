"""The round trips of one append by a warm load function: each statement and each call to AWS, counted.

docs/explanation/load-path.md gives the reason for each.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import botocore.client
import pytest
import sqlalchemy as sa

from etl_core.adapters.aws_clients import session
from etl_core.adapters.log_table import LogTable
from etl_core.model.times import format_utc_time
from etl_core.model.upload import Upload
from etl_core.upload_log.entry import key_of, received_entry
from handlers import load, wiring
from tests.e2e.conftest import Lake, columns

OF_THE_LOAD = [
    "SET statement_timeout",
    "LOCK",
    "SET statement_timeout",
    "SELECT ledger",
    "SELECT catalog",
    "COPY",
    "SELECT pg_last_copy_count",
    "INSERT ledger",
]
OF_A_CONNECTION = "SET query_group"
"""The only statement of a new connection. What SQLAlchemy asks of a server is known to a warm function."""
CALLS = ["GetObject", "Query", "ListObjectVersions", "PutObject", "HeadObject", "Query"]


@dataclass
class Trips:
    """The statements and the calls to AWS of the handlers in this process."""

    statements: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def clear(self) -> None:
        self.statements.clear()
        self.calls.clear()


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trips]:
    counted = Trips()
    make_call = botocore.client.BaseClient._make_api_call

    def count(client: Any, operation: str, *more: Any) -> Any:
        counted.calls.append(operation)
        return make_call(client, operation, *more)

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        counted.statements.append(statement)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", count)
    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    yield counted
    sa.event.remove(sa.Engine, "before_cursor_execute", note)


@pytest.fixture
def warm(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The load function's environment in this process."""
    for name, value in lake.function_variables().items():
        monkeypatch.setitem(os.environ, name, value)
    wiring.wiring.cache_clear()
    session.cache_clear()
    yield
    wiring.wiring.cache_clear()
    session.cache_clear()


class Context:
    """Lambda's context object with five minutes left."""

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


@dataclass
class Loader:
    """Runs the load function for uploads of one table, in this process."""

    lake: Lake
    table: str
    count: int = 0

    def receive(self, action: str, file: str, content: str) -> dict[str, Any]:
        """Put a file, write its log entry like the record function, and return its event."""
        key = f"dev/{action}/{self.table}/{file}"
        version = self.lake.put(key, content)
        self.count += 1
        now = datetime.now(UTC)
        event = self.lake.s3_event(
            key, content.encode(), format_utc_time(now), f"{self.count:018X}", version
        )
        upload = Upload.from_event(event)
        log = LogTable(self.lake.client.aws.client("dynamodb"), self.lake.client.outputs.log_table)
        log.write_received(key_of(upload), received_entry(upload, "arn", now))
        return event

    def run(self, event: dict[str, Any]) -> dict[str, Any]:
        return dict(load.handler({"event": event}, Context()))

    def finish(self, event: dict[str, Any], output: dict[str, Any]) -> None:
        """Write the final status like the record function."""
        upload = Upload.from_event(event)
        log = LogTable(self.lake.client.aws.client("dynamodb"), self.lake.client.outputs.log_table)
        log.write_final(key_of(upload), {"status": output["status"]}, output["attempts"])

    def statuses(self) -> dict[str, str]:
        entries = self.lake.client.log_entries(self.table)
        return {entry["s3_key"].rsplit("/")[-1]: entry["status"] for entry in entries}


@pytest.fixture
def loader(lake: Lake, rule_off: None, warm: None) -> Loader:
    """A table with one loaded file, so that the function is warm."""
    made = Loader(lake, lake.table("trips"))
    for action, file, content in (
        ("schema", "s.json", json.dumps(columns(("id", "INTEGER"), ("name", "VARCHAR(9)")))),
        ("append", "1.csv", "id,name\n1,a\n"),
    ):
        event = made.receive(action, file, content)
        made.finish(event, made.run(event))
    return made


def kind_of(statement: str) -> str:
    """Return a short name of a statement of a load."""
    word = statement.split()[0].upper()
    if word == "SET":
        return " ".join(statement.split()[:2])
    if word == "SELECT":
        for part, name in (("etl_ledger", "ledger"), ("pg_last_copy_count", "pg_last_copy_count")):
            if part in statement:
                return f"SELECT {name}"
        return "SELECT catalog"
    return f"{word} ledger" if word == "INSERT" else word


def test_an_append_needs_eight_statements_and_six_calls(loader: Loader, trips: Trips) -> None:
    event = loader.receive("append", "2.csv", "id,name\n2,b\n")
    trips.clear()

    output = loader.run(event)

    assert output["status"] == "loaded"
    assert [kind_of(each) for each in trips.statements] == [OF_A_CONNECTION, *OF_THE_LOAD]
    assert trips.calls == CALLS


def test_a_duplicate_needs_four_statements_and_two_calls(loader: Loader, trips: Trips) -> None:
    event = loader.receive("append", "2.csv", "id,name\n2,b\n")
    loader.finish(event, loader.run(event))
    trips.clear()

    assert loader.run(event)["status"] == "duplicate"
    assert [kind_of(each) for each in trips.statements] == [OF_A_CONNECTION, *OF_THE_LOAD[:4]]
    assert trips.calls == ["GetObject", "Query"]


def test_many_small_pending_files_share_statements_and_need_two_calls_each(
    loader: Loader, trips: Trips
) -> None:
    """Of a pending file: its bytes and its answer. Of all: the combined file, and the totals of table and hour."""
    files = [
        loader.receive("append", f"p{number}.csv", f"id,name\n{number},p\n") for number in range(9)
    ]
    event = loader.receive("append", "own.csv", "id,name\n77,b\n")
    trips.clear()

    output = loader.run(event)

    assert output["status"] == "loaded"
    assert output["attempts"] == 0
    assert len(trips.statements) == 1 + len(OF_THE_LOAD) + 1
    counts = {name: trips.calls.count(name) for name in set(trips.calls)}
    assert counts == {
        "GetObject": 10, "UpdateItem": 12, "Query": 2, "ListObjectVersions": 1, "PutObject": 2,
    }  # fmt: skip
    assert loader.statuses() == {
        "s.json": "applied",
        "1.csv": "loaded",
        "own.csv": "loaded",
        **{f"p{number}.csv": "loaded" for number in range(9)},
    }
    assert loader.run(files[3])["status"] == "duplicate"
    assert loader.lake.count(loader.table) == 11
