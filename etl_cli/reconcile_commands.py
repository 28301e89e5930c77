"""The commands `reconcile` and `rebuild-log`. The stack's own functions do the work."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import datetime

import click

from etl_cli.options import stack_options
from etl_cli.progress import progress
from etl_cli.recovery_client import (
    Comparison,
    Delivery,
    ask_with_retries,
    compare_lake,
    in_arrival_order,
    pages,
)
from etl_cli.recovery_display import (
    NEEDS_OPERATOR,
    delivery_json,
    delivery_table,
    finding_json,
    findings_table,
    reasons,
    states_table,
    statuses_table,
)
from etl_cli.stack import Stack, open_stack
from etl_cli.stack_options import (
    CLOCK,
    DONE,
    LEFT,
    Reply,
    deliver_with_progress,
    scope_options,
    since_option,
    stack_errors,
)
from etl_cli.stack_outputs import StackSource
from etl_core.model.lake_key import KeyParts, describe_key
from etl_core.model.status import REFUSED
from etl_core.model.upload import Upload
from etl_core.recovery.reconcile import Scope, State
from etl_core.recovery.reconcile_requests import (
    ADOPTED_AT_ONCE,
    GRACE_SECONDS,
    Adopted,
    AdoptRequest,
    LogPageRequest,
    MissingEntry,
    PageRequest,
)
from etl_core.recovery.wire import to_json


@click.command()
@scope_options
@since_option
@click.option("--current-only", is_flag=True, help="Only the current version of each object.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent; change nothing.")
@click.option(
    "--adopt",
    is_flag=True,
    help="Write ledger rows of uploads that the log calls loaded, the ledger does not know, and whose rows "
    "are in the table.",
)
@click.option(
    "--grace",
    type=click.IntRange(min=0),
    metavar="N",
    default=GRACE_SECONDS,
    show_default=True,
    help="Skip uploads newer than N seconds.",
)
@click.option(
    "--at-once",
    type=click.IntRange(1, 1000),
    metavar="N",
    default=100,
    show_default=True,
    help="Send at most N uploads at a time.",
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
    adopt: bool,  # noqa: FBT001
    grace: int,
    at_once: int,
    stack: StackSource,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Find uploads that the pipeline missed, send them in arrival order, and complete the log from the ledgers.

    Works also for a bucket that already had files. An upload that is in a ledger is never sent.
    Use --adopt only after a look at the tables: docs/how-to/operate.md, uploads that the ledger does
    not know.

    Exit code: 0 every version has its final status; 1 something is left: uploads to send (dry run),
    refused uploads, uploads without a final status, uploads that the ledger does not know, or a
    table that could not be compared; 2 an option or the stack cannot be used.
    """
    reply = Reply(context, as_json)
    request = PageRequest(
        scope=Scope(since, database, table, current_only), grace_seconds=grace, dry_run=dry_run
    )
    with stack_errors(context):
        opened = open_stack(stack)
        comparison = _compare(opened, request)
        adopted = _adopt(opened, comparison) if adopt and not dry_run else Adopted(0)
        if adopted.adopted:
            comparison = _compare(opened, request)
        delivery = (
            Delivery() if dry_run else deliver_with_progress(opened, comparison.to_send, at_once)
        )
    _show(reply, comparison, None if dry_run else delivery)
    if adopt and not dry_run:
        reply.show(f"{adopted.adopted:,} uploads adopted by their ledgers", *adopted.refused)
    is_left = bool(comparison.findings) if dry_run else _is_left(comparison, delivery)
    reply.end(
        LEFT if is_left or comparison.damaged else DONE,
        counts={str(state): count for state, count in comparison.counts.items()},
        statuses={str(status): count for status, count in sorted(comparison.statuses.items())},
        findings=[finding_json(finding) for finding in comparison.findings],
        damaged=list(comparison.damaged),
        **({"adopted": adopted.adopted, "not_adopted": adopted.refused} if adopt else {}),
        **delivery_json(delivery),
    )


def _compare(stack: Stack, request: PageRequest) -> Comparison:
    with progress("comparing") as show:

        def on_page(so_far: Comparison) -> None:
            show(so_far.counts.total(), f"({len(so_far.findings):,} found)")

        return compare_lake(stack.reconcile, request, CLOCK, on_page)


def _adopt(stack: Stack, comparison: Comparison) -> Adopted:
    """Have the ledgers adopt the uploads that they do not know, table by table."""
    findings = [each for each in comparison.findings if each.state is State.NOT_IN_LEDGER]
    tables: dict[KeyParts, list[Upload]] = defaultdict(list)
    for each in in_arrival_order(findings):
        tables[replace(describe_key(each.upload.key), action=None)].append(each.upload)
    adopted, refused = 0, list[str]()
    for uploads in tables.values():
        for first in range(0, len(uploads), ADOPTED_AT_ONCE):
            request = AdoptRequest(uploads=tuple(uploads[first : first + ADOPTED_AT_ONCE]))
            answer = ask_with_retries(stack.reconcile, request, CLOCK)
            adopted, refused = adopted + answer.adopted, [*refused, *answer.refused]
    return Adopted(adopted, tuple(refused))


def _show(reply: Reply, comparison: Comparison, delivery: Delivery | None) -> None:
    shown = [
        each for each in comparison.findings if delivery is None or each.state in NEEDS_OPERATOR
    ]
    if shown:
        reply.show(findings_table(in_arrival_order(shown)))
    reply.show(states_table(comparison.counts))
    if comparison.statuses:
        reply.show(statuses_table(comparison.statuses))
    reply.show(*comparison.damaged)
    if delivery is not None and comparison.to_send:
        reply.show(delivery_table(delivery), *reasons(delivery.answers))


def _is_left(comparison: Comparison, delivery: Delivery) -> bool:
    """Return whether somebody has to act."""
    return (
        delivery.open_count > 0
        or any(
            finding.state in (State.NOT_COMPARED, *NEEDS_OPERATOR)
            for finding in comparison.findings
        )
        or any(answer.status in REFUSED for answer in delivery.answers)
    )


@click.command("rebuild-log")
@scope_options
@click.option("--dry-run", is_flag=True, help="Show what is missing; write nothing.")
@stack_options
@click.pass_context
def rebuild_log(
    context: click.Context,
    database: str | None,
    table: str | None,
    dry_run: bool,  # noqa: FBT001 - click names them
    stack: StackSource,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Write the log entries of ledger rows. An entry that already has the ledger's status is not changed.

    Exit code: 0 done; 1 entries are missing (dry run), or a ledger could not be read; 2 an option
    or the stack cannot be used.
    """
    reply = Reply(context, as_json)
    request = LogPageRequest(scope=Scope(database=database, table=table), dry_run=dry_run)
    rows, missing, busy, damaged = 0, list[MissingEntry](), list[str](), dict[str, None]()
    with stack_errors(context), progress("reading ledgers") as show:
        for page in pages(open_stack(stack).reconcile, request, CLOCK):
            rows += page.rows
            missing += page.missing
            busy += page.busy
            damaged |= dict.fromkeys(each.message for each in page.damaged)
            show(rows, page.ledger or "")
    result = "entries are missing in the log" if dry_run else "entries written"
    reply.show(f"{rows:,} ledger rows; {len(missing):,} {result}")
    reply.show(*(f"{each}: not read, a load has locked it; run again later" for each in busy))
    reply.show(*damaged)
    reply.end(
        LEFT if busy or damaged or (dry_run and missing) else DONE,
        rows=rows,
        missing=[to_json(entry) for entry in missing],
        busy=busy,
        damaged=list(damaged),
    )
