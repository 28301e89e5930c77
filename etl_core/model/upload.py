"""An upload: one version of one object, as an S3 event describes it. It never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from etl_core.model.errors import InvalidArrivalError, InvalidEventError
from etl_core.model.messages import (
    ARRIVAL_TIME_IMPOSSIBLE,
    EVENT_FIELD_INVALID,
    EVENT_PART_MISSING,
    EVENT_TIME_INVALID,
)
from etl_core.model.texts import CONTROL_CHARACTER
from etl_core.model.times import (
    EARLIEST_ARRIVAL,
    format_utc_time,
    is_possible_arrival,
    parse_utc_time,
)

_SEQUENCER_WIDTH = 64
Order = tuple[datetime, str, str]
"""A place in arrival order: event time, padded sequencer, key."""
SIZE_LIMIT = 1 << 63
"""Sizes in bytes are less than this."""


@dataclass(frozen=True)
class Upload:
    """One version of one object.

    `size` in bytes, None if unknown; `landed_at` is the time of arrival, UTC, to the second.
    """

    bucket: str
    key: str
    version_id: str | None
    etag: str
    size: int | None
    sequencer: str
    landed_at: datetime

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Upload:
        """Read the event that EventBridge delivers (S3 user guide, "EventBridge event message structure").

        The key may have any character: a bad key is an upload, which is rejected by name. Raises
        InvalidEventError if a field is missing or has the wrong type.
        """
        detail = _mapping(event, "detail")
        bucket, stored = _mapping(detail, "bucket"), _mapping(detail, "object")
        size = stored.get("size")
        return cls(
            bucket=_text(bucket, "name"),
            key=_unicode(stored, "key"),
            version_id=_optional_text(stored, "version-id"),
            etag=_text(stored, "etag").strip('"'),
            size=size if type(size) is int and 0 <= size < SIZE_LIMIT else None,
            sequencer=_optional_text(stored, "sequencer") or "0",
            landed_at=_time(event),
        )

    def check_arrival(self, now: datetime) -> None:
        """Raises InvalidArrivalError if nothing can have arrived at `landed_at`."""
        if not is_possible_arrival(self.landed_at, now):
            raise InvalidArrivalError(
                ARRIVAL_TIME_IMPOSSIBLE(
                    time=self.landed_timestamp,
                    earliest=format_utc_time(EARLIEST_ARRIVAL),
                    now=format_utc_time(now),
                )
            )

    @cached_property
    def upload_id(self) -> str:
        """32 hexadecimal digits, the same for every delivery of the same version.

        The version id identifies the version. Without one, etag and sequencer do: every write has
        another sequencer.
        """
        return identity(
            self.bucket,
            self.key,
            self.version_id if self.version_id is not None else f"{self.etag}/{self.sequencer}",
        )

    @cached_property
    def order(self) -> Order:
        """Arrival order: event time, sequencer, key.

        Sequencers are padded with zeros on the right to compare them (S3 user guide).
        """
        return self.landed_at, padded_sequencer(self.sequencer), self.key

    @property
    def landed_timestamp(self) -> str:
        """The time of arrival, such as `2026-11-22T09:30:00Z`."""
        return format_utc_time(self.landed_at)

    @property
    def landed_key(self) -> str:
        """The log's sort key: arrival order first, and unique also for two uploads in one second."""
        return f"{self.landed_timestamp}#{self.sequencer[:_SEQUENCER_WIDTH]}#{self.upload_id[:12]}"


def identity(bucket: str, key: str, version: str) -> str:
    """Return the upload id of a version of an object: 32 hexadecimal digits."""
    return hashlib.sha256(
        "\0".join((bucket, key, version)).encode("utf-8", "surrogatepass")
    ).hexdigest()[:32]


def padded_sequencer(sequencer: str) -> str:
    """Return the sequencer padded, so that two of them compare as text."""
    return sequencer.ljust(_SEQUENCER_WIDTH, "0")


def _mapping(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name) if isinstance(parent, Mapping) else None
    if not isinstance(value, Mapping):
        raise InvalidEventError(EVENT_PART_MISSING(name=name))
    return value


def _text(parent: Mapping[str, Any], name: str) -> str:
    value = _unicode(parent, name)
    if CONTROL_CHARACTER.search(value):
        raise InvalidEventError(EVENT_FIELD_INVALID(name=name, value=value))
    return value


def _unicode(parent: Mapping[str, Any], name: str) -> str:
    value = parent.get(name)
    if not isinstance(value, str) or not value or not _is_unicode(value):
        raise InvalidEventError(EVENT_FIELD_INVALID(name=name, value=value))
    return value


def _is_unicode(text: str) -> bool:
    """Whether the text has no lone surrogate.

    JSON can write one, but no key contains one and nothing can store it.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _optional_text(parent: Mapping[str, Any], name: str) -> str | None:
    return _text(parent, name) if parent.get(name) not in (None, "", "null") else None


def _time(event: Mapping[str, Any]) -> datetime:
    text = _text(event, "time")
    try:
        return parse_utc_time(text)
    except ValueError:
        raise InvalidEventError(EVENT_TIME_INVALID(value=text)) from None
