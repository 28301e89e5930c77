"""`reconcile` and `rebuild-log`: what the operator of a stack asks of it. The work is done by the stack's own functions."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from etl_cli.recovery_client import Delivery, Survey, pages, survey
from etl_cli.recovery_display import answers_table, findings_table, progress, reasons, states_table
from etl_cli.stack import Stack, open_stack
from etl_cli.stack_options import (
    CLOCK,
    DONE,
    LEFT,
    REFUSED,
    Reply,
    deliver_with_progress,
    faults_of_stack,
    scoped,
    stack_options,
)
from etl_core.model.object_versions import parse_moment
from etl_core.recovery.reconcile_run import GRACE_SECONDS


def _moment(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> datetime | None:
    try:
        return None if text is None else parse_moment(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is no time; write a UTC time such as 2026-11-22T09:30:00Z, or a day"
        ) from None


@click.command()
@scoped
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
    "--at-once",
    type=click.IntRange(1, 1000),
    default=100,
    show_default=True,
    help="Uploads under way at once.",
)
@stack_options
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
    with faults_of_stack(context):
        stack = open_stack(outputs)
        found = _survey(stack, request)
        made = Delivery() if dry_run else deliver_with_progress(stack, found.to_send, at_once)
    if dry_run and found.findings:
        reply.show(
            findings_table(
                sorted(found.findings, key=lambda each: (each["landed_at"], each["key"]))
            )
        )
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
    return not_compared + [answer for answer in made.answers if answer["status"] in REFUSED]


def _survey(stack: Stack, request: dict[str, Any]) -> Survey:
    with progress("comparing") as shown:
        return survey(
            stack.reconcile,
            request,
            CLOCK,
            lambda made: shown(sum(made.counts.values()), f"({len(made.findings):,} found)"),
        )


@click.command("rebuild-log")
@scoped
@click.option("--dry-run", is_flag=True, help="Tell what is missing; write nothing.")
@stack_options
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
    request = {
        "kind": "log_page",
        "scope": {"database": database, "table": table},
        "dry_run": dry_run,
    }
    rows, missing, busy = 0, list[Any](), list[str]()
    with faults_of_stack(context), progress("reading ledgers") as shown:
        for page in pages(open_stack(outputs).reconcile, request, CLOCK):
            rows, missing, busy = (
                rows + page["rows"],
                missing + page["missing"],
                busy + page["busy"],
            )
            shown(rows, page.get("ledger") or "")
    wrote = "entries are missing in the log" if dry_run else "entries written"
    reply.show(f"{rows:,} ledger rows; {len(missing):,} {wrote}")
    reply.show(*(f"{each}: not read, it is locked by a load; run again later" for each in busy))
    reply.end(
        LEFT if busy or (dry_run and missing) else DONE, rows=rows, missing=missing, busy=busy
    )
