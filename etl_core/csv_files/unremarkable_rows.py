"""The regular expression of rows that a scan need not look at: COPY loads each of their values unchanged. Pure.

It may miss such a row, which then costs time. It never matches another one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from etl_core.csv_files.datetime_formats import format_pattern
from etl_core.schema_files.column_types import ColumnType
from etl_core.schema_files.datetime_patterns import AUTO
from etl_core.schema_files.schema_file import CsvOptions, SchemaFile

_DAY = rb"[0-9]{4}[-/][0-9]{1,2}+[-/][0-9]{1,2}+"
_CLOCK = rb"[0-9]{1,2}+:[0-9][0-9](?>:[0-9][0-9](?>\.[0-9]{1,6}+|)|)"
_MIDNIGHT = rb"00:00(?::00(?:\.0{1,6})?+)?+"
_UTC = rb"(?:[Zz]|[-+]00(?::?00)?+)?+"
_ZONE = rb" ?(?:[Zz]|[-+]\d\d(?::?\d\d)?+)?+"
FLOATS = {
    "real": rb"(?>-?+(?=[0-9.]{1,7}+(?![0-9.]))[0-9]++(?>\.[0-9]*+|))",
    "double precision": rb"(?>-?+(?>[0-9]{1,15}+(?![0-9.])|(?=[0-9.]{3,18}+(?![0-9.]))[0-9]++\.[0-9]++))",
}
"""Numbers that the type keeps: 6 digits of a REAL, 15 of a DOUBLE PRECISION, 17 with decimals."""
_NEVER = rb"(?!)"


def unremarkable_rows(
    columns: tuple[str, ...], header: tuple[str, ...], spec: SchemaFile
) -> re.Pattern[bytes]:
    """Return the pattern of any number of such rows, each with its line end."""
    types = {column.name: column.type for column in spec.columns}
    return _compile(tuple(types.get(name) for name in columns), header, spec.csv)


@lru_cache(maxsize=64)
def _compile(
    types: tuple[ColumnType | None, ...], header: tuple[str, ...], options: CsvOptions
) -> re.Pattern[bytes]:
    return rows_pattern([_field(kind, options) for kind in types], header, options)


def rows_pattern(
    fields: Sequence[bytes], header: tuple[str, ...], options: CsvOptions
) -> re.Pattern[bytes]:
    """Return the pattern of rows of these fields, except rows without values and repeated headers."""
    delimiter, quote = re.escape(options.delimiter.encode()), re.escape(options.quote.encode())
    excluded = [re.escape(options.delimiter.join(header).encode()) + rb"\r?\n"] if header else []
    if len(fields) > 1:
        empty = rb"(?:" + quote * 2 + rb")?+"
        excluded.append(
            rb"(?=["
            + delimiter
            + quote
            + rb"])"
            + empty
            + rb"(?:"
            + delimiter
            + empty
            + rb")*+\r?\n"
        )
    remarkable = b"".join(rb"(?!" + each + rb")" for each in excluded)
    row = delimiter.join(fields)
    return re.compile(rb"(?>" + remarkable + row + rb"(?>\n|\r\n))*+")


def _field(kind: ColumnType | None, options: CsvOptions) -> bytes:
    """Return the pattern of a field. Alternatives that begin with different bytes are quick."""
    quote = re.escape(options.quote.encode())
    value = None if kind is None else _value(kind, options)
    if value is None:
        inner = bytes_except(options.quote + "\r\n")
        bare = bytes_except(options.delimiter + options.quote + "\r\n")
        # Of a longer text, COPY cuts blanks off, or refuses it.
        is_text = kind is not None and kind.name == "character varying"
        most = b"%d" % kind.arguments[0] if kind is not None and is_text else b""
        counts = rb"{1," + most + rb"}+", rb"{0," + most + rb"}+"
        return rb"(?>" + bare + counts[0] + rb"|" + quote + inner + counts[1] + quote + rb"|)"
    return rb"(?>" + value + rb"|" + quote + rb"(?:" + value + rb")?+" + quote + rb"|)"


def bytes_except(characters: str, *, beyond_ascii: bool = True) -> bytes:
    """Return the class of all other bytes as ranges: a negated class is slower."""
    missing = sorted({*characters.encode()})
    gaps = zip([-1, *missing], [*missing, 256 if beyond_ascii else 128], strict=True)
    ranges = (
        b"\\x%02x-\\x%02x" % (after + 1, before - 1) for after, before in gaps if before - after > 1
    )
    return b"[" + b"".join(ranges) + b"]"


def _value(kind: ColumnType, options: CsvOptions) -> bytes | None:
    """Return the pattern of values that COPY stores unchanged; None if COPY cuts no value of the type."""
    if kind.name == "numeric":
        scale = kind.arguments[1]
        return rb"(?>-?+[0-9]++(?>\.[0-9]{0,%d}+|))" % scale
    if kind.name in FLOATS:
        exponent = rb"" if kind.name == "real" else rb"(?>[eE][-+]?+[0-9]{1,2}+|)"
        return FLOATS[kind.name] + exponent
    if kind.name == "time without time zone":
        return rb"(?:" + _CLOCK + rb")"
    if kind.name == "time with time zone":
        return rb"(?:" + _CLOCK + _ZONE + rb")"
    if not kind.is_datetime:
        return None
    format_text = options.copy_date_format if kind.name == "date" else options.copy_time_format
    return _auto(kind) if format_text == AUTO else _of_format(kind, format_text)


def _auto(kind: ColumnType) -> bytes:
    """Return the pattern of dates with the year first, with a time that the type stores."""
    match kind.name:
        case "date":
            return rb"(?:" + _DAY + rb"(?:[ T]" + _MIDNIGHT + rb")?+)"
        case "timestamp without time zone":
            return rb"(?:" + _DAY + rb"(?:[ T]" + _CLOCK + _UTC + rb")?+)"
        case _:
            return rb"(?:" + _DAY + rb"(?:[ T]" + _CLOCK + _ZONE + rb")?+)"


def _of_format(kind: ColumnType, format_text: str) -> bytes | None:
    upper = format_text.upper()
    if "HH" not in upper and "OF" not in upper:
        return None
    if kind.name == "date" or "OF" in upper:
        return _NEVER
    return rb"(?:" + format_pattern(format_text, fraction_digits=6).encode() + rb")"
