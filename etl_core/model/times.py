"""Times as the log, the API and the events write them: UTC, to the second, such as `2026-11-22T09:30:00Z`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

TIMESTAMP_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
CLOCK_SKEW = timedelta(seconds=5)
"""Two events of one version may differ by this much: S3's own event, and one made from the object's LastModified."""


def utc_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


def format_utc_time(time: datetime) -> str:
    """Return the text of a time, which is in UTC."""
    return time.strftime(TIMESTAMP_FORMAT)


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
