"""Converts one field of the file: to the text to store, to NULL, or to a load error. Pure.

Sources: "Data conversion parameters", "Load error reference", "Multibyte character load errors".
The reasons are worded as users quote them from stl_load_errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from redshift_emulator.copy.columns import Column, Kind
from redshift_emulator.copy.dates import DateTimeText, datetime_reader, read_time
from redshift_emulator.copy.load_errors import Convert, FieldError
from redshift_emulator.copy.numbers import read_boolean, read_float, read_integer, read_numeric
from redshift_emulator.copy.options import CopyOptions
from redshift_emulator.copy.patterns import value_patterns
from redshift_emulator.copy.texts import read_char, read_varchar, utf8_error

_ASCII_BLANKS = b" \t\r\n\v\f"


def converter_of(column: Column, options: CopyOptions) -> Convert:
    """Return the converter for the column's fields: unquoted bytes of the file to text for PostgreSQL, or to NULL.

    It raises FieldError for a field that Redshift would reject. NULL is an error in an identity
    column.
    """
    read, is_plain = _reader(column, options), _plain_value(column, options)
    null_as = options.null_as.encode()
    nul_is_null = null_as == b"\0"
    empty_is_null = not column.is_character or options.empty_as_null or not null_as
    blank_is_null = not column.is_character or options.blanks_as_null

    def convert(raw: bytes) -> bytes | None:
        if raw != null_as and is_plain(raw):
            return raw
        if (
            raw == null_as
            or (not raw and empty_is_null)
            or (raw and blank_is_null and not raw.strip(_ASCII_BLANKS))
        ):
            value = None
        elif b"\0" in raw:
            raise _nul_error(raw, nul_is_null=nul_is_null)
        else:
            value = read(raw)
        if value is None and (column.not_null or column.identity):
            raise FieldError(1213, "Missing data for not-null field")
        return value

    return convert


def _plain_value(column: Column, options: CopyOptions) -> Callable[[bytes], object]:
    """Return the test for values that need no conversion: fast-path values, and short ASCII texts.

    It makes the conversion of ordinary rows three times as fast.
    """
    patterns = (
        [rb"[ -~]{1,%d}+(?<! )" % column.length]
        if column.is_character
        else value_patterns(column, options)
    )
    return re.compile(b"|".join(patterns) if patterns else rb"(?!)").fullmatch


def _nul_error(raw: bytes, *, nul_is_null: bool) -> FieldError:
    """Return the error for a NUL, which ends the row unless NULL AS '\\0' is given."""
    if nul_is_null:
        return FieldError(1218, "Invalid null byte - field longer than 1 byte")
    at = raw.index(b"\0")
    following = raw[at + 1] if at + 1 < len(raw) else 0
    return FieldError(
        1216,
        f"Missing newline: Unexpected character 0x{following:02x} found at location {at + 1}",
    )


def _reader(column: Column, options: CopyOptions) -> Convert:
    match column.kind:
        case Kind.SMALLINT | Kind.INTEGER | Kind.BIGINT:
            return read_integer(column)
        case Kind.NUMERIC:
            return read_numeric(column, options)
        case Kind.REAL | Kind.DOUBLE:
            return read_float(column)
        case Kind.BOOLEAN:
            return read_boolean
        case Kind.CHAR:
            return read_char(column, options)
        case Kind.VARCHAR:
            return read_varchar(column, options)
        case Kind.DATE | Kind.TIME | Kind.TIMETZ | Kind.TIMESTAMP | Kind.TIMESTAMPTZ:
            return _read_datetime(column, options)
        case Kind.SUPER:
            return _read_super
        case Kind.VARBYTE:
            return _read_varbyte(column)
        case Kind.GEOMETRY | Kind.GEOGRAPHY:
            return _read_hex
        case Kind.HLLSKETCH:
            return _read_text
        case Kind.OTHER:
            return _read_unknown


_DEFAULTS = {
    Kind.DATE: "YYYY-MM-DD",
    Kind.TIMESTAMP: "YYYY-MM-DD HH:MI:SS",
    Kind.TIMESTAMPTZ: "YYYY-MM-DD HH:MI:SSOF",
}


def _read_datetime(column: Column, options: CopyOptions) -> Convert:
    given = options.date_format if column.kind is Kind.DATE else options.time_format
    is_time = column.kind in (Kind.TIME, Kind.TIMETZ)
    expected = given or _DEFAULTS.get(column.kind, "")
    parse = read_time if is_time else datetime_reader(expected)

    def read(raw: bytes) -> bytes | None:
        value = parse(raw.decode(errors="replace"))
        if value is not None:
            return _render_datetime(column.kind, value).encode()
        if options.accept_any_date and not is_time:
            return None
        raise _datetime_error(column.kind, raw, expected)

    return read


def _render_datetime(kind: Kind, value: DateTimeText) -> str:
    """Render the value for its type.

    Redshift drops the zone for TIMESTAMP and the time of day for DATE.
    """
    match kind:
        case Kind.DATE:
            return value.day
        case Kind.TIMESTAMP:
            return value.timestamp
        case Kind.TIMESTAMPTZ:
            return value.timestamptz
        case Kind.TIME:
            return value.time
        case _:
            return value.time + value.zone


def _datetime_error(kind: Kind, raw: bytes, expected: str) -> FieldError:
    if kind is Kind.DATE:
        if expected == "YYYY-MM-DD" and len(raw) < 10:
            return FieldError(1205, "Invalid Date Format - length must be 10 or more")
        return FieldError(1205, f"Invalid Date Format [{expected}]")
    shown = "HH24:MI:SS" if kind in (Kind.TIME, Kind.TIMETZ) else expected.replace("HH:", "HH24:")
    return FieldError(1206, f"Invalid timestamp format or value [{shown}]")


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _read_super(raw: bytes) -> bytes:
    try:
        json.loads(raw.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise FieldError(1224, "Invalid JSON format for SUPER") from error
    return raw


_HEX = re.compile(rb"(?:[0-9a-fA-F]{2})*")


def _read_varbyte(column: Column) -> Convert:
    def read(raw: bytes) -> bytes:
        if _HEX.fullmatch(raw) is None:
            raise FieldError(1219, "Invalid hexadecimal string for VARBYTE")
        if len(raw) // 2 > column.length > 0:
            raise FieldError(1204, "VARBYTE length exceeds DDL length")
        return b"\\x" + raw

    return read


def _read_hex(raw: bytes) -> bytes:
    """Return hexadecimal EWKB unchanged, without checking that it is a geometry."""
    if _HEX.fullmatch(raw) is None:
        raise FieldError(1219, "Invalid hexadecimal string for EWKB")
    return raw


def _read_text(raw: bytes) -> bytes:
    if error := utf8_error(raw):
        raise FieldError(1220, f"String contains invalid or unsupported UTF8 codepoints. {error}")
    return raw


def _read_unknown(_: bytes) -> bytes:
    raise FieldError(1223, "Invalid data type")
