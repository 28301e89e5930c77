"""Column defaults in their three forms: in a schema file, in SQL, and in the catalog."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa

from etl_core.schema_files.column_types import ColumnType
from etl_core.schema_files.schema_file import DefaultFunction
from etl_core.sql import Text

Default = bool | int | str | DefaultFunction | None

_CAST = re.compile(r"::\s*[a-z][a-z0-9_ ]*(?:\(\s*\d+(?:\s*,\s*\d+)?\s*\))?\s*$", re.IGNORECASE)
_LITERAL = re.compile(r"'((?:[^']|'')*)'", re.DOTALL)
_FUNCTION_TEXTS = {
    "sysdate": "SYSDATE", "getdate()": "GETDATE", "current_date": "CURRENT_DATE", "date(current_date)": "CURRENT_DATE",
    "('now'::text)::date": "CURRENT_DATE", "'now'::date": "CURRENT_DATE",
}  # fmt: skip


class CatalogDefault(sa.schema.DefaultClause):
    """A default from the catalog. `value` is its canonical form."""

    def __init__(self, text: str, value: Default) -> None:
        super().__init__(sa.text(text.replace(":", r"\:")))
        self.value = value


class SpecDefault(sa.schema.DefaultClause):
    """A default from a schema file. `value` is its canonical form."""

    def __init__(self, clause: Any, value: Default) -> None:
        super().__init__(clause)
        self.value = value


def server_default(value: Default, kind: ColumnType) -> SpecDefault | None:
    """Return the DEFAULT clause of a value of a valid schema file."""
    if value is None:
        return None
    canonical = canonical_default(value, kind)
    if isinstance(value, DefaultFunction):
        functions = {
            "SYSDATE": sa.text("SYSDATE"),
            "GETDATE": sa.func.getdate(),
            "CURRENT_DATE": sa.func.current_date(),
        }
        return SpecDefault(functions[value.function], canonical)
    if isinstance(value, bool):
        return SpecDefault(sa.true() if value else sa.false(), canonical)
    if kind.is_number:
        return SpecDefault(sa.text(str(canonical)), canonical)
    return SpecDefault(Text(str(value)), canonical)


def parse_server_default(clause: Any, kind: ColumnType) -> Default:
    """Return the canonical value of a column's server default; None if it has none."""
    return clause.value if isinstance(clause, (CatalogDefault, SpecDefault)) else None


def parse_catalog_default(text: str | None, kind: ColumnType) -> CatalogDefault | None:
    """Parse a default as the catalog prints it: `'x'::character varying`, `0`, `getdate()`."""
    if text is None:
        return None
    bare = _strip(text)
    if name := _function(text, bare, kind):
        return CatalogDefault(text, DefaultFunction.model_validate({"function": name}))
    literal = _LITERAL.fullmatch(bare)
    value: Default = literal.group(1).replace("''", "'").replace("\\\\", "\\") if literal else bare
    if kind.name == "boolean":
        value = str(value).lower() in ("true", "t")
    return CatalogDefault(text, canonical_default(value, kind))


def _function(text: str, bare: str, kind: ColumnType) -> str | None:
    """Return the name of the function, if it is one.

    The catalog stores SYSDATE as 'now', cast to a timestamp at each insert.
    """
    written = text.strip().lower()
    holds_time = kind.is_datetime or kind.is_time
    if bare.lower() == "'now'" and holds_time and "timestamp" in written:
        return "SYSDATE"
    return _FUNCTION_TEXTS.get(bare.lower()) or _FUNCTION_TEXTS.get(written)


def canonical_default(value: Default, kind: ColumnType) -> Default:
    """Return one form for values that mean the same, such as `1`, `1.0` and `'1'` of a numeric column."""
    if not kind.is_number or isinstance(value, (DefaultFunction, bool)) or value is None:
        return value
    try:
        number = Decimal(value)
    except InvalidOperation:
        return value
    # normalize() would round to 28 digits; a column may have 38.
    return int(number) if number == number.to_integral_value() else format(number, "f").rstrip("0")


def _strip(text: str) -> str:
    """Return the text without the casts and brackets that the catalog adds."""
    bare, before = text.strip(), ""
    while bare != before:
        before = bare
        bare = _CAST.sub("", bare).strip()
        if bare.startswith("(") and bare.endswith(")"):
            bare = bare[1:-1].strip()
    return bare
