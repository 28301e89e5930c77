"""The command line for those who write schema files: `python -m etl_core plan` shows what an upload would do, before it is made.

For checkouts only: no handler imports this module, so that click need not be in the functions' layer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from etl_core.errors import InvalidSchemaFileError
from etl_core.json_schema import schema_file_format
from etl_core.lake_key import split_table_name
from etl_core.plan import Plan, make_plan
from etl_core.schema_file import SchemaFile
from etl_core.tables import as_created, table_of_schema_file

NOTHING, CHANGES, REFUSED, INVALID = 0, 1, 2, 3
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _Group(click.Group):
    """Wrong options do not end like a refused plan."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            error.show()
            ctx.exit(INVALID)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Schema files: what they would do to a table."""


@main.command()
@click.argument("desired", type=_FILE)
@click.option(
    "--actual", type=_FILE, help="The schema file that the table was made by; without it, there is no table yet."
)
@click.option("--table", default="public.table", show_default=True, help="The table's name, for the SQL.")
@click.option("--json", "form", flag_value="json", help="As JSON.")
@click.option("--text", "form", flag_value="text", default=True, help="As text (default).")
@click.pass_context
def plan(context: click.Context, desired: Path, actual: Path | None, table: str, form: str) -> None:
    """Show the statements that the schema file DESIRED would lead to, or why it would be refused.

    Exit code: 0 nothing to do, 1 there are changes, 2 refused, 3 a file or an option is not valid.
    """
    schema, name = split_table_name(table)
    here = None if actual is None else table_of_schema_file(as_created(_read(context, actual)), schema, name)
    spec = _read(context, desired)
    made = make_plan(here, table_of_schema_file(spec, schema, name), spec.allowed_changes)
    click.echo(json.dumps(as_json(made), indent=2, ensure_ascii=False) if form == "json" else "\n".join(as_text(made)))
    context.exit(exit_code(made))


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
        f"{one.sql};  -- {'' if one.transactional else 'alone, '}{one.change_class}: {one.why}"
        for one in made.statements
    ]
    return lines or ["nothing to do: the table is what the schema file says"]


def as_json(made: Plan) -> dict[str, Any]:
    """The plan as scripts read it."""
    return {
        "result": {NOTHING: "nothing", CHANGES: "changes", REFUSED: "refused"}[exit_code(made)],
        "statements": [
            {"sql": one.sql, "why": one.why, "class": str(one.change_class), "transactional": one.transactional}
            for one in made.statements
        ],
        "refusals": [
            {"found": refusal.found, "rule": refusal.rule, "way_out": refusal.way_out} for refusal in made.refusals
        ],
    }


def _read(context: click.Context, path: Path) -> SchemaFile:
    try:
        return SchemaFile.parse(path.read_bytes())
    except InvalidSchemaFileError as error:
        for line in error.details or (error.message,):
            click.echo(f"{path}: {line}", err=True)
        return context.exit(INVALID)
