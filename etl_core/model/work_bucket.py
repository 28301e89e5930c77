"""The folders of the work bucket. Every object is in one of them, and each has a rule by which its objects expire."""

from __future__ import annotations

from etl_core.model.lake_key import describe_key
from etl_core.model.table_ref import TableRef

COMBINED, MANIFESTS, PINNED, REWRITTEN = "combined/", "manifests/", "pinned/", "rewritten/"
TEMPORARY = (COMBINED, MANIFESTS, PINNED, REWRITTEN)
"""What a load needs only while it runs."""
QUARANTINE = "quarantine/"
"""Rows that were not loaded because they do not fit their table."""
ROWS_FILE, REASONS_FILE = "rows.csv", "reasons.csv"


def quarantine_folder(key: str, upload_id: str) -> str:
    """Return the prefix of an upload's quarantine in the work bucket, by the upload's key and id."""
    parts = describe_key(key)
    table = TableRef(parts.database or "", parts.schema or "", parts.table_name)
    return f"{QUARANTINE}{table.database}/{table.folder}/{upload_id}/"


def quarantine_prefix(bucket: str, key: str, upload_id: str) -> str:
    """Return the s3:// URL of an upload's quarantine."""
    return f"s3://{bucket}/{quarantine_folder(key, upload_id)}"
