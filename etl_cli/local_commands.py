"""Start, stop and use the local cloud: demo, up, down, status, put, logs and sql."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import psycopg2
from botocore.exceptions import BotoCoreError
from botocore.exceptions import ClientError as AwsError

from etl_cli import display
from etl_cli.client import Client, ClientError
from etl_cli.console import make_console
from etl_cli.options import STATE_VARIABLE, json_option, stack_options
from etl_cli.terminal import echo, echo_lines, to_json
from local_cloud import lifecycle, processes
from local_cloud.errors import LocalCloudError
from local_cloud.outputs import Outputs
from local_cloud.state import DEFAULT_STATE, StateDir

DONE, FAILED = 0, 1
EXPECTED_ERRORS = (AwsError, BotoCoreError, ClientError, LocalCloudError, psycopg2.Error)
Command = Callable[..., None]


def plain_errors(command: Command) -> Command:
    """Print errors that a person can act on as plain text, with exit code 1.

    Other errors keep their stack trace.
    """

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except EXPECTED_ERRORS as error:
            raise click.ClickException(str(error).strip()) from error

    return run


def _open_state(_: click.Context, __: click.Parameter, folder: Path) -> StateDir:
    return StateDir(folder.resolve())


state_option = click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_STATE,
    show_default=".local",
    envvar=STATE_VARIABLE,
    show_envvar=True,
    callback=_open_state,
    help="Advanced: the folder of the local cloud's files. "
    "Clouds in different folders run side by side.",
)


@click.command()
@click.option("--keep", is_flag=True, help="Leave the demo's cloud running.")
@state_option
@plain_errors
def demo(keep: bool, state: StateDir) -> None:  # noqa: FBT001 - click passes flags as booleans
    """Start a local cloud, load example files, show the results, and stop the cloud.

    Exit code: 0 every upload ended as expected, 1 one did not or the cloud did not start, 2 an
    option cannot be used.
    """
    from etl_cli.demo import run_demo

    raise SystemExit(run_demo(make_console(), StateDir(state.root / "demo"), keep=keep))


@click.command()
@state_option
@plain_errors
def up(state: StateDir) -> None:
    """Start the local cloud in the background. Return when files can be uploaded.

    Exit code: 0 the cloud is up, 1 it could not be started, 2 an option cannot be used.
    """
    console = make_console()
    with state.lock():
        if lifecycle.is_up(state):
            console.print("the local cloud is already up")
            _show_usage(state)
            return
        from local_cloud.cloud import LocalCloud

        with console.status("starting the local cloud"):
            running = LocalCloud.start(state.root, outlives_us=True, notify=console.print)
        running.leave_running()
        _show_usage(state)
        console.print(
            f"{len(running.deployment.resources)} resources in {running.seconds['all']:.1f} s"
        )


@click.command()
@state_option
@plain_errors
def down(state: StateDir) -> None:
    """Stop the local cloud and delete its data.

    Exit code: 0 the cloud is down, 1 it could not be stopped, 2 an option cannot be used.
    """
    with state.lock():
        existed = lifecycle.clean_up(state)
    echo("the local cloud is down" if existed else "the local cloud is not up")


@click.command()
@json_option
@state_option
@plain_errors
def status(as_json: bool, state: StateDir) -> None:  # noqa: FBT001
    """Show the processes of the local cloud and how to use it.

    Exit code: 0 the cloud is up, 1 it is not, 2 an option cannot be used.
    """
    is_up, records = lifecycle.is_up(state), state.read_processes()
    running = {record: processes.is_running(record) for record in records}
    if as_json:
        each = [
            {"name": record.name, "pid": record.pid, "running": alive}
            for record, alive in running.items()
        ]
        outputs = str(state.outputs) if is_up else None
        echo_lines(to_json({"up": is_up, "processes": each, "outputs": outputs}))
    else:
        for record, alive in running.items():
            echo(f"{record.name}: pid {record.pid}, {'running' if alive else 'not running'}")
        _show_status(state, is_up=is_up, was_up=bool(records))
    raise SystemExit(DONE if is_up else FAILED)


def _show_status(state: StateDir, *, is_up: bool, was_up: bool) -> None:
    if is_up:
        _show_usage(state)
    elif was_up:
        echo("the local cloud is incomplete: a process has ended; stop it with `etl down`")
    else:
        echo("the local cloud is not up; start it with `etl up`")


def _show_usage(state: StateDir) -> None:
    usage = display.describe_usage(Outputs.read(state.outputs), state)
    make_console().print(usage, soft_wrap=True)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("key")
@stack_options
@plain_errors
def put(file: Path, key: str, stack: Path, as_json: bool) -> None:  # noqa: FBT001
    """Upload FILE to the lake as KEY: db_name/action/table_name/file_name.

    A key that ends in / gets the name of FILE.

    Exit code: 0 the file was uploaded, 1 it was not, 2 FILE or an option cannot be used.
    """
    key = f"{key}{file.name}" if key.endswith("/") else key
    with open_client(stack) as client:
        version = client.put_bytes(file.read_bytes(), key)
    if as_json:
        echo_lines(to_json({"key": key, "version_id": version}))
    else:
        echo(f"version {version}")


@click.command()
@click.argument("table")
@stack_options
@plain_errors
def logs(table: str, stack: Path, as_json: bool) -> None:  # noqa: FBT001
    """Show the uploads to TABLE (`table` or `schema.table`), newest first, from the log API.

    Exit code: 0 done, 1 the API or the cloud could not answer, 2 an option cannot be used.
    """
    with open_client(stack) as client:
        entries = client.log_entries(table)
    if as_json:
        echo_lines(to_json(entries))
    elif entries:
        make_console().print(display.describe_entries(entries))
    else:
        echo(f"no uploads to {table} so far")


@click.command()
@click.argument("database")
@click.argument("statement")
@stack_options
@plain_errors
def sql(database: str, statement: str, stack: Path, as_json: bool) -> None:  # noqa: FBT001
    """Run the SQL STATEMENT in DATABASE of the emulator, and commit it.

    Exit code: 0 done, 1 the statement failed or the cloud is not up, 2 an option cannot be used.
    """
    with open_client(stack) as client:
        answer = client.sql(database, statement)
    if as_json:
        content = {"columns": answer.columns, "rows": answer.rows}
        echo_lines(to_json(content, default=str))
    else:
        make_console().print(display.describe_answer(answer))


@contextmanager
def open_client(outputs: Path) -> Iterator[Client]:
    """Connect to the running cloud. Raises OutputsError when it is not up."""
    client = Client.of(Outputs.read(outputs))
    try:
        yield client
    finally:
        client.close()
