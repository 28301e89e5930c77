"""Loading a data file: append, or replace in one transaction."""

from __future__ import annotations

from etl_core.csv_files.header import compression_of
from etl_core.errors import (
    ActionNotAllowedError,
    CopyRefusedError,
    InvalidDataFileError,
    LoadFailedError,
    LoadTimeoutError,
    MissingTableError,
)
from etl_core.lake_key import Action
from etl_core.ledger import LedgerRow, Proceed, decide, insert_rows, ledger_row, ledger_table, schema_history
from etl_core.loading.attempt import Load
from etl_core.loading.batch import AgainError, Batch, Manner, gather_batch
from etl_core.loading.copying import Copying
from etl_core.loading.data_file import DataFile, open_file
from etl_core.loading.earlier import open_schema_files, wait_for_schema_files, without_schema
from etl_core.loading.ledger_lock import Found, MissingLedgerError, lock_ledger
from etl_core.log import LoadOutcome, Status
from etl_core.planning.catalog import select_table
from etl_core.planning.drift import check_drift
from etl_core.ports import Transaction
from etl_core.schema.schema_file import SchemaFile


def load_data(load: Load) -> LoadOutcome:
    """Appends the file, or replaces the table's rows by it. Raises RejectedError, LoadFailedError or RetryableError."""
    compression = compression_of(load.key.file)
    version = load.ports.store.find_version(load.upload)
    load.version_id = version.version_id
    if version.size == 0:
        raise InvalidDataFileError("the file is empty (0 bytes): its first row must name the table's columns")
    manner = Manner()
    while True:
        file = open_file(load.ports.store, load.upload.upload_id, version, compression, pin=manner.pin)
        try:
            return _attempt(load, file, manner)
        except AgainError as again:
            manner = again.manner
        except MissingLedgerError:
            raise without_schema(load) from None


def _attempt(load: Load, file: DataFile, manner: Manner) -> LoadOutcome:
    load.statements.clear()
    copying: Copying | None = None
    try:
        with load.ports.warehouse.transaction(load.key.database, load.seconds_left) as transaction:
            found = lock_ledger(transaction, load)
            decision = decide(found.rows, load.upload, load.key.action, load.version_id)
            _note_schema(load, found)
            if not isinstance(decision, Proceed):
                return load.outcome_without_effect(decision)
            schema_files = open_schema_files(load, found)
            wait_for_schema_files(load, schema_files)
            in_force = _check_action(load, decision)
            _check_table(load, transaction, in_force)
            batch = gather_batch(load, file, found, decision, schema_files, manner)
            copying = Copying(load, batch, in_force, manner)
            row = load.row(Status.LOADED, copying.run(transaction))
            transaction.execute(insert_rows(ledger_table(load.key), [row, *_rows_of_companions(load, batch)]))
    except CopyRefusedError as error:
        if copying is None:
            raise
        return load.refusal(Status.FAILED, copying.explain(error))
    except MissingTableError as error:
        load.table_exists = False
        raise MissingTableError(
            f"{error.message}: the table {load.key.target} was dropped after its schema had been applied. "
            "Upload its schema file again, which creates it, then this file"
        ) from error
    except LoadTimeoutError:
        raise
    except LoadFailedError as error:
        if copying is None or not copying.batch.companions:
            raise
        raise AgainError(Manner(manner.pin, alone=True)) from error
    return load.outcome(row)


def _rows_of_companions(load: Load, batch: Batch) -> list[LedgerRow]:
    now = load.ports.now()
    return [
        ledger_row(each.upload, Action.APPEND, each.part.file.version.version_id, Status.LOADED, each.part.rows, now)
        for each in batch.companions
    ]


def _note_schema(load: Load, found: Found) -> None:
    """The schema that governs the upload is told by every answer."""
    governing = next(iter(schema_history(found.rows, load.upload)), None)
    if governing is not None and governing.schema_file is not None:
        load.schema_version, load.table_exists = governing.schema_file.schema_version, True


def _check_action(load: Load, decision: Proceed) -> SchemaFile:
    """The schema in force, once the one in force when the upload landed allows its action."""
    if decision.in_force is None or decision.governing is None:
        raise MissingLedgerError
    spec = decision.governing
    if load.key.action not in spec.allowed_operations:
        raise ActionNotAllowedError(
            f"the action {load.key.action} is not allowed for {load.key.target}: the schema in force (version {spec.schema_version}) "
            f"allows {', '.join(spec.allowed_operations) or 'none'}; use one of these, or upload a schema file that lists {load.key.action}"
        )
    return decision.in_force


def _check_table(load: Load, transaction: Transaction, spec: SchemaFile) -> None:
    rows = transaction.execute(select_table(load.key.schema, load.key.table))
    check_drift(rows, spec, load.key.schema, load.key.table)
