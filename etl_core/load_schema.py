"""Applying a schema file: create the table, or find that it is what the file says."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.schema import CreateSchema

from etl_core.attempt import Load
from etl_core.catalog import parse_table, select_table
from etl_core.errors import ActionNotAllowedError, InvalidSchemaFileError, LoadFailedError, SchemaChangeRefusedError
from etl_core.lake_key import Action
from etl_core.ledger import Proceed, create_ledger_statements, decide, insert_row, ledger_table
from etl_core.load_data import MissingLedgerError, read_ledger
from etl_core.log import LoadOutcome, Status
from etl_core.names import DEFAULT_SCHEMA
from etl_core.ports import Transaction
from etl_core.schema_file import MAX_FILE_BYTES, SchemaFile
from etl_core.sql import identifier
from etl_core.tables import comment_statements, create_statements, differences, table_of_schema_file


def load_schema(load: Load) -> LoadOutcome:
    """Creates the table, or answers `unchanged`. Raises RejectedError, LoadFailedError or RetryableError."""
    spec = _read_spec(load)
    load.schema_version = spec.schema_version
    try:
        return _apply(load, spec)
    except MissingLedgerError:
        refusal = _create_ledger(load)
    try:
        return _apply(load, spec)
    except MissingLedgerError:
        raise refusal or LoadFailedError(f"the ledger of {load.key.target} vanished while it was being made") from None


def _read_spec(load: Load) -> SchemaFile:
    if not load.key.file.lower().endswith(".json"):
        raise InvalidSchemaFileError(f"the file {load.key.file!r} has the wrong extension: schema files end in .json")
    version = load.ports.store.find_version(load.upload)
    load.version_id = version.version_id
    if version.size > MAX_FILE_BYTES:
        raise InvalidSchemaFileError(f"the schema file has {version.size} bytes; at most {MAX_FILE_BYTES} are accepted")
    return SchemaFile.parse(b"".join(load.ports.store.read(version)))


def _create_ledger(load: Load) -> LoadFailedError | None:
    """Makes the ledger. A refusal is returned: of several first uploads at once only one makes it, and it is there for all."""
    refusal = None
    for statement in create_ledger_statements(ledger_table(load.key)):
        try:
            with load.ports.warehouse.transaction(load.key.database, load.seconds_left) as transaction:
                transaction.execute(statement)
        except LoadFailedError as error:
            refusal = error
    return refusal


def _apply(load: Load, spec: SchemaFile) -> LoadOutcome:
    load.statements.clear()
    ledger = ledger_table(load.key)
    with load.ports.warehouse.transaction(load.key.database, load.seconds_left) as transaction:
        decision = decide(read_ledger(transaction, ledger, load), load.upload, Action.SCHEMA)
        if not isinstance(decision, Proceed):
            return load.outcome_without_effect(decision)
        _check_allowed(load, decision.in_force, spec)
        status = _change(load, transaction, decision.in_force, spec)
        row = replace(load.row(status), schema_file=spec)
        transaction.execute(insert_row(ledger, row))
    load.table_exists = True
    return load.outcome(row)


def _check_allowed(load: Load, in_force: SchemaFile | None, spec: SchemaFile) -> None:
    # The file that is in force already asks for nothing, so that it needs no leave.
    if in_force is None or in_force == spec or Action.SCHEMA in in_force.allowed_operations:
        return
    load.table_exists = True
    raise ActionNotAllowedError(
        f"the action schema is not allowed for {load.key.target}: the schema in force (version {in_force.schema_version}) allows "
        f"{', '.join(in_force.allowed_operations) or 'none'}; only a schema that lists schema can be replaced by a later one"
    )


def _change(load: Load, transaction: Transaction, in_force: SchemaFile | None, spec: SchemaFile) -> Status:
    desired = table_of_schema_file(spec, load.key.schema, load.key.table)
    actual = _read_table(transaction, desired)
    if actual is None:
        load.table_exists = False
        if load.key.schema != DEFAULT_SCHEMA:
            load.run(transaction, CreateSchema(identifier(load.key.schema), if_not_exists=True))
        for statement in create_statements(desired):
            load.run(transaction, statement)
        return Status.APPLIED
    load.table_exists = True
    found = differences(actual, desired)
    if found:
        raise SchemaChangeRefusedError(
            f"the table {load.key.target} exists and differs from the schema file: {'; '.join(found)}. Nothing was changed. "
            "Upload a schema file that describes the table as it is, or change the table in the warehouse first",
            found,
        )
    before = None if in_force is None else table_of_schema_file(in_force, load.key.schema, load.key.table)
    for statement in comment_statements(desired, before):
        load.run(transaction, statement)
    return Status.UNCHANGED if in_force is None or in_force == spec else Status.APPLIED


def _read_table(transaction: Transaction, desired: sa.Table) -> sa.Table | None:
    schema = desired.schema or DEFAULT_SCHEMA
    rows = transaction.execute(select_table(schema, desired.name))
    try:
        return parse_table(schema, desired.name, rows)
    except ValueError as error:
        raise SchemaChangeRefusedError(
            f"the table {schema}.{desired.name} exists and has a column whose type no schema file can describe: {error}. "
            "Nothing was changed. Change or drop the table in the warehouse first, or choose another table name"
        ) from None
