"""Tables and texts that the commands print, made with rich."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.panel import Panel

from etl_cli.client import Answer
from etl_cli.console import DataTable, cell, cell_of_lines
from etl_cli.demo_uploads import EXAMPLES
from local_cloud.outputs import Outputs
from local_cloud.state import DEFAULT_STATE, IS_CHECKOUT, StateDir

_SHOWN_DETAILS = 5

STYLES = {
    "loaded": "green",
    "applied": "green",
    "unchanged": "cyan",
    "duplicate": "cyan",
    "superseded": "cyan",
    "ignored": "cyan",
    "received": "yellow",
    "rejected": "red",
    "failed": "red",
    "unknown": "magenta",
}


def describe_usage(outputs: Outputs, state: StateDir) -> RenderableType:
    """Return commands for this cloud, ready to be copied."""
    command = ".venv/bin/etl" if IS_CHECKOUT else "etl"
    option = "" if state.root == DEFAULT_STATE else f" --stack {state.outputs}"
    examples = "examples" if IS_CHECKOUT else str(EXAMPLES)
    where, database = outputs.warehouse, outputs.warehouse.databases[0]
    keys = f"access key {outputs.access_key_id}, secret {outputs.secret_access_key}"
    sections = {
        "upload (the schema file first, then data)": [
            f"{command} put{option} {examples}/user_data/schema.json {database}/schema/user_data/",
            f"{command} put{option} {examples}/user_data/users.csv {database}/append/user_data/",
            f"or with any S3 client: bucket {outputs.lake_bucket}, "
            f"endpoint {outputs.aws_endpoint_url},",
            f"region {outputs.region}, {keys}",
        ],
        "see the result": [
            f"{command} logs{option} user_data",
            f"curl -H 'x-api-key: {outputs.api_key}' '{outputs.api_url}/logs?table_name=user_data'",
        ],
        f"query the warehouse (databases {', '.join(where.databases)})": [
            f"{command} sql{option} {database} 'select count(*) from user_data'",  # noqa: S608
            f"or with any PostgreSQL client: host {where.host}, port {where.port}, "
            f"user {where.user}, sslmode require,",
            f"the password is in {state.outputs}",
        ],
        "stop": [f"{command} down{option}"],
    }
    text = cell("the local cloud is up", "bold green")
    for title, lines in sections.items():
        text.append("\n").append_text(cell(title, "bold"))
        for line in lines:
            text.append("\n").append_text(cell(f"  {line}", "not bold default"))
    return text.append("\n")


def describe_entries(entries: Iterable[Mapping[str, Any]]) -> DataTable:
    """Return log entries as a table: each upload, its status and the reason."""
    table = DataTable("arrived", "upload", "status", "rows", "ms", "reason", show_lines=False)
    for entry in entries:
        table.add_row(
            str(entry.get("landed_timestamp", "")),
            str(entry.get("s3_key", "")),
            describe_status(str(entry.get("status", ""))),
            describe_number(entry.get("rows_loaded")),
            describe_number(entry.get("duration_ms")),
            cell_of_lines(reasons_of(entry)),
        )
    return table


def describe_status(status: str) -> RenderableType:
    return cell(status, style=STYLES.get(status, ""))


def describe_number(value: Any) -> str:
    return "" if value is None else f"{int(value):,}"


def reasons_of(entry: Mapping[str, Any]) -> list[str]:
    """Return the error's message and the details that it does not contain, or the warnings.

    Empty without both.
    """
    error = entry.get("error")
    if not error:
        return [f"warning: {warning_text(each)}" for each in entry.get("warnings") or ()]
    message = str(error["message"])
    details = [str(each) for each in error.get("details", ()) if str(each) not in message]
    more = len(details) - _SHOWN_DETAILS
    rest = [f"and {more:,} more; --json lists all"] if more > 0 else []
    return [message, *details[:_SHOWN_DETAILS], *rest]


def warning_text(warning: Any) -> str:
    """Return a warning as one text. Entries of earlier versions have texts."""
    if not isinstance(warning, Mapping):
        return str(warning)
    message, hint = str(warning.get("message", "")), str(warning.get("hint") or "")
    return message if not hint or hint in message else f"{message}. {hint}"


def describe_answer(answer: Answer) -> DataTable:
    table = DataTable(*answer.columns)
    for row in answer.rows:
        table.add_row(*(_cell(value) for value in row))
    return table


def _cell(value: Any) -> RenderableType:
    return cell("null", "dim") if value is None else cell(value)


def describe_errors(lines: Sequence[str]) -> Panel:
    return Panel(cell_of_lines(lines), title="failed", border_style="red", expand=False)
