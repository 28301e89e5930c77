"""What the proofs share: worker processes, the deployed state machine interpreted, and a warehouse of each isolation level."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from etl_cli.client import Client
from local_cloud import aws_server, emulator_process, processes
from local_cloud.state import StateDir
from local_cloud.tcp_ports import choose_ports
from tests.e2e.conftest import Lake
from tests.guarantees.harness import Harness
from tests.guarantees.pool import Nursery, pool
from tests.guarantees.scale import FIGURES, IS_LONG
from tests.guarantees.state_machine_interpreter import StateMachineInterpreter

WORKERS = 4


@pytest.fixture(scope="session")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    made = Nursery(tmp_path_factory.mktemp("workers"))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def machine(lake: Lake) -> StateMachineInterpreter:
    return StateMachineInterpreter.deployed(lake.client.aws, lake.client.outputs.state_machine_arn)


@pytest.fixture(scope="session")
def environment(lake: Lake, machine: StateMachineInterpreter) -> dict[str, str]:
    """What the deployed functions of the state machine have in theirs."""
    functions = lake.client.aws.client("lambda")
    outputs = lake.client.outputs
    made = {
        "AWS_ENDPOINT_URL": outputs.aws_endpoint_url,
        "AWS_REGION": outputs.region,
        "AWS_DEFAULT_REGION": outputs.region,
        "AWS_ACCESS_KEY_ID": outputs.access_key_id,
        "AWS_SECRET_ACCESS_KEY": outputs.secret_access_key,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for arn in machine.handlers:
        made |= functions.get_function_configuration(FunctionName=arn)["Environment"]["Variables"]
    return made | {"WAREHOUSE_CA_FILE": str(lake.cloud.state.secrets / "ca.pem")}


@dataclass(frozen=True)
class Warehouse:
    """A lake with a client of this warehouse, and the environment of the functions that load it."""

    lake: Lake
    environment: dict[str, str]


@pytest.fixture(scope="session")
def snapshot(lake: Lake, environment: dict[str, str]) -> Warehouse:
    """The local cloud's own, which has SNAPSHOT isolation."""
    return Warehouse(lake, environment)


@pytest.fixture(scope="session")
def serializable(
    lake: Lake, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Warehouse]:
    """A second one, with SERIALIZABLE isolation."""
    with ExitStack() as stack:
        yield _serializable(lake, environment, tmp_path_factory.mktemp("serializable"), stack)


def _serializable(
    lake: Lake, environment: dict[str, str], folder: Path, stack: ExitStack
) -> Warehouse:
    """The stand-in beside the first, with a password of its own."""
    state, outputs = StateDir(folder), lake.client.outputs
    state.create()
    port, _ = choose_ports(None, None)
    credentials = emulator_process.prepare(state, port, outputs.warehouse.databases)
    child = processes.start(
        "serializable",
        [
            *emulator_process.command(state, credentials, outputs.aws_endpoint_url),
            "--isolation",
            "serializable",
        ],
        environment=emulator_process.environment(state),
        log_file=state.warehouse_log,
        working_directory=state.temporary,
    )
    stack.callback(emulator_process.stop_remains, state)
    stack.callback(processes.stop_children, [child])
    emulator_process.wait_until_ready(
        emulator_process.EmulatorProcess(port, child, state.temporary / "warehouse.ready"), state
    )
    secret = lake.client.aws.client("secretsmanager").create_secret(
        Name=f"serializable-{port}",
        SecretString=json.dumps({"username": credentials.user, "password": credentials.password}),
    )
    reached = replace(
        outputs.warehouse, port=port, user=credentials.user, password=credentials.password
    )
    client = Client(replace(outputs, warehouse=reached), outputs.aws(aws_server.ACCOUNT_ID))
    stack.callback(client.close)
    own = {
        "WAREHOUSE_PORT": str(port),
        "WAREHOUSE_SECRET_ARN": secret["ARN"],
        "WAREHOUSE_CA_FILE": str(credentials.ca_file),
    }
    return Warehouse(Lake(lake.cloud, client), environment | own)


@pytest.fixture
def rule_off(lake: Lake) -> Iterator[None]:
    """Only the events that a test delivers arrive."""
    events = lake.client.aws.client("events")
    [rule] = [
        rule["Name"]
        for rule in events.list_rules()["Rules"]
        if "aws.s3" in rule.get("EventPattern", "")
    ]
    events.disable_rule(Name=rule)
    yield
    events.enable_rule(Name=rule)


@pytest.fixture(params=["snapshot", "serializable"])
def site(
    request: pytest.FixtureRequest,
    lake: Lake,
    machine: StateMachineInterpreter,
    nursery: Nursery,
    rule_off: None,
) -> Iterator[Harness]:
    """The whole place, once with each isolation level."""
    chosen: Warehouse = request.getfixturevalue(request.param)
    with pool(nursery, chosen.environment, size=WORKERS) as workers:
        yield Harness(chosen.lake, machine, workers)
        FIGURES[f"deaths, {request.param}"].update(workers.deaths)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures of the long run."""
    for kind, counts in sorted(FIGURES.items()) if IS_LONG else ():
        listed = ", ".join(f"{name} {count}" for name, count in counts.most_common())
        terminalreporter.write_line(f"{kind}: {counts.total()} ({listed})")
