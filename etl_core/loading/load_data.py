"""Load a data file: append its rows, replace the table's rows, or those with the same keys, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.sql.expression import Executable

from etl_core.csv_files.compression import compression_of
from etl_core.loading.batch_members import BatchMember
from etl_core.loading.copy_faults import (
    FileAtFault,
    MembersAtFault,
    UnknownFault,
    explain,
    find_fault,
)
from etl_core.loading.copy_plan import plan_copies
from etl_core.loading.copy_run import (
    Copied,
    CopyRun,
    GroupCopy,
    KeysRefused,
    Overwritten,
    plan_copy,
)
from etl_core.loading.data_file import DataFile, open_file
from etl_core.loading.file_scan import check_compression, warnings_of_scan
from etl_core.loading.found_members import FoundMembers
from etl_core.loading.interval import load_interval
from etl_core.loading.key_columns import keys_refused
from etl_core.loading.ledger import LedgerRow, ledger_row
from etl_core.loading.ledger_view import Proceed
from etl_core.loading.load_context import LoadContext, LoadResult, Trace
from etl_core.loading.locked_ledger import (
    Backlog,
    LockedLedger,
    lock_ledger,
    read_backlog,
    without_effect,
    write_rows,
)
from etl_core.loading.long_load import (
    Failed,
    StartOver,
    drop_left_behind,
    drop_tables,
    next_step,
    read_failure,
    request_copy,
    staged_statements,
    start_over,
)
from etl_core.loading.messages import (
    ACTION_NOT_ALLOWED,
    EMPTY_FILE,
    REPEATED_SKIPPED,
    TABLE_DROPPED,
    TABLE_RENAMED,
)
from etl_core.loading.micro_batch import (
    CopyBatch,
    CopyStrategy,
    gather_copy_batch,
    is_small_file,
    open_chosen,
)
from etl_core.loading.ordering import (
    PendingSchemaFile,
    missing_schema_error,
    pending_schema_files,
    wait_for_schema_files,
)
from etl_core.loading.ports import Transaction
from etl_core.loading.quarantine import check_count, warning_of_quarantine, write_quarantine
from etl_core.loading.renamed_table import find_renamed
from etl_core.loading.repeats import find_repeat, skips_repeats, warnings_of_repeat
from etl_core.model.errors import (
    ActionNotAllowedError,
    CopyRefusedError,
    DamagedLedgerError,
    EtlError,
    InvalidDataFileError,
    LoadFailedError,
    LoadTimeoutError,
    MissingTableError,
    RejectedError,
    RetryableError,
)
from etl_core.model.lake_key import Action
from etl_core.model.long_copy import LongCopy
from etl_core.model.status import Status
from etl_core.model.times import format_utc_time
from etl_core.model.work_bucket import quarantine_prefix
from etl_core.schema_changes.drift import check_drift
from etl_core.schema_changes.live_table import select_table
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file
from etl_core.sql import describe_sql
from etl_core.upload_log.outcome import LoadWarning, warnings_of


@dataclass(frozen=True)
class _Retry:
    """The transaction was rolled back. Try the copy again with another strategy."""

    strategy: CopyStrategy


@dataclass(frozen=True)
class _NoSchema:
    """No schema file was ever applied to the table. The transaction was rolled back."""


_Attempt = LoadResult | LongCopy | Failed | KeysRefused | _Retry | _NoSchema


class DataLoad:
    """One data file on its way into its table. `trace` is up to date at any time, also after an error."""

    def __init__(self, load: LoadContext) -> None:
        self.trace = Trace(load.upload.version_id, load.settings.work_bucket)
        self._load = load
        self._batch: CopyBatch | None = None
        self._copy_run: CopyRun | None = None
        self._statement: Executable | None = None
        self._candidates: tuple[str, ...] = ()
        self._in_force: SchemaFile | None = None
        self._found = FoundMembers(load)
        self._shared_warnings: tuple[LoadWarning, ...] = ()
        self._repeated: LedgerRow | None = None

    def run(self) -> LoadResult | LongCopy:
        """Add the file's rows and delete those that they replace; or return the long copy that must
        come first.

        Raises RejectedError, LoadFailedError or RetryableError.
        """
        try:
            result = self._run()
        except (RejectedError, LoadFailedError):
            drop_tables(self._load)
            raise
        drop_tables(self._load)
        if isinstance(result, LongCopy):
            drop_left_behind(self._load)
        return result

    def with_found(self, result: LoadResult) -> LoadResult:
        """Return the result with the answers to other pending uploads that were found bad."""
        trace = replace(self.trace, warnings=self._shared_warnings)
        self._found.try_suspects(trace, self._in_force)
        return self._found.added_to(result)

    def _run(self) -> LoadResult | LongCopy:
        load, store = self._load, self._load.ports.store
        compression = compression_of(load.key.file)
        opened = store.open(load.upload)
        self._candidates = opened.candidates
        self.trace = replace(self.trace, version_id=opened.version.version_id)
        if opened.version.size == 0:
            raise InvalidDataFileError(EMPTY_FILE())
        file = open_file(store, load.upload.upload_id, opened, compression)
        strategy = CopyStrategy(one_copy_per_file=load.alone)
        missing: EtlError | None = None
        while True:
            match self._attempt(file, strategy):
                case _Retry(strategy=strategy):
                    if strategy.pin and not file.is_pinned:
                        upload_id = load.upload.upload_id
                        file = open_file(store, upload_id, opened, compression, pin=True)
                case _NoSchema():
                    known, missing = missing, missing_schema_error(load)
                    if known is not None or not isinstance(missing, DamagedLedgerError):
                        raise missing
                case Failed() as failed:
                    return self._after_failure(failed)
                case KeysRefused() as refused:
                    raise keys_refused(refused, load, self._in_force)
                case result:
                    return result

    def _attempt(self, file: DataFile, strategy: CopyStrategy) -> _Attempt:
        """Run one transaction, which commits only if the result is a LoadResult."""
        try:
            return self._try(file, strategy)
        finally:
            if self._batch is not None and self._batch.scan is not None:
                self._batch.scan.stop()

    def _try(self, file: DataFile, strategy: CopyStrategy) -> _Attempt:
        load = self._load
        self._batch = self._copy_run = self._statement = None
        self.trace = replace(self.trace, statements=())
        try:
            with load.ports.warehouse.transaction(
                load.key.table.database, load.seconds_left
            ) as transaction:
                return self._run_transaction(transaction, file, strategy)
        except CopyRefusedError as error:
            return self._after_refusal(error, strategy)
        except MissingTableError as error:
            self.trace = replace(self.trace, table_exists=False)
            raise self._missing_table(error.message) from error
        except LoadTimeoutError:
            requested = request_copy(load, self._copy_run)
            if requested is None:
                raise
            return requested
        except (RetryableError, RejectedError):
            raise
        except Exception as error:
            # A member of the micro-batch may be the cause: without it, the upload itself loads.
            if not self._has_members():
                if isinstance(error, LoadFailedError):
                    check_compression(file, load.ports.store, load.deadline)
                raise
            return _Retry(replace(strategy, one_copy_per_file=True))

    def _missing_table(self, reason: str) -> MissingTableError:
        load = self._load
        table, spec = load.key.table, self._in_force
        others = (
            ()
            if spec is None
            else find_renamed(load.ports.warehouse, table, spec, load.seconds_left)
        )
        if others:
            shown = ", ".join(others)
            return MissingTableError(TABLE_RENAMED(reason=reason, table=table, others=shown))
        return MissingTableError(TABLE_DROPPED(reason=reason, table=table))

    def _has_members(self) -> bool:
        return self._batch is not None and bool(self._batch.members)

    def _run_transaction(
        self, transaction: Transaction, file: DataFile, strategy: CopyStrategy
    ) -> _Attempt:
        load = self._load
        locked = lock_ledger(transaction, load, self._candidates)
        if locked is None:
            return _NoSchema()
        self.trace = replace(self.trace, version_id=locked.version_id)
        self.trace = self.trace.with_schema(locked.view, load.upload)
        decision = locked.decision
        if not isinstance(decision, Proceed):
            return without_effect(transaction, load, locked, decision, self.trace)
        backlog = read_backlog(transaction, load, locked)
        schema_files = pending_schema_files(load, backlog, self.trace.version_id)
        wait_for_schema_files(load, schema_files)
        if decision.in_force is None:
            transaction.roll_back()
            return _NoSchema()
        self._in_force = decision.in_force
        self._check_action(decision.schema_at_arrival)
        self._repeated = find_repeat(load, locked.view, file.version)
        if self._repeated is not None and skips_repeats(decision.schema_at_arrival):
            transaction.roll_back()
            landed_at = format_utc_time(self._repeated.landed_at)
            return LoadResult(self.trace.ignored(REPEATED_SKIPPED(landed_at=landed_at)))
        rows = transaction.execute(select_table(load.key.table))
        self.trace = replace(
            self.trace,
            warnings=warnings_of(check_drift(rows, decision.in_force, load.key.table)),
            load_interval_seconds=load_interval(decision.in_force, load.settings),
        )
        self._shared_warnings = self.trace.warnings
        members = self._open_members(file, locked, decision, backlog, schema_files, strategy)
        batch = gather_copy_batch(
            load, file, backlog, decision.history, decision.in_force, members, strategy
        )
        self._batch = batch
        if batch.scan is not None:
            batch.scan.check()
        result = self._copy(transaction, locked, batch, decision.in_force, strategy)
        return result.with_others(backlog.decided) if isinstance(result, LoadResult) else result

    def _open_members(
        self,
        file: DataFile,
        locked: LockedLedger,
        proceed: Proceed,
        backlog: Backlog,
        schema_files: Sequence[PendingSchemaFile],
        strategy: CopyStrategy,
    ) -> Sequence[BatchMember]:
        """Return the members of the micro-batch, and note what is wrong with other pending uploads."""
        if strategy.one_copy_per_file or not is_small_file(self._load, file):
            return ()
        left_out = strategy.left_out | self._found.ids
        opened = open_chosen(self._load, locked, proceed, backlog, schema_files, left_out)
        self._found.note(opened, self.trace)
        return opened.members

    def _check_action(self, schema: SchemaFile | None) -> None:
        """Raise ActionNotAllowedError if the schema at arrival does not list the action."""
        key = self._load.key
        if schema is not None and key.action not in schema.allowed_operations:
            raise ActionNotAllowedError(
                ACTION_NOT_ALLOWED(
                    action=key.action,
                    table=key.table,
                    schema_version=schema.schema_version,
                    allowed=", ".join(schema.allowed_operations) or "no action",
                )
            )

    def _copy(
        self,
        transaction: Transaction,
        locked: LockedLedger,
        batch: CopyBatch,
        in_force: SchemaFile,
        strategy: CopyStrategy,
    ) -> _Attempt:
        step = self._plan(transaction, batch, in_force, strategy)
        if not isinstance(step, CopyRun):
            transaction.roll_back()
            return step
        self._copy_run = step
        self.trace = replace(self.trace, statements=staged_statements(step, self._load))
        match self._copy_run.run(transaction, self._note):
            case Overwritten(parts=parts):
                transaction.roll_back()
                return _Retry(strategy.after_overwriting(batch, parts))
            case KeysRefused() as refused:
                transaction.roll_back()
                return refused
            case Copied() as copied:
                rows = copied.rows_by_file()
                deleted = copied.rows_deleted + copied.rows_replaced
        if rows is None:
            transaction.roll_back()
            return _Retry(self._apart(strategy))
        self._warn(warnings_of_repeat(self._repeated))
        self._set_rows_aside(batch, rows)
        if batch.scan is not None:
            self._warn(warnings_of_scan(batch.scan.result().warnings))
        result = self._write_ledger(transaction, locked, batch, rows)
        return replace(result, rows_deleted=deleted)

    def _plan(
        self,
        transaction: Transaction,
        batch: CopyBatch,
        in_force: SchemaFile,
        strategy: CopyStrategy,
    ) -> CopyRun | LongCopy | Failed:
        load = self._load
        if load.is_long(batch.own.file.version.size):
            target = table_of_schema_file(in_force, load.key.table)
            return next_step(load, batch.parts, target, transaction)
        return plan_copies(
            batch.parts,
            load.key.table,
            in_force,
            load.settings,
            load.ports.store,
            replaces_rows=load.key.action is Action.TRUNCATE,
            combines=strategy.combines,
        )

    def _after_failure(self, failed: Failed) -> LoadResult | LongCopy:
        """Return the failure of the file that a long copy refused, or a new copy."""
        load = self._load
        refused = read_failure(load, failed)
        if isinstance(refused, StartOver):
            return start_over(load, refused)
        copy, error = refused
        batch = CopyBatch(copy.group[0], copy.group[1:], ())
        fault = find_fault(load, batch, copy, error)
        if not isinstance(fault, FileAtFault):
            raise error
        return self._refusal(copy, fault, error)

    def _warn(self, warnings: Sequence[LoadWarning]) -> None:
        """Add warnings about the upload's own file."""
        self.trace = replace(self.trace, warnings=(*self.trace.warnings, *warnings))

    def _set_rows_aside(self, batch: CopyBatch, rows: Mapping[str, int]) -> None:
        """Write the bad rows of the own file before the commit. Raises LoadFailedError if the other
        rows are not exactly those that COPY loaded.
        """
        for part in batch.parts:
            if part.bad is not None:
                check_count(part.bad, rows[part.file.upload_id])
        own, load = batch.own, self._load
        if own.bad is not None:
            write_quarantine(load.ports.store, own, own.bad)
            bucket, upload = load.settings.work_bucket, load.upload
            prefix = quarantine_prefix(bucket, upload.key, upload.upload_id)
            self._warn([warning_of_quarantine(own.bad, prefix, self._load.key.action)])

    def _apart(self, strategy: CopyStrategy) -> CopyStrategy:
        """Return the strategy that tells more about each file."""
        run = self._copy_run
        if run is not None and any(copy.is_combined for copy in run.copies):
            return replace(strategy, combines=False)
        return replace(strategy, one_copy_per_file=True)

    def _note(self, statement: Executable) -> None:
        self._statement = statement
        texts = (*self.trace.statements, describe_sql(statement))
        self.trace = replace(self.trace, statements=texts)

    def _write_ledger(
        self,
        transaction: Transaction,
        locked: LockedLedger,
        batch: CopyBatch,
        rows: Mapping[str, int],
    ) -> LoadResult:
        load = self._load
        own = load.row(Status.LOADED, self.trace.version_id, rows[load.upload.upload_id])
        if batch.own.bad is not None:
            own = replace(own, rows_quarantined=batch.own.bad.count)
        of_members = [_row_of(member, rows, own.loaded_at) for member in batch.members]
        write_rows(transaction, load.key.table, [own, *of_members], is_current=locked.is_current)
        answers = (
            (member.upload, self._trace_of(member, row.version_id).outcome(row))
            for member, row in zip(batch.members, of_members, strict=True)
        )
        return LoadResult(self.trace.outcome(own), tuple(answers))

    def _refusal(self, copy: GroupCopy, fault: FileAtFault, error: CopyRefusedError) -> LoadResult:
        explained = explain(self._load, copy, fault, error, self._in_force)
        # An upload that is loaded again was accepted before: this one is not at fault.
        is_own = fault.part.file.upload_id == self._load.upload.upload_id
        status = Status.REJECTED if explained.is_of_file and is_own else Status.FAILED
        return LoadResult(self.trace.refusal(status, explained.failure))

    def _trace_of(self, member: BatchMember, version_id: str) -> Trace:
        warnings = (*self._shared_warnings, *member.warnings)
        return replace(self.trace, version_id=version_id, warnings=warnings)

    def _after_refusal(self, error: CopyRefusedError, strategy: CopyStrategy) -> _Attempt:
        """Return the failure, or a retry without the members that have refused rows."""
        refused = None if self._copy_run is None else self._copy_run.copy_of(self._statement)
        if refused is None or self._batch is None:
            raise error
        if refused.is_combined:
            refused = plan_copy(
                refused.group, refused.command.table, self._load.settings, self._load.ports.store
            )
        match find_fault(self._load, self._batch, refused, error):
            case FileAtFault() as fault:
                self._refuse_members(self._batch, refused, fault.members, error)
                return self._refusal(refused, fault, error)
            case MembersAtFault(faults=faults):
                self._refuse_members(self._batch, refused, faults, error)
                return _Retry(strategy.without(each.part.file.upload_id for each in faults))
            case UnknownFault():
                return _Retry(self._apart(strategy))

    def _refuse_members(
        self,
        batch: CopyBatch,
        copy: GroupCopy,
        faults: Sequence[FileAtFault],
        error: CopyRefusedError,
    ) -> None:
        """Note the answers of members with refused rows: their own loads would only find the same."""
        self._found.refuse(batch.members, copy, faults, error, self.trace, self._in_force)


def _row_of(member: BatchMember, rows: Mapping[str, int], loaded_at: datetime) -> LedgerRow:
    upload = member.upload
    count = rows[upload.upload_id]
    return ledger_row(upload, Action.APPEND, member.version_id, Status.LOADED, count, loaded_at)
