"""What a change of a column's type does to its values.

Source: database developer guide, "Type compatibility and conversion". Only casts that are
documented for stored columns are listed; boolean has none to or from text.
"""

from __future__ import annotations

from enum import Enum

from etl_core.schema_files.column_types import ColumnType

VARCHAR = "character varying"
_INTEGER_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
_FLOAT_DIGITS = {"real": 6, "double precision": 15}
_TIMESTAMP, _TIMESTAMPTZ = "timestamp without time zone", "timestamp with time zone"
_TIME, _TIMETZ = "time without time zone", "time with time zone"
_DATETIME_CASTS = {
    "date": {_TIMESTAMP, _TIMESTAMPTZ},
    _TIMESTAMP: {"date", _TIMESTAMPTZ, _TIME},
    _TIMESTAMPTZ: {"date", _TIMESTAMP, _TIMETZ},
    _TIME: {_TIMETZ},
    _TIMETZ: {_TIME},
}
_EXACT_DATETIME_CASTS = {
    ("date", _TIMESTAMP),
    ("date", _TIMESTAMPTZ),
    (_TIMESTAMP, _TIMESTAMPTZ),
    (_TIME, _TIMETZ),
}


class Conversion(Enum):
    """What a type change does to the values of a column."""

    KEEPS = "every value is kept, or the change fails"
    MAY_LOSE = "values may not fit, or may lose digits, time or zone"
    NONE = "Redshift has no cast"


def conversion(actual: ColumnType, desired: ColumnType) -> Conversion:
    """Return what a change from one type to the other does to the values."""
    if not _has_cast(actual, desired):
        return Conversion.NONE
    return Conversion.KEEPS if _holds(actual, desired) else Conversion.MAY_LOSE


def are_varchar(*kinds: ColumnType) -> bool:
    """Return whether all types are VARCHAR."""
    return all(kind.name == VARCHAR for kind in kinds)


def _has_cast(actual: ColumnType, desired: ColumnType) -> bool:
    if actual.name == desired.name or {actual.name, desired.name} == {"integer", "boolean"}:
        return True
    if actual.is_text or desired.is_text:
        return all(
            kind.is_text or kind.is_number or kind.is_datetime or kind.is_time
            for kind in (actual, desired)
        )
    if actual.is_number and desired.is_number:
        return True
    return desired.name in _DATETIME_CASTS.get(actual.name, ())


def _holds(actual: ColumnType, desired: ColumnType) -> bool:
    if actual.is_number and desired.is_number:
        return _holds_number(actual, desired)
    if actual.is_text and desired.is_text:
        is_same_or_varchar = desired.name in (actual.name, VARCHAR)
        return is_same_or_varchar and actual.arguments[0] <= desired.arguments[0]
    if actual.name == desired.name == "binary varying":
        return actual.arguments[0] <= desired.arguments[0]
    if (actual.is_datetime or actual.is_time) and (desired.is_datetime or desired.is_time):
        return (actual.name, desired.name) in _EXACT_DATETIME_CASTS
    return actual.name != "integer" or desired.name != "boolean"


def _holds_number(actual: ColumnType, desired: ColumnType) -> bool:
    if actual.name in _FLOAT_DIGITS:
        return (actual.name, desired.name) == ("real", "double precision")
    whole, fraction = _digits(actual)
    if desired.name in _FLOAT_DIGITS:
        return whole + fraction <= _FLOAT_DIGITS[desired.name]
    if actual.is_integer and desired.is_integer:
        return whole <= _INTEGER_DIGITS[desired.name]
    desired_whole, desired_fraction = _digits(desired)
    if desired.is_integer:
        desired_whole -= 1  # the largest integers do not use the whole range of their last digit
    return whole <= desired_whole and fraction <= desired_fraction


def _digits(kind: ColumnType) -> tuple[int, int]:
    """Return how many digits a value can have before and after the decimal point."""
    if kind.is_integer:
        return _INTEGER_DIGITS[kind.name], 0
    precision, scale = kind.arguments
    return precision - scale, scale
