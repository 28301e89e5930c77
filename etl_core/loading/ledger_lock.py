"""The first steps of every load: the target's ledger is locked, and read for what decides."""

from __future__ import annotations

from dataclasses import dataclass

from etl_core.loading.ledger import LedgerRow, ledger_table, parse_row, select_relevant
from etl_core.loading.load_context import LoadContext
from etl_core.loading.pending import PendingUpload, pending, read_pending
from etl_core.loading.ports import Transaction
from etl_core.model.errors import MissingTableError
from etl_core.sql import LockTable


class MissingLedgerError(Exception):
    """The target has no ledger: no schema file was ever accepted for it."""


@dataclass(frozen=True)
class Found:
    """The rows that decide about the upload, and the other uploads that are to be settled."""

    rows: list[LedgerRow]
    pending: list[PendingUpload]


def lock_ledger(transaction: Transaction, load: LoadContext) -> Found:
    """What was found under the lock, which holds until the transaction ends. Raises MissingLedgerError."""
    ledger = ledger_table(load.key.table)
    try:
        # First statement of the transaction: the lock must precede the snapshot, or waiting for it ends in error 1023.
        transaction.execute(LockTable(ledger))
    except MissingTableError:
        raise MissingLedgerError from None
    waiting = read_pending(load)
    relevant = select_relevant(
        ledger, load.upload, load.version_id, [each.upload for each in waiting]
    )
    rows = [parse_row(row) for row in transaction.execute(relevant)]
    return Found(rows, pending(rows, waiting))
