"""The texts that COPY reads as dates and times: format strings, 'auto', epochs. Pure.

Sources: COPY, "Data conversion parameters", "DATEFORMAT and TIMEFORMAT strings", "Using automatic
recognition with DATEFORMAT and TIMEFORMAT".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from etl_core.schema_files.datetime_patterns import TOKEN

_FLAGS = re.IGNORECASE | re.ASCII
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    "(?P<mon>january|february|march|april|may|june|july|august|september|october|november|december|sept|"
    + "|".join(_MONTHS)
    + ")"
)
_FRACTION = r"(?:\.(?P<frac>\d+))?"
_ZONE = (
    r"(?P<zone>z|utc|gmt|[ecmp][sd]t|[-+]\d{1,2}(?::?\d\d)?"
    r"|(?:africa|america|antarctica|arctic|asia|atlantic|australia|brazil|canada|chile|etc|europe|indian"
    r"|mexico|pacific|us)(?:/[a-z0-9_+-]+){1,2})"
)
"""Also names such as America/Chicago. Whether the place exists is left to COPY."""
_TOKENS = {
    "YYYY": r"(?P<yyyy>\d{4})", "YY": r"(?P<yy>\d\d)", "MONTH": _MONTH, "MON": _MONTH, "MM": r"(?P<mm>\d\d)",
    "DD": r"(?P<dd>\d\d)", "HH24": r"(?P<hh>\d\d)", "HH12": r"(?P<hh>\d\d)", "HH": r"(?P<hh>\d\d)",
    "MI": r"(?P<mi>\d\d)", "SS": r"(?P<ss>\d\d)" + _FRACTION, "AM": r"(?P<half>[ap]m)", "PM": r"(?P<half>[ap]m)",
    "OF": f"{_ZONE}?",
}  # fmt: skip
_CLOCKS = (
    rf"(?P<hh>\d{{1,2}}):(?P<mi>\d\d)(?::(?P<ss>\d\d){_FRACTION})?(?:\s*(?P<half>[ap]m))?",
    rf"(?P<hh>\d\d)(?P<mi>\d\d)(?P<ss>\d\d){_FRACTION}",
)
_DAYS = (
    r"(?P<yyyy>\d{4})[-/](?P<mm>\d{1,2})[-/](?P<dd>\d{1,2})",
    r"(?P<mm>\d{1,2})[-/](?P<dd>\d{1,2})[-/](?P<yyyy>\d{4})",
    r"(?P<mm>\d{1,2})[-/](?P<dd>\d{1,2})[-/](?P<yy>\d\d)",
    r"(?P<dd>\d{1,2})\.(?P<mm>0?[1-9]|1[0-2])\.(?P<yyyy>\d{4})",
    # AWS's own example is 12.17.1997: the month comes first if it cannot be the second number.
    r"(?P<mm>0?[1-9]|1[0-2])\.(?P<dd>1[3-9]|[23]\d)\.(?P<yyyy>\d{4})",
    r"(?P<yyyy>\d{4})\.(?P<ddd>\d{3})",
    r"(?P<yyyy>\d{4})(?P<mm>\d\d)(?P<dd>\d\d)",
    r"(?P<yy>\d\d)(?P<mm>\d\d)(?P<dd>\d\d)",
    r"j(?P<julian>\d{1,7})",
    rf"(?P<dd>\d{{1,2}})[- ]{_MONTH}[- ](?P<yyyy>\d{{4}})",
    rf"{_MONTH}[- ](?P<dd>\d{{1,2}}),?[- ](?P<yyyy>\d{{4}})",
    rf"(?P<yyyy>\d{{4}})[- ]{_MONTH}[- ](?P<dd>\d{{1,2}})",
)
_AUTO = [
    re.compile(rf"{day}(?:[ t]+{clock}(?:\s*{_ZONE})?)?(?:\s+(?P<era>bc|ad))?", _FLAGS)
    for day in _DAYS
    for clock in _CLOCKS
]
_AUTO.append(
    re.compile(rf"(?P<dd>\d{{1,2}}) {_MONTH} {_CLOCKS[0]} (?P<yyyy>\d{{4}})(?: {_ZONE})?", _FLAGS)
)
_TIME = re.compile(
    rf"(?P<hh>\d\d?):(?P<mi>\d\d)(?::(?P<ss>\d\d){_FRACTION})?(?:\s*{_ZONE})?", _FLAGS
)
_EPOCH = re.compile(r"-?\d{1,18}(?:\.\d+)?", re.ASCII)


_UTC = re.compile(r"z|utc|gmt|[-+]0?0(?::?00)?", _FLAGS)
_END_OF_DAY = re.compile(r"24:00(?::00(?:\.0+)?)?", re.ASCII)
_MICROSECONDS = 6


class DateTimeParts(NamedTuple):
    """What a date, or a date with a time, has that a column may not store.

    `has_time`: a time of day other than midnight. `has_offset`: a time zone other than UTC.
    `has_nanoseconds`: digits beyond microseconds. `is_ambiguous`: another order of day, month and
    year is possible as well.
    """

    has_time: bool = False
    has_offset: bool = False
    has_nanoseconds: bool = False
    is_ambiguous: bool = False


Reader = Callable[[str], DateTimeParts | None]


def datetime_reader(format_text: str) -> Reader:
    """Return the reader of dates, or dates with a time, in this DATEFORMAT or TIMEFORMAT.

    It returns None for another text.
    """
    match format_text:
        case "auto":
            return read_auto_datetime
        case "epochsecs":
            return lambda text: DateTimeParts() if _is_epoch(text, 1) else None
        case "epochmillisecs":
            return lambda text: DateTimeParts() if _is_epoch(text, 1000) else None
    pattern = _compile_format(format_text)
    return lambda text: _parts(pattern.fullmatch(text))


def read_auto_datetime(text: str) -> DateTimeParts | None:
    """Return the parts of a text that 'auto' recognises as a date or a date with a time.

    01/02/2003 is read with the month first.
    """
    stripped = text.strip()
    match = next(filter(None, (pattern.fullmatch(stripped) for pattern in _AUTO)), None)
    parts = _parts(match)
    if match is None or parts is None:
        return None
    return parts._replace(is_ambiguous=_is_ambiguous(match))


def is_auto_datetime(text: str) -> bool:
    """Whether 'auto' recognises the text as a date or a date with a time, in only one way."""
    parts = read_auto_datetime(text)
    return parts is not None and not parts.is_ambiguous


def read_time(text: str) -> DateTimeParts | None:
    """Return the parts of a time of day, with or without seconds and zone; None for another text."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    parts = match.groupdict()
    clock = text[: match.start("zone")].rstrip() if parts["zone"] else text
    is_end_of_day = _END_OF_DAY.fullmatch(clock) is not None
    is_possible = _clock_is_possible(parts | {"hh": "0"} if is_end_of_day else parts)
    return _lost(parts) if is_possible else None


def is_time(text: str) -> bool:
    """Whether the text is a time of day, with or without seconds and zone."""
    return read_time(text) is not None


def _is_ambiguous(match: re.Match[str]) -> bool:
    """Whether the date has another order of its parts too: COPY reads it in one, the author meant either.

    A year of two digits, or day and month both at most 12 before the year.
    """
    parts = match.groupdict()
    if parts.get("yy") is not None:
        return True
    month, day = parts.get("mm"), parts.get("dd")
    if month is None or day is None or match.start("yyyy") < match.start("mm"):
        return False
    return int(day) <= 12 and int(day) != int(month)


def _parts(match: re.Match[str] | None) -> DateTimeParts | None:
    return _lost(match.groupdict()) if match is not None and _is_possible(match) else None


def _lost(parts: Mapping[str, str | None]) -> DateTimeParts:
    zone, fraction = parts.get("zone") or "", parts.get("frac") or ""
    clock = "".join(parts.get(name) or "" for name in ("hh", "mi", "ss")) + fraction
    is_midnight = not clock.strip("0") or (
        (parts.get("half") or "").lower() == "am"
        and clock.startswith("12")
        and not clock[2:].strip("0")
    )
    return DateTimeParts(
        has_time=not is_midnight,
        has_offset=bool(zone) and _UTC.fullmatch(zone) is None,
        has_nanoseconds=bool(fraction[_MICROSECONDS:].strip("0")),
    )


def format_pattern(format_text: str, *, fraction_digits: int) -> str:
    """Return the regular expression of texts in this format, without named groups.

    It does not check whether the day exists. Seconds have at most so many decimals.
    """
    pattern = re.sub(r"\?P<\w+>", "?:", _compile_format(format_text).pattern)
    return "(?i:" + pattern.replace(r"\.(?:\d+)", rf"\.(?:\d{{1,{fraction_digits}}})") + ")"


@lru_cache(maxsize=512)
def _compile_format(format_text: str) -> re.Pattern[str]:
    parts: list[str] = []
    seen: set[str] = set()
    position = 0
    for token in TOKEN.finditer(format_text):
        pattern = _TOKENS[token[0].upper()]
        names = set(re.findall(r"\?P<(\w+)>", pattern))
        parts += (
            re.escape(format_text[position : token.start()]),
            (re.sub(r"\?P<\w+>", "?:", pattern) if names & seen else pattern),
        )
        seen |= names
        position = token.end()
    return re.compile("".join([*parts, re.escape(format_text[position:])]), _FLAGS)


def _is_possible(match: re.Match[str]) -> bool:
    parts = match.groupdict()
    return _day_is_possible(parts) and _clock_is_possible(parts)


def _day_is_possible(parts: Mapping[str, str | None]) -> bool:
    try:
        if julian := parts.get("julian"):
            return bool(date(2000, 1, 1) + timedelta(days=int(julian) - 2451545))
        year = int(parts.get("yyyy") or _century(parts.get("yy")))
        if ordinal := parts.get("ddd"):
            return (
                int(ordinal) > 0
                and (date(year, 1, 1) + timedelta(days=int(ordinal) - 1)).year == year
            )
        name = parts.get("mon")
        month = _MONTHS.index(name[:3].lower()) + 1 if name else int(parts.get("mm") or 1)
        return bool(date(year, month, int(parts.get("dd") or 1)))
    except (ValueError, OverflowError):
        return False


def _century(short: str | None) -> str:
    if short is None:
        raise ValueError("no year")
    return f"{20 if int(short) < 70 else 19}{short}"


def _clock_is_possible(parts: Mapping[str, str | None]) -> bool:
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hh", "mi", "ss"))
    hours = range(1, 13) if parts.get("half") else range(24)
    return (
        hour in hours and minute < 60 and second < 60 and _zone_is_possible(parts.get("zone") or "")
    )


def _zone_is_possible(zone: str) -> bool:
    digits = zone[1:].replace(":", "")
    if zone[:1] not in ("+", "-"):
        return True
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    return int(hours) <= 15 and int(minutes) < 60


def _is_epoch(text: str, units_per_second: int) -> bool:
    if _EPOCH.fullmatch(text) is None:
        return False
    try:
        seconds = int(text.partition(".")[0]) // units_per_second
        return bool(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
    except OverflowError:
        return False
