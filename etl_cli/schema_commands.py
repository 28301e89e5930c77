"""`plan` and `json-schema`: the effect of a schema file, and the format of schema files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from etl_cli import terminal
from etl_cli.csv_commands import FILE, read_schema_file
from etl_cli.live_plan import (
    PASSWORD_VARIABLE,
    USER_VARIABLE,
    LiveDatabase,
    local_ca_file,
    plan_live,
)
from etl_cli.options import json_option
from etl_cli.terminal import echo, echo_lines
from etl_core.model.errors import EtlError, InvalidSchemaFileError, RejectedError
from etl_core.model.function_settings import DEFAULT_REBUILD_MAX_ROWS
from etl_core.model.table_ref import TableRef, faults_of_names
from etl_core.schema_changes.plan import Plan, make_plan, refused
from etl_core.schema_changes.refusals import refuse_replacement
from etl_core.schema_files.json_schema import schema_file_format
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import as_created, table_of_schema_file

NOTHING, CHANGES, REFUSED, UNUSABLE = 0, 1, 2, 3


@click.command()
@click.argument("desired", type=FILE)
@click.option(
    "--actual", type=FILE, help="The schema file that is in force now. Default: no table exists."
)
@click.option(
    "--table", default="public.table", show_default=True, help="The table's name in the statements."
)
@click.option(
    "--host",
    help="Compare with the table in this warehouse. "
    f"The login is {USER_VARIABLE} and {PASSWORD_VARIABLE}, or a prompt.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=5439,
    show_default=True,
    help="The warehouse's port.",
)
@click.option("--database", help="The table's database in the warehouse.")
@click.option(
    "--ca-file",
    type=FILE,
    help="Certificate authorities for a warehouse without an AWS certificate. The local cloud's are "
    "found.",
)
@click.option(
    "--rebuild-max-rows",
    type=click.IntRange(0),
    default=DEFAULT_REBUILD_MAX_ROWS,
    show_default=True,
    help="The stack's setting rebuildMaxRows, for a comparison with a live table.",
)
@json_option
@click.pass_context
def plan(
    context: click.Context,
    desired: Path,
    actual: Path | None,
    table: str,
    host: str | None,
    port: int,
    database: str | None,
    ca_file: Path | None,
    rebuild_max_rows: int,
    as_json: bool,  # noqa: FBT001 - click passes flags as booleans
) -> None:
    """Show the statements that an upload of the schema file DESIRED would run. Change nothing.

    If the upload would be refused, show the reasons instead.

    Exit code: 0 nothing to do, 1 changes, 2 refused, 3 a file, an option or the warehouse cannot be
    used.
    """
    live = _live_database(host, port, database, ca_file, actual)
    spec, ref = _read(context, desired), _table_ref(database, table)
    if live is None:
        planned = _plan_files(None if actual is None else _read(context, actual), spec, ref)
    else:
        planned = _plan_live(context, live, spec, ref, rebuild_max_rows)
    if as_json:
        echo_lines(terminal.to_json(to_json(planned)))
    else:
        for line in to_text(planned):
            echo(line)
    context.exit(exit_code(planned))


def _live_database(
    host: str | None, port: int, database: str | None, ca_file: Path | None, actual: Path | None
) -> LiveDatabase | None:
    if host is None and database is None:
        return None
    if not host or not database:
        raise click.UsageError(
            "a comparison with a live table needs both --host and --database; give both or neither"
        )
    if actual is not None:
        raise click.UsageError("--actual and --host both define the present table; give only one")
    return LiveDatabase(host, port, database, ca_file or local_ca_file(host, port))


def _table_ref(database: str | None, table: str) -> TableRef:
    ref = TableRef.parse(database or "", table)
    for fault in faults_of_names(ref):
        raise click.UsageError(f"--table: {fault}")
    return ref


def _plan_files(in_force: SchemaFile | None, spec: SchemaFile, table: TableRef) -> Plan:
    actual = None if in_force is None else table_of_schema_file(as_created(in_force), table)
    planned = make_plan(actual, table_of_schema_file(spec, table), spec.allowed_changes)
    return refused(planned, tuple(refuse_replacement(in_force, spec)))


def _plan_live(
    context: click.Context,
    live: LiveDatabase,
    spec: SchemaFile,
    table: TableRef,
    rebuild_max_rows: int,
) -> Plan:
    try:
        return plan_live(live, spec, table, rebuild_max_rows)
    except EtlError as error:
        echo(f"{live.host}:{live.port}/{live.database}: {error.message}", err=True)
        return context.exit(REFUSED if isinstance(error, RejectedError) else UNUSABLE)


def exit_code(planned: Plan) -> int:
    """Return the exit code of a plan."""
    if planned.refusals:
        return REFUSED
    return CHANGES if planned.statements else NOTHING


def to_text(planned: Plan) -> Sequence[str]:
    """Return the plan as lines, one statement, refusal or warning each."""
    warnings = [f"warning: {warning}" for warning in planned.warnings]
    if planned.refusals:
        refusals = [f"refused: {refusal}" for refusal in dict.fromkeys(map(str, planned.refusals))]
        return [*refusals, *warnings]
    lines = [
        f"{each.sql};  -- {'' if each.transactional else 'autocommit, '}"
        f"{each.change_class}: {each.why}"
        for each in planned.statements
    ]
    return [*(lines or ["nothing to do: the table matches the schema file"]), *warnings]


def to_json(planned: Plan) -> dict[str, Any]:
    """Return the plan as a JSON object."""
    return {
        "result": {NOTHING: "nothing", CHANGES: "changes", REFUSED: "refused"}[exit_code(planned)],
        "statements": [
            {
                "sql": each.sql,
                "why": each.why,
                "class": str(each.change_class),
                "transactional": each.transactional,
            }
            for each in planned.statements
        ],
        "refusals": [asdict(refusal) for refusal in planned.refusals],
        "warnings": list(planned.warnings),
    }


def _read(context: click.Context, path: Path) -> SchemaFile:
    try:
        return read_schema_file(path)
    except OSError as error:
        echo(f"{path}: cannot be read: {error.strerror}", err=True)
        return context.exit(UNUSABLE)
    except InvalidSchemaFileError as error:
        for line in error.details or (error.message,):
            echo(f"{path}: {line}", err=True)
        return context.exit(UNUSABLE)


@click.command("json-schema")
def json_schema() -> None:
    """Print the JSON Schema of schema files (docs/schema-file.schema.json).

    Exit code: 0.
    """
    echo_lines(terminal.to_json(schema_file_format()))
