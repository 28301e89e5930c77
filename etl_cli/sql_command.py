"""`etl sql`: one statement in the warehouse."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import click

from etl_cli.command_errors import plain_errors
from etl_cli.log_commands import say_stack
from etl_cli.options import stack_options
from etl_cli.stack_outputs import StackSource, need
from etl_cli.terminal import echo_lines, to_json


@dataclass(frozen=True)
class Answer:
    """The result of a query."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@click.command()
@click.argument("database")
@click.argument("statement")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@stack_options
@plain_errors
def sql(
    database: str,
    statement: str,
    as_csv: bool,  # noqa: FBT001 - click passes flags as booleans
    stack: StackSource,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Run the SQL STATEMENT in DATABASE of the warehouse, and commit it.

    The login of a deployed stack is REDSHIFT_USER and REDSHIFT_PASSWORD, or a prompt. A result that
    is wider than the terminal is shown in a pager.

    Exit code: 0 done, 1 the statement failed or the warehouse cannot be reached, 2 an option cannot
    be used.
    """
    login = login_of(stack.read(), stack)
    say_stack(stack)
    answer = run_statement(login, database, statement)
    if as_json:
        content = {"columns": answer.columns, "rows": answer.rows}
        echo_lines(to_json(content, default=str))
    elif as_csv:
        echo_lines(_to_csv(answer))
    else:
        _print_table(answer)


def _to_csv(answer: Answer) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([answer.columns, *answer.rows] if answer.columns else [])
    return text.getvalue().removesuffix("\n")


def _print_table(answer: Answer) -> None:
    from rich.measure import Measurement

    from etl_cli import display
    from etl_cli.console import make_console

    console = make_console()
    table = display.describe_answer(answer)
    width = Measurement.get(console, console.options.update(max_width=10_000), table).maximum
    if console.is_terminal and width > console.width:
        console.width = width
        with console.pager(styles=False):
            console.print(table)
    else:
        console.print(table)


def login_of(outputs: Mapping[str, Any], stack: StackSource) -> dict[str, Any]:
    """Return the arguments of psycopg2.connect: for a local cloud, or from the environment or a prompt."""
    local = outputs.get("warehouse")
    if isinstance(local, dict):
        known = {name: local.get(name) for name in ("host", "port", "user", "password")}
        return {**known, "sslmode": "require"}
    import sqlalchemy_redshift

    from etl_cli.live_plan import PASSWORD_VARIABLE, USER_VARIABLE

    bundle = os.path.join(os.path.dirname(sqlalchemy_redshift.__file__), "redshift-ca-bundle.crt")  # noqa: PTH118, PTH120
    return {
        "host": need(outputs, "warehouse_host", stack),
        "port": need(outputs, "warehouse_port", stack),
        "user": os.environ.get(USER_VARIABLE) or click.prompt("User", err=True),
        "password": os.environ.get(PASSWORD_VARIABLE)
        or click.prompt("Password", hide_input=True, err=True),
        "sslmode": "verify-full",
        "sslrootcert": bundle,
    }


def run_statement(
    login: Mapping[str, Any], database: str, statement: str, values: Any = ()
) -> Answer:
    """Run one statement, commit it, and return its result. Raises psycopg2.Error."""
    import psycopg2

    connection = psycopg2.connect(**login, dbname=database)
    with closing(connection), connection, connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        if cursor.description is None:
            return Answer((), ())
        return Answer(tuple(column.name for column in cursor.description), tuple(cursor.fetchall()))
