"""Where the rows of a file are that were not loaded because they do not fit the table."""

from __future__ import annotations

from etl_core.model.lake_key import describe_key
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import Upload

QUARANTINE = "quarantine/"
"""The folder in the work bucket."""
ROWS_FILE, REASONS_FILE = "rows.csv", "reasons.csv"


def quarantine_folder(upload: Upload) -> str:
    """Return the prefix of the upload's quarantine in the work bucket."""
    parts = describe_key(upload.key)
    table = TableRef(parts.database or "", parts.schema or "", parts.table_name)
    return f"{QUARANTINE}{table.database}/{table.folder}/{upload.upload_id}/"


def quarantine_prefix(bucket: str, upload: Upload) -> str:
    """Return the s3:// URL of the upload's quarantine."""
    return f"s3://{bucket}/{quarantine_folder(upload)}"
