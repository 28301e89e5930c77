"""Rebuilding a table from the lake: in place, in one transaction, so that a reader sees its rows before or after, never in between.

LOCK the target's ledger, read all of it    -- which uploads make up the table, in which version, with how many rows
DELETE FROM target                          -- never TRUNCATE: it commits
COPY target FROM manifest                   -- as few as possible: one for all files that are written alike
COMMIT                                      -- only if as many rows came out as the ledger says
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from etl_core.loading.copy_refusals import describe_refusal
from etl_core.loading.copy_run import (
    Group,
    copy_command,
    group_parts,
    part_named,
    read_copied_rows,
    write_manifest,
)
from etl_core.loading.data_file import Part, in_threads, open_row
from etl_core.loading.ledger import LedgerRow, ledger_table, parse_row
from etl_core.loading.ports import Ports, Transaction
from etl_core.model.errors import (
    CopyRefusedError,
    LoadFailedError,
    LoadTimeoutError,
    LockConflictError,
    MissingTableError,
    RejectedError,
    ReplayRefusedError,
)
from etl_core.model.function_settings import LoadSettings
from etl_core.model.lake_key import Action
from etl_core.model.table_ref import TableRef
from etl_core.schema_changes.drift import check_drift
from etl_core.schema_changes.live_table import select_table
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file
from etl_core.sql import LockTable

_ROUNDS = 3
_MOST_NAMED = 20


class _OverwrittenError(Exception):
    """An object got another version while COPY read it."""


@dataclass(frozen=True)
class ReplayRequest:
    """What to rebuild. `accept_counts`: commit also when other numbers of rows come out than the ledger says."""

    table: TableRef
    dry_run: bool = False
    accept_counts: bool = False


@dataclass(frozen=True)
class Replayed:
    """What a rebuild did, or would do. `rows` came out, `rows_expected` are the ledger's."""

    files: int
    copies: int
    bytes: int
    rows_expected: int
    rows: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As the tables function answers."""
        return asdict(self)


def content_rows(rows: Iterable[LedgerRow]) -> list[LedgerRow]:
    """The uploads that the table's rows come from, in landed order: the last truncate and the appends behind it, or all appends."""
    data = sorted(
        (row for row in rows if row.action is not Action.SCHEMA), key=lambda row: row.order
    )
    truncates = [index for index, row in enumerate(data) if row.action is Action.TRUNCATE]
    return data[truncates[-1] if truncates else 0 :]


def replay_table(
    request: ReplayRequest, settings: LoadSettings, ports: Ports, seconds: float
) -> Replayed:
    """Rebuilds the table. Raises ReplayRefusedError, LoadFailedError or RetryableError; then nothing was changed."""
    replay = _Replay(request, settings, ports, time.monotonic() + seconds)
    try:
        return replay.run()
    except MissingTableError as error:
        raise ReplayRefusedError(
            f"{request.table} in {request.table.database} has no ledger, or is not there: {error.message}. Without a ledger nothing was "
            "ever loaded into it; a table that was dropped is made by uploading its schema file again"
        ) from error
    except LoadTimeoutError as error:
        raise LoadFailedError(
            f"the rebuild of {request.table} did not end in the function's time and was rolled back; the table is as it was. "
            "Upload a truncate of all its rows in fewer or compressed files instead"
        ) from error


@dataclass
class _Replay:
    request: ReplayRequest
    settings: LoadSettings
    ports: Ports
    deadline: float

    def run(self) -> Replayed:
        rows = self._read()
        if self.request.dry_run:
            return _describe(self._prepare(rows, {}))
        for _ in range(_ROUNDS):
            with suppress(_OverwrittenError):
                # What is not the current version any more is opened as a copy that nobody overwrites.
                return self._rebuild(self._prepare(rows, {}))
        raise LockConflictError(
            f"files of {self.request.table} are overwritten all the time; try again in a quieter moment"
        )

    @property
    def _seconds_left(self) -> float:
        return max(1.0, self.deadline - time.monotonic())

    def _read(self) -> list[LedgerRow]:
        """The ledger before it is locked, so that opening the files keeps no load waiting."""
        with self.ports.warehouse.transaction(
            self.request.table.database, self._seconds_left
        ) as transaction:
            return _read_ledger(transaction, self.request.table)

    def _prepare(self, rows: Sequence[LedgerRow], known: dict[str, Part]) -> dict[str, Part]:
        """The files of the table's content in order, by upload id. Raises ReplayRefusedError naming all that cannot be had."""
        content = content_rows(rows)
        faults: list[str] = []

        def part(row: LedgerRow) -> Part | None:
            if row.upload_id in known:
                return known[row.upload_id]
            try:
                return open_row(self.ports.store, self.settings.lake_bucket, row, rows)
            except RejectedError as error:
                faults.append(f"{row.s3_key!r} (version {row.version_id}): {error.message}")
                return None

        parts = in_threads(part, content)
        if faults:
            raise ReplayRefusedError(
                f"{self.request.table} cannot be rebuilt, because {len(faults)} of its {len(content)} uploads cannot be loaded again: "
                f"{'; '.join(sorted(faults)[:3])}. Nothing was changed. Upload a truncate of the rows that are wanted",
                sorted(faults)[:_MOST_NAMED],
            )
        return {
            row.upload_id: part
            for row, part in zip(content, parts, strict=True)
            if part is not None
        }

    def _rebuild(self, known: dict[str, Part]) -> Replayed:
        table = self.request.table
        with self.ports.warehouse.transaction(table.database, self._seconds_left) as transaction:
            # First statement, as in every load: the lock must precede the snapshot.
            transaction.execute(LockTable(ledger_table(table)))
            rows = _read_ledger(transaction, table)
            parts = self._prepare(rows, known)
            in_force = _schema_in_force(table, rows)
            check_drift(transaction.execute(select_table(table)), in_force, table)
            transaction.execute(sa.delete(table_of_schema_file(in_force, table)))
            groups = group_parts(list(parts.values()))
            counts = [self._copy(transaction, group, in_force) for group in groups]
            self._check_counts(groups, counts)
            self._check_versions(parts.values())
        described = _describe(parts)
        return Replayed(
            described.files, described.copies, described.bytes, described.rows_expected, sum(counts)
        )

    def _copy(self, transaction: Transaction, group: Group, in_force: SchemaFile) -> int:
        manifest = write_manifest(self.ports.store, group)
        command = copy_command(group, manifest, self.request.table, in_force, self.settings)
        try:
            transaction.execute(command)
        except CopyRefusedError as error:
            part = part_named(group, error.lines[0].file if error.lines else "")
            where = part.file.version.key if part is not None else "one of the files"
            reason = describe_refusal(error, (), command.columns, command.source).message
            error.message = f"{where}, which was loaded before, does not load again: {reason}"
            raise
        return read_copied_rows(transaction)

    def _check_counts(self, groups: Sequence[Group], counts: Sequence[int]) -> None:
        """Other rows than the ledger tells of mean that the files are read otherwise now than when they were loaded."""
        if self.request.accept_counts:
            return
        faults = [
            f"{_name(group)}: {count} rows came out, the ledger says {expected}"
            for group, count in zip(groups, counts, strict=True)
            for expected in [sum(part.rows or 0 for part in group)]
            if count != expected
        ]
        if faults:
            raise ReplayRefusedError(
                f"the rebuild of {self.request.table} gave other numbers of rows than the ledger tells of: {'; '.join(faults[:3])}. "
                "Nothing was changed. Where that is right, ask again with --accept-counts",
                faults[:_MOST_NAMED],
            )

    def _check_versions(self, parts: Iterable[Part]) -> None:
        loose = [part for part in parts if not part.file.is_pinned]
        if not all(in_threads(lambda part: self.ports.store.is_current(part.file.version), loose)):
            raise _OverwrittenError


def _read_ledger(transaction: Transaction, table: TableRef) -> list[LedgerRow]:
    return [parse_row(row) for row in transaction.execute(sa.select(ledger_table(table)))]


def _schema_in_force(table: TableRef, rows: Iterable[LedgerRow]) -> SchemaFile:
    schemas = sorted(
        (row for row in rows if row.schema_file is not None), key=lambda row: row.order
    )
    if not schemas or schemas[-1].schema_file is None:
        raise ReplayRefusedError(
            f"{table} in {table.database} has no schema; nothing was ever loaded into it"
        )
    return schemas[-1].schema_file


def _describe(parts: dict[str, Part]) -> Replayed:
    files = list(parts.values())
    return Replayed(
        files=len(files),
        copies=len(group_parts(files)),
        bytes=sum(part.file.version.size for part in files),
        rows_expected=sum(part.rows or 0 for part in files),
    )


def _name(group: Group) -> str:
    first = group[0].file.version.key
    return first if len(group) == 1 else f"{first} and {len(group) - 1} more"
