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

from etl_core.loading.ledger import create_ledger_statements, ledger_table
from etl_core.loading.ledger_access import protect_statements
from etl_core.loading.ledger_view import Proceed, Superseded
from etl_core.loading.load_context import LoadContext, LoadResult, Trace
from etl_core.loading.locked_ledger import lock_ledger, read_backlog, without_effect, write_rows
from etl_core.loading.messages import (
    COLUMN_LOSES_VALUE,
    COLUMN_NOT_CHANGED,
    LEDGER_DROPPED,
    LEDGER_FORGOTTEN,
    NOTHING_CHANGED,
    ONLY_AUTOCOMMIT_CHANGES,
    SCHEMA_ACTION_NOT_ALLOWED,
    SCHEMA_CHANGE_REFUSED,
    SCHEMA_FILE_EXTENSION,
    SCHEMA_FILE_TOO_LARGE,
    TABLE_KEEPS_CHANGING,
    VALUES_LOST,
    VALUES_NOT_CONVERTED,
    VIEWS_USE_COLUMNS,
)
from etl_core.loading.ordering import wait_for_earlier_uploads
from etl_core.loading.ports import Transaction
from etl_core.loading.table_plan import (
    find_late_binding_views,
    find_views,
    plan_change,
    read_table,
)
from etl_core.model.errors import (
    ActionNotAllowedError,
    DamagedLedgerError,
    InvalidSchemaFileError,
    LoadFailedError,
    LoadTimeoutError,
    LockConflictError,
    SchemaChangeRefusedError,
)
from etl_core.model.lake_key import Action, describe_key, has_extension
from etl_core.model.retry_policies import MAX_WAIT_ATTEMPTS
from etl_core.model.status import Status
from etl_core.schema_changes.plan import Plan, Statement
from etl_core.schema_changes.refusals import describe_refusals, refuse_replacement
from etl_core.schema_files.schema_file import MAX_FILE_BYTES, SchemaFile
from etl_core.schema_files.schema_warnings import warnings_of_types
from etl_core.schema_files.tables import describe_table
from etl_core.sql import describe_sql
from etl_core.upload_log.outcome import warnings_of

_ROUNDS = 6
"""Views, a new sort key and all other autocommit statements take a round each; then the transaction."""


@dataclass(frozen=True)
class _PrepareFirst:
    """The transaction was rolled back. Something has to be done before the plan can run in it."""

    plan: Plan


@dataclass(frozen=True)
class _NoLedger:
    """The table has no ledger. The transaction was rolled back."""


_Attempt = LoadResult | _PrepareFirst | _NoLedger


class SchemaLoad:
    """One schema file on its way to its table. `trace` is up to date at any time, also after an error.

    `_committed` are the statements that were committed in autocommit before the transaction.
    `_late_views` are the warnings about late-binding views, None before they were looked for.
    """

    def __init__(self, load: LoadContext) -> None:
        self.trace = Trace(version_id=load.upload.version_id)
        self._load = load
        self._committed: tuple[str, ...] = ()
        self._candidates: tuple[str, ...] = ()
        self._late_views: tuple[str, ...] | None = None
        self._type_warnings: tuple[str, ...] = ()

    def run(self) -> LoadResult:
        """Change the table to match the schema file.

        Raises RejectedError, LoadFailedError or RetryableError.
        """
        load = self._load
        spec = self._read_spec()
        self.trace = replace(
            self.trace,
            schema_version=spec.schema_version,
            freshness_hours=spec.freshness_hours,
        )
        result = self._apply(spec)
        if isinstance(result, LoadResult):
            return result
        refusal = _create_ledger(load)
        result = self._apply(spec)
        if isinstance(result, LoadResult):
            return result
        raise refusal or LoadFailedError(LEDGER_DROPPED(table=load.key.table))

    def _read_spec(self) -> SchemaFile:
        load, store = self._load, self._load.ports.store
        if not has_extension(load.key.file, load.key.action):
            raise InvalidSchemaFileError(SCHEMA_FILE_EXTENSION(file=load.key.file))
        opened = store.open(load.upload)
        version, first_bytes = opened.version, opened.first_bytes
        self._candidates = opened.candidates
        self.trace = replace(self.trace, version_id=version.version_id)
        if version.size > MAX_FILE_BYTES:
            raise InvalidSchemaFileError(
                SCHEMA_FILE_TOO_LARGE(size=version.size, limit=MAX_FILE_BYTES)
            )
        text = b"".join([first_bytes, *store.read(version, len(first_bytes))])
        spec = SchemaFile.parse(text)
        self._type_warnings = tuple(warning.reason for warning in warnings_of_types(text))
        return spec

    def _apply(self, spec: SchemaFile) -> LoadResult | _NoLedger:
        for _ in range(_ROUNDS):
            self.trace = replace(self.trace, statements=self._committed)
            result = self._attempt(spec)
            if not isinstance(result, _PrepareFirst):
                return result
            self._prepare(result.plan)
        raise LockConflictError(TABLE_KEEPS_CHANGING(table=self._load.key.table, rounds=_ROUNDS))

    def _attempt(self, spec: SchemaFile) -> _Attempt:
        """Run one transaction, which commits only if the result is a LoadResult."""
        load = self._load
        with load.ports.warehouse.transaction(
            load.key.table.database, load.seconds_left
        ) as transaction:
            locked = lock_ledger(transaction, load, self._candidates)
            if locked is None:
                return _NoLedger()
            version_id = locked.version_id
            self.trace = replace(self.trace, version_id=version_id)
            decision = locked.decision
            if isinstance(decision, Superseded):
                # It changes nothing, but it applies to the data files that arrived between it and
                # the later one.
                row = load.row(Status.SUPERSEDED, version_id, schema_file=spec)
                write_rows(transaction, load.key.table, [row], is_current=locked.is_current)
            if not isinstance(decision, Proceed):
                return without_effect(transaction, load, locked, decision, self.trace)
            if load.retry_count < MAX_WAIT_ATTEMPTS:
                wait_for_earlier_uploads(load, read_backlog(transaction, load, locked), version_id)
            self._check_allowed(decision.in_force, spec)
            status = self._change_table(transaction, decision.in_force, spec)
            if isinstance(status, _PrepareFirst):
                transaction.roll_back()
                return status
            row = load.row(status, version_id, schema_file=spec)
            write_rows(transaction, load.key.table, [row], is_current=locked.is_current)
        self.trace = replace(self.trace, table_exists=True)
        return LoadResult(self.trace.outcome(row))

    def _check_allowed(self, in_force: SchemaFile | None, spec: SchemaFile) -> None:
        for refusal in refuse_replacement(in_force, spec):
            self.trace = replace(self.trace, table_exists=True)
            raise ActionNotAllowedError(
                SCHEMA_ACTION_NOT_ALLOWED(table=self._load.key.table, reason=refusal)
            )

    def _change_table(
        self, transaction: Transaction, in_force: SchemaFile | None, spec: SchemaFile
    ) -> Status | _PrepareFirst:
        table, settings = self._load.key.table, self._load.settings
        actual = read_table(transaction, table)
        if in_force is None and actual is not None:
            self._check_not_forgotten()
        self.trace = replace(self.trace, table_exists=actual is not None)
        plan = plan_change(transaction, table, actual, in_force, spec, settings.rebuild_max_rows)
        self._check_plan(plan)
        if actual is not None and plan.touched:
            self._check_views(transaction, plan)
        if plan.autocommit or self._must_find_views(plan):
            return _PrepareFirst(plan)
        warnings = warnings_of((*self._type_warnings, *plan.warnings, *(self._late_views or ())))
        self.trace = replace(self.trace, warnings=warnings)
        if in_force is None and actual is not None:
            self._note(f"-- adopted the existing table {table}: {describe_table(actual)}")
        for statement in plan.transactional:
            self._note(describe_sql(statement.element))
            with self._refusal_explained(statement):
                transaction.execute(statement.element)
            self._check_kept(transaction, statement)
        is_new_spec = in_force is not None and in_force != spec
        changed = bool(plan.transactional or self._committed) or is_new_spec
        return Status.APPLIED if changed else Status.UNCHANGED

    def _check_kept(self, transaction: Transaction, statement: Statement) -> None:
        """Raise SchemaChangeRefusedError if the statement has changed a value."""
        found = () if statement.lost is None else transaction.execute(statement.lost)
        for row in found:
            value, stored = map(str, row)
            reason = COLUMN_LOSES_VALUE(
                column=statement.column, why=statement.why, value=value, stored=stored
            )
            raise SchemaChangeRefusedError(
                VALUES_LOST(reason=reason, changed=self._describe_changed()), (reason,)
            )

    def _check_not_forgotten(self) -> None:
        """Raise DamagedLedgerError if the ledger is empty although the log knows loads of the table.

        The schema file would be the first of an empty ledger, and the table's rows nobody's.
        """
        table = self._load.key.table
        effects = self._load.ports.backlog.find_effects(table)
        loaded = (each for each in effects if describe_key(each.key).action != Action.SCHEMA)
        first = next(loaded, None)
        if first is not None:
            raise DamagedLedgerError(
                LEDGER_FORGOTTEN(table=table, database=table.database, key=first.key)
            )

    def _must_find_views(self, plan: Plan) -> bool:
        return bool(plan.removed) and self._late_views is None

    def _prepare(self, plan: Plan) -> None:
        """Do the next thing that has to be done before the transaction."""
        load = self._load
        if self._must_find_views(plan):
            self._late_views = find_late_binding_views(
                load.ports.warehouse, load.key.table, plan.removed, load.seconds_left
            )
        else:
            self._run_autocommit(plan.next_autocommit)

    def _note(self, text: str) -> None:
        self.trace = replace(self.trace, statements=(*self.trace.statements, text))

    def _check_plan(self, plan: Plan) -> None:
        if not plan.refusals:
            return
        raise SchemaChangeRefusedError(
            SCHEMA_CHANGE_REFUSED(
                table=self._load.key.table,
                refusals=describe_refusals(plan.refusals),
                changed=self._describe_changed(),
            ),
            tuple(dict.fromkeys(map(str, plan.refusals))),
        )

    def _check_views(self, transaction: Transaction, plan: Plan) -> None:
        """Raise SchemaChangeRefusedError, before anything is changed, if a view uses a column that the plan changes."""
        table = self._load.key.table
        views = find_views(transaction, table, plan)
        if views:
            raise SchemaChangeRefusedError(
                VIEWS_USE_COLUMNS(
                    table=table, views="; ".join(views), changed=self._describe_changed()
                ),
                views,
            )

    def _run_autocommit(self, statements: Sequence[Statement]) -> None:
        """Run each statement in autocommit, so that it is committed when the next one runs."""
        load = self._load
        for statement in statements:
            self._note(statement.sql)
            with self._refusal_explained(statement):
                load.ports.warehouse.execute_autocommit(
                    load.key.table.database, statement.element, load.seconds_left
                )
            self._committed = (*self._committed, statement.sql)

    def _describe_changed(self) -> str:
        """Return what a refused schema file changed: nothing, except statements that had to be committed first."""
        if not self._committed:
            return NOTHING_CHANGED()
        return ONLY_AUTOCOMMIT_CHANGES(statements="; ".join(self._committed))

    @contextmanager
    def _refusal_explained(self, statement: Statement) -> Iterator[None]:
        """Turn the failure of a statement that converts a column's values into a rejection: the
        owner of the values must act.
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
                VALUES_NOT_CONVERTED(reason=reason, changed=self._describe_changed()), (reason,)
            ) from error


def _create_ledger(load: LoadContext) -> LoadFailedError | None:
    """Create the table's ledger.

    Return an error instead of raising it: another first upload may have created the ledger.
    """
    refusal = None
    ledger = ledger_table(load.key.table)
    for statement in (*create_ledger_statements(ledger), *protect_statements(ledger)):
        try:
            with load.ports.warehouse.transaction(
                load.key.table.database, load.seconds_left
            ) as transaction:
                transaction.execute(statement)
        except LoadFailedError as error:
            refusal = error
    return refusal
