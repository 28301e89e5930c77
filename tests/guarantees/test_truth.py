"""Every final status is true, whatever ends a load: killed, out of memory, out of time, a lost connection.

A file that is in its table is never `failed` or `rejected`. What nobody can know is `unknown`, and
reconcile settles it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from etl_core.model.retry_policies import DIED_AGAIN, attempts_of_task
from tests.e2e.conftest import columns
from tests.e2e.test_reconcile import Operator
from tests.guarantees.dying_pool import FIRST_STEP, DyingPool, after_commit
from tests.guarantees.harness import Harness
from tests.guarantees.state_machine_interpreter import ExecutionResult
from tests.guarantees.worker_pool import DIED

pytestmark = pytest.mark.parametrize("harness", ["snapshot"], indirect=True)

SCHEMA = json.dumps(columns(("id", "INTEGER"), ("note", "VARCHAR(5)")))
LOADS = attempts_of_task(DIED) * (1 + DIED_AGAIN.max_attempts)
"""Calls of a load function that always dies. Then the ledger is asked."""
ALWAYS = 10**6


@pytest.fixture
def table(harness: Harness) -> str:
    name = harness.lake.table("truth")
    assert harness.load("schema", name, SCHEMA, 0).succeeded
    return name


@pytest.fixture
def steps(harness: Harness, table: str) -> int:
    """Return the number of steps of a load; the last one is after COMMIT."""
    pool = DyingPool(harness.pool, lambda number: 0)
    event = harness.put("append", table, "id,note\n1,x\n", 1)
    handler = next(each for each in harness.interpreter.handlers.values() if ".load." in each)
    counted = harness.pool.call(handler, {"event": event, "retry_count": 0})
    assert run(harness, event, pool).succeeded
    return counted.steps


def run(harness: Harness, event: dict[str, Any], pool: DyingPool) -> ExecutionResult:
    """Run one execution whose load calls die, with hardly any pauses."""
    interpreter = replace(harness.interpreter, scale=0.001)
    return interpreter.run(pool, event)


def test_a_file_that_is_loaded_is_never_failed_however_often_the_function_dies_after_commit(
    harness: Harness, table: str, steps: int
) -> None:
    event = harness.put("append", table, "id,note\n2,x\n", 2)
    pool = DyingPool(harness.pool, after_commit(steps, LOADS - 1))

    assert run(harness, event, pool).succeeded

    assert len(pool.calls) == LOADS + 1
    assert pool.calls[-1]["failure"]["Error"] == DIED
    entry = harness.entry(event)
    assert (entry["status"], entry["rows_loaded"]) == ("loaded", 1)
    assert harness.lake.count(table) == 2


def test_a_function_that_dies_for_a_minute_fails_no_good_file(harness: Harness, table: str) -> None:
    event = harness.put("append", table, "id,note\n2,x\n", 2)
    seconds = 0.0
    for retry in range(DIED_AGAIN.max_attempts):
        seconds += DIED_AGAIN.delay_seconds(retry, 0)
    assert seconds > 60, "the retries outlast a bad minute"

    pool = DyingPool(harness.pool, lambda number: FIRST_STEP * (number < LOADS - 1))
    assert run(harness, event, pool).succeeded
    assert harness.entry(event)["status"] == "loaded"


def test_a_file_that_is_not_loaded_is_failed_when_the_ledger_says_so(
    harness: Harness, table: str
) -> None:
    event = harness.put("append", table, "id,note\n2,x\n", 2)
    pool = DyingPool(harness.pool, lambda number: FIRST_STEP * (number < LOADS))

    assert not run(harness, event, pool).succeeded

    entry = harness.entry(event)
    assert (entry["status"], entry["error"]["type"]) == ("failed", DIED)
    assert "the file is not loaded" in entry["error"]["message"]
    assert entry["attempts"] == LOADS
    assert harness.lake.count(table) == 0


@pytest.mark.parametrize("is_loaded", [True, False])
def test_what_cannot_be_known_is_unknown_until_reconcile_settles_it(
    harness: Harness, table: str, steps: int, is_loaded: bool
) -> None:
    event = harness.put("append", table, "id,note\n2,x\n", 2)
    kills: Callable[[int], int] = after_commit(steps, ALWAYS) if is_loaded else lambda _: FIRST_STEP

    assert not run(harness, event, DyingPool(harness.pool, kills)).succeeded

    entry = harness.entry(event)
    assert entry["status"] == "unknown"
    assert "may be loaded" in entry["error"]["message"]
    assert harness.lake.count(table) == 1 + is_loaded
    code, output = Operator(harness.lake).reconcile(table)
    assert code == 0, output
    entry = harness.entry(event)
    assert (entry["status"], entry["rows_loaded"], "error" in entry) == ("loaded", 1, False)
    assert harness.lake.count(table) == 2
