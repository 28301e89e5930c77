"""The uploads of one table that were received and have no answer yet, besides the one in hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from etl_core.loading.ledger import Decision, LedgerRow, Proceed, Superseded, decide
from etl_core.loading.load_context import LoadContext
from etl_core.model.errors import RejectedError, ThrottledError
from etl_core.model.lake_key import Action, LakeKey
from etl_core.model.retry_policies import MAX_LOG_READ_ATTEMPTS
from etl_core.model.upload import Upload


@dataclass(frozen=True)
class PendingUpload:
    """One of them, its key understood."""

    upload: Upload
    key: LakeKey


def read_pending(load: LoadContext) -> list[PendingUpload]:
    """What the log shows as waiting for the load's table.

    Raises ThrottledError. After MAX_LOG_READ_ATTEMPTS tries it returns nothing instead: a log that cannot
    be read must not keep a file out of its table.
    """
    try:
        return list(_parsed(load))
    except ThrottledError:
        if load.retry_count < MAX_LOG_READ_ATTEMPTS:
            raise
        return []


def _parsed(load: LoadContext) -> Iterator[PendingUpload]:
    for upload in load.ports.backlog.read_pending(load.key.table):
        if upload.upload_id == load.upload.upload_id:
            continue
        try:
            yield PendingUpload(upload, LakeKey.parse(upload.key, load.settings.databases))
        except RejectedError:
            # Its own run rejects it.
            continue


def pending(rows: Sequence[LedgerRow], waiting: Sequence[PendingUpload]) -> list[PendingUpload]:
    """Those that are still to be settled: an answer reaches the log only a moment after the ledger.

    Among them a schema file that a later one supersedes: until the ledger has it, nobody knows which data it governs.
    """
    return [
        each
        for each in waiting
        if _is_undecided(decide(rows, each.upload, each.key.action), each.key.action)
    ]


def _is_undecided(decision: Decision, action: Action) -> bool:
    return isinstance(decision, Proceed) or (
        isinstance(decision, Superseded) and action is Action.SCHEMA
    )
