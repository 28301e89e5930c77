"""The schema file: what a table should be, and which uploads it takes. Text in, typed value out, every fault at once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from etl_core.model.errors import InvalidSchemaFileError
from etl_core.model.lake_key import Action
from etl_core.model.names import faults_of_column, fold
from etl_core.schema_files.column_types import ColumnType, parse_column_type
from etl_core.schema_files.schema_json import parse_json
from etl_core.schema_files.schema_rules import Fault, describe_path, faults_across, faults_of_size

MAX_FILE_BYTES = 1_000_000
_MAX_FAULTS = 200
ALL_OPERATIONS = (Action.APPEND, Action.TRUNCATE, Action.SCHEMA)


def _column_name(name: str) -> str:
    for fault in faults_of_column(name):
        raise ValueError(fault)
    return fold(name)


def _column_type(text: str) -> str:
    return str(parse_column_type(text))


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError(f"{_short(text)} holds a NUL character, which Redshift cannot store")
    return text


def _no_backslash(text: str) -> str:
    if "\\" in text or not text.isprintable():
        raise ValueError(
            f"{text!r} holds a backslash or a control character; Redshift reads those as escapes"
        )
    return text


def _one_ascii_character(text: str) -> str:
    if (
        len(text) != 1
        or not text.isascii()
        or (not text.isprintable() and text != "\t")
        or text == "\\"
    ):
        raise ValueError(f"{text!r} is not one ASCII character (a tab is written \\t)")
    return text


ColumnName = Annotated[str, AfterValidator(_column_name)]
TypeText = Annotated[str, StringConstraints(max_length=100), AfterValidator(_column_type)]
PlainText = Annotated[
    str, StringConstraints(min_length=1, max_length=100), AfterValidator(_no_backslash)
]
Character = Annotated[str, AfterValidator(_one_ascii_character)]
Description = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_no_nul)]
Encoding = Literal[
    "raw", "az64", "bytedict", "delta", "delta32k", "lzo", "mostly8", "mostly16", "mostly32", "runlength",
    "text255", "text32k", "zstd",
]  # fmt: skip
Operation = Annotated[Action, Field(strict=False)]
Change = Literal["retype", "nullability", "default", "drop", "narrow"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


_FUNCTIONS = ("SYSDATE", "GETDATE", "CURRENT_DATE")
_FUNCTIONS_TEXT = ", ".join(_FUNCTIONS)


class DefaultFunction(_Part):
    """A default that the warehouse computes when the row is loaded."""

    function: Literal["SYSDATE", "GETDATE", "CURRENT_DATE"]


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if (
        isinstance(value, dict)
        and set(value) == {"function"}
        and str(value["function"]).upper() in _FUNCTIONS
    ):
        return DefaultFunction(function=value["function"].upper())
    if value is not None and not isinstance(value, (bool, int, str, DefaultFunction)):
        raise ValueError(
            f'{_short(value)} is not a text, a number, true, false or {{"function": "SYSDATE"}} ({_FUNCTIONS_TEXT})'
        )
    return value


DefaultValue = Annotated[bool | int | str | DefaultFunction | None, BeforeValidator(_default)]


class ColumnSpec(_Part):
    """One column. `type` is kept in the catalog's form, names folded."""

    name: ColumnName
    type: TypeText
    nullable: bool = True
    default: DefaultValue = None
    encode: Encoding | None = None
    identity: tuple[int, int] | None = Field(
        default=None, description="seed and step", strict=False
    )
    renamed_from: ColumnName | None = None
    description: Description | None = None

    @property
    def column_type(self) -> ColumnType:
        """The type, understood."""
        return parse_column_type(self.type)


class CsvOptions(_Part):
    """How the table's data files are written."""

    delimiter: Character = ","
    quote: Character = '"'
    null_as: PlainText | None = None
    date_format: PlainText = "auto"
    time_format: PlainText = "auto"
    encoding: Literal["UTF8", "UTF16", "UTF16LE", "UTF16BE"] = "UTF8"
    missing_columns: Literal["reject", "default"] = Field(
        default="reject",
        description="'default': columns that a header does not name take their default, or NULL",
    )


class SchemaFile(_Part):
    """A valid schema file."""

    schema_version: Annotated[str, StringConstraints(min_length=1, max_length=64)] = "1"
    columns: Annotated[tuple[ColumnSpec, ...], Field(strict=False)]
    allowed_operations: Annotated[
        tuple[Operation, ...],
        Field(strict=False, validation_alias=AliasChoices("allowed_operations", "allowed_actions")),
    ] = ALL_OPERATIONS
    allowed_changes: Annotated[tuple[Change, ...], Field(strict=False)] = ()
    primary_key: Annotated[tuple[ColumnName, ...], Field(strict=False)] = ()
    diststyle: Literal["AUTO", "EVEN", "ALL", "KEY"] = "AUTO"
    distkey: ColumnName | None = None
    sortkey: Annotated[tuple[ColumnName, ...], Field(strict=False, max_length=400)] = ()
    description: Description | None = None
    csv: CsvOptions = CsvOptions()

    @classmethod
    def parse(cls, text: bytes) -> SchemaFile:
        """Reads a schema file. Raises InvalidSchemaFileError whose details name every fault with its path."""
        if len(text) > MAX_FILE_BYTES:
            raise InvalidSchemaFileError(
                f"the schema file has {len(text)} bytes; at most {MAX_FILE_BYTES} are accepted"
            )
        raw = parse_json(text)
        if faults := list(faults_of_size(raw)):
            raise _invalid(faults)
        parsed = None
        try:
            parsed = cls.model_validate(_lower_choices(raw))
        except ValidationError as error:
            faults += [
                _describe(fault)
                for fault in error.errors(include_url=False)
                if not _is_alias(fault)
            ]
        faults += faults_across(raw)
        if faults or parsed is None:
            raise _invalid(faults)
        return parsed

    def to_json(self) -> str:
        """The file in its canonical form: two files that mean the same have the same text."""
        return json.dumps(
            self.model_dump(mode="json", exclude_defaults=True),
            ensure_ascii=False,
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> SchemaFile:
        """Reads what to_json wrote. No rule is asked: a file that was once accepted stays readable when there are more rules."""
        raw = parse_json(text.encode())
        made: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()
        }
        made["columns"] = tuple(map(_accepted_column, raw["columns"]))
        if "allowed_operations" in raw:
            made["allowed_operations"] = tuple(map(Action, raw["allowed_operations"]))
        if "csv" in raw:
            made["csv"] = CsvOptions.model_construct(**raw["csv"])
        return cls.model_construct(**made)


def _accepted_column(raw: dict[str, Any]) -> ColumnSpec:
    made: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()
    }
    if isinstance(raw.get("default"), dict):
        made["default"] = DefaultFunction.model_construct(**raw["default"])
    return ColumnSpec.model_construct(**made)


_CHOICES = {
    "diststyle": str.upper,
    "allowed_operations": str.lower,
    "allowed_actions": str.lower,
    "allowed_changes": str.lower,
    "encode": str.lower,
    "encoding": str.upper,
    "missing_columns": str.lower,
}


def _lower_choices(raw: dict[str, Any]) -> dict[str, Any]:
    """Keywords are accepted in any case; a single sort key may be written as text; a version as a number."""
    made = _folded(raw)
    if isinstance(made.get("sortkey"), str):
        made["sortkey"] = [made["sortkey"]]
    if isinstance(made.get("schema_version"), (int, Decimal)) and not isinstance(
        made["schema_version"], bool
    ):
        made["schema_version"] = str(made["schema_version"])
    if isinstance(made.get("columns"), list):
        made["columns"] = [
            _folded(column) if isinstance(column, dict) else column for column in made["columns"]
        ]
    if isinstance(made.get("csv"), dict):
        made["csv"] = _folded(made["csv"])
    return made


def _folded(part: dict[str, Any]) -> dict[str, Any]:
    """The part with its keywords in the case in which the format lists them."""
    made = dict(part)
    for name in made.keys() & _CHOICES.keys():
        value, fold_case = made[name], _CHOICES[name]
        if isinstance(value, str):
            made[name] = fold_case(value)
        elif isinstance(value, list):
            made[name] = [fold_case(item) if isinstance(item, str) else item for item in value]
    return made


def _is_alias(error: Any) -> bool:
    """Both names of one property were given: faults_across tells that."""
    return error["type"] == "extra_forbidden" and error["loc"] in (
        ("allowed_actions",),
        ("allowed_operations",),
    )


def _describe(error: Any) -> Fault:
    """One fault of the validation library in the project's words."""
    path = tuple(
        part
        for part in error["loc"]
        if isinstance(part, int) or part in _PROPERTIES or error["type"] == "extra_forbidden"
    )
    given = error.get("input")
    match error["type"]:
        case "missing":
            return Fault(path, "is missing")
        case "extra_forbidden":
            return Fault(
                path, f"is not a known property; known are {', '.join(sorted(_known_at(path)))}"
            )
        case "value_error":
            return Fault(path, str(error["ctx"]["error"]))
        case _:
            rule = _RULES.get(error["type"]) or f"{error['msg'][0].lower()}{error['msg'][1:]}"
            return Fault(path, f"{_short(given)} was given; {rule}")


_RULES = {
    "tuple_type": "a list in [ ] is needed",
    "model_type": "an object in { } is needed",
    "string_type": "a text in quotes is needed",
    "bool_type": "true or false is needed",
}
"""The validation library's words where they speak of Python."""


def _short(value: Any) -> str:
    text = (
        str(value)
        if isinstance(value, Decimal)
        else json.dumps(value, default=str, ensure_ascii=False)
    )
    return text if len(text) <= 80 else text[:77] + "..."


_PARTS: dict[str, type[BaseModel]] = {
    "columns": ColumnSpec,
    "csv": CsvOptions,
    "default": DefaultFunction,
}
_PROPERTIES = {
    *SchemaFile.model_fields,
    "allowed_actions",
    *(name for part in _PARTS.values() for name in part.model_fields),
}


def _known_at(path: Sequence[int | str]) -> set[str]:
    owner: type[BaseModel] = SchemaFile
    for part in path[:-1]:
        owner = _PARTS.get(str(part), owner)
    return {*owner.model_fields, *(["allowed_actions"] if owner is SchemaFile else [])}


def _invalid(faults: Sequence[Fault]) -> InvalidSchemaFileError:
    lines = tuple(dict.fromkeys(f"{describe_path(fault.path)}: {fault.reason}" for fault in faults))
    count = "1 fault" if len(lines) == 1 else f"{len(lines)} faults"
    if len(lines) > _MAX_FAULTS:
        lines = (*lines[:_MAX_FAULTS], f"and {len(lines) - _MAX_FAULTS} more")
    return InvalidSchemaFileError(f"the schema file has {count}: {'; '.join(lines)}", lines)
