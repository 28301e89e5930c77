"""Adopt uploads: write the ledger rows of uploads that the log knows, the ledger does not, and whose
rows the table has.

The rows are written under the ledger's lock, after a look at the table.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from etl_core.loading.ledger import LedgerRow, create_ledger_statements, ledger_table, pack
from etl_core.loading.ledger_access import protect_statements
from etl_core.loading.locked_ledger import write_rows
from etl_core.loading.ports import ObjectStore, Ports, Transaction
from etl_core.loading.table_plan import read_table
from etl_core.model.errors import MissingTableError, ReplayRefusedError
from etl_core.model.lake_key import Action, describe_key
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import Upload
from etl_core.recovery.messages import ADOPT_NO_TABLE, ADOPT_TOO_FEW_ROWS
from etl_core.recovery.reconcile import LedgerEvidence
from etl_core.recovery.replay import content_rows, read_ledger
from etl_core.recovery.tables_requests import AdoptResult, AdoptRowsRequest
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.sql import LockTable

_ROWS_PER_INSERT = 100
"""A schema file has up to 64 KB, a statement up to 16 MB."""


def adopt_rows(request: AdoptRowsRequest, bucket: str, ports: Ports, seconds: float) -> AdoptResult:
    """Write the ledger rows that the ledger lacks.

    Raises ReplayRefusedError, with nothing changed, if the table does not have the rows of these
    uploads; RejectedError if the object of a schema file is gone or invalid.
    """
    table, ends_at = request.table, time.monotonic() + seconds
    rows = [_ledger_row(each, bucket, ports.store) for each in request.rows]
    _create_ledger(table, ports, ends_at)
    with ports.warehouse.transaction(table.database, ends_at - time.monotonic()) as transaction:
        transaction.lock(LockTable(ledger_table(table)))
        view = read_ledger(transaction, table)
        new = [each for each in rows if not view.holds(each.s3_key, each.version_id)]
        _check_rows(transaction, table, [*view.rows, *new])
        for first in range(0, len(new), _ROWS_PER_INSERT):
            some = new[first : first + _ROWS_PER_INSERT]
            write_rows(transaction, table, some, is_current=None)
    return AdoptResult(len(new))


def _ledger_row(row: LedgerEvidence, bucket: str, store: ObjectStore) -> LedgerRow:
    action = Action(str(describe_key(row.s3_key).action))
    return LedgerRow(
        upload_id=row.upload_id,
        action=action,
        landed_at=row.landed_at,
        sequencer=row.sequencer,
        s3_key=row.s3_key,
        version_id=row.version_id,
        status=row.status,
        rows_loaded=row.rows_loaded,
        loaded_at=row.loaded_at,
        schema_text=_read_schema(row, bucket, store) if action is Action.SCHEMA else None,
        rows_quarantined=row.rows_quarantined,
    )


def _read_schema(row: LedgerEvidence, bucket: str, store: ObjectStore) -> str:
    upload = Upload(bucket, row.s3_key, row.version_id, "", None, row.sequencer, row.landed_at)
    opened = store.open(upload)
    rest = store.read(opened.version, len(opened.first_bytes))
    return pack(SchemaFile.parse(b"".join([opened.first_bytes, *rest])).to_json())


def _create_ledger(table: TableRef, ports: Ports, ends_at: float) -> None:
    """Create the ledger if it does not exist."""
    for statement in _missing(table, ports, ends_at):
        with ports.warehouse.transaction(table.database, ends_at - time.monotonic()) as transaction:
            transaction.execute(statement)


def _missing(table: TableRef, ports: Ports, ends_at: float) -> Iterable[sa.Executable]:
    try:
        with ports.warehouse.transaction(table.database, ends_at - time.monotonic()) as transaction:
            transaction.lock(LockTable(ledger_table(table)))
    except MissingTableError:
        ledger = ledger_table(table)
        return *create_ledger_statements(ledger), *protect_statements(ledger)
    return ()


def _check_rows(transaction: Transaction, table: TableRef, rows: Iterable[LedgerRow]) -> None:
    """Raise ReplayRefusedError if the table has fewer rows than the ledger would account for."""
    actual = read_table(transaction, table)
    if actual is None:
        raise ReplayRefusedError(ADOPT_NO_TABLE(table=table, database=table.database))
    [count] = transaction.execute(sa.select(sa.func.count()).select_from(actual))
    expected = sum(row.rows_loaded or 0 for row in _not_replaced(content_rows(rows)))
    if int(count[0]) < expected:
        raise ReplayRefusedError(
            ADOPT_TOO_FEW_ROWS(
                table=table, database=table.database, count=int(count[0]), expected=expected
            )
        )


def _not_replaced(content: Sequence[LedgerRow]) -> Sequence[LedgerRow]:
    """Return the uploads whose rows are all in the table: the last upsert and later appends, or all."""
    upserts = [index for index, row in enumerate(content) if row.action is Action.UPSERT]
    return content[upserts[-1] if upserts else 0 :]
