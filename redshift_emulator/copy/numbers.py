"""Numbers and booleans as COPY reads them.

Each function returns the converter of one column. Pure.
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal, InvalidOperation

from redshift_emulator.copy.columns import Column, Kind
from redshift_emulator.copy.load_errors import Convert, FieldError
from redshift_emulator.copy.options import CopyOptions

_INTEGERS = {
    Kind.SMALLINT: ("Short", 2**15),
    Kind.INTEGER: ("Integer", 2**31),
    Kind.BIGINT: ("Long", 2**63),
}
_INTEGER = re.compile(rb"[-+]?\d+")
_DECIMAL = re.compile(rb"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?")
_NUMBER_START = re.compile(rb"[-+]?\d*(?:\.\d*)?")


def _invalid_digit(raw: bytes, position: int, shown: str) -> str:
    value = raw[position : position + 1].decode("latin-1")
    return f"Invalid digit, Value '{value}', Pos {position}, Type: {shown}"


@dataclass(frozen=True)
class _Digits:
    """Words the error about the first character that does not belong to a number."""

    pattern: re.Pattern[bytes]
    shown: str

    def invalid_digit(self, raw: bytes) -> str:
        match = self.pattern.match(raw)
        return _invalid_digit(raw, match.end() if match else 0, self.shown)


def read_integer(column: Column) -> Convert:
    shown, limit = _INTEGERS[column.kind]
    digits = _Digits(re.compile(rb"[-+]?\d*"), shown)

    def read(raw: bytes) -> bytes:
        if _INTEGER.fullmatch(raw) is None:
            raise FieldError(1207, digits.invalid_digit(raw))
        if len(raw) > 40 or not -limit <= int(raw) < limit:
            raise FieldError(1222, f"Overflow ({shown} valid range {-limit} to {limit - 1})")
        return b"%d" % int(raw)

    return read


def read_numeric(column: Column, options: CopyOptions) -> Convert:
    digits = _Digits(_NUMBER_START, "Decimal")
    rounding = ROUND_HALF_UP if options.round_decimals else ROUND_DOWN
    context = Context(prec=80)
    unit = Decimal(1).scaleb(-column.scale)
    limit = Decimal(10) ** (column.precision - column.scale)
    overflow = f"Overflow for NUMERIC({column.precision},{column.scale})"

    def read(raw: bytes) -> bytes:
        if _DECIMAL.fullmatch(raw) is None:
            raise FieldError(1207, digits.invalid_digit(raw))
        try:
            value = Decimal(raw.decode()).quantize(unit, rounding=rounding, context=context)
        except InvalidOperation as error:
            raise FieldError(1204, overflow) from error
        if abs(value) >= limit:
            raise FieldError(1204, overflow)
        return f"{value:f}".encode()

    return read


def read_float(column: Column) -> Convert:
    shown = "Float" if column.kind is Kind.REAL else "Double"
    digits = _Digits(_NUMBER_START, shown)

    def read(raw: bytes) -> bytes:
        if _DECIMAL.fullmatch(raw) is None:
            raise FieldError(1208, digits.invalid_digit(raw))
        value = float(raw)
        if column.kind is Kind.REAL:
            value = _as_real(value)
        if math.isinf(value) or (value == 0 and re.search(rb"[1-9]", re.split(rb"[eE]", raw)[0])):
            raise FieldError(1204, f"Value out of range for {shown}")
        return raw

    return read


def _as_real(value: float) -> float:
    try:
        rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.inf
    return rounded


_BOOLEANS = dict.fromkeys((b"t", b"true", b"y", b"yes", b"1"), b"t") | dict.fromkeys(
    (b"f", b"false", b"n", b"no", b"0"), b"f"
)


def read_boolean(raw: bytes) -> bytes:
    value = _BOOLEANS.get(raw.lower())
    if value is None:
        raise FieldError(1210, "Unknown boolean format")
    return value
