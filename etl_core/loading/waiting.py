"""The uploads of one table that were received and have no answer yet, besides the one in hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from etl_core.errors import LOG_PATIENCE, RejectedError, ThrottledError
from etl_core.lake_key import Action, LakeKey
from etl_core.ledger import Decision, LedgerRow, Proceed, Superseded, decide
from etl_core.loading.attempt import Load
from etl_core.upload import Upload


@dataclass(frozen=True)
class Waiting:
    """One of them, its key understood."""

    upload: Upload
    key: LakeKey


def read_waiting(load: Load) -> list[Waiting]:
    """What the log shows as waiting for the load's table.

    Raises ThrottledError; after LOG_PATIENCE tries it shows nobody, as a log that cannot be read must not keep a file from its table.
    """
    try:
        return list(_parsed(load))
    except ThrottledError:
        if load.retry_count < LOG_PATIENCE:
            raise
        return []


def _parsed(load: Load) -> Iterator[Waiting]:
    for upload in load.ports.backlog.waiting(load.key):
        if upload.upload_id == load.upload.upload_id:
            continue
        try:
            yield Waiting(upload, LakeKey.parse(upload.key, load.settings.databases))
        except RejectedError:
            # Its own run rejects it.
            continue


def undecided(rows: Sequence[LedgerRow], waiting: Sequence[Waiting]) -> list[Waiting]:
    """Those that are still to be settled: an answer reaches the log only a moment after the ledger.

    Among them a schema file that a later one supersedes: until the ledger has it, nobody knows which data it governs.
    """
    return [each for each in waiting if _is_undecided(decide(rows, each.upload, each.key.action), each.key.action)]


def _is_undecided(decision: Decision, action: Action) -> bool:
    return isinstance(decision, Proceed) or (isinstance(decision, Superseded) and action is Action.SCHEMA)
