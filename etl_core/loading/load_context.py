"""The load context: one upload on its way into one table, and what its log entry will say."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from etl_core.loading.ledger import Duplicate, LedgerRow, Superseded, ledger_row
from etl_core.loading.messages import SUPERSEDED
from etl_core.loading.ports import Ports, Transaction
from etl_core.model.function_settings import LoadSettings
from etl_core.model.lake_key import LakeKey
from etl_core.model.status import Status
from etl_core.model.upload import Upload
from etl_core.sql import describe_sql
from etl_core.upload_log.outcome import Failure, LoadOutcome


@dataclass
class LoadContext:
    """One upload on its way into one table.

    Collects what the log entry will say, also for a load that ends in an error. `retry_count`: how
    often this execution tried before. `committed_count`: how many of the `statements` were
    committed in autocommit before the transaction.
    """

    upload: Upload
    key: LakeKey
    settings: LoadSettings
    ports: Ports
    deadline: float
    retry_count: int = 0
    version_id: str | None = None
    schema_version: str | None = None
    table_exists: bool | None = None
    statements: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    committed_count: int = 0

    @property
    def seconds_left(self) -> float:
        """Return how long statements may still run, at least one second."""
        return max(1.0, self.deadline - time.monotonic())

    def run(self, transaction: Transaction, statement: sa.Executable) -> None:
        """Run a statement that the log entry lists, also if it fails."""
        self.statements.append(describe_sql(statement))
        transaction.execute(statement)

    def row(self, status: Status, rows_loaded: int | None = None) -> LedgerRow:
        """Return the upload's ledger row, without a schema file."""
        return ledger_row(
            self.upload,
            self.key.action,
            self.version_id or "",
            status,
            rows_loaded,
            self.ports.now(),
        )

    def outcome(self, row: LedgerRow) -> LoadOutcome:
        """Return the outcome of an upload that took effect with this ledger row."""
        return self._outcome(row.status, rows_loaded=row.rows_loaded, loaded_at=row.loaded_at)

    def outcome_without_effect(self, decision: Duplicate | Superseded) -> LoadOutcome:
        """Return the outcome of an upload that changes nothing, as the ledger decided."""
        self.table_exists = True
        if isinstance(decision, Duplicate):
            row = decision.row
            # Another delivery of the same event finds its own row; that row's status is the
            # upload's final status.
            settled = row.status if row.upload_id == self.upload.upload_id else None
            return self._outcome(
                Status.DUPLICATE,
                rows_loaded=row.rows_loaded,
                loaded_at=row.loaded_at,
                settled=settled,
            )
        by = decision.by
        reason = SUPERSEDED(action=by.action, key=by.s3_key, landed_at=by.landed_at)
        return self._outcome(Status.SUPERSEDED, error=Failure("Superseded", reason))

    def refusal(self, status: Status, failure: Failure) -> LoadOutcome:
        """Return the outcome of an upload that was rejected or failed."""
        return self._outcome(status, error=failure)

    def _outcome(
        self,
        status: Status,
        *,
        rows_loaded: int | None = None,
        loaded_at: datetime | None = None,
        error: Failure | None = None,
        settled: Status | None = None,
    ) -> LoadOutcome:
        return LoadOutcome(
            status=status,
            version_id=self.version_id,
            schema_version=self.schema_version,
            rows_loaded=rows_loaded,
            loaded_at=loaded_at,
            table_exists=self.table_exists,
            statements=tuple(self.statements),
            warnings=tuple(dict.fromkeys(self.warnings)),
            error=error,
            settled=settled,
        )
