"""The format of schema files as a JSON Schema, generated from the types that parse them.

Editors use it to complete and check files. This module adds the parser's rules that JSON Schema can
express: names, types and their lengths, keywords in any case, the defaults and encodings of a type.
Only the parser checks what JSON Schema cannot: names of key columns, sizes in bytes, ranges of
numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from etl_core.model.names import MAX_IDENTIFIER_BYTES
from etl_core.schema_files import json_patterns as patterns
from etl_core.schema_files.column_types import ColumnType, known_types, type_names
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.schema_rules import ENCODINGS, MAX_COLUMNS

Json = dict[str, Any]

_NAME = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_IDENTIFIER_BYTES,
    "pattern": patterns.column_name(),
}
_DESCRIPTIONS = {
    "schema_version": "Your own name for this version; the log entry of every upload shows it.",
    "columns": "The table's columns.",
    "allowed_operations": "Which actions later uploads to this table may use. "
    "If left out: append, truncate and schema. upsert needs a primary_key.",
    "allowed_changes": "Which changes of existing data are allowed; added columns and larger types are always allowed.",
    "primary_key": "Names of columns. Redshift does not enforce the key, but uses it to plan queries. "
    "An upsert replaces the rows with the same key.",
    "diststyle": "How rows are distributed over the nodes; with AUTO, Redshift decides.",
    "distkey": "The column whose value decides on which node a row is stored.",
    "sortkey": "The columns by which rows are sorted.",
    "load_interval_seconds": "Seconds from one load of the table to the next, so that small files gather; "
    "if left out, the stack's setting.",
    "freshness_hours": "Hours after the last load after which the API calls the table stale; 0 for never; "
    "if left out, the stack's setting.",
    "csv": "The format of the table's data files.",
    "header": "Another name, or a list of them, that data files use for the column; an empty text if "
    "the header leaves its name empty.",
    "name": "As in the header of the data files; upper and lower case are the same.",
    "type": "A column type of Redshift, such as INTEGER, VARCHAR(100) or NUMERIC(18,2); lengths are in bytes.",
    "nullable": "Whether the column may be NULL.",
    "default": 'The value of rows without one: a text, a number, true, false or {"function": "SYSDATE"}.',
    "encode": "Compression encoding; if left out, Redshift chooses.",
    "identity": "Seed and step of numbers that Redshift generates.",
    "renamed_from": "The current name of the column, to rename it and keep its data.",
    "delimiter": "One ASCII character between two values.",
    "quote": "One ASCII character around a quoted value.",
    "null_as": "The text that means NULL.",
    "empty_as_null": "Whether an empty text is loaded as NULL.",
    "blank_as_null": "Whether a text of only blanks is loaded as NULL.",
    "date_format": "COPY's DATEFORMAT.",
    "time_format": "COPY's TIMEFORMAT.",
    "encoding": "The text encoding of the files.",
    "missing_columns": "If a header does not name all columns: refuse the file, or load the "
    "default of the columns it leaves out.",
    "ignore_columns": "Names in the header, or one name, whose values are not loaded.",
    "empty_rows": "Rows whose fields are all empty: load them, skip them, or refuse the file.",
    "on_lossy": "Values that COPY would cut, such as a date's time of day: load the file with a "
    "warning, refuse it, or load it without a word.",
    "on_bad_rows": "Rows that do not fit the table: refuse the file, or load the other rows and "
    "put these into the work bucket.",
    "max_bad_rows": "More bad rows than this refuse the file.",
    "max_bad_percent": "A larger share of bad rows than this refuses the file.",
    "on_repeat": "The same file under the same key again: load it once more, or skip it.",
    "description": "A text for people, stored as a comment in the warehouse.",
    "function": "Computed by the warehouse when the row is loaded.",
}
_CSV_HEADER = (
    "Whether the first row names the columns; none: the fields are in the order of the columns."
)
_NULL = {"type": "null"}
_TEXT = {"type": "string"}


def schema_file_format() -> Json:
    """Return the JSON Schema (draft 2020-12) of a schema file."""
    schema = SchemaFile.model_json_schema()
    _tidy(schema)
    _describe(schema["properties"], schema["$defs"])
    _complete_file(schema["properties"])
    _complete_column(schema["$defs"]["ColumnSpec"])
    _complete_csv(schema["$defs"]["CsvOptions"]["properties"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Schema file",
        "description": "What a table should look like, and which uploads it accepts.",
        "not": {"required": ["allowed_operations", "allowed_actions"]},
        "allOf": [*_distribution(), *_upsert()],
    }


def _describe(properties: Json, parts: Json) -> None:
    """Add the description of each property, which editors show."""
    parts["ColumnSpec"]["description"] = "One column."
    for group in (properties, *(part.get("properties", {}) for part in parts.values())):
        for name, described in group.items():
            described["description"] = _DESCRIPTIONS[name]
    parts["CsvOptions"]["properties"]["header"]["description"] = _CSV_HEADER


def _tidy(part: Any) -> None:
    """Accept keywords in any case and offer them in one; remove titles, which only repeat the names."""
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
    properties["$schema"] = {"type": "string", "description": "For editors."}
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
    _complete_header_names(properties, "header")
    _without_nul(properties["description"])
    column["allOf"] = [*_defaults(), *_encodings(), _identity()]


def _complete_csv(properties: Json) -> None:
    characters = {"delimiter": patterns.DELIMITER, "quote": patterns.ONE_ASCII_CHARACTER}
    for name, pattern in characters.items():
        properties[name] |= {"minLength": 1, "maxLength": 1, "pattern": pattern}
    _complete_header_names(properties, "ignore_columns")
    properties["null_as"]["anyOf"][0]["minLength"] = 1
    for text in (
        properties["null_as"]["anyOf"][0],
        properties["date_format"],
        properties["time_format"],
    ):
        text["pattern"] = patterns.PRINTABLE_WITHOUT_BACKSLASH


def _complete_header_names(properties: Json, name: str) -> None:
    """Accept one name as well as a list."""
    names = properties[name]
    names["items"]["pattern"] = patterns.HEADER_NAME
    properties[name] = {
        "description": names.pop("description"),
        "anyOf": [names["items"], {key: value for key, value in names.items() if key != "default"}],
        "default": names["default"],
    }


def _without_nul(description: Json) -> None:
    description["anyOf"][0]["pattern"] = patterns.NO_NUL


def _defaults() -> Iterator[Json]:
    """Yield which defaults the types accept."""
    kinds = [ColumnType(name) for name in type_names()]
    numbers = sorted(kind.name for kind in kinds if kind.is_number)
    datetimes = sorted(kind.name for kind in kinds if kind.is_datetime)
    others = [
        kind.name
        for kind in kinds
        if not kind.is_number and not kind.is_datetime and kind.name != "boolean"
    ]
    accepted: list[tuple[Iterable[str], list[Json]]] = [
        (["boolean"], [{"type": "boolean"}]),
        (numbers, [{"type": "number"}, _TEXT]),
        (datetimes, [_TEXT, {"type": "object"}]),
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
    whole = patterns.column_type(["bigint", "integer"])
    consequence = {"type": {"pattern": whole}, "nullable": {"const": False}, "default": _NULL}
    return _if(condition, {"properties": consequence})


def _distribution() -> Iterator[Json]:
    with_key = {"properties": {"distkey": {"not": _NULL}}, "required": ["distkey"]}
    yield _if(with_key, {"properties": {"diststyle": _word("KEY")}})
    yield _if({"properties": {"diststyle": _word("KEY")}, "required": ["diststyle"]}, with_key)


def _upsert() -> Iterator[Json]:
    lists = [
        {"properties": {name: {"contains": _word("upsert")}}, "required": [name]}
        for name in ("allowed_operations", "allowed_actions")
    ]
    key = {"properties": {"primary_key": {"minItems": 1}}, "required": ["primary_key"]}
    yield _if({"anyOf": lists}, key)


def _is_type(names: Iterable[str]) -> Json:
    return {
        "properties": {"type": {"type": "string", "pattern": patterns.column_type(names)}},
        "required": ["type"],
    }


def _word(word: str) -> Json:
    return {"type": "string", "pattern": patterns.any_case([word])}


def _if(condition: Json, consequence: Json) -> Json:
    return {"if": condition, "then": consequence}
