"""Loading a data file: append, or replace in one transaction."""

from __future__ import annotations

from etl_core.csv_files.compression import compression_of
from etl_core.loading.copy_batch import CopyBatch, CopyStrategy, RetryCopyError, gather_copy_batch
from etl_core.loading.copying import Copying
from etl_core.loading.data_file import DataFile, open_file
from etl_core.loading.ledger import (
    LedgerRow,
    Proceed,
    decide,
    insert_rows,
    ledger_row,
    ledger_table,
    schema_history,
)
from etl_core.loading.ledger_lock import Found, MissingLedgerError, lock_ledger
from etl_core.loading.load_context import LoadContext
from etl_core.loading.ordering import pending_schema_files, wait_for_schema_files, without_schema
from etl_core.loading.ports import Transaction
from etl_core.model.errors import (
    ActionNotAllowedError,
    CopyRefusedError,
    InvalidDataFileError,
    LoadFailedError,
    LoadTimeoutError,
    MissingTableError,
)
from etl_core.model.lake_key import Action
from etl_core.model.status import Status
from etl_core.schema_changes.drift import check_drift
from etl_core.schema_changes.live_table import select_table
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.upload_log.outcome import LoadOutcome


def load_data(load: LoadContext) -> LoadOutcome:
    """Appends the file, or replaces the table's rows by it. Raises RejectedError, LoadFailedError or RetryableError."""
    compression = compression_of(load.key.file)
    version = load.ports.store.find_version(load.upload)
    load.version_id = version.version_id
    if version.size == 0:
        raise InvalidDataFileError(
            "the file is empty (0 bytes): its first row must name the table's columns"
        )
    strategy = CopyStrategy()
    while True:
        file = open_file(
            load.ports.store, load.upload.upload_id, version, compression, pin=strategy.pin
        )
        try:
            return _attempt(load, file, strategy)
        except RetryCopyError as again:
            strategy = again.strategy
        except MissingLedgerError:
            raise without_schema(load) from None


def _attempt(load: LoadContext, file: DataFile, strategy: CopyStrategy) -> LoadOutcome:
    load.statements.clear()
    copying: Copying | None = None
    try:
        with load.ports.warehouse.transaction(
            load.key.table.database, load.seconds_left
        ) as transaction:
            found = lock_ledger(transaction, load)
            decision = decide(found.rows, load.upload, load.key.action, load.version_id)
            _note_schema(load, found)
            if not isinstance(decision, Proceed):
                return load.outcome_without_effect(decision)
            schema_files = pending_schema_files(load, found)
            wait_for_schema_files(load, schema_files)
            in_force = _check_action(load, decision)
            _check_table(load, transaction, in_force)
            batch = gather_copy_batch(load, file, found, decision, schema_files, strategy)
            copying = Copying(load, batch, in_force, strategy)
            row = load.row(Status.LOADED, copying.run(transaction))
            transaction.execute(
                insert_rows(ledger_table(load.key.table), [row, *_rows_of_members(load, batch)])
            )
    except CopyRefusedError as error:
        if copying is None:
            raise
        return load.refusal(Status.FAILED, copying.explain(error))
    except MissingTableError as error:
        load.table_exists = False
        raise MissingTableError(
            f"{error.message}: the table {load.key.table} was dropped after its schema had been applied. "
            "Upload its schema file again, which creates it, then this file"
        ) from error
    except LoadTimeoutError:
        raise
    except LoadFailedError as error:
        if copying is None or not copying.batch.members:
            raise
        raise RetryCopyError(CopyStrategy(strategy.pin, alone=True)) from error
    return load.outcome(row)


def _rows_of_members(load: LoadContext, batch: CopyBatch) -> list[LedgerRow]:
    now = load.ports.now()
    return [
        ledger_row(
            each.upload,
            Action.APPEND,
            each.part.file.version.version_id,
            Status.LOADED,
            each.part.rows,
            now,
        )
        for each in batch.members
    ]


def _note_schema(load: LoadContext, found: Found) -> None:
    """The schema that governs the upload is told by every answer."""
    governing = next(iter(schema_history(found.rows, load.upload)), None)
    if governing is not None and governing.schema_file is not None:
        load.schema_version, load.table_exists = governing.schema_file.schema_version, True


def _check_action(load: LoadContext, decision: Proceed) -> SchemaFile:
    """The schema in force, once the one in force when the upload landed allows its action."""
    if decision.in_force is None or decision.governing is None:
        raise MissingLedgerError
    spec = decision.governing
    if load.key.action not in spec.allowed_operations:
        raise ActionNotAllowedError(
            f"the action {load.key.action} is not allowed for {load.key.table}: the schema in force (version {spec.schema_version}) "
            f"allows {', '.join(spec.allowed_operations) or 'none'}; use one of these, or upload a schema file that lists {load.key.action}"
        )
    return decision.in_force


def _check_table(load: LoadContext, transaction: Transaction, spec: SchemaFile) -> None:
    rows = transaction.execute(select_table(load.key.table))
    check_drift(rows, spec, load.key.table)
