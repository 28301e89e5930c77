"""The format of schema files as a JSON Schema, generated from the types that read them, so that editors complete and check it.

What the parser's own rules add to the types is added here in the words of JSON Schema: names, types and their lengths, keywords in
any case, which default and encoding a type takes. What compares one part of the file with another that it names (a key with the
columns), counts bytes or compares numbers, only the parser finds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from etl_core.model.names import MAX_IDENTIFIER_BYTES
from etl_core.schema_files import json_patterns as patterns
from etl_core.schema_files.column_types import known_types, type_names
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.schema_rules import ENCODINGS, INTEGERS, MAX_COLUMNS, MOMENTS, NUMBERS

Json = dict[str, Any]

_NAME = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_IDENTIFIER_BYTES,
    "pattern": patterns.column_name(),
}
_DESCRIPTIONS = {
    "schema_version": "Your own name of this version; the log of every upload shows it.",
    "columns": "The table's columns.",
    "allowed_operations": "What later uploads to this table may do; all three if left out.",
    "allowed_changes": "Which changes of existing data this file may bring about; additions and growth need no leave.",
    "primary_key": "Names of columns. Redshift does not enforce it, but plans queries by it.",
    "diststyle": "How rows are spread over the nodes; AUTO leaves it to Redshift.",
    "distkey": "The column by whose value rows are spread.",
    "sortkey": "The columns by which rows are kept in order.",
    "csv": "How the table's data files are written.",
    "name": "As in the files' header; upper and lower case are the same.",
    "type": "A column type of Redshift, such as INTEGER, VARCHAR(100) or NUMERIC(18,2); lengths are in bytes.",
    "nullable": "Whether rows may lack a value.",
    "default": 'For rows without a value: a text, a number, true, false or {"function": "SYSDATE"}.',
    "encode": "Compression; left out, Redshift chooses.",
    "identity": "Seed and step of numbers that Redshift gives itself.",
    "renamed_from": "The name that the column has now, to rename it with its data.",
    "delimiter": "One ASCII character between two values.",
    "quote": "One ASCII character around values.",
    "null_as": "The text that stands for no value.",
    "date_format": "As COPY's DATEFORMAT.",
    "time_format": "As COPY's TIMEFORMAT.",
    "encoding": "Of the files' text.",
    "missing_columns": "What becomes of columns that a header does not name: the file is refused, or they take their default.",
    "description": "For people: a comment in the warehouse.",
    "function": "What the warehouse computes when the row is loaded.",
}
_NULL = {"type": "null"}
_TEXT = {"type": "string"}


def schema_file_format() -> Json:
    """The JSON Schema (draft 2020-12) of a schema file."""
    made = SchemaFile.model_json_schema()
    _tidy(made)
    _describe(made["properties"], made["$defs"])
    _complete_file(made["properties"])
    _complete_column(made["$defs"]["ColumnSpec"])
    _complete_csv(made["$defs"]["CsvOptions"]["properties"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
        "title": "Schema file",
        "description": "What a table is to be, and which uploads it takes.",
        "not": {"required": ["allowed_operations", "allowed_actions"]},
        "allOf": list(_distribution()),
    }


def _describe(properties: Json, parts: Json) -> None:
    """What editors show beside a property."""
    parts["ColumnSpec"]["description"] = "One column."
    for group in (properties, *(part.get("properties", {}) for part in parts.values())):
        for name, described in group.items():
            described["description"] = _DESCRIPTIONS[name]


def _tidy(part: Any) -> None:
    """Keywords are accepted in any case, and offered in one; titles only repeat the names."""
    if isinstance(part, list):
        for item in part:
            _tidy(item)
    if not isinstance(part, dict):
        return
    if isinstance(part.get("title"), str):
        del part["title"]
    if part.get("type") == "string" and "enum" in part:
        words = part.pop("enum")
        part["anyOf"] = [{"enum": words}, {"pattern": patterns.any_case(words)}]
        return
    for item in part.values():
        _tidy(item)


def _complete_file(properties: Json) -> None:
    properties["columns"] |= {"minItems": 1, "maxItems": MAX_COLUMNS}
    for name in ("allowed_operations", "allowed_changes"):
        properties[name]["maxItems"] = MAX_COLUMNS
    properties["allowed_actions"] = {
        **properties["allowed_operations"],
        "description": "The same as allowed_operations.",
    }
    properties["schema_version"] |= {
        "anyOf": [{"type": "string", "minLength": 1, "maxLength": 64}, {"type": "number"}],
    }
    for name in ("type", "minLength", "maxLength"):
        del properties["schema_version"][name]
    properties["primary_key"] |= {"items": _NAME, "uniqueItems": True, "maxItems": MAX_COLUMNS}
    properties["distkey"]["anyOf"] = [_NAME, _NULL]
    sortkey = properties["sortkey"] | {"items": _NAME, "uniqueItems": True}
    properties["sortkey"] = {"description": sortkey.pop("description"), "anyOf": [_NAME, sortkey]}
    _without_nul(properties["description"])


def _complete_column(column: Json) -> None:
    properties = column["properties"]
    properties["name"] |= _NAME
    properties["renamed_from"]["anyOf"] = [_NAME, _NULL]
    offered = [*known_types(), "VARCHAR(100)", "NUMERIC(18,2)"]
    properties["type"]["anyOf"] = [
        {"enum": offered},
        {"pattern": patterns.column_type(type_names())},
    ]
    properties["default"]["anyOf"].append({"type": "number"})
    _without_nul(properties["description"])
    column["allOf"] = [*_defaults(), *_encodings(), _identity()]


def _complete_csv(properties: Json) -> None:
    for name in ("delimiter", "quote"):
        properties[name] |= {
            "minLength": 1,
            "maxLength": 1,
            "pattern": patterns.ONE_ASCII_CHARACTER,
        }
    for text in (
        properties["null_as"]["anyOf"][0],
        properties["date_format"],
        properties["time_format"],
    ):
        text["pattern"] = patterns.PRINTABLE_WITHOUT_BACKSLASH


def _without_nul(description: Json) -> None:
    description["anyOf"][0]["pattern"] = patterns.NO_NUL


def _defaults() -> Iterator[Json]:
    """What a default may be, by the column's type."""
    others = [name for name in type_names() if name not in NUMBERS | MOMENTS and name != "boolean"]
    accepted: list[tuple[Iterable[str], list[Json]]] = [
        (["boolean"], [{"type": "boolean"}]),
        (sorted(NUMBERS), [{"type": "number"}, _TEXT]),
        (sorted(MOMENTS), [_TEXT, {"type": "object"}]),
        (others, [_TEXT]),
    ]
    for names, values in accepted:
        yield _if(_is_type(names), {"properties": {"default": {"anyOf": [*values, _NULL]}}})


def _encodings() -> Iterator[Json]:
    for encoding, names in ENCODINGS.items():
        condition = {"properties": {"encode": _word(encoding)}, "required": ["encode"]}
        yield _if(
            condition, {"properties": {"type": {"pattern": patterns.column_type(sorted(names))}}}
        )


def _identity() -> Json:
    condition = {"properties": {"identity": {"not": _NULL}}, "required": ["identity"]}
    whole = patterns.column_type(sorted(INTEGERS - {"smallint"}))
    consequence = {"type": {"pattern": whole}, "nullable": {"const": False}, "default": _NULL}
    return _if(condition, {"properties": consequence})


def _distribution() -> Iterator[Json]:
    with_key = {"properties": {"distkey": {"not": _NULL}}, "required": ["distkey"]}
    yield _if(with_key, {"properties": {"diststyle": _word("KEY")}})
    yield _if({"properties": {"diststyle": _word("KEY")}, "required": ["diststyle"]}, with_key)


def _is_type(names: Iterable[str]) -> Json:
    return {
        "properties": {"type": {"type": "string", "pattern": patterns.column_type(names)}},
        "required": ["type"],
    }


def _word(word: str) -> Json:
    return {"type": "string", "pattern": patterns.any_case([word])}


def _if(condition: Json, consequence: Json) -> Json:
    return {"if": condition, "then": consequence}
