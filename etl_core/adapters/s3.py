"""The lake and the work bucket in S3."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError

from etl_core.adapters.messages import (
    MISSING_VERSION,
    READ_TOO_SHORT,
    SERVICE_DENIED,
    SERVICE_ERROR,
    SERVICE_UNREACHABLE,
)
from etl_core.model.errors import EtlError, LoadFailedError, MissingObjectError, ThrottledError
from etl_core.model.lake_key import Action, is_folder_marker
from etl_core.model.names import fold
from etl_core.model.object_versions import ObjectVersion, OpenedVersion, StoredVersion
from etl_core.model.table_ref import TableRef, split_table_name
from etl_core.model.upload import Upload
from etl_core.recovery.services import VersionPage

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

_T = TypeVar("_T")
_FIRST_READ = 64 << 10
_LATER_READ = 8 << 20
_SKIP = 1 << 20
_CONTENT_ONLY = {
    "MetadataDirective": "REPLACE",
    "TaggingDirective": "REPLACE",
    "AnnotationDirective": "EXCLUDE",
}
"""CopyObject copies metadata, tags and annotations unless it is told not to. Tags need
s3:GetObjectTagging and s3:PutObjectTagging, annotations s3:GetObjectAnnotation and
s3:PutObjectAnnotation (S3 API reference, CopyObject)."""
_NO_SUCH_RANGE = 416
_UNVERSIONED = "null"
"""The version id of an object that was written while the bucket was not versioned. S3 accepts it in requests."""
_MISSING = frozenset(
    {"NoSuchKey", "NoSuchVersion", "404", "NotFound", "MethodNotAllowed", "InvalidVersion"}
)
_DENIED = frozenset(
    {"AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
)


class S3Lake:
    """The ports ObjectStore (loading) and LakeListing (recovery) over botocore."""

    def __init__(self, client: S3Client, lake_bucket: str, work_bucket: str = "") -> None:
        self._client, self._lake, self._work = client, lake_bucket, work_bucket

    def open(self, upload: Upload) -> OpenedVersion:
        """Return the upload's version and its first bytes: one GET if it is the current version.

        An event without a version id is resolved by etag: first the current version, then the
        newest.
        """
        if upload.version_id is None:
            opened = self._open_by_etag(upload)
        else:
            opened = self._open(upload.bucket, upload.key, None)
            if opened is None or opened.version.version_id != upload.version_id:
                opened = self._open(upload.bucket, upload.key, upload.version_id)
        if opened is None:
            raise MissingObjectError(
                MISSING_VERSION(
                    key=upload.key,
                    version=upload.version_id or f"etag {upload.etag}",
                    bucket=upload.bucket,
                )
            )
        return opened

    def _open_by_etag(self, upload: Upload) -> OpenedVersion | None:
        opened = self._open(upload.bucket, upload.key, None)
        is_same = opened is not None and opened.version.etag == upload.etag
        if opened is not None and is_same and opened.version.version_id == _UNVERSIONED:
            return opened
        same = self._versions_with_etag(upload)
        if opened is None or opened.version.version_id not in same:
            opened = self._open(upload.bucket, upload.key, same[-1]) if same else None
        if opened is None:
            return None
        own = opened.version.version_id
        return replace(opened, same_bytes=tuple(each for each in same if each != own))

    def is_current(self, version: StoredVersion) -> bool:
        """Return whether the version is its key's current one."""
        current = self._head(version.bucket, version.key, None)
        return current is not None and current.version_id == version.version_id

    def read(self, version: StoredVersion, start: int = 0) -> Iterator[bytes]:
        """Yield the version's bytes from `start` in ranged reads, one range in memory at a time."""
        while start < version.size:
            last = min(start + _LATER_READ, version.size) - 1
            yield self._read_range(version, start, last)
            start = last + 1

    def pin(self, version: StoredVersion, name: str) -> str:
        """Copy the version into the work bucket and return the copy's URL.

        A large object is copied in parts. The copy has the content only: to copy tags and
        annotations, the function would need more permissions.
        """
        # Imported here, because few loads need it and it takes long to import.
        from s3transfer.manager import TransferManager

        source = {"Bucket": version.bucket, "Key": version.key, "VersionId": version.version_id}

        def copy() -> None:
            with TransferManager(self._client) as transfers:
                transfers.copy(source, self._work, name, dict(_CONTENT_ONLY)).result()

        mapped(copy)
        return f"s3://{self._work}/{name}"

    def write_copy(self, name: str, chunks: Iterator[bytes]) -> str:
        """Write the chunks into the work bucket in parts as they come, and return the object's URL."""
        from s3transfer.manager import TransferManager

        def write() -> None:
            with TransferManager(self._client) as transfers:
                transfers.upload(cast("IO[bytes]", ChunkStream(chunks)), self._work, name).result()

        mapped(write)
        return f"s3://{self._work}/{name}"

    def write_object(self, name: str, content: bytes, content_type: str) -> str:
        """Write an object into the work bucket and return its URL."""
        mapped(
            lambda: self._client.put_object(
                Bucket=self._work, Key=name, Body=content, ContentType=content_type
            )
        )
        return f"s3://{self._work}/{name}"

    def schema_folders(self, table: TableRef) -> Iterator[str]:
        """Yield the prefixes in every spelling that folds to the table's names: S3 keys are case sensitive."""
        wanted = (table.schema, table.name)
        for base in self._folders("", lambda name: fold(name) == table.database):
            for action in self._folders(base, lambda name: fold(name) == Action.SCHEMA):
                yield from self._folders(action, lambda name: split_table_name(name) == wanted)

    def list_versions(self, prefix: str) -> Sequence[ObjectVersion]:
        """Return the versions under the prefix, each key's newest version first.

        Folder markers are left out.
        """
        versions = self._list_versions(self._lake, prefix)
        return [parse_version(value) for value in versions if not is_folder_marker(value["Key"])]

    def read_page(self, marker: Mapping[str, str] | None, limit: int) -> VersionPage:
        """Return the next versions of the lake.

        S3 gives markers that its paginator does not expose.
        """
        start: dict[str, Any] = dict(marker or {})
        page = mapped(
            lambda: self._client.list_object_versions(Bucket=self._lake, MaxKeys=limit, **start)
        )
        following = {"KeyMarker": page["NextKeyMarker"]} if page.get("NextKeyMarker") else None
        if following is not None and page.get("NextVersionIdMarker"):
            following["VersionIdMarker"] = page["NextVersionIdMarker"]
        versions = [parse_version(value) for value in page.get("Versions", [])]
        return VersionPage(versions, following if page.get("IsTruncated") else None)

    def read_versions(self, key: str) -> Sequence[ObjectVersion]:
        """Return all versions of one key, the newest first."""
        versions = self._list_versions(self._lake, key)
        return [parse_version(value) for value in versions if value["Key"] == key]

    def _list_versions(self, bucket: str, prefix: str) -> list[Any]:
        """Return the listed versions of every key that starts with the prefix."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=bucket, Prefix=prefix
        )
        return mapped(lambda: [value for page in pages for value in page.get("Versions", [])])

    def _folders(self, prefix: str, wanted: Callable[[str], bool]) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._lake, Prefix=prefix, Delimiter="/"
        )
        listed = mapped(lambda: [each for page in pages for each in page.get("CommonPrefixes", [])])
        for entry in listed:
            folder = entry.get("Prefix", "")
            if wanted(folder[len(prefix) : -1]):
                yield folder

    def _open(self, bucket: str, key: str, version_id: str | None) -> OpenedVersion | None:
        """Return a version with its first bytes, or None if it does not exist."""
        try:
            return mapped(lambda: self._get_first_bytes(bucket, key, version_id))
        except MissingObjectError:
            return None

    def _get_first_bytes(self, bucket: str, key: str, version_id: str | None) -> OpenedVersion:
        try:
            answer = self._client.get_object(
                Bucket=bucket, Key=key, Range=f"bytes=0-{_FIRST_READ - 1}", **_version(version_id)
            )
        except ClientError as error:
            # An empty object has no first byte (RFC 9110, 15.5.17).
            if error.response["ResponseMetadata"].get("HTTPStatusCode") != _NO_SUCH_RANGE:
                raise
            head = self._client.head_object(Bucket=bucket, Key=key, **_version(version_id))
            return OpenedVersion(_stored_version(bucket, key, version_id, head, 0), b"")
        # A server may ignore the range, and then sends everything.
        total = answer.get("ContentRange", "").rpartition("/")[2]
        size = int(total) if total.isdigit() else answer["ContentLength"]
        first_bytes = read_bounded(answer["Body"], 0, min(size, _FIRST_READ))
        return OpenedVersion(_stored_version(bucket, key, version_id, answer, size), first_bytes)

    def _read_range(self, version: StoredVersion, first: int, last: int) -> bytes:
        def get() -> bytes:
            answer = self._client.get_object(
                Bucket=version.bucket,
                Key=version.key,
                Range=f"bytes={first}-{last}",
                **_version(version.version_id),
            )
            # A server may ignore the range (RFC 9110, 14.2), and then sends everything.
            skipped = 0 if "ContentRange" in answer else first
            return read_bounded(answer["Body"], skipped, last + 1 - first)

        return mapped(get)

    def _head(self, bucket: str, key: str, version_id: str | None) -> StoredVersion | None:
        try:
            head = mapped(
                lambda: self._client.head_object(Bucket=bucket, Key=key, **_version(version_id))
            )
        except MissingObjectError:
            return None
        return _stored_version(bucket, key, version_id, head, head["ContentLength"])

    def _versions_with_etag(self, upload: Upload) -> list[str]:
        """Return the ids of the key's versions that have the event's etag, the oldest first."""
        return [
            str(value["VersionId"])
            for value in reversed(self._list_versions(upload.bucket, upload.key))
            if value["Key"] == upload.key and value["ETag"].strip('"') == upload.etag
        ]


class ChunkStream(io.RawIOBase):
    """Chunks as a file that can only be read forward."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """Return as many bytes as asked for, fewer only at the end."""
        parts, missing = [self._rest], (size if size is not None and size >= 0 else 1 << 62)
        missing -= len(self._rest)
        while missing > 0 and (chunk := next(self._chunks, None)) is not None:
            parts.append(chunk)
            missing -= len(chunk)
        read = b"".join(parts)
        self._rest = read[len(read) + missing :] if missing < 0 else b""
        return read[: len(read) - len(self._rest)]


def read_bounded(body: StreamingBody, skipped: int, length: int) -> bytes:
    """Return `length` bytes of the body after the skipped ones, and close it.

    No more is read, whatever the server sends. Raises ThrottledError if it sends less.
    """
    with closing(body):
        while skipped and (piece := body.read(min(skipped, _SKIP))):
            skipped -= len(piece)
        content = bytearray()
        while len(content) < length and (piece := body.read(length - len(content))):
            content += piece
    if len(content) < length:
        reason = READ_TOO_SHORT(received=len(content), expected=length)
        raise ThrottledError(SERVICE_UNREACHABLE(service="S3", reason=reason))
    return bytes(content)


def _stored_version(
    bucket: str, key: str, asked: str | None, answer: Mapping[str, Any], size: int
) -> StoredVersion:
    """Return the version of an answer to HEAD or GET; `asked` is None for the current one."""
    return StoredVersion(
        bucket=bucket,
        key=key,
        version_id=answer.get("VersionId", asked or _UNVERSIONED),
        etag=answer["ETag"].strip('"'),
        size=size,
        is_current=asked is None,
    )


def _version(version_id: str | None) -> dict[str, Any]:
    return {} if version_id is None else {"VersionId": version_id}


def parse_version(value: Mapping[str, Any]) -> ObjectVersion:
    """Return a version from an entry of `Versions` in a listing."""
    return ObjectVersion(
        key=value["Key"],
        version_id=value["VersionId"],
        etag=value["ETag"].strip('"'),
        size=value["Size"],
        landed_at=value["LastModified"].astimezone(UTC).replace(microsecond=0),
        is_latest=value["IsLatest"],
    )


def mapped(call: Callable[[], _T]) -> _T:
    """Return the call's result. Raises MissingObjectError, ThrottledError, LoadFailedError."""
    try:
        return call()
    except (BotoCoreError, ClientError) as error:
        raise to_etl_error(error, "S3") from error


def to_etl_error(error: Exception, service: str) -> EtlError:
    """Return the library's error for an error of botocore: missing, denied, or retryable."""
    if not isinstance(error, ClientError):
        return ThrottledError(SERVICE_UNREACHABLE(service=service, reason=error))
    code, status = (
        error.response["Error"].get("Code", ""),
        error.response["ResponseMetadata"].get("HTTPStatusCode", 0),
    )
    reason = error.response["Error"].get("Message", "")
    message = SERVICE_ERROR(service=service, code=code, reason=reason)
    if code in _MISSING:
        return MissingObjectError(message)
    if code in _DENIED:
        return LoadFailedError(SERVICE_DENIED(service=service, code=code, reason=reason))
    if (
        status >= 500
        or status == 429
        or "Thrott" in code
        or code in ("SlowDown", "RequestTimeout", "RequestLimitExceeded")
    ):
        return ThrottledError(message)
    return LoadFailedError(message)
