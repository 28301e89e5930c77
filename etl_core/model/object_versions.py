"""Object versions as S3 lists them, and the uploads that they are. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from etl_core.model.lake_key import Action, describe_key
from etl_core.model.upload import Upload

VersionKey = tuple[str, str]
"""(key, version id): identifies one version in the lake bucket."""


@dataclass(frozen=True)
class ObjectVersion:
    """One version as S3 lists it.

    `landed_at` is LastModified, UTC, to the second (the start of a multipart upload).
    """

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
    """One version as S3 stores it now.

    `size` in bytes; `is_current`: the key still refers to this version.
    """

    bucket: str
    key: str
    version_id: str
    etag: str
    size: int
    is_current: bool


@dataclass(frozen=True)
class OpenedVersion:
    """A stored version with its first bytes: all of a small one, at least the header of a data file.

    `same_bytes`: the ids of the key's other versions with these bytes, the oldest first, if the event
    has no version id. It may be about any of them.
    """

    version: StoredVersion
    first_bytes: bytes
    same_bytes: tuple[str, ...] = ()

    @property
    def candidates(self) -> tuple[str, ...]:
        """The ids of the versions that the event may be about."""
        return (self.version.version_id, *self.same_bytes)


def first_uploads(bucket: str, versions: Iterable[ObjectVersion]) -> dict[VersionKey, Upload]:
    """Return the upload that the event of each version would describe.

    `versions` as S3 lists them: the newest of a key first. S3 lists no sequencers, so this function
    makes them. Among the versions of one second, schema files come first, and the versions of one
    key are numbered from the oldest. Objects without a version id are identified by etag and
    sequencer; their sequencer must therefore not depend on the listing.
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
