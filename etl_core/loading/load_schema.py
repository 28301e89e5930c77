"""Applying a schema file: the plan from the live table to the file, in the transaction that writes the ledger row.

What Redshift runs only outside of a transaction has committed before it, and is found done when the plan is made again under the
ledger's lock. A crash at any point leaves the upload out of the ledger, so that the retry makes the plan again from what is there.
"""

from __future__ import annotations

from dataclasses import replace

from etl_core.loading.apply_plan import (
    check_views,
    no_change_of,
    read_table,
    run_alone,
    run_together,
)
from etl_core.loading.ledger import (
    Proceed,
    Superseded,
    create_ledger_statements,
    decide,
    insert_rows,
    ledger_table,
)
from etl_core.loading.ledger_lock import MissingLedgerError, lock_ledger
from etl_core.loading.load_context import LoadContext
from etl_core.loading.ordering import wait_for_earlier_uploads
from etl_core.loading.ports import Transaction
from etl_core.model.errors import (
    ActionNotAllowedError,
    InvalidSchemaFileError,
    LoadFailedError,
    LockConflictError,
    SchemaChangeRefusedError,
)
from etl_core.model.lake_key import Action
from etl_core.model.status import Status
from etl_core.schema_changes.plan import Plan, Statement, make_plan
from etl_core.schema_changes.refusals import describe_refusals, refuse_replacement
from etl_core.schema_files.schema_file import MAX_FILE_BYTES, SchemaFile
from etl_core.schema_files.tables import describe_table, table_of_schema_file
from etl_core.upload_log.outcome import LoadOutcome

_ROUNDS = 3


class _RunFirstError(Exception):
    """The plan has statements that must have committed before the transaction; leaves it without a trace."""

    def __init__(self, statements: tuple[Statement, ...]) -> None:
        super().__init__()
        self.statements = statements


def load_schema(load: LoadContext) -> LoadOutcome:
    """Makes the table what the file says, or answers `unchanged`. Raises RejectedError, LoadFailedError or RetryableError."""
    spec = _read_spec(load)
    load.schema_version = spec.schema_version
    try:
        return _apply(load, spec)
    except MissingLedgerError:
        refusal = _create_ledger(load)
    try:
        return _apply(load, spec)
    except MissingLedgerError:
        raise refusal or LoadFailedError(
            f"the ledger of {load.key.table} vanished while it was being made"
        ) from None


def _read_spec(load: LoadContext) -> SchemaFile:
    if not load.key.file.lower().endswith(".json"):
        raise InvalidSchemaFileError(
            f"the file {load.key.file!r} has the wrong extension: schema files end in .json"
        )
    version = load.ports.store.find_version(load.upload)
    load.version_id = version.version_id
    if version.size > MAX_FILE_BYTES:
        raise InvalidSchemaFileError(
            f"the schema file has {version.size} bytes; at most {MAX_FILE_BYTES} are accepted"
        )
    return SchemaFile.parse(b"".join(load.ports.store.read(version)))


def _create_ledger(load: LoadContext) -> LoadFailedError | None:
    """Makes the ledger. A refusal is returned: of several first uploads at once only one makes it, and it is there for all."""
    refusal = None
    for statement in create_ledger_statements(ledger_table(load.key.table)):
        try:
            with load.ports.warehouse.transaction(
                load.key.table.database, load.seconds_left
            ) as transaction:
                transaction.execute(statement)
        except LoadFailedError as error:
            refusal = error
    return refusal


def _apply(load: LoadContext, spec: SchemaFile) -> LoadOutcome:
    load.statements.clear()
    for _ in range(_ROUNDS):
        try:
            return _apply_under_lock(load, spec)
        except _RunFirstError as first:
            run_alone(load, first.statements)
    raise LockConflictError(
        f"the table {load.key.table} is being altered by somebody else: its plan changes all the time"
    )


def _apply_under_lock(load: LoadContext, spec: SchemaFile) -> LoadOutcome:
    ledger = ledger_table(load.key.table)
    with load.ports.warehouse.transaction(
        load.key.table.database, load.seconds_left
    ) as transaction:
        found = lock_ledger(transaction, load)
        decision = decide(found.rows, load.upload, Action.SCHEMA, load.version_id)
        if isinstance(decision, Superseded):
            # It changes nothing, but governs the data files that landed between it and the later one.
            row = replace(load.row(Status.SUPERSEDED), schema_file=spec)
            transaction.execute(insert_rows(ledger, [row]))
        if not isinstance(decision, Proceed):
            return load.outcome_without_effect(decision)
        wait_for_earlier_uploads(load, found)
        _check_allowed(load, decision.in_force, spec)
        status = _change(load, transaction, decision.in_force, spec)
        row = replace(load.row(status), schema_file=spec)
        transaction.execute(insert_rows(ledger, [row]))
    load.table_exists = True
    return load.outcome(row)


def _check_allowed(load: LoadContext, in_force: SchemaFile | None, spec: SchemaFile) -> None:
    for refusal in refuse_replacement(in_force, spec):
        load.table_exists = True
        raise ActionNotAllowedError(
            f"the action schema is not allowed for {load.key.table}: {refusal}"
        )


def _change(
    load: LoadContext, transaction: Transaction, in_force: SchemaFile | None, spec: SchemaFile
) -> Status:
    desired = table_of_schema_file(spec, load.key.table)
    actual = read_table(transaction, load.key.table)
    load.table_exists = actual is not None
    adopts = actual is not None and in_force is None
    plan = make_plan(actual, desired, spec.allowed_changes, is_adoption=adopts)
    _check_plan(load, plan)
    if actual is not None and plan.touched:
        check_views(load, transaction, plan)
    if plan.autocommit:
        raise _RunFirstError(plan.autocommit)
    if adopts and actual is not None:
        load.statements.append(
            f"-- adopted {load.key.table}, which was there: {describe_table(actual)}"
        )
    run_together(load, transaction, plan.transactional)
    changed = bool(plan.transactional or load.ran_alone) or (
        in_force is not None and in_force != spec
    )
    return Status.APPLIED if changed else Status.UNCHANGED


def _check_plan(load: LoadContext, plan: Plan) -> None:
    if not plan.refusals:
        return
    raise SchemaChangeRefusedError(
        f"the table {load.key.table} cannot be made what the schema file says. {describe_refusals(plan.refusals)}. {no_change_of(load)}",
        tuple(dict.fromkeys(map(str, plan.refusals))),
    )
