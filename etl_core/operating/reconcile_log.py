"""What reconciling reads of the log and writes to it: where entries of versions would be, and the entry that a ledger row makes. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from etl_core.lake_key import describe_key
from etl_core.listed import LakeVersion
from etl_core.log import PARTITION_KEY, SORT_KEY, facts_entry
from etl_core.operating.reconcile import LedgerFact
from etl_core.upload import TIMESTAMP_FORMAT, Upload

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


def windows_of(versions: Iterable[LakeVersion]) -> Iterator[Window]:
    """Where the entries of these versions are, each stretch once."""
    stretches = defaultdict(list)
    for version in versions:
        after = _AFTER_MULTIPART if "-" in version.etag else _AFTER
        stretches[describe_key(version.key).table_name].append((version.landed_at - _BEFORE, version.landed_at + after))
    for table_name, times in stretches.items():
        first, last = min(times)
        for begins, ends in sorted(times):
            if begins > last:
                yield Window(table_name, first.strftime(TIMESTAMP_FORMAT), last.strftime(TIMESTAMP_FORMAT))
                first, last = begins, ends
            last = max(last, ends)
        yield Window(table_name, first.strftime(TIMESTAMP_FORMAT), last.strftime(TIMESTAMP_FORMAT))


def entry_key(fact: LedgerFact) -> dict[str, str]:
    """The primary key of the log entry of a ledger row (as etl_core.log.key_of gives it for its upload)."""
    timestamp = fact.landed_at.strftime(TIMESTAMP_FORMAT)
    landed_key = f"{timestamp}#{fact.sequencer}#{fact.upload_id[:12]}"
    return {PARTITION_KEY: describe_key(fact.s3_key).table_name, SORT_KEY: landed_key}


def settled_entry(fact: LedgerFact, bucket: str, etag: str | None = None, size: int | None = None) -> dict[str, Any]:
    """The attributes of the entry that a ledger row makes. How long the load took, and its statements, nobody knows any more."""
    upload = Upload(bucket, fact.s3_key, fact.version_id, etag or "", size, fact.sequencer, fact.landed_at)
    known = facts_entry(upload, "") | {
        "status": str(fact.status),
        "loaded_timestamp": fact.loaded_at.strftime(TIMESTAMP_FORMAT),
        "schema_version": fact.schema_version,
        "rows_loaded": fact.rows_loaded,
        "redshift_table_exists": True,
    }
    return {name: value for name, value in known.items() if value not in (None, "")}
