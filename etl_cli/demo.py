"""`etl demo`: start a separate cloud, upload files, and show the results.

It succeeds only if every upload ends with the expected status and every table has the expected
number of rows.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg2.errors
from rich.console import Group
from rich.live import Live
from rich.rule import Rule
from rich.spinner import Spinner

from etl_cli import display
from etl_cli.client import Client
from etl_cli.console import DataConsole, DataTable, cell, cell_of_lines
from etl_cli.demo_uploads import (
    DATA_COMMAND,
    DATA_PACKAGE,
    DATABASE,
    USER_TABLE,
    Act,
    DemoData,
    DemoUpload,
)
from etl_cli.terminal import to_json
from local_cloud import lifecycle
from local_cloud.cloud import LocalCloud
from local_cloud.state import StateDir
from local_cloud.tcp_ports import free_port

ACT_SECONDS = 120
POLL_SECONDS = 0.25
IN_PROGRESS = "received"

Entry = Mapping[str, Any]


@dataclass
class Progress:
    """The uploads so far: their times in monotonic seconds and their latest log entries."""

    uploads: list[DemoUpload] = field(default_factory=list)
    started: dict[str, float] = field(default_factory=dict)
    finished: dict[str, float] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)

    def upload(self, client: Client, upload: DemoUpload) -> None:
        self.uploads.append(upload)
        self.started[upload.key] = time.monotonic()
        client.put_bytes(upload.content, upload.key)

    def pending_tables(self) -> list[str]:
        return sorted({upload.table for upload in self.uploads if upload.key not in self.finished})

    def update(self, entries: Sequence[Entry]) -> None:
        """Record the log entries."""
        for entry in entries:
            key = entry["s3_key"]
            self.entries[key] = entry
            if entry["status"] != IN_PROGRESS:
                self.finished.setdefault(key, time.monotonic())

    def faults(self) -> list[str]:
        """Return the uploads that did not end as expected, each with the reason."""
        return [
            fault
            for upload in self.uploads
            for fault in _faults(upload, self.entries.get(upload.key))
        ]


def _faults(upload: DemoUpload, entry: Entry | None) -> list[str]:
    if entry is None:
        return [f"{upload.key}: the log has no entry"]
    if entry["status"] != upload.status:
        return [
            f"{upload.key}: {entry['status']} instead of {upload.status} "
            f"{' '.join(display.reasons_of(entry))}".strip()
        ]
    if upload.rows is not None and entry.get("rows_loaded") != upload.rows:
        return [f"{upload.key}: {entry.get('rows_loaded')} rows loaded instead of {upload.rows}"]
    return []


def run_demo(console: DataConsole, state: StateDir, *, keep: bool) -> int:
    """Run the demo and leave its cloud running if `keep`.

    Return the exit code: 0 if everything ended as expected.
    """
    began = time.monotonic()
    data = DemoData.find()
    if data.folder is None:
        console.print(
            f"the package {DATA_PACKAGE} is not installed: the demo uses only the example files; "
            f"for the flight data run: {DATA_COMMAND}",
            soft_wrap=True,
        )
    with state.lock():
        lifecycle.clean_up(state)
        with console.status("starting the AWS server and the emulator, deploying the program"):
            running = LocalCloud.start(
                state.root, free_port(), free_port(), outlives_us=keep, notify=console.print
            )
        try:
            seconds, resources = running.seconds["all"], len(running.deployment.resources)
            console.print(
                f"started and deployed in {seconds:.1f} s: {resources} resources, "
                "all on the loopback address"
            )
            faults = _perform(console, running, data)
        finally:
            running.leave_running() if keep else running.stop()
    _conclude(console, faults, time.monotonic() - began)
    if keep:
        console.print(display.describe_usage(running.outputs, state), soft_wrap=True)
    return 1 if faults else 0


def _perform(console: DataConsole, running: LocalCloud, data: DemoData) -> list[str]:
    client, progress = Client(running.outputs, running.aws), Progress()
    for act in data.acts():
        _perform_act(console, client, progress, act)
        if progress.pending_tables():
            break  # the next acts need its tables
    console.print(Rule("log entries"))
    console.print(_outcome_table(progress))
    row_counts = {name: _count(client, name) for name in data.expected_rows()}
    console.print(Rule("rows in the warehouse"))
    console.print(_row_table(row_counts, data.expected_rows()))
    console.print(Rule("one request to the log API"))
    _show_api(console, client)
    return progress.faults() + _row_faults(row_counts, data.expected_rows())


def _perform_act(console: DataConsole, client: Client, progress: Progress, act: Act) -> None:
    """Upload the act's files and show their status.

    Return when every status is final or ACT_SECONDS have passed.
    """
    deadline = time.monotonic() + ACT_SECONDS
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        for upload in act.uploads:
            progress.upload(client, upload)
            live.update(_render(act, progress))
        while (pending := progress.pending_tables()) and time.monotonic() < deadline:
            for table in pending:
                progress.update(client.log_entries(table))
                live.update(_render(act, progress))
            time.sleep(POLL_SECONDS)
    console.print(_render(act, progress))


def _render(act: Act, progress: Progress) -> Group:
    table = DataTable.grid(padding=(0, 2))
    for upload in act.uploads:
        if upload.key not in progress.started:
            continue
        end = progress.finished.get(upload.key)
        status = progress.entries.get(upload.key, {}).get("status", "uploaded")
        mark = (
            Spinner("dots", cell(status, "yellow"))
            if end is None
            else display.describe_status(status)
        )
        seconds = (end or time.monotonic()) - progress.started[upload.key]
        table.add_row("", mark, upload.key, cell(f"{seconds:.1f} s", "dim"))
    return Group(cell(act.title, "bold"), table)


def _outcome_table(progress: Progress) -> DataTable:
    table = DataTable("upload", "status", "rows", "seconds", "reason")
    table.columns[0].no_wrap = True
    for column in (2, 3):
        table.columns[column].justify = "right"
    for upload in progress.uploads:
        entry = progress.entries.get(upload.key, {})
        seconds = progress.finished.get(upload.key, time.monotonic()) - progress.started[upload.key]
        table.add_row(
            upload.key,
            display.describe_status(str(entry.get("status", "no entry"))),
            display.describe_number(entry.get("rows_loaded")),
            f"{seconds:.1f}",
            cell_of_lines(display.reasons_of(entry)),
        )
    return table


def _count(client: Client, table: str) -> int:
    """Return the number of rows of a table, 0 if it does not exist."""
    try:
        return int(client.sql(DATABASE, f"select count(*) from {table}").rows[0][0])  # noqa: S608 - our own table names
    except psycopg2.errors.UndefinedTable:
        return 0


def _row_table(row_counts: Mapping[str, int], expected: Mapping[str, int]) -> DataTable:
    table = DataTable("table", "rows", "rows in the last data files")
    for column in (1, 2):
        table.columns[column].justify = "right"
    for name, rows in row_counts.items():
        style = "green" if rows == expected[name] else "red"
        table.add_row(name, cell(f"{rows:,}", style), f"{expected[name]:,}")
    return table


def _row_faults(row_counts: Mapping[str, int], expected: Mapping[str, int]) -> list[str]:
    return [
        f"{name}: {rows} rows instead of {expected[name]}"
        for name, rows in row_counts.items()
        if rows != expected[name]
    ]


def _show_api(console: DataConsole, client: Client) -> None:
    parameters = {"table_name": USER_TABLE, "status": "rejected"}
    console.print(
        f"GET {client.log_url(parameters)}\nx-api-key: {client.outputs.api_key}",
        style="dim",
        highlight=False,
    )
    console.print(to_json(client.log_page(parameters)))


def _conclude(console: DataConsole, faults: Sequence[str], seconds: float) -> None:
    if faults:
        console.print(display.describe_errors(faults))
    verdict = (
        "every upload ended as expected"
        if not faults
        else f"{len(faults)} results are not as expected"
    )
    style = "bold green" if not faults else "bold red"
    console.print(cell(f"{verdict}; {seconds:.1f} s in total", style))
