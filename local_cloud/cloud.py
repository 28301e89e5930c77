"""The local cloud: the stand-ins for AWS and Redshift, and the program deployed into them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from local_cloud import aws_server, emulator_process, processes
from local_cloud.aws import Aws
from local_cloud.aws_server import AwsServer
from local_cloud.deploy import PROJECT, Deployment, Program, deploy, project_program
from local_cloud.emulator_process import WarehouseCredentials
from local_cloud.outputs import Outputs
from local_cloud.processes import Child
from local_cloud.resources import Context
from local_cloud.state import PROJECT_ROOT, StateDir
from local_cloud.tcp_ports import (
    AWS_PORT_VARIABLE,
    WAREHOUSE_PORT_VARIABLE,
    choose_ports,
    wanted_port,
)

STACK = "local"
DATABASES = ("dev", "analytics")
FUNCTION_INTERPRETER = PROJECT_ROOT / ".venv-lambda" / "bin" / "python"


class CloudError(RuntimeError):
    """The cloud cannot be started here."""


@dataclass
class LocalCloud:
    """A running cloud. As a context manager it stops when the block ends; `start` cleans up when it fails half way."""

    state: StateDir
    outputs: Outputs
    deployment: Deployment
    context: Context
    children: tuple[Child, ...]
    seconds: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def start(
        cls,
        state_dir: Path,
        aws_port: int | None = None,
        warehouse_port: int | None = None,
        *,
        program: Program | None = None,
        config: Mapping[str, str] | None = None,
        outlives_us: bool = False,
    ) -> LocalCloud:
        """Start everything and return when a file may be dropped.

        Without ports, those of the variables ETL_LOCAL_*_PORT, else free ones. `config` (keys without the project) goes
        on top of the local stack's settings. Raises CloudError, PortError, AwsServerError, WarehouseError or
        DeploymentError; then nothing is left running.
        """
        state = StateDir(state_dir.resolve())
        if state.read_processes() and is_up(state):
            raise CloudError(f"a cloud is already running in {state.root}")
        clean_up(state)
        state.create()
        try:
            return _start(
                state, _Plan(aws_port, warehouse_port, program, config or {}, outlives_us)
            )
        except BaseException:
            clean_up(state)
            raise

    @property
    def aws(self) -> Aws:
        """Clients of the account's root user."""
        return self.context.aws

    def stop(self) -> None:
        """Stop everything and remove what it wrote, except the logs."""
        self.aws.close()
        processes.stop_children(self.children)
        clean_up(self.state)

    def leave_running(self) -> None:
        """Let go of a cloud that was started to outlive this process."""
        self.aws.close()
        for child in self.children:
            child.leave_running()

    def __enter__(self) -> LocalCloud:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


@dataclass(frozen=True)
class _Plan:
    aws_port: int | None
    warehouse_port: int | None
    program: Program | None
    config: Mapping[str, str]
    outlives_us: bool


def _start(state: StateDir, plan: _Plan) -> LocalCloud:
    if not FUNCTION_INTERPRETER.exists():
        raise CloudError(f"{FUNCTION_INTERPRETER} does not exist; create it with `make setup`")
    children: list[Child] = []
    try:
        return _start_all(state, plan, children)
    except BaseException:
        processes.stop_children(children)
        raise


def _start_all(state: StateDir, plan: _Plan, children: list[Child]) -> LocalCloud:
    """Both servers start at once; the deployment needs only where the warehouse will listen."""
    began = time.monotonic()
    aws_port, port = choose_ports(
        plan.aws_port or wanted_port(AWS_PORT_VARIABLE),
        plan.warehouse_port or wanted_port(WAREHOUSE_PORT_VARIABLE),
    )
    credentials = emulator_process.prepare(state, port, DATABASES)
    server = aws_server.launch(state, aws_port, outlives_us=plan.outlives_us)
    _remember(state, children, server.child)
    emulator = emulator_process.launch(
        state, credentials, server.endpoint_url, outlives_us=plan.outlives_us
    )
    _remember(state, children, emulator.child)
    aws_server.wait_until_ready(server, state)
    answered = time.monotonic()
    context = Context(
        root_of(server), credentials, FUNCTION_INTERPRETER, working_directory=Path.cwd()
    )
    deployment = deploy(plan.program or project_program, context, STACK, _config(plan, credentials))
    deployed = time.monotonic()
    emulator_process.wait_until_ready(emulator, state)
    outputs = Outputs.of(context.aws, deployment.outputs, credentials)
    outputs.write(state.outputs)
    seconds = {
        "aws": answered - began,
        "deploy": deployed - answered,
        "all": time.monotonic() - began,
    }
    return LocalCloud(state, outputs, deployment, context, tuple(children), seconds)


def _remember(state: StateDir, children: list[Child], child: Child) -> None:
    """At once, so that no process is lost if we are."""
    children.append(child)
    state.write_processes([each.record for each in children])


def root_of(server: AwsServer) -> Aws:
    """The account's root user: it may do everything, as the person who runs `pulumi up` may."""
    return Aws(
        server.endpoint_url,
        aws_server.REGION,
        aws_server.ACCOUNT_ID,
        aws_server.ACCESS_KEY_ID,
        aws_server.SECRET_ACCESS_KEY,
    )


def _config(plan: _Plan, credentials: WarehouseCredentials) -> dict[str, str]:
    """The local stack's settings, with the project's name before each key as Pulumi has it."""
    own = {
        "databases": json.dumps(credentials.databases),
        "warehouseCaFile": str(credentials.ca_file),
        "loadConcurrency": str(aws_server.CONCURRENT_LOADS),
    }
    return {f"{PROJECT}:{key}": value for key, value in (own | dict(plan.config)).items()} | {
        "aws:region": aws_server.REGION
    }


def is_up(state: StateDir) -> bool:
    """Whether all processes of a cloud that was started here are running."""
    records = state.read_processes()
    return (
        bool(records)
        and state.outputs.exists()
        and all(processes.is_running(record) for record in records)
    )


def clean_up(state: StateDir) -> bool:
    """Stop whatever a cloud left running here, and remove what it wrote; whether there was anything."""
    records = state.read_processes()
    processes.stop(*records)
    emulator_process.stop_remains(state)
    found = bool(records) or state.outputs.exists()
    state.remove()
    return found
