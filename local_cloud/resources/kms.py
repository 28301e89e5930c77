"""KMS: keys."""

from __future__ import annotations

from local_cloud.resources.registry import Context, Created, Resource, resource


@resource(
    "aws:kms/key:Key",
    {
        "enableKeyRotation": "the AWS server stores nothing on disk",
        "deletionWindowInDays": "the local cloud is deleted as a whole",
    },
)
def key(context: Context, item: Resource) -> Created:
    created = context.aws.call("kms", "create_key", item.rest())["KeyMetadata"]
    return Created(created["KeyId"], {"arn": created["Arn"], "keyId": created["KeyId"]})
