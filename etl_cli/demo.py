"""`make demo`: starts a cloud of its own, drops real files, and shows what became of them.

It succeeds only if every upload ended as it must, and every table holds the rows that it must hold.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg2.errors
from rich.console import Console, Group
from rich.live import Live
from rich.rule import Rule
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from etl_cli import display
from etl_cli.client import Client
from etl_cli.demo_uploads import DATABASE, FLIGHT_TABLES, USER_TABLE, Act, DemoData, DemoUpload
from local_cloud import cloud
from local_cloud.cloud import LocalCloud
from local_cloud.state import DEFAULT_STATE, StateDir
from local_cloud.tcp_ports import free_port

DEMO_STATE = DEFAULT_STATE / "demo"
ACT_SECONDS = 120
POLL_SECONDS = 0.25
UNDER_WAY = "received"

Entry = Mapping[str, Any]


@dataclass
class Course:
    """How far the demo is: the uploads so far, when each was dropped and answered, and the log's last word on each."""

    uploads: list[DemoUpload] = field(default_factory=list)
    dropped: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)

    def drop(self, client: Client, upload: DemoUpload) -> None:
        self.uploads.append(upload)
        self.dropped[upload.key] = time.monotonic()
        client.put_bytes(upload.content, upload.key)

    def pending_tables(self) -> list[str]:
        return sorted({upload.table for upload in self.uploads if upload.key not in self.answered})

    def hear(self, entries: Sequence[Entry]) -> None:
        """Take in what the log says."""
        for entry in entries:
            key = entry["s3_key"]
            self.entries[key] = entry
            if entry["status"] != UNDER_WAY:
                self.answered.setdefault(key, time.monotonic())

    def faults(self) -> list[str]:
        """What did not end as it must."""
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
            f"{upload.key}: {entry['status']} instead of {upload.status} {display.describe_reason(entry)}".strip()
        ]
    if upload.rows is not None and entry.get("rows_loaded") != upload.rows:
        return [f"{upload.key}: {entry.get('rows_loaded')} rows loaded instead of {upload.rows}"]
    return []


def run_demo(console: Console, *, keep: bool) -> int:
    """Run the demo, and leave its cloud running if `keep`. Returns the exit code: 0 if everything ended as it must."""
    began = time.monotonic()
    state, data = StateDir(DEMO_STATE), DemoData.find()
    with state.lock():
        cloud.clean_up(state)
        with console.status("starting AWS and Redshift on this machine, deploying the program"):
            running = LocalCloud.start(state.root, free_port(), free_port(), outlives_us=keep)
        try:
            seconds, resources = running.seconds["all"], len(running.deployment.resources)
            console.print(
                f"started and deployed in {seconds:.1f} s: {resources} resources, all on the loopback address"
            )
            faults = _perform(console, running, data)
        finally:
            running.leave_running() if keep else running.stop()
    _conclude(console, faults, time.monotonic() - began)
    if keep:
        console.print(display.describe_usage(running.outputs, state), soft_wrap=True)
    return 1 if faults else 0


def _perform(console: Console, running: LocalCloud, data: DemoData) -> list[str]:
    client, course = Client(running.outputs, running.aws), Course()
    for act in data.acts():
        _perform_act(console, client, course, act)
        if course.pending_tables():
            break  # what follows builds on it
    console.print(Rule("what the log says"))
    console.print(_outcome_table(course))
    counted = {name: _count(client, name) for name in (USER_TABLE, *FLIGHT_TABLES)}
    console.print(Rule("what the warehouse holds"))
    console.print(_row_table(counted, data.expected_rows()))
    console.print(Rule("one question to the API"))
    _show_api(console, client)
    return course.faults() + _row_faults(counted, data.expected_rows())


def _perform_act(console: Console, client: Client, course: Course, act: Act) -> None:
    """Drop the act's files and show their way until each has its answer, or the time is over."""
    deadline = time.monotonic() + ACT_SECONDS
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        for upload in act.uploads:
            course.drop(client, upload)
            live.update(_progress(act, course))
        while (pending := course.pending_tables()) and time.monotonic() < deadline:
            for table in pending:
                course.hear(client.log_entries(table))
                live.update(_progress(act, course))
            time.sleep(POLL_SECONDS)
    console.print(_progress(act, course))


def _progress(act: Act, course: Course) -> Group:
    table = Table.grid(padding=(0, 2))
    for upload in act.uploads:
        if upload.key not in course.dropped:
            continue
        end = course.answered.get(upload.key)
        status = course.entries.get(upload.key, {}).get("status", "uploaded")
        mark = (
            Spinner("dots", Text(str(status), style="yellow"))
            if end is None
            else display.describe_status(status)
        )
        seconds = (end or time.monotonic()) - course.dropped[upload.key]
        table.add_row("", mark, Text(upload.key), Text(f"{seconds:.1f} s", style="dim"))
    return Group(Text(act.title, style="bold"), table)


def _outcome_table(course: Course) -> Table:
    table = Table("upload", "status", "rows", "seconds", "reason")
    table.columns[0].no_wrap = True
    for column in (2, 3):
        table.columns[column].justify = "right"
    for upload in course.uploads:
        entry = course.entries.get(upload.key, {})
        seconds = course.answered.get(upload.key, time.monotonic()) - course.dropped[upload.key]
        table.add_row(
            Text(upload.key),
            display.describe_status(str(entry.get("status", "no answer"))),
            display.describe_number(entry.get("rows_loaded")),
            f"{seconds:.1f}",
            Text(display.describe_reason(entry)),
        )
    return table


def _count(client: Client, table: str) -> int:
    """The rows of a table; none if it does not exist."""
    try:
        return int(client.sql(DATABASE, f"select count(*) from {table}").rows[0][0])  # noqa: S608 - names of our own
    except psycopg2.errors.UndefinedTable:
        return 0


def _row_table(counted: Mapping[str, int], expected: Mapping[str, int]) -> Table:
    table = Table("table", "rows", "rows in the last data files")
    for column in (1, 2):
        table.columns[column].justify = "right"
    for name, rows in counted.items():
        style = "green" if rows == expected[name] else "red"
        table.add_row(name, Text(f"{rows:,}", style=style), f"{expected[name]:,}")
    return table


def _row_faults(counted: Mapping[str, int], expected: Mapping[str, int]) -> list[str]:
    return [
        f"{name}: {rows} rows instead of {expected[name]}"
        for name, rows in counted.items()
        if rows != expected[name]
    ]


def _show_api(console: Console, client: Client) -> None:
    parameters = {"table_name": USER_TABLE, "status": "failed"}
    console.print(
        f"GET {client.log_url(parameters)}\nx-api-key: {client.outputs.api_key}",
        style="dim",
        highlight=False,
    )
    console.print_json(data=client.log_page(parameters))


def _conclude(console: Console, faults: Sequence[str], seconds: float) -> None:
    if faults:
        console.print(display.describe_errors(faults))
    verdict = (
        "every upload ended as it must"
        if not faults
        else f"{len(faults)} of the outcomes are wrong"
    )
    style = "bold green" if not faults else "bold red"
    console.print(Text(f"{verdict}; {seconds:.1f} s in all", style=style))
