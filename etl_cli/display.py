"""Tables and texts that the commands print, made with rich."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.panel import Panel

from etl_cli.console import DataTable, cell, cell_of_lines
from etl_cli.demo_uploads import EXAMPLES
from etl_cli.sql_command import Answer
from local_cloud.outputs import Outputs
from local_cloud.state import DEFAULT_STATE, IS_CHECKOUT, StateDir

_SHOWN_DETAILS = 5

STYLES = {
    "loaded": "green",
    "applied": "green",
    "unchanged": "cyan",
    "duplicate": "cyan",
    "superseded": "cyan",
    "received": "yellow",
    "ignored": "cyan",
    "rejected": "red",
    "failed": "red",
    "unknown": "magenta",
}
_FRESHNESS_STYLES = {"fresh": "green", "stale": "yellow", "never loaded": "yellow"}
TABLE_WIDTH = 100
"""A narrower terminal shows one block for each upload, because a table would cut its columns."""


def describe_usage(outputs: Outputs, state: StateDir) -> RenderableType:
    """Return commands for this cloud, ready to be copied."""
    command = ".venv/bin/etl" if IS_CHECKOUT else "etl"
    option = "" if state.root == DEFAULT_STATE else f" --stack {state.outputs}"
    examples = "examples" if IS_CHECKOUT else str(EXAMPLES)
    where, database = outputs.warehouse, outputs.warehouse.databases[0]
    keys = f"access key {outputs.access_key_id}, secret {outputs.secret_access_key}"
    sections = {
        "upload (the schema file first, then data)": [
            f"{command} put{option} {examples}/user_data/schema.json user_data --wait",
            f"{command} put{option} {examples}/user_data/users.csv user_data --wait",
            f"or with any S3 client: bucket {outputs.lake_bucket}, "
            f"endpoint {outputs.aws_endpoint_url},",
            f"region {outputs.region}, {keys}",
        ],
        "see the result": [
            f"{command} logs{option}",
            f"{command} ui{option}",
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


def describe_entry(entry: Mapping[str, Any]) -> RenderableType:
    """Return a log entry as a block: status and key, then what is known, one line each."""
    text = cell("")
    status = str(entry.get("status", ""))
    text.append_text(cell(status, STYLES.get(status, "")))
    text.append_text(cell(f" {entry.get('s3_key', '')}", "bold"))
    facts = [str(entry.get("landed_timestamp", ""))]
    if entry.get("rows_loaded") is not None:
        facts.append(f"{describe_number(entry['rows_loaded'])} rows")
    if entry.get("rows_quarantined"):
        facts.append(f"{describe_number(entry['rows_quarantined'])} in quarantine")
    if entry.get("duration_ms") is not None:
        facts.append(f"{describe_number(entry['duration_ms'])} ms")
    if entry.get("upload_id"):
        facts.append(str(entry["upload_id"]))
    for line in (", ".join(facts), *_warnings_of(entry), *reasons_of(entry)):
        text.append("\n  ").append_text(cell(line))
    return text


def _warnings_of(entry: Mapping[str, Any]) -> list[str]:
    warnings = entry.get("warnings") or ()
    return [f"warning: {_warning_text(each)}" for each in warnings]


def _warning_text(warning: Any) -> str:
    """Return a warning's message. Entries of older versions have texts."""
    return str(warning.get("message", "")) if isinstance(warning, Mapping) else str(warning)


def describe_upload(entry: Mapping[str, Any]) -> RenderableType:
    """Return everything that the log knows about an upload, one field a line."""
    text = cell("")
    hidden = ("error", "warnings", "statements")
    names = [name for name in entry if name not in hidden]
    width = max(map(len, names), default=0)
    for name in names:
        style = STYLES.get(str(entry[name]), "") if name == "status" else ""
        text.append_text(cell(f"{name:{width}}  ", "dim")).append_text(cell(entry[name], style))
        text.append("\n")
    error = entry.get("error") or {}
    for name, value in error.items():
        values = value if isinstance(value, list) else [value]
        for each in values:
            text.append_text(cell(f"{'error.' + name:{width}}  ", "dim"))
            text.append_text(cell(each, "red" if name == "message" else "")).append("\n")
    texts = {
        "warnings": list(map(_warning_text, entry.get("warnings") or ())),
        "statements": entry.get("statements") or (),
    }
    for name, lines in texts.items():
        for each in lines:
            text.append_text(cell(f"{name:{width}}  ", "dim")).append_text(cell(each)).append("\n")
    return text


def describe_tables(tables: Iterable[Mapping[str, Any]], *, is_wide: bool) -> RenderableType:
    """Return the tables: as a table, or one block each."""
    rows = [_table_facts(table) for table in tables]
    if is_wide:
        shown = DataTable(
            "table", "fresh", "last upload", "status", "last load", "rows, 30 days", "refused"
        )
        for name, fresh, last, status, *rest in rows:
            style = _FRESHNESS_STYLES.get(fresh, "")
            shown.add_row(name, cell(fresh, style), last, describe_status(status), *rest)
        return shown
    text = cell("")
    for name, fresh, last, status, loaded_at, loaded, refused in rows:
        text.append_text(cell(name, "bold")).append(" ")
        text.append_text(cell(fresh, _FRESHNESS_STYLES.get(fresh, ""))).append("\n  ")
        text.append_text(cell(status, STYLES.get(status, "")))
        line = f" at {last}; last load {loaded_at or 'none'}; {loaded} rows, {refused} refused"
        text.append_text(cell(line)).append("\n")
    return text


def _table_facts(table: Mapping[str, Any]) -> tuple[str, str, str, str, str, str, str]:
    last, load = table.get("last_upload") or {}, table.get("last_load") or {}
    totals = table["last_30_days"]
    return (
        f"{table['database']}.{table['schema']}.{table['table_name']}",
        str(table.get("freshness", "")).replace("_", " "),
        str(last.get("landed_timestamp", "")),
        str(last.get("status", "")),
        str(load.get("loaded_timestamp") or load.get("landed_timestamp") or ""),
        describe_number(totals["rows"]),
        describe_number(totals["rejected"] + totals["failed"]),
    )


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
