"""IAM roles: one inline policy each, and the role with which the warehouse runs COPY."""

from __future__ import annotations

from typing import Any

import pulumi_aws.iam as iam
from pulumi import (
    Input,
    InvokeOptions,
    Output,
    ResourceOptions,
    ResourceTransformation,
    ResourceTransformationArgs,
    ResourceTransformationResult,
)
from pulumi_aws.get_caller_identity import get_caller_identity_output

from infra import policies
from infra.component import Component, after, json_document
from infra.lake import Lake
from infra.stack_settings import StackSettings

ROLE = "aws:iam/role:Role"


def rules_of_roles(settings: StackSettings) -> ResourceTransformation:
    """Return the transformation that gives every role of a component the boundary and the path."""
    rules: dict[str, Any] = {}
    if settings.permissions_boundary_arn is not None:
        rules["permissions_boundary"] = settings.permissions_boundary_arn
    if settings.role_path != "/":
        rules["path"] = settings.role_path

    def transform(args: ResourceTransformationArgs) -> ResourceTransformationResult | None:
        if args.type_ != ROLE or not rules:
            return None
        return ResourceTransformationResult({**args.props, **rules}, args.opts)

    return transform


def create_role(
    parent: Component, noun: str, services: tuple[str, ...], policy: Input[str]
) -> Output[str]:
    """Return the ARN of a new role for `services`, with `policy` (JSON) as its only policy.

    The ARN resolves after the policy is attached, so that no resource starts with a role without
    permissions.
    """
    return attach_policy(parent, noun, bare_role(parent, noun, services), policy)


def bare_role(parent: Component, noun: str, services: tuple[str, ...], **options: Any) -> iam.Role:
    """Return a new role without a policy, which only `services` can assume."""
    account = get_caller_identity_output(opts=InvokeOptions(parent=parent)).account_id
    trust = json_document(lambda known: policies.trust(services, known), account)
    return iam.Role(f"{parent.name}-{noun}", assume_role_policy=trust, opts=parent.child(**options))


def attach_policy(parent: Component, noun: str, role: iam.Role, policy: Input[str]) -> Output[str]:
    """Attach the policy (JSON) and return the role's ARN, which resolves afterwards."""
    attached = iam.RolePolicy(
        f"{parent.name}-{noun}", role=role.name, policy=policy, opts=parent.child()
    )
    return after(role.arn, attached)


class CopyRole(Component):
    """The role that the warehouse assumes for COPY: it can read the two buckets.

    COPY reads S3 with this role, not with the role of the load function.
    """

    def __init__(
        self, name: str, settings: StackSettings, lake: Lake, opts: ResourceOptions
    ) -> None:
        super().__init__(name, opts)
        keys = policies.use_keys(settings.kms_key_arn, settings.upload_key_arns, ["s3"])
        policy = json_document(policies.copy_data, lake.lake.arn, lake.work.arn, keys)
        self.arn = create_role(
            self, "role", ("redshift.amazonaws.com", "redshift-serverless.amazonaws.com"), policy
        )
        self.register_outputs({})


class LoaderRole(Component):
    """The role of all functions that log in with IAM.

    Redshift makes a user of each role (`IAMR:role`), so functions that work on the same tables share
    one. Each function attaches a policy of its own.
    """

    def __init__(self, name: str, opts: ResourceOptions) -> None:
        super().__init__(name, opts)
        self.role = bare_role(self, "role", ("lambda.amazonaws.com",))
        self.user = Output.concat("IAMR:", self.role.name)
        self.register_outputs({})
