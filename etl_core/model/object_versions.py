"""Object versions as S3 lists them, and their conversion to uploads and events. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from etl_core.model.lake_key import Action, describe_key
from etl_core.model.upload import Upload, parse_utc_time

parse_moment = parse_utc_time  # the name that recovery and the command line still import

VersionKey = tuple[str, str]
"""(key, version id): identifies one version in the lake bucket."""


@dataclass(frozen=True)
class ObjectVersion:
    """One version as S3 lists it. `landed_at` is LastModified, UTC, to the second (the start of a multipart upload)."""

    key: str
    version_id: str
    etag: str
    size: int
    landed_at: datetime
    is_latest: bool

    @property
    def id(self) -> VersionKey:
        """Identifies the version within its bucket."""
        return self.key, self.version_id


@dataclass(frozen=True)
class StoredVersion:
    """One version as S3 stores it now. `size` in bytes; `is_current`: the key still refers to this version."""

    bucket: str
    key: str
    version_id: str
    etag: str
    size: int
    is_current: bool


def first_uploads(bucket: str, versions: Iterable[ObjectVersion]) -> dict[VersionKey, Upload]:
    """Return the upload that the event of each version would describe. `versions` as S3 lists them: the newest of a key first.

    S3 lists no sequencers, so this function makes them. Among the versions of one second, schema files come first, and the versions
    of one key are numbered from the oldest. Objects without a version id are identified by etag and sequencer; their sequencer
    must therefore not depend on the listing.
    """
    same_second: Counter[tuple[str, datetime]] = Counter()
    uploads = {}
    for version in reversed(list(versions)):
        number = same_second[version.key, version.landed_at]
        same_second[version.key, version.landed_at] += 1
        has_id = version.version_id != "null"
        rank = "0" if describe_key(version.key).action == Action.SCHEMA else "1"
        uploads[version.id] = Upload(
            bucket=bucket,
            key=version.key,
            version_id=version.version_id if has_id else None,
            etag=version.etag,
            size=version.size,
            sequencer=(f"{rank}{number:08x}" if number else rank) if has_id else "0",
            landed_at=version.landed_at,
        )
    return uploads


def event_of(upload: Upload) -> dict[str, Any]:
    """Return the event that EventBridge would deliver. Upload.from_event reads it back to the same upload."""
    stored = {
        "key": upload.key,
        "size": upload.size,
        "etag": upload.etag,
        "version-id": upload.version_id,
        "sequencer": upload.sequencer,
    }
    return {
        "version": "0",
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": upload.landed_timestamp,
        "detail": {
            "version": "0",
            "bucket": {"name": upload.bucket},
            "object": {name: value for name, value in stored.items() if value is not None},
            "reason": "Reconcile",
        },
    }


def upload_to_json(upload: Upload) -> dict[str, Any]:
    """Return the upload as JSON, as the command line and the reconcile function exchange it. The bucket is always the lake."""
    return {
        "key": upload.key,
        "version_id": upload.version_id,
        "etag": upload.etag,
        "size": upload.size,
        "sequencer": upload.sequencer,
        "landed_at": upload.landed_timestamp,
    }


def upload_from_json(bucket: str, value: Mapping[str, Any]) -> Upload:
    """Read the result of upload_to_json. Checks it like an event; raises InvalidEventError."""
    stored = {name: value.get(name) for name in ("key", "etag", "size", "sequencer")}
    stored["version-id"] = value.get("version_id")
    return Upload.from_event(
        {"time": value.get("landed_at"), "detail": {"bucket": {"name": bucket}, "object": stored}}
    )
