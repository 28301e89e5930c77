"""The texts that COPY accepts for a column: one check for each type, which says why a value is refused. Pure.

Sources: COPY, "Data conversion parameters", "Load error reference", "Multibyte character load
errors"; "Numeric types", "Character types".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import ROUND_DOWN, Context, Decimal, InvalidOperation
from enum import Enum
from functools import partial
from math import inf, isinf
from struct import pack, unpack

from etl_core.csv_files.cures import DATE, TIMESTAMP, DateTimeKind, cure_of, format_hint
from etl_core.csv_files.datetime_formats import DateTimeParts, datetime_reader, read_time
from etl_core.csv_files.messages import (
    BLANKS_CUT,
    DATE_AMBIGUOUS,
    DECIMALS_CUT,
    DIGITS_ROUNDED,
    FLOAT_OUT_OF_RANGE,
    FRACTION_CUT,
    INTEGER_OUT_OF_RANGE,
    KEEP_AS_TEXT,
    KEEP_BLANKS,
    KEEP_DIGITS,
    KEEP_OFFSET,
    KEEP_TIME,
    NOT_ASCII,
    NOT_BOOLEAN,
    NOT_DATETIME,
    NOT_HEXADECIMAL,
    NOT_INTEGER,
    NOT_JSON,
    NOT_NUMBER,
    NOT_TIME,
    NUMERIC_OUT_OF_RANGE,
    OFFSET_LOST,
    TEXT_TOO_LONG,
    TIME_LOST,
    TYPE_NOT_LOADABLE,
    VALUE_HAS_NUL,
    VALUE_NOT_UTF8,
    VALUE_NULL,
    WIDEN_DECIMALS,
)
from etl_core.model.messages import MessageText
from etl_core.schema_files.column_types import ColumnType
from etl_core.schema_files.schema_file import ColumnSpec, CsvOptions

_BLANKS = " \t\r\n\v\f"
DEFAULT_NULL = "\\N"
"""The text that COPY reads as NULL if NULL AS is not given."""


class Effect(Enum):
    """What COPY does with a value. CHANGED: it loads it with a part cut off. AMBIGUOUS: it reads it in
    one of two possible ways. NOTED: it loads it as it is, but that is probably not meant.
    """

    REFUSED = "refused"
    CHANGED = "changed"
    AMBIGUOUS = "ambiguous"
    NOTED = "noted"


@dataclass(frozen=True)
class ValueIssue:
    """What is wrong with a value. `find_hint` returns what probably cures it, "" if that is not known."""

    reason: MessageText
    effect: Effect = Effect.REFUSED
    find_hint: Callable[[], str] = field(default=str, compare=False)

    @property
    def hint(self) -> str:
        """What probably cures it. Guessing takes time, so it is done only for what is reported."""
        return self.find_hint()


ValueTest = Callable[[str], ValueIssue | None]
_Check = Callable[[str], MessageText | ValueIssue | None]
_INTEGER = re.compile(r"[-+]?\d+", re.ASCII)
_DECIMAL = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,4})?", re.ASCII)
_REAL_DIGITS, _DOUBLE_DIGITS, _PRINTED_DIGITS = 6, 15, 17
_MOST_DIGITS = 800
"""No number in 64 bits has so many digits before only zeros follow: at most 767."""
_BOOLEANS = frozenset({"t", "true", "y", "yes", "1", "f", "false", "n", "no", "0"})
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")


def size_of(value: str) -> int:
    """Return the size of a value in bytes, as Redshift counts lengths."""
    return len(value) if value.isascii() else len(value.encode("utf-8", "surrogateescape"))


def is_null(value: str, kind: ColumnType, options: CsvOptions) -> bool:
    """Whether COPY stores NULL for the field: the text of NULL AS, or an empty or blank field.

    In a column that is a text, the schema file decides about those: EMPTYASNULL, BLANKSASNULL.
    """
    if value == (DEFAULT_NULL if options.null_as is None else options.null_as):
        return True
    if not kind.is_text:
        return not value.strip(_BLANKS)
    if not value:
        return options.empty_as_null
    return options.blank_as_null and not value.strip(_BLANKS)


def value_test(column: ColumnSpec, options: CsvOptions, *, not_null: bool) -> ValueTest:
    """Return the test of a column's fields.

    It returns None for a field that COPY accepts unchanged.
    """
    kind = column.type
    check = _check_of(kind, options)

    def test(value: str) -> ValueIssue | None:
        if is_null(value, kind, options):
            return ValueIssue(VALUE_NULL()) if not_null else None
        issue = _unreadable(value) or check(value)
        if issue is None:
            return None
        issue = ValueIssue(issue) if isinstance(issue, MessageText) else issue
        if issue.effect is not Effect.REFUSED:
            return issue
        return replace(issue, find_hint=partial(cure_of, value, kind, options))

    return test


def _unreadable(value: str) -> MessageText | None:
    if "\0" in value:
        return VALUE_HAS_NUL()
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        return VALUE_NOT_UTF8()
    return None


def _check_of(kind: ColumnType, options: CsvOptions) -> _Check:
    if kind.is_integer:
        return _integer(kind)
    if kind.is_text:
        return _text(kind)
    if kind.is_time:
        return _time_with_zone if kind.name == "time with time zone" else _time_of_day
    match kind.name:
        case "numeric":
            return _numeric(*kind.arguments)
        case "real" | "double precision":
            return _float(kind)
        case "boolean":
            return _boolean
        case "date":
            return _datetime(options.copy_date_format, DATE, _cut_date)
        case "timestamp without time zone":
            return _datetime(options.copy_time_format, TIMESTAMP, _cut_timestamp)
        case "timestamp with time zone":
            return _datetime(options.copy_time_format, TIMESTAMP, _cut_fraction)
        case "super":
            return _super
        case "binary varying":
            return _varbyte(kind)
        case _:
            return lambda _: TYPE_NOT_LOADABLE(type=kind)


def _boolean(value: str) -> MessageText | None:
    return None if value.lower() in _BOOLEANS else NOT_BOOLEAN()


def _time_of_day(value: str) -> MessageText | ValueIssue | None:
    parts = read_time(value)
    return NOT_TIME() if parts is None else _cut_time(parts)


def _time_with_zone(value: str) -> MessageText | ValueIssue | None:
    parts = read_time(value)
    return NOT_TIME() if parts is None else _cut_fraction(parts)


def _cut_time(parts: DateTimeParts) -> ValueIssue | None:
    if parts.has_offset:
        return _LOST_OFFSET["TIME"]
    return _cut_fraction(parts)


def _cut_timestamp(parts: DateTimeParts) -> ValueIssue | None:
    if parts.has_offset:
        return _LOST_OFFSET["TIMESTAMP"]
    return _cut_fraction(parts)


def _cut_fraction(parts: DateTimeParts) -> ValueIssue | None:
    return _LOST_FRACTION if parts.has_nanoseconds else None


def _cut_date(parts: DateTimeParts) -> ValueIssue | None:
    return _LOST_TIME if parts.has_time else None


def _changed(reason: MessageText, hint: str) -> ValueIssue:
    return ValueIssue(reason, Effect.CHANGED, lambda: hint)


_AMBIGUOUS_DATE = DATE_AMBIGUOUS()
_LOST_OFFSET = {
    kind: _changed(OFFSET_LOST(type=kind), KEEP_OFFSET(type=kind + "TZ"))
    for kind in ("TIME", "TIMESTAMP")
}
_LOST_TIME = _changed(TIME_LOST(), KEEP_TIME())
_LOST_FRACTION = _changed(FRACTION_CUT(), KEEP_AS_TEXT())


def _integer(kind: ColumnType) -> _Check:
    limit = kind.integer_limit

    def check(value: str) -> MessageText | None:
        if _INTEGER.fullmatch(value) is None:
            return NOT_INTEGER()
        if len(value) > 40 or not -limit <= int(value) < limit:
            return INTEGER_OUT_OF_RANGE(least=-limit, most=limit - 1)
        return None

    return check


def _numeric(precision: int, scale: int) -> _Check:
    # NUMERIC(19,s) is stored in 64 bits.
    limit = Decimal(2**63 if precision == 19 else 10**precision).scaleb(-scale)
    unit, context = Decimal(1).scaleb(-scale), Context(prec=80, rounding=ROUND_DOWN)
    cut = _changed(DECIMALS_CUT(scale=scale), WIDEN_DECIMALS(precision=precision, scale=scale))

    def check(value: str) -> MessageText | ValueIssue | None:
        if len(value) > 1000 or _DECIMAL.fullmatch(value) is None:
            return NOT_NUMBER()
        number = Decimal(value)
        try:
            stored = number.quantize(unit, context=context)
        except InvalidOperation:
            return NUMERIC_OUT_OF_RANGE(digits=precision - scale)
        if abs(stored) >= limit:
            return NUMERIC_OUT_OF_RANGE(digits=precision - scale)
        return None if stored == number else cut

    return check


def _float(kind: ColumnType) -> _Check:
    is_real, hint = kind.name == "real", KEEP_DIGITS()

    def check(value: str) -> MessageText | ValueIssue | None:
        if _DECIMAL.fullmatch(value) is None:
            return NOT_NUMBER()
        number = _as_real(float(value)) if is_real else float(value)
        mantissa, _, exponent = value.lower().partition("e")
        if isinf(number) or (number == 0 and re.search("[1-9]", mantissa)):
            return FLOAT_OUT_OF_RANGE(type=kind)
        is_whole = not exponent and "." not in mantissa
        if not _is_rounded(value, mantissa, number, is_real=is_real, is_whole=is_whole):
            return None
        stored = f"{number:.9g}" if is_real else f"{number:.17g}"
        return _changed(DIGITS_ROUNDED(type=kind, stored=stored), hint)

    return check


def _is_rounded(value: str, mantissa: str, number: float, *, is_real: bool, is_whole: bool) -> bool:
    """Return whether the stored number is another one than the text, read with as many digits as the text has.

    A fraction of up to 17 digits in a DOUBLE PRECISION is never rounded here: programs print a
    number so, and these digits identify it ("Numeric types": 15 digits, and 6 for REAL).
    """
    digits = mantissa.lstrip("+-").replace(".", "").strip("0")
    if len(digits) <= (_REAL_DIGITS if is_real else _DOUBLE_DIGITS):
        return False
    if is_whole:
        return Decimal(number) != Decimal(value)
    if not is_real and len(digits) <= _PRINTED_DIGITS:
        return False
    return len(digits) > _MOST_DIGITS or Decimal(f"{number:.{len(digits) - 1}e}") != Decimal(value)


def _as_real(number: float) -> float:
    try:
        rounded: float = unpack("<f", pack("<f", number))[0]
    except OverflowError:
        return inf
    return rounded


def _text(kind: ColumnType) -> _Check:
    length, is_char = kind.arguments[0], kind.name == "character"
    cut = _changed(BLANKS_CUT(limit=length), KEEP_BLANKS())

    def check(value: str) -> MessageText | ValueIssue | None:
        if is_char and not value.isascii():
            return NOT_ASCII()
        if size_of(value) <= length:
            return None
        if size_of(value.rstrip(" ")) > length:
            return TEXT_TOO_LONG(size=size_of(value), limit=length)
        # Redshift cuts blanks beyond the length ("Character types"). In a CHAR they mean nothing.
        return None if is_char else cut

    return check


def _datetime(
    format_text: str, wanted: DateTimeKind, cut: Callable[[DateTimeParts], ValueIssue | None]
) -> _Check:
    read = datetime_reader(format_text)

    def check(value: str) -> MessageText | ValueIssue | None:
        parts = read(value)
        if parts is None:
            return NOT_DATETIME(what=wanted.what, format=format_text, option=wanted.option)
        if parts.is_ambiguous:
            find_hint = partial(format_hint, value, wanted)
            return ValueIssue(_AMBIGUOUS_DATE, Effect.AMBIGUOUS, find_hint)
        return cut(parts)

    return check


def _super(value: str) -> MessageText | None:
    def refuse(name: str) -> object:
        raise ValueError(name)

    try:
        json.loads(value, parse_constant=refuse)
    except (ValueError, RecursionError):
        return NOT_JSON()
    return None


def _varbyte(kind: ColumnType) -> _Check:
    length = kind.arguments[0]

    def check(value: str) -> MessageText | None:
        if _HEX.fullmatch(value) is None:
            return NOT_HEXADECIMAL()
        if len(value) // 2 > length:
            return TEXT_TOO_LONG(size=len(value) // 2, limit=length)
        return None

    return check
