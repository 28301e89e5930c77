"""What the load function returns: the outcome of one upload, sized for the state machine and the log."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from etl_core.model.status import Status
from etl_core.model.upload import TIMESTAMP_FORMAT

_MAX_TEXT = 4000
_MAX_DETAIL = 1000
_MAX_LINES = 50
_MAX_LINES_SIZE = 60_000
"""Of all details, and of all statements, as JSON: the state machine carries 256 KiB, and what exceeds it is lost unrecorded
(Step Functions developer guide: States.ALL does not catch States.DataLimitExceeded); an item of the log holds 400 KB."""


@dataclass(frozen=True)
class Failure:
    """The log's `error`: the class of the error, its message, further lines."""

    type: str
    message: str
    details: tuple[str, ...] = ()

    def cut(self) -> Failure:
        """Short enough for one log item."""
        return Failure(
            self.type, _cut(self.message, _MAX_TEXT), _cut_lines(self.details, _MAX_DETAIL)
        )


@dataclass(frozen=True)
class LoadOutcome:
    """What the load function answers: a decision about one upload. `loaded_at` is UTC."""

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
    """For a duplicate: the status under which the ledger holds the upload."""

    def to_task_output(self) -> dict[str, Any]:
        """As JSON, for the state machine."""
        made = {name: value for name, value in asdict(self).items() if value not in (None, ())}
        if self.loaded_at is not None:
            made["loaded_at"] = self.loaded_at.strftime(TIMESTAMP_FORMAT)
        if self.error is not None:
            made["error"] = asdict(self.error.cut())
        return made | {"statements": list(_cut_lines(self.statements, _MAX_TEXT))}


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}..."


def _cut_lines(lines: tuple[str, ...], most: int) -> tuple[str, ...]:
    """The first lines, as many as one item can hold; the last one tells how many are left out."""
    kept: list[str] = []
    left = _MAX_LINES_SIZE
    for line in lines[:_MAX_LINES]:
        text = _cut(line, most)
        left -= len(json.dumps(text))
        if left < 0:
            break
        kept.append(text)
    return (
        tuple(kept)
        if len(kept) == len(lines)
        else (*kept, f"... and {len(lines) - len(kept)} more")
    )
