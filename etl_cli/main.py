"""The command line for those who write schema files: `python -m etl_core plan` shows what an upload would do, before it is made.
The commands of those who operate a stack are in operate.py and replay.py.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from etl_cli.csv_commands import FILE, UNUSABLE, check, infer, read_schema_file
from etl_cli.live_plan import PASSWORD_VARIABLE, USER_VARIABLE, Place, plan_against
from etl_cli.reconcile_commands import rebuild_log, reconcile
from etl_cli.replay_command import replay
from etl_core.model.errors import EtlError, InvalidSchemaFileError, RejectedError
from etl_core.model.table_ref import TableRef, faults_of_names
from etl_core.schema_changes.plan import Plan, make_plan, refused
from etl_core.schema_changes.refusals import refuse_replacement
from etl_core.schema_files.json_schema import schema_file_format
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import as_created, table_of_schema_file

NOTHING, CHANGES, REFUSED, INVALID = 0, 1, 2, 3


class _Group(click.Group):
    """Wrong options do not end like a refused plan, nor does a prompt without an answer end like one with changes."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            error.show()
        except (click.Abort, KeyboardInterrupt):
            click.echo("\nstopped before the end", err=True)
        return ctx.exit(INVALID if ctx.invoked_subcommand == "plan" else UNUSABLE)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Schema files: made from data, checked, and what they would do to a table. Stacks: what was missed, sent again."""


main.add_command(infer)
main.add_command(check)
main.add_command(reconcile)
main.add_command(replay)
main.add_command(rebuild_log)


@main.command()
@click.argument("desired", type=FILE)
@click.option(
    "--actual",
    type=FILE,
    help="The schema file that the table was made by; without it, there is no table yet.",
)
@click.option(
    "--table", default="public.table", show_default=True, help="The table's name, for the SQL."
)
@click.option(
    "--host",
    help=f"Compare with the live table there; {USER_VARIABLE} and {PASSWORD_VARIABLE}, or a prompt.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=5439,
    show_default=True,
    help="The warehouse's port.",
)
@click.option("--database", help="The live table's database.")
@click.option(
    "--ca-file",
    type=FILE,
    help="Certificate authorities for a warehouse whose certificate is not AWS's.",
)
@click.option("--json", "form", flag_value="json", help="As JSON.")
@click.option("--text", "form", flag_value="text", default=True, help="As text (default).")
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
    form: str,
) -> None:
    """Show the statements that the schema file DESIRED would lead to, or why it would be refused. Nothing is changed.

    Exit code: 0 nothing to do, 1 there are changes, 2 refused, 3 a file, an option or the warehouse cannot be used.
    """
    place = _place(host, port, database, ca_file, actual)
    spec, ref = _read(context, desired), _table_ref(database, table)
    if place is None:
        made = _plan_files(None if actual is None else _read(context, actual), spec, ref)
    else:
        made = _plan_live(context, place, spec, ref)
    click.echo(
        json.dumps(as_json(made), indent=2, ensure_ascii=False)
        if form == "json"
        else "\n".join(as_text(made))
    )
    context.exit(exit_code(made))


def _place(
    host: str | None, port: int, database: str | None, ca_file: Path | None, actual: Path | None
) -> Place | None:
    if host is None and database is None:
        return None
    if not host or not database:
        raise click.UsageError("a live table needs both --host and --database")
    if actual is not None:
        raise click.UsageError("--actual and --host both say what the table is; give one of them")
    return Place(host, port, database, ca_file)


def _table_ref(database: str | None, table: str) -> TableRef:
    ref = TableRef.parse(database or "", table)
    for fault in faults_of_names(ref):
        raise click.UsageError(f"--table: {fault}")
    return ref


def _plan_files(in_force: SchemaFile | None, spec: SchemaFile, table: TableRef) -> Plan:
    here = None if in_force is None else table_of_schema_file(as_created(in_force), table)
    made = make_plan(here, table_of_schema_file(spec, table), spec.allowed_changes)
    return refused(made, tuple(refuse_replacement(in_force, spec)))


def _plan_live(context: click.Context, place: Place, spec: SchemaFile, table: TableRef) -> Plan:
    try:
        return plan_against(place, spec, table)
    except EtlError as error:
        click.echo(f"{place.host}:{place.port}/{place.database}: {error.message}", err=True)
        return context.exit(REFUSED if isinstance(error, RejectedError) else INVALID)


@main.command("json-schema")
def json_schema() -> None:
    """Print the JSON Schema of schema files (docs/schema-file.schema.json)."""
    click.echo(json.dumps(schema_file_format(), indent=2))


def exit_code(made: Plan) -> int:
    """Tells a script whether there is something to do."""
    if made.refusals:
        return REFUSED
    return CHANGES if made.statements else NOTHING


def as_text(made: Plan) -> Sequence[str]:
    """The plan as people read it, a statement a line."""
    if made.refusals:
        return [f"refused: {refusal}" for refusal in dict.fromkeys(map(str, made.refusals))]
    lines = [
        f"{one.sql};  -- {'' if one.transactional else 'autocommit, '}{one.change_class}: {one.why}"
        for one in made.statements
    ]
    return lines or ["nothing to do: the table is what the schema file says"]


def as_json(made: Plan) -> dict[str, Any]:
    """The plan as scripts read it."""
    return {
        "result": {NOTHING: "nothing", CHANGES: "changes", REFUSED: "refused"}[exit_code(made)],
        "statements": [
            {
                "sql": one.sql,
                "why": one.why,
                "class": str(one.change_class),
                "transactional": one.transactional,
            }
            for one in made.statements
        ],
        "refusals": [
            {"message": refusal.message, "detail": refusal.detail, "hint": refusal.hint}
            for refusal in made.refusals
        ],
    }


def _read(context: click.Context, path: Path) -> SchemaFile:
    try:
        return read_schema_file(path)
    except OSError as error:
        click.echo(f"{path}: cannot be read: {error.strerror}", err=True)
        return context.exit(INVALID)
    except InvalidSchemaFileError as error:
        for line in error.details or (error.message,):
            click.echo(f"{path}: {line}", err=True)
        return context.exit(INVALID)
