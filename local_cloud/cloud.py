"""Start the local cloud: the AWS server, the emulator, and the program deployed into them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from local_cloud import aws_server, emulator_process, processes
from local_cloud.aws import Aws
from local_cloud.aws_server import AwsServer
from local_cloud.deploy import PROJECT, Deployment, Program, deploy, project_program
from local_cloud.emulator_process import ISOLATION_LEVELS, WarehouseCredentials
from local_cloud.errors import LocalCloudError
from local_cloud.function_environment import FUNCTION_INTERPRETER, ensure_environment
from local_cloud.lifecycle import clean_up, is_up
from local_cloud.outputs import Outputs
from local_cloud.processes import Child
from local_cloud.resources import Context
from local_cloud.state import StateDir
from local_cloud.tcp_ports import (
    AWS_PORT_VARIABLE,
    WAREHOUSE_PORT_VARIABLE,
    choose_ports,
    requested_port,
)

STACK = "local"
DATABASES = ("dev", "analytics")


class CloudError(LocalCloudError):
    """The cloud cannot be started here."""


def _ignore(_: str) -> None:
    pass


@dataclass
class LocalCloud:
    """A running cloud. As a context manager it stops the cloud when the block ends."""

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
        isolation: str = ISOLATION_LEVELS[0],
        outlives_us: bool = False,
        notify: Callable[[str], None] = _ignore,
    ) -> LocalCloud:
        """Start everything and return when files can be uploaded.

        Without port arguments the ports come from the ETL_LOCAL_*_PORT variables, or are free ones.
        `config` (keys without the project name) overrides the local stack's settings. `isolation`
        is the isolation level of the warehouse's databases (ISOLATION_LEVELS). `notify` gets
        a line for the user when the start takes longer than usual. Raises LocalCloudError; then
        nothing is left running.
        """
        state = StateDir(state_dir.resolve())
        if state.read_processes() and is_up(state):
            raise CloudError(f"a cloud is already running in {state.root}")
        ensure_environment(notify)
        clean_up(state)
        state.create()
        try:
            return _start(
                state,
                _Plan(aws_port, warehouse_port, program, config or {}, isolation, outlives_us),
            )
        except BaseException:
            clean_up(state)
            raise

    @property
    def aws(self) -> Aws:
        """Clients with the account's root user."""
        return self.context.aws

    def stop(self) -> None:
        """Stop everything and remove the cloud's files except the logs."""
        self.aws.close()
        processes.stop_children(self.children)
        clean_up(self.state)

    def leave_running(self) -> None:
        """Detach from a cloud that was started with `outlives_us`."""
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
    isolation: str
    outlives_us: bool


def _start(state: StateDir, plan: _Plan) -> LocalCloud:
    children: list[Child] = []
    try:
        return _start_all(state, plan, children)
    except BaseException:
        processes.stop_children(children)
        raise


def _start_all(state: StateDir, plan: _Plan, children: list[Child]) -> LocalCloud:
    """Start both servers at the same time.

    The deployment needs only the emulator's address until it invokes bootstrap.
    """
    began = time.monotonic()
    aws_port, port, data_api_port = choose_ports(
        plan.aws_port or requested_port(AWS_PORT_VARIABLE),
        plan.warehouse_port or requested_port(WAREHOUSE_PORT_VARIABLE),
    )
    credentials = emulator_process.prepare(state, port, DATABASES, data_api_port)
    server = aws_server.launch(
        state, aws_port, credentials.data_api_url, outlives_us=plan.outlives_us
    )
    _record(state, children, server.child)
    emulator = emulator_process.launch(
        state,
        credentials,
        server.endpoint_url,
        plan.isolation,
        outlives_us=plan.outlives_us,
    )
    _record(state, children, emulator.child)
    aws_server.wait_until_ready(server, state)
    aws_ready = time.monotonic()
    context = Context(
        root_of(server),
        credentials,
        FUNCTION_INTERPRETER,
        working_directory=Path.cwd(),
        await_warehouse=lambda: emulator_process.wait_until_ready(emulator, state),
    )
    deployment = deploy(plan.program or project_program, context, STACK, _config(plan, credentials))
    deployed = time.monotonic()
    emulator_process.wait_until_ready(emulator, state)
    _let_data_api_log_in(credentials, deployment.outputs)
    outputs = Outputs.of(context.aws, deployment.outputs, credentials)
    outputs.write(state.outputs)
    seconds = {
        "aws": aws_ready - began,
        "deploy": deployed - aws_ready,
        "all": time.monotonic() - began,
    }
    return LocalCloud(state, outputs, deployment, context, tuple(children), seconds)


def _let_data_api_log_in(credentials: WarehouseCredentials, outputs: Mapping[str, object]) -> None:
    """Tell the emulator which secret the stack's loader has. Small programs have no loader."""
    if loader := outputs.get("warehouse_loader"):
        credentials.accept_secret(str(outputs.get("warehouse_secret_arn") or ""), str(loader))


def _record(state: StateDir, children: list[Child], child: Child) -> None:
    """Write the process to the state file at once.

    A later command then finds it even if this one is killed.
    """
    children.append(child)
    state.write_processes([each.record for each in children])


def root_of(server: AwsServer) -> Aws:
    """Return clients with the account's root user.

    It has all permissions, like the person who runs `pulumi up`.
    """
    return Aws(
        server.endpoint_url,
        aws_server.REGION,
        aws_server.ACCOUNT_ID,
        aws_server.ACCESS_KEY_ID,
        aws_server.SECRET_ACCESS_KEY,
    )


def _config(plan: _Plan, credentials: WarehouseCredentials) -> dict[str, str]:
    """Return the local stack's settings under full Pulumi keys (`project:key`)."""
    own = {
        "databases": json.dumps(credentials.databases),
        "warehouseCaFile": str(credentials.ca_file),
        "recordConcurrency": str(aws_server.CONCURRENT_RECORDS),
    }
    return {f"{PROJECT}:{key}": value for key, value in (own | dict(plan.config)).items()} | {
        "aws:region": aws_server.REGION
    }
