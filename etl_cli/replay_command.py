"""The command `replay`: send one upload or all refused ones again, or rebuild a table from the lake."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from etl_cli.options import stack_options
from etl_cli.progress import progress
from etl_cli.recovery_client import ask_with_retries
from etl_cli.recovery_display import (
    delivery_json,
    delivery_table,
    finding_json,
    reasons,
)
from etl_cli.replay_failed import replay_failed
from etl_cli.stack import open_stack
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
from etl_core.model.errors import LoadFailedError, StackError
from etl_core.model.status import REFUSED, Status
from etl_core.model.table_ref import TableRef
from etl_core.recovery.messages import (
    UPLOAD_LOADED_BEFORE,
    UPLOAD_NOT_FOUND,
    UPLOAD_NOT_IN_LEDGER,
    UPLOAD_SUPERSEDED,
    UPLOAD_UNDER_WAY,
    UPLOAD_VERSION_NOT_FOUND,
)
from etl_core.recovery.reconcile import Scope, State
from etl_core.recovery.reconcile_requests import FindingSummary, KeyRequest
from etl_core.recovery.tables_requests import ReplayRequest
from etl_core.recovery.wire import to_json


@click.command()
@click.option("--key", help="The upload's key: db_name/action/table_name/file.")
@click.option("--version-id", help="The upload's version; default: the newest one of the key.")
@click.option(
    "--failed", is_flag=True, help="All rejected and failed uploads whose cause may be gone."
)
@scope_options
@since_option
@click.option(
    "--dry-run",
    is_flag=True,
    help="For a table or --failed: show what would be loaded; change nothing.",
)
@click.option(
    "--accept-counts",
    is_flag=True,
    help="For a table: commit even if the row counts differ from the ledger's.",
)
@stack_options
@click.pass_context
def replay(
    context: click.Context,
    key: str | None,
    version_id: str | None,
    failed: bool,  # noqa: FBT001 - click names them
    database: str | None,
    table: str | None,
    since: datetime | None,
    dry_run: bool,  # noqa: FBT001
    accept_counts: bool,  # noqa: FBT001
    stack: StackSource,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Send one upload (--key) or all refused ones (--failed) through the pipeline again, or rebuild
    a table (--database, --table) from the lake.

    Send an upload again after you have removed the cause of its refusal. --failed sends, in arrival
    order, the current version of every object that was rejected or failed; --database, --table and
    --since limit it, and --dry-run shows them by reason. A file that was uploaded again under
    another name would be loaded twice. A table is rebuilt in place: its readers see the rows before
    or after.

    Exit code: 0 it succeeded, or nothing is to be sent; 1 it did not succeed, would change nothing,
    or there are uploads to send (--failed --dry-run); 2 an option or the stack cannot be used.
    """
    reply = Reply(context, as_json)
    of_table = table is not None or database is not None
    if failed and key is None and version_id is None and not accept_counts:
        replay_failed(reply, Scope(since, database, table), stack, dry_run=dry_run)
    elif failed or since is not None:
        raise click.UsageError(
            "--failed can be combined with --database, --table, --since and --dry-run; --since needs --failed"
        )
    elif key is not None and not of_table and not dry_run and not accept_counts:
        _replay_upload(reply, key, version_id, stack)
    elif key is None and version_id is None and table is not None and database is not None:
        request = ReplayRequest(
            table=TableRef.parse(database, table), dry_run=dry_run, accept_counts=accept_counts
        )
        _replay_table(reply, request, stack)
    else:
        raise click.UsageError(
            "give --key, with or without --version-id, or --failed, or --database and --table"
        )


def _replay_table(reply: Reply, request: ReplayRequest, stack: StackSource) -> None:
    table = request.table
    with stack_errors(reply.context), progress(f"rebuilding {table}"):
        tables = open_stack(stack).tables
        try:
            result = ask_with_retries(tables, request, CLOCK)
        except LoadFailedError as error:
            reply.show(error.message)
            reply.end(LEFT, reason=error.message)
    size = f"{result.files:,} files, {result.bytes:,} bytes, in {result.copies:,} COPY"
    if result.rows is None:
        reply.show(
            f"{table} would be rebuilt from {size}; the ledger records {result.rows_expected:,} rows"
        )
    else:
        reply.show(f"{table} was rebuilt from {size}: {result.rows:,} rows")
    reply.end(DONE, **to_json(result))


def _replay_upload(reply: Reply, key: str, version_id: str | None, stack: StackSource) -> None:
    with stack_errors(reply.context):
        opened = open_stack(stack)
        findings = ask_with_retries(opened.reconcile, KeyRequest(key=key), CLOCK).findings
        finding = _choose(findings, key, version_id)
        reason = _why_not(finding)
        if reason is not None:
            reply.show(reason)
            reply.end(LEFT, reason=reason, upload=finding_json(finding))
        delivery = deliver_with_progress(opened, [finding], 1)
    reply.show(delivery_table(delivery), *reasons(delivery.answers))
    is_refused = any(answer.status in REFUSED for answer in delivery.answers)
    reply.end(LEFT if is_refused or delivery.open_count else DONE, **delivery_json(delivery))


def _choose(findings: Sequence[FindingSummary], key: str, version_id: str | None) -> FindingSummary:
    """Return the finding of the version; of the newest one without `version_id`.

    Raises StackError.
    """
    if not findings:
        raise StackError(UPLOAD_NOT_FOUND(key=key))
    for finding in findings:
        if version_id in (None, finding.version):
            return finding
    versions = ", ".join(finding.version for finding in findings)
    raise StackError(UPLOAD_VERSION_NOT_FOUND(key=key, version=version_id, versions=versions))


def _why_not(finding: FindingSummary) -> str | None:
    """Return why a replay would change nothing; None if it may."""
    key, version, status = finding.upload.key, finding.version, finding.status
    if finding.state is State.UNDER_WAY and status in (None, Status.RECEIVED):
        return UPLOAD_UNDER_WAY(key=key, version=version)
    if finding.state is State.NOT_IN_LEDGER:
        return UPLOAD_NOT_IN_LEDGER(key=key, version=version, status=status)
    if status is Status.SUPERSEDED:
        return UPLOAD_SUPERSEDED(key=key, version=version)
    if status in (Status.LOADED, Status.APPLIED, Status.UNCHANGED):
        return UPLOAD_LOADED_BEFORE(key=key, version=version, status=status)
    return None
