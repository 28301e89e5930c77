"""S3: buckets and their settings."""

from __future__ import annotations

import json
from typing import Any

from local_cloud.resources.registry import Context, Created, Resource, resource


@resource("aws:s3/bucket:Bucket", {"forceDestroy": "the local cloud is deleted as a whole"})
def bucket(context: Context, item: Resource) -> Created:
    name = item.physical_name("bucket", "bucketPrefix")
    location = (
        {} if context.aws.region == "us-east-1" else {"LocationConstraint": context.aws.region}
    )
    extra: dict[str, Any] = {"CreateBucketConfiguration": location} if location else {}
    if item.take("objectLockEnabled"):
        extra["ObjectLockEnabledForBucket"] = True
    context.aws.client("s3").create_bucket(Bucket=name, **extra)
    domain = f"{name}.s3.{context.aws.region}.amazonaws.com"
    outputs = {"arn": f"arn:aws:s3:::{name}", "bucket": name, "region": context.aws.region}
    return Created(
        name,
        outputs
        | {"bucketDomainName": f"{name}.s3.amazonaws.com", "bucketRegionalDomainName": domain},
    )


@resource("aws:s3/bucketVersioning:BucketVersioning")
def versioning(context: Context, item: Resource) -> Created:
    return _configure(context, item, "put_bucket_versioning", "versioningConfiguration")


@resource("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock")
def public_access_block(context: Context, item: Resource) -> Created:
    name = item.need("bucket")
    settings = {key[0].upper() + key[1:]: value for key, value in item.rest().items()}
    context.aws.client("s3").put_public_access_block(
        Bucket=name, PublicAccessBlockConfiguration=settings
    )
    return Created(name)


@resource("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration")
def encryption(context: Context, item: Resource) -> Created:
    name = item.need("bucket")
    context.aws.call(
        "s3",
        "put_bucket_encryption",
        {"serverSideEncryptionConfiguration": {"rules": item.need("rules")}},
        Bucket=name,
    )
    return Created(name)


@resource("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration")
def lifecycle(context: Context, item: Resource) -> Created:
    name = item.need("bucket")
    rules = [_lifecycle_rule(rule) for rule in item.need("rules")]
    context.aws.call(
        "s3",
        "put_bucket_lifecycle_configuration",
        {"lifecycleConfiguration": {"rules": rules}},
        Bucket=name,
    )
    return Created(name)


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    """Add the filter that S3 requires in every rule; an empty prefix covers the whole bucket."""
    return rule | {"filter": rule.get("filter") or {"prefix": ""}}


@resource("aws:s3/bucketOwnershipControls:BucketOwnershipControls")
def ownership(context: Context, item: Resource) -> Created:
    name = item.need("bucket")
    context.aws.call(
        "s3",
        "put_bucket_ownership_controls",
        {"ownershipControls": {"rules": item.need("rule")}},
        Bucket=name,
    )
    return Created(name)


@resource("aws:s3/bucketPolicy:BucketPolicy")
def bucket_policy(context: Context, item: Resource) -> Created:
    name, document = item.need("bucket"), without_tls_rule(json.loads(item.need("policy")))
    if document["Statement"]:
        context.aws.client("s3").put_bucket_policy(Bucket=name, Policy=json.dumps(document))
    return Created(name)


def without_tls_rule(document: dict[str, Any]) -> dict[str, Any]:
    """Return the policy without the statement that denies plain HTTP.

    The AWS server uses plain HTTP on the loopback address.
    """
    statements = [s for s in document["Statement"] if not _requires_tls(s)]
    return document | {"Statement": statements}


def _requires_tls(statement: dict[str, Any]) -> bool:
    condition = {"Bool": {"aws:SecureTransport": "false"}}
    return statement["Effect"] == "Deny" and statement.get("Condition") == condition


@resource("aws:s3/bucketNotification:BucketNotification")
def notification(context: Context, item: Resource) -> Created:
    name = item.need("bucket")
    configuration: dict[str, Any] = (
        {"EventBridgeConfiguration": {}} if item.take("eventbridge") else {}
    )
    context.aws.client("s3").put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration=configuration
    )
    return Created(name)


def _configure(context: Context, item: Resource, operation: str, key: str) -> Created:
    name = item.need("bucket")
    context.aws.call("s3", operation, {key: item.need(key)}, Bucket=name)
    return Created(name)
