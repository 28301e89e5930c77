"""One upload on its way into one table: what is known of it, what was done, and what the log will say."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa

from etl_core.loading.ledger import Duplicate, LedgerRow, Superseded, ledger_row
from etl_core.loading.ports import Backlog, ObjectStore, Transaction, Warehouse
from etl_core.model.function_settings import LoadSettings
from etl_core.model.lake_key import LakeKey
from etl_core.model.status import Status
from etl_core.model.upload import Upload
from etl_core.sql import describe_sql
from etl_core.upload_log.outcome import Failure, LoadOutcome


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Ports:
    """The outside world of one load."""

    store: ObjectStore
    warehouse: Warehouse
    backlog: Backlog
    now: Callable[[], datetime] = _now


@dataclass
class LoadContext:
    """One upload on its way into one table; collects what the log will say, also when it ends in an error.

    `retry_count`: how often this execution has tried before.
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
    ran_alone: int = 0

    @property
    def seconds_left(self) -> float:
        """How long statements may still run."""
        return max(1.0, self.deadline - time.monotonic())

    def run(self, transaction: Transaction, statement: sa.Executable) -> None:
        """Runs a statement that the log shall show, also when it fails."""
        self.statements.append(describe_sql(statement))
        transaction.execute(statement)

    def row(self, status: Status, rows_loaded: int | None = None) -> LedgerRow:
        """The ledger row of this upload; the schema file is added by who has one."""
        return ledger_row(
            self.upload,
            self.key.action,
            self.version_id or "",
            status,
            rows_loaded,
            self.ports.now(),
        )

    def outcome(self, row: LedgerRow) -> LoadOutcome:
        """The answer for an upload that took effect with this ledger row."""
        return self._answer(row.status, rows_loaded=row.rows_loaded, loaded_at=row.loaded_at)

    def outcome_without_effect(self, decision: Duplicate | Superseded) -> LoadOutcome:
        """The answer for an upload that the ledger found void."""
        self.table_exists = True
        if isinstance(decision, Duplicate):
            row = decision.row
            # Another delivery of the same event finds its own row, whose status is the entry's answer.
            settled = row.status if row.upload_id == self.upload.upload_id else None
            return self._answer(
                Status.DUPLICATE,
                rows_loaded=row.rows_loaded,
                loaded_at=row.loaded_at,
                settled=settled,
            )
        by = decision.by
        reason = f"a later {by.action} took effect before this upload was loaded: {by.s3_key!r}, landed {by.landed_at:%Y-%m-%dT%H:%M:%SZ}"
        return self._answer(Status.SUPERSEDED, error=Failure("Superseded", reason))

    def refusal(self, status: Status, failure: Failure) -> LoadOutcome:
        """The answer for an upload that broke a rule or that the warehouse refused."""
        return self._answer(status, error=failure)

    def _answer(
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
            error=error,
            settled=settled,
        )
