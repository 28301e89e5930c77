"""`etl completion`: the script that completes commands and options in a shell."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from etl_cli.terminal import echo_lines

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    Load it in the shell's start file: for bash or zsh `eval "$(etl completion bash)"`, for fish
    `etl completion fish | source`.

    Exit code: 0 done, 2 the shell is not supported.
    """
    make = get_completion_class(shell)
    if make is None:
        raise click.UsageError(f"{shell} is not supported; the supported shells are {SHELLS}")
    echo_lines(make(context.find_root().command, {}, "etl", "_ETL_COMPLETE").source())
