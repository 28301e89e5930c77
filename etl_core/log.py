"""The log: one entry per upload, updated as it proceeds. It tells; the ledger decides. Field names are the API's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from etl_core.errors import LAMBDA_DIED, RejectedError, attempts_before_giving_up
from etl_core.lake_key import describe_key
from etl_core.upload import TIMESTAMP_FORMAT, Upload

PARTITION_KEY = "table_name"
SORT_KEY = "landed_key"
WAITING_FOR, WAITING_SINCE = "waiting_for", "waiting_since"
"""Of entries without an answer only: their table, and when they were received. The key of the index `waiting`, which is therefore small."""
WAITING_INDEX = "waiting"
LONGEST_WAIT = timedelta(hours=1)
"""What waits longer for its answer has lost its execution, as far as others are concerned: it holds up nobody."""
INTERNAL_FIELDS = frozenset((SORT_KEY, WAITING_FOR, WAITING_SINCE))
"""What an entry has for the loader's own use."""
ANSWER_FIELDS = frozenset(
    ("loaded_timestamp", "schema_version", "rows_loaded", "duration_ms", "redshift_table_exists", "statements", "error")
)
"""What only an answer says, each where it applies."""

_MAX_TEXT = 4000
_MAX_DETAIL = 1000
_MAX_LINES = 50
_MAX_LINES_SIZE = 60_000
"""Of all details, and of all statements, as JSON: the state machine carries 256 KiB, and what exceeds it is lost unrecorded
(Step Functions developer guide: States.ALL does not catch States.DataLimitExceeded); an item of the log holds 400 KB."""


class Status(StrEnum):
    """What became of an upload."""

    RECEIVED = "received"
    LOADED = "loaded"
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    FAILED = "failed"

    @property
    def succeeded(self) -> bool:
        """Whether the upload's owner has nothing to do."""
        return self in _SUCCEEDED


_SUCCEEDED = (Status.LOADED, Status.APPLIED, Status.UNCHANGED, Status.DUPLICATE, Status.SUPERSEDED)

SETTLED = (Status.LOADED, Status.APPLIED, Status.UNCHANGED, Status.SUPERSEDED)
"""Statuses that no later delivery of the same upload changes. A rejected or failed upload may still be loaded by a replay."""


@dataclass(frozen=True)
class Failure:
    """The log's `error`: the class of the error, its message, further lines."""

    type: str
    message: str
    details: tuple[str, ...] = ()

    def cut(self) -> Failure:
        """Short enough for one log item."""
        return Failure(self.type, _cut(self.message, _MAX_TEXT), _cut_lines(self.details, _MAX_DETAIL))


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
    return tuple(kept) if len(kept) == len(lines) else (*kept, f"... and {len(lines) - len(kept)} more")


def key_of(upload: Upload) -> dict[str, str]:
    """The primary key of the upload's entry."""
    return {PARTITION_KEY: describe_key(upload.key).table_name, SORT_KEY: upload.landed_key}


def waiting_key(database: str, schema: str, table: str) -> str:
    """The partition of the index `waiting` for one table."""
    return f"{database}/{schema}.{table}"


def received_entry(upload: Upload, execution_arn: str, now: datetime) -> dict[str, Any]:
    """The attributes of a new entry, without its key."""
    facts = describe_key(upload.key)
    waiting: dict[str, Any] = {}
    if facts.database and facts.schema:
        waiting[WAITING_FOR] = waiting_key(facts.database, facts.schema, facts.table_name)
        waiting[WAITING_SINCE] = now.strftime(TIMESTAMP_FORMAT)
    return facts_entry(upload, execution_arn) | waiting


def facts_entry(upload: Upload, execution_arn: str) -> dict[str, Any]:
    """What every entry of the upload says, without its key."""
    facts = describe_key(upload.key)
    return _present(
        {
            "database": facts.database,
            "schema": facts.schema,
            "action": facts.action,
            "landed_timestamp": upload.landed_timestamp,
            "status": str(Status.RECEIVED),
            "s3_bucket": upload.bucket,
            "s3_key": upload.key,
            "version_id": upload.version_id,
            "etag": upload.etag,
            "file_size": upload.size,
            "execution_arn": execution_arn,
        }
    )


def final_entry(upload: Upload, state: Mapping[str, Any], execution_arn: str) -> dict[str, Any]:
    """The attributes of the answer, from what the state machine holds after Load: an outcome, or a failure."""
    outcome = state.get("outcome")
    if not isinstance(outcome, Mapping):
        outcome = _outcome_of_failure(state.get("failure"))
    status = Status(outcome.get("settled") or outcome["status"])
    return _present(
        facts_entry(upload, execution_arn)
        | {
            "status": str(status),
            "version_id": outcome.get("version_id") or upload.version_id,
            "loaded_timestamp": outcome.get("loaded_at"),
            "schema_version": outcome.get("schema_version"),
            "rows_loaded": outcome.get("rows_loaded"),
            "duration_ms": outcome.get("duration_ms"),
            "redshift_table_exists": outcome.get("table_exists"),
            "statements": outcome.get("statements") or None,
            "error": outcome.get("error"),
        }
    )


def upload_of_entry(item: Mapping[str, Any]) -> Upload | None:
    """The upload that the entry is about, with the identity that its event gave it; None when the entry cannot tell that.

    The version id of an answer may be the one found for an event that had none. An entry made from the ledger may have no etag.
    """
    sequencer, _, upload_id = item[SORT_KEY].partition("#")[2].rpartition("#")
    known = Upload(
        bucket=item["s3_bucket"],
        key=item["s3_key"],
        version_id=item.get("version_id"),
        etag=item.get("etag", ""),
        size=None if item.get("file_size") is None else int(item["file_size"]),
        sequencer=sequencer,
        landed_at=datetime.strptime(item["landed_timestamp"], TIMESTAMP_FORMAT).replace(tzinfo=UTC),
    )
    for upload in (known, replace(known, version_id=None)):
        if upload.upload_id.startswith(upload_id):
            return upload
    return None


def attempts_of(state: Mapping[str, Any]) -> int:
    """How often this execution tried to load."""
    outcome = state.get("outcome")
    if isinstance(outcome, Mapping):
        return int(outcome.get("attempts", 1))
    failure = state.get("failure")
    return attempts_before_giving_up(str(failure.get("Error"))) if isinstance(failure, Mapping) else 1


def _outcome_of_failure(failure: Any) -> dict[str, Any]:
    """The outcome of a load that gave no answer: it raised, was killed, or ran out of time or memory."""
    name = str(failure.get("Error", "unknown")) if isinstance(failure, Mapping) else "unknown"
    cause = str(failure.get("Cause", "")) if isinstance(failure, Mapping) else ""
    kind, message = _plain_words(name, cause)
    rejected = kind in {error.__name__ for error in RejectedError.__subclasses__()} or name == "SchemaNotReadyError"
    status = Status.REJECTED if rejected else Status.FAILED
    return {"status": str(status), "error": asdict(Failure(kind, message).cut())}


def _plain_words(name: str, cause: str) -> tuple[str, str]:
    if name in ("States.Timeout", "Sandbox.Timedout"):
        return name, (
            "the load function ran out of time; the transaction was rolled back, the table is as it was. "
            "Split the file, or raise loadTimeoutSeconds, and upload again"
        )
    message = _message(cause)
    if name in (*LAMBDA_DIED.errors, "Runtime.OutOfMemory") or not message:
        return name, (
            f"the load function ended without an answer ({name}: {message or 'no message'}); what it had not committed was rolled back. "
            "Send the upload again, which cannot load it twice (python -m etl_core replay --key ...); if that fails too, the "
            "function's log group tells more"
        )
    return name, message


def _message(cause: str) -> str:
    """A Lambda error's message; its stack trace is for the function's own log."""
    try:
        body = json.loads(cause)
    except (ValueError, RecursionError):
        return cause
    return str(body.get("errorMessage", cause)) if isinstance(body, dict) else cause


def _present(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}
