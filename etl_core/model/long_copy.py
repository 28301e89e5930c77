"""A long copy: a COPY into staging tables that runs in the warehouse without a function that waits for it.

The load function plans it, the long-copy function submits it and looks at it, the state machine
waits in between, and the load function moves the rows. This is what they pass on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from etl_core.model.times import format_utc_time, parse_utc_time

MAX_STATEMENT_BYTES = 100_000
"""The Data API takes statements of up to 100 KB (Redshift management guide, "Considerations when
calling the Amazon Redshift Data API")."""
MAX_STATEMENTS = 40
"""In one batch of the Data API (API reference, BatchExecuteStatement)."""
STATEMENTS_PER_TABLE = 3
"""CREATE TABLE, COPY, and the query for the number of copied rows."""
MAX_TABLES = MAX_STATEMENTS // STATEMENTS_PER_TABLE
"""Fewer if the session has settings."""
MAX_STATE_BYTES = 80_000
"""The state machine carries 256 KiB in all: twice this, and an outcome with its texts."""
MAX_ATTEMPTS = 3
"""So often one upload is copied into staging tables before its load fails."""

STAGING_PREFIX = "staging_"
"""The start of the names of staging tables."""

_TABLE = re.compile(STAGING_PREFIX + r"(\d{14})_[0-9a-f]{16}_[0-9a-f]{8}_\d{1,2}", re.ASCII)
_UPLOAD_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
_TIME = "%Y%m%d%H%M%S"


def staging_name(created_at: datetime, upload_id: str, token: str, number: int) -> str:
    """Return the name of a staging table.

    No ledger has such a name: ledger names contain two underscores in a row. `token` is random, so
    that two executions of one upload never share a table.
    """
    time = f"{created_at.astimezone(UTC):{_TIME}}"
    return f"{STAGING_PREFIX}{time}_{upload_id[:16]}_{token}_{number}"


def staging_created_at(name: str) -> datetime | None:
    """Return when a staging table was planned, None if the name is not one of a staging table."""
    match = _TABLE.fullmatch(name)
    if match is None:
        return None
    try:
        return datetime.strptime(match[1], _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


class LongCopyStatus(StrEnum):
    """How the COPY ended."""

    FINISHED = "FINISHED"
    FAILED = "FAILED"
    ABORTED = "ABORTED"
    LOST = "LOST"
    """Nobody knows: it could not be submitted or found."""
    NOT_STARTED = "NOT_STARTED"
    """A load ran out of time, and the next one plans a long copy."""


@dataclass(frozen=True)
class StagingTable:
    """Files that one COPY loads into one staging table. The statements are SQL text."""

    name: str
    upload_ids: tuple[str, ...]
    create: str
    copy: str
    count: str

    @property
    def statements(self) -> tuple[str, ...]:
        """Return the statements in their order."""
        return self.create, self.copy, self.count


@dataclass(frozen=True)
class LongCopyResult:
    """How the COPY ended. `counts`: the rows in each staging table, if it finished.

    `session_id` and `started_at`: its session in the warehouse, None if it had none.
    """

    status: LongCopyStatus
    error: str = ""
    session_id: int | None = None
    started_at: datetime | None = None
    counts: tuple[int, ...] = ()


@dataclass(frozen=True)
class LongCopy:
    """One attempt to copy an upload into staging tables.

    `planned_at`: when the first attempt was planned. `settings` are SQL text: what the session sets
    before the tables. `statement_id` is the Data API's.
    """

    database: str
    attempt: int
    planned_at: datetime
    tables: tuple[StagingTable, ...] = ()
    settings: tuple[str, ...] = ()
    statement_id: str | None = None
    result: LongCopyResult | None = None

    @property
    def statements(self) -> tuple[str, ...]:
        """Return all statements, which run as one transaction."""
        return (*self.settings, *(text for table in self.tables for text in table.statements))

    @property
    def count_numbers(self) -> tuple[int, ...]:
        """Return the numbers of the statements that count the rows of each table. The first statement is 1."""
        last = range(1, len(self.tables) + 1)
        return tuple(len(self.settings) + number * STATEMENTS_PER_TABLE for number in last)

    def table_of_statement(self, number: int) -> int:
        """Return the index of the table that a statement fills, by the statement's number; negative for a setting."""
        return (number - 1 - len(self.settings)) // STATEMENTS_PER_TABLE

    @property
    def fits(self) -> bool:
        """Return whether the Data API takes the statements, and the state machine the whole."""
        texts = self.statements
        return (
            len(texts) <= MAX_STATEMENTS
            and all(len(text.encode()) <= MAX_STATEMENT_BYTES for text in texts)
            and len(json.dumps(self.to_state())) <= MAX_STATE_BYTES
        )

    def submitted(self, statement_id: str) -> LongCopy:
        """Return the copy after it was submitted."""
        return replace(self, statement_id=statement_id)

    def ended(self, result: LongCopyResult) -> LongCopy:
        """Return the copy with its result."""
        return replace(self, result=result)

    def to_state(self) -> dict[str, Any]:
        """Return it as data of the state machine."""
        state: dict[str, Any] = {
            "database": self.database,
            "attempt": self.attempt,
            "planned_at": format_utc_time(self.planned_at),
            "tables": [
                {
                    "name": table.name,
                    "upload_ids": list(table.upload_ids),
                    "create": table.create,
                    "copy": table.copy,
                    "count": table.count,
                }
                for table in self.tables
            ],
        }
        if self.settings:
            state["settings"] = list(self.settings)
        if self.statement_id is not None:
            state["statement_id"] = self.statement_id
        if self.result is not None:
            state["result"] = _result_to_state(self.result)
        return state

    @classmethod
    def parse(cls, value: Any) -> LongCopy | None:
        """Read it from the state machine's data. None if there is none, or if it is malformed."""
        try:
            return _parse(value) if isinstance(value, Mapping) else None
        except (KeyError, TypeError, ValueError, OverflowError):
            return None


def _result_to_state(result: LongCopyResult) -> dict[str, Any]:
    started_at = None if result.started_at is None else format_utc_time(result.started_at)
    fields = {
        "status": str(result.status),
        "error": result.error[:4000],
        "session_id": result.session_id,
        "started_at": started_at,
        "counts": list(result.counts),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _parse(value: Mapping[str, Any]) -> LongCopy:
    tables = tuple(_parse_table(table) for table in value["tables"])
    attempt = _number(value["attempt"])
    if len(tables) > MAX_TABLES or not 1 <= attempt <= MAX_ATTEMPTS:
        raise ValueError
    result = value.get("result")
    return LongCopy(
        database=_text(value["database"]),
        attempt=attempt,
        planned_at=parse_utc_time(_text(value["planned_at"])),
        tables=tables,
        settings=tuple(map(_text, value.get("settings", ()))),
        statement_id=None if value.get("statement_id") is None else _text(value["statement_id"]),
        result=None if result is None else _parse_result(result, len(tables)),
    )


def _parse_table(value: Mapping[str, Any]) -> StagingTable:
    name, upload_ids = _text(value["name"]), tuple(map(_text, value["upload_ids"]))
    if staging_created_at(name) is None or not all(map(_UPLOAD_ID.fullmatch, upload_ids)):
        raise ValueError
    texts = (_text(value[field]) for field in ("create", "copy", "count"))
    return StagingTable(name, upload_ids, *texts)


def _parse_result(value: Mapping[str, Any], tables: int) -> LongCopyResult:
    status = LongCopyStatus(value["status"])
    counts = tuple(map(_number, value.get("counts", ())))
    if status is LongCopyStatus.FINISHED and len(counts) != tables:
        raise ValueError
    session_id, started_at = value.get("session_id"), value.get("started_at")
    return LongCopyResult(
        status=status,
        error=_text(value.get("error", "")),
        session_id=None if session_id is None else _number(session_id),
        started_at=None if started_at is None else parse_utc_time(_text(started_at)),
        counts=counts,
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _number(value: Any) -> int:
    """Return a whole number that is not negative. JSON of the state machine may write it as 3.0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    if value < 0 or value != int(value):
        raise ValueError
    return int(value)


SHORTEST_PAUSE_SECONDS = 2
LONGEST_PAUSE_SECONDS = 120


def pause_seconds(planned_at: datetime, now: datetime) -> int:
    """Return how long to wait before the next look: a tenth of the time that has passed.

    A copy of a day needs about 750 looks; the history of an execution holds 25,000 events (Step
    Functions developer guide, "Service quotas").
    """
    passed = (now - planned_at).total_seconds()
    return int(min(max(passed / 10, SHORTEST_PAUSE_SECONDS), LONGEST_PAUSE_SECONDS))
