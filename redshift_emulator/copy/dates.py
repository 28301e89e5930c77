"""Dates and times as COPY reads them: format strings, 'auto', epochs. Pure.

Readers return ISO text, or None for a value they cannot read. The caller chooses the load error.
Sources: COPY "Data conversion parameters", "DATEFORMAT and TIMEFORMAT strings", "Using automatic
recognition".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import available_timezones

_FLAGS = re.IGNORECASE | re.ASCII
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_MONTH = "(?P<mon>" + "|".join([*_LONG_MONTHS, *MONTHS, "sept"]) + ")"
_SECONDS = r"(?P<ss>\d\d)(?:\.(?P<frac>\d+))?"
_ZONE = (
    r"(?P<zone>z|utc|gmt|[ecmp][sd]t|[-+]\d{1,2}(?::?\d\d)?"
    r"|(?:africa|america|antarctica|arctic|asia|atlantic|australia|brazil|canada|chile|etc|europe|indian"
    r"|mexico|pacific|us)(?:/[a-z0-9_+-]+){1,2})"
)
_ZONES = {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}
_TOKENS = {
    "YYYY": r"(?P<yyyy>\d{4})",
    "YY": r"(?P<yy>\d\d)",
    "MONTH": _MONTH,
    "MON": _MONTH,
    "MM": r"(?P<mm>\d\d)",
    "DD": r"(?P<dd>\d\d)",
    "HH24": r"(?P<hh>\d\d)",
    "HH12": r"(?P<hh>\d\d)",
    "HH": r"(?P<hh>\d\d)",
    "MI": r"(?P<mi>\d\d)",
    "SS": _SECONDS,
    "AM": r"(?P<half>[ap]m)",
    "PM": r"(?P<half>[ap]m)",
    "OF": f"{_ZONE}?",
}
_TOKEN = re.compile("|".join(sorted(_TOKENS, key=len, reverse=True)), _FLAGS)


class DateTimeText(NamedTuple):
    """A date and a time of day as ISO text.

    ``zone`` is ``+HH:MM`` or a blank and a name, or empty when the value had none.
    """

    day: str
    time: str
    zone: str

    @property
    def timestamp(self) -> str:
        day, _, era = self.day.partition(" ")
        return f"{day} {self.time}" + (f" {era}" if era else "")

    @property
    def timestamptz(self) -> str:
        day, _, era = self.day.partition(" ")
        return f"{day} {self.time}{self.zone}" + (f" {era}" if era else "")


Reader = Callable[[str], DateTimeText | None]


@lru_cache(maxsize=64)
def datetime_reader(format_text: str) -> Reader:
    """Return the reader for a DATEFORMAT or TIMEFORMAT: 'auto', 'epochsecs', 'epochmillisecs'
    (lower case) or a format.
    """
    match format_text:
        case "auto":
            return read_auto
        case "epochsecs":
            return lambda text: _read_epoch(text, 1)
        case "epochmillisecs":
            return lambda text: _read_epoch(text, 1000)
    pattern = _compile_format(format_text)
    return lambda text: _read_match(pattern.fullmatch(text))


def _compile_format(format_text: str) -> re.Pattern[str]:
    parts: list[str] = []
    seen: set[str] = set()
    position = 0
    for token in _TOKEN.finditer(format_text):
        parts.append(re.escape(format_text[position : token.start()]))
        pattern = _TOKENS[token[0].upper()]
        names = set(re.findall(r"\?P<(\w+)>", pattern))
        parts.append(re.sub(r"\?P<\w+>", "?:", pattern) if names & seen else pattern)
        seen |= names
        position = token.end()
    parts.append(re.escape(format_text[position:]))
    return re.compile("".join(parts), _FLAGS)


_CLOCK = (
    r"(?P<hh>\d{1,2}):(?P<mi>\d\d)(?::(?P<ss>\d\d)(?:\.(?P<frac>\d+))?)?(?:\s*(?P<half>[ap]m))?",
    r"(?P<hh>\d\d)(?P<mi>\d\d)(?P<ss>\d\d)(?:\.(?P<frac>\d+))?",
)
_DAYS = (
    r"(?P<yyyy>\d{4})[-/](?P<mm>\d{1,2})[-/](?P<dd>\d{1,2})",
    r"(?P<mm>\d{1,2})[-/](?P<dd>\d{1,2})[-/](?P<yyyy>\d{4})",
    r"(?P<mm>\d{1,2})[-/](?P<dd>\d{1,2})[-/](?P<yy>\d\d)",
    r"(?P<dd>\d{1,2})\.(?P<mm>0?[1-9]|1[0-2])\.(?P<yyyy>\d{4})",
    # AWS's own example is 12.17.1997 07:37:16.00 PST ("Using automatic recognition").
    r"(?P<mm>0?[1-9]|1[0-2])\.(?P<dd>1[3-9]|[23]\d)\.(?P<yyyy>\d{4})",
    r"(?P<yyyy>\d{4})\.(?P<ddd>\d{3})",
    r"(?P<yyyy>\d{4})(?P<mm>\d\d)(?P<dd>\d\d)",
    r"(?P<yy>\d\d)(?P<mm>\d\d)(?P<dd>\d\d)",
    r"j(?P<julian>\d{1,7})",
    rf"(?P<dd>\d{{1,2}})[- ]{_MONTH}[- ](?P<yyyy>\d{{4}})",
    rf"{_MONTH}[- ](?P<dd>\d{{1,2}}),?[- ](?P<yyyy>\d{{4}})",
    rf"(?P<yyyy>\d{{4}})[- ]{_MONTH}[- ](?P<dd>\d{{1,2}})",
)
_AUTO = (
    *(
        re.compile(rf"{day}(?:[ t]+{clock}(?:\s*{_ZONE})?)?(?:\s+(?P<era>bc|ad))?", _FLAGS)
        for day in _DAYS
        for clock in _CLOCK
    ),
    re.compile(rf"(?P<dd>\d{{1,2}}) {_MONTH} {_CLOCK[0]} (?P<yyyy>\d{{4}})(?: {_ZONE})?", _FLAGS),
)


def read_auto(text: str) -> DateTimeText | None:
    """Read the formats of 'auto'. 01/02/2003 is January 2. A missing time is midnight."""
    stripped = text.strip()
    for pattern in _AUTO:
        match = pattern.fullmatch(stripped)
        if match is not None:
            return _read_match(match)
    return None


_TIME = re.compile(
    r"(?P<hh>\d\d?):(?P<mi>\d\d)(?::(?P<ss>\d\d)(?:\.(?P<frac>\d+))?)?" + rf"(?:\s*{_ZONE})?",
    _FLAGS,
)


def read_time(text: str) -> DateTimeText | None:
    """Read a time of day, with or without seconds and zone. ``day`` is empty."""
    match = _TIME.fullmatch(text)
    clock = _read_clock_of_day(match.groupdict()) if match is not None else None
    if match is None or clock is None:
        return None
    zone = _read_zone(match["zone"])
    return None if zone is None else DateTimeText("", clock, zone)


def _read_clock_of_day(parts: dict[str, str | None]) -> str | None:
    """Read a time of day. 24:00:00 is the largest TIME ("Datetime types")."""
    later = "".join(parts.get(name) or "" for name in ("mi", "ss", "frac"))
    return "24:00:00" if parts["hh"] == "24" and not later.strip("0") else _read_clock(parts)


def _read_match(match: re.Match[str] | None) -> DateTimeText | None:
    if match is None:
        return None
    parts = match.groupdict()
    day, clock, zone = _read_day(parts), _read_clock(parts), _read_zone(parts.get("zone"))
    if day is None or clock is None or zone is None:
        return None
    return DateTimeText(day, clock, zone)


def _read_day(parts: dict[str, str | None]) -> str | None:
    try:
        if julian := parts.get("julian"):
            return (date(2000, 1, 1) + timedelta(days=int(julian) - 2451545)).isoformat()
        year = _read_year(parts)
        if ordinal := parts.get("ddd"):
            day = date(year, 1, 1) + timedelta(days=int(ordinal) - 1)
            return day.isoformat() if day.year == year and ordinal != "000" else None
        era = " BC" if (parts.get("era") or "").lower() == "bc" else ""
        return date(year, _read_month(parts), int(parts.get("dd") or 1)).isoformat() + era
    except (ValueError, OverflowError):
        return None


def _read_year(parts: dict[str, str | None]) -> int:
    if full := parts.get("yyyy"):
        return int(full)
    short = parts.get("yy")
    if short is None:
        raise ValueError("no year")
    return int(short) + (2000 if int(short) < 70 else 1900)


def _read_month(parts: dict[str, str | None]) -> int:
    if name := parts.get("mon"):
        return MONTHS.index(name[:3].lower()) + 1
    return int(parts.get("mm") or 1)


def _read_clock(parts: dict[str, str | None]) -> str | None:
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hh", "mi", "ss"))
    if half := parts.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    fraction = (parts.get("frac") or "")[:6]
    return f"{hour:02}:{minute:02}:{second:02}" + (f".{fraction}" if fraction else "")


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    return frozenset(name.lower() for name in available_timezones())


def _read_zone(text: str | None) -> str | None:
    if not text:
        return ""
    name = text.lower()
    if name in ("z", "utc", "gmt"):
        return "+00:00"
    if name in _ZONES:
        return f"{_ZONES[name]:+03}:00"
    if name[0] not in "+-":
        return f" {text}" if name in _zone_names() else None
    digits = name[1:].replace(":", "")
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "00")
    return (
        f"{name[0]}{int(hours):02}:{minutes}" if int(hours) <= 15 and int(minutes) <= 59 else None
    )


_EPOCH = re.compile(r"-?\d{1,18}(?:\.\d+)?", re.ASCII)


def _read_epoch(text: str, units_per_second: int) -> DateTimeText | None:
    if _EPOCH.fullmatch(text) is None:
        return None
    whole, _, fraction = text.partition(".")
    micros = int(whole) * (1_000_000 // units_per_second)
    if fraction and units_per_second == 1:
        micros += int(fraction[:6].ljust(6, "0")) * (-1 if whole.startswith("-") else 1)
    try:
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    except OverflowError:
        return None
    return DateTimeText(at.date().isoformat(), at.strftime("%H:%M:%S.%f"), "+00:00")
