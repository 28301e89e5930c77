"""Builders of test values: uploads, events, schema files, ledger rows.

Each has defaults; a test gives only what it is about.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from etl_core.loading.ledger import LedgerRow, pack
from etl_core.model.function_settings import LoadSettings, WarehouseLogin
from etl_core.model.lake_key import Action
from etl_core.model.status import Status
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import Upload
from etl_core.schema_files.schema_file import SchemaFile

LAKE, WORK = "lake", "work"
NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
EVENTS = Path(__file__).parent / "events"
TABLE = TableRef("dev", "public", "t")
"""The table of most tests."""

SEED = {
    "schema_version": "1",
    "columns": [
        {"name": "Username", "type": "VARCHAR(50)", "nullable": False},
        {"name": "Identifier", "type": "INTEGER"},
        {"name": "First name", "type": "VARCHAR(100)"},
        {"name": "Last name", "type": "VARCHAR(100)"},
    ],
    "allowed_operations": ["append", "truncate"],
}
"""The example of the user guide."""


def an_event(
    key: str = "dev/append/t/a.csv", *, time: str = "2026-11-22T12:00:00Z", **stored: Any
) -> dict[str, Any]:
    """Return an event like EventBridge delivers it.

    `stored` replaces fields of the object; None removes a field.
    """
    fields = {
        "key": key,
        "size": 10,
        "etag": "e1",
        "version-id": "v1",
        "sequencer": "00000001",
    } | stored
    detail = {
        "bucket": {"name": LAKE},
        "object": {name: value for name, value in fields.items() if value is not None},
    }
    return {"source": "aws.s3", "detail-type": "Object Created", "time": time, "detail": detail}


def an_upload(key: str = "dev/append/t/a.csv", **fields: Any) -> Upload:
    """Return the upload of one version of an object in the lake."""
    defaults = {
        "version_id": "v1",
        "etag": "e1",
        "size": 10,
        "sequencer": "00000001",
        "landed_at": NOON,
    }
    return Upload(**({"bucket": LAKE, "key": key} | defaults | fields))


def a_column(name: str = "id", kind: str = "INTEGER", **more: Any) -> dict[str, Any]:
    """Return a column of a schema file."""
    return {"name": name, "type": kind} | more


def a_schema_file(*columns: dict[str, Any], **more: Any) -> bytes:
    """Return the text of a schema file. The default columns are id and name."""
    columns = columns or (a_column(), a_column("name", "VARCHAR(20)"))
    return json.dumps({"columns": columns} | more).encode()


def a_spec(*columns: dict[str, Any], **more: Any) -> SchemaFile:
    """Return a parsed schema file."""
    return SchemaFile.parse(a_schema_file(*columns, **more))


def a_ledger_row(action: str = "append", *, landed_at: datetime = NOON, **fields: Any) -> LedgerRow:
    """Return the ledger row of an upload that took effect. Other fields give another upload id."""
    schema_file = fields.pop("schema_file", a_spec() if action == "schema" else None)
    defaults = {
        "sequencer": "00000001",
        "s3_key": f"dev/{action}/t/x.csv",
        "version_id": "v0",
        "status": Status.APPLIED if action == "schema" else Status.LOADED,
        "rows_loaded": None if action == "schema" else 3,
        "loaded_at": NOON,
        "schema_text": None if schema_file is None else pack(schema_file.to_json()),
    }
    values = {"action": Action(action), "landed_at": landed_at} | defaults | fields
    named = "".join(
        str(values[name]) for name in ("s3_key", "version_id", "landed_at", "sequencer")
    )
    digest = hashlib.sha256(named.encode()).hexdigest()[:32]
    return LedgerRow(**({"upload_id": digest} | values))


def settings(**fields: Any) -> LoadSettings:
    """Return the settings of the load function."""
    defaults = {
        "lake_bucket": LAKE,
        "work_bucket": WORK,
        "databases": ("dev", "analytics"),
        "warehouse_host": "warehouse.example",
        "warehouse_port": 5439,
        "login": WarehouseLogin("arn:secret"),
        "copy_role_arn": "arn:aws:iam::123456789012:role/copy",
        "log_table": "log",
        "region": "eu-central-1",
    }
    return LoadSettings(**(defaults | fields))
