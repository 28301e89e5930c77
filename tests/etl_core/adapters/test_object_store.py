"""The lake and the work bucket: what the library may rely on, of S3 as of the store in memory that other tests use."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from etl_core.adapters.s3 import S3Lake
from etl_core.loading.ports import ObjectStore
from etl_core.model.errors import MissingObjectError
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import Upload
from tests.e2e.conftest import Lake
from tests.fakes import FakeStore

LARGE = bytes(range(256)) * (20 << 12)
"""20 MiB: copied by parts."""


@dataclass(frozen=True)
class Bench:
    """A store, how an object gets into its lake, and how COPY would read a URL."""

    store: ObjectStore
    put: Callable[[str, bytes], Upload]
    content: Callable[[str], bytes]


@pytest.fixture
def in_memory() -> Bench:
    store = FakeStore()
    return Bench(
        store,
        lambda key, content: store.put(key, content, landed_at=datetime.now(UTC)),
        store.current,
    )


@pytest.fixture
def s3(lake: Lake) -> Bench:
    client = lake.client.aws.client("s3")
    outputs = lake.client.outputs

    def put(key: str, content: bytes) -> Upload:
        made = client.put_object(Bucket=outputs.lake_bucket, Key=key, Body=content)
        etag = made["ETag"].strip('"')
        now = datetime.now(UTC)
        return Upload(outputs.lake_bucket, key, made["VersionId"], etag, len(content), "01", now)

    def content(url: str) -> bytes:
        bucket, _, key = url.removeprefix("s3://").partition("/")
        return client.get_object(Bucket=bucket, Key=key)["Body"].read()

    work = next(each["Name"] for each in client.list_buckets()["Buckets"] if "work" in each["Name"])
    return Bench(S3Lake(client, outputs.lake_bucket, work), put, content)


@pytest.fixture(params=["in_memory", "s3"])
def bench(request: pytest.FixtureRequest) -> Bench:
    made: Bench = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def table() -> str:
    return f"store_{uuid.uuid4().hex[:8]}"


def test_an_upload_is_found_as_the_version_that_its_event_names(bench: Bench, table: str) -> None:
    key = f"dev/append/{table}/a b+c%20é.csv"
    first, second = bench.put(key, b"first"), bench.put(key, b"second!")

    versions = [bench.store.find_version(upload) for upload in (first, second)]

    assert [(version.size, version.is_current) for version in versions] == [(5, False), (7, True)]
    assert [b"".join(bench.store.read(version)) for version in versions] == [b"first", b"second!"]
    assert [bench.store.is_current(version) for version in versions] == [False, True]


def test_a_version_that_does_not_exist_is_missing(bench: Bench, table: str) -> None:
    upload = bench.put(f"dev/append/{table}/a.csv", b"x")

    with pytest.raises(MissingObjectError, match="no longer exists"):
        bench.store.find_version(
            Upload(upload.bucket, f"{upload.key}.no", "v1", "", None, "01", upload.landed_at)
        )


def test_a_large_file_is_read_in_pieces_and_pinned_as_it_was(bench: Bench, table: str) -> None:
    key = f"dev/append/{table}/large.csv"
    version = bench.store.find_version(bench.put(key, LARGE))
    bench.put(key, b"overwritten")

    pieces = list(bench.store.read(version))
    url = bench.store.pin(version, f"pinned/{uuid.uuid4().hex}")

    assert b"".join(pieces) == LARGE
    assert len(pieces) > 1
    assert bench.content(url) == LARGE


def test_a_manifest_is_written_to_the_work_bucket(bench: Bench) -> None:
    assert (
        bench.content(bench.store.write_manifest(f"manifests/{uuid.uuid4().hex}.json", '{"é": 1}'))
        == '{"é": 1}'.encode()
    )


def test_every_version_under_a_prefix_is_listed_with_the_time_at_which_it_landed(
    bench: Bench, table: str
) -> None:
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)
    uploads = [
        bench.put(f"dev/schema/{table}/{name}.json", name.encode()) for name in ("a", "a", "b")
    ]
    bench.put(f"dev/schema/{table}x/other.json", b"x")

    listed = bench.store.list_versions(f"dev/schema/{table}/")

    assert sorted((each.key, each.version_id) for each in listed) == sorted(
        (upload.key, upload.version_id or "") for upload in uploads
    )
    assert {each.etag for each in listed} == {upload.etag for upload in uploads}
    assert all(began <= each.landed_at <= datetime.now(UTC) for each in listed)


def test_schema_files_are_found_in_every_spelling_of_their_folder(bench: Bench, table: str) -> None:
    folders = [
        f"dev/schema/{table}/",
        f"DEV/Schema/{table.upper()}/",
        f"dev/schema/public.{table}/",
    ]
    for folder in folders:
        bench.put(f"{folder}s.json", b"{}")
    bench.put(f"dev/append/{table}/s.csv", b"")
    bench.put(f"analytics/schema/{table}/s.json", b"{}")

    found = bench.store.schema_folders(TableRef.parse("dev", table))

    assert sorted(found) == sorted(folders)
