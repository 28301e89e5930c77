"""What the recovery commands share: their options, their output, and their exit codes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from etl_cli.console import make_console
from etl_cli.progress import progress
from etl_cli.recovery_client import Clock, Delivery, deliver
from etl_cli.stack import Stack
from etl_cli.terminal import echo, echo_lines, to_json, visible
from etl_core.model.errors import EtlError
from etl_core.model.names import faults_of_name, faults_of_schema
from etl_core.model.status import REFUSED
from etl_core.model.table_ref import split_table_name
from etl_core.model.times import parse_utc_time
from etl_core.recovery.reconcile_requests import FindingSummary

DONE, LEFT, UNUSABLE = 0, 1, 2
CLOCK = Clock()


@dataclass(frozen=True)
class Reply:
    """The output of a command: tables for people, or one JSON object."""

    context: click.Context
    as_json: bool

    def show(self, *parts: Any) -> None:
        """Print, unless JSON is wanted."""
        if not self.as_json:
            console = make_console()
            for part in parts:
                is_line = isinstance(part, str)
                shown = visible(part) if is_line else part
                console.print(shown, highlight=False, soft_wrap=is_line)

    def end(self, code: int, **fields: Any) -> None:
        """Print the JSON object, if it is wanted, and end the command with this exit code."""
        if self.as_json:
            echo_lines(to_json(fields))
        self.context.exit(code)


def _table(context: click.Context, parameter: click.Parameter, name: str | None) -> str | None:
    if name is None:
        return None
    schema, table = split_table_name(name)
    for fault in (*faults_of_schema(schema), *faults_of_name(table, "table")):
        raise click.BadParameter(fault)
    return f"{schema}.{table}"


def scope_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options `--database` and `--table` (as `schema.table`)."""
    database = click.option("--database", help="Only this database.")
    table = click.option("--table", callback=_table, help="Only this table: TABLE or SCHEMA.TABLE.")
    return database(table(command))


def _time(context: click.Context, parameter: click.Parameter, text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_utc_time(text)
    except ValueError as error:
        raise click.BadParameter(f"{error}, or a day such as 2026-11-22") from None


since_option = click.option(
    "--since", callback=_time, help="Only uploads since this UTC time or day."
)


@contextmanager
def stack_errors(context: click.Context) -> Iterator[None]:
    """Print the message of an EtlError and end the command with UNUSABLE."""
    try:
        yield
    except EtlError as error:
        echo(error.message, err=True)
        context.exit(UNUSABLE)


def deliver_with_progress(
    stack: Stack, findings: Sequence[FindingSummary], at_once: int
) -> Delivery:
    """Send uploads and wait for their final statuses. Raises EtlError."""
    with progress("loading", len(findings)) as show:

        def on_change(delivery: Delivery) -> None:
            refused = sum(delivery.counts[status] for status in REFUSED)
            show(len(delivery.answers), f"({refused:,} refused)" if refused else "")

        return deliver(stack.reconcile, findings, at_once, CLOCK, on_change)
