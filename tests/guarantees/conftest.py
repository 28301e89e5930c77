"""Fixtures of the guarantee tests: worker processes, the state machine interpreter, and a warehouse
per isolation level.
"""

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
from tests.guarantees.run_size import COUNTS, IS_LONG
from tests.guarantees.state_machine_interpreter import StateMachineInterpreter
from tests.guarantees.worker_pool import ForkServer, worker_pool

WORKERS = 4


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """Start the process that forks the workers."""
    server = ForkServer(tmp_path_factory.mktemp("workers"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def interpreter(lake: Lake) -> StateMachineInterpreter:
    return deployed_interpreter(lake)


def deployed_interpreter(lake: Lake) -> StateMachineInterpreter:
    """Return an interpreter of the lake's state machine."""
    return StateMachineInterpreter.deployed(lake.client.aws, lake.client.outputs.state_machine_arn)


@pytest.fixture(scope="session")
def environment(lake: Lake) -> dict[str, str]:
    return environment_of(lake)


def environment_of(lake: Lake) -> dict[str, str]:
    """Return the environment variables of the deployed functions."""
    data_api = {"AWS_ENDPOINT_URL_REDSHIFT_DATA": lake.cloud.context.warehouse.data_api_url}
    return data_api | lake.function_variables()


@dataclass(frozen=True)
class LoadTarget:
    """One warehouse: the lake with a client of it, and the environment of the functions that load into it."""

    lake: Lake
    environment: dict[str, str]


@pytest.fixture(scope="session")
def snapshot(lake: Lake, environment: dict[str, str]) -> LoadTarget:
    """Return the local cloud's warehouse, which has SNAPSHOT isolation."""
    return LoadTarget(lake, environment)


@pytest.fixture(scope="session")
def serializable(
    lake: Lake, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LoadTarget]:
    """Start a second warehouse with SERIALIZABLE isolation."""
    with ExitStack() as stack:
        yield _serializable(lake, environment, tmp_path_factory.mktemp("serializable"), stack)


def _serializable(
    lake: Lake, environment: dict[str, str], folder: Path, stack: ExitStack
) -> LoadTarget:
    """Start a second emulator with its own password."""
    state, outputs = StateDir(folder), lake.client.outputs
    state.create()
    _, port, _ = choose_ports(None, None)
    credentials = emulator_process.prepare(state, port, outputs.warehouse.databases)
    child = processes.start(
        "serializable",
        emulator_process.command(state, credentials, outputs.aws_endpoint_url, "serializable"),
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
    warehouse = replace(
        outputs.warehouse, port=port, user=credentials.user, password=credentials.password
    )
    credentials.accept_secret(secret["ARN"], credentials.user)
    client = Client(replace(outputs, warehouse=warehouse), outputs.aws(aws_server.ACCOUNT_ID))
    stack.callback(client.close)
    variables = {
        "AWS_ENDPOINT_URL_REDSHIFT_DATA": credentials.data_api_url,
        "WAREHOUSE_PORT": str(port),
        "WAREHOUSE_SECRET_ARN": secret["ARN"],
        "WAREHOUSE_CA_FILE": str(credentials.ca_file),
    }
    return LoadTarget(Lake(lake.cloud, client), environment | variables)


@pytest.fixture(params=["snapshot", "serializable"])
def target(request: pytest.FixtureRequest) -> LoadTarget:
    """Return the warehouse, once per isolation level."""
    chosen: LoadTarget = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture(params=["snapshot", "serializable"])
def harness(
    request: pytest.FixtureRequest,
    lake: Lake,
    interpreter: StateMachineInterpreter,
    fork_server: ForkServer,
    rule_off: None,
) -> Iterator[Harness]:
    """Return the harness, once per isolation level."""
    chosen: LoadTarget = request.getfixturevalue(request.param)
    with worker_pool(fork_server, chosen.environment, size=WORKERS) as workers:
        yield Harness(chosen.lake, interpreter, workers)
        COUNTS[f"kills, {request.param}"].update(workers.kills_by_step)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the counts of the long run."""
    for kind, counts in sorted(COUNTS.items()) if IS_LONG else ():
        listed = ", ".join(f"{name} {count}" for name, count in counts.most_common())
        terminalreporter.write_line(f"{kind}: {counts.total()} ({listed})")
