"""The first steps of every load: lock the table's ledger, decide about the upload, and only then
read the table's other pending uploads.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress

from etl_core.loading.ledger import (
    LedgerRow,
    add_columns,
    has_all_columns,
    insert_rows,
    ledger_table,
    parse_row,
)
from etl_core.loading.ledger_queries import select_backlog, select_own
from etl_core.loading.ledger_view import Decision, Duplicate, LedgerView, Proceed, Superseded
from etl_core.loading.load_context import LoadContext, LoadResult, Trace
from etl_core.loading.ports import Transaction
from etl_core.model.errors import MissingTableError, RejectedError, ThrottledError
from etl_core.model.lake_key import Action, LakeKey
from etl_core.model.names import LEDGER_SCHEMA
from etl_core.model.retry_policies import MAX_LOG_READ_ATTEMPTS
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import Upload
from etl_core.schema_changes.live_table import select_table
from etl_core.sql import LockTable
from etl_core.upload_log.outcome import LoadOutcome

MAX_BACKLOG = 600
"""The most pending uploads that one load reads: the members of a micro-batch, and some that a
micro-batch cannot load."""


@dataclass(frozen=True)
class PendingUpload:
    """An upload without a final status, with its parsed key."""

    upload: Upload
    key: LakeKey


@dataclass(frozen=True)
class LockedLedger:
    """A ledger under its lock, and what it decides about the load's upload.

    `is_current`: it has every column of today's format; None if no row was read. `version_id`: the
    upload's version.
    """

    view: LedgerView
    decision: Decision
    is_current: bool | None
    version_id: str | None


@dataclass(frozen=True)
class Backlog:
    """The table's other uploads without a final status.

    `view` has the rows that decide about them. `pending`: those about which the ledger has not
    decided. `decided`: the outcomes of the others, whose log entries are behind the ledger.
    """

    view: LedgerView
    pending: tuple[PendingUpload, ...]
    decided: tuple[tuple[Upload, LoadOutcome], ...]


def lock_ledger(
    transaction: Transaction, load: LoadContext, candidates: Sequence[str]
) -> LockedLedger | None:
    """Lock the table's ledger until the transaction ends, and decide about the upload.

    `candidates` are the versions that the upload's event may be about. Return None if there is no
    ledger: no schema file was ever applied to the table.
    """
    ledger = ledger_table(load.key.table)
    try:
        # First statement of the transaction: the lock must precede the snapshot, or waiting for it
        # ends in error 1023.
        transaction.lock(LockTable(ledger))
    except MissingTableError:
        transaction.roll_back()
        return None
    select = select_own(ledger, load.upload, load.key.action, candidates)
    rows = transaction.execute(select)
    view = LedgerView(map(parse_row, rows))
    version_id = view.version_of(load.upload, candidates)
    return LockedLedger(
        view,
        view.decide(load.upload, load.key.action, version_id),
        has_all_columns(ledger, rows[0]) if rows else None,
        version_id,
    )


def read_backlog(transaction: Transaction, load: LoadContext, locked: LockedLedger) -> Backlog:
    """Read the table's other pending uploads, and what the ledger decided about them.

    Raises ThrottledError.
    """
    logged = parse_keys(load, _read_pending(load))
    ledger, uploads = ledger_table(load.key.table), [each.upload for each in logged]
    # Only a truncate or upsert that takes effect needs the appends after it.
    action = load.key.action if isinstance(locked.decision, Proceed) else Action.APPEND
    select = select_backlog(ledger, load.upload, action, uploads)
    view = locked.view
    if select is not None:
        view = view.with_rows(map(parse_row, transaction.execute(select)))
    is_pending = [view.is_undecided(each.upload, each.key.action) for each in logged]
    pending = tuple(compress(logged, is_pending))
    decided = (each for each, undecided in zip(logged, is_pending, strict=True) if not undecided)
    return Backlog(view, pending, tuple(_outcomes_of(load, view, decided)))


def without_effect(
    transaction: Transaction,
    load: LoadContext,
    locked: LockedLedger,
    decision: Duplicate | Superseded,
    trace: Trace,
) -> LoadResult:
    """Return the result of an upload that changes nothing.

    If the pending uploads are known already, those that are decided are answered too. A load that
    has only its own upload to decide does not read the log for that.
    """
    result = LoadResult(trace.outcome_without_effect(load.upload, decision))
    if load.known_pending is None:
        return result
    return result.with_others(read_backlog(transaction, load, locked).decided)


def _outcomes_of(
    load: LoadContext, view: LedgerView, decided: Iterable[PendingUpload]
) -> Iterator[tuple[Upload, LoadOutcome]]:
    for each in decided:
        upload, version_id = each.upload, each.upload.version_id
        match view.decide(upload, each.key.action):
            case Duplicate(row=row) as decision:
                bucket = load.settings.work_bucket
                trace = Trace(row.version_id, bucket).with_schema(view, upload)
                yield upload, trace.outcome_without_effect(upload, decision)
            case Superseded() as decision:
                trace = Trace(version_id=version_id).with_schema(view, upload)
                yield upload, trace.outcome_without_effect(upload, decision)


def write_rows(
    transaction: Transaction, table: TableRef, rows: Sequence[LedgerRow], *, is_current: bool | None
) -> None:
    """Write ledger rows. Add the columns first that the ledger lacks.

    `is_current`: see LockedLedger.
    """
    ledger = ledger_table(table)
    if not is_current:
        # An empty ledger shows no columns: ask the catalog. Only the first schema file does.
        itself = TableRef(table.database, LEDGER_SCHEMA, str(ledger.name))
        names = {row._mapping["attname"] for row in transaction.execute(select_table(itself))}
        for statement in add_columns(ledger, names):
            transaction.execute(statement)
    transaction.execute(insert_rows(ledger, rows))


def parse_keys(load: LoadContext, uploads: Sequence[Upload]) -> list[PendingUpload]:
    """Return the uploads with their keys, without the load's own and without the invalid ones."""
    return list(_parse_keys(load, uploads))


def _parse_keys(load: LoadContext, uploads: Sequence[Upload]) -> Iterator[PendingUpload]:
    for upload in uploads:
        if upload.upload_id == load.upload.upload_id:
            continue
        try:
            upload.check_arrival(load.ports.now())
            yield PendingUpload(upload, LakeKey.parse(upload.key, load.settings.databases))
        except RejectedError:
            # Its own load rejects it.
            continue


def _read_pending(load: LoadContext) -> Sequence[Upload]:
    """Return the pending uploads of the load's table.

    Raises ThrottledError. After MAX_LOG_READ_ATTEMPTS retries the result is empty instead: an
    unreadable log must not keep a file out of its table.
    """
    if load.known_pending is not None:
        return load.known_pending
    try:
        return load.ports.backlog.read_pending(load.key.table, MAX_BACKLOG)
    except ThrottledError:
        if load.retry_count < MAX_LOG_READ_ATTEMPTS:
            raise
        return ()
