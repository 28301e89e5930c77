"""Options that several commands share. Imports little, so that small commands start fast."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click

from etl_cli.stack_outputs import StackSource

STACK_VARIABLE = "ETL_STACK"
STATE_VARIABLE = "ETL_LOCAL_STATE"
LOCAL = "local"


def _stack_source(context: click.Context, parameter: click.Parameter, name: str) -> StackSource:
    if name == LOCAL:
        from local_cloud.state import DEFAULT_STATE, StateDir

        folder = Path(os.environ.get(STATE_VARIABLE) or DEFAULT_STATE)
        return StackSource(LOCAL, StateDir(folder).outputs)
    is_file = name.endswith(".json") or os.sep in name or Path(name).is_file()
    if not name.strip() or name.startswith("-"):
        raise click.BadParameter("it must be local, a file, or the name of a stack")
    return StackSource(name, Path(name) if is_file else None)


stack_option = click.option(
    "--stack",
    envvar=STACK_VARIABLE,
    default=LOCAL,
    show_default=True,
    show_envvar=True,
    metavar="local|NAME|FILE",
    callback=_stack_source,
    help="The stack: `local` is the local cloud; NAME is a Pulumi stack of this folder, such as dev; "
    "FILE is an outputs file: the output of `pulumi stack output --json --show-secrets`, or a local "
    "cloud's outputs.json.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def stack_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options `--stack` (as `stack: StackSource`) and `--json` (as `as_json`)."""
    return stack_option(json_option(command))
