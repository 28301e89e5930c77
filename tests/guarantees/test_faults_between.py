"""Faults between the functions and what they speak to: S3, DynamoDB, Secrets Manager, the warehouse. Each ends in `loaded` or in a
final state that says in plain words what happened; the table has the file whole and once, or is as it was.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from etl_core.model.retry_policies import MAX_LOG_READ_ATTEMPTS
from tests.e2e.conftest import Lake, columns
from tests.guarantees.conftest import Warehouse
from tests.guarantees.harness import Harness
from tests.guarantees.pool import Nursery, pool
from tests.guarantees.proxy import AwsProxy, Fault, aws_proxy
from tests.guarantees.relay import Line, Relay, relay
from tests.guarantees.scale import few_or_all
from tests.guarantees.state_machine_interpreter import Ended, StateMachineInterpreter

FOR_GOOD = None
QUICK = 0.0005
"""Of the pauses between attempts: where a fault lasts until nobody tries again."""


@dataclass
class Street:
    """A table with one row in it, and proxies on all ways of the functions that load it."""

    nursery: Nursery
    machine: StateMachineInterpreter
    lake: Lake
    environment: dict[str, str]
    aws: AwsProxy
    warehouse: Relay
    table: str = ""
    number: int = field(default=1)

    def site(self, stack: ExitStack, *, scale: float = 0.02, seconds: float = 120.0) -> Harness:
        workers = stack.enter_context(pool(self.nursery, self.environment, size=1, seconds=seconds))
        return Harness(self.lake, replace(self.machine, scale=scale), workers)

    def load(
        self, fault: Fault | None = None, line: Line | None = None, **options: Any
    ) -> tuple[Ended, dict[str, Any]]:
        """Loads a file of one row under a fault, by a function that has no connection yet; how it ended, and its entry,
        or its event if it got no answer."""
        with ExitStack() as stack:
            site = self.site(stack, **options)
            self.number += 1
            event = site.land("append", self.table, f"id\n{self.number}\n", self.number)
            self.aws.fault, self.warehouse.line = fault, line
            ended = site.run(event)
            self.aws.fault = self.warehouse.line = None
            return ended, site.entry(event) if "record" in ended.data else event

    def again(self, event: dict[str, Any]) -> dict[str, Any]:
        """The entry after the same event was delivered once more, without a fault."""
        with ExitStack() as stack:
            site = self.site(stack)
            site.run(event)
            return site.entry(event)

    def ids(self) -> list[int]:
        return sorted(int(value) for (value,) in self.lake.rows(self.table))


@pytest.fixture
def street(
    lake: Lake,
    nursery: Nursery,
    machine: StateMachineInterpreter,
    snapshot: Warehouse,
    rule_off: None,
) -> Iterator[Street]:
    where = lake.client.outputs.warehouse
    with ExitStack() as stack:
        aws = stack.enter_context(aws_proxy(snapshot.environment["AWS_ENDPOINT_URL"]))
        between = stack.enter_context(relay("127.0.0.1", where.port))
        ways = {"AWS_ENDPOINT_URL": aws.url, "WAREHOUSE_PORT": str(between.port)}
        made = Street(
            nursery, machine, lake, snapshot.environment | ways, aws, between, lake.table("fault")
        )
        site = made.site(stack)
        for number, (action, content) in enumerate(
            [("schema", json.dumps(columns(("id", "INTEGER")))), ("append", "id\n1\n")]
        ):
            assert site.load(action, made.table, content, number).succeeded
        yield made


SERVICES = {
    "s3": "SlowDown",
    "secretsmanager": "ThrottlingException",
    "dynamodb": "ProvisionedThroughputExceededException",
}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("kind", ["reset", "lost answer", "slow", "answer"])
@pytest.mark.parametrize("times", few_or_all([6], [2, 6]))
def test_a_fault_of_a_service_that_passes_ends_in_loaded(
    street: Street, service: str, kind: Any, times: int
) -> None:
    # Two are outlasted by the SDK's retries, six only by the state machine's.
    fault = Fault(
        f"{service}\\.", kind, times, status=503 if service == "s3" else 400, code=SERVICES[service]
    )
    ended, entry = street.load(fault)
    assert (ended.succeeded, entry["status"], entry.get("error")) == (True, "loaded", None)
    assert fault.met == times or kind == "slow" or service == "secretsmanager"
    assert street.ids() == [1, 2]


@pytest.mark.parametrize("service", ["s3", "secretsmanager"])
@pytest.mark.parametrize("kind", few_or_all(["answer"], ["reset", "answer"]))
def test_a_service_that_stays_away_is_a_failure_in_plain_words(
    street: Street, service: str, kind: Any
) -> None:
    fault = Fault(
        f"{service}\\.",
        kind,
        FOR_GOOD,
        status=503 if service == "s3" else 400,
        code=SERVICES[service],
    )
    ended, entry = street.load(fault, scale=QUICK)
    name = {"s3": "S3", "secretsmanager": "Secrets Manager"}[service]
    assert (ended.succeeded, entry["status"], entry["error"]["type"]) == (
        False,
        "failed",
        "ThrottledError",
    )
    assert name in entry["error"]["message"]
    assert entry["attempts"] > 1
    assert street.ids() == [1]


def test_what_a_role_may_not_do_is_a_failure_in_plain_words_at_once(street: Street) -> None:
    ended, entry = street.load(Fault("s3\\.", "answer", FOR_GOOD, status=403, code="AccessDenied"))
    assert (ended.succeeded, entry["status"]) == (False, "failed")
    assert "lacks a right" in entry["error"]["message"]
    assert entry["attempts"] == 1


@pytest.mark.parametrize("kind", few_or_all(["answer"], ["reset", "answer"]))
def test_a_log_that_stays_away_fails_the_execution_and_a_second_delivery_finds_the_answer(
    street: Street, kind: Any
) -> None:
    fault = Fault("dynamodb\\.", kind, FOR_GOOD, status=400, code=SERVICES["dynamodb"])
    ended, event = street.load(fault, scale=QUICK)
    assert (ended.succeeded, ended.error) == (False, "ThrottledError")
    assert street.again(event)["status"] == "loaded"
    assert street.ids() == [1, 2]


def test_a_log_that_can_be_written_and_not_read_holds_up_nobody_for_long(street: Street) -> None:
    fault = Fault("dynamodb\\.Query", "answer", FOR_GOOD, status=400, code=SERVICES["dynamodb"])
    ended, entry = street.load(fault, scale=QUICK)
    assert (ended.succeeded, entry["status"], entry["attempts"]) == (
        True,
        "loaded",
        MAX_LOG_READ_ATTEMPTS + 1,
    )
    assert street.ids() == [1, 2]


def test_a_password_that_was_changed_is_read_anew(street: Street) -> None:
    old = {"SecretString": json.dumps({"username": "awsuser", "password": "of yesterday"})}
    ended, entry = street.load(Fault("secretsmanager\\.", "answer", 1, status=200, body=old))
    assert (ended.succeeded, entry["status"], entry["attempts"]) == (True, "loaded", 2)
    assert street.ids() == [1, 2]


@pytest.mark.parametrize("side", ["server", "client"])
def test_a_connection_that_breaks_after_any_number_of_bytes_loads_once(
    street: Street, side: Any
) -> None:
    """Among them: in the greeting, in COPY, and between COMMIT and its answer."""
    street.load()
    whole, count = street.warehouse.passed[side], few_or_all(5, 60)
    for part in range(count):
        line = Line("reset", (whole - 60) * part // (count - 1), side)
        ended, entry = street.load(line=line)
        assert (ended.succeeded, entry["status"], line.met) == (True, "loaded", 1), (line, entry)
        assert entry["attempts"] in (1, 2)
    assert street.ids() == list(range(1, street.number + 1))


def test_a_slow_connection_is_only_slow(street: Street) -> None:
    _, entry = street.load(line=Line("slow", times=FOR_GOOD))
    assert entry["status"] == "loaded"
    assert street.ids() == [1, 2]


def test_a_warehouse_that_refuses_connections_for_a_while_is_waited_for(street: Street) -> None:
    street.warehouse.close()
    threading.Timer(0.5, street.warehouse.open).start()
    _, entry = street.load(scale=0.05)
    assert (entry["status"], entry["attempts"] > 1) == ("loaded", True)
    assert street.ids() == [1, 2]


@pytest.mark.parametrize("how", ["refuses", "breaks"])
def test_a_warehouse_that_stays_away_is_a_failure_in_plain_words(street: Street, how: str) -> None:
    if how == "refuses":
        street.warehouse.close()
    ended, entry = street.load(line=Line("reset", times=FOR_GOOD), scale=QUICK)
    assert (ended.succeeded, entry["status"], entry["error"]["type"]) == (
        False,
        "failed",
        "ConnectionLostError",
    )
    assert "connection to the warehouse failed" in entry["error"]["message"]
    assert street.ids() == [1]


@pytest.mark.parametrize("after", ["greeting", "copy"])
def test_a_warehouse_that_falls_silent_ends_as_a_load_that_ran_out_of_time(
    street: Street, after: str
) -> None:
    street.load()
    after_bytes = 0 if after == "greeting" else street.warehouse.passed["server"] - 400
    ended, entry = street.load(line=Line("silent", after_bytes, times=FOR_GOOD), seconds=4)
    assert (ended.succeeded, entry["status"]) == (False, "failed")
    assert "ran out of time" in entry["error"]["message"]
    assert street.ids() == [1, 2]
