"""Producers of another account, under the bucket policy that the setting `producers` renders."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from infra import policies
from local_cloud.aws import Aws
from local_cloud.resources.s3 import without_tls_rule
from tests.e2e.conftest import Lake, columns

PRODUCER, STRANGER = "210987654321", "345678901234"


@pytest.fixture
def shared(lake: Lake) -> Iterator[Lake]:
    """The lake, with the policy of a stack that lists the producer. The local stack lists nobody."""
    s3, bucket = lake.client.aws.client("s3"), lake.client.outputs.lake_bucket
    policy = policies.lake(f"arn:aws:s3:::{bucket}", [PRODUCER], ["dev"])
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(without_tls_rule(policy)))
    yield lake
    s3.delete_bucket_policy(Bucket=bucket)


def of_account(lake: Lake, account: str) -> Aws:
    """Return clients of another account: the local AWS reads the account from the access key."""
    outputs = lake.client.outputs
    return Aws(outputs.aws_endpoint_url, outputs.region, account, account, "secret")


def is_denied(aws: Aws, operation: str, **parameters: object) -> bool:
    try:
        getattr(aws.client("s3"), operation)(**parameters)
    except ClientError as error:
        return error.response["Error"]["Code"] == "AccessDenied"
    return False


def test_a_listed_account_puts_uploads_and_nothing_else(shared: Lake) -> None:
    table = shared.table("shared")
    shared.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER")))
    bucket, key = shared.client.outputs.lake_bucket, f"dev/append/{table}/a.csv"
    producer, stranger = of_account(shared, PRODUCER), of_account(shared, STRANGER)
    put = {"Bucket": bucket, "Key": key, "Body": b"id\n7\n"}

    assert is_denied(stranger, "put_object", **put)
    version = producer.client("s3").put_object(**put)["VersionId"]

    assert shared.entry(table, version)["status"] == "loaded"
    assert shared.rows(table) == [(7,)]
    for other in ("notes.txt", f"dev/other/{table}/a.csv", f"analytics/append/{table}/a.csv"):
        assert is_denied(producer, "put_object", **(put | {"Key": other})), other
    assert is_denied(producer, "get_object", Bucket=bucket, Key=key)
    assert is_denied(producer, "delete_object", Bucket=bucket, Key=key)
    assert is_denied(producer, "list_objects_v2", Bucket=bucket)
    producer.close()
    stranger.close()
