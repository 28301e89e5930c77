"""The log: one entry per upload, updated as it proceeds. It tells; the ledger decides. Field names are the API's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from etl_core.model.lake_key import describe_key
from etl_core.model.retry_policies import attempts_before_giving_up
from etl_core.model.status import Status
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import TIMESTAMP_FORMAT, Upload
from etl_core.upload_log.failure_wording import outcome_of_failure

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
    (
        "loaded_timestamp",
        "schema_version",
        "rows_loaded",
        "duration_ms",
        "redshift_table_exists",
        "statements",
        "error",
    )
)
"""What only an answer says, each where it applies."""


@dataclass(frozen=True)
class LoggedUpload:
    """An upload as the log knows it."""

    upload: Upload
    status: Status


def key_of(upload: Upload) -> dict[str, str]:
    """The primary key of the upload's entry."""
    return {PARTITION_KEY: describe_key(upload.key).table_name, SORT_KEY: upload.landed_key}


def waiting_key(table: TableRef) -> str:
    """The partition of the index `waiting` for one table."""
    return f"{table.database}/{table}"


def received_entry(upload: Upload, execution_arn: str, now: datetime) -> dict[str, Any]:
    """The attributes of a new entry, without its key."""
    facts = describe_key(upload.key)
    waiting: dict[str, Any] = {}
    if facts.database and facts.schema:
        waiting[WAITING_FOR] = waiting_key(TableRef(facts.database, facts.schema, facts.table_name))
        waiting[WAITING_SINCE] = now.strftime(TIMESTAMP_FORMAT)
    return upload_attributes(upload, execution_arn) | waiting


def upload_attributes(upload: Upload, execution_arn: str) -> dict[str, Any]:
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
        outcome = outcome_of_failure(state.get("failure"))
    status = Status(outcome.get("settled") or outcome["status"])
    return _present(
        upload_attributes(upload, execution_arn)
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
    return (
        attempts_before_giving_up(str(failure.get("Error"))) if isinstance(failure, Mapping) else 1
    )


def _present(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}
