"""The lake and the work bucket in S3."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from etl_core.model.errors import EtlError, LoadFailedError, MissingObjectError, ThrottledError
from etl_core.model.lake_key import Action, is_folder_marker
from etl_core.model.names import fold
from etl_core.model.object_versions import ObjectVersion, StoredVersion
from etl_core.model.table_ref import TableRef, split_table_name
from etl_core.model.upload import Upload
from etl_core.recovery.services import ListedPage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_T = TypeVar("_T")
_FIRST_READ = 64 << 10
_LATER_READ = 8 << 20
_MISSING = frozenset(
    {"NoSuchKey", "NoSuchVersion", "404", "NotFound", "MethodNotAllowed", "InvalidVersion"}
)
_REFUSED = frozenset(
    {"AccessDenied", "403", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
)


class S3Lake:
    """The ports ObjectStore (loading) and LakeListing (recovery) over boto3."""

    def __init__(self, client: S3Client, lake_bucket: str, work_bucket: str = "") -> None:
        self._client, self._lake, self._work = client, lake_bucket, work_bucket

    def find_version(self, upload: Upload) -> StoredVersion:
        """The upload's version; an event without a version id is resolved through the current version and the etag."""
        current = self._head(upload.bucket, upload.key, None)
        wanted = upload.version_id
        if current is not None and (
            current.version_id == wanted if wanted else current.etag == upload.etag
        ):
            return current
        if wanted is None:
            wanted = self._version_with_etag(upload)
        version = None if wanted is None else self._head(upload.bucket, upload.key, wanted)
        if version is None:
            raise MissingObjectError(
                f"the uploaded version of {upload.key!r} ({upload.version_id or 'etag ' + upload.etag}) no longer exists in "
                f"{upload.bucket!r}: it was deleted before it was loaded. Upload the file again"
            )
        return version

    def is_current(self, version: StoredVersion) -> bool:
        """Whether the key still means this version."""
        current = self._head(version.bucket, version.key, None)
        return current is not None and current.version_id == version.version_id

    def read(self, version: StoredVersion) -> Iterator[bytes]:
        """Ranged reads: the first is small, because a header is; one byte range is in memory at a time."""
        start, length = 0, _FIRST_READ
        while start < version.size:
            last = min(start + length, version.size) - 1
            yield self._read_range(version, start, last)
            start, length = last + 1, _LATER_READ

    def pin(self, version: StoredVersion, name: str) -> str:
        """Copies the version, by parts where it is large; the managed copy of boto3 does both."""
        source: Any = {
            "Bucket": version.bucket,
            "Key": version.key,
            "VersionId": version.version_id,
        }
        mapped(lambda: self._client.copy(source, self._work, name, SourceClient=self._client))
        return f"s3://{self._work}/{name}"

    def write_manifest(self, name: str, text: str) -> str:
        """The manifest's URL; the same name always gets the same text."""
        mapped(
            lambda: self._client.put_object(
                Bucket=self._work, Key=name, Body=text.encode(), ContentType="application/json"
            )
        )
        return f"s3://{self._work}/{name}"

    def schema_folders(self, table: TableRef) -> Iterator[str]:
        """Looks at every spelling that folds to the table's database and table: S3 keys are case sensitive."""
        wanted = (table.schema, table.name)
        for base in self._folders("", lambda name: fold(name) == table.database):
            for action in self._folders(base, lambda name: fold(name) == Action.SCHEMA):
                yield from self._folders(action, lambda name: split_table_name(name) == wanted)

    def list_versions(self, prefix: str) -> Sequence[ObjectVersion]:
        """Oldest last, as S3 lists the versions of a key; folder markers are left out."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._lake, Prefix=prefix
        )
        listed = mapped(lambda: [value for page in pages for value in page.get("Versions", [])])
        return [parse_version(value) for value in listed if not is_folder_marker(value["Key"])]

    def read_page(self, marker: Mapping[str, str] | None, limit: int) -> ListedPage:
        """See the port."""
        place: dict[str, Any] = dict(marker or {})
        page = mapped(
            lambda: self._client.list_object_versions(Bucket=self._lake, MaxKeys=limit, **place)
        )
        following = {"KeyMarker": page["NextKeyMarker"]} if page.get("NextKeyMarker") else None
        if following is not None and page.get("NextVersionIdMarker"):
            following["VersionIdMarker"] = page["NextVersionIdMarker"]
        versions = [parse_version(value) for value in page.get("Versions", [])]
        return ListedPage(versions, following if page.get("IsTruncated") else None)

    def read_versions(self, key: str) -> Sequence[ObjectVersion]:
        """See the port. A prefix finds longer keys too."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=self._lake, Prefix=key
        )
        listed = mapped(lambda: [value for page in pages for value in page.get("Versions", [])])
        return [parse_version(value) for value in listed if value.get("Key") == key]

    def _folders(self, prefix: str, wanted: Callable[[str], bool]) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._lake, Prefix=prefix, Delimiter="/"
        )
        listed = mapped(lambda: [each for page in pages for each in page.get("CommonPrefixes", [])])
        for entry in listed:
            folder = entry.get("Prefix", "")
            if wanted(folder[len(prefix) : -1]):
                yield folder

    def _read_range(self, version: StoredVersion, first: int, last: int) -> bytes:
        def get() -> bytes:
            answer = self._client.get_object(
                Bucket=version.bucket,
                Key=version.key,
                Range=f"bytes={first}-{last}",
                **_version(version.version_id),
            )
            body = answer["Body"].read()
            # A server may ignore the range (RFC 9110, 14.2), and then sends everything.
            return body if "ContentRange" in answer else body[first : last + 1]

        return mapped(get)

    def _head(self, bucket: str, key: str, version_id: str | None) -> StoredVersion | None:
        try:
            head = mapped(
                lambda: self._client.head_object(Bucket=bucket, Key=key, **_version(version_id))
            )
        except MissingObjectError:
            return None
        return StoredVersion(
            bucket=bucket,
            key=key,
            version_id=head.get("VersionId", version_id or "null"),
            etag=head["ETag"].strip('"'),
            size=head["ContentLength"],
            is_current=version_id is None,
        )

    def _version_with_etag(self, upload: Upload) -> str | None:
        """The newest version of the key that has the event's etag."""
        pages = self._client.get_paginator("list_object_versions").paginate(
            Bucket=upload.bucket, Prefix=upload.key
        )
        for page in mapped(lambda: list(pages)):
            for version in page.get("Versions", []):
                if (
                    version.get("Key") == upload.key
                    and version.get("ETag", "").strip('"') == upload.etag
                ):
                    return version.get("VersionId")
        return None


def _version(version_id: str | None) -> dict[str, Any]:
    return {} if version_id in (None, "null") else {"VersionId": version_id}


def parse_version(value: Mapping[str, Any]) -> ObjectVersion:
    """One of the `Versions` of a listing."""
    return ObjectVersion(
        key=value["Key"],
        version_id=value["VersionId"],
        etag=value["ETag"].strip('"'),
        size=value["Size"],
        landed_at=value["LastModified"].astimezone(UTC).replace(microsecond=0),
        is_latest=value["IsLatest"],
    )


def mapped(call: Callable[[], _T]) -> _T:
    """The call's result. Raises MissingObjectError, ThrottledError, LoadFailedError."""
    try:
        return call()
    except (BotoCoreError, ClientError) as error:
        raise to_etl_error(error, "S3") from error


def to_etl_error(error: Exception, service: str) -> EtlError:
    """What an error of boto3 means: gone, refused, or worth another try."""
    if not isinstance(error, ClientError):
        return ThrottledError(f"{service} could not be reached: {error}")
    code, status = (
        error.response["Error"].get("Code", ""),
        error.response["ResponseMetadata"].get("HTTPStatusCode", 0),
    )
    message = f"{service} answered {code}: {error.response['Error'].get('Message', '')}"
    if code in _MISSING:
        return MissingObjectError(message)
    if code in _REFUSED:
        return LoadFailedError(
            f"{message}. The function's role lacks a right that it needs; see the deployment"
        )
    if (
        status >= 500
        or status == 429
        or "Thrott" in code
        or code in ("SlowDown", "RequestTimeout", "RequestLimitExceeded")
    ):
        return ThrottledError(message)
    return LoadFailedError(message)
