"""Finds the objects that a COPY loads, by prefix or manifest, and reads them; broken transfers are resumed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from redshift_emulator.copy.service_errors import failed_s3, service_error
from redshift_emulator.copy.unpack import BLOCK_BYTES
from redshift_emulator.errors import SqlError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_MANIFEST_BYTES = 64 * 1024 * 1024
MAX_RESUMES = 3
_FULL_PATH = "COPY with MANIFEST parameter requires full path of an S3 object."


@dataclass(frozen=True)
class S3Object:
    """One object to load. ``etag`` makes sure that the object read is the object found."""

    bucket: str
    key: str
    size: int
    etag: str

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def parse_url(url: str) -> tuple[str, str]:
    """Return bucket and key; nothing is URL-decoded.

    Raises SqlError for anything but an s3:// URL.
    """
    bucket, _, key = url.removeprefix("s3://").partition("/")
    if not url.startswith("s3://") or not bucket:
        raise SqlError("XX000", f"Invalid S3 URL '{url}': write s3://bucket/key")
    return bucket, key


def find_objects(client: S3Client, url: str) -> list[S3Object]:
    """Return every object whose key begins with the URL's key, in order.

    Raises SqlError when there is none.
    """
    bucket, prefix = parse_url(url)
    objects: list[S3Object] = []
    try:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            objects += [
                S3Object(bucket, o["Key"], o["Size"], o["ETag"]) for o in page.get("Contents", [])
            ]
    except (ClientError, BotoCoreError) as failure:
        raise failed_s3(failure, f"Listing bucket={bucket} prefix={prefix}") from failure
    if not objects:
        raise service_error(
            f"The specified S3 prefix '{prefix}' does not exist", f"Listing bucket={bucket}"
        )
    return objects


@dataclass(frozen=True)
class Entry:
    """One entry of a manifest."""

    url: str
    mandatory: bool


def parse_manifest(text: bytes) -> list[Entry]:
    """Return the entries of a manifest.

    ``mandatory`` defaults to false. Raises SqlError for an invalid manifest.
    """
    try:
        document = json.loads(text)
        entries = [_parse_entry(entry) for entry in document["entries"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise service_error(
            "Manifest file is not in correct json format", f"{type(error).__name__}: {error}"
        ) from error
    if not entries:
        raise service_error("Manifest file has no entries")
    return entries


def _parse_entry(entry: Any) -> Entry:
    url, mandatory = entry["url"], entry.get("mandatory", False)
    if not isinstance(url, str) or not isinstance(mandatory, bool):
        raise TypeError("url must be a string and mandatory true or false")
    if not url.startswith("s3://"):
        raise ValueError(f"{url} is not an s3:// URL")
    return Entry(url, mandatory)


def read_manifest(client: S3Client, url: str) -> list[S3Object]:
    """Return the objects that a manifest lists, in its order; an object listed twice is returned twice.

    Missing objects that are not mandatory are left out. Raises SqlError when the manifest or a
    mandatory object is missing, when a URL is only a prefix (8001), and when no object is left.
    """
    bucket, key = parse_url(url)
    _check_full_path(client, bucket, key)
    try:
        text = client.get_object(Bucket=bucket, Key=key)["Body"].read(MAX_MANIFEST_BYTES)
    except (ClientError, BotoCoreError) as failure:
        raise failed_s3(
            failure, f"Reading manifest {url}", "Problem reading manifest file - "
        ) from failure
    entries = parse_manifest(text)
    objects = [_find_entry(client, entry) for entry in entries]
    present = [each for each in objects if each is not None]
    if not present:
        raise service_error(
            f"No file listed in the manifest {url} was found", f"Reading manifest {url}"
        )
    return present


def read_whole(client: S3Client, url: str) -> bytes:
    """Return a small object, such as a JSONPaths file. Raises SqlError when it is missing."""
    bucket, key = parse_url(url)
    try:
        return client.get_object(Bucket=bucket, Key=key)["Body"].read(MAX_MANIFEST_BYTES)
    except (ClientError, BotoCoreError) as failure:
        raise failed_s3(failure, f"Reading {url}") from failure


def _find_entry(client: S3Client, entry: Entry) -> S3Object | None:
    bucket, key = parse_url(entry.url)
    try:
        head = client.head_object(Bucket=bucket, Key=key) if key else None
    except ClientError as failure:
        if failure.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
            raise failed_s3(failure, f"Reading {entry.url}") from failure
        head = None
    except BotoCoreError as failure:
        raise failed_s3(failure, f"Reading {entry.url}") from failure
    if head is not None:
        return S3Object(bucket, key, head["ContentLength"], head["ETag"])
    _check_full_path(client, bucket, key)
    if entry.mandatory:
        raise service_error(
            f"Mandatory url is not present in manifest file: {entry.url}",
            "The specified key does not exist.",
        )
    return None


def _check_full_path(client: S3Client, bucket: str, key: str) -> None:
    """Raise 8001 when the key is only a prefix of other keys.

    Without permission to list, this cannot be checked.
    """
    try:
        listed = client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
    except (ClientError, BotoCoreError):
        return
    if listed and listed[0]["Key"] != key:
        raise service_error(_FULL_PATH, f"s3://{bucket}/{key} is a prefix")


def read_object(client: S3Client, source: S3Object) -> Iterator[bytes]:
    """Return the object's bytes in blocks.

    A broken transfer is resumed where it stopped, three times at most. Raises SqlError after that,
    and when the object changes during the transfer.
    """
    position = 0
    for left in range(MAX_RESUMES, -1, -1):
        try:
            for block in _read_from(client, source, position):
                position += len(block)
                yield block
        except ClientError as failure:
            raise failed_s3(failure, f"Reading {source.url}") from failure
        except BotoCoreError as failure:
            if not left:
                raise failed_s3(failure, f"Reading {source.url}") from failure
        if position >= source.size:
            return
    raise service_error(
        f"S3ServiceException:the transfer of {source.url} ended at byte {position} of {source.size}"
    )


def _read_from(client: S3Client, source: S3Object, position: int) -> Iterator[bytes]:
    if position < source.size:
        response = client.get_object(
            Bucket=source.bucket, Key=source.key, IfMatch=source.etag, Range=f"bytes={position}-"
        )
        with contextlib.closing(response["Body"]) as body:
            yield from body.iter_chunks(BLOCK_BYTES)
