"""Many uploads at once through S3, EventBridge, Step Functions and Lambda.

Every event is delivered twice, the second time during the first execution. Nothing is lost, loaded
twice, or left `received`. The normal run uploads 32 files, the long run (ETL_ORDER_RUNS) 200.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.conftest import Lake, columns
from tests.guarantees.bad_files import COLUMNS, bad_file
from tests.guarantees.run_size import short_or_long

UPLOADS = short_or_long(32, 200)
BAD, GOOD = short_or_long((32, 4), (490, 10))
SECONDS = short_or_long(150.0, 900.0)
REPEATED = "repeated-"


@dataclass
class Redelivery:
    """Delivers every event of the state machine a second time."""

    lake: Lake
    seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._states: Any = self.lake.client.aws.client("stepfunctions")
        self._state_machine = self.lake.client.outputs.state_machine_arn
        self.seen |= {each["executionArn"] for each in self.executions()}

    def executions(self, **filters: str) -> Iterator[dict[str, Any]]:
        pages = self._states.get_paginator("list_executions").paginate(
            stateMachineArn=self._state_machine, **filters
        )
        for page in pages:
            yield from page["executions"]

    def repeat(self) -> int:
        """Deliver the new events again, and return their number."""
        new = [each for each in self.executions() if each["executionArn"] not in self.seen]
        first = [each for each in new if not each["name"].startswith(REPEATED)]
        for each in first:
            event = self._states.describe_execution(executionArn=each["executionArn"])["input"]
            self._states.start_execution(
                stateMachineArn=self._state_machine, name=REPEATED + each["name"][-60:], input=event
            )
        self.seen |= {each["executionArn"] for each in new}
        return len(first)

    def is_idle(self) -> bool:
        """Return whether no execution runs."""
        return not any(True for _ in self.executions(statusFilter="RUNNING"))


@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize("tables", [1, UPLOADS // 4], ids=["one table", "many tables"])
def test_files_uploaded_at_once_are_loaded_once_each(lake: Lake, tables: int) -> None:
    names = [lake.table("burst") for _ in range(tables)]
    for name in names:
        lake.put(f"dev/schema/{name}/s.json", columns(("id", "INTEGER")))
    for name in names:
        _until(lambda name=name: [each["status"] for each in _entries(lake, name)] == ["applied"])
    redelivery = Redelivery(lake)
    _upload_all(lake, names)
    repeated = 0

    def all_repeated() -> bool:
        nonlocal repeated
        repeated += redelivery.repeat()
        return repeated == UPLOADS

    _until(all_repeated)
    _until(redelivery.is_idle)
    loaded = Counter(value for name in names for (value,) in lake.rows(name))
    assert loaded == Counter(range(UPLOADS))
    entries = [
        entry for name in names for entry in _entries(lake, name) if entry["action"] == "append"
    ]
    assert Counter(entry["status"] for entry in entries) == {"loaded": UPLOADS}
    assert sum(int(entry["rows_loaded"]) for entry in entries) == UPLOADS
    assert all(int(entry["attempts"]) >= 1 for entry in entries)


@pytest.mark.timeout(SECONDS + 60)
def test_bad_files_in_a_burst_get_their_own_reasons_and_the_good_ones_are_loaded(
    lake: Lake,
) -> None:
    name = lake.table("burst")
    lake.put(f"dev/schema/{name}/s.json", columns(*COLUMNS))
    _until(lambda: [each["status"] for each in _entries(lake, name)] == ["applied"])
    bad = {f"dev/append/{name}/{each.name}": each for each in map(bad_file, range(BAD))}
    good = {
        f"dev/append/{name}/{number}.csv": f"id,day,note\n{number},2026-01-01,a\n"
        for number in range(GOOD)
    }
    files = {key: each.content for key, each in bad.items()} | good
    with ThreadPoolExecutor(8) as threads:
        keys = sorted(files, key=lambda key: key.rpartition("-")[2])  # mixed
        list(threads.map(lambda key: lake.put(key, files[key]), keys))

    def all_are_final() -> bool:
        entries = _entries(lake, name)
        return len(entries) == len(files) + 1 and all(
            each["status"] != "received" for each in entries
        )

    _until(all_are_final)
    entries = {each["s3_key"]: each for each in _entries(lake, name)}
    assert [entries[key]["status"] for key in good] == ["loaded"] * GOOD
    answers = {key: (entries[key]["status"], entries[key]["error"]["message"]) for key in bad}
    wrong = {
        key: answer
        for key, answer in answers.items()
        if answer[0] != "rejected" or bad[key].reason not in answer[1]
    }
    assert wrong == {}
    assert sorted(lake.rows(name, "id")) == [(number,) for number in range(GOOD)]
    copies = lake.client.sql(
        "dev", f"SELECT count(*) FROM sys_load_history WHERE table_name = '{name}'"
    ).rows[0][0]
    assert int(copies) <= 2 * len(files)


def _upload_all(lake: Lake, names: list[str]) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = [
            f"dev/append/{names[number % len(names)]}/{number}.csv" for number in range(UPLOADS)
        ]
        list(threads.map(lambda pair: lake.put(pair[1], f"id\n{pair[0]}\n"), enumerate(keys)))


def _entries(lake: Lake, table: str) -> list[dict[str, Any]]:
    return lake.client.log_entries(table)


def _until(condition: Any) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.05)
