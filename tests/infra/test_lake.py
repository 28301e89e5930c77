import pytest

from etl_core.model.work_bucket import QUARANTINE, TEMPORARY
from tests.infra.engine import Stack

BUCKET = "aws:s3/bucket:Bucket"


@pytest.mark.parametrize("noun", ["-lake", "-lake-work"])
def test_both_buckets_are_private_and_encrypted(any_stack: Stack, noun):
    access = any_stack.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", noun)
    assert {access.inputs[key] for key in access.inputs if key != "bucket"} == {True}
    assert len(access.inputs) >= 4
    kind = "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    (rule,) = any_stack.one(kind, noun).inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"]["sseAlgorithm"] == "AES256"


@pytest.mark.parametrize("noun", ["-lake", "-lake-work"])
def test_both_buckets_refuse_requests_without_tls(plain: Stack, noun):
    policy = plain.one("aws:s3/bucketPolicy:BucketPolicy", noun)
    bucket = plain.one(BUCKET, noun)
    arn = f"arn:aws:s3:eu-central-1:123456789012:Bucket/{bucket.name}"
    (statement,) = policy.json("policy")["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Resource"] == [arn, f"{arn}/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert policy.inputs["bucket"] == bucket.name


def test_only_the_lake_is_versioned_and_sends_events(any_stack: Stack):
    versioning = any_stack.one("aws:s3/bucketVersioning:BucketVersioning")
    assert versioning.name.endswith("-lake")
    assert versioning.inputs["versioningConfiguration"] == {"status": "Enabled"}
    notification = any_stack.one("aws:s3/bucketNotification:BucketNotification")
    assert notification.name.endswith("-lake")
    assert notification.inputs["eventbridge"] is True


def test_objects_in_the_work_bucket_expire_and_uploads_do_not(plain: Stack):
    kind = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
    work, lake = (
        plain.one(kind, "-lake-work").inputs["rules"],
        plain.one(kind, "-lake").inputs["rules"],
    )
    expiring = {
        rule["filter"]["prefix"]: rule["expiration"]["days"]
        for rule in work
        if "expiration" in rule
    }
    assert expiring == dict.fromkeys(TEMPORARY, 7) | {QUARANTINE: 30}
    assert len({rule["id"] for rule in work}) == len(work)
    assert not any(key.endswith(("expiration", "Expiration")) for rule in lake for key in rule)
    for rules in (work, lake):
        assert any("abortIncompleteMultipartUpload" in rule for rule in rules)
        assert all(rule["status"] == "Enabled" for rule in rules)


def test_destroy_does_not_empty_a_protected_lake(everything: Stack, plain: Stack):
    assert everything.one(BUCKET, "-lake").inputs["forceDestroy"] is False
    assert everything.one(BUCKET, "-lake-work").inputs["forceDestroy"] is True
    assert plain.one(BUCKET, "-lake").inputs["forceDestroy"] is True
