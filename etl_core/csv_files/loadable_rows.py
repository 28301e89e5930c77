"""The regular expression of rows that load as they are: COPY accepts every value and changes none. Pure.

It may miss such a row, which is then checked value by value. It never matches another one.
"""

from __future__ import annotations

import re
from functools import lru_cache

from etl_core.csv_files.unremarkable_rows import FLOATS, bytes_except, rows_pattern
from etl_core.csv_files.values import DEFAULT_NULL
from etl_core.schema_files.column_types import ColumnType
from etl_core.schema_files.datetime_patterns import AUTO
from etl_core.schema_files.schema_file import CsvOptions, SchemaFile

_INTEGERS = {"smallint": 4, "integer": 9, "bigint": 18}
"""Numbers of so many digits are in the range of the type."""
_DAY = (
    rb"[0-9]{4}(?<!0000)-(?>(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
    rb"|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
)
_CLOCK = rb"(?:[01][0-9]|2[0-3]):[0-5][0-9](?>:[0-5][0-9](?>\.[0-9]{1,6}+|)|)"
_TIMES = {
    "date": _DAY,
    "timestamp without time zone": _DAY + rb"(?>[ T]" + _CLOCK + rb"|)",
    "timestamp with time zone": _DAY + rb"(?>[ T]" + _CLOCK + rb"(?>Z|[-+]0[0-9](?::?00)|)|)",
    "time without time zone": _CLOCK,
    "time with time zone": _CLOCK,
}
_BOOLEAN = rb"(?>true|false|yes|no|[tfyn01])"
_LONGER_CHARACTER = (
    rb"[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
    rb"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}"
    rb"|\xf4[\x80-\x8f][\x80-\xbf]{2}"
)
"""UTF-8 beyond ASCII (RFC 3629, 4)."""
_NEVER = rb"(?!)"


def loadable_rows(
    columns: tuple[str, ...], header: tuple[str, ...], spec: SchemaFile
) -> re.Pattern[bytes]:
    """Return the pattern of any number of such rows, each with its line end."""
    by_name = {column.name: column for column in spec.columns}
    known = [by_name.get(name) for name in columns]
    fields = tuple(
        None if each is None else (each.type, not each.nullable or each.name in spec.primary_key)
        for each in known
    )
    return _compile(fields, header, spec.csv)


@lru_cache(maxsize=64)
def _compile(
    fields: tuple[tuple[ColumnType, bool] | None, ...], header: tuple[str, ...], options: CsvOptions
) -> re.Pattern[bytes]:
    patterns = [
        _ignored(options) if each is None else _field(*each, options=options) for each in fields
    ]
    return rows_pattern(patterns, header, options)


def _ignored(options: CsvOptions) -> bytes:
    """Return the pattern of a field that is not loaded."""
    quote = re.escape(options.quote.encode())
    bare = bytes_except(options.delimiter + options.quote + "\r\n")
    inner = bytes_except(options.quote + "\r\n")
    return rb"(?>" + bare + rb"++|" + quote + inner + rb"*+" + quote + rb"|)"


def _field(kind: ColumnType, not_null: bool, options: CsvOptions) -> bytes:  # noqa: FBT001
    quote = re.escape(options.quote.encode())
    if kind.is_text:
        bare = _text(kind, options.delimiter + options.quote, options)
        quoted = quote + _text(kind, options.quote, options) + quote
    else:
        value = _value(kind, options)
        bare, quoted = rb"(?>" + value + rb"|)", quote + rb"(?>" + value + rb"|)" + quote
    null = _null(kind, options) if not_null else b""
    return null + rb"(?>" + quoted + rb"|" + bare + rb")"


def _null(kind: ColumnType, options: CsvOptions) -> bytes:
    """Return what a field must not be so that it is not NULL."""
    quote, delimiter = re.escape(options.quote.encode()), re.escape(options.delimiter.encode())
    text = DEFAULT_NULL if options.null_as is None else options.null_as
    nulls = [re.escape(text.encode())]
    if not kind.is_text or options.empty_as_null:
        nulls.append(b"")
    if not kind.is_text or options.blank_as_null:
        nulls.append(rb"[ \t\v\f]++")
    end = rb"(?:" + delimiter + rb"|\r?\n)"
    return rb"(?!" + quote + rb"?+(?:" + rb"|".join(nulls) + rb")" + quote + rb"?+" + end + rb")"


def _text(kind: ColumnType, excluded: str, options: CsvOptions) -> bytes:
    """Return the pattern of a text that fits. Most texts are ASCII."""
    quote, delimiter = re.escape(options.quote.encode()), re.escape(options.delimiter.encode())
    length = b"{0,%d}+" % kind.arguments[0]
    ascii_bytes = bytes_except(excluded + "\0\r\n", beyond_ascii=False)
    any_bytes = bytes_except(excluded + "\0\r\n")
    end = rb"(?=" + delimiter + rb"|[\r\n]|" + quote + rb")"
    plain = ascii_bytes + length + end
    if kind.name == "character":
        return plain
    longer = rb"(?=" + any_bytes + length + end + rb")(?>" + ascii_bytes + rb"++|"
    return rb"(?>" + plain + rb"|" + longer + _LONGER_CHARACTER + rb")*+" + end + rb")"


def _value(kind: ColumnType, options: CsvOptions) -> bytes:
    if kind.name in _INTEGERS:
        return b"-?+[0-9]{1,%d}+" % _INTEGERS[kind.name]
    if kind.name == "numeric":
        precision, scale = kind.arguments
        if precision == scale:
            return _NEVER
        return rb"-?+[0-9]{1,%d}+(?>\.[0-9]{0,%d}+|)" % (precision - scale, scale)
    if kind.name in FLOATS:
        return FLOATS[kind.name]
    if kind.name == "boolean":
        return _BOOLEAN
    if kind.is_time:
        return _TIMES[kind.name]
    if kind.is_datetime:
        is_day = kind.name == "date"
        format_text = options.copy_date_format if is_day else options.copy_time_format
        return _TIMES[kind.name] if format_text == AUTO else _NEVER
    return _NEVER
