"""An upload that its producer encrypts with a KMS key loads like any other.

The local cloud does not check rights on keys; tests/infra/test_keys.py asserts them.
"""

from __future__ import annotations

from tests.e2e.conftest import Lake, columns


def test_an_upload_with_a_customers_key_loads(lake: Lake) -> None:
    table = lake.table("sealed")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER")))
    aws, bucket = lake.client.aws, lake.client.outputs.lake_bucket
    key = aws.client("kms").create_key(Description="a producer's key")["KeyMetadata"]["Arn"]
    stored = aws.client("s3").put_object(
        Bucket=bucket,
        Key=f"dev/append/{table}/a.csv",
        Body=b"id\n7\n",
        ServerSideEncryption="aws:kms",
        SSEKMSKeyId=key,
    )
    assert stored["SSEKMSKeyId"] == key
    assert lake.entry(table, stored["VersionId"])["status"] == "loaded"
    assert lake.rows(table) == [(7,)]
