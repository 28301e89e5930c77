"""IAM roles: one inline policy each, and the role with which the warehouse runs COPY."""

from __future__ import annotations

import json

import pulumi_aws.iam as iam
from pulumi import Input, Output, ResourceOptions

from infra import policies
from infra.component import Component, after, json_document
from infra.lake import Lake


def create_role(
    parent: Component, noun: str, services: tuple[str, ...], policy: Input[str]
) -> Output[str]:
    """Return the ARN of a new role for `services`, with `policy` (JSON) as its only policy.

    The ARN resolves after the policy is attached, so that no resource starts with a role without
    permissions.
    """
    name = f"{parent.name}-{noun}"
    role = iam.Role(
        name, assume_role_policy=json.dumps(policies.trust(*services)), opts=parent.child()
    )
    attached = iam.RolePolicy(name, role=role.name, policy=policy, opts=parent.child())
    return after(role.arn, attached)


class CopyRole(Component):
    """The role that the warehouse assumes for COPY: it can read the two buckets.

    COPY reads S3 with this role, not with the role of the load function.
    """

    def __init__(self, name: str, lake: Lake, opts: ResourceOptions) -> None:
        super().__init__(name, opts)
        policy = json_document(policies.copy_data, lake.lake.arn, lake.work.arn)
        self.arn = create_role(
            self, "role", ("redshift.amazonaws.com", "redshift-serverless.amazonaws.com"), policy
        )
        self.register_outputs({})
