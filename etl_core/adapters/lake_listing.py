"""The versions of the lake, as S3 lists them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from etl_core.adapters.s3 import to_etl_error
from etl_core.listed import LakeVersion
from etl_core.reconcile_ports import ListedPage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_T = TypeVar("_T")


class LakeLister:
    """etl_core.reconcile_ports.LakeListing over boto3."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def read_page(self, marker: Mapping[str, str] | None, limit: int) -> ListedPage:
        """See the port."""
        place: dict[str, Any] = dict(marker or {})
        page = _mapped(lambda: self._client.list_object_versions(Bucket=self._bucket, MaxKeys=limit, **place))
        following = {"KeyMarker": page["NextKeyMarker"]} if page.get("NextKeyMarker") else None
        if following is not None and page.get("NextVersionIdMarker"):
            following["VersionIdMarker"] = page["NextVersionIdMarker"]
        versions = [_version(value) for value in page.get("Versions", [])]
        return ListedPage(versions, following if page.get("IsTruncated") else None)

    def read_versions(self, key: str) -> Sequence[LakeVersion]:
        """See the port. A prefix finds longer keys too."""
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=key)
        listed = _mapped(lambda: [value for page in pages for value in page.get("Versions", [])])
        return [_version(value) for value in listed if value.get("Key") == key]


def _version(value: Any) -> LakeVersion:
    return LakeVersion(
        key=value["Key"],
        version_id=value["VersionId"],
        etag=value["ETag"].strip('"'),
        size=value["Size"],
        landed_at=value["LastModified"].astimezone(UTC).replace(microsecond=0),
        is_latest=value["IsLatest"],
    )


def _mapped(call: Callable[[], _T]) -> _T:
    try:
        return call()
    except (BotoCoreError, ClientError) as error:
        raise to_etl_error(error, "S3") from error
