"""`python -m local`: start, stop and use the local cloud."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import psycopg2
from botocore.exceptions import BotoCoreError, ClientError

from etl_cli import display
from etl_cli.client import Client
from etl_cli.client import ClientError as ApiError
from local_cloud import cloud, processes
from local_cloud.aws_server import AwsServerError
from local_cloud.cloud import CloudError, LocalCloud
from local_cloud.deploy import DeploymentError
from local_cloud.emulator_process import WarehouseError
from local_cloud.outputs import Outputs, OutputsError
from local_cloud.state import DEFAULT_STATE, StateDir, StateError
from local_cloud.tcp_ports import PortError

EXPECTED_ERRORS = (
    AwsServerError,
    ApiError,
    BotoCoreError,
    ClientError,
    CloudError,
    DeploymentError,
    OutputsError,
    PortError,
    StateError,
    WarehouseError,
    psycopg2.Error,
)

console = display.make_console()


class PlainErrors(click.Group):
    """Errors that a person can act on are printed as they are; only those that nobody expected show a stack trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except EXPECTED_ERRORS as error:
            raise click.ClickException(str(error).strip()) from error


@click.group(cls=PlainErrors)
@click.option(
    "--state",
    "state_dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_STATE,
    show_default=".local",
    help="Where the cloud keeps its state. Clouds with different directories run side by side.",
)
@click.pass_context
def main(context: click.Context, state_dir: Path) -> None:
    """The whole path on this machine: AWS, Redshift, and the program deployed into them."""
    context.obj = StateDir(state_dir.resolve())


@main.command()
@click.pass_obj
def up(state: StateDir) -> None:
    """Start the cloud in the background, and return when a file may be uploaded."""
    with state.lock():
        if cloud.is_up(state):
            console.print("the local cloud is already up")
            console.print(
                display.describe_usage(Outputs.read(state.outputs), state), soft_wrap=True
            )
            return
        with console.status("starting the local cloud"):
            running = LocalCloud.start(state.root, outlives_us=True)
        running.leave_running()
        console.print(display.describe_usage(running.outputs, state), soft_wrap=True)
        console.print(
            f"{len(running.deployment.resources)} resources in {running.seconds['all']:.1f} s"
        )


@main.command()
@click.pass_obj
def down(state: StateDir) -> None:
    """Stop the cloud and remove its data."""
    with state.lock():
        found = cloud.clean_up(state)
    console.print("the local cloud is down" if found else "the local cloud is not up")


@main.command()
@click.pass_obj
def status(state: StateDir) -> None:
    """Say what is running; exit code 1 when the cloud is not up."""
    records = state.read_processes()
    for record in records:
        console.print(
            f"{record.name}: pid {record.pid}, {'running' if processes.is_running(record) else 'gone'}"
        )
    if not cloud.is_up(state):
        console.print(
            "the local cloud is not up"
            if not records
            else "the local cloud is broken; see `make down`"
        )
        raise SystemExit(1)
    console.print(display.describe_usage(Outputs.read(state.outputs), state), soft_wrap=True)


@main.command()
@click.option("--keep", is_flag=True, help="Leave the demo's cloud running.")
def demo(keep: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """Start everything, load real data, show what happened, stop."""
    from etl_cli.demo import run_demo

    raise SystemExit(run_demo(console, keep=keep))


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("key")
@click.pass_obj
def put(state: StateDir, file: Path, key: str) -> None:
    """Upload FILE to the lake under KEY: db_name/action/table_name/ or with a file name after it."""
    with_client(
        state, lambda client: console.print(f"version {client.put(file, key)}", highlight=False)
    )


@main.command()
@click.argument("table")
@click.option("--json", "as_json", is_flag=True, help="Print the entries as the API returns them.")
@click.pass_obj
def logs(state: StateDir, table: str, as_json: bool) -> None:  # noqa: FBT001 - a flag of the command line
    """Ask the API what became of the uploads to TABLE."""

    def ask(client: Client) -> None:
        entries = client.log_entries(table)
        if as_json:
            console.print_json(json.dumps(entries))
        else:
            console.print(
                display.describe_entries(entries) if entries else f"no uploads to {table} so far"
            )

    with_client(state, ask)


@main.command()
@click.argument("database")
@click.argument("statement")
@click.pass_obj
def sql(state: StateDir, database: str, statement: str) -> None:
    """Run STATEMENT in DATABASE of the warehouse."""
    with_client(
        state,
        lambda client: console.print(display.describe_answer(client.sql(database, statement))),
    )


def with_client(state: StateDir, use: Callable[[Client], None]) -> None:
    """Call with a client of the running cloud. Raises OutputsError when it is not up."""
    client = Client.of(Outputs.read(state.outputs))
    try:
        use(client)
    finally:
        client.close()


if __name__ == "__main__":
    main(prog_name="python -m etl_cli.local_commands")
