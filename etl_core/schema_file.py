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

from etl_core.column_types import ColumnType, parse_column_type
from etl_core.errors import InvalidSchemaFileError
from etl_core.lake_key import Action
from etl_core.names import faults_of_column, fold
from etl_core.schema_rules import Fault, describe_path, faults_across

MAX_FILE_BYTES = 1_000_000
ALL_OPERATIONS = (Action.APPEND, Action.TRUNCATE, Action.SCHEMA)


def _column_name(name: str) -> str:
    for fault in faults_of_column(name):
        raise ValueError(fault)
    return fold(name)


def _column_type(text: str) -> str:
    return str(parse_column_type(text))


def _no_backslash(text: str) -> str:
    if "\\" in text or not text.isprintable():
        raise ValueError(f"{text!r} holds a backslash or a control character; Redshift reads those as escapes")
    return text


def _one_ascii_character(text: str) -> str:
    if len(text) != 1 or not text.isascii() or (not text.isprintable() and text != "\t") or text == "\\":
        raise ValueError(f"{text!r} is not one ASCII character (a tab is written \\t)")
    return text


ColumnName = Annotated[str, AfterValidator(_column_name)]
TypeText = Annotated[str, StringConstraints(max_length=100), AfterValidator(_column_type)]
PlainText = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_no_backslash)]
Character = Annotated[str, AfterValidator(_one_ascii_character)]
Description = Annotated[str, StringConstraints(max_length=4000)]
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
    if isinstance(value, dict) and set(value) == {"function"} and str(value["function"]).upper() in _FUNCTIONS:
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
    identity: tuple[int, int] | None = Field(default=None, description="seed and step", strict=False)
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
        default="reject", description="'default': columns that a header does not name take their default, or NULL"
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
        raw = _parse_json(text)
        faults: list[Fault] = []
        parsed = None
        try:
            parsed = cls.model_validate(_lower_choices(raw))
        except ValidationError as error:
            faults += [_describe(fault) for fault in error.errors(include_url=False)]
        faults += faults_across(raw)
        if faults or parsed is None:
            raise _invalid(faults)
        return parsed

    def to_json(self) -> str:
        """The file in its canonical form: two files that mean the same have the same text."""
        return json.dumps(
            self.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False, separators=(",", ":")
        )

    @classmethod
    def from_json(cls, text: str) -> SchemaFile:
        """Reads what to_json wrote."""
        return cls.parse(text.encode())


def _parse_json(text: bytes) -> dict[str, Any]:
    if len(text) > MAX_FILE_BYTES:
        raise InvalidSchemaFileError(f"the schema file has {len(text)} bytes; at most {MAX_FILE_BYTES} are accepted")
    try:
        raw = json.loads(
            text.decode("utf-8-sig"), object_pairs_hook=_unique, parse_float=Decimal, parse_constant=_constant
        )
    except UnicodeDecodeError as error:
        raise InvalidSchemaFileError(f"the schema file is not UTF-8: {error}; save it as UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise InvalidSchemaFileError(f"the schema file is not valid JSON: {error}") from None
    if not _is_text(raw):
        raise InvalidSchemaFileError(
            "the schema file holds half a surrogate pair (\\ud800 to \\udfff alone), which is no character"
        )
    if not isinstance(raw, dict):
        raise InvalidSchemaFileError("the schema file is not a JSON object; it begins with { and lists the columns")
    return raw


def _is_text(raw: Any) -> bool:
    try:
        json.dumps(raw, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    repeated = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if repeated:
        raise ValueError(f"the property {repeated[0]!r} is written twice in one object")
    return dict(pairs)


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


_CHOICES = {
    "diststyle": str.upper,
    "allowed_operations": str.lower,
    "allowed_actions": str.lower,
    "allowed_changes": str.lower,
}


def _lower_choices(raw: dict[str, Any]) -> dict[str, Any]:
    """Keywords are accepted in any case; a single sort key may be written as text; a version as a number."""
    made = dict(raw)
    for name, fold_case in _CHOICES.items():
        value = made.get(name)
        if isinstance(value, str):
            made[name] = fold_case(value)
        elif isinstance(value, list):
            made[name] = [fold_case(item) if isinstance(item, str) else item for item in value]
    if isinstance(made.get("sortkey"), str):
        made["sortkey"] = [made["sortkey"]]
    if isinstance(made.get("schema_version"), int) and not isinstance(made["schema_version"], bool):
        made["schema_version"] = str(made["schema_version"])
    if isinstance(made.get("columns"), list):
        made["columns"] = [_lower_encode(column) for column in made["columns"]]
    return made


def _lower_encode(column: Any) -> Any:
    if isinstance(column, dict) and isinstance(column.get("encode"), str):
        return {**column, "encode": column["encode"].lower()}
    return column


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
            return Fault(path, f"is not a known property; known are {', '.join(sorted(_known_at(path)))}")
        case "value_error":
            return Fault(path, str(error["ctx"]["error"]))
        case _:
            return Fault(path, f"{_short(given)} was given; {error['msg'][0].lower()}{error['msg'][1:]}")


def _short(value: Any) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."


_PARTS: dict[str, type[BaseModel]] = {"columns": ColumnSpec, "csv": CsvOptions, "default": DefaultFunction}
_PROPERTIES = {
    *SchemaFile.model_fields,
    "allowed_actions",
    *(name for part in _PARTS.values() for name in part.model_fields),
}


def _known_at(path: Sequence[int | str]) -> set[str]:
    owner: type[BaseModel] = SchemaFile
    for part in path[:-1]:
        owner = _PARTS.get(str(part), owner)
    return set(owner.model_fields)


def _invalid(faults: Sequence[Fault]) -> InvalidSchemaFileError:
    lines = tuple(dict.fromkeys(f"{describe_path(fault.path)}: {fault.reason}" for fault in faults))
    count = "1 fault" if len(lines) == 1 else f"{len(lines)} faults"
    return InvalidSchemaFileError(f"the schema file has {count}: {'; '.join(lines)}", lines)
