"""The format strings of `csv.date_format` and `csv.time_format`: which ones COPY can read. Pure.

Source: COPY, "DATEFORMAT and TIMEFORMAT strings". COPY reports an unusable format only with the first
file, as if its values were wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from etl_core.model.texts import listed
from etl_core.schema_files.messages import (
    PATTERN_INCOMPLETE,
    PATTERN_REPEATS,
    PATTERN_UNKNOWN_LETTERS,
)

AUTO = "auto"
EPOCHS = ("epochsecs", "epochmillisecs")
_PARTS = {
    "YYYY": "year", "YY": "year", "MONTH": "month", "MON": "month", "MM": "month", "DD": "day",
    "HH24": "hour", "HH12": "hour", "HH": "hour", "MI": "minute", "SS": "second", "AM": "half",
    "PM": "half", "OF": "time zone",
}  # fmt: skip
TOKEN_NAMES = tuple(sorted(_PARTS, key=len, reverse=True))
"""The longest first."""
TOKEN = re.compile("|".join(TOKEN_NAMES), re.IGNORECASE | re.ASCII)
_LETTERS = re.compile(r"[^\W\d_]+")
_SEPARATORS = ("T", "Z")
"""Letters of ISO 8601 that stand for themselves."""
_DAY = ("year", "month", "day")


def faults_of_date_format(pattern: str) -> Iterator[str]:
    """Yield why COPY cannot read dates in this format; nothing if it can."""
    if pattern != AUTO:
        yield from _faults(pattern)


def faults_of_time_format(pattern: str) -> Iterator[str]:
    """Yield why COPY cannot read timestamps in this format; nothing if it can."""
    if pattern not in (AUTO, *EPOCHS):
        yield from _faults(pattern)


def _faults(pattern: str) -> Iterator[str]:
    rest = TOKEN.sub(" ", pattern)
    if unknown := [each for each in _LETTERS.findall(rest) if each not in _SEPARATORS]:
        yield PATTERN_UNKNOWN_LETTERS(
            value=pattern, letters=listed(map(repr, unknown), ", "), known=", ".join(_PARTS)
        )
        return
    parts = Counter(_PARTS[token.upper()] for token in TOKEN.findall(pattern))
    for part, count in parts.items():
        if count > 1:
            yield PATTERN_REPEATS(value=pattern, part=part, count=count)
    if missing := [part for part in _DAY if part not in parts]:
        yield PATTERN_INCOMPLETE(value=pattern, missing=", ".join(missing))
