"""Secrets Manager: secrets."""

from __future__ import annotations

import json

from local_cloud.aws import Aws
from local_cloud.resources.registry import Context, Created, Resource, resource


@resource(
    "aws:secretsmanager/secret:Secret",
    {
        "recoveryWindowInDays": "the local cloud is deleted as a whole",
        "forceOverwriteReplicaSecret": "the local cloud has one region",
    },
)
def secret(context: Context, item: Resource) -> Created:
    name, policy = item.physical_name(), item.take("policy")
    client = context.aws.client("secretsmanager")
    arn = context.aws.call("secretsmanager", "create_secret", item.rest(), Name=name)["ARN"]
    if policy:
        client.put_resource_policy(SecretId=arn, ResourcePolicy=policy)
    return Created(arn, {"arn": arn, "name": name})


@resource(
    "aws:secretsmanager/secretVersion:SecretVersion",
    {"secretStringWoVersion": "every start creates the first version"},
)
def secret_version(context: Context, item: Resource) -> Created:
    arn = item.need("secretId")
    text = item.take("secretString") or item.take("secretStringWo")
    response = context.aws.call(
        "secretsmanager", "put_secret_value", item.rest(), SecretId=arn, SecretString=text
    )
    return Created(
        f"{arn}|{response['VersionId']}",
        {"arn": arn, "secretArn": arn, "versionId": response["VersionId"]},
    )


@resource("aws:secretsmanager/secretPolicy:SecretPolicy")
def secret_policy(context: Context, item: Resource) -> Created:
    arn = item.need("secretArn")
    context.aws.call(
        "secretsmanager", "put_resource_policy", SecretId=arn, ResourcePolicy=item.need("policy")
    )
    return Created(arn)


def create_admin_secret(aws: Aws, name: str, user: str, password: str) -> str:
    """Create the secret that Redshift creates for a managed admin password, and return its ARN."""
    text = json.dumps({"username": user, "password": password})
    arn: str = aws.client("secretsmanager").create_secret(Name=name, SecretString=text)["ARN"]
    return arn
