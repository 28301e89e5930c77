"""The result of the load function: the outcome of one upload, small enough for the state machine and the log."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from etl_core.model.errors import NOWHERE, Place
from etl_core.model.messages import MessageText
from etl_core.model.status import Status
from etl_core.model.times import format_utc_time
from etl_core.upload_log.messages import LINES_LEFT_OUT

_MAX_TEXT = 4000
_MAX_DETAIL = 1000
_MAX_VALUE = 200
_MAX_LINES = 50
_MAX_DETAILS = 20
_MAX_WARNINGS = 20
_MAX_LINES_SIZE = 60_000
"""The size as JSON of all details, and of all statements. The state machine carries 256 KiB; a
larger result is lost without a log entry (Step Functions developer guide: States.ALL does not catch
States.DataLimitExceeded). A log item holds 400 KB."""


@dataclass(frozen=True)
class Failure:
    """The `error` of a log entry: the class of the error, its message, further lines.

    `code` is the id of the message, `hint` its fix. `faults`: how many faults there are, if that is
    known; the details list the first.
    """

    type: str
    message: str
    details: tuple[str, ...] = ()
    code: str | None = None
    hint: str | None = None
    place: Place = NOWHERE
    faults: int | None = None

    def to_output(self) -> dict[str, Any]:
        """Return the failure as JSON, short enough for a log item, without parts that are not known."""
        known = {
            "code": self.code,
            **_place_output(self.place),
            "hint": None if self.hint is None else _shorten(self.hint, _MAX_DETAIL),
            "faults": self.faults,
        }
        return {
            "type": self.type,
            "message": _shorten(self.message, _MAX_TEXT),
            **{name: value for name, value in known.items() if value is not None},
            "details": list(_first_lines(self.details, _MAX_DETAIL, _MAX_DETAILS)),
        }


@dataclass(frozen=True)
class LoadWarning:
    """What people should know about an upload although it has its status.

    `kind` is the id of the message. `count`: how many values or rows of the file it is about.
    """

    kind: str
    message: str
    count: int | None = None
    place: Place = NOWHERE
    hint: str | None = None

    def to_output(self) -> dict[str, Any]:
        """Return the warning as JSON, without parts that are not known."""
        known = {
            "count": self.count,
            **_place_output(self.place),
            "hint": None if self.hint is None else _shorten(self.hint, _MAX_DETAIL),
        }
        return {
            "kind": self.kind,
            "message": _shorten(self.message, _MAX_DETAIL),
            **{name: value for name, value in known.items() if value is not None},
        }


def code_of(text: str) -> str | None:
    """Return the id of the message that the text is; None for another text."""
    return text.id or None if isinstance(text, MessageText) else None


def hint_of(text: str) -> str | None:
    """Return the fix of the message that the text is; None for another text or without a fix."""
    return text.fix or None if isinstance(text, MessageText) else None


def warnings_of(texts: Iterable[str]) -> tuple[LoadWarning, ...]:
    """Return messages as warnings."""
    return tuple(LoadWarning(code_of(text) or "note", text, hint=hint_of(text)) for text in texts)


def _place_output(place: Place) -> dict[str, Any]:
    value = None
    if place.value is not None:
        # A value that is not UTF-8 has surrogates, which neither JSON nor DynamoDB stores.
        text = place.value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        value = _shorten(text, _MAX_VALUE)
    return {"line": place.line, "column": place.column, "value": value}


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
    warnings: tuple[LoadWarning, ...] = ()
    """What people should know although the upload has its status: nothing here changes it."""
    load_interval_seconds: int | None = None
    """How long the next load of the table waits, so that files gather. None: it does not wait."""
    freshness_hours: int | None = None
    """What a schema file says about the freshness of its table. None: nothing."""
    rows_quarantined: int | None = None
    """How many rows do not fit the table and were not loaded. None: none."""
    quarantine_prefix: str | None = None
    """Where these rows are."""

    def to_task_output(self) -> dict[str, Any]:
        """Return the outcome as JSON for the state machine, without empty fields."""
        output = {name: value for name, value in asdict(self).items() if value not in (None, ())}
        if self.loaded_at is not None:
            output["loaded_at"] = format_utc_time(self.loaded_at)
        if self.error is not None:
            output["error"] = self.error.to_output()
        if self.warnings:
            output["warnings"] = [each.to_output() for each in self.warnings[:_MAX_WARNINGS]]
        return output | {"statements": list(_first_lines(self.statements, _MAX_TEXT, _MAX_LINES))}


def _shorten(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}..."


def _first_lines(lines: tuple[str, ...], limit: int, most: int) -> tuple[str, ...]:
    """Return as many lines as an item can hold, at most `most`, each of at most `limit` characters.

    The last line counts the rest.
    """
    kept: list[str] = []
    free = _MAX_LINES_SIZE
    for line in lines[:most]:
        text = _shorten(line, limit)
        free -= len(json.dumps(text))
        if free < 0:
            break
        kept.append(text)
    if len(kept) == len(lines):
        return tuple(kept)
    return (*kept, LINES_LEFT_OUT(count=len(lines) - len(kept)))
