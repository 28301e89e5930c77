"""A data file that takes longer to load than a function lives: it is copied into a staging table by
statements that nobody waits for, and its rows are moved into the table by a short transaction.

plan       in a transaction that decides as usual and changes nothing: the statements of the copy
copy       outside of every lock: other uploads of the table can be loaded
move       in the transaction that decides again and writes the ledger: INSERT ... SELECT instead of COPY

The move uses a staging table only if today's plan would fill it with the same statements. So a file
that was overwritten, and a schema that was changed, start over.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.sql.expression import Executable

from etl_core.loading.copy_plan import plan_steps
from etl_core.loading.copy_run import (
    CopyRun,
    Group,
    GroupCopy,
    Note,
    Step,
    deletion,
    group_parts,
    plan_copy,
)
from etl_core.loading.data_file import Part
from etl_core.loading.load_context import LoadContext
from etl_core.loading.messages import (
    LONG_COPY_CANCELLED,
    LONG_COPY_GAVE_UP,
    LONG_COPY_LOST,
    LONG_COPY_OUTDATED,
)
from etl_core.loading.ports import Transaction
from etl_core.loading.staging import (
    drop_staging,
    left_behind,
    move_rows,
    plan_staging,
    select_count,
    select_staging_tables,
)
from etl_core.model.errors import (
    CopyRefusedError,
    EtlError,
    LoadFailedError,
    RetryableError,
)
from etl_core.model.lake_key import Action
from etl_core.model.long_copy import (
    MAX_ATTEMPTS,
    MAX_TABLES,
    LongCopy,
    LongCopyResult,
    LongCopyStatus,
    StagingTable,
    staging_name,
)
from etl_core.sql import VALUE_SETTINGS, CopyCsv, render_sql

_FAILED_STATEMENT = re.compile(r"Query #(\d{1,3}) failed with ", re.ASCII)


@dataclass(frozen=True)
class StagedCopy(GroupCopy):
    """Files whose rows are in a staging table: they are moved instead of copied."""

    table: str
    rows: int

    def statement(self, *, refreshes: bool) -> Executable:
        """Return the statement that moves the rows. It cannot refresh the statistics."""
        del refreshes
        return move_rows(self.table, self.command)

    def read_count(self, transaction: Transaction) -> int:
        """Return the rows that the staging table had under the ledger's lock."""
        del transaction
        return self.rows

    def fill(self, staging: sa.Table, transaction: Transaction, note: Note) -> int:
        """Move the rows into another staging table."""
        statement = move_rows(
            self.table, CopyCsv(staging, self.command.columns, self.command.source)
        )
        note(statement)
        transaction.execute(statement)
        return self.rows


@dataclass(frozen=True)
class StartOver:
    """The staging tables cannot be used. `reason` is a sentence for people."""

    reason: str


@dataclass(frozen=True)
class Failed:
    """The statements failed. `copies`: each staging table's files, None if they are not the same any more."""

    result: LongCopyResult
    copies: Sequence[GroupCopy | None]


def request_copy(load: LoadContext, copy_run: CopyRun | None) -> LongCopy | None:
    """Return a copy without statements, which the next load plans; for a load that ran out of time.

    Return None if that would not help: rows that are in staging tables already took too long to
    move.
    """
    if not load.can_copy_long or load.settings.long_load_bytes == 0:
        return None
    earlier = load.long_copy
    if earlier is None:
        return LongCopy(load.key.table.database, 1, load.ports.now())
    copies = () if copy_run is None else copy_run.copies
    if earlier.attempt == MAX_ATTEMPTS or all(isinstance(copy, StagedCopy) for copy in copies):
        return None
    return _next_attempt(earlier)


def start_over(load: LoadContext, why: StartOver) -> LongCopy:
    """Return a copy without statements, which the next load plans. LoadFailedError after the last attempt."""
    assert load.long_copy is not None
    if load.long_copy.attempt >= MAX_ATTEMPTS:
        raise LoadFailedError(LONG_COPY_GAVE_UP(attempts=MAX_ATTEMPTS, reason=why.reason))
    return _next_attempt(load.long_copy)


def _next_attempt(copy: LongCopy) -> LongCopy:
    return LongCopy(copy.database, copy.attempt + 1, copy.planned_at)


def staged_statements(copy_run: CopyRun, load: LoadContext) -> tuple[str, ...]:
    """Return the COPYs that filled the staging tables whose rows the copy run moves."""
    names = {copy.table for copy in copy_run.copies if isinstance(copy, StagedCopy)}
    tables = () if load.long_copy is None else load.long_copy.tables
    return tuple(table.copy for table in tables if table.name in names)


def plan_long_copy(
    load: LoadContext, copies: Sequence[GroupCopy], reason: str | None
) -> LongCopy | None:
    """Return the statements that fill staging tables with the files, the upload's own first.

    Files that do not fit into one batch of statements are left out: the move copies them. Return
    None if the upload's own file does not fit. `reason` says why an earlier attempt cannot be used;
    LoadFailedError if that was the last one.
    """
    earlier = load.long_copy
    attempt = 1 if earlier is None else earlier.attempt + (reason is not None)
    if attempt > MAX_ATTEMPTS:
        raise LoadFailedError(LONG_COPY_GAVE_UP(attempts=MAX_ATTEMPTS, reason=reason))
    now, token = load.ports.now(), secrets.token_hex(4)
    tables = [
        plan_staging(
            staging_name(now, load.upload.upload_id, token, number),
            [part.file.upload_id for part in copy.group],
            copy.command,
        )
        for number, copy in enumerate(copies[:MAX_TABLES])
    ]
    planned = LongCopy(
        database=load.key.table.database,
        attempt=attempt,
        planned_at=now if earlier is None else earlier.planned_at,
        settings=tuple(map(render_sql, VALUE_SETTINGS)),
    )
    while tables:
        fitting = replace(planned, tables=tuple(tables))
        if fitting.fits:
            return fitting
        tables.pop()
    return None


def next_step(
    load: LoadContext, parts: Sequence[Part], target: sa.Table, transaction: Transaction
) -> CopyRun | LongCopy | Failed:
    """Return what to do now, under the ledger's lock: move the rows, copy them first, or report a failure.

    Raises LoadFailedError.
    """
    reason = None
    if load.long_copy is not None and not _is_requested(load.long_copy):
        used = _use_result(load, load.long_copy, parts, target, transaction)
        if not isinstance(used, StartOver):
            return used
        reason = used.reason
    copies = _copies_of(load, _to_stage(parts), target)
    planned = plan_long_copy(load, copies, reason)
    return planned or _copy_run(load, _steps(load, parts, copies, target), target)


def _is_requested(copy: LongCopy) -> bool:
    return copy.result is not None and copy.result.status is LongCopyStatus.NOT_STARTED


def _use_result(
    load: LoadContext,
    copy: LongCopy,
    parts: Sequence[Part],
    target: sa.Table,
    transaction: Transaction,
) -> CopyRun | Failed | StartOver:
    result = copy.result or LongCopyResult(LongCopyStatus.LOST)
    match result.status:
        case LongCopyStatus.FINISHED:
            tables = list(zip(copy.tables, result.counts, strict=True))
            return _move(load, tables, parts, target, transaction)
        case LongCopyStatus.FAILED:
            copies = [_same_copy(load, table, parts, target) for table in copy.tables]
            return Failed(result, copies)
        case LongCopyStatus.ABORTED:
            raise LoadFailedError(LONG_COPY_CANCELLED(reason=result.error or "cancelled"))
        case _:
            return StartOver(LONG_COPY_LOST(reason=result.error or "no result"))


def _move(
    load: LoadContext,
    tables: Sequence[tuple[StagingTable, int]],
    parts: Sequence[Part],
    target: sa.Table,
    transaction: Transaction,
) -> CopyRun | StartOver:
    staged = list(_staged(load, tables, parts, target, transaction))
    done = {part.file.upload_id for each in staged for part in each.group}
    if load.upload.upload_id not in done:
        return StartOver(LONG_COPY_OUTDATED())
    return _copy_run(load, _steps(load, parts, staged, target), target)


def _to_stage(parts: Sequence[Part]) -> Sequence[Part]:
    """Return the files that are copied into staging tables: with an upsert among them, only the own one."""
    return parts[:1] if any(part.key for part in parts) else parts


def _steps(
    load: LoadContext, parts: Sequence[Part], copies: Sequence[GroupCopy], target: sa.Table
) -> Sequence[Step]:
    """Return the steps that load all files, of which `copies` load some."""
    if not any(part.key for part in parts):
        done = {part.file.upload_id for copy in copies for part in copy.group}
        # Appends that took effect during the copy, and that this truncate loads again.
        rest = [part for part in parts if part.file.upload_id not in done]
        return [*copies, *_copies_of(load, rest, target)]
    by_file = {copy.group[0].file.upload_id: copy for copy in copies}

    def plan(group: Group) -> GroupCopy:
        copy = by_file.get(group[0].file.upload_id)
        return copy or plan_copy(group, target, load.settings, load.ports.store)

    return plan_steps(parts, plan, replaces_rows=load.key.action is Action.TRUNCATE)


def _staged(
    load: LoadContext,
    tables: Sequence[tuple[StagingTable, int]],
    parts: Sequence[Part],
    target: sa.Table,
    transaction: Transaction,
) -> Iterator[StagedCopy]:
    """Yield the staging tables that hold what today's plan would copy into them."""
    existing = {name for (name,) in transaction.execute(select_staging_tables())}
    for table, rows in tables:
        same = _same_copy(load, table, parts, target)
        if same is None or table.name not in existing:
            continue
        [count] = transaction.execute(select_count(table.name, same.command))
        if count[0] == rows:
            yield StagedCopy(same.group, same.command, table.name, rows)


def _same_copy(
    load: LoadContext, table: StagingTable, parts: Sequence[Part], target: sa.Table
) -> GroupCopy | None:
    """Return the copy that fills the staging table, if it would be planned the same way today."""
    known = {part.file.upload_id: part for part in parts}
    group = [known[upload_id] for upload_id in table.upload_ids if upload_id in known]
    if not group or len(group) < len(table.upload_ids):
        return None
    copy = plan_copy(group, target, load.settings, load.ports.store)
    return copy if plan_staging(table.name, table.upload_ids, copy.command) == table else None


def _copies_of(load: LoadContext, parts: Sequence[Part], target: sa.Table) -> list[GroupCopy]:
    groups = group_parts(parts)
    return [plan_copy(group, target, load.settings, load.ports.store) for group in groups]


def _copy_run(load: LoadContext, steps: Sequence[Step], target: sa.Table) -> CopyRun:
    replaces_rows = load.key.action is Action.TRUNCATE
    delete = deletion(target) if replaces_rows else None
    return CopyRun(load.ports.store, load.settings, delete, steps)


def read_failure(
    load: LoadContext, failed: Failed
) -> tuple[GroupCopy, CopyRefusedError] | StartOver:
    """Return the COPY that refused its files, or why the copy starts over. Outside of every transaction.

    Raises LoadFailedError.
    """
    database = load.key.table.database
    error = load.ports.warehouse.read_failure(database, failed.result)
    if isinstance(error, RetryableError):
        return StartOver(error.message)
    match = _FAILED_STATEMENT.search(failed.result.error)
    copied = load.long_copy
    number = copied.table_of_statement(int(match[1])) if match and copied is not None else -1
    if not isinstance(error, CopyRefusedError) or not 0 <= number < len(failed.copies):
        raise error
    copy = failed.copies[number]
    return StartOver(LONG_COPY_OUTDATED()) if copy is None else (copy, error)


def drop_tables(load: LoadContext) -> None:
    """Drop the staging tables of the load's copy. What cannot be dropped is dropped later."""
    _drop(load, [] if load.long_copy is None else [table.name for table in load.long_copy.tables])


def drop_left_behind(load: LoadContext) -> None:
    """Drop the staging tables of the database that no load needs any more."""
    with suppress(EtlError):
        with load.ports.warehouse.transaction(
            load.key.table.database, load.seconds_left
        ) as transaction:
            names = [name for (name,) in transaction.execute(select_staging_tables())]
        _drop(load, left_behind(names, load.ports.now()))


def _drop(load: LoadContext, names: Sequence[str]) -> None:
    for name in names:
        with suppress(EtlError):
            load.ports.warehouse.execute_autocommit(
                load.key.table.database, drop_staging(name), load.seconds_left
            )
