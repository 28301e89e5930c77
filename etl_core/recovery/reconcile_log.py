"""What reconciling reads of the log and writes to it: where entries of versions would be, and the entry that a ledger row makes. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from etl_core.model.lake_key import describe_key
from etl_core.model.object_versions import ObjectVersion, VersionKey
from etl_core.model.status import Status
from etl_core.model.upload import TIMESTAMP_FORMAT, Upload
from etl_core.recovery.reconcile import LedgerEvidence
from etl_core.upload_log.entry import PARTITION_KEY, SORT_KEY, upload_attributes, upload_of_entry

_BEFORE = timedelta(minutes=1)
_AFTER = timedelta(hours=1)
_AFTER_MULTIPART = timedelta(days=7)
"""S3 gives a multipart upload the time of its beginning, its event that of its end; the lake gives up unfinished ones after this time."""


@dataclass(frozen=True)
class Window:
    """A stretch of one table's log; both ends are beginnings of sort keys, inclusive."""

    table_name: str
    first: str
    last: str


def windows_of(versions: Iterable[ObjectVersion]) -> Iterator[Window]:
    """Where the entries of these versions are, each stretch once."""
    stretches = defaultdict(list)
    for version in versions:
        after = _AFTER_MULTIPART if "-" in version.etag else _AFTER
        stretches[describe_key(version.key).table_name].append(
            (version.landed_at - _BEFORE, version.landed_at + after)
        )
    for table_name, times in stretches.items():
        first, last = min(times)
        for begins, ends in sorted(times):
            if begins > last:
                yield Window(
                    table_name, first.strftime(TIMESTAMP_FORMAT), last.strftime(TIMESTAMP_FORMAT)
                )
                first, last = begins, ends
            last = max(last, ends)
        yield Window(table_name, first.strftime(TIMESTAMP_FORMAT), last.strftime(TIMESTAMP_FORMAT))


def entry_key(fact: LedgerEvidence) -> dict[str, str]:
    """The primary key of the log entry of a ledger row (as etl_core.upload_log.entry.key_of gives it for its upload)."""
    timestamp = fact.landed_at.strftime(TIMESTAMP_FORMAT)
    landed_key = f"{timestamp}#{fact.sequencer}#{fact.upload_id[:12]}"
    return {PARTITION_KEY: describe_key(fact.s3_key).table_name, SORT_KEY: landed_key}


def settled_entry(
    fact: LedgerEvidence, bucket: str, etag: str | None = None, size: int | None = None
) -> dict[str, Any]:
    """The attributes of the entry that a ledger row makes. How long the load took, and its statements, nobody knows any more."""
    upload = Upload(
        bucket, fact.s3_key, fact.version_id, etag or "", size, fact.sequencer, fact.landed_at
    )
    known = upload_attributes(upload, "") | {
        "status": str(fact.status),
        "loaded_timestamp": fact.loaded_at.strftime(TIMESTAMP_FORMAT),
        "schema_version": fact.schema_version,
        "rows_loaded": fact.rows_loaded,
        "redshift_table_exists": True,
    }
    return {name: value for name, value in known.items() if value not in (None, "")}


def match_entries(
    versions: Iterable[ObjectVersion], entries: Iterable[Mapping[str, Any]]
) -> dict[VersionKey, Mapping[str, Any]]:
    """The log entry of each version that has one: by version id, else by etag for an event that told no version id."""
    by_version: dict[VersionKey, Mapping[str, Any]] = {}
    by_etag: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for entry in sorted(
        entries, key=lambda entry: (entry.get("status") == Status.RECEIVED, entry[SORT_KEY])
    ):
        identity = (str(entry.get("s3_key")), str(entry.get("version_id")))
        if entry.get("version_id") is not None and identity not in by_version:
            by_version[identity] = entry
        elif (upload := upload_of_entry(entry)) is not None and upload.version_id is None:
            by_etag[upload.key, upload.etag].append(entry)
    found = {}
    for version in sorted(versions, key=lambda version: version.landed_at):
        others = by_etag[version.key, version.etag]
        told = by_version.get(version.id) or (others.pop(0) if others else None)
        if told is not None:
            found[version.id] = told
    return found
