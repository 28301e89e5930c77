"""What a change of a column's type does to its values.

Source: database developer guide, "Type compatibility and conversion". Only casts that are documented for stored columns are
listed; boolean has none to or from text.
"""

from __future__ import annotations

from enum import Enum

from etl_core.schema_files.column_types import ColumnType

VARCHAR = "character varying"
_INTEGER_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
_FLOAT_DIGITS = {"real": 6, "double precision": 15}
_TEXTS = frozenset({"character", VARCHAR})
_NUMBERS = frozenset({*_INTEGER_DIGITS, *_FLOAT_DIGITS, "numeric"})
_TIMESTAMP, _TIMESTAMPTZ = "timestamp without time zone", "timestamp with time zone"
_TIME, _TIMETZ = "time without time zone", "time with time zone"
_DATETIMES = frozenset({"date", _TIMESTAMP, _TIMESTAMPTZ, _TIME, _TIMETZ})
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


def is_text(kind: ColumnType) -> bool:
    """Return whether the type is CHAR or VARCHAR."""
    return kind.name in _TEXTS


def is_integer(kind: ColumnType) -> bool:
    """Return whether the type is SMALLINT, INTEGER or BIGINT."""
    return kind.name in _INTEGER_DIGITS


def is_number(kind: ColumnType) -> bool:
    """Return whether the type is an integer, NUMERIC, REAL or DOUBLE PRECISION."""
    return kind.name in _NUMBERS


def is_datetime(kind: ColumnType) -> bool:
    """Return whether the type is DATE, or TIME or TIMESTAMP with or without a time zone."""
    return kind.name in _DATETIMES


def are_varchar(*kinds: ColumnType) -> bool:
    """Return whether all types are VARCHAR."""
    return all(kind.name == VARCHAR for kind in kinds)


def _has_cast(actual: ColumnType, desired: ColumnType) -> bool:
    if actual.name == desired.name or {actual.name, desired.name} == {"integer", "boolean"}:
        return True
    if is_text(actual) or is_text(desired):
        return all(
            is_text(kind) or is_number(kind) or is_datetime(kind) for kind in (actual, desired)
        )
    if is_number(actual) and is_number(desired):
        return True
    return desired.name in _DATETIME_CASTS.get(actual.name, ())


def _holds(actual: ColumnType, desired: ColumnType) -> bool:
    if is_number(actual) and is_number(desired):
        return _holds_number(actual, desired)
    if is_text(actual) and is_text(desired):
        is_same_or_varchar = desired.name in (actual.name, VARCHAR)
        return is_same_or_varchar and actual.arguments[0] <= desired.arguments[0]
    if actual.name == desired.name == "binary varying":
        return actual.arguments[0] <= desired.arguments[0]
    if is_datetime(actual) and is_datetime(desired):
        return (actual.name, desired.name) in _EXACT_DATETIME_CASTS
    return actual.name != "integer" or desired.name != "boolean"


def _holds_number(actual: ColumnType, desired: ColumnType) -> bool:
    if actual.name in _FLOAT_DIGITS:
        return (actual.name, desired.name) == ("real", "double precision")
    whole, fraction = _digits(actual)
    if desired.name in _FLOAT_DIGITS:
        return whole + fraction <= _FLOAT_DIGITS[desired.name]
    if is_integer(actual) and is_integer(desired):
        return whole <= _INTEGER_DIGITS[desired.name]
    desired_whole, desired_fraction = _digits(desired)
    if is_integer(desired):
        desired_whole -= 1  # the largest integers do not use the whole range of their last digit
    return whole <= desired_whole and fraction <= desired_fraction


def _digits(kind: ColumnType) -> tuple[int, int]:
    """Return how many digits a value can have before and after the decimal point."""
    if is_integer(kind):
        return _INTEGER_DIGITS[kind.name], 0
    precision, scale = kind.arguments
    return precision - scale, scale
