"""Faults of the leases: they cost time, never a row.

With ETL_ORDER_RUNS each test runs under SNAPSHOT and under SERIALIZABLE isolation.

A load holds its table's lease only so that others need not wait in the warehouse. With the lease
missing, stolen, expired or held twice, the ledger's lock still gives the sequential table.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from etl_core.adapters.lease_table import LeaseTable
from etl_core.model.leases import slot_lease, table_lease
from tests.e2e.conftest import columns
from tests.guarantees.harness import Harness
from tests.guarantees.run_size import ISOLATION_LEVELS
from tests.guarantees.scenarios import Scenario
from tests.guarantees.state_machine_interpreter import ExecutionResult
from tests.guarantees.test_any_order import LATE_TRUNCATE, SCHEMAS_OUT_OF_ORDER, check
from tests.guarantees.worker_pool import CallResult, ForkServer, worker_pool

SCHEMA = json.dumps(columns(("id", "INTEGER")))
MISSING = "no-such-table"
LARGE = 250_000
SCENARIOS = pytest.mark.parametrize(
    "scenario", [LATE_TRUNCATE, SCHEMAS_OUT_OF_ORDER], ids=["late truncate", "schemas"]
)
pytestmark = pytest.mark.parametrize("harness", ISOLATION_LEVELS, indirect=True)
HOLDER_OF_STEPS = "arn:aws:states:us-east-1:000000000000:execution:tested:stopped"


@dataclass(frozen=True)
class Leases:
    """The harness, and the lease table that its functions use."""

    harness: Harness
    fork_server: ForkServer

    @property
    def table_name(self) -> str:
        return str(self.harness.pool.environment["LEASE_TABLE"])

    @property
    def client(self) -> Any:
        return self.harness.lake.client.aws.client("dynamodb")

    def adapter(self, seconds: int = 60) -> LeaseTable:
        return LeaseTable(self.client, self.table_name, seconds)

    def items(self) -> dict[str, str]:
        """Return the holder of every lease."""
        items = self.client.scan(TableName=self.table_name, ConsistentRead=True)["Items"]
        return {item["lease"]["S"]: item["holder"]["S"] for item in items}

    def delete(self, lease: str) -> None:
        self.client.delete_item(TableName=self.table_name, Key={"lease": {"S": lease}})

    @contextmanager
    def functions_with(self, **environment: str) -> Iterator[Harness]:
        """Return a harness whose functions have other environment variables."""
        variables: Mapping[str, str] = {**self.harness.pool.environment, **environment}
        with worker_pool(self.fork_server, variables, size=4) as workers:
            yield replace(self.harness, pool=workers)

    def new_table(self) -> str:
        """Return a table with one row."""
        table = self.harness.lake.table("lease")
        assert self.harness.load("schema", table, SCHEMA, 0).status == "applied"
        assert self.harness.load("append", table, "id\n0\n", 1).status == "loaded"
        return table


@pytest.fixture
def leases(harness: Harness, fork_server: ForkServer) -> Leases:
    return Leases(harness, fork_server)


def expect(harness: Harness, table: str, ids: list[int]) -> None:
    """Check the table, and that every upload has its true answer."""
    assert sorted(value for (value,) in harness.lake.rows(table)) == ids
    statuses = [entry["status"] for entry in harness.entries(table)]
    assert statuses == ["applied", *["loaded"] * (len(statuses) - 1)]


@SCENARIOS
def test_without_the_lease_table_every_scenario_gives_the_sequential_result(
    leases: Leases, scenario: Scenario
) -> None:
    with leases.functions_with(LEASE_TABLE=MISSING) as harness:
        definition = json.dumps(harness.interpreter.definition)
        assert leases.table_name in definition
        blind = json.loads(definition.replace(leases.table_name, MISSING))
        interpreter = replace(harness.interpreter, definition=blind, scale=0.15)
        check(replace(harness, interpreter=interpreter), scenario)


@SCENARIOS
def test_with_every_lease_held_by_everybody_every_scenario_gives_the_sequential_result(
    leases: Leases, scenario: Scenario
) -> None:
    """Each load loses its leases when it begins, so that all loads of a table run at the same time."""

    def lose(state: str, arn: str) -> None:
        if state == "Load":
            for lease, holder in leases.items().items():
                if holder == arn:
                    leases.delete(lease)

    interpreter = replace(leases.harness.interpreter, visit=lose, scale=0.15)
    check(replace(leases.harness, interpreter=interpreter), scenario)


def test_a_lease_stolen_in_the_middle_of_copy_loads_both_files_once(leases: Leases) -> None:
    harness, table = leases.harness, leases.new_table()
    content = "id\n" + "".join(f"{number}\n" for number in range(1, LARGE))
    large = harness.put("append", table, content, 2)
    small = harness.put("append", table, f"id\n{LARGE}\n", 3)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(harness.run, large)
        until_copy(harness, first)
        leases.delete(table_lease(f"dev/public.{table}"))
        second = harness.run(small)
        assert first.result().status == "loaded"
    assert second.succeeded, "it loaded its file, or found it loaded by the first"
    assert harness.lake.count(table) == LARGE + 1
    assert {entry["status"] for entry in harness.entries(table)} == {"applied", "loaded"}


def until_copy(harness: Harness, running: Future[ExecutionResult]) -> None:
    """Return while COPY runs."""
    active = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'"
    deadline = time.monotonic() + 60
    while not harness.lake.client.sql("dev", active).rows[0][0]:
        assert time.monotonic() < deadline
        assert not running.done(), "the load ended before its COPY was seen"


def test_a_lease_that_expires_while_its_holder_loads_lets_the_next_load_wait_in_the_warehouse(
    leases: Leases,
) -> None:
    table = leases.new_table()
    entered: list[tuple[str, str]] = []
    with leases.functions_with(LEASE_SECONDS="1") as harness:
        interpreter = replace(
            harness.interpreter, visit=lambda state, arn: entered.append((state, arn))
        )
        harness = replace(harness, interpreter=interpreter)
        events = [harness.put("append", table, f"id\n{n}\n", n + 1) for n in (1, 2)]
        with ThreadPoolExecutor(2) as threads:
            with harness.lake.ledger_locked(table):
                running = [threads.submit(harness.run, event) for event in events]
                # Both are in Load, although the first has given nothing back.
                until(lambda: len({arn for state, arn in entered if state == "Load"}) == 2)
                assert not any(state == "Record" for state, _ in entered)
            assert {each.result().succeeded for each in running} == {True}
        expect(harness, table, [0, 1, 2])


def test_an_execution_that_is_stopped_with_a_lease_delays_the_table_until_the_lease_expires(
    leases: Leases,
) -> None:
    table = leases.new_table()
    with leases.functions_with(LEASE_SECONDS="3") as harness:
        stopped = harness.put("append", table, "id\n1\n", 2)
        record = next(each for each in harness.interpreter.handlers.values() if "record" in each)
        call = {"phase": "received", "event": stopped, "execution_arn": HOLDER_OF_STEPS, "turn": {}}
        assert harness.pool.call(record, call).result["next"] == "load"
        began = time.monotonic()

        result = harness.load("append", table, "id\n2\n", 3)

        assert result.status == "loaded"
        assert "Look" in result.states, "it waited without a connection"
        assert time.monotonic() - began > 1
        assert harness.run(stopped).succeeded
        expect(harness, table, [0, 1, 2])


def test_uploads_of_one_table_are_loaded_one_after_the_other(leases: Leases) -> None:
    """Nobody waits in the warehouse: no two loads of the table run at the same time."""
    harness, table = leases.harness, leases.new_table()
    running, most, lock = set[str](), [0], threading.Lock()

    def watch(state: str, arn: str) -> None:
        with lock:
            if state == "Load":
                running.add(arn)
            elif state == "Record":
                running.discard(arn)
            most[0] = max(most[0], len(running))

    harness = replace(harness, interpreter=replace(harness.interpreter, visit=watch))
    events = [harness.put("append", table, f"id\n{n}\n", n + 1) for n in range(1, 9)]
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(harness.run, [*events, *events]))
    assert all(each.succeeded for each in results)
    assert most == [1]
    expect(harness, table, list(range(9)))


@pytest.mark.parametrize("step", range(1, 9))
def test_a_record_function_that_is_killed_keeps_no_lease(leases: Leases, step: int) -> None:
    """Before and after the entry, the lease, the slot and the reply of Receive."""
    harness, table = leases.harness, leases.new_table()
    result = harness.run(harness.put("append", table, "id\n1\n", 2), [step])
    assert result.succeeded
    expect(harness, table, [0, 1])
    assert result.arn not in leases.items().values()


def test_a_record_function_that_is_killed_at_the_end_keeps_no_lease(leases: Leases) -> None:
    harness, table = leases.harness, leases.new_table()
    steps = steps_of_a_load(harness, harness.put("append", table, "id\n1\n", 2))
    killed = harness.pool.kills_by_step.total()
    for number in range(2, 8):
        event = harness.put("append", table, f"id\n{number}\n", number + 1)
        result = harness.run(event, [steps - number + 2])
        assert result.succeeded
        assert result.arn not in leases.items().values()
    assert harness.pool.kills_by_step.total() == killed + 6
    expect(harness, table, list(range(8)))


def steps_of_a_load(harness: Harness, event: Mapping[str, Any]) -> int:
    """Run an execution and return the number of steps of all its functions."""
    steps: list[int] = []

    class Counting:
        def call(self, handler: str, arguments: Mapping[str, Any], kill_at: int = 0) -> CallResult:
            result = harness.pool.call(handler, arguments, kill_at)
            steps.append(result.steps)
            return result

    counting: Any = Counting()
    assert replace(harness, pool=counting).run(event).succeeded
    return sum(steps)


def test_replies_of_an_older_record_function_load_every_file_once(leases: Leases) -> None:
    """It takes no lease, so all loads run at once."""
    harness, table = leases.harness, leases.new_table()
    older = {
        arn: "tests.guarantees.older_record.handler" if "record" in name else name
        for arn, name in harness.interpreter.handlers.items()
    }
    mixed = replace(harness, interpreter=replace(harness.interpreter, handlers=older))
    events = [harness.put("append", table, f"id\n{n}\n", n + 1) for n in range(1, 7)]
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(mixed.run, [*events, *events]))
    assert all(each.succeeded for each in results)
    assert {state for each in results for state in each.states} == {
        "Receive",
        "Next step",
        "Load",
        "Record",
        "Succeeded",
    }
    expect(harness, table, list(range(7)))


def test_a_load_waits_for_a_slot_while_other_tables_are_loaded(leases: Leases) -> None:
    tables = [leases.new_table() for _ in range(3)]
    with leases.functions_with(PARALLEL_LOADS="1") as harness:
        adapter = leases.adapter()
        assert adapter.take(slot_lease(0), "another table's load")
        events = [harness.put("append", table, "id\n1\n", 2) for table in tables]
        with ThreadPoolExecutor(3) as threads:
            running = [threads.submit(harness.run, event) for event in events]
            time.sleep(1)
            # Who finds no slot gives its table back. Executions that other tests stopped keep leases.
            until(lambda: not any(lease.endswith(tuple(tables)) for lease in leases.items()))
            assert not any(each.done() for each in running)
            adapter.give_back(slot_lease(0), "another table's load")
            assert {each.result().status for each in running} == {"loaded"}
        for table in tables:
            expect(harness, table, [0, 1])


def until(condition: Any, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.02)
