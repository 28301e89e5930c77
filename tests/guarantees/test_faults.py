"""Faults between the functions and S3, DynamoDB, Secrets Manager and the warehouse.

Each load ends as `loaded` or with a clear message. The table holds the whole file once, or is
unchanged.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from etl_core.model.errors import ThrottledError
from etl_core.model.retry_policies import MAX_LOG_READ_ATTEMPTS, policy_for
from tests.e2e.conftest import Lake, columns
from tests.guarantees.aws_proxy import AwsProxy, Fault, aws_proxy
from tests.guarantees.conftest import LoadTarget
from tests.guarantees.harness import Harness
from tests.guarantees.run_size import short_or_long
from tests.guarantees.state_machine_interpreter import ExecutionResult, StateMachineInterpreter
from tests.guarantees.warehouse_proxy import ConnectionFault, WarehouseProxy, warehouse_proxy
from tests.guarantees.worker_pool import ForkServer, worker_pool

ALWAYS = None
TINY = 0.0005
"""Of the pauses between attempts, where a fault lasts until the last attempt."""


@dataclass
class ProxiedTable:
    """A table with one row, and proxies between the functions that load it and every service."""

    fork_server: ForkServer
    interpreter: StateMachineInterpreter
    lake: Lake
    environment: dict[str, str]
    aws: AwsProxy
    warehouse: WarehouseProxy
    table: str = ""
    number: int = field(default=1)

    def start(
        self,
        stack: ExitStack,
        *,
        scale: float = 0.02,
        seconds: float = 120.0,
        turn: Mapping[str, Any] | None = None,
    ) -> Harness:
        workers = stack.enter_context(
            worker_pool(self.fork_server, self.environment, size=1, seconds=seconds)
        )
        interpreter = replace(self.interpreter, scale=scale, turn=turn or {})
        return Harness(self.lake, interpreter, workers)

    def load(
        self,
        fault: Fault | None = None,
        connection_fault: ConnectionFault | None = None,
        **options: Any,
    ) -> tuple[ExecutionResult, dict[str, Any]]:
        """Load a file of one row under a fault, in a function without open connections.

        Return the execution's result and the log entry, or the event if there is no final status.
        """
        with ExitStack() as stack:
            harness = self.start(stack, **options)
            self.number += 1
            event = harness.put("append", self.table, f"id\n{self.number}\n", self.number)
            self.aws.fault, self.warehouse.fault = fault, connection_fault
            result = harness.run(event)
            self.aws.fault = self.warehouse.fault = None
            return result, harness.entry(event) if "record" in result.data else event

    def redeliver(self, event: dict[str, Any]) -> dict[str, Any]:
        """Deliver the same event again without a fault, and return the log entry."""
        with ExitStack() as stack:
            harness = self.start(stack)
            harness.run(event)
            return harness.entry(event)

    def ids(self) -> list[int]:
        """Return the ids in the table."""
        return sorted(int(value) for (value,) in self.lake.rows(self.table))


@pytest.fixture
def proxied(
    lake: Lake,
    fork_server: ForkServer,
    interpreter: StateMachineInterpreter,
    snapshot: LoadTarget,
    rule_off: None,
) -> Iterator[ProxiedTable]:
    endpoint = lake.client.outputs.warehouse
    with ExitStack() as stack:
        aws = stack.enter_context(aws_proxy(snapshot.environment["AWS_ENDPOINT_URL"]))
        warehouse = stack.enter_context(warehouse_proxy("127.0.0.1", endpoint.port))
        variables = {"AWS_ENDPOINT_URL": aws.url, "WAREHOUSE_PORT": str(warehouse.port)}
        table = ProxiedTable(
            fork_server,
            interpreter,
            lake,
            snapshot.environment | variables,
            aws,
            warehouse,
            lake.table("fault"),
        )
        harness = table.start(stack)
        for number, (action, content) in enumerate(
            [("schema", json.dumps(columns(("id", "INTEGER")))), ("append", "id\n1\n")]
        ):
            assert harness.load(action, table.table, content, number).succeeded
        yield table


SERVICES = {
    "s3": "SlowDown",
    "secretsmanager": "ThrottlingException",
    "dynamodb": "ProvisionedThroughputExceededException",
}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("kind", ["reset", "lost response", "slow", "response"])
@pytest.mark.parametrize("times", short_or_long([6], [2, 6]))
def test_a_temporary_fault_of_a_service_ends_as_loaded(
    proxied: ProxiedTable, service: str, kind: Any, times: int
) -> None:
    # The retries of the SDK outlast two faults; six need the retries of the state machine.
    fault = Fault(
        f"{service}\\.", kind, times, status=503 if service == "s3" else 400, code=SERVICES[service]
    )
    result, entry = proxied.load(fault)
    assert (result.succeeded, entry["status"], entry.get("error")) == (True, "loaded", None)
    assert fault.hits == times or kind == "slow" or service == "secretsmanager"
    assert proxied.ids() == [1, 2]


def _throttled_turn(retries_left: int) -> dict[str, Any]:
    """Return what an execution carries that has few retries of a throttled load left."""
    name = ThrottledError.__name__
    policy = policy_for(name)
    assert policy is not None
    return {"next": "load", "retries": {name: policy.max_attempts - retries_left}}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("service", short_or_long(["s3"], ["s3", "secretsmanager"]))
@pytest.mark.parametrize("kind", short_or_long(["response"], ["reset", "response"]))
def test_a_permanent_fault_of_a_service_fails_with_a_clear_message(
    proxied: ProxiedTable, service: str, kind: Any
) -> None:
    fault = Fault(
        f"{service}\\.",
        kind,
        ALWAYS,
        status=503 if service == "s3" else 400,
        code=SERVICES[service],
    )
    turn = short_or_long(_throttled_turn(retries_left=10), {})
    result, entry = proxied.load(fault, scale=TINY, turn=turn)
    name = {"s3": "S3", "secretsmanager": "Secrets Manager"}[service]
    assert (result.succeeded, entry["status"], entry["error"]["type"]) == (
        False,
        "failed",
        "ThrottledError",
    )
    assert name in entry["error"]["message"]
    assert entry["attempts"] > 1
    assert proxied.ids() == [1]


def test_a_missing_permission_fails_at_once_with_a_clear_message(proxied: ProxiedTable) -> None:
    result, entry = proxied.load(
        Fault("s3\\.", "response", ALWAYS, status=403, code="AccessDenied")
    )
    assert (result.succeeded, entry["status"]) == (False, "failed")
    assert "lacks a permission" in entry["error"]["message"]
    assert entry["attempts"] == 1


@pytest.mark.parametrize("kind", short_or_long(["response"], ["reset", "response"]))
def test_a_permanent_fault_of_the_log_fails_the_execution_and_a_second_delivery_writes_the_final_status(
    proxied: ProxiedTable, kind: Any
) -> None:
    fault = Fault("dynamodb\\.", kind, ALWAYS, status=400, code=SERVICES["dynamodb"])
    result, event = proxied.load(fault, scale=TINY)
    assert (result.succeeded, result.error) == (False, "ThrottledError")
    assert proxied.redeliver(event)["status"] == "loaded"
    assert proxied.ids() == [1, 2]


def test_a_log_that_cannot_be_read_does_not_delay_loads_for_long(
    proxied: ProxiedTable,
) -> None:
    fault = Fault("dynamodb\\.Query", "response", ALWAYS, status=400, code=SERVICES["dynamodb"])
    result, entry = proxied.load(fault, scale=TINY)
    assert (result.succeeded, entry["status"], entry["attempts"]) == (
        True,
        "loaded",
        MAX_LOG_READ_ATTEMPTS + 1,
    )
    assert proxied.ids() == [1, 2]


def test_a_rotated_password_is_read_again(proxied: ProxiedTable) -> None:
    old = {"SecretString": json.dumps({"username": "awsuser", "password": "old password"})}
    result, entry = proxied.load(Fault("secretsmanager\\.", "response", 1, status=200, body=old))
    assert (result.succeeded, entry["status"], entry["attempts"]) == (True, "loaded", 2)
    assert proxied.ids() == [1, 2]


@pytest.mark.timeout(short_or_long(180, 1200))
@pytest.mark.parametrize("side", ["server", "client"])
def test_a_connection_that_breaks_after_any_number_of_bytes_loads_once(
    proxied: ProxiedTable, side: Any
) -> None:
    """For example during the startup, during COPY, and between COMMIT and its response."""
    proxied.load()
    sent, count = proxied.warehouse.passed[side], short_or_long(5, 60)
    for part in range(count):
        fault = ConnectionFault("reset", (sent - 60) * part // (count - 1), side)
        result, entry = proxied.load(connection_fault=fault)
        assert (result.succeeded, entry["status"], fault.hits) == (True, "loaded", 1), (
            fault,
            entry,
        )
        assert entry["attempts"] in (1, 2)
    assert proxied.ids() == list(range(1, proxied.number + 1))


def test_a_slow_connection_does_not_fail_a_load(proxied: ProxiedTable) -> None:
    _, entry = proxied.load(connection_fault=ConnectionFault("slow", times=ALWAYS))
    assert entry["status"] == "loaded"
    assert proxied.ids() == [1, 2]


def test_a_warehouse_that_refuses_connections_for_a_moment_is_retried(
    proxied: ProxiedTable,
) -> None:
    proxied.warehouse.close()
    threading.Timer(2, proxied.warehouse.open).start()
    _, entry = proxied.load(scale=0.05)
    assert (entry["status"], entry["attempts"] > 1) == ("loaded", True)
    assert proxied.ids() == [1, 2]


@pytest.mark.parametrize("how", ["refuses", "breaks"])
def test_an_unreachable_warehouse_fails_with_a_clear_message(
    proxied: ProxiedTable, how: str
) -> None:
    if how == "refuses":
        proxied.warehouse.close()
    result, entry = proxied.load(
        connection_fault=ConnectionFault("reset", times=ALWAYS), scale=TINY
    )
    assert (result.succeeded, entry["status"], entry["error"]["type"]) == (
        False,
        "failed",
        "ConnectionLostError",
    )
    assert "connection to the warehouse failed" in entry["error"]["message"]
    assert proxied.ids() == [1]


@pytest.mark.parametrize(("after", "status"), [("startup", "unknown"), ("copy", "failed")])
def test_a_load_in_a_silent_warehouse_is_failed_if_the_ledger_can_be_asked(
    proxied: ProxiedTable, after: str, status: str
) -> None:
    """The question needs fewer bytes than a COPY."""
    proxied.load()
    after_bytes = 0 if after == "startup" else proxied.warehouse.passed["server"] - 400
    result, entry = proxied.load(
        connection_fault=ConnectionFault("silent", after_bytes, times=ALWAYS), seconds=2
    )
    assert (result.succeeded, entry["status"]) == (False, status)
    assert entry["error"]["type"] == "Sandbox.Timedout"
    assert proxied.ids() == [1, 2]
