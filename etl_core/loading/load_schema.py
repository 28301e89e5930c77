"""Apply a schema file: run the plan from the live table to the schema file, in the transaction that
writes the ledger row.

Statements that Redshift does not allow inside a transaction are committed before it. The plan is
then made again under the ledger lock and no longer contains them. It is also made again after a
statement that has an effect on others, such as a new sort key. After a crash the ledger does not
hold the upload, so the retry plans from the table as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import sqlalchemy as sa

from etl_core.loading.ledger import (
    Proceed,
    Superseded,
    create_ledger_statements,
    decide,
    insert_rows,
    ledger_table,
)
from etl_core.loading.load_context import LoadContext
from etl_core.loading.locked_ledger import MissingLedgerError, lock_ledger
from etl_core.loading.messages import (
    COLUMN_NOT_CHANGED,
    LEDGER_DROPPED,
    NOTHING_CHANGED,
    ONLY_AUTOCOMMIT_CHANGES,
    SCHEMA_ACTION_NOT_ALLOWED,
    SCHEMA_CHANGE_REFUSED,
    SCHEMA_FILE_EXTENSION,
    SCHEMA_FILE_TOO_LARGE,
    TABLE_KEEPS_CHANGING,
    VALUES_NOT_CONVERTED,
    VIEW_USES_COLUMN,
    VIEWS_USE_COLUMNS,
)
from etl_core.loading.ordering import wait_for_earlier_uploads
from etl_core.loading.ports import Transaction, WarehouseClient
from etl_core.model.errors import (
    ActionNotAllowedError,
    EtlError,
    InvalidSchemaFileError,
    LoadFailedError,
    LoadTimeoutError,
    LockConflictError,
    SchemaChangeRefusedError,
)
from etl_core.model.lake_key import Action
from etl_core.model.status import Status
from etl_core.model.table_ref import TableRef
from etl_core.schema_changes.late_binding_views import (
    select_candidates,
    select_late_binding_columns,
    warn_late_binding_views,
)
from etl_core.schema_changes.live_table import parse_table, select_table, select_views
from etl_core.schema_changes.messages import LATE_BINDING_VIEWS_NOT_READ
from etl_core.schema_changes.plan import Plan, Statement, make_plan, refused
from etl_core.schema_changes.refusals import (
    describe_refusals,
    refuse_large_rebuilds,
    refuse_replacement,
)
from etl_core.schema_files.schema_file import MAX_FILE_BYTES, SchemaFile
from etl_core.schema_files.tables import describe_table, table_of_schema_file
from etl_core.upload_log.outcome import LoadOutcome

_ROUNDS = 6
"""Views, a new sort key and all other autocommit statements take a round each; then the transaction."""
_VIEW_SECONDS = 20.0
"""The time limit of each query for late-binding views."""


@dataclass
class _Round:
    """What the rounds of one upload share. `has_looked`: late-binding views have been looked for."""

    load: LoadContext
    spec: SchemaFile
    has_looked: bool = False

    def must_wait(self, plan: Plan) -> bool:
        """Return whether something has to be done before the transaction that runs the plan."""
        return bool(plan.autocommit or (plan.removed and not self.has_looked))

    def prepare(self, plan: Plan) -> None:
        """Do the next thing that has to be done before the transaction."""
        load = self.load
        if plan.removed and not self.has_looked:
            self.has_looked = True
            load.warnings += look_for_late_binding_views(
                load.ports.warehouse, load.key.table, plan.removed, load.seconds_left
            )
        else:
            _run_autocommit(load, plan.next_autocommit)


def load_schema(load: LoadContext) -> LoadOutcome:
    """Change the table to match the schema file.

    Raises RejectedError, LoadFailedError or RetryableError.
    """
    spec = _read_spec(load)
    load.schema_version = spec.schema_version
    try:
        return _apply(load, spec)
    except MissingLedgerError:
        refusal = _create_ledger(load)
    try:
        return _apply(load, spec)
    except MissingLedgerError:
        raise refusal or LoadFailedError(LEDGER_DROPPED(table=load.key.table)) from None


def _read_spec(load: LoadContext) -> SchemaFile:
    if not load.key.file.lower().endswith(".json"):
        raise InvalidSchemaFileError(SCHEMA_FILE_EXTENSION(file=load.key.file))
    version = load.ports.store.find_version(load.upload)
    load.version_id = version.version_id
    if version.size > MAX_FILE_BYTES:
        raise InvalidSchemaFileError(SCHEMA_FILE_TOO_LARGE(size=version.size, limit=MAX_FILE_BYTES))
    return SchemaFile.parse(b"".join(load.ports.store.read(version)))


def _create_ledger(load: LoadContext) -> LoadFailedError | None:
    """Create the table's ledger.

    Return an error instead of raising it: another first upload may have created the ledger.
    """
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
    load.warnings.clear()
    rounds = _Round(load, spec)
    for _ in range(_ROUNDS):
        result = _apply_under_lock(rounds)
        if isinstance(result, LoadOutcome):
            return result
        rounds.prepare(result)
    raise LockConflictError(TABLE_KEEPS_CHANGING(table=load.key.table, rounds=_ROUNDS))


def _apply_under_lock(rounds: _Round) -> LoadOutcome | Plan:
    """Return the outcome; or, with nothing changed, the plan if something has to be done before."""
    load, spec = rounds.load, rounds.spec
    ledger = ledger_table(load.key.table)
    with load.ports.warehouse.transaction(
        load.key.table.database, load.seconds_left
    ) as transaction:
        locked = lock_ledger(transaction, load)
        decision = decide(locked.rows, load.upload, Action.SCHEMA, load.version_id)
        if isinstance(decision, Superseded):
            # It changes nothing, but it applies to the data files that arrived between it and the
            # later one.
            row = replace(load.row(Status.SUPERSEDED), schema_file=spec)
            transaction.execute(insert_rows(ledger, [row]))
        if not isinstance(decision, Proceed):
            return load.outcome_without_effect(decision)
        wait_for_earlier_uploads(load, locked)
        _check_allowed(load, decision.in_force, spec)
        status = _change_table(rounds, transaction, decision.in_force)
        if isinstance(status, Plan):
            return status
        row = replace(load.row(status), schema_file=spec)
        transaction.execute(insert_rows(ledger, [row]))
    load.table_exists = True
    return load.outcome(row)


def _check_allowed(load: LoadContext, in_force: SchemaFile | None, spec: SchemaFile) -> None:
    for refusal in refuse_replacement(in_force, spec):
        load.table_exists = True
        raise ActionNotAllowedError(SCHEMA_ACTION_NOT_ALLOWED(table=load.key.table, reason=refusal))


def _change_table(
    rounds: _Round, transaction: Transaction, in_force: SchemaFile | None
) -> Status | Plan:
    load, spec = rounds.load, rounds.spec
    actual = read_table(transaction, load.key.table)
    load.table_exists = actual is not None
    is_adoption = actual is not None and in_force is None
    plan = plan_change(
        transaction, load.key.table, actual, in_force, spec, load.settings.rebuild_max_rows
    )
    _check_plan(load, plan)
    if actual is not None and plan.touched:
        _check_views(load, transaction, plan)
    if rounds.must_wait(plan):
        return plan
    load.warnings += plan.warnings
    if is_adoption and actual is not None:
        load.statements.append(
            f"-- adopted the existing table {load.key.table}: {describe_table(actual)}"
        )
    _run_transactional(load, transaction, plan.transactional)
    is_new_spec = in_force is not None and in_force != spec
    changed = bool(plan.transactional or load.committed_count) or is_new_spec
    return Status.APPLIED if changed else Status.UNCHANGED


def plan_change(
    transaction: Transaction,
    table: TableRef,
    actual: sa.Table | None,
    in_force: SchemaFile | None,
    spec: SchemaFile,
    rebuild_max_rows: int,
) -> Plan:
    """Return the plan from the live table to the schema file.

    Count the rows of a table whose columns would be rebuilt: a rebuild of more than
    `rebuild_max_rows` (0: no limit) is refused. COUNT(*) is exact and needs no right that the
    rebuild does not need; the system views of table sizes are for superusers.
    """
    plan = make_plan(
        actual,
        table_of_schema_file(spec, table),
        spec.allowed_changes,
        in_force=None if in_force is None else table_of_schema_file(in_force, table),
        is_adoption=in_force is None,
    )
    if actual is None or not plan.has_rebuild or not rebuild_max_rows:
        return plan
    [count] = transaction.execute(sa.select(sa.func.count()).select_from(actual))
    return refused(
        plan, tuple(refuse_large_rebuilds(plan.changes, int(count[0]), rebuild_max_rows))
    )


def _check_plan(load: LoadContext, plan: Plan) -> None:
    if not plan.refusals:
        return
    raise SchemaChangeRefusedError(
        SCHEMA_CHANGE_REFUSED(
            table=load.key.table,
            refusals=describe_refusals(plan.refusals),
            changed=_describe_changed(load),
        ),
        tuple(dict.fromkeys(map(str, plan.refusals))),
    )


def read_table(transaction: Transaction, table: TableRef) -> sa.Table | None:
    """Return the live table, or None if it does not exist."""
    return parse_table(table, transaction.execute(select_table(table)))


def _check_views(load: LoadContext, transaction: Transaction, plan: Plan) -> None:
    """Raise SchemaChangeRefusedError, before anything is changed, if a view uses a column that the plan changes."""
    views = find_views(transaction, load.key.table, plan)
    if views:
        raise SchemaChangeRefusedError(
            VIEWS_USE_COLUMNS(
                table=load.key.table, views="; ".join(views), changed=_describe_changed(load)
            ),
            views,
        )


def find_views(transaction: Transaction, table: TableRef, plan: Plan) -> tuple[str, ...]:
    """Return a sentence for each view that is bound to a column which the plan alters or drops."""
    rows = transaction.execute(select_views(table))
    bound = [row._mapping for row in rows]
    return tuple(
        VIEW_USES_COLUMN(column=row["column"], view_schema=row["view_schema"], view=row["view"])
        for row in sorted(bound, key=lambda row: (row["column"], row["view_schema"], row["view"]))
        if row["column"] in plan.touched
    )


def look_for_late_binding_views(
    warehouse: WarehouseClient, table: TableRef, columns: Sequence[str], seconds: float
) -> tuple[str, ...]:
    """Return a warning for each late-binding view that names one of the columns, which are dropped or renamed.

    In a transaction of its own, because the function that lists the views can fail or take long. That
    is only a warning, too.
    """
    try:
        with warehouse.transaction(table.database, min(seconds, _VIEW_SECONDS)) as transaction:
            candidates = transaction.execute(select_candidates(table))
            late = transaction.execute(select_late_binding_columns()) if candidates else ()
    except EtlError as error:
        shown = ", ".join(columns)
        return (LATE_BINDING_VIEWS_NOT_READ(columns=shown, reason=error.message),)
    return warn_late_binding_views(table, columns, candidates, late)


def _run_autocommit(load: LoadContext, statements: Sequence[Statement]) -> None:
    """Run each statement in autocommit, so that it is committed when the next one runs."""
    for statement in statements:
        load.statements.append(statement.sql)
        with _refusal_explained(load, statement):
            load.ports.warehouse.execute_autocommit(
                load.key.table.database, statement.element, load.seconds_left
            )
        load.committed_count += 1


def _run_transactional(
    load: LoadContext, transaction: Transaction, statements: Sequence[Statement]
) -> None:
    """Run the statements in the transaction.

    Raises SchemaChangeRefusedError for a value that a column cannot hold.
    """
    for statement in statements:
        with _refusal_explained(load, statement):
            load.run(transaction, statement.element)


def _describe_changed(load: LoadContext) -> str:
    """Return what a refused schema file changed: nothing, except statements that had to be committed first."""
    if not load.committed_count:
        return NOTHING_CHANGED()
    return ONLY_AUTOCOMMIT_CHANGES(statements="; ".join(load.statements[: load.committed_count]))


@contextmanager
def _refusal_explained(load: LoadContext, statement: Statement) -> Iterator[None]:
    """Turn the failure of a statement that converts a column's values into a rejection: the owner
    of the values must act.
    """
    try:
        yield
    except LoadTimeoutError:
        raise
    except LoadFailedError as error:
        if statement.column is None:
            raise
        message = error.message.replace(statement.interim or statement.column, statement.column)
        reason = COLUMN_NOT_CHANGED(column=statement.column, why=statement.why, reason=message)
        raise SchemaChangeRefusedError(
            VALUES_NOT_CONVERTED(reason=reason, changed=_describe_changed(load)), (reason,)
        ) from error
