"""The types of a schema file's properties: what a value must be, and how it is stored.

Keywords are accepted in any case and stored in one. A rule that compares a property with others of
its column takes those from the validation context: the valid properties of the column that come
before it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetPydanticSchema,
    StringConstraints,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from etl_core.model.function_settings import MAX_FRESHNESS_HOURS, MAX_LOAD_INTERVAL_SECONDS
from etl_core.model.lake_key import Action
from etl_core.model.names import faults_of_column, fold
from etl_core.schema_files.column_types import ColumnType, parse_column_type
from etl_core.schema_files.datetime_patterns import faults_of_date_format, faults_of_time_format
from etl_core.schema_files.messages import (
    DEFAULT_INVALID,
    HEADER_NAME_HAS_LINE_BREAK,
    NOT_A_DELIMITER,
    NOT_ONE_CHARACTER,
    NULL_AS_EMPTY,
    TEXT_HAS_ESCAPE,
    TEXT_HAS_NUL,
)
from etl_core.schema_files.schema_json import render_short
from etl_core.schema_files.schema_rules import (
    Fault,
    faults_of_default,
    faults_of_encoding,
    faults_of_identity,
)

_MAX_TYPE_LENGTH = 100


class Part(BaseModel):
    """A JSON object of a schema file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @classmethod
    def known_properties(cls) -> tuple[str, ...]:
        """Return the names that the JSON object may have."""
        return tuple(cls.model_fields)

    def faults_within(self, given: Collection[str]) -> Iterable[Fault]:
        """Return the faults between the object's properties.

        `given`: those that the file has and that are not null, valid or not.
        """
        return ()


def refuse(faults: Iterable[Fault]) -> None:
    """Raise the faults as one ValidationError, with their paths; return if there are none."""
    errors = [
        InitErrorDetails(
            type=PydanticCustomError("rule", "{reason}", {"reason": fault.reason}),
            loc=fault.path,
            input=None,
        )
        for fault in faults
    ]
    if errors:
        raise ValidationError.from_exception_data("rule", errors)


def _earlier(info: ValidationInfo) -> dict[str, Any]:
    """Return the valid properties before this one; none if the value is not part of a schema file."""
    return info.context or {}


def _in_case(change: Callable[[str], str]) -> BeforeValidator:
    return BeforeValidator(lambda value: change(value) if isinstance(value, str) else value)


_UPPER, _LOWER = _in_case(str.upper), _in_case(str.lower)


def _column_name(name: str) -> str:
    for fault in faults_of_column(name):
        raise ValueError(fault)
    return fold(name)


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError(TEXT_HAS_NUL(value=render_short(text)))
    return text


def _no_escape(text: str) -> str:
    if "\\" in text or not text.isprintable():
        raise ValueError(TEXT_HAS_ESCAPE(value=text))
    return text


def _date_format(pattern: str) -> str:
    for fault in faults_of_date_format(pattern):
        raise ValueError(fault)
    return pattern


def _time_format(pattern: str) -> str:
    for fault in faults_of_time_format(pattern):
        raise ValueError(fault)
    return pattern


def _delimiter(text: str) -> str:
    if len(text) != 1 or not text.isascii() or text in "\0\n\r\\":
        raise ValueError(NOT_A_DELIMITER(value=text))
    return text


def _null_as(text: str) -> str:
    if not text:
        raise ValueError(NULL_AS_EMPTY())
    return text


def _header_name(name: str) -> str:
    if "\n" in name or "\r" in name:
        raise ValueError(HEADER_NAME_HAS_LINE_BREAK(value=name))
    return _no_nul(name)


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _as_float(value: Any) -> Any:
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return float(value) if is_number else value


def _one_ascii_character(text: str) -> str:
    is_one = len(text) == 1 and text.isascii() and (text.isprintable() or text == "\t")
    if not is_one or text == "\\":
        raise ValueError(NOT_ONE_CHARACTER(value=text))
    return text


def _type_schema(*_: Any) -> core_schema.CoreSchema:
    return core_schema.no_info_after_validator_function(
        parse_column_type,
        core_schema.str_schema(strict=True, max_length=_MAX_TYPE_LENGTH),
        serialization=core_schema.to_string_ser_schema(),
    )


ColumnName = Annotated[str, AfterValidator(_column_name)]
TypeProperty = Annotated[ColumnType, GetPydanticSchema(_type_schema)]
"""A text that is parsed once; serialised as its canonical text."""
PlainText = Annotated[
    str, StringConstraints(min_length=1, max_length=100), AfterValidator(_no_escape)
]
NullText = Annotated[
    str, StringConstraints(max_length=100), AfterValidator(_null_as), AfterValidator(_no_escape)
]
DateFormat = Annotated[PlainText, AfterValidator(_date_format)]
TimeFormat = Annotated[PlainText, AfterValidator(_time_format)]
Character = Annotated[str, AfterValidator(_one_ascii_character)]
Delimiter = Annotated[str, AfterValidator(_delimiter)]
Description = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_no_nul)]
Operation = Annotated[Action, Field(strict=False), _LOWER]
AllowedChange = Annotated[Literal["retype", "nullability", "default", "drop", "narrow"], _LOWER]
DistStyle = Annotated[Literal["AUTO", "EVEN", "ALL", "KEY"], _UPPER]
FileEncoding = Annotated[Literal["UTF8", "UTF16", "UTF16LE", "UTF16BE"], _UPPER]
FreshnessHours = Annotated[int, Field(ge=0, le=MAX_FRESHNESS_HOURS)]
LoadInterval = Annotated[int, Field(ge=0, le=MAX_LOAD_INTERVAL_SECONDS)]
MissingColumns = Annotated[Literal["reject", "default"], _LOWER]
Header = Annotated[Literal["first_row", "none"], _LOWER]
OnLossy = Annotated[Literal["warn", "reject", "ignore"], _LOWER]
EmptyRows = Annotated[Literal["load", "skip", "reject"], _LOWER]
OnBadRows = Annotated[Literal["reject", "quarantine"], _LOWER]
MaxBadRows = Annotated[int, Field(ge=0, le=100_000)]
MaxBadPercent = Annotated[float, Field(ge=0, le=100), BeforeValidator(_as_float)]
OnRepeat = Annotated[Literal["load", "skip"], _LOWER]
HeaderName = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_header_name)]
"""A name as a file's header has it. It may be empty."""
HeaderNames = Annotated[
    tuple[HeaderName, ...], Field(strict=False, max_length=100), BeforeValidator(_as_list)
]
"""One name, or a list."""


class DefaultFunction(Part):
    """A default that the warehouse computes when the row is loaded."""

    function: Literal["SYSDATE", "GETDATE", "CURRENT_DATE"]


_FUNCTIONS = ("SYSDATE", "GETDATE", "CURRENT_DATE")


def _default(value: Any, info: ValidationInfo) -> Any:
    """Check the default against the column's type.

    A fraction is stored as text, with all its digits.
    """
    if (
        isinstance(value, dict)
        and set(value) == {"function"}
        and str(value["function"]).upper() in _FUNCTIONS
    ):
        value = DefaultFunction(function=value["function"].upper())
    if value is not None and not isinstance(value, bool | int | str | Decimal | DefaultFunction):
        shown = render_short(value)
        raise ValueError(DEFAULT_INVALID(value=shown, functions=", ".join(_FUNCTIONS)))
    kind = _earlier(info).get("type")
    if kind is not None and value is not None:
        refuse(faults_of_default(value, kind))
    return str(value) if isinstance(value, Decimal) else value


def _encoding(encoding: str | None, info: ValidationInfo) -> str | None:
    kind = _earlier(info).get("type")
    if kind is not None and encoding is not None:
        refuse(faults_of_encoding(encoding, kind))
    return encoding


def _identity(identity: tuple[int, int] | None, info: ValidationInfo) -> tuple[int, int] | None:
    kind = _earlier(info).get("type")
    if kind is not None and identity is not None:
        refuse(faults_of_identity(identity, kind))
    return identity


DefaultValue = Annotated[bool | int | str | DefaultFunction | None, BeforeValidator(_default)]
Encoding = Annotated[
    Literal[
        "raw", "az64", "bytedict", "delta", "delta32k", "lzo", "mostly8", "mostly16", "mostly32", "runlength",
        "text255", "text32k", "zstd",
    ] | None,
    _LOWER,
    AfterValidator(_encoding),
]  # fmt: skip
Identity = Annotated[tuple[int, int] | None, Field(strict=False), AfterValidator(_identity)]
"""Seed and step."""
