"""`reconcile`, `replay` and `rebuild-log`: what the operator of a stack asks of it. The work is done by the stack's own functions.

For checkouts only, as cli.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from etl_core.adapters.stack import Stack, StackError, open_stack
from etl_core.errors import EtlError, LoadFailedError
from etl_core.lake_key import split_table_name
from etl_core.listed import parse_moment
from etl_core.names import faults_of_name, faults_of_schema
from etl_core.operate import Clock, Delivery, Survey, ask_patiently, deliver, pages, survey
from etl_core.operate_display import answers_table, findings_table, progress, reasons, states_table
from etl_core.reconcile_run import GRACE_SECONDS

DONE, LEFT, UNUSABLE = 0, 1, 2
_REFUSED = ("rejected", "failed")
_CLOCK = Clock()


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


def _options(command: Callable[..., None]) -> Callable[..., None]:
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


def _moment(context: click.Context, parameter: click.Parameter, text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_moment(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no time; write a UTC time such as 2026-11-22T09:30:00Z, or a day"
        ) from None


def _table(context: click.Context, parameter: click.Parameter, name: str | None) -> str | None:
    if name is None:
        return None
    schema, table = split_table_name(name)
    for fault in (*faults_of_schema(schema), *faults_of_name(table, "table")):
        raise click.BadParameter(fault)
    return f"{schema}.{table}"


_scope_options = (
    click.option("--database", help="Only this database."),
    click.option("--table", callback=_table, help="Only this table: `table` or `schema.table`."),
)


def _scoped(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_scope_options):
        command = option(command)
    return command


@click.command()
@_scoped
@click.option("--since", callback=_moment, help="Only what landed since; a UTC time or day.")
@click.option("--current-only", is_flag=True, help="Only the current version of each object.")
@click.option("--dry-run", is_flag=True, help="Tell what would be sent; change nothing.")
@click.option(
    "--grace",
    type=click.IntRange(min=0),
    default=GRACE_SECONDS,
    show_default=True,
    help="Leave alone what landed or was loaded so many seconds ago: it is under way.",
)
@click.option(
    "--at-once", type=click.IntRange(1, 1000), default=100, show_default=True, help="Uploads under way at once."
)
@_options
@click.pass_context
def reconcile(
    context: click.Context,
    database: str | None,
    table: str | None,
    since: datetime | None,
    current_only: bool,  # noqa: FBT001 - click names them
    dry_run: bool,  # noqa: FBT001
    grace: int,
    at_once: int,
    outputs: Path,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Find the uploads that the pipeline missed and send them through it, in landed order; complete the log from the ledger.

    Also for a bucket that already had files. What is in the ledger is never sent.

    Exit code: 0 every version is answered for; 1 there is something to send (dry run), an upload was refused or has no answer yet, or
    a table could not be compared; 2 an option or the stack cannot be used.
    """
    reply = Reply(context, as_json)
    scope = {
        "database": database,
        "table": table,
        "since": since.isoformat() if since else None,
        "current_only": current_only,
    }
    request = {"scope": scope, "grace_seconds": grace, "dry_run": dry_run}
    with _faults_of_stack(context):
        stack = open_stack(outputs)
        found = _survey(stack, request)
        made = Delivery() if dry_run else _deliver(stack, found.to_send, at_once)
    if dry_run and found.findings:
        reply.show(findings_table(sorted(found.findings, key=lambda each: (each["landed_at"], each["key"]))))
    reply.show(states_table(found.counts))
    if found.to_send and not dry_run:
        reply.show(answers_table(made.counts, len(made.unanswered)), *reasons(made.answers))
    left = found.findings if dry_run else [*made.unanswered, *_left(found, made)]
    reply.end(
        LEFT if left else DONE,
        counts=found.counts,
        findings=found.findings,
        answers=made.answers,
        unanswered=made.unanswered,
    )


def _left(found: Survey, made: Delivery) -> list[dict[str, Any]]:
    """What still wants somebody's attention."""
    not_compared = [each for each in found.findings if each["state"] == "not compared"]
    return not_compared + [answer for answer in made.answers if answer["status"] in _REFUSED]


def _survey(stack: Stack, request: dict[str, Any]) -> Survey:
    with progress("comparing") as shown:
        return survey(
            stack.reconcile,
            request,
            _CLOCK,
            lambda made: shown(sum(made.counts.values()), f"({len(made.findings):,} found)"),
        )


def _deliver(stack: Stack, uploads: list[dict[str, Any]], at_once: int) -> Delivery:
    with progress("loading", len(uploads)) as shown:

        def show(made: Delivery) -> None:
            refused = sum(made.counts[status] for status in _REFUSED)
            shown(len(made.answers), f"({refused:,} refused)" if refused else "")

        return deliver(stack.reconcile, uploads, at_once, _CLOCK, show)


@click.command()
@click.option("--key", help="An upload's key: db_name/action/table_name/file.")
@click.option("--version-id", help="The upload's version; default: the key's newest.")
@_scoped
@click.option("--dry-run", is_flag=True, help="Of a table: tell what would be loaded; change nothing.")
@click.option(
    "--accept-counts", is_flag=True, help="Of a table: commit also if other rows come out than the ledger says."
)
@_options
@click.pass_context
def replay(
    context: click.Context,
    key: str | None,
    version_id: str | None,
    database: str | None,
    table: str | None,
    dry_run: bool,  # noqa: FBT001 - click names them
    accept_counts: bool,  # noqa: FBT001
    outputs: Path,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Send one upload (--key) through the pipeline again, after the cause of its refusal was mended; or rebuild a table (--table,
    --database) from the lake, in place: its readers see the rows before or after, never in between.

    Exit code: 0 it succeeded; 1 it did not, or a replay would change nothing; 2 an option or the stack cannot be used.
    """
    reply = Reply(context, as_json)
    if key is not None and table is None and database is None and not dry_run and not accept_counts:
        _replay_upload(reply, key, version_id, outputs)
    elif key is None and version_id is None and table is not None and database is not None:
        request = {"database": database, "table": table, "dry_run": dry_run, "accept_counts": accept_counts}
        _replay_table(reply, request, outputs)
    else:
        raise click.UsageError("give either --key, with or without --version-id, or --table and --database")


def _replay_table(reply: Reply, request: dict[str, Any], outputs: Path) -> None:
    with _faults_of_stack(reply.context), progress(f"rebuilding {request['table']}"):
        tables = open_stack(outputs).tables
        try:
            made = ask_patiently(tables, {"kind": "replay", **request}, _CLOCK)
        except LoadFailedError as error:
            reply.show(error.message)
            reply.end(LEFT, reason=error.message)
    size = f"{made['files']:,} files, {made['bytes']:,} bytes, in {made['copies']:,} COPY"
    if made["rows"] is None:
        reply.show(
            f"{request['table']} would be rebuilt from {size}; the ledger tells of {made['rows_expected']:,} rows"
        )
    else:
        reply.show(f"{request['table']} was rebuilt from {size}: {made['rows']:,} rows")
    reply.end(DONE, **made)


def _replay_upload(reply: Reply, key: str, version_id: str | None, outputs: Path) -> None:
    with _faults_of_stack(reply.context):
        stack = open_stack(outputs)
        versions = ask_patiently(stack.reconcile, {"kind": "key", "key": key}, _CLOCK)["findings"]
        upload = _choose(versions, key, version_id)
        reason = _why_not(upload)
        if reason is not None:
            reply.show(reason)
            reply.end(LEFT, reason=reason, upload=upload)
        made = _deliver(stack, [upload], 1)
    reply.show(answers_table(made.counts, len(made.unanswered)), *reasons(made.answers))
    refused = [answer for answer in made.answers if answer["status"] in _REFUSED]
    reply.end(LEFT if refused or made.unanswered else DONE, answers=made.answers, unanswered=made.unanswered)


def _choose(versions: list[dict[str, Any]], key: str, version_id: str | None) -> dict[str, Any]:
    """The version that is meant; S3 lists the newest first. Raises StackError."""
    chosen = [each for each in versions if version_id in (None, each["version"])]
    if not chosen:
        known = ", ".join(each["version"] for each in versions) or "none"
        wanted = "" if version_id is None else f" of version {version_id!r}"
        raise StackError(f"the lake holds no object {key!r}{wanted}; its versions are: {known}")
    return chosen[0]


def _why_not(upload: dict[str, Any]) -> str | None:
    """Why sending it again would change nothing."""
    where = f"{upload['key']!r} (version {upload['version']})"
    if upload["state"] == "under way" and upload["status"] in (None, "received"):
        return f"{where} is under way; wait for its answer"
    if upload["status"] == "superseded":
        return f"{where} is superseded by what landed later: a replay would find the same. Upload it again if its rows are wanted"
    if upload["status"] in ("loaded", "applied", "unchanged"):
        return (
            f"{where} is {upload['status']} already: a replay would be a duplicate and change nothing. Upload the file again to load it "
            "twice, or replay its table to rebuild it from the lake"
        )
    return None


@click.command("rebuild-log")
@_scoped
@click.option("--dry-run", is_flag=True, help="Tell what is missing; write nothing.")
@_options
@click.pass_context
def rebuild_log(
    context: click.Context,
    database: str | None,
    table: str | None,
    dry_run: bool,  # noqa: FBT001 - click names them
    outputs: Path,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Write the log entries that the ledgers' rows lack. An entry that has the ledger's answer is left as it is.

    Exit code: 0 done; 1 entries are missing (dry run), or a ledger could not be read; 2 an option or the stack cannot be used.
    """
    reply = Reply(context, as_json)
    request = {"kind": "log_page", "scope": {"database": database, "table": table}, "dry_run": dry_run}
    rows, missing, busy = 0, list[Any](), list[str]()
    with _faults_of_stack(context), progress("reading ledgers") as shown:
        for page in pages(open_stack(outputs).reconcile, request, _CLOCK):
            rows, missing, busy = rows + page["rows"], missing + page["missing"], busy + page["busy"]
            shown(rows, page.get("ledger") or "")
    wrote = "entries are missing in the log" if dry_run else "entries written"
    reply.show(f"{rows:,} ledger rows; {len(missing):,} {wrote}")
    reply.show(*(f"{each}: not read, it is locked by a load; run again later" for each in busy))
    reply.end(LEFT if busy or (dry_run and missing) else DONE, rows=rows, missing=missing, busy=busy)


@contextmanager
def _faults_of_stack(context: click.Context) -> Iterator[None]:
    """What is wrong with the stack, or with the way to it, is told in words."""
    try:
        yield
    except EtlError as error:
        click.echo(f"{error.message}", err=True)
        context.exit(UNUSABLE)
