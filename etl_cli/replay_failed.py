"""`etl replay --failed`: send the rejected and failed uploads again whose cause may be gone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from etl_cli.console import DataTable
from etl_cli.progress import progress
from etl_cli.recovery_client import in_arrival_order, pages
from etl_cli.recovery_display import (
    MAX_ROWS,
    delivery_json,
    delivery_table,
    finding_json,
    reasons,
)
from etl_cli.stack import Stack, open_stack
from etl_cli.stack_options import CLOCK, DONE, LEFT, Reply, deliver_with_progress, stack_errors
from etl_cli.stack_outputs import StackSource
from etl_core.model.status import REFUSED, Status
from etl_core.recovery.reconcile import Scope, State
from etl_core.recovery.reconcile_requests import (
    FindingSummary,
    Prospect,
    RefusedRequest,
    RefusedUpload,
)
from etl_core.recovery.wire import Json

Reason = tuple[Prospect, Status, str]
"""What the uploads of one line of the dry run share; the last part is the error's type."""
AT_ONCE = 100


def replay_failed(reply: Reply, scope: Scope, stack: StackSource, *, dry_run: bool) -> None:
    """Send what may load now, in arrival order, and wait; a dry run shows all refused uploads by reason."""
    with stack_errors(reply.context):
        opened = open_stack(stack)
        refused = _read(opened, scope)
        to_send = [each for each in refused if each.prospect is Prospect.MAY_LOAD]
        if dry_run or not to_send:
            _show(reply, refused, to_send)
            is_left = bool(to_send)
            reply.end(LEFT if is_left else DONE, reasons=_reasons_json(refused), answers=[])
        findings = in_arrival_order(map(_finding, to_send))
        delivery = deliver_with_progress(opened, findings, AT_ONCE)
    reply.show(delivery_table(delivery), *reasons(delivery.answers))
    is_left = delivery.open_count > 0 or any(each.status in REFUSED for each in delivery.answers)
    reply.end(LEFT if is_left else DONE, reasons=_reasons_json(refused), **delivery_json(delivery))


def _read(stack: Stack, scope: Scope) -> list[RefusedUpload]:
    refused: list[RefusedUpload] = []
    with progress("looking for refused uploads") as show:
        for page in pages(stack.reconcile, RefusedRequest(scope=scope), CLOCK):
            refused += page.refused
            show(len(refused), "found")
    return refused


def _finding(refused: RefusedUpload) -> FindingSummary:
    return FindingSummary(State.RECORDED, refused.status, refused.version, refused.upload)


def by_reason(refused: Iterable[RefusedUpload]) -> Mapping[Reason, Sequence[RefusedUpload]]:
    """Return the uploads by reason: what will be sent first, then the most frequent reason."""
    groups: dict[Reason, list[RefusedUpload]] = defaultdict(list)
    for each in refused:
        groups[each.prospect, each.status, each.error.type].append(each)
    order = list(Prospect)
    ranked = sorted(
        groups.items(), key=lambda group: (order.index(group[0][0]), -len(group[1]), group[0])
    )
    return {reason: sorted(group, key=lambda each: each.upload.order) for reason, group in ranked}


def _show(reply: Reply, refused: Sequence[RefusedUpload], to_send: Sequence[RefusedUpload]) -> None:
    if refused:
        reply.show(reasons_table(refused))
    what = "upload was" if len(refused) == 1 else "uploads were"
    reply.show(f"{len(refused):,} {what} refused; {len(to_send):,} would be sent again")


def reasons_table(refused: Iterable[RefusedUpload]) -> DataTable:
    """Return one line for each reason, with the first upload that has it."""
    table = DataTable("uploads", "status", "error", "sent again", "first upload", "its reason")
    groups = by_reason(refused)
    for (prospect, status, error), group in list(groups.items())[:MAX_ROWS]:
        sent = "yes" if prospect is Prospect.MAY_LOAD else f"no: {prospect}"
        first = group[0]
        table.add_row(f"{len(group):,}", status, error, sent, first.upload.key, first.error.message)
    return table


def _reasons_json(refused: Iterable[RefusedUpload]) -> list[Json]:
    return [
        {
            "status": status,
            "error": error,
            "sent": prospect is Prospect.MAY_LOAD,
            "prospect": prospect,
            "uploads": [
                finding_json(_finding(each)) | {"message": each.error.message} for each in group
            ],
        }
        for (prospect, status, error), group in by_reason(refused).items()
    ]
