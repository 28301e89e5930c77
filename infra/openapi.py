"""The OpenAPI document of the API, generated from its operations and from the types of its answers.

`python -m infra.openapi` writes docs/openapi.json.
"""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterator
from typing import Any

from etl_core.model import api_types
from etl_core.model.api import OPERATIONS, Operation, Parameter
from etl_core.model.lake_key import Action
from etl_core.model.status import Status
from infra.api_contract import KEY_HEADER, STAGE, STATUS_CODES
from infra.bundle import ROOT

DOCUMENT = ROOT / "docs" / "openapi.json"
Schema = dict[str, Any]
_NAMES: dict[Any, str] = {str: "string", int: "integer", bool: "boolean", type(None): "null"}
_EXAMPLE_ENTRY: dict[str, Any] = {
    "table_name": "user_data",
    "database": "dev",
    "schema": "public",
    "action": "append",
    "landed_timestamp": "2026-11-22T09:30:00Z",
    "loaded_timestamp": "2026-11-22T09:30:02Z",
    "status": "loaded",
    "upload_id": "9f2c1d1e3b5a47d08e6f1a2b3c4d5e6f",
    "s3_key": "dev/append/user_data/users.csv",
    "rows_loaded": 5,
}
_LAST = {
    "s3_key": "dev/append/user_data/users.csv",
    "status": "loaded",
    "landed_timestamp": "2026-11-22T09:30:00Z",
}
_TOTALS = {"rows": 5, "bytes": 174, "succeeded": 1, "rejected": 0, "failed": 0}
_VERSION = {
    "upload_id": "0b1c2d3e4f5061728394a5b6c7d8e9f0",
    "s3_key": "dev/schema/user_data/schema.json",
    "landed_timestamp": "2026-11-22T09:29:00Z",
    "status": "applied",
}
_TABLE = {
    "database": "dev",
    "schema": "public",
    "table_name": "user_data",
    "schema_version": "1",
    "last_upload": _LAST,
    "last_success": _LAST,
    "last_load": _LAST,
    "freshness": "fresh",
    "freshness_hours": 26,
    "today": _TOTALS,
    "last_30_days": _TOTALS,
    "days": [{"date": "2026-11-22", **_TOTALS}],
}
EXAMPLES: dict[str, Any] = {
    "queryLog": {"items": [_EXAMPLE_ENTRY], "count": 1, "next_token": None},
    "listUploads": {
        "items": [_EXAMPLE_ENTRY],
        "count": 1,
        "next_token": None,
        "from": "2026-11-22T00:00:00Z",
    },
    "getUpload": _EXAMPLE_ENTRY,
    "listTables": {
        "items": [_TABLE],
        "count": 1,
        "next_token": None,
        "hours": [{"hour": "2026-11-22T09:00:00Z", "succeeded": 1, "rejected": 0, "failed": 0}],
    },
    "getTable": _TABLE,
    "getTableSchema": {
        "in_force": _VERSION,
        "document": {"schema_version": "1", "columns": [{"name": "id", "type": "INTEGER"}]},
        "history": [_VERSION],
    },
    "getHealth": {"status": "ok"},
}
_TO_UPLOAD = {
    "upload": {
        "operationId": "getUpload",
        "parameters": {"upload_id": "$response.body#/items/0/upload_id"},
        "description": "The first upload of the page, with its statements.",
    }
}
_LINKS: dict[str, Schema] = {
    "queryLog": _TO_UPLOAD,
    "listUploads": _TO_UPLOAD,
    "listTables": {
        "schema": {
            "operationId": "getTableSchema",
            "parameters": {
                "database": "$response.body#/items/0/database",
                "schema": "$response.body#/items/0/schema",
                "table": "$response.body#/items/0/table_name",
            },
            "description": "The schema file in force for the first table.",
        }
    },
    "getTableSchema": {
        "schema_upload": {
            "operationId": "getUpload",
            "parameters": {"upload_id": "$response.body#/in_force/upload_id"},
            "description": "The upload of the schema file in force.",
        }
    },
}
_EXAMPLE_PROBLEM = {
    "type": "about:blank",
    "title": "Bad Request",
    "status": 400,
    "detail": "limit is 'ten'; it must be a whole number from 1 to 500",
    "error": {
        "type": "InvalidQuery",
        "parameter": "limit",
        "message": "limit is 'ten'; it must be a whole number from 1 to 500",
    },
}
_SECURITY: Schema = {
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": KEY_HEADER,
        "description": "For stacks with apiAuth key.",
    },
    "iam": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "For stacks with apiAuth iam: AWS Signature Version 4 for the service execute-api.",
        "x-amazon-apigateway-authtype": "awsSigv4",
    },
}
_TAGS = {
    "Log": "What happened to uploads.",
    "Tables": "Tables, as the log knows them.",
    "Service": "The service itself. No key needed, no data.",
}


def render_document() -> Schema:
    """Return the document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Upload log",
            "version": STAGE.removeprefix("v"),
            "description": "Log of uploads to the lake: one entry per upload, with its status. "
            "Each path also answers HEAD and OPTIONS.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "{api_url}", "variables": {"api_url": {"default": f"/{STAGE}"}}}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "security": [{"api_key": []}, {"iam": []}],
        "paths": {each.path: {"get": _render_operation(each)} for each in OPERATIONS},
        "components": {
            "securitySchemes": _SECURITY,
            "schemas": dict(sorted(_schemas())),
        },
    }


def _render_operation(operation: Operation) -> Schema:
    rendered: Schema = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": f"{operation.summary}.",
        "parameters": [
            *(_render_parameter(parameter, "path") for parameter in operation.path_parameters),
            *(_render_parameter(parameter, "query") for parameter in operation.parameters),
        ],
        "responses": {str(code): _render_response(code, operation) for code in _codes(operation)},
    }
    return rendered if operation.needs_key else rendered | {"security": []}


def _codes(operation: Operation) -> Iterator[int]:
    own = {404} - set(operation.errors)
    if operation.answer is None:
        own |= {400, 503}
    if not operation.needs_key:
        own |= {403, 503}
    yield from (code for code in STATUS_CODES if code not in own)


def _render_parameter(parameter: Parameter, place: str) -> Schema:
    schema = {"type": "string", **parameter.schema}
    is_number = schema["type"] == "integer"
    return {
        "name": parameter.name,
        "in": place,
        "required": parameter.is_required,
        "description": parameter.description,
        "schema": schema,
        "example": int(parameter.example) if is_number else parameter.example,
    }


def _render_response(code: int, operation: Operation) -> Schema:
    rendered: Schema = {"description": STATUS_CODES[code]}
    if code == 304:
        return rendered
    if code >= 400:
        schema = {"$ref": "#/components/schemas/Problem"}
        content = {"application/problem+json": {"schema": schema, "example": _EXAMPLE_PROBLEM}}
        return rendered | {"content": content}
    etag = {"description": "Send it back as If-None-Match.", "schema": {"type": "string"}}
    rendered["headers"] = {"ETag": etag}
    if operation.answer is None:
        return rendered | {"content": {"text/html": {"schema": {"type": "string"}}}}
    schema = {"$ref": f"#/components/schemas/{operation.answer.__name__}"}
    example = EXAMPLES[operation.name]
    if operation.name in _LINKS:
        rendered["links"] = _LINKS[operation.name]
    return rendered | {"content": {"application/json": {"schema": schema, "example": example}}}


def _schemas() -> Iterator[tuple[str, Schema]]:
    for name, value in vars(api_types).items():
        if typing.is_typeddict(value) and name != "TypedDict":
            yield name, render_type(value)


def render_type(kind: Any) -> Schema:
    """Return the JSON Schema of a TypedDict of etl_core.model.api_types."""
    hints = typing.get_type_hints(kind, include_extras=True)
    properties = {name: _render_hint(hint) for name, hint in hints.items()}
    if kind is api_types.Entry:
        properties["status"]["enum"] = [str(status) for status in Status]
    return {
        "type": "object",
        "description": (kind.__doc__ or "").split("\n")[0],
        "properties": properties,
        "required": [name for name, hint in hints.items() if _is_required(hint, kind)],
    }


def _is_required(hint: Any, kind: Any) -> bool:
    origin = typing.get_origin(hint)
    if origin in (typing.Required, typing.NotRequired):
        return origin is typing.Required
    return bool(kind.__total__)


def _render_hint(hint: Any) -> Schema:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Required, typing.NotRequired):
        return _render_hint(arguments[0])
    if origin is typing.Annotated:
        more: Schema = {"description": arguments[1]}
        for each in arguments[2:]:
            more |= each
        return _render_hint(arguments[0]) | more
    if origin in (typing.Union, types.UnionType):
        return _render_union([_render_hint(each) for each in arguments])
    if origin is list:
        return {"type": "array", "items": _render_hint(arguments[0])}
    if origin is dict:
        return {"type": "object"}
    if typing.is_typeddict(hint):
        return {"$ref": f"#/components/schemas/{hint.__name__}"}
    return {"type": _NAMES[hint]}


def _render_union(schemas: list[Schema]) -> Schema:
    if all(set(schema) == {"type"} for schema in schemas):
        return {"type": [schema["type"] for schema in schemas]}
    return {"anyOf": schemas}


def render_text() -> str:
    """Return the content of docs/openapi.json."""
    return json.dumps(render_document(), indent=2) + "\n"


STATUSES = tuple(map(str, Status))
ACTIONS = tuple(map(str, Action))
ENTRY: Schema = render_type(api_types.Entry)["properties"]

if __name__ == "__main__":
    DOCUMENT.write_text(render_text())
