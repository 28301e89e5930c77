"""What COPY makes of one field: the text to store, NULL, or a load error. Pure.

Sources: "Data conversion parameters", "Load error reference", "Multibyte character load errors"; wording of the reasons
as people quote them from stl_load_errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from redshift_emulator.copy.columns import Column, Kind
from redshift_emulator.copy.dates import Moment, read_time, reader_of
from redshift_emulator.copy.field_error import Convert, FieldError
from redshift_emulator.copy.numerals import read_boolean, read_float, read_integer, read_numeric
from redshift_emulator.copy.options import CopyOptions
from redshift_emulator.copy.patterns import value_patterns
from redshift_emulator.copy.texts import read_char, read_varchar
from redshift_emulator.copy.utf8 import fault_of

_ASCII_BLANKS = b" \t\r\n\v\f"


def converter_of(column: Column, options: CopyOptions) -> Convert:
    """The function that reads this column's fields: bytes of the file (quotes undone) to text for PostgreSQL or NULL.

    It raises FieldError for a field that Redshift would reject. A field of an identity column may not be NULL.
    """
    read, plain = _reader(column, options), _plain_value(column, options)
    null_as = options.null_as.encode()
    nul_is_null = null_as == b"\0"
    empty_is_null = not column.is_character or options.empty_as_null or not null_as
    blank_is_null = not column.is_character or options.blanks_as_null

    def convert(raw: bytes) -> bytes | None:
        if raw != null_as and plain(raw):
            return raw
        if (
            raw == null_as
            or (not raw and empty_is_null)
            or (raw and blank_is_null and not raw.strip(_ASCII_BLANKS))
        ):
            value = None
        elif b"\0" in raw:
            raise _nul(raw, nul_is_null)
        else:
            value = read(raw)
        if value is None and (column.not_null or column.identity):
            raise FieldError(1213, "Missing data for not-null field")
        return value

    return convert


def _plain_value(column: Column, options: CopyOptions) -> Callable[[bytes], object]:
    """True of a value that PostgreSQL may have as it stands: the gate's own patterns, and short texts of plain ASCII."""
    patterns = (
        [rb"[ -~]{1,%d}+(?<! )" % column.length]
        if column.is_character
        else value_patterns(column, options)
    )
    return re.compile(b"|".join(patterns) if patterns else rb"(?!)").fullmatch


def _nul(raw: bytes, nul_is_null: bool) -> FieldError:  # noqa: FBT001
    """COPY takes a NUL for the end of the row, unless NULL AS '\\0' makes it a value."""
    if nul_is_null:
        return FieldError(1218, "Invalid null byte - field longer than 1 byte")
    place = raw.index(b"\0")
    following = raw[place + 1] if place + 1 < len(raw) else 0
    return FieldError(
        1216,
        f"Missing newline: Unexpected character 0x{following:02x} found at location {place + 1}",
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
            return _read_moment(column, options)
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


def _read_moment(column: Column, options: CopyOptions) -> Convert:
    given = options.date_format if column.kind is Kind.DATE else options.time_format
    is_time = column.kind in (Kind.TIME, Kind.TIMETZ)
    wanted = given or _DEFAULTS.get(column.kind, "")
    parse = read_time if is_time else reader_of(wanted)

    def read(raw: bytes) -> bytes | None:
        moment = parse(raw.decode(errors="replace"))
        if moment is not None:
            return _shown_moment(column.kind, moment).encode()
        if options.accept_any_date and not is_time:
            return None
        raise _date_error(column.kind, raw, wanted)

    return read


def _shown_moment(kind: Kind, moment: Moment) -> str:
    """Redshift drops the zone for TIMESTAMP and the time of day for DATE."""
    match kind:
        case Kind.DATE:
            return moment.day
        case Kind.TIMESTAMP:
            return moment.timestamp
        case Kind.TIMESTAMPTZ:
            return moment.timestamptz
        case Kind.TIME:
            return moment.time
        case _:
            return moment.time + moment.zone


def _date_error(kind: Kind, raw: bytes, wanted: str) -> FieldError:
    if kind is Kind.DATE:
        if wanted == "YYYY-MM-DD" and len(raw) < 10:
            return FieldError(1205, "Invalid Date Format - length must be 10 or more")
        return FieldError(1205, f"Invalid Date Format [{wanted}]")
    shown = "HH24:MI:SS" if kind in (Kind.TIME, Kind.TIMETZ) else wanted.replace("HH:", "HH24:")
    return FieldError(1206, f"Invalid timestamp format or value [{shown}]")


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _read_super(raw: bytes) -> bytes:
    try:
        json.loads(raw.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as unfit:
        raise FieldError(1224, "Invalid JSON format for SUPER") from unfit
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
    """Hexadecimal EWKB, kept as it is: whether it is a shape is not looked at."""
    if _HEX.fullmatch(raw) is None:
        raise FieldError(1219, "Invalid hexadecimal string for EWKB")
    return raw


def _read_text(raw: bytes) -> bytes:
    if fault := fault_of(raw):
        raise FieldError(1220, f"String contains invalid or unsupported UTF8 codepoints. {fault}")
    return raw


def _read_unknown(_: bytes) -> bytes:
    raise FieldError(1223, "Invalid data type")
