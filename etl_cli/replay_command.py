"""`replay`: one upload sent again, or a table rebuilt from the lake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from etl_cli.recovery_client import ask_patiently
from etl_cli.recovery_display import answers_table, progress, reasons
from etl_cli.stack import open_stack
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
from etl_core.model.errors import LoadFailedError, StackError


@click.command()
@click.option("--key", help="An upload's key: db_name/action/table_name/file.")
@click.option("--version-id", help="The upload's version; default: the key's newest.")
@scoped
@click.option(
    "--dry-run", is_flag=True, help="Of a table: tell what would be loaded; change nothing."
)
@click.option(
    "--accept-counts",
    is_flag=True,
    help="Of a table: commit also if other rows come out than the ledger says.",
)
@stack_options
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
        request = {
            "database": database,
            "table": table,
            "dry_run": dry_run,
            "accept_counts": accept_counts,
        }
        _replay_table(reply, request, outputs)
    else:
        raise click.UsageError(
            "give either --key, with or without --version-id, or --table and --database"
        )


def _replay_table(reply: Reply, request: dict[str, Any], outputs: Path) -> None:
    with faults_of_stack(reply.context), progress(f"rebuilding {request['table']}"):
        tables = open_stack(outputs).tables
        try:
            made = ask_patiently(tables, {"kind": "replay", **request}, CLOCK)
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
    with faults_of_stack(reply.context):
        stack = open_stack(outputs)
        versions = ask_patiently(stack.reconcile, {"kind": "key", "key": key}, CLOCK)["findings"]
        upload = _choose(versions, key, version_id)
        reason = _why_not(upload)
        if reason is not None:
            reply.show(reason)
            reply.end(LEFT, reason=reason, upload=upload)
        made = deliver_with_progress(stack, [upload], 1)
    reply.show(answers_table(made.counts, len(made.unanswered)), *reasons(made.answers))
    refused = [answer for answer in made.answers if answer["status"] in REFUSED]
    reply.end(
        LEFT if refused or made.unanswered else DONE,
        answers=made.answers,
        unanswered=made.unanswered,
    )


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
