"""The contract of the port ObjectStore, for S3 and for the fake that other tests use."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError
from botocore.session import Session

from etl_core.adapters.s3 import S3Lake
from etl_core.loading.ports import ObjectStore
from etl_core.model.errors import MissingObjectError
from etl_core.model.object_versions import StoredVersion
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import Upload
from tests.e2e.conftest import Lake
from tests.fakes import FakeStore

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LARGE = bytes(range(256)) * (20 << 12)
"""20 MiB: copied in parts."""


@dataclass(frozen=True)
class Subject:
    """A store, a way to put an object into its lake, and a way to read a URL like COPY."""

    store: ObjectStore
    put: Callable[[str, bytes], Upload]
    content: Callable[[str], bytes]


@pytest.fixture
def in_memory() -> Subject:
    store = FakeStore()
    return Subject(
        store,
        lambda key, content: store.put(key, content, landed_at=datetime.now(UTC)),
        store.current,
    )


@pytest.fixture
def s3(lake: Lake) -> Subject:
    client = lake.client.aws.client("s3")
    outputs = lake.client.outputs

    def put(key: str, content: bytes) -> Upload:
        stored = client.put_object(Bucket=outputs.lake_bucket, Key=key, Body=content)
        etag = stored["ETag"].strip('"')
        now = datetime.now(UTC)
        return Upload(outputs.lake_bucket, key, stored["VersionId"], etag, len(content), "01", now)

    def content(url: str) -> bytes:
        bucket, _, key = url.removeprefix("s3://").partition("/")
        return client.get_object(Bucket=bucket, Key=key)["Body"].read()

    work = next(each["Name"] for each in client.list_buckets()["Buckets"] if "work" in each["Name"])
    return Subject(S3Lake(client, outputs.lake_bucket, work), put, content)


@pytest.fixture(params=["in_memory", "s3"])
def subject(request: pytest.FixtureRequest) -> Subject:
    chosen: Subject = request.getfixturevalue(request.param)
    return chosen


@pytest.fixture
def table() -> str:
    return f"store_{uuid.uuid4().hex[:8]}"


def test_an_upload_is_found_as_the_version_that_its_event_names(
    subject: Subject, table: str
) -> None:
    key = f"dev/append/{table}/a b+c%20é.csv"
    first, second = subject.put(key, b"first"), subject.put(key, b"second!")

    versions = [subject.store.open(upload).version for upload in (first, second)]

    assert [(version.size, version.is_current) for version in versions] == [(5, False), (7, True)]
    assert [b"".join(subject.store.read(version)) for version in versions] == [b"first", b"second!"]
    assert [subject.store.is_current(version) for version in versions] == [False, True]


@contextmanager
def without_versions(client: S3Client, bucket: str) -> Iterator[None]:
    """Suspend the bucket's versioning during the block."""
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    try:
        yield
    finally:
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def test_an_object_from_before_versioning_is_read_although_a_version_followed_it(
    s3: Subject, lake: Lake, table: str
) -> None:
    client, bucket = lake.client.aws.client("s3"), lake.client.outputs.lake_bucket
    key, now = f"dev/append/{table}/a.csv", datetime.now(UTC)
    with without_versions(client, bucket):
        etag = client.put_object(Bucket=bucket, Key=key, Body=b"first")["ETag"].strip('"')
    s3.put(key, b"second!")

    version = s3.store.open(Upload(bucket, key, None, etag, 5, "0", now)).version

    assert (version.version_id, version.is_current) == ("null", False)
    assert b"".join(s3.store.read(version)) == b"first"
    assert s3.content(s3.store.pin(version, f"pinned/{uuid.uuid4().hex}")) == b"first"


def test_a_version_that_does_not_exist_is_missing(subject: Subject, table: str) -> None:
    upload = subject.put(f"dev/append/{table}/a.csv", b"x")

    with pytest.raises(MissingObjectError, match="no longer exists"):
        subject.store.open(
            Upload(upload.bucket, f"{upload.key}.no", "v1", "", None, "01", upload.landed_at)
        )


def test_a_large_file_is_read_in_pieces_and_its_old_version_is_pinned(
    subject: Subject, table: str
) -> None:
    key = f"dev/append/{table}/large.csv"
    opened = subject.store.open(subject.put(key, LARGE))
    version = opened.version
    subject.put(key, b"overwritten")

    pieces = list(subject.store.read(version))
    url = subject.store.pin(version, f"pinned/{uuid.uuid4().hex}")

    assert b"".join(pieces) == LARGE
    assert len(pieces) > 1
    assert LARGE.startswith(opened.first_bytes)
    assert 0 < len(opened.first_bytes) < len(LARGE)
    rest = subject.store.read(version, len(opened.first_bytes))
    assert opened.first_bytes + b"".join(rest) == LARGE
    assert subject.content(url) == LARGE


def test_an_empty_file_is_opened(subject: Subject, table: str) -> None:
    opened = subject.store.open(subject.put(f"dev/append/{table}/empty.csv", b""))

    assert (opened.version.size, opened.version.is_current, opened.first_bytes) == (0, True, b"")
    assert list(subject.store.read(opened.version)) == []


def test_a_manifest_is_written_to_the_work_bucket(subject: Subject) -> None:
    assert (
        subject.content(
            subject.store.write_object(
                f"manifests/{uuid.uuid4().hex}.json", '{"é": 1}'.encode(), "application/json"
            )
        )
        == '{"é": 1}'.encode()
    )


def test_every_version_under_a_prefix_is_listed_with_its_arrival_time(
    subject: Subject, table: str
) -> None:
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=1)
    uploads = [
        subject.put(f"dev/schema/{table}/{name}.json", name.encode()) for name in ("a", "a", "b")
    ]
    subject.put(f"dev/schema/{table}x/other.json", b"x")

    listed = subject.store.list_versions(f"dev/schema/{table}/")

    assert sorted((each.key, each.version_id) for each in listed) == sorted(
        (upload.key, upload.version_id or "") for upload in uploads
    )
    assert {each.etag for each in listed} == {upload.etag for upload in uploads}
    assert all(began <= each.landed_at <= datetime.now(UTC) for each in listed)


def test_schema_files_are_found_in_every_spelling_of_their_folder(
    subject: Subject, table: str
) -> None:
    folders = [
        f"dev/schema/{table}/",
        f"DEV/Schema/{table.upper()}/",
        f"dev/schema/public.{table}/",
    ]
    for folder in folders:
        subject.put(f"{folder}s.json", b"{}")
    subject.put(f"dev/append/{table}/s.csv", b"")
    subject.put(f"analytics/schema/{table}/s.json", b"{}")

    listed = subject.store.schema_folders(TableRef.parse("dev", table))

    assert sorted(listed) == sorted(folders)


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["in one piece", "in parts"])
def test_a_tagged_object_is_pinned_with_the_rights_of_the_load_function(
    lake: Lake, table: str, content: bytes
) -> None:
    """The role has no right to read or write tags and annotations, which S3 requires to copy them."""
    owner, outputs = lake.client.aws.client("s3"), lake.client.outputs
    work = next(each["Name"] for each in owner.list_buckets()["Buckets"] if "work" in each["Name"])
    key, name = f"dev/append/{table}/tagged.csv", f"pinned/{uuid.uuid4().hex}"
    stored = owner.put_object(
        Bucket=outputs.lake_bucket,
        Key=key,
        Body=content,
        Tagging="team=finance",
        Metadata={"origin": "erp"},
    )
    owner.put_object(Bucket=outputs.lake_bucket, Key=key, Body=b"overwritten")
    with as_load_function(lake) as client:
        version = StoredVersion(
            outputs.lake_bucket, key, stored["VersionId"], "", len(content), is_current=False
        )
        S3Lake(client, outputs.lake_bucket, work).pin(version, name)
        with pytest.raises(ClientError, match="AccessDenied"):
            client.get_object_tagging(Bucket=outputs.lake_bucket, Key=key)

    copy = owner.get_object(Bucket=work, Key=name)
    assert copy["Body"].read() == content
    assert copy["Metadata"] == {}
    assert owner.get_object_tagging(Bucket=work, Key=name)["TagSet"] == []


@contextmanager
def as_load_function(lake: Lake) -> Iterator[S3Client]:
    """Yield an S3 client with the rights of the load function's role.

    Only Lambda can take the role, so a role with the same rights takes its place.
    """
    iam = lake.client.aws.client("iam")
    roles = iam.get_paginator("list_roles").paginate()
    [role] = [
        role["RoleName"]
        for page in roles
        for role in page["Roles"]
        if "-load-role" in role["RoleName"]
    ]
    twin, trust = f"twin-{uuid.uuid4().hex[:8]}", {"Effect": "Allow", "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [{**trust, "Principal": {"AWS": "*"}}]}
    arn = iam.create_role(RoleName=twin, AssumeRolePolicyDocument=json.dumps(document))["Role"][
        "Arn"
    ]
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        rights = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        iam.put_role_policy(RoleName=twin, PolicyName=name, PolicyDocument=json.dumps(rights))
    keys = lake.client.aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")
    outputs, given = lake.client.outputs, keys["Credentials"]
    aws = Session().create_client(
        "s3",
        endpoint_url=outputs.aws_endpoint_url,
        region_name=outputs.region,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    with closing(aws):
        yield aws
