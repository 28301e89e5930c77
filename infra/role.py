"""A role with its one inline policy."""

from __future__ import annotations

import json

import pulumi_aws.iam as iam
from pulumi import Input, Output

from infra import policies
from infra.component import Component, once


def create_role(
    parent: Component, noun: str, services: tuple[str, ...], policy: Input[str]
) -> Output[str]:
    """The ARN of a role that only `services` may take and that may do what `policy` (JSON) says.

    The ARN is known only once the policy is attached, so that nothing can run with a role that may do nothing yet.
    """
    name = f"{parent.name}-{noun}"
    role = iam.Role(
        name, assume_role_policy=json.dumps(policies.trust(*services)), opts=parent.child()
    )
    attached = iam.RolePolicy(name, role=role.name, policy=policy, opts=parent.child())
    return once(role.arn, attached)
