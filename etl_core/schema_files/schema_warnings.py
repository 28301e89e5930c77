"""What a valid schema file says that its author may not mean. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from etl_core.model.lake_key import Action
from etl_core.schema_files.column_types import hidden_limit
from etl_core.schema_files.messages import WARN_SCHEMA_FINAL, WARN_TYPE_LIMIT
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.schema_json import parse_json
from etl_core.schema_files.schema_rules import describe_path

_LIMITS = {
    "NUMERIC(18,0)": ("keeps no decimals: 42.42 is loaded as 42", "NUMERIC(18,2)"),
    "VARCHAR(256)": ("holds 256 bytes", "VARCHAR(n)"),
    "CHAR(1)": ("holds one byte", "CHAR(n) or VARCHAR(n)"),
}


@dataclass(frozen=True)
class SchemaWarning:
    """One warning: where, what, and what to write instead."""

    path: str
    reason: str


def warnings_of_schema_file(text: bytes) -> Iterator[SchemaWarning]:
    """Yield the warnings about a schema file. Raises InvalidSchemaFileError if it is not valid."""
    spec = SchemaFile.parse(text)
    if Action.SCHEMA not in spec.allowed_operations:
        yield SchemaWarning("$.allowed_operations", WARN_SCHEMA_FINAL())
    yield from warnings_of_types(text)


def warnings_of_types(text: bytes) -> Iterator[SchemaWarning]:
    """Yield the warnings about the types of a valid schema file.

    The text is needed: a parsed file no longer shows whether DECIMAL or DECIMAL(18,0) was written.
    """
    for index, column in enumerate(parse_json(text)["columns"]):
        yield from _warnings_of_column(index, column)


def _warnings_of_column(index: int, column: dict[str, Any]) -> Iterator[SchemaWarning]:
    written = column["type"]
    if (meant := hidden_limit(written)) is None:
        return
    limit, better = _LIMITS[meant]
    path = describe_path(("columns", index, "type"))
    reason = WARN_TYPE_LIMIT(
        name=column["name"], text=written.strip(), meant=meant, limit=limit, better=better
    )
    yield SchemaWarning(path, reason)
