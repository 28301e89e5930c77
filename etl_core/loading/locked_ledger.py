"""The first steps of every load: lock the table's ledger, read the rows that decide, and find the
table's other pending uploads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from etl_core.loading.ledger import (
    Decision,
    LedgerRow,
    Proceed,
    Superseded,
    decide,
    ledger_table,
    parse_row,
    select_relevant,
)
from etl_core.loading.load_context import LoadContext
from etl_core.loading.ports import Transaction
from etl_core.model.errors import MissingTableError, RejectedError, ThrottledError
from etl_core.model.lake_key import Action, LakeKey
from etl_core.model.retry_policies import MAX_LOG_READ_ATTEMPTS
from etl_core.model.upload import Upload
from etl_core.sql import LockTable


class MissingLedgerError(Exception):
    """The table has no ledger, because no schema file was ever applied to it."""


@dataclass(frozen=True)
class PendingUpload:
    """An upload without a final status, with its parsed key."""

    upload: Upload
    key: LakeKey


@dataclass(frozen=True)
class LockedLedger:
    """What a load read under the ledger's lock: the rows that decide, and the table's other pending uploads."""

    rows: list[LedgerRow]
    pending: list[PendingUpload]


def lock_ledger(transaction: Transaction, load: LoadContext) -> LockedLedger:
    """Lock the table's ledger until the transaction ends, and read it.

    Raises MissingLedgerError.
    """
    ledger = ledger_table(load.key.table)
    try:
        # First statement of the transaction: the lock must precede the snapshot, or waiting for it
        # ends in error 1023.
        transaction.lock(LockTable(ledger))
    except MissingTableError:
        raise MissingLedgerError from None
    logged = _read_pending(load)
    relevant = select_relevant(
        ledger, load.upload, load.version_id, [each.upload for each in logged]
    )
    rows = [parse_row(row) for row in transaction.execute(relevant)]
    return LockedLedger(rows, [each for each in logged if _is_undecided(rows, each)])


def _read_pending(load: LoadContext) -> list[PendingUpload]:
    """Return the pending uploads of the load's table, without the load's own.

    Raises ThrottledError. After MAX_LOG_READ_ATTEMPTS retries the result is empty instead: an
    unreadable log must not keep a file out of its table.
    """
    try:
        return list(_parse_keys(load, load.ports.backlog.read_pending(load.key.table)))
    except ThrottledError:
        if load.retry_count < MAX_LOG_READ_ATTEMPTS:
            raise
        return []


def _parse_keys(load: LoadContext, uploads: Sequence[Upload]) -> Iterator[PendingUpload]:
    for upload in uploads:
        if upload.upload_id == load.upload.upload_id:
            continue
        try:
            yield PendingUpload(upload, LakeKey.parse(upload.key, load.settings.databases))
        except RejectedError:
            # Its own load rejects it.
            continue


def _is_undecided(rows: Sequence[LedgerRow], pending: PendingUpload) -> bool:
    """Return whether the ledger has not decided about the upload.

    The log gets a final status only after the ledger. A superseded schema file is undecided until
    the ledger holds it: until then it is unknown which data files it applies to.
    """
    decision: Decision = decide(rows, pending.upload, pending.key.action)
    return isinstance(decision, Proceed) or (
        isinstance(decision, Superseded) and pending.key.action is Action.SCHEMA
    )
