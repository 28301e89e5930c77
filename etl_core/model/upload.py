"""An upload: one version of one object, as an S3 event tells of it. A fact; it never changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from etl_core.model.errors import InvalidEventError

TIMESTAMP_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_SEQUENCER_WIDTH = 64
_MAX_SIZE = 1 << 63


@dataclass(frozen=True)
class Upload:
    """One version of one object. `size` in bytes, None when the event does not tell; `landed_at` is UTC, to the second."""

    bucket: str
    key: str
    version_id: str | None
    etag: str
    size: int | None
    sequencer: str
    landed_at: datetime

    @classmethod
    def from_event(cls, event: Mapping[str, Any]) -> Upload:
        """Reads the event that EventBridge delivers (S3 user guide, "EventBridge event message structure").

        Raises InvalidEventError when a field is missing or of another kind.
        """
        detail = _mapping(event, "detail")
        bucket, stored = _mapping(detail, "bucket"), _mapping(detail, "object")
        size = stored.get("size")
        return cls(
            bucket=_text(bucket, "name"),
            key=_text(stored, "key"),
            version_id=_optional_text(stored, "version-id"),
            etag=_text(stored, "etag").strip('"'),
            size=size if type(size) is int and 0 <= size < _MAX_SIZE else None,
            sequencer=_optional_text(stored, "sequencer") or "0",
            landed_at=_time(event),
        )

    @property
    def upload_id(self) -> str:
        """The same for every delivery of the same version; 32 hexadecimal digits.

        A version id identifies the version. Without one, etag and sequencer do: the sequencer differs for every write.
        """
        return identity(
            self.bucket,
            self.key,
            self.version_id if self.version_id is not None else f"{self.etag}/{self.sequencer}",
        )

    @property
    def order(self) -> tuple[datetime, str, str]:
        """Landed order. Sequencers of different length compare after padding with zeros on the right (S3 user guide)."""
        return self.landed_at, padded_sequencer(self.sequencer), self.key

    @property
    def landed_timestamp(self) -> str:
        """`2026-11-22T09:30:00Z`."""
        return self.landed_at.strftime(TIMESTAMP_FORMAT)

    @property
    def landed_key(self) -> str:
        """The log's sort key: landed order first, unique also for two uploads in one second."""
        return f"{self.landed_timestamp}#{self.sequencer[:_SEQUENCER_WIDTH]}#{self.upload_id[:12]}"


def identity(bucket: str, key: str, version: str) -> str:
    """The upload id of this version of an object; 32 hexadecimal digits."""
    return hashlib.sha256(
        "\0".join((bucket, key, version)).encode("utf-8", "surrogatepass")
    ).hexdigest()[:32]


def padded_sequencer(sequencer: str) -> str:
    """A sequencer in the form in which two of them compare as text."""
    return sequencer.ljust(_SEQUENCER_WIDTH, "0")


def _mapping(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name) if isinstance(parent, Mapping) else None
    if not isinstance(value, Mapping):
        raise InvalidEventError(
            f"the event has no object {name!r}; an S3 'Object Created' event of EventBridge is needed"
        )
    return value


def _text(parent: Mapping[str, Any], name: str) -> str:
    value = parent.get(name)
    if not isinstance(value, str) or not value or not _is_unicode(value):
        raise InvalidEventError(f"the event's {name!r} is {value!r}; a non-empty text is needed")
    return value


def _is_unicode(text: str) -> bool:
    """JSON can spell half a surrogate pair, which no object's key holds and nothing can store."""
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
        moment = datetime.fromisoformat(text)
        return (
            (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
            .astimezone(UTC)
            .replace(microsecond=0)
        )
    except (ValueError, OverflowError):
        raise InvalidEventError(
            f"the event's 'time' is {text!r}; a time such as 2026-11-22T09:30:00Z is needed"
        ) from None
