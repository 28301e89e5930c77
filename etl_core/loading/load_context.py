"""The load context: one upload on its way into one table; and the trace: what its log entry says."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from etl_core.loading.ledger import LedgerRow, ledger_row
from etl_core.loading.ledger_view import Duplicate, LedgerView, Superseded
from etl_core.loading.messages import SUPERSEDED
from etl_core.loading.ports import Ports
from etl_core.model.errors import NOWHERE, EtlError, ValuesRefusedError
from etl_core.model.function_settings import LoadSettings
from etl_core.model.lake_key import LakeKey
from etl_core.model.long_copy import LongCopy
from etl_core.model.status import Status
from etl_core.model.upload import Upload
from etl_core.model.work_bucket import quarantine_prefix
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.upload_log.outcome import (
    Failure,
    LoadOutcome,
    LoadWarning,
    code_of,
    hint_of,
    warnings_of,
)


@dataclass(frozen=True)
class LoadContext:
    """One upload on its way into one table.

    `retry_count`: how often this execution tried before. `known_pending`: the table's pending
    uploads, if the caller has just read them. `long_copy`: the copy into staging tables that this
    execution made; `can_copy_long`: the caller can make one. `alone`: no other upload is loaded.
    `unfit`: ids of uploads that only their own loads can load.
    """

    upload: Upload
    key: LakeKey
    settings: LoadSettings
    ports: Ports
    deadline: float
    retry_count: int = 0
    known_pending: tuple[Upload, ...] | None = None
    long_copy: LongCopy | None = None
    can_copy_long: bool = False
    alone: bool = False
    unfit: frozenset[str] = frozenset()

    @property
    def seconds_left(self) -> float:
        """Return how long statements may still run, at least one second."""
        return max(1.0, self.deadline - time.monotonic())

    def is_long(self, size: int) -> bool:
        """Return whether a data file of this size is copied into a staging table first."""
        if not self.can_copy_long or self.settings.long_load_bytes == 0:
            return False
        return self.long_copy is not None or self.settings.is_long(size)

    def row(
        self,
        status: Status,
        version_id: str | None,
        rows_loaded: int | None = None,
        schema_file: SchemaFile | None = None,
    ) -> LedgerRow:
        """Return the upload's ledger row."""
        return ledger_row(
            self.upload,
            self.key.action,
            version_id or "",
            status,
            rows_loaded,
            self.ports.now(),
            schema_file,
        )


@dataclass(frozen=True)
class Trace:
    """What a log entry says besides the result. A load that ends in an error reports it too."""

    version_id: str | None = None
    work_bucket: str = ""
    schema_version: str | None = None
    table_exists: bool | None = None
    statements: tuple[str, ...] = ()
    warnings: tuple[LoadWarning, ...] = ()
    load_interval_seconds: int = 0
    freshness_hours: int | None = None

    def with_schema(self, view: LedgerView, upload: Upload) -> Trace:
        """Return the trace with the schema version that applies to the upload."""
        first = next(iter(view.schema_history(upload)), None)
        if first is None or first.schema_file is None:
            return self
        return replace(self, schema_version=first.schema_file.schema_version, table_exists=True)

    def outcome(self, row: LedgerRow) -> LoadOutcome:
        """Return the outcome of an upload that took effect with this ledger row."""
        outcome = self._outcome_of_row(row.status, row)
        return replace(outcome, load_interval_seconds=self.load_interval_seconds or None)

    def outcome_without_effect(
        self, upload: Upload, decision: Duplicate | Superseded
    ) -> LoadOutcome:
        """Return the outcome of an upload that changes nothing, as the ledger decided."""
        exists = replace(self, table_exists=True)
        if isinstance(decision, Duplicate):
            row = decision.row
            # Another delivery of the same event finds its own row; that row's status is the
            # upload's final status.
            settled = row.status if row.upload_id == upload.upload_id else None
            return replace(exists._outcome_of_row(Status.DUPLICATE, row), settled=settled)
        by = decision.by
        reason = SUPERSEDED(action=by.action, key=by.s3_key, landed_at=by.landed_at)
        return exists._outcome(
            Status.SUPERSEDED, error=Failure("Superseded", reason, code=code_of(reason))
        )

    def ignored(self, reason: str) -> LoadOutcome:
        """Return the outcome of an upload that is ignored for this reason."""
        return replace(self._outcome(Status.IGNORED), warnings=warnings_of([reason]))

    def refusal(self, status: Status, failure: Failure) -> LoadOutcome:
        """Return the outcome of an upload that was rejected or failed."""
        return self._outcome(status, error=failure)

    def _outcome_of_row(self, status: Status, row: LedgerRow) -> LoadOutcome:
        prefix = quarantine_prefix(self.work_bucket, row.s3_key, row.upload_id)
        return replace(
            self._outcome(status),
            rows_loaded=row.rows_loaded,
            loaded_at=row.loaded_at,
            rows_quarantined=row.rows_quarantined,
            quarantine_prefix=prefix if row.rows_quarantined else None,
        )

    def _outcome(self, status: Status, *, error: Failure | None = None) -> LoadOutcome:
        return LoadOutcome(
            status=status,
            version_id=self.version_id,
            schema_version=self.schema_version,
            table_exists=self.table_exists,
            statements=self.statements,
            warnings=self.warnings,
            error=error,
            freshness_hours=self.freshness_hours,
        )


@dataclass(frozen=True)
class LoadResult:
    """What one load decided: the outcome of its upload, and of others.

    `others`: the uploads of its micro-batch, pending ones that are refused, and those that the ledger
    already held. `rows_deleted` of the table were replaced. `unfit`: see LoadContext.
    """

    outcome: LoadOutcome
    others: tuple[tuple[Upload, LoadOutcome], ...] = ()
    rows_deleted: int = 0
    unfit: frozenset[str] = frozenset()

    def with_others(self, others: tuple[tuple[Upload, LoadOutcome], ...]) -> LoadResult:
        """Return the result with further decided uploads."""
        return replace(self, others=(*self.others, *others))


def failure_of(error: EtlError) -> Failure:
    """Return the error as a log entry shows it."""
    refused = error if isinstance(error, ValuesRefusedError) else None
    return Failure(
        type(error).__name__,
        error.message,
        error.details,
        code=code_of(error.message),
        hint=hint_of(error.message),
        place=refused.place if refused else NOWHERE,
        faults=refused.count if refused else len(error.details) or None,
    )
