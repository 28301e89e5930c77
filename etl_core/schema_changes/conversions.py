"""What becomes of a column's values when its type changes: kept, perhaps cut, or not convertible at all.

Source: database developer guide, "Type compatibility and conversion". Only casts that are documented for stored columns are
listed; boolean has none to or from text.
"""

from __future__ import annotations

from enum import Enum

from etl_core.schema_files.column_types import ColumnType

_INTEGERS = {"smallint": 5, "integer": 10, "bigint": 19}
_TEXTS = frozenset({"character", "character varying"})
_NUMBERS = frozenset({*_INTEGERS, "numeric", "real", "double precision"})
_TIMESTAMP, _TIMESTAMPTZ = "timestamp without time zone", "timestamp with time zone"
_TIME, _TIMETZ = "time without time zone", "time with time zone"
_MOMENTS = frozenset({"date", _TIMESTAMP, _TIMESTAMPTZ, _TIME, _TIMETZ})
_BETWEEN_MOMENTS = {
    "date": {_TIMESTAMP, _TIMESTAMPTZ},
    _TIMESTAMP: {"date", _TIMESTAMPTZ, _TIME},
    _TIMESTAMPTZ: {"date", _TIMESTAMP, _TIMETZ},
    _TIME: {_TIMETZ},
    _TIMETZ: {_TIME},
}
_EXACT_DIGITS = {"real": 6, "double precision": 15}


class Conversion(Enum):
    """What a type change does to the values."""

    KEEPS = "every value is kept, or the change fails"
    CUTS = "values may not fit, or lose digits, time or zone"
    NONE = "Redshift has no cast"


def conversion(actual: ColumnType, desired: ColumnType) -> Conversion:
    """What a change from the one type to the other does."""
    if not _has_cast(actual, desired):
        return Conversion.NONE
    return Conversion.KEEPS if _holds(actual, desired) else Conversion.CUTS


def is_text(kind: ColumnType) -> bool:
    """Whether the type is CHAR or VARCHAR."""
    return kind.name in _TEXTS


def _has_cast(actual: ColumnType, desired: ColumnType) -> bool:
    here, wanted = actual.name, desired.name
    if here == wanted or {here, wanted} == {"integer", "boolean"}:
        return True
    if here in _TEXTS or wanted in _TEXTS:
        return {here, wanted} <= _TEXTS | _NUMBERS | _MOMENTS
    return {here, wanted} <= _NUMBERS or wanted in _BETWEEN_MOMENTS.get(here, ())


def _holds(actual: ColumnType, desired: ColumnType) -> bool:
    if actual.name in _NUMBERS and desired.name in _NUMBERS:
        return _holds_number(actual, desired)
    if actual.name in _TEXTS and desired.name in _TEXTS:
        return actual.arguments[0] <= desired.arguments[0] and desired.name in (
            actual.name,
            "character varying",
        )
    if actual.name == desired.name == "binary varying":
        return actual.arguments[0] <= desired.arguments[0]
    if actual.name in _MOMENTS and desired.name in _MOMENTS:
        return (actual.name, desired.name) in (
            ("date", _TIMESTAMP),
            ("date", _TIMESTAMPTZ),
            (_TIMESTAMP, _TIMESTAMPTZ),
            (_TIME, _TIMETZ),
        )
    return actual.name != "integer" or desired.name != "boolean"


def _holds_number(actual: ColumnType, desired: ColumnType) -> bool:
    if actual.name in _EXACT_DIGITS:
        return (actual.name, desired.name) == ("real", "double precision")
    whole, fraction = _digits(actual)
    if desired.name in _EXACT_DIGITS:
        return whole + fraction <= _EXACT_DIGITS[desired.name]
    if actual.name in _INTEGERS and desired.name in _INTEGERS:
        return _INTEGERS[actual.name] <= _INTEGERS[desired.name]
    wanted_whole, wanted_fraction = _digits(desired)
    if desired.name in _INTEGERS:
        wanted_whole -= 1  # its largest numbers do not reach the last digit
    return whole <= wanted_whole and fraction <= wanted_fraction


def _digits(kind: ColumnType) -> tuple[int, int]:
    """How many digits before and behind the point a value may have."""
    if kind.name in _INTEGERS:
        return _INTEGERS[kind.name], 0
    precision, scale = kind.arguments
    return precision - scale, scale
