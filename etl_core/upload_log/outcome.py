"""The result of the load function: the outcome of one upload, small enough for the state machine and the log."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from etl_core.model.status import Status
from etl_core.model.times import format_utc_time
from etl_core.upload_log.messages import LINES_LEFT_OUT

_MAX_TEXT = 4000
_MAX_DETAIL = 1000
_MAX_LINES = 50
_MAX_WARNINGS = 20
_MAX_LINES_SIZE = 60_000
"""The size as JSON of all details, and of all statements. The state machine carries 256 KiB; a
larger result is lost without a log entry (Step Functions developer guide: States.ALL does not catch
States.DataLimitExceeded). A log item holds 400 KB."""


@dataclass(frozen=True)
class Failure:
    """The `error` of a log entry: the class of the error, its message, further lines."""

    type: str
    message: str
    details: tuple[str, ...] = ()

    def shortened(self) -> Failure:
        """Return the failure, short enough for a log item."""
        return Failure(
            self.type, _shorten(self.message, _MAX_TEXT), _first_lines(self.details, _MAX_DETAIL)
        )


@dataclass(frozen=True)
class LoadOutcome:
    """The result of one upload. `loaded_at` is UTC."""

    status: Status
    version_id: str | None = None
    schema_version: str | None = None
    rows_loaded: int | None = None
    loaded_at: datetime | None = None
    duration_ms: int = 0
    table_exists: bool | None = None
    statements: tuple[str, ...] = ()
    error: Failure | None = None
    settled: Status | None = None
    """For a duplicate: the upload's status in the ledger."""
    warnings: tuple[str, ...] = ()
    """What people should know although the upload has its status: nothing here changes it."""
    load_interval_seconds: int | None = None
    """How long the next load of the table waits, so that files gather. None: it does not wait."""

    def to_task_output(self) -> dict[str, Any]:
        """Return the outcome as JSON for the state machine, without empty fields."""
        output = {name: value for name, value in asdict(self).items() if value not in (None, ())}
        if self.loaded_at is not None:
            output["loaded_at"] = format_utc_time(self.loaded_at)
        if self.error is not None:
            output["error"] = asdict(self.error.shortened())
        if self.warnings:
            output["warnings"] = list(_first_lines(self.warnings[:_MAX_WARNINGS], _MAX_DETAIL))
        return output | {"statements": list(_first_lines(self.statements, _MAX_TEXT))}


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}..."


def _first_lines(lines: tuple[str, ...], limit: int) -> tuple[str, ...]:
    """Return as many lines as an item can hold, each of at most `limit` characters.

    The last line counts the rest.
    """
    kept: list[str] = []
    free = _MAX_LINES_SIZE
    for line in lines[:_MAX_LINES]:
        text = _shorten(line, limit)
        free -= len(json.dumps(text))
        if free < 0:
            break
        kept.append(text)
    if len(kept) == len(lines):
        return tuple(kept)
    return (*kept, LINES_LEFT_OUT(count=len(lines) - len(kept)))
