"""Times as the log, the API and the events write them: UTC, to the second, such as `2026-11-22T09:30:00Z`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

CLOCK_SKEW = timedelta(seconds=5)
"""Two events of one version may differ by this much: S3's own event, and one made from the object's LastModified."""
EARLIEST_ARRIVAL = datetime(2006, 1, 1, tzinfo=UTC)
"""S3 exists since 2006, so no upload is older."""
FUTURE_LIMIT = timedelta(days=1)
"""Clocks differ, but not by this much."""


def utc_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


def format_utc_time(time: datetime) -> str:
    """Return the text of a time, which is in UTC. Texts sort as their times, from year 1 to 9999.

    `strftime("%Y")` would not pad a year before 1000.
    """
    return f"{time.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def is_possible_arrival(time: datetime, now: datetime) -> bool:
    """Return whether an upload can have arrived at this time: since S3 exists, and not in the future."""
    return EARLIEST_ARRIVAL <= time <= now + FUTURE_LIMIT


def parse_utc_time(text: str) -> datetime:
    """Parse an ISO 8601 time or day and return it in UTC, to the second.

    Without a zone it is UTC. Raises ValueError.
    """
    try:
        time = datetime.fromisoformat(text)
        aware = time if time.tzinfo else time.replace(tzinfo=UTC)
        return aware.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a time such as 2026-11-22T09:30:00Z") from None
