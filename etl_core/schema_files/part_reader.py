"""Reads the JSON of a schema file as typed values: every property is validated once, by itself, and every fault is kept."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, TypeGuard, TypeVar, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from etl_core.schema_files.column_types import ColumnType
from etl_core.schema_files.messages import (
    LIST_TOO_LONG,
    NOT_A_CHOICE,
    PROPERTY_MISSING,
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

        A faulty property has its default, or is not set if it has none. A faulty entry of a list is kept as it is, so that the
        others keep their index.
        """
        if not isinstance(raw, dict):
            self.faults.append(Fault(path, _wrong_kind(raw, "an object in { }")))
            return part.model_construct()
        values: dict[str, Any] = {}
        for name, field in part.model_fields.items():
            if name in raw:
                self._read_property(part, name, raw[name], (*path, name), values)
            elif field.is_required():
                self.faults.append(Fault((*path, name), PROPERTY_MISSING()))
        if raw.keys() - part.model_fields.keys():
            message = PROPERTY_UNKNOWN(known=", ".join(sorted(part.known_properties())))
            unknown = (name for name in raw if name not in part.model_fields)
            self.faults += [Fault((*path, name), message) for name in unknown]
        return part.model_construct(**values)

    def _read_property(
        self, part: type[Part], name: str, raw: Any, path: Path, values: dict[str, Any]
    ) -> None:
        """Add the property to `values` if it is valid. Objects and lists are added with their valid parts."""
        kind = part.model_fields[name].annotation
        if _is_part(kind):
            values[name] = self.read(kind, raw, path)
            return
        value = self._validate(_validator(part, name), raw, path, values)
        if value is _FAULTY:
            return
        if (entry_type := _entry_type(kind)) is not None:
            value = tuple(
                self._read_entry(entry_type, entry, (*path, index))
                for index, entry in enumerate(value)
            )
        values[name] = value

    def _read_entry(self, kind: Any, raw: Any, path: Path) -> Any:
        if _is_part(kind):
            return self.read(kind, raw, path)
        entry = self._validate(_entry_validator(kind), raw, path, {})
        return raw if entry is _FAULTY else entry

    def _validate(
        self, validator: TypeAdapter[Any], raw: Any, path: Path, earlier: dict[str, Any]
    ) -> Any:
        """Return the valid value; or keep the faults and return _FAULTY. `earlier` are the valid properties before this one."""
        try:
            return validator.validate_python(raw, context=earlier)
        except ValidationError as error:
            for each in error.errors(include_url=False):
                indexes = (part for part in each["loc"] if isinstance(part, int))
                self.faults.append(Fault((*path, *indexes), _describe(each)))
            return _FAULTY


def _is_part(kind: Any) -> TypeGuard[type[Part]]:
    return isinstance(kind, type) and issubclass(kind, Part)


def _entry_type(kind: Any) -> Any:
    """Return X of `tuple[X, ...]`, and None for another type."""
    is_list = get_origin(kind) is tuple and get_args(kind)[-1] is Ellipsis
    return get_args(kind)[0] if is_list else None


@cache
def _validator(part: type[Part], name: str) -> TypeAdapter[Any]:
    """Return what validates a property; of a list only that it is one, and its length."""
    field = part.model_fields[name]
    kind: Any = field.annotation if _entry_type(field.annotation) is None else list[Any]
    annotated: Any = Annotated
    # A dataclass takes no configuration; the only one, ColumnType, validates its text strictly by itself.
    config = None if kind is ColumnType else ConfigDict(strict=True)
    return TypeAdapter(
        annotated[(kind, *field.metadata)] if field.metadata else kind, config=config
    )


@cache
def _entry_validator(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind, config=ConfigDict(strict=True))


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
        case kind if kind in _NEEDED:
            return _wrong_kind(given, _NEEDED[kind])
        case _:
            return VALUE_REFUSED(value=render_short(given), reason=error["msg"])


def _wrong_kind(given: Any, needed: str) -> str:
    return WRONG_KIND(value=render_short(given), needed=needed)
