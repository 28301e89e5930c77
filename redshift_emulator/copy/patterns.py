"""The regular expressions of fields on the fast path, per column type. Pure.

Their form follows from measurements of Python's engine: alternatives that begin with different
bytes are fast; optional groups, an optional leading sign and negated byte sets are two to three
times as slow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from redshift_emulator.copy.columns import Column, Kind
from redshift_emulator.copy.options import CopyOptions

HIGH_BYTES = bytes(range(128, 256))
_BLANKS = b" \t\v\f\r\n"


@dataclass(frozen=True)
class FieldSyntax:
    """Delimiter, quote, PostgreSQL's NULL string (may be empty), and the bytes that no fast-path row may contain."""

    delimiter: bytes
    quote: bytes
    null_mark: bytes
    excluded: frozenset[int]


def field_pattern(column: Column, options: CopyOptions, syntax: FieldSyntax, end: bytes) -> bytes:
    """Return the pattern of one field with its ending (the pattern ``end``): unquoted, or quoted in CSV."""
    alternatives = (
        _text_field(column, options, syntax, end)
        if column.is_character
        else _value_field(column, options, syntax, end)
    )
    opening = rb"(?>" if syntax.null_mark else rb"(?:"
    return opening + b"|".join(alternatives) + rb")"


def empty_is_null(options: CopyOptions) -> bool:
    """Return whether an empty CHAR or VARCHAR field is NULL."""
    return options.empty_as_null or not options.null_as


def _value_field(
    column: Column, options: CopyOptions, syntax: FieldSyntax, end: bytes
) -> list[bytes]:
    """Return the patterns for types other than CHAR and VARCHAR, with NULL where the column allows it."""
    values = value_patterns(column, options)
    if values and not (column.not_null or column.identity):
        values.append(re.escape(syntax.null_mark))
    unquoted = [value + end for value in values]
    quote = re.escape(syntax.quote)
    quoted = [quote + rb"(?>" + b"|".join(value + quote + end for value in values) + rb")"]
    return (unquoted + (quoted if options.quote else [])) if values else [rb"(?!)"]


def _text_field(
    column: Column, options: CopyOptions, syntax: FieldSyntax, end: bytes
) -> list[bytes]:
    """Return the patterns for CHAR and VARCHAR: at most ``column.length`` bytes."""
    excluded = syntax.excluded | (
        frozenset(HIGH_BYTES) if column.kind is Kind.CHAR else frozenset()
    )
    quote = re.escape(syntax.quote)
    unquoted = _bytes_except(excluded, syntax.delimiter, syntax.quote, b"\r\n")
    inner = _bytes_except(excluded, syntax.quote)
    minimum = 1 if empty_is_null(options) and (column.not_null or syntax.null_mark) else 0
    counts = b"{%d,%d}+" % (minimum, column.length)
    tail = rb"(?<! )" if options.trim_blanks and column.kind is Kind.VARCHAR else rb""
    start = _forbidden_start(column, options, syntax, end)
    fields = [start + unquoted + counts + tail + end]
    if options.quote:
        doubled = rb"(?:" + inner + rb"|" + quote * 2 + rb")"
        closing = tail + quote + end
        fields.append(
            quote
            + start
            + rb"(?>"
            + inner
            + counts
            + closing
            + rb"|"
            + doubled
            + counts
            + closing
            + rb")"
        )
    return fields


def _bytes_except(excluded: Iterable[int], *more: bytes) -> bytes:
    """Return the character class of all other bytes, as a positive set of ranges."""
    missing = sorted(set(excluded).union(*more))
    gaps = zip([-1, *missing], [*missing, 256], strict=True)
    ranges = (
        b"\\x%02x-\\x%02x" % (after + 1, before - 1) for after, before in gaps if before - after > 1
    )
    return b"[" + b"".join(ranges) + b"]"


def _forbidden_start(
    column: Column, options: CopyOptions, syntax: FieldSyntax, end: bytes
) -> bytes:
    """Return the lookahead for texts that need conversion.

    Under BLANKSASNULL a text that begins with a blank; in a NOT NULL column the text of NULL AS.
    """
    start = b"(?![%s])" % _BLANKS if options.blanks_as_null else b""
    if column.not_null and syntax.null_mark:
        start += (
            rb"(?!"
            + re.escape(syntax.null_mark)
            + rb"(?:"
            + re.escape(syntax.quote)
            + rb"|"
            + end
            + rb"))"
        )
    return start


_DAY = (
    rb"[12][0-9][0-9][0-9]-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    rb"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_CLOCK = rb"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_CLOCKS = (_CLOCK, _CLOCK + rb"\.[0-9]{1,6}+")
_ZONE = rb"[-+](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?+"
_ISO_DAYS = (None, "auto", "YYYY-MM-DD")
_SEPARATORS = {
    None: b" ",
    "YYYY-MM-DD HH:MI:SS": b" ",
    "YYYY-MM-DD HH24:MI:SS": b" ",
    "YYYY-MM-DDTHH:MI:SS": b"T",
}
_EXPONENTS = {Kind.REAL: rb"[eE][-+]?+[0-2]?+[0-9]", Kind.DOUBLE: rb"[eE][-+]?+[0-9]{1,2}+"}


def value_patterns(column: Column, options: CopyOptions) -> list[bytes]:
    """Return the patterns of values that PostgreSQL reads as Redshift would.

    A field matches at most one of them. The list is empty when every value of the column must be
    converted.
    """
    match column.kind:
        case Kind.SMALLINT:
            return _signed(rb"[0-9]{1,4}+", rb"[12][0-9]{4}")
        case Kind.INTEGER:
            return _signed(rb"[0-9]{1,9}+", rb"1[0-9]{9}", rb"20[0-9]{8}")
        case Kind.BIGINT:
            return _signed(rb"[0-9]{1,18}+", rb"[1-8][0-9]{18}")
        case Kind.NUMERIC:
            whole = column.precision - column.scale
            digits = b"[0-9]{1,%d}+" % whole if whole else b"0"
            return _signed(digits + b"\\.[0-9]{0,%d}+" % column.scale, digits)
        case Kind.REAL | Kind.DOUBLE:
            return _floats(column.kind)
        case Kind.BOOLEAN:
            return [
                rb"[01tfynTFYN]",
                rb"[tT](?i:rue)",
                rb"[fF](?i:alse)",
                rb"[yY](?i:es)",
                rb"[nN](?i:o)",
            ]
        case Kind.SUPER:
            return [rb"true", rb"false", rb"null", rb"0", rb"[1-9][0-9]{0,14}+"]
        case Kind.DATE | Kind.TIME | Kind.TIMETZ | Kind.TIMESTAMP | Kind.TIMESTAMPTZ:
            return _datetimes(column.kind, options)
        case _:
            return []


def _signed(*patterns: bytes) -> list[bytes]:
    return [*patterns, *(b"-" + pattern for pattern in patterns)]


def _floats(kind: Kind) -> list[bytes]:
    """Return patterns with few enough digits and exponents that the value neither overflows nor becomes zero."""
    digits_max = 9 if kind is Kind.REAL else 17
    digits = b"[0-9]{1,%d}+" % digits_max
    return _signed(
        digits + b"\\.[0-9]{0,%d}+(?:%s)?+" % (digits_max, _EXPONENTS[kind]),
        digits + b"(?:%s)?+" % _EXPONENTS[kind],
    )


def _datetimes(kind: Kind, options: CopyOptions) -> list[bytes]:
    if kind is Kind.DATE:
        return [_DAY] if options.date_format in _ISO_DAYS else []
    if kind is Kind.TIME:
        return list(_CLOCKS)
    if kind is Kind.TIMETZ:
        return [clock + rb"(?:" + _ZONE + rb")?+" for clock in _CLOCKS]
    if options.time_format == "auto":
        clock = rb"[ T]" + _CLOCK + rb"(?:\.[0-9]{1,6}+)?+(?:Z|" + _ZONE + rb")?+"
        return [_DAY + clock, _DAY]
    separator = _SEPARATORS.get(options.time_format)
    if separator is None:
        return []
    zoned = kind is Kind.TIMESTAMPTZ and options.time_format is None
    zone = rb"(?:" + _ZONE + rb")?+" if zoned else rb""
    return [_DAY + separator + clock + zone for clock in _CLOCKS]
