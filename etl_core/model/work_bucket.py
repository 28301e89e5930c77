"""The folders of the work bucket. Every object is in one of them, and each has a rule by which its objects expire."""

from __future__ import annotations

from etl_core.model.lake_key import describe_key
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import Upload

COMBINED, MANIFESTS, PINNED, REWRITTEN = "combined/", "manifests/", "pinned/", "rewritten/"
TEMPORARY = (COMBINED, MANIFESTS, PINNED, REWRITTEN)
"""What a load needs only while it runs."""
QUARANTINE = "quarantine/"
"""Rows that were not loaded because they do not fit their table."""
ROWS_FILE, REASONS_FILE = "rows.csv", "reasons.csv"


def quarantine_folder(upload: Upload) -> str:
    """Return the prefix of the upload's quarantine in the work bucket."""
    parts = describe_key(upload.key)
    table = TableRef(parts.database or "", parts.schema or "", parts.table_name)
    return f"{QUARANTINE}{table.database}/{table.folder}/{upload.upload_id}/"


def quarantine_prefix(bucket: str, upload: Upload) -> str:
    """Return the s3:// URL of the upload's quarantine."""
    return f"s3://{bucket}/{quarantine_folder(upload)}"
