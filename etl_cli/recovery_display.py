"""What the recovery commands print: tables and lines for people, JSON for scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from etl_cli.console import DataTable
from etl_cli.recovery_client import Delivery
from etl_core.model.status import REFUSED, Status
from etl_core.recovery.reconcile import TO_SEND, State
from etl_core.recovery.reconcile_requests import Answer, FindingSummary
from etl_core.recovery.wire import Json, to_json

MAX_ROWS = 40
_TO_DO = {
    Status.REJECTED: "etl logs --failed shows why; correct the file and upload it again",
    Status.FAILED: "etl logs --failed shows why; etl replay --failed loads it again",
    Status.UNKNOWN: "it may be in its table: reconcile settles it, do not upload it again",
    Status.RECEIVED: "wait: it has no final status yet",
}
NEEDS_OPERATOR = (State.LEDGER_DAMAGED, State.NOT_IN_LEDGER)
"""No run of reconcile ends these states."""
_MEANING = {
    State.NEVER_SEEN: "neither in the ledger nor in the log: reconcile sends it",
    State.STUCK: "received or unknown, and its execution has ended: reconcile sends it again",
    State.UNLOGGED: "in the ledger, but without a final status in the log: reconcile writes its entry",
    State.UNDER_WAY: "it has just arrived or was just loaded, or its execution is running",
    State.NOT_COMPARED: "a load of its table has locked the ledger: run reconcile again later",
    State.LEDGER_DAMAGED: "its table's ledger is damaged: restore it, then run reconcile again",
    State.NOT_IN_LEDGER: "the log says loaded, its table's ledger does not know it: look at the table "
    "before anything is loaded again (docs/how-to/operate.md, uploads that the ledger does not know)",
    State.RECORDED: "its final status is in the log",
}


def findings_table(findings: Sequence[FindingSummary]) -> DataTable:
    """Return the first findings, one per line."""
    table = DataTable("arrived", "upload", "version", "finding")
    for each in findings[:MAX_ROWS]:
        upload = each.upload
        table.add_row(upload.landed_timestamp, upload.key, each.version, each.state)
    if len(findings) > MAX_ROWS:
        table.add_row("...", f"and {len(findings) - MAX_ROWS:,} more; --json lists all", "", "")
    return table


def states_table(counts: Mapping[State, int]) -> DataTable:
    """Return the number of versions in each state, and what the state means."""
    table = DataTable("versions", "state", "meaning")
    for state, meaning in _MEANING.items():
        if counts.get(state):
            style = "bold" if state in (*TO_SEND, *NEEDS_OPERATOR) else ""
            table.add_row(f"{counts[state]:,}", state, meaning, style=style)
    return table


def statuses_table(statuses: Mapping[Status, int]) -> DataTable:
    """Return the number of versions with each status before anything was sent, and what to do."""
    table = DataTable("versions", "status", "what to do")
    for status in Status:
        if statuses.get(status):
            style = "bold" if status in REFUSED else ""
            table.add_row(f"{statuses[status]:,}", status, _TO_DO.get(status, ""), style=style)
    return table


def delivery_table(delivery: Delivery) -> DataTable:
    """Return the number of uploads with each final status."""
    table = DataTable("uploads", "status")
    for status, count in sorted(delivery.counts.items()):
        table.add_row(f"{count:,}", status)
    if delivery.open_count:
        table.add_row(f"{delivery.open_count:,}", "no final status yet; run reconcile again later")
    return table


def reasons(answers: Sequence[Answer]) -> Iterator[str]:
    """Yield why uploads were rejected or failed, or are unknown, one per line."""
    refused = [answer for answer in answers if answer.status in REFUSED]
    for answer in refused[:MAX_ROWS]:
        message = "" if answer.error is None else answer.error.message
        yield f"{answer.s3_key}: {answer.status}: {message}"
    if len(refused) > MAX_ROWS:
        yield f"... and {len(refused) - MAX_ROWS:,} more; the log has all of them"


def finding_json(finding: FindingSummary) -> Json:
    """Return a finding for `--json`: one flat object."""
    fields = to_json(finding)
    upload: Json = fields.pop("upload")
    upload.pop("bucket")
    return fields | upload


def delivery_json(delivery: Delivery) -> Json:
    """Return a delivery for `--json`."""
    return {
        "answers": [answer_json(answer) for answer in delivery.answers],
        "unanswered": [
            *(to_json(sent) for sent in delivery.unanswered),
            *(finding_json(finding) for finding in delivery.not_sent),
        ],
    }


def answer_json(answer: Answer) -> Json:
    """Return a log entry for `--json`, without the fields that it does not have."""
    return {name: value for name, value in to_json(answer).items() if value is not None}
