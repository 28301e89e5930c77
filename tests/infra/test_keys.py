"""A customer's KMS key: everything that is stored has it, and every role that reads may use it."""

from __future__ import annotations

import pytest

from infra.policies import use_keys
from tests.infra.conftest import KEY, UPLOAD_KEY
from tests.infra.engine import Stack

POLICY = "aws:iam/rolePolicy:RolePolicy"
CONFIGURATION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
PREFIX = "redshift-lake-loader-dev-"


def test_everything_that_is_stored_is_encrypted_with_the_key(iam: Stack):
    for bucket in iam.of(CONFIGURATION):
        [rule] = bucket.inputs["rules"]
        default = rule["applyServerSideEncryptionByDefault"]
        assert default == {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": KEY}
        assert rule["bucketKeyEnabled"] is True
    for table in iam.of("aws:dynamodb/table:Table"):
        assert table.inputs["serverSideEncryption"] == {"enabled": True, "kmsKeyArn": KEY}
    groups = iam.of("aws:cloudwatch/logGroup:LogGroup")
    assert len(groups) > 8
    assert {group.inputs["kmsKeyId"] for group in groups} == {KEY}
    assert {topic.inputs["kmsMasterKeyId"] for topic in iam.of("aws:sns/topic:Topic")} == {KEY}
    assert iam.one("aws:redshiftserverless/namespace:Namespace").inputs["kmsKeyId"] == KEY
    assert not iam.has("aws:kms/key:Key"), "no second key for the alarms"


def test_without_a_key_awss_own_keys_encrypt(plain: Stack):
    [rule] = plain.one(CONFIGURATION, "-lake").inputs["rules"]
    assert rule == {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
    assert not any(g.inputs.get("kmsKeyId") for g in plain.of("aws:cloudwatch/logGroup:LogGroup"))
    for policy in plain.of(POLICY):
        assert not [s for s in policy.json("policy")["Statement"] if "kms:" in str(s["Action"])]


@pytest.mark.parametrize(
    ("role", "services"),
    [
        ("load-role", ["dynamodb", "s3", "secretsmanager"]),
        ("tables-role", ["dynamodb", "s3", "secretsmanager"]),
        ("query-role", ["dynamodb", "s3"]),
        ("record-role", ["dynamodb"]),
        ("reconcile-role", ["dynamodb"]),
        ("bootstrap-role", ["secretsmanager"]),
        ("workflow-machine", ["dynamodb", "sns"]),
        ("copy-role", ["s3"]),
    ],
)
def test_a_role_uses_the_keys_only_through_its_services(iam: Stack, role: str, services: list[str]):
    statements = {s["Sid"]: s for s in iam.one(POLICY, PREFIX + role).json("policy")["Statement"]}
    own = statements["UseKey"]
    assert (own["Action"], own["Resource"]) == (["kms:Decrypt", "kms:GenerateDataKey"], [KEY])
    via = [f"{service}.eu-central-1.amazonaws.com" for service in services]
    assert own["Condition"] == {"StringEquals": {"kms:ViaService": via}}
    assert ("DecryptUploads" in statements) == ("s3" in services)
    if "s3" in services:
        uploads = statements["DecryptUploads"]
        assert (uploads["Action"], uploads["Resource"]) == (["kms:Decrypt"], [UPLOAD_KEY])
        through = {"StringEquals": {"kms:ViaService": ["s3.eu-central-1.amazonaws.com"]}}
        assert uploads["Condition"] == through


def test_in_china_the_endpoints_have_another_suffix():
    key = "arn:aws-cn:kms:cn-north-1:123456789012:key/1"
    [statement] = use_keys(key, (), ["s3"])
    via = ["s3.cn-north-1.amazonaws.com.cn"]
    assert statement["Condition"] == {"StringEquals": {"kms:ViaService": via}}
