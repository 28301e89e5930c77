"""Log entries: one for each upload, updated as it proceeds.

The log reports, the ledger decides. Field names are the API's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from etl_core.model.function_settings import MAX_LOAD_INTERVAL_SECONDS
from etl_core.model.lake_key import Action, describe_key, has_extension, is_marker_file
from etl_core.model.notices import NOTIFIED
from etl_core.model.retry_policies import attempts_of_task
from etl_core.model.status import Status
from etl_core.model.table_ref import TableRef
from etl_core.model.texts import CONTROL_CHARACTER
from etl_core.model.times import format_utc_time, is_possible_arrival, parse_utc_time
from etl_core.model.upload import Upload
from etl_core.upload_log.failure_wording import outcome_of_failure
from etl_core.upload_log.indexes import LISTED, NOTABLE, UPLOAD_ID, listed_partition
from etl_core.upload_log.totals import COUNTED, FRESHNESS_HOURS

PARTITION_KEY = "table_name"
SORT_KEY = "landed_key"
WAITING_FOR, WAITING_SINCE = "waiting_for", "waiting_since"
"""The table of a pending upload and the time it was received: the key of the index `waiting`. Final
entries do not have them, so the index stays small."""
WAITING_INDEX = "waiting"
LONGEST_WAIT = timedelta(days=1)
"""An upload that is pending for longer is taken to have no execution any more. Other uploads stop waiting for it."""
INTERNAL_FIELDS = frozenset(
    (SORT_KEY, WAITING_FOR, WAITING_SINCE, LISTED, NOTABLE, COUNTED, FRESHNESS_HOURS, NOTIFIED)
)
"""Fields that the loader uses itself and the API does not show."""
ANSWER_FIELDS = frozenset(
    (
        "loaded_timestamp",
        "schema_version",
        FRESHNESS_HOURS,
        "rows_loaded",
        "rows_quarantined",
        "quarantine_prefix",
        "duration_ms",
        "redshift_table_exists",
        "statements",
        "warnings",
        "error",
    )
)
"""Fields that only final entries have, each where it applies."""


@dataclass(frozen=True)
class LoggedUpload:
    """An upload and its status in the log."""

    upload: Upload
    status: Status


def key_of(upload: Upload) -> dict[str, str]:
    """Return the primary key of the upload's entry."""
    return {PARTITION_KEY: describe_key(upload.key).table_name, SORT_KEY: upload.landed_key}


def waiting_key(table: TableRef) -> str:
    """Return the partition of the index `waiting` for a table."""
    return f"{table.database}/{table}"


def table_of(upload: Upload) -> str | None:
    """Return the upload's table as the index `waiting` names it, None if the key names no table."""
    parts = describe_key(upload.key)
    if not parts.database or not parts.schema:
        return None
    return waiting_key(TableRef(parts.database, parts.schema, parts.table_name))


def received_entry(upload: Upload, execution_arn: str, now: datetime) -> dict[str, Any]:
    """Return the attributes of a new entry, without its key.

    Other uploads wait only for one that can take effect.
    """
    waiting: dict[str, Any] = {}
    table = table_of(upload)
    if table is not None and can_take_effect(upload, now):
        waiting = {WAITING_FOR: table, WAITING_SINCE: format_utc_time(now)}
    listed = {LISTED: listed_partition(upload.landed_key)}
    return upload_attributes(upload, execution_arn) | listed | waiting


def can_take_effect(upload: Upload, now: datetime) -> bool:
    """Return False for an upload that its own load rejects without a look at its table."""
    action = describe_key(upload.key).action
    if action not in tuple(Action) or is_marker_file(upload.key):
        return False
    if CONTROL_CHARACTER.search(upload.key) or not has_extension(upload.key, Action(action)):
        return False
    return is_possible_arrival(upload.landed_at, now)


def upload_attributes(upload: Upload, execution_arn: str) -> dict[str, Any]:
    """Return the attributes that every entry of the upload has, without its key."""
    parts = describe_key(upload.key)
    return _present(
        {
            "database": parts.database,
            "schema": parts.schema,
            "action": parts.action,
            "landed_timestamp": upload.landed_timestamp,
            "status": str(Status.RECEIVED),
            "s3_bucket": upload.bucket,
            "s3_key": upload.key,
            "version_id": upload.version_id,
            "etag": upload.etag,
            "file_size": upload.size,
            "execution_arn": execution_arn,
            UPLOAD_ID: upload.upload_id,
        }
    )


def final_entry(upload: Upload, state: Mapping[str, Any], execution_arn: str) -> dict[str, Any]:
    """Return the attributes of the final entry, from the state after Load: an outcome, or a failure."""
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
            FRESHNESS_HOURS: outcome.get("freshness_hours"),
            "rows_loaded": outcome.get("rows_loaded"),
            "rows_quarantined": outcome.get("rows_quarantined"),
            "quarantine_prefix": outcome.get("quarantine_prefix"),
            "duration_ms": outcome.get("duration_ms"),
            "redshift_table_exists": outcome.get("table_exists"),
            "statements": outcome.get("statements") or None,
            "warnings": outcome.get("warnings") or None,
            "error": outcome.get("error"),
        }
    )


def upload_of_entry(item: Mapping[str, Any]) -> Upload | None:
    """Return the upload that the entry describes, with the same upload id as its event; None if that is not possible.

    A final entry may have a version id although the event had none. An entry made from the ledger
    may have no etag.
    """
    sequencer, _, upload_id = item[SORT_KEY].partition("#")[2].rpartition("#")
    try:
        known = Upload(
            bucket=item["s3_bucket"],
            key=item["s3_key"],
            version_id=item.get("version_id"),
            etag=item.get("etag", ""),
            size=None if item.get("file_size") is None else int(item["file_size"]),
            sequencer=sequencer,
            landed_at=parse_utc_time(item["landed_timestamp"]),
        )
    except (KeyError, TypeError, ValueError):
        return None  # a damaged entry of one upload must not fail the others
    for upload in (known, replace(known, version_id=None)):
        if upload.upload_id.startswith(upload_id):
            return upload
    return None


def attempts_of(state: Mapping[str, Any], earlier: int = 0) -> int:
    """Return how many attempts this execution made to load.

    `earlier` counts those before the Load state was entered; an outcome counts them itself.
    """
    outcome = state.get("outcome")
    if isinstance(outcome, Mapping):
        return int(outcome.get("attempts", 1))
    failure = state.get("failure")
    error = str(failure.get("Error")) if isinstance(failure, Mapping) else ""
    return earlier + attempts_of_task(error)


def interval_of(state: Mapping[str, Any]) -> int:
    """Return how many seconds the next load of the table has to wait, as the outcome says; 0 without one."""
    outcome = state.get("outcome")
    seconds = outcome.get("load_interval_seconds") if isinstance(outcome, Mapping) else None
    if not isinstance(seconds, int | float) or isinstance(seconds, bool):
        return 0
    return min(max(int(seconds), 0), MAX_LOAD_INTERVAL_SECONDS)


def _present(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}
