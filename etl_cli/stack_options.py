"""What the operator's commands share: how the stack is named, how the answer is given, and the wait for what was sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from etl_cli.recovery_client import Clock, Delivery, deliver
from etl_cli.recovery_display import progress
from etl_cli.stack import Stack
from etl_core.model.errors import EtlError
from etl_core.model.names import faults_of_name, faults_of_schema
from etl_core.model.table_ref import split_table_name

DONE, LEFT, UNUSABLE = 0, 1, 2
REFUSED = ("rejected", "failed")
CLOCK = Clock()


@dataclass(frozen=True)
class Reply:
    """Where a command's answer goes: tables for people, or one JSON object."""

    context: click.Context
    as_json: bool

    def show(self, *parts: Any) -> None:
        """For people only."""
        if not self.as_json:
            console = Console()
            for part in parts:
                console.print(part, markup=False, highlight=False, soft_wrap=isinstance(part, str))

    def end(self, code: int, **fields: Any) -> None:
        """The JSON object, if one is wanted, and the exit code."""
        if self.as_json:
            click.echo(json.dumps(fields, indent=2, ensure_ascii=False))
        self.context.exit(code)


def stack_options(command: Callable[..., None]) -> Callable[..., None]:
    """What all commands take."""
    outputs = click.option(
        "--outputs",
        type=click.Path(dir_okay=False, path_type=Path),
        default=Path(".local/outputs.json"),
        show_default=True,
        help="The stack's outputs: pulumi stack output --json > FILE. The default is the local cloud's.",
    )
    form = click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
    return outputs(form(command))


def _table(context: click.Context, parameter: click.Parameter, name: str | None) -> str | None:
    if name is None:
        return None
    schema, table = split_table_name(name)
    for fault in (*faults_of_schema(schema), *faults_of_name(table, "table")):
        raise click.BadParameter(fault)
    return f"{schema}.{table}"


SCOPE_OPTIONS = (
    click.option("--database", help="Only this database."),
    click.option("--table", callback=_table, help="Only this table: `table` or `schema.table`."),
)


def scoped(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(SCOPE_OPTIONS):
        command = option(command)
    return command


@contextmanager
def faults_of_stack(context: click.Context) -> Iterator[None]:
    """What is wrong with the stack, or with the way to it, is told in words."""
    try:
        yield
    except EtlError as error:
        click.echo(f"{error.message}", err=True)
        context.exit(UNUSABLE)


def deliver_with_progress(stack: Stack, uploads: list[dict[str, Any]], at_once: int) -> Delivery:
    with progress("loading", len(uploads)) as shown:

        def show(made: Delivery) -> None:
            refused = sum(made.counts[status] for status in REFUSED)
            shown(len(made.answers), f"({refused:,} refused)" if refused else "")

        return deliver(stack.reconcile, uploads, at_once, CLOCK, show)
