"""Object versions as S3 lists them, and the uploads that they are. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from etl_core.model.lake_key import Action, describe_key
from etl_core.model.upload import Upload

VersionKey = tuple[str, str]
"""(key, version id): one version of one object of the lake."""


@dataclass(frozen=True)
class ObjectVersion:
    """One version as S3 lists it. `landed_at` is its LastModified, UTC, to the second (of a multipart upload: its beginning)."""

    key: str
    version_id: str
    etag: str
    size: int
    landed_at: datetime
    is_latest: bool

    @property
    def id(self) -> VersionKey:
        """Names the version within its bucket."""
        return self.key, self.version_id


@dataclass(frozen=True)
class StoredVersion:
    """One version of an object as S3 has it now. `size` in bytes; `is_current` tells whether its key still means this version."""

    bucket: str
    key: str
    version_id: str
    etag: str
    size: int
    is_current: bool


def first_uploads(bucket: str, versions: Iterable[ObjectVersion]) -> dict[VersionKey, Upload]:
    """The upload that each version is, as if its event had come. S3 lists no sequencers: of what landed in one second the schema files
    come first, and versions of one key are numbered, the newest last (S3 lists it first). Without a version id the etag and the
    sequencer identify, so that this must stay the same.
    """
    again: Counter[tuple[str, datetime]] = Counter()
    made = {}
    for version in reversed(list(versions)):
        number = again[version.key, version.landed_at]
        again[version.key, version.landed_at] += 1
        identified = version.version_id != "null"
        rank = "0" if describe_key(version.key).action == Action.SCHEMA else "1"
        made[version.id] = Upload(
            bucket=bucket,
            key=version.key,
            version_id=version.version_id if identified else None,
            etag=version.etag,
            size=version.size,
            sequencer=(f"{rank}{number:08x}" if number else rank) if identified else "0",
            landed_at=version.landed_at,
        )
    return made
