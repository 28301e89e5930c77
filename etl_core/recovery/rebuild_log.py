"""Write the log entries of ledger rows: the ledger decides, so the log can be rebuilt from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from etl_core.model.lake_key import describe_key
from etl_core.model.object_versions import ObjectVersion
from etl_core.model.status import SETTLED, Status
from etl_core.model.times import format_utc_time
from etl_core.model.upload import Upload
from etl_core.recovery.reconcile import Finding, LedgerEvidence
from etl_core.recovery.reconcile_requests import LogPage, LogPageRequest, MissingEntry
from etl_core.recovery.services import Entry, Services
from etl_core.recovery.tables_requests import LedgerPageRequest
from etl_core.recovery.wire import ask
from etl_core.upload_log.entry import PARTITION_KEY, SORT_KEY, upload_attributes
from etl_core.upload_log.indexes import UPLOAD_ID
from etl_core.upload_log.totals import FRESHNESS_HOURS


def rebuild_page(request: LogPageRequest, services: Services) -> LogPage:
    """Write the log entries that one page of ledger rows lacks; a dry run only names them."""
    page = ask(services.tables, LedgerPageRequest(scope=request.scope, marker=request.marker))
    logged = read_logged(services, page.rows)
    missing = [row for row in page.rows if not _is_settled(logged.get(row.upload_id))]
    if not request.dry_run:
        for row in missing:
            _write_entry(services, row, logged.get(row.upload_id))
        services.log.complete_entries(
            logged[row.upload_id] for row in page.rows if _is_settled(logged.get(row.upload_id))
        )
    return LogPage(
        rows=len(page.rows),
        missing=tuple(
            MissingEntry(key=row.s3_key, version=row.version_id, status=row.status)
            for row in missing
        ),
        ledger=page.ledger,
        busy=page.busy,
        damaged=page.damaged,
        marker=page.marker,
    )


def write_entries(services: Services, findings: Iterable[Finding]) -> None:
    """Write the log entries of findings that the ledger knows, with the etag and size that S3 lists."""
    for finding in findings:
        if finding.ledger is not None:
            _write_entry(services, finding.ledger, finding.entry, finding.version)


def read_logged(services: Services, rows: Iterable[LedgerEvidence]) -> dict[str, Entry]:
    """Return the log entries of ledger rows, by upload id."""
    ids = {}
    for row in rows:
        key = entry_key(row)
        ids[key[PARTITION_KEY], key[SORT_KEY]] = row.upload_id
    keys = [{PARTITION_KEY: partition, SORT_KEY: sort} for partition, sort in ids]
    entries = services.log.read_entries(keys) if keys else []
    return {ids[entry[PARTITION_KEY], entry[SORT_KEY]]: entry for entry in entries}


def entry_key(row: LedgerEvidence) -> dict[str, str]:
    """Return the primary key of a ledger row's log entry, the same as
    etl_core.upload_log.entry.key_of for its upload.
    """
    timestamp = format_utc_time(row.landed_at)
    landed_key = f"{timestamp}#{row.sequencer}#{row.upload_id[:12]}"
    return {PARTITION_KEY: describe_key(row.s3_key).table_name, SORT_KEY: landed_key}


def settled_entry(
    row: LedgerEvidence, bucket: str, etag: str | None = None, size: int | None = None
) -> dict[str, Any]:
    """Return the attributes of a ledger row's log entry.

    The ledger does not keep duration, statements and warnings.
    """
    upload = Upload(
        bucket, row.s3_key, row.version_id, etag or "", size, row.sequencer, row.landed_at
    )
    known = upload_attributes(upload, "") | {
        "status": str(row.status),
        UPLOAD_ID: row.upload_id,
        "loaded_timestamp": format_utc_time(row.loaded_at),
        "schema_version": row.schema_version,
        FRESHNESS_HOURS: row.freshness_hours,
        "rows_loaded": row.rows_loaded,
        "rows_quarantined": row.rows_quarantined,
        "redshift_table_exists": True,
    }
    return {name: value for name, value in known.items() if value not in (None, "")}


def _write_entry(
    services: Services,
    row: LedgerEvidence,
    entry: Entry | None,
    version: ObjectVersion | None = None,
) -> None:
    etag, size = (version.etag, version.size) if version is not None else (None, None)
    attributes = settled_entry(row, services.bucket, etag, size)
    is_first_status = entry is None or entry.get("status") == Status.RECEIVED
    services.log.write_final(entry_key(row), attributes, 1 if is_first_status else 0)


def _is_settled(entry: Entry | None) -> bool:
    return entry is not None and entry.get("status") in SETTLED
