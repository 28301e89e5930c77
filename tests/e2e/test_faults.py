"""Real faults: a killed process and a broken connection.

The table is complete, and the upload counts once.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import psutil
import pytest

from tests.e2e.conftest import Lake, columns

ROWS = 600_000


def test_killing_the_load_function_during_copy_loads_the_file_once(lake: Lake) -> None:
    table, version = _put_a_large_file(lake)
    _wait_for_copy(lake)
    assert lake.count(table) == 1
    for process in _load_functions(lake):
        os.kill(process.pid, signal.SIGKILL)
    entry = lake.entry(table, version)
    assert (entry["status"], entry.get("rows_loaded")) == ("loaded", ROWS), entry.get("error")
    assert entry["attempts"] > 1
    assert lake.count(table) == ROWS + 1


def test_a_connection_that_breaks_during_copy_loads_the_file_once(lake: Lake) -> None:
    table, version = _put_a_large_file(lake)
    _wait_for_copy(lake)
    lake.client.sql(
        "dev",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'",
    )
    entry = lake.entry(table, version)
    assert (entry["status"], entry.get("rows_loaded")) == ("loaded", ROWS), entry.get("error")
    assert lake.count(table) == ROWS + 1


@pytest.mark.parametrize("action", ["append", "truncate"])
def test_a_bad_last_row_leaves_the_table_unchanged(lake: Lake, action: str) -> None:
    table = lake.table("late")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER"), ("note", "VARCHAR(20)")))
    lake.drop(f"dev/append/{table}/one.csv", "id,note\n0,first\n")
    entry = lake.drop(f"dev/{action}/{table}/bad.csv", _large() + b"oops,x\n")
    assert entry["status"] == "rejected"
    assert f"line {ROWS + 2}" in entry["error"]["message"]
    assert "'oops'" in entry["error"]["message"]
    assert lake.rows(table) == [(0, "first")]


def _large() -> bytes:
    return b"id,note\n" + b"".join(b"%d,some note\n" % number for number in range(ROWS))


def _put_a_large_file(lake: Lake) -> tuple[str, str]:
    table = lake.table("fault")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER"), ("note", "VARCHAR(20)")))
    lake.drop(f"dev/append/{table}/one.csv", "id,note\n0,first\n")
    return table, lake.put(f"dev/append/{table}/large.csv", _large())


def _wait_for_copy(lake: Lake) -> None:
    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'"
    _until(lambda: lake.client.sql("dev", running).rows[0][0] > 0)


def _load_functions(lake: Lake) -> list[psutil.Process]:
    """Return the processes that run the load function."""
    running = []
    for child in lake.cloud.children:
        for process in psutil.Process(child.record.pid).children(recursive=True):
            if "load" in process.environ().get("AWS_LAMBDA_FUNCTION_NAME", ""):
                running.append(process)
    assert running
    return running


def _until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.005)
