"""What probably cures a value that COPY refuses. Guesses: they appear in hints and decide nothing. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from typing import NamedTuple

from etl_core.csv_files.datetime_formats import datetime_reader
from etl_core.csv_files.messages import (
    BLANKS_AROUND,
    CONVERT_NUMBER,
    DATES_AS_ISO,
    END_OF_FILE_MARK,
    EPOCH_IN_DATE,
    JSON_QUOTES,
    MAKE_NUMERIC,
    SAVE_AS_UTF8,
    SET_DATETIME_FORMAT,
    SET_EPOCH,
    SET_NULL_AS,
    SPREADSHEET_ERROR,
    TEXT_OR_MISSING,
    WIDEN_TEXT,
)
from etl_core.schema_files.column_types import ColumnType
from etl_core.schema_files.schema_file import CsvOptions

_MISSING = frozenset(
    ("null", "(null)", "[null]", "<null>", "n/a", "na", "#n/a", "<na>", "nan", "-nan", "none", "nil",
     "nat", "missing", "undefined", "unknown", "-", "--", "?", ".", "\\n")
)  # fmt: skip
_ERRORS = re.compile(r"#(?:REF|VALUE|DIV/0|NAME\?|NUM|NULL)!?", re.IGNORECASE)
_FORMATTED = re.compile(
    r"[-+(\u2212]?\s*(?:[$\u20ac\u00a3\u00a5]|[A-Z]{3}\s)?\s*[-+\u2212]?\d{1,3}(?:[.,'\s\u00a0\u202f]?\d{3})*"
    r"(?:[.,]\d+)?\s*(?:%|[$\u20ac\u00a3\u00a5]|[A-Z]{3})?\)?"
)
_WITH_DECIMALS = re.compile(r"[-+]?\d+\.\d*(?:[eE][-+]?\d+)?|[-+]?\d+[eE]\+?\d+", re.ASCII)
_EPOCH = re.compile(r"-?\d{9,13}(?:\.\d+)?", re.ASCII)
_MILLISECONDS_FROM = 10**11
_CLOCKS = ("", " HH24:MI", " HH24:MI:SS", "THH24:MI:SS", " HH12:MI AM", " HH12:MI:SS AM")
_DAYS = (
    "YYYY-MM-DD", "YYYY/MM/DD", "YYYY.MM.DD", "YYYYMMDD", "DD/MM/YYYY", "MM/DD/YYYY", "DD.MM.YYYY",
    "MM.DD.YYYY", "DD-MM-YYYY", "MM-DD-YYYY", "DD/MM/YY", "MM/DD/YY", "DD.MM.YY", "MM.DD.YY",
    "DD-MM-YY", "MM-DD-YY", "YYMMDD", "DDMMYY", "MMDDYY", "DDMMYYYY", "DD-MON-YYYY", "DD-MON-YY",
    "DD MON YYYY", "DD MONTH YYYY", "MON DD, YYYY", "MONTH DD, YYYY",
)  # fmt: skip


class DateTimeKind(NamedTuple):
    """A kind of column, as messages name it, and the option that holds its format."""

    what: str
    option: str


DATE = DateTimeKind("date", "csv.date_format")
TIMESTAMP = DateTimeKind("timestamp", "csv.time_format")


def cure_of(value: str, kind: ColumnType, options: CsvOptions) -> str:
    """Return what probably cures the value; "" if nothing is likely."""
    stripped = value.strip()
    if value.strip("\x1a\r") == "" and "\x1a" in value:
        return END_OF_FILE_MARK()
    if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
        return SAVE_AS_UTF8()
    if kind.is_text:
        return _cure_of_text(value, kind)
    if stripped.lower() in _MISSING:
        return _cure_of_missing(value, options)
    if _ERRORS.fullmatch(stripped):
        return SPREADSHEET_ERROR()
    if kind.is_datetime:
        return _cure_of_datetime(stripped, kind)
    return _cure_of_other(value, kind)


def format_hint(value: str, wanted: DateTimeKind) -> str:
    """Return the hint that names the formats in which the value can be read."""
    formats = " or ".join(f'"{each}"' for each in islice(_formats(value.strip(), wanted), 3))
    return SET_DATETIME_FORMAT(option=wanted.option, formats=formats) if formats else DATES_AS_ISO()


def _cure_of_missing(value: str, options: CsvOptions) -> str:
    if options.null_as is not None:
        return TEXT_OR_MISSING(value=value, null_as=options.null_as)
    return SET_NULL_AS(value=value)


def _cure_of_text(value: str, kind: ColumnType) -> str:
    size, limit = len(value.encode("utf-8", "surrogateescape")), kind.arguments[0]
    if size <= limit or "\0" in value:
        return ""
    return WIDEN_TEXT(size=_rounded(size)) if size <= 65535 else ""


def _rounded(size: int) -> int:
    """Return a length with some room: the next power of two, at most what VARCHAR can have."""
    return min(65535, 1 << (size - 1).bit_length())


def _cure_of_datetime(value: str, kind: ColumnType) -> str:
    wanted = DATE if kind.name == "date" else TIMESTAMP
    if _EPOCH.fullmatch(value) and _is_recent(value):
        unit = "epochmillisecs" if _is_in_milliseconds(value) else "epochsecs"
        return EPOCH_IN_DATE(unit=unit) if wanted is DATE else SET_EPOCH(unit=unit)
    return format_hint(value, wanted)


def _is_in_milliseconds(value: str) -> bool:
    return abs(int(value.partition(".")[0])) >= _MILLISECONDS_FROM


def _is_recent(value: str) -> bool:
    seconds = float(value) / (1000 if _is_in_milliseconds(value) else 1)
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return 1971 <= at.year <= 2100


def _formats(value: str, wanted: DateTimeKind) -> Iterator[str]:
    clocks = _CLOCKS if wanted is TIMESTAMP else _CLOCKS[:1]
    for clock, day in product(clocks, _DAYS):
        if datetime_reader(day + clock)(value) is not None:
            yield day + clock


def _cure_of_other(value: str, kind: ColumnType) -> str:
    stripped = value.strip()
    if kind.name == "super":
        return JSON_QUOTES() if "'" in value else ""
    is_number = kind.is_integer or kind.name in ("numeric", "real", "double precision")
    if not is_number:
        return ""
    if kind.is_integer and _WITH_DECIMALS.fullmatch(stripped):
        return MAKE_NUMERIC()
    if stripped != value and re.fullmatch(r"[-+]?\d+(?:\.\d*)?", stripped, re.ASCII):
        return BLANKS_AROUND()
    return CONVERT_NUMBER() if _FORMATTED.fullmatch(stripped) and not stripped.isdigit() else ""
