"""The versions of the lake, as S3 lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from etl_core.adapters.s3 import mapped, parse_version
from etl_core.listed import LakeVersion
from etl_core.operating.ports import ListedPage

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class LakeLister:
    """etl_core.operating.ports.LakeListing over boto3."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def read_page(self, marker: Mapping[str, str] | None, limit: int) -> ListedPage:
        """See the port."""
        place: dict[str, Any] = dict(marker or {})
        page = mapped(lambda: self._client.list_object_versions(Bucket=self._bucket, MaxKeys=limit, **place))
        following = {"KeyMarker": page["NextKeyMarker"]} if page.get("NextKeyMarker") else None
        if following is not None and page.get("NextVersionIdMarker"):
            following["VersionIdMarker"] = page["NextVersionIdMarker"]
        versions = [parse_version(value) for value in page.get("Versions", [])]
        return ListedPage(versions, following if page.get("IsTruncated") else None)

    def read_versions(self, key: str) -> Sequence[LakeVersion]:
        """See the port. A prefix finds longer keys too."""
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=key)
        listed = mapped(lambda: [value for page in pages for value in page.get("Versions", [])])
        return [parse_version(value) for value in listed if value.get("Key") == key]
