"""The OpenAPI document of the API, generated from its contract.

`python -m infra.openapi` writes docs/openapi.json.
"""

from __future__ import annotations

import json
from typing import Any

from infra.api_contract import (
    KEY_HEADER,
    METHOD,
    PARAMETERS,
    PATH,
    STAGE,
    STATUS_CODES,
    Need,
    Parameter,
)
from infra.bundle import ROOT

DOCUMENT = ROOT / "docs" / "openapi.json"
Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "integer", "minimum": 0}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_TIME: Schema = {"type": "string", "format": "date-time"}

STATUSES = (
    "received",
    "loaded",
    "applied",
    "unchanged",
    "duplicate",
    "superseded",
    "ignored",
    "rejected",
    "failed",
    "unknown",
)
ACTIONS = ("append", "truncate", "schema")

_PLACE: dict[str, Schema] = {
    "line": {"type": "integer", "minimum": 1, "description": "The line of the file."},
    "column": _TEXT,
    "value": _TEXT,
}
WARNING: Schema = {
    "type": "object",
    "properties": {
        "kind": {**_TEXT, "description": "The id of the message in the list of messages."},
        "message": _TEXT,
        "count": {**_NUMBER, "description": "How many values or rows it is about."},
        **_PLACE,
        "hint": _TEXT,
    },
    "required": ["kind", "message"],
}

ENTRY: dict[str, Schema] = {
    "table_name": _TEXT,
    "database": _TEXT,
    "schema": _TEXT,
    "action": _TEXT,
    "landed_timestamp": _TIME,
    "loaded_timestamp": _TIME,
    "status": {"type": "string", "enum": list(STATUSES)},
    "s3_bucket": _TEXT,
    "s3_key": _TEXT,
    "version_id": _TEXT,
    "etag": _TEXT,
    "file_size": _NUMBER,
    "schema_version": _TEXT,
    "rows_loaded": _NUMBER,
    "duration_ms": _NUMBER,
    "redshift_table_exists": {"type": "boolean"},
    "statements": {**_TEXTS, "description": "The SQL statements that were run for the upload."},
    "warnings": {
        "type": "array",
        "items": {"anyOf": [WARNING, _TEXT]},
        "description": "What you should know about the upload. Warnings do not change its status. "
        "Entries of earlier versions have texts.",
    },
    "error": {
        "type": "object",
        "description": "Why the upload was not loaded, and how to fix it.",
        "properties": {
            "type": _TEXT,
            "code": {**_TEXT, "description": "The id of the message in the list of messages."},
            "message": _TEXT,
            **_PLACE,
            "hint": {**_TEXT, "description": "What cures it."},
            "faults": {**_NUMBER, "description": "How many faults there are, if that is known."},
            "details": {**_TEXTS, "description": "The first faults, one text each."},
        },
        "required": ["type", "message"],
    },
    "attempts": _NUMBER,
    "execution_arn": _TEXT,
}
"""The fields of a log entry. An entry omits the fields that do not apply."""


def render_document() -> dict[str, Any]:
    """Return the document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Upload log",
            "version": STAGE.removeprefix("v"),
            "description": "Log of uploads to the lake: one entry per upload, with its status.",
        },
        "servers": [{"url": "{api_url}", "variables": {"api_url": {"default": f"/{STAGE}"}}}],
        "security": [{"api_key": []}],
        "paths": {f"/{PATH}": {METHOD.lower(): _render_operation()}},
        "components": {
            "securitySchemes": {"api_key": {"type": "apiKey", "in": "header", "name": KEY_HEADER}},
            "schemas": {"Entry": _entry(), "Page": _page(), "Error": _error()},
        },
    }


def _render_operation() -> dict[str, Any]:
    return {
        "operationId": "queryLog",
        "summary": "Return the log entries of one table, newest first",
        "parameters": [_render_parameter(parameter) for parameter in PARAMETERS],
        "responses": {
            str(status): _render_response(status, text) for status, text in STATUS_CODES.items()
        },
    }


def _render_parameter(parameter: Parameter) -> dict[str, Any]:
    schemas = {
        "status": {"type": "string", "enum": list(STATUSES)},
        "action": {"type": "string", "enum": list(ACTIONS)},
        "limit": {"type": "integer", "minimum": 1, "maximum": 500, "default": 50},
    }
    return {
        "name": parameter.name,
        "in": "query",
        "required": parameter.need is Need.REQUIRED,
        "description": parameter.description,
        "schema": schemas.get(parameter.name, _TEXT),
    }


def _render_response(status: int, description: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{'Page' if status == 200 else 'Error'}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _entry() -> Schema:
    return {
        "type": "object",
        "properties": ENTRY,
        "required": ["table_name", "landed_timestamp", "status"],
    }


def _page() -> Schema:
    items = {"type": "array", "items": {"$ref": "#/components/schemas/Entry"}}
    properties = {"items": items, "count": _NUMBER, "next_token": {"type": ["string", "null"]}}
    return {
        "type": "object",
        "properties": properties,
        "required": ["items", "count", "next_token"],
    }


def _error() -> Schema:
    error = {
        "type": "object",
        "properties": {"type": _TEXT, "parameter": _TEXT, "message": _TEXT},
        "required": ["type", "message"],
    }
    return {"type": "object", "properties": {"error": error}, "required": ["error"]}


def render_text() -> str:
    """Return the content of docs/openapi.json."""
    return json.dumps(render_document(), indent=2) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(render_text())
