"""Load a data file: append its rows, or replace the table's rows, in one transaction."""

from __future__ import annotations

from etl_core.csv_files.compression import compression_of
from etl_core.loading.copy_run import CopyRun
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
from etl_core.loading.load_context import LoadContext
from etl_core.loading.locked_ledger import LockedLedger, MissingLedgerError, lock_ledger
from etl_core.loading.messages import ACTION_NOT_ALLOWED, EMPTY_FILE, TABLE_DROPPED
from etl_core.loading.micro_batch import CopyBatch, CopyStrategy, RetryCopyError, gather_copy_batch
from etl_core.loading.ordering import (
    missing_schema_error,
    pending_schema_files,
    wait_for_schema_files,
)
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
    """Append the file's rows, or replace the table's rows with them.

    Raises RejectedError, LoadFailedError or RetryableError.
    """
    compression = compression_of(load.key.file)
    version = load.ports.store.find_version(load.upload)
    load.version_id = version.version_id
    if version.size == 0:
        raise InvalidDataFileError(EMPTY_FILE())
    strategy = CopyStrategy()
    while True:
        file = open_file(
            load.ports.store, load.upload.upload_id, version, compression, pin=strategy.pin
        )
        try:
            return _load_once(load, file, strategy)
        except RetryCopyError as retry:
            strategy = retry.strategy
        except MissingLedgerError:
            raise missing_schema_error(load) from None


def _load_once(load: LoadContext, file: DataFile, strategy: CopyStrategy) -> LoadOutcome:
    load.statements.clear()
    copy_run: CopyRun | None = None
    try:
        with load.ports.warehouse.transaction(
            load.key.table.database, load.seconds_left
        ) as transaction:
            locked = lock_ledger(transaction, load)
            decision = decide(locked.rows, load.upload, load.key.action, load.version_id)
            _note_schema(load, locked)
            if not isinstance(decision, Proceed):
                return load.outcome_without_effect(decision)
            schema_files = pending_schema_files(load, locked)
            wait_for_schema_files(load, schema_files)
            in_force = _check_action(load, decision)
            _check_table(load, transaction, in_force)
            batch = gather_copy_batch(load, file, locked, decision, schema_files, strategy)
            copy_run = CopyRun(load, batch, in_force, strategy)
            row = load.row(Status.LOADED, copy_run.run(transaction))
            transaction.execute(
                insert_rows(ledger_table(load.key.table), [row, *_rows_of_members(load, batch)])
            )
    except CopyRefusedError as error:
        if copy_run is None:
            raise
        return load.refusal(Status.FAILED, copy_run.explain(error))
    except MissingTableError as error:
        load.table_exists = False
        raise MissingTableError(
            TABLE_DROPPED(reason=error.message, table=load.key.table)
        ) from error
    except LoadTimeoutError:
        raise
    except LoadFailedError as error:
        if copy_run is None or not copy_run.batch.members:
            raise
        raise RetryCopyError(CopyStrategy(strategy.pin, one_copy_per_file=True)) from error
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


def _note_schema(load: LoadContext, locked: LockedLedger) -> None:
    """Note the schema version that applies to the upload: every outcome reports it."""
    first = next(iter(schema_history(locked.rows, load.upload)), None)
    if first is not None and first.schema_file is not None:
        load.schema_version, load.table_exists = first.schema_file.schema_version, True


def _check_action(load: LoadContext, decision: Proceed) -> SchemaFile:
    """Return the schema in force.

    Raises ActionNotAllowedError if the schema at arrival does not list the action.
    """
    if decision.in_force is None or decision.schema_at_arrival is None:
        raise MissingLedgerError
    spec = decision.schema_at_arrival
    if load.key.action not in spec.allowed_operations:
        raise ActionNotAllowedError(
            ACTION_NOT_ALLOWED(
                action=load.key.action,
                table=load.key.table,
                schema_version=spec.schema_version,
                allowed=", ".join(spec.allowed_operations) or "no action",
            )
        )
    return decision.in_force


def _check_table(load: LoadContext, transaction: Transaction, spec: SchemaFile) -> None:
    rows = transaction.execute(select_table(load.key.table))
    check_drift(rows, spec, load.key.table)
