"""The format of schema files as a JSON Schema, generated from the types that read them, so that editors complete and check it.

It accepts what the parser accepts in form; what needs more than one part of the file, or Redshift's rules for names and types, only
the parser finds.
"""

from __future__ import annotations

from typing import Any

from etl_core.column_types import known_types
from etl_core.schema_file import SchemaFile


def schema_file_format() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a schema file."""
    made = SchemaFile.model_json_schema()
    _tidy(made)
    properties, parts = made["properties"], made["$defs"]
    properties["schema_version"] = {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 64}, {"type": "number"}]}
    properties["sortkey"] = {"anyOf": [{"type": "string"}, properties["sortkey"]]}
    properties["allowed_actions"] = {
        **properties["allowed_operations"],
        "description": "The same as allowed_operations.",
    }
    made["not"] = {"required": ["allowed_operations", "allowed_actions"]}
    properties["columns"] |= {"minItems": 1, "maxItems": 1600}
    column = parts["ColumnSpec"]["properties"]
    column["type"] |= {"examples": [*known_types(), "VARCHAR(100)", "NUMERIC(18,2)"]}
    column["default"]["anyOf"].append({"type": "number"})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": "Schema file",
        "description": "What a table is to be, and which uploads it takes.",
    }


def _tidy(part: Any) -> None:
    """Keywords are accepted in any case, so that both common ones are listed; titles only repeat the names."""
    if isinstance(part, list):
        for item in part:
            _tidy(item)
    if not isinstance(part, dict):
        return
    if isinstance(part.get("title"), str):
        del part["title"]
    if part.get("type") == "string" and "enum" in part:
        part["enum"] = list(
            dict.fromkeys([*part["enum"], *map(str.lower, part["enum"]), *map(str.upper, part["enum"])])
        )
    for item in part.values():
        _tidy(item)
