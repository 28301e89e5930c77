"""Options that several commands share. Imports little, so that small commands start fast."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click

from local_cloud.state import DEFAULT_STATE, StateDir

STACK_VARIABLE = "ETL_STACK"
STATE_VARIABLE = "ETL_LOCAL_STATE"
LOCAL = "local"


def _outputs_file(context: click.Context, parameter: click.Parameter, name: str) -> Path:
    if name != LOCAL:
        return Path(name)
    return StateDir(Path(os.environ.get(STATE_VARIABLE) or DEFAULT_STATE)).outputs


stack_option = click.option(
    "--stack",
    envvar=STACK_VARIABLE,
    default=LOCAL,
    show_default=True,
    show_envvar=True,
    metavar="local|FILE",
    callback=_outputs_file,
    help="The stack: `local` is the local cloud; FILE is an outputs file of a stack: the output of "
    "`pulumi stack output --json`, or a local cloud's outputs.json.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def stack_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options `--stack` (as `stack: Path`, the outputs file) and `--json` (as `as_json`)."""
    return stack_option(json_option(command))
