"""Which texts COPY takes for a column: a test per type, which says why not. Pure.

Sources: COPY, "Data conversion parameters", "Load error reference", "Multibyte character load errors"; "Numeric types", "Character types".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal, InvalidOperation
from math import inf, isinf
from struct import pack, unpack

from etl_core.csv_files.datetime_formats import is_time, moment_test
from etl_core.schema_files.column_types import ColumnType
from etl_core.schema_files.schema_file import ColumnSpec, CsvOptions

DEFAULT_NULL = "\\N"
"""What COPY takes for NULL where NULL AS is not given."""


@dataclass(frozen=True)
class Objection:
    """What is wrong with a value. One that `loads` is taken by COPY, but not as it was written."""

    reason: str
    loads: bool = False


Test = Callable[[str], Objection | None]
_Judge = Callable[[str], str | Objection | None]
_INTEGERS = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
_INTEGER = re.compile(r"[-+]?\d+", re.ASCII)
_DECIMAL = re.compile(r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d{1,4})?", re.ASCII)
_BOOLEANS = frozenset({"t", "true", "y", "yes", "1", "f", "false", "n", "no", "0"})
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")
_TEXTS = frozenset({"character", "character varying"})


def size_of(value: str) -> int:
    """The bytes of a value, as Redshift counts lengths."""
    return len(value) if value.isascii() else len(value.encode("utf-8", "surrogateescape"))


def is_null(value: str, kind: ColumnType, null_as: str | None) -> bool:
    """Whether COPY stores NULL for the field: NULL AS's text, and anything blank where the column is no text."""
    if value == (DEFAULT_NULL if null_as is None else null_as):
        return True
    return kind.name not in _TEXTS and not value.strip(" \t\r\n\v\f")


def value_test(column: ColumnSpec, options: CsvOptions, *, not_null: bool) -> Test:
    """The test of a column's fields: None for one that is taken."""
    kind = column.column_type
    judge = _judge(kind, options)

    def test(value: str) -> Objection | None:
        if is_null(value, kind, options.null_as):
            return Objection("is null, and the column takes no nulls") if not_null else None
        found = _unreadable(value) or judge(value)
        return Objection(found) if isinstance(found, str) else found

    return test


def _unreadable(value: str) -> str | None:
    if "\0" in value:
        return "holds a NUL character, which COPY does not take"
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        return "is not valid UTF-8"
    return None


def _judge(kind: ColumnType, options: CsvOptions) -> _Judge:
    match kind.name:
        case "smallint" | "integer" | "bigint":
            return _integer(kind)
        case "numeric":
            return _numeric(*kind.arguments)
        case "real" | "double precision":
            return _float(kind)
        case "boolean":
            return lambda value: (
                None
                if value.lower() in _BOOLEANS
                else "is none of t, true, y, yes, 1, f, false, n, no, 0"
            )
        case "character" | "character varying":
            return _text(kind)
        case "date":
            return _moment(options.date_format, "date", "csv.date_format")
        case "timestamp without time zone" | "timestamp with time zone":
            return _moment(options.time_format, "timestamp", "csv.time_format")
        case "time without time zone" | "time with time zone":
            return lambda value: (
                None if is_time(value) else "is not a time of day, such as 23:59:59"
            )
        case "super":
            return _super
        case "binary varying":
            return _varbyte(kind)
        case _:
            return lambda _: f"cannot be loaded from CSV: COPY has no text form of {kind}"


def _integer(kind: ColumnType) -> _Judge:
    limit = _INTEGERS[kind.name]

    def judge(value: str) -> str | None:
        if _INTEGER.fullmatch(value) is None:
            return "is not a whole number"
        if len(value) > 40 or not -limit <= int(value) < limit:
            return f"is out of range ({-limit} to {limit - 1})"
        return None

    return judge


def _numeric(precision: int, scale: int) -> _Judge:
    # NUMERIC(19,s) is kept in 64 bits.
    limit = Decimal(2**63 if precision == 19 else 10**precision).scaleb(-scale)
    unit, context = Decimal(1).scaleb(-scale), Context(prec=80, rounding=ROUND_DOWN)

    def judge(value: str) -> str | Objection | None:
        if len(value) > 1000 or _DECIMAL.fullmatch(value) is None:
            return "is not a number"
        number = Decimal(value)
        try:
            kept = number.quantize(unit, context=context)
        except InvalidOperation:
            return _beyond(precision, scale)
        if abs(kept) >= limit:
            return _beyond(precision, scale)
        return (
            None
            if kept == number
            else Objection(f"has more than {scale} decimals; COPY cuts the rest off", loads=True)
        )

    return judge


def _beyond(precision: int, scale: int) -> str:
    return f"is out of range: at most {precision - scale} digits before the decimal point"


def _float(kind: ColumnType) -> _Judge:
    def judge(value: str) -> str | None:
        if _DECIMAL.fullmatch(value) is None:
            return "is not a number"
        number = _as_real(float(value)) if kind.name == "real" else float(value)
        if isinf(number) or (number == 0 and re.search("[1-9]", re.split("[eE]", value)[0])):
            return f"is out of range for {kind}"
        return None

    return judge


def _as_real(number: float) -> float:
    try:
        rounded: float = unpack("<f", pack("<f", number))[0]
    except OverflowError:
        return inf
    return rounded


def _text(kind: ColumnType) -> _Judge:
    length, ascii_only = kind.arguments[0], kind.name == "character"

    def judge(value: str) -> str | None:
        if ascii_only and not value.isascii():
            return "is not ASCII, and CHAR takes nothing else; make the column a VARCHAR"
        # Blanks past the end are dropped without a word.
        if size_of(value) > length and size_of(value.rstrip(" ")) > length:
            return f"has {size_of(value)} bytes; the column takes {length}"
        return None

    return judge


def _moment(format_text: str, what: str, option: str) -> _Judge:
    test = moment_test(format_text)
    return lambda value: (
        None if test(value) else f"is not a {what} of the format {format_text!r} ({option})"
    )


def _super(value: str) -> str | None:
    def refuse(name: str) -> object:
        raise ValueError(name)

    try:
        json.loads(value, parse_constant=refuse)
    except (ValueError, RecursionError):
        return "is not JSON"
    return None


def _varbyte(kind: ColumnType) -> _Judge:
    def judge(value: str) -> str | None:
        if _HEX.fullmatch(value) is None:
            return "is not hexadecimal text"
        if len(value) // 2 > kind.arguments[0]:
            return f"has {len(value) // 2} bytes; the column takes {kind.arguments[0]}"
        return None

    return judge
