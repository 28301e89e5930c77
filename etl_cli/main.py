"""The command `etl`.

Its commands are imported only when they run, so that help, completion and small commands start
fast.
"""

from __future__ import annotations

import importlib
import io
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import click
from click.shell_completion import CompletionItem

from etl_cli import __version__
from etl_cli.terminal import echo_lines

LOCAL_EXTRA = frozenset({"ministack", "psutil", "redshift_emulator", "trustme"})
UNUSABLE = 2


@dataclass(frozen=True)
class LazyCommand:
    """Where a command is defined, and what the list of commands says about it."""

    section: str
    target: str
    summary: str
    unusable: int = UNUSABLE
    """The exit code for options that cannot be used and for a prompt without an answer."""

    def load(self) -> click.Command:
        module, _, attribute = self.target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


_LOCAL, _USE, _SCHEMA = "Local cloud", "Use a stack", "Schema files"
_OPERATE, _SHELL = "Operate a stack", "Shell"
COMMANDS = {
    "demo": LazyCommand(
        _LOCAL, "etl_cli.local_commands:demo", "Load example files in a temporary local cloud."
    ),
    "up": LazyCommand(_LOCAL, "etl_cli.local_commands:up", "Start the local cloud."),
    "down": LazyCommand(_LOCAL, "etl_cli.local_commands:down", "Stop the local cloud."),
    "status": LazyCommand(_LOCAL, "etl_cli.local_commands:status", "Show what is running."),
    "put": LazyCommand(_USE, "etl_cli.put_command:put", "Upload files to a table."),
    "logs": LazyCommand(
        _USE, "etl_cli.log_commands:logs", "Show uploads and what happened to them."
    ),
    "show": LazyCommand(_USE, "etl_cli.log_commands:show", "Show everything about one upload."),
    "tables": LazyCommand(
        _USE, "etl_cli.log_commands:tables", "Show every table and how fresh it is."
    ),
    "schema": LazyCommand(
        _USE, "etl_cli.log_commands:schema", "Print the schema file in force for a table."
    ),
    "sql": LazyCommand(_USE, "etl_cli.sql_command:sql", "Run an SQL statement."),
    "ui": LazyCommand(_USE, "etl_cli.log_commands:ui", "Open the page of a stack in the browser."),
    "infer": LazyCommand(
        _SCHEMA, "etl_cli.infer_command:infer", "Create a schema file from CSV files."
    ),
    "check": LazyCommand(
        _SCHEMA, "etl_cli.csv_commands:check", "Check a schema file and a CSV file."
    ),
    "plan": LazyCommand(
        _SCHEMA,
        "etl_cli.schema_commands:plan",
        "Show how a schema file would change a table.",
        unusable=3,
    ),
    "json-schema": LazyCommand(
        _SCHEMA, "etl_cli.schema_commands:json_schema", "Print the JSON Schema of schema files."
    ),
    "bootstrap": LazyCommand(
        _OPERATE, "etl_cli.bootstrap_command:bootstrap", "Prepare a warehouse for the loader."
    ),
    "doctor": LazyCommand(
        _OPERATE, "etl_cli.doctor_command:doctor", "Find what is broken in a stack."
    ),
    "reconcile": LazyCommand(
        _OPERATE, "etl_cli.reconcile_commands:reconcile", "Send missed uploads to the pipeline."
    ),
    "replay": LazyCommand(
        _OPERATE, "etl_cli.replay_command:replay", "Load an upload again, or rebuild a table."
    ),
    "rebuild-log": LazyCommand(
        _OPERATE,
        "etl_cli.reconcile_commands:rebuild_log",
        "Write missing log entries from the ledgers.",
    ),
    "completion": LazyCommand(
        _SHELL, "etl_cli.completion_command:completion", "Print the shell completion script."
    ),
}


class LazyGroup(click.Group):
    """Imports a command when it runs, and ends with the exit code that the command documents."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        lazy = COMMANDS.get(cmd_name)
        return None if lazy is None else lazy.load()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section, names in groupby(COMMANDS, key=lambda name: COMMANDS[name].section):
            with formatter.section(section):
                formatter.write_dl([(name, COMMANDS[name].summary) for name in names])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [name for name in COMMANDS if name.startswith(incomplete)]
        own = [CompletionItem(name, help=COMMANDS[name].summary) for name in names]
        return own + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            _show(error)
        except click.ClickException as error:
            _show(error)
            return ctx.exit(error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            echo_lines("\nstopped before the end", err=True)
        except ModuleNotFoundError as error:
            raise _missing_extra(error, ctx.invoked_subcommand) from error
        command = COMMANDS.get(ctx.invoked_subcommand or "")
        return ctx.exit(UNUSABLE if command is None else command.unusable)


def _show(error: click.ClickException) -> None:
    """Print the error, which may quote text from outside."""
    text = io.StringIO()
    error.show(file=text)
    echo_lines(text.getvalue().removesuffix("\n"), err=True)


def _missing_extra(error: ModuleNotFoundError, command: str | None) -> Exception:
    """Return an error that names the extra to install.

    Return the error itself if no extra has the module.
    """
    if (error.name or "").partition(".")[0] not in LOCAL_EXTRA:
        return error
    return click.ClickException(
        f"etl {command} needs {error.name}, which is not installed; "
        "install the extra `local`: pip install 'redshift-lake-loader[local]'"
    )


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="etl")
def main() -> None:
    """Load files from an S3 data lake into Amazon Redshift.

    Try everything on this machine with `etl demo`. Upload with `put`; see what happened with
    `logs`, `tables` or `ui`. Write schema files with `infer`, `check` and `plan`. Operate a
    deployed stack with `bootstrap`, `doctor`, `reconcile`, `replay` and `rebuild-log`.
    """
