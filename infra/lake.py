"""The buckets: the lake for uploads, and the work bucket for the files of the pipeline."""

from __future__ import annotations

from collections.abc import Callable

import pulumi_aws.s3 as s3
from pulumi import ResourceOptions

from etl_core.model.work_bucket import QUARANTINE, TEMPORARY
from infra import policies
from infra.component import Component, json_document
from infra.policies import Document
from infra.stack_settings import StackSettings

ABORT_UPLOAD_DAYS = 7


class PrivateBucket(Component):
    """An encrypted bucket without public access that refuses requests without TLS.

    Its owner owns every object, also what another account puts. `policy` is the bucket policy, by
    the bucket's ARN.
    """

    def __init__(
        self,
        name: str,
        key_arn: str | None,
        *,
        policy: Callable[[str], Document] = policies.bucket,
        protect: bool,
        opts: ResourceOptions,
    ) -> None:
        super().__init__(name, opts)
        self.bucket = s3.Bucket(name, force_destroy=not protect, opts=self.child(protect=protect))
        self.arn = self.bucket.arn
        self.bucket_name = self.bucket.bucket
        s3.BucketServerSideEncryptionConfiguration(
            name, bucket=self.bucket_name, rules=[_encryption(key_arn)], opts=self.child()
        )
        private = s3.BucketPublicAccessBlock(
            name,
            bucket=self.bucket_name,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self.child(),
        )
        owner: s3.BucketOwnershipControlsRuleArgsDict = {"object_ownership": "BucketOwnerEnforced"}
        s3.BucketOwnershipControls(
            name, bucket=self.bucket_name, rule=owner, opts=self.child(depends_on=[private])
        )
        s3.BucketPolicy(
            name,
            bucket=self.bucket_name,
            policy=json_document(policy, self.arn),
            opts=self.child(depends_on=[private]),
        )
        self.register_outputs({})


class Lake(Component):
    """Two buckets: `lake` is versioned and sends its events to EventBridge; objects in `work` expire."""

    def __init__(self, name: str, settings: StackSettings, opts: ResourceOptions) -> None:
        super().__init__(name, opts)
        self.lake = PrivateBucket(
            name,
            settings.kms_key_arn,
            policy=lambda arn: policies.lake(arn, settings.producers, settings.databases),
            protect=settings.protect_data,
            opts=self.child(),
        )
        self.work = PrivateBucket(
            f"{name}-work", settings.kms_key_arn, protect=False, opts=self.child()
        )
        self._version_uploads()
        self._expire_work(settings)
        self.notification = s3.BucketNotification(
            name, bucket=self.lake.bucket_name, eventbridge=True, opts=self.child()
        )
        self.register_outputs({})

    def _version_uploads(self) -> None:
        """Version the lake: an upload is one version of one object.

        Versions never expire: a truncate that arrives late loads the appends after it again.
        """
        s3.BucketVersioning(
            self.name,
            bucket=self.lake.bucket_name,
            versioning_configuration={"status": "Enabled"},
            opts=self.child(),
        )
        s3.BucketLifecycleConfiguration(
            self.name,
            bucket=self.lake.bucket_name,
            rules=[_abort_incomplete_uploads()],
            opts=self.child(),
        )

    def _expire_work(self, settings: StackSettings) -> None:
        """One rule for each folder: of two rules for one object, S3 applies the shorter one."""
        keep_days = dict.fromkeys(TEMPORARY, settings.work_keep_days)
        keep_days[QUARANTINE] = settings.quarantine_keep_days
        expire = [_expire(folder, days) for folder, days in keep_days.items()]
        s3.BucketLifecycleConfiguration(
            f"{self.name}-work",
            bucket=self.work.bucket_name,
            rules=[*expire, _abort_incomplete_uploads()],
            opts=self.child(),
        )


def _encryption(
    key_arn: str | None,
) -> s3.BucketServerSideEncryptionConfigurationRuleArgsDict:
    """Return the rule for objects without a key of their own. A bucket key saves calls of KMS."""
    if key_arn is None:
        return {"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}
    return {
        "apply_server_side_encryption_by_default": {
            "sse_algorithm": "aws:kms",
            "kms_master_key_id": key_arn,
        },
        "bucket_key_enabled": True,
    }


def _expire(folder: str, days: int) -> s3.BucketLifecycleConfigurationRuleArgsDict:
    return {
        "id": f"expire-{folder.rstrip('/')}",
        "status": "Enabled",
        "filter": {"prefix": folder},
        "expiration": {"days": days},
    }


def _abort_incomplete_uploads() -> s3.BucketLifecycleConfigurationRuleArgsDict:
    return {
        "id": "abort-incomplete-uploads",
        "status": "Enabled",
        "filter": {"prefix": ""},
        "abort_incomplete_multipart_upload": {"days_after_initiation": ABORT_UPLOAD_DAYS},
    }
