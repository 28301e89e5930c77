"""Reads the JSON of a schema file as typed values: every property is validated once, by itself, and
every fault is kept.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, TypeGuard, TypeVar, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from etl_core.schema_files.column_types import ColumnType
from etl_core.schema_files.messages import (
    LIST_TOO_LONG,
    NOT_A_CHOICE,
    NUMBER_TOO_LARGE,
    NUMBER_TOO_SMALL,
    PROPERTY_MISSING,
    PROPERTY_MISSPELT,
    PROPERTY_UNKNOWN,
    TEXT_EMPTY,
    TEXT_TOO_LONG,
    VALUE_REFUSED,
    WRONG_KIND,
)
from etl_core.schema_files.property_types import Part
from etl_core.schema_files.schema_json import render_short
from etl_core.schema_files.schema_rules import Fault, Path

P = TypeVar("P", bound=Part)
_FAULTY = object()


class PartReader:
    """Reads the objects of a file and collects their faults, with paths."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def read(self, part: type[P], raw: Any, path: Path = ()) -> P:
        """Return the object with its valid properties. It is valid only if `faults` is empty.

        A faulty property has its default, or is not set if it has none. A faulty entry of a list is
        kept as it is, so that the others keep their index.
        """
        if not isinstance(raw, dict):
            self.faults.append(Fault(path, _wrong_kind(raw, "an object in { }")))
            return part.model_construct()
        values: dict[str, Any] = {}
        properties = _properties(part)
        for name, one in properties.items():
            if name in raw:
                self._read_property(one, raw[name], (*path, name), values)
        # A property under another name is one fault: the guess says what is missing.
        guesses = {name: _guess(name, part) for name in raw if name not in properties}
        missing = [name for name, one in properties.items() if one.is_required and name not in raw]
        self.faults += [
            Fault((*path, name), PROPERTY_MISSING())
            for name in missing
            if name not in guesses.values()
        ]
        self.faults += [
            Fault((*path, name), _unknown(guess, part, raw)) for name, guess in guesses.items()
        ]
        result = part.model_construct(**values)
        given = {name for name, value in raw.items() if value is not None}
        self.faults += [
            Fault((*path, *fault.path), fault.reason) for fault in result.faults_within(given)
        ]
        return result

    def _read_property(self, one: _Property, raw: Any, path: Path, values: dict[str, Any]) -> None:
        """Add the property to `values` if it is valid.

        Objects and lists are added with their valid parts.
        """
        if _is_part(one.kind):
            values[one.name] = self.read(one.kind, raw, path)
            return
        value = self._validate(one.validator, raw, path, values)
        if value is _FAULTY:
            return
        if one.entry is not None:
            value = tuple(
                self._read_entry(one.entry, entry, (*path, index))
                for index, entry in enumerate(value)
            )
        values[one.name] = value

    def _read_entry(self, kind: Any, raw: Any, path: Path) -> Any:
        if _is_part(kind):
            return self.read(kind, raw, path)
        entry = self._validate(_validator(kind), raw, path, {})
        return raw if entry is _FAULTY else entry

    def _validate(
        self, validator: TypeAdapter[Any], raw: Any, path: Path, earlier: dict[str, Any]
    ) -> Any:
        """Return the valid value; or keep the faults and return _FAULTY.

        `earlier` are the valid properties before this one.
        """
        try:
            return validator.validate_python(raw, context=earlier)
        except ValidationError as error:
            for each in error.errors(include_url=False):
                indexes = (part for part in each["loc"] if isinstance(part, int))
                self.faults.append(Fault((*path, *indexes), _describe(each)))
            return _FAULTY


@dataclass(frozen=True)
class _Property:
    """How to read a property. `entry`: the type of a list's entries, else None."""

    name: str
    is_required: bool
    kind: Any
    entry: Any
    validator: TypeAdapter[Any]


@cache
def _properties(part: type[Part]) -> dict[str, _Property]:
    return {name: _property(name, field) for name, field in part.model_fields.items()}


def _property(name: str, field: FieldInfo) -> _Property:
    """Return the property. The validator of a list checks only that it is one, and its length."""
    kind: Any = field.annotation
    is_list = get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis
    checked: Any = list[Any] if is_list else kind
    annotated: Any = Annotated
    if field.metadata:
        checked = annotated[(checked, *field.metadata)]
    entry = get_args(kind)[0] if is_list else None
    return _Property(name, field.is_required(), kind, entry, _validator(checked))


@cache
def _validator(kind: Any) -> TypeAdapter[Any]:
    # A type with configuration of its own takes no other; ColumnType validates its text strictly by
    # itself.
    has_own = _is_part(kind) or get_args(kind)[:1] == (ColumnType,)
    return TypeAdapter(kind, config=None if has_own else ConfigDict(strict=True))


def _is_part(kind: Any) -> TypeGuard[type[Part]]:
    return isinstance(kind, type) and issubclass(kind, Part)


_NEEDED = {
    "list_type": "a list in [ ]",
    "tuple_type": "a list in [ ]",
    "string_type": "a text in quotes",
    "bool_type": "true or false",
    "int_type": "a whole number",
}


def _describe(error: ErrorDetails) -> str:
    """Return a fault of the validation library in the words of the project."""
    given, context = error.get("input"), error.get("ctx", {})
    match error["type"]:
        case "rule":
            return str(context["reason"])
        case "value_error":
            return str(context["error"])
        case "missing":
            return PROPERTY_MISSING()
        case "literal_error" | "enum":
            return NOT_A_CHOICE(value=render_short(given), choices=context["expected"])
        case "string_too_long":
            limit = context["max_length"]
            return TEXT_TOO_LONG(value=render_short(given), size=len(str(given)), limit=limit)
        case "string_too_short":
            return TEXT_EMPTY(limit=context["min_length"])
        case "too_long":
            return LIST_TOO_LONG(size=context["actual_length"], limit=context["max_length"])
        case "greater_than_equal":
            return NUMBER_TOO_SMALL(value=render_short(given), limit=context["ge"])
        case "less_than_equal":
            return NUMBER_TOO_LARGE(value=render_short(given), limit=context["le"])
        case kind if kind in _NEEDED:
            return _wrong_kind(given, _NEEDED[kind])
        case _:
            return VALUE_REFUSED(value=render_short(given), reason=error["msg"])


def _guess(name: str, part: type[Part]) -> str | None:
    """Return the property that was probably meant with an unknown one."""
    known = part.known_properties()
    written = name.lower().replace("-", "_").replace(" ", "_")[:60]
    guess = _OTHER_NAMES.get(written) or next(
        iter(difflib.get_close_matches(written, sorted(known), n=1, cutoff=0.7)), None
    )
    return guess if guess in known else None


def _unknown(guess: str | None, part: type[Part], raw: dict[str, Any]) -> str:
    """Return the fault of an unknown property, with the property that was probably meant."""
    known = sorted(part.known_properties())
    column = raw.get("name")
    place = f" (column {column!r})" if isinstance(column, str) and "type" in known else ""
    if guess is not None:
        return PROPERTY_MISSPELT(place=place, guess=guess)
    return PROPERTY_UNKNOWN(place=place, known=", ".join(known))


_OTHER_NAMES = {
    "data_type": "type", "datatype": "type", "dtype": "type", "column_name": "name", "field": "name",
    "fields": "columns", "schema": "columns", "null": "nullable", "is_nullable": "nullable", "required": "nullable",
    "not_null": "nullable", "notnull": "nullable",
    "comment": "description", "separator": "delimiter", "sep": "delimiter", "quotechar": "quote",
    "quote_char": "quote", "null_value": "null_as", "null_values": "null_as", "na": "null_as", "nulls": "null_as",
    "primarykey": "primary_key", "dist_key": "distkey", "dist_style": "diststyle", "sort_key": "sortkey",
    "operations": "allowed_operations", "actions": "allowed_actions", "version": "schema_version",
    "timestamp_format": "time_format", "alias": "header", "aliases": "header", "compression": "encode",
}  # fmt: skip
"""Names that other tools use."""


def _wrong_kind(given: Any, needed: str) -> str:
    return WRONG_KIND(value=render_short(given), needed=needed)
