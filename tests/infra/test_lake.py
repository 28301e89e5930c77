import pytest

from etl_core.model.work_bucket import QUARANTINE, TEMPORARY
from tests.infra.conftest import PRODUCERS
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


@pytest.mark.parametrize("noun", ["-lake", "-lake-work"])
def test_the_owner_of_a_bucket_owns_what_others_put(any_stack: Stack, noun):
    controls = any_stack.one("aws:s3/bucketOwnershipControls:BucketOwnershipControls", noun)
    assert controls.inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}
    assert controls.depends_on(any_stack.one(BUCKET, noun))


def test_producers_of_other_accounts_may_only_put_uploads(everything: Stack):
    bucket = everything.one(BUCKET, "-lake")
    arn = f"arn:aws:s3:eu-central-1:123456789012:Bucket/{bucket.name}"
    policy = everything.one("aws:s3/bucketPolicy:BucketPolicy", "-lake").json("policy")
    denied, allowed = policy["Statement"]
    assert denied["Sid"] == "TlsOnly"
    assert allowed["Effect"] == "Allow"
    assert allowed["Action"] == ["s3:PutObject"]
    assert allowed["Principal"] == {"AWS": ["arn:aws:iam::210987654321:root", PRODUCERS[1]]}
    assert allowed["Resource"] == [
        f"{arn}/{database}/{action}/*"
        for database in ("dev", "analytics")
        for action in ("append", "truncate", "upsert", "schema")
    ]


def test_nobody_else_may_put_into_the_lake_or_anything_into_the_work_bucket(
    plain: Stack, everything: Stack
):
    kind = "aws:s3/bucketPolicy:BucketPolicy"
    for policy in (*plain.of(kind), everything.one(kind, "-lake-work")):
        assert [each["Effect"] for each in policy.json("policy")["Statement"]] == ["Deny"]


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
