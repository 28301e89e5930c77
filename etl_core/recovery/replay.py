"""Rebuild a table from the lake, in place and in one transaction: readers see the rows before or after the rebuild.

LOCK the table's ledger, read all of it    -- which versions the table has, with how many rows each
DELETE FROM table                          -- never TRUNCATE: it commits
COPY table FROM manifest                   -- as few as possible: one for all files of one format; each upsert by itself
COMMIT                                     -- only if the row counts are the ledger's
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from sqlalchemy.sql.expression import Executable

from etl_core.loading.copy_plan import groups_in_order, plan_copies
from etl_core.loading.copy_refusals import describe_refusal
from etl_core.loading.copy_run import (
    Copied,
    CopyResult,
    CopyRun,
    Group,
    GroupCopy,
    KeysRefused,
    Overwritten,
    part_named,
)
from etl_core.loading.data_file import Part, in_threads
from etl_core.loading.ledger import LedgerRow, ledger_table, parse_row, select_rows
from etl_core.loading.ledger_view import LedgerView, Superseded
from etl_core.loading.ports import Ports, Transaction
from etl_core.loading.reopened_files import open_row
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
from etl_core.model.lake_key import Action, describe_key
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import Upload
from etl_core.recovery.messages import (
    REPLAY_COPY_REFUSED,
    REPLAY_MORE_ROWS,
    REPLAY_NO_LEDGER,
    REPLAY_NO_SCHEMA,
    REPLAY_NOT_IN_LEDGER,
    REPLAY_OTHER_COUNT,
    REPLAY_OTHER_COUNTS,
    REPLAY_OVERWRITTEN,
    REPLAY_TIMEOUT,
    REPLAY_UPLOAD_UNAVAILABLE,
    REPLAY_UPLOADS_UNAVAILABLE,
)
from etl_core.recovery.tables_requests import ReplayRequest, ReplayResult
from etl_core.schema_changes.drift import check_drift
from etl_core.schema_changes.live_table import select_table
from etl_core.sql import LockTable

_ATTEMPTS = 3
_SHOWN_FAULTS = 3
_MAX_DETAILS = 20


def content_rows(rows: Iterable[LedgerRow]) -> list[LedgerRow]:
    """Return the uploads that the table consists of, in arrival order: the last truncate and later
    appends and upserts, or all of them.
    """
    data = sorted(
        (row for row in rows if row.action is not Action.SCHEMA), key=lambda row: row.order
    )
    truncates = [index for index, row in enumerate(data) if row.action is Action.TRUNCATE]
    return data[truncates[-1] if truncates else 0 :]


def replay_table(
    request: ReplayRequest, settings: LoadSettings, ports: Ports, seconds: float
) -> ReplayResult:
    """Rebuild the table.

    Raises ReplayRefusedError, LoadFailedError or RetryableError; then nothing was changed.
    """
    table = request.table
    replay = _Replay(request, settings, ports, time.monotonic() + seconds)
    try:
        return replay.run()
    except MissingTableError as error:
        raise ReplayRefusedError(
            REPLAY_NO_LEDGER(table=table, database=table.database, reason=error.message)
        ) from error
    except LoadTimeoutError as error:
        raise LoadFailedError(REPLAY_TIMEOUT(table=table)) from error


@dataclass
class _Replay:
    request: ReplayRequest
    settings: LoadSettings
    ports: Ports
    deadline: float

    def run(self) -> ReplayResult:
        # The log first: what it knows then is in the ledger.
        logged = tuple(self.ports.backlog.find_effects(self.request.table))
        view = self._read()
        self._check_known(logged, view)
        if self.request.dry_run:
            return _describe(self._open(view))
        for _ in range(_ATTEMPTS):
            # Opening the files again copies each overwritten version to the work bucket, where it
            # stays.
            result = self._rebuild(self._open(view))
            if result is not None:
                return result
        raise LockConflictError(REPLAY_OVERWRITTEN(table=self.request.table, attempts=_ATTEMPTS))

    def _check_known(self, logged: Iterable[Upload], view: LedgerView) -> None:
        """Raise ReplayRefusedError if the ledger does not know what the log does."""
        missing = [each for each in logged if not _is_known(each, view)]
        if not missing:
            return
        shown = [f"{each.key!r} ({each.landed_timestamp})" for each in missing]
        raise ReplayRefusedError(
            REPLAY_NOT_IN_LEDGER(
                table=self.request.table, count=len(missing), keys=", ".join(shown[:_SHOWN_FAULTS])
            ),
            shown[:_MAX_DETAILS],
        )

    @property
    def _seconds_left(self) -> float:
        return max(1.0, self.deadline - time.monotonic())

    def _read(self) -> LedgerView:
        """Read the ledger without a lock, so that no load waits while the files are opened."""
        with self.ports.warehouse.transaction(
            self.request.table.database, self._seconds_left
        ) as transaction:
            return read_ledger(transaction, self.request.table)

    def _open(
        self, view: LedgerView, known: Mapping[str, Part] = MappingProxyType({})
    ) -> dict[str, Part]:
        """Open the files of the table in arrival order, by upload id, except the known ones.

        Raises ReplayRefusedError, which names every unavailable upload.
        """
        content = content_rows(view.rows)
        faults: list[str] = []

        def part(row: LedgerRow) -> Part | None:
            if row.upload_id in known:
                return known[row.upload_id]
            try:
                bucket = self.settings.lake_bucket
                return open_row(self.ports.store, bucket, row, view, self.deadline)
            except RejectedError as error:
                faults.append(
                    REPLAY_UPLOAD_UNAVAILABLE(
                        key=row.s3_key, version=row.version_id, reason=error.message
                    )
                )
                return None

        parts = in_threads(part, content)
        if faults:
            raise ReplayRefusedError(
                REPLAY_UPLOADS_UNAVAILABLE(
                    table=self.request.table,
                    count=len(faults),
                    total=len(content),
                    faults="; ".join(sorted(faults)[:_SHOWN_FAULTS]),
                ),
                sorted(faults)[:_MAX_DETAILS],
            )
        return {
            row.upload_id: part
            for row, part in zip(content, parts, strict=True)
            if part is not None
        }

    def _rebuild(self, known: Mapping[str, Part]) -> ReplayResult | None:
        """Rebuild the table in one transaction.

        Return None, with nothing changed, if a file was overwritten while COPY read it.
        """
        table = self.request.table
        with self.ports.warehouse.transaction(table.database, self._seconds_left) as transaction:
            # The first statement, as in every load: the lock must come before the transaction's
            # snapshot.
            transaction.lock(LockTable(ledger_table(table)))
            view = read_ledger(transaction, table)
            parts = self._open(view, known)
            in_force = view.in_force
            if in_force is None:
                raise ReplayRefusedError(REPLAY_NO_SCHEMA(table=table, database=table.database))
            check_drift(transaction.execute(select_table(table)), in_force, table)
            copy_run = plan_copies(
                list(parts.values()),
                table,
                in_force,
                self.settings,
                self.ports.store,
                replaces_rows=True,
                combines=False,
            )
            match self._copy(transaction, copy_run):
                case Overwritten():
                    transaction.roll_back()
                    return None
                case KeysRefused():
                    raise AssertionError("keys are checked when an upload is loaded")
                case Copied(counts=counts, rows_deleted=deleted, rows_replaced=replaced):
                    self._check_counts(counts)
                    self._check_rows(deleted, view)
        return replace(_describe(parts), rows=sum(count for _, count in counts) - replaced)

    def _copy(self, transaction: Transaction, copy_run: CopyRun) -> CopyResult:
        running: list[Executable] = []
        try:
            return copy_run.run(transaction, running.append)
        except CopyRefusedError as error:
            copy = copy_run.copy_of(running[-1])
            if copy is None:
                raise
            part = part_named(copy.group, error.lines[0].file if error.lines else "")
            file = part.file.version.key if part is not None else "one of the files"
            refusal = describe_refusal(error, (), copy.command.columns, copy.group[0].shape.csv)
            reason = refusal.failure.message
            error.message = REPLAY_COPY_REFUSED(file=file, reason=reason)
            raise

    def _check_counts(self, counts: Sequence[tuple[GroupCopy, int]]) -> None:
        """Raises ReplayRefusedError if the files give other row counts now than when they were loaded."""
        if self.request.accept_counts:
            return
        faults = [
            REPLAY_OTHER_COUNT(files=_name(copy.group), count=count, expected=copy.expected)
            for copy, count in counts
            if count != copy.expected
        ]
        if faults:
            raise ReplayRefusedError(
                REPLAY_OTHER_COUNTS(
                    table=self.request.table, faults="; ".join(faults[:_SHOWN_FAULTS])
                ),
                faults[:_MAX_DETAILS],
            )

    def _check_rows(self, count: int, view: LedgerView) -> None:
        """Raise ReplayRefusedError if the table had more rows than the ledger accounts for."""
        expected = sum(row.rows_loaded or 0 for row in content_rows(view.rows))
        if count > expected and not self.request.accept_counts:
            raise ReplayRefusedError(
                REPLAY_MORE_ROWS(table=self.request.table, count=count, expected=expected)
            )


def _is_known(upload: Upload, view: LedgerView) -> bool:
    """Return whether the ledger knows the upload, or knows that it has no effect any more."""
    action = describe_key(upload.key).action
    if view.knows(upload) or action == Action.SCHEMA:
        return view.knows(upload)
    return isinstance(view.decide(upload, Action.APPEND), Superseded)


def read_ledger(transaction: Transaction, table: TableRef) -> LedgerView:
    """Return all rows of the table's ledger."""
    return LedgerView(map(parse_row, transaction.execute(select_rows(ledger_table(table)))))


def _describe(parts: dict[str, Part]) -> ReplayResult:
    files = list(parts.values())
    return ReplayResult(
        files=len(files),
        copies=len(list(groups_in_order(files))),
        bytes=sum(part.file.version.size for part in files),
        rows_expected=sum(part.rows or 0 for part in files),
    )


def _name(group: Group) -> str:
    first = group[0].file.version.key
    return first if len(group) == 1 else f"{first} and {len(group) - 1} more"
