"""Long loads give the same tables and the same log as short ones, whatever happens around them and to them.

The workers copy every data file from LONG_BYTES on into a staging table first. With ETL_ORDER_RUNS
each test runs under SNAPSHOT and under SERIALIZABLE isolation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest

from etl_core.model.long_copy import MAX_ATTEMPTS
from tests.guarantees.conftest import LoadTarget
from tests.guarantees.harness import Harness
from tests.guarantees.run_size import ISOLATION_LEVELS, RUNS, short_or_long
from tests.guarantees.scenarios import ScenarioUpload
from tests.guarantees.state_machine_interpreter import StateMachineInterpreter
from tests.guarantees.test_any_order import SCALE, check_scenarios
from tests.guarantees.worker_pool import ForkServer, worker_pool

LONG_BYTES = 20
"""A file of one row is short, a longer one is long."""
LONG_STEPS = 90
"""A few more than the steps of a long load, from `received` to its final status."""
STAGED = (
    "SELECT count(*) FROM pg_tables WHERE schemaname = 'etl_ledger' AND tablename LIKE 'staging%'"
)
Make = Callable[..., Harness]


pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.parametrize("target", ISOLATION_LEVELS, indirect=True),
]


@pytest.fixture
def make(
    target: LoadTarget,
    interpreter: StateMachineInterpreter,
    fork_server: ForkServer,
    rule_off: None,
) -> Iterator[Make]:
    """Return a function that makes a harness, with changed variables of the functions."""
    pools = []

    def make_harness(long_bytes: int = 1, scale: float = 0.02, **variables: str) -> Harness:
        environment = target.environment | {"LONG_LOAD_BYTES": str(long_bytes)} | variables
        pool = worker_pool(fork_server, environment, size=4)
        pools.append(pool)
        return Harness(target.lake, replace(interpreter, scale=scale), pool.__enter__())

    yield make_harness
    for pool in pools:
        pool.__exit__(None, None, None)


def staged(harness: Harness) -> int:
    """Return how many staging tables exist."""
    [(count,)] = harness.lake.client.sql("dev", STAGED).rows
    return int(count)


def a_table(harness: Harness) -> str:
    """Return a table with one row."""
    table = harness.lake.table("long")
    harness.load("schema", table, ScenarioUpload(0, 0, "schema", 1).content, 0)
    harness.load("append", table, "id,file\n1,first\n", 1)
    return table


@pytest.mark.timeout(600 + 120 * RUNS)
def test_any_order_repetition_and_kill_gives_the_sequential_result(make: Make) -> None:
    check_scenarios(make(LONG_BYTES, SCALE), 2)


@pytest.mark.parametrize("action", ["append", "truncate"])
def test_a_kill_at_any_step_of_a_long_load_changes_nothing(make: Make, action: str) -> None:
    harness = make()
    table = a_table(harness)
    before = staged(harness)
    deliveries = [
        (harness.put(action, table, f"id,file\n{step + 10},x\n", step + 2), step)
        for step in range(1, LONG_STEPS, short_or_long(9, 1))
    ]
    results = [harness.run(event, [step]) for event, step in deliveries]
    assert [each.data["record"]["status"] for each in results] == ["loaded"] * len(deliveries)
    ids = [step + 10 for _, step in deliveries]
    assert harness.lake.rows(table, "id") == [
        (each,) for each in ([1, *ids] if action == "append" else ids[-1:])
    ]
    assert {entry["status"] for entry in harness.entries(table)} == {"applied", "loaded"}
    # A kill between COMMIT and DROP, or before the plan was returned, leaves a table for later.
    assert staged(harness) - before <= 2


def test_other_uploads_are_loaded_while_a_long_load_copies(make: Make) -> None:
    harness = make()
    table = a_table(harness)
    late_truncate = harness.put("truncate", table, "id,file\n2,all\n", 2)
    event = harness.put("append", table, "id,file\n3,long\n", 3)
    later = harness.put("append", table, "id,file\n4,later\n", 4)

    def load_others(state: str, arn: str) -> None:
        if state == "Copied?" and not done:
            done.append(arn)
            assert harness.run(later).status == "loaded"
            assert harness.run(late_truncate).status == "loaded"

    done: list[str] = []
    watching = replace(harness, interpreter=replace(harness.interpreter, visit=load_others))
    assert watching.run(event).status == "loaded"
    assert harness.lake.rows(table, "id") == [(2,), (3,), (4,)]
    assert harness.run(event).data["record"]["status"] == "loaded"
    assert harness.lake.count(table) == 3


def test_a_later_truncate_makes_a_copy_void(make: Make) -> None:
    harness = make()
    table = a_table(harness)
    before = staged(harness)
    event = harness.put("append", table, "id,file\n3,long\n", 3)
    truncate = harness.put("truncate", table, "id,file\n4,all\n", 4)

    def load_truncate(state: str, arn: str) -> None:
        if state == "Copied?" and not done:
            done.append(arn)
            assert harness.run(truncate).status == "loaded"

    done: list[str] = []
    watching = replace(harness, interpreter=replace(harness.interpreter, visit=load_truncate))
    assert watching.run(event).data["record"]["status"] == "superseded"
    assert harness.lake.rows(table, "id") == [(4,)]
    assert staged(harness) == before


def test_an_overwritten_file_is_copied_again_from_its_own_version(make: Make) -> None:
    harness = make()
    table = a_table(harness)
    event = harness.put("append", table, "id,file\n3,long\n", 3, "same.csv")

    def overwrite(state: str, arn: str) -> None:
        if state == "Copied?" and not done:
            done.append(arn)
            harness.put("append", table, "id,file\n666,bad\n", 4, "same.csv")

    done: list[str] = []
    watching = replace(harness, interpreter=replace(harness.interpreter, visit=overwrite))
    assert watching.run(event).status == "loaded"
    assert harness.lake.rows(table, "id") == [(1,), (3,)]


def test_a_stopped_execution_leaves_nothing_that_stands_in_the_way(make: Make) -> None:
    harness = make()
    table = a_table(harness)
    event = harness.put("append", table, "id,file\n3,long\n", 3)

    class StoppedError(Exception):
        pass

    def stop(state: str, arn: str) -> None:
        if state == "Copied?":
            raise StoppedError

    stopping = replace(harness, interpreter=replace(harness.interpreter, visit=stop))
    with pytest.raises(StoppedError):
        stopping.run(event)
    assert harness.lake.rows(table, "id") == [(1,)]
    assert harness.run(event).status == "loaded"
    assert harness.lake.rows(table, "id") == [(1,), (3,)]


def test_a_refused_value_is_explained_and_leaves_no_table(make: Make) -> None:
    harness = make()
    table = a_table(harness)
    before = staged(harness)
    event = harness.put("append", table, "id,file\n3,good\nx,bad\n", 3)
    assert not harness.run(event).succeeded
    entry = harness.entry(event)
    assert entry["status"] == "rejected"
    assert entry["error"]["type"] == "CopyRefusedError"
    assert "line 3" in entry["error"]["message"]
    assert "'x'" in entry["error"]["message"]
    assert harness.lake.rows(table, "id") == [(1,)]
    assert staged(harness) == before


def data_api(environment: dict[str, str]) -> Any:
    return boto3.client(  # type: ignore[call-overload]
        "redshift-data",
        endpoint_url=environment["AWS_ENDPOINT_URL_REDSHIFT_DATA"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def test_a_cancelled_copy_fails_and_leaves_no_table(make: Make, target: LoadTarget) -> None:
    harness = make()
    table = a_table(harness)
    before = staged(harness)
    content = "id,file\n" + "".join(f"{number},{'x' * 9}\n" for number in range(10, 1_500_000))
    event = harness.put("append", table, content, 3)
    client = data_api(target.environment)

    def cancel(state: str, arn: str) -> None:
        if state == "Copied?":
            for each in client.list_statements(Status="ALL", StatementName="staging")["Statements"]:
                if each["Status"] in ("SUBMITTED", "PICKED", "STARTED"):
                    client.cancel_statement(Id=each["Id"])

    watching = replace(harness, interpreter=replace(harness.interpreter, visit=cancel))
    assert not watching.run(event).succeeded
    client.close()
    entry = harness.entry(event)
    assert entry["status"] == "failed"
    assert "ended before it was done" in entry["error"]["message"]
    assert harness.lake.rows(table, "id") == [(1,)]
    assert staged(harness) == before


def test_a_data_api_that_cannot_be_reached_ends_in_a_true_answer(make: Make) -> None:
    harness = make(scale=0.0005, AWS_ENDPOINT_URL_REDSHIFT_DATA="http://127.0.0.1:9")
    table = a_table(make(0))
    event = harness.put("append", table, "id,file\n3,long\n", 3)
    assert not harness.run(event).succeeded
    entry = harness.entry(event)
    assert entry["status"] == "failed"
    assert f"{MAX_ATTEMPTS} times" in entry["error"]["message"]
    assert harness.lake.rows(table, "id") == [(1,)]
    assert make().run(event).status == "loaded"
    assert harness.lake.rows(table, "id") == [(1,), (3,)]
