"""Start and stop the local cloud: demo, up, down and status."""

from __future__ import annotations

from pathlib import Path

import click

from etl_cli import display
from etl_cli.command_errors import plain_errors
from etl_cli.console import make_console
from etl_cli.options import STATE_VARIABLE, json_option
from etl_cli.terminal import echo, echo_lines, to_json
from local_cloud import lifecycle, processes
from local_cloud.outputs import Outputs
from local_cloud.state import DEFAULT_STATE, StateDir

DONE, FAILED = 0, 1


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
@click.option(
    "--isolation",
    type=click.Choice(["snapshot", "serializable"]),
    default="snapshot",
    show_default=True,
    help="Isolation level of the warehouse's databases. Choose the one that your Redshift has.",
)
@state_option
@plain_errors
def up(isolation: str, state: StateDir) -> None:
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
            running = LocalCloud.start(
                state.root, isolation=isolation, outlives_us=True, notify=console.print
            )
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
