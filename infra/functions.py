"""The Lambda functions.

Each has its own log group and a role with the permissions that it needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.iam as iam
import pulumi_aws.lambda_ as lambda_
from pulumi import Archive, FileArchive, Input, Output, ResourceOptions

from infra import policies
from infra.bundle import ARCHITECTURE, RUNTIME
from infra.component import Component
from infra.policies import Statement
from infra.roles import attach_policy, create_role


@dataclass(frozen=True)
class Code:
    """What all functions have in common: code archive, layer, retention of their log groups in days, and
    the customer's key for them.
    """

    archive: Archive
    layer_arn: Input[str]
    log_keep_days: int
    key_arn: str | None = None


@dataclass(frozen=True)
class VpcAttachment:
    """The subnets and the security groups of a function in the private network."""

    subnet_ids: Sequence[Input[str]]
    security_group_ids: Sequence[Input[str]]


@dataclass(frozen=True)
class FunctionSpec:
    """The properties of one function.

    `concurrency` is its reserved concurrency; with None it shares the concurrency of the account.
    Without `vpc` it runs outside the private network. With `role` it shares that role, to which it
    attaches its policy.
    """

    handler: str
    timeout_seconds: int
    memory_mb: int
    environment: Mapping[str, Input[str]]
    statements: Output[list[Statement]]
    concurrency: int | None = None
    vpc: VpcAttachment | None = None
    role: iam.Role | None = None


class Layer(Component):
    """The layer with the packages of all functions.

    `key` stands for its content. It is in the name of the resource: another key is another
    resource, so a new version of the layer. With the same key the archive is not compared, because
    compiled files may differ between two machines.
    """

    def __init__(self, name: str, path: str, key: str, opts: ResourceOptions) -> None:
        super().__init__(name, opts)
        layer = lambda_.LayerVersion(
            f"{name}-{key[:12]}",
            layer_name=name,
            code=FileArchive(path),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
            opts=self.child(ignore_changes=["code"]),
        )
        self.arn = layer.arn
        self.register_outputs({})


class LoaderFunction(Component):
    """One function. It is created after its log group and after the policy of its role.

    Otherwise its first run would create a log group without retention, or lack permissions.
    """

    def __init__(self, name: str, spec: FunctionSpec, code: Code, opts: ResourceOptions) -> None:
        super().__init__(name, opts)
        logs = cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/lambda/{name}",
            retention_in_days=code.log_keep_days,
            kms_key_id=code.key_arn,
            opts=self.child(),
        )
        function = lambda_.Function(
            name,
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            handler=spec.handler,
            code=code.archive,
            layers=[code.layer_arn],
            role=self._role(spec, logs),
            timeout=spec.timeout_seconds,
            memory_size=spec.memory_mb,
            environment={"variables": dict(spec.environment)},
            logging_config={"log_format": "Text", "log_group": logs.name},
            reserved_concurrent_executions=spec.concurrency,
            vpc_config=_vpc_config(spec.vpc),
            opts=self.child(),
        )
        self.arn = function.arn
        self.log_group_name = logs.name
        self.function_name = function.name
        self.invoke_arn = function.invoke_arn
        self.register_outputs({})

    def _role(self, spec: FunctionSpec, logs: cloudwatch.LogGroup) -> Output[str]:
        network = policies.use_network_interfaces() if spec.vpc else []

        def document(log_group_arn: str, statements: list[Statement]) -> policies.Document:
            return policies.document(policies.write_logs(log_group_arn), *statements, *network)

        policy = Output.json_dumps(
            Output.all(logs.arn, spec.statements).apply(lambda known: document(*known))
        )
        if spec.role is not None:
            return attach_policy(self, "role", spec.role, policy)
        return create_role(self, "role", ("lambda.amazonaws.com",), policy)


def invoke_by_rule(
    component: Component,
    rule: cloudwatch.EventRule,
    name: str,
    function: LoaderFunction,
    request: str | None = None,
) -> None:
    """Let a rule of the component invoke a function, with the event or with a fixed request (JSON)."""
    permission = lambda_.Permission(
        name,
        action="lambda:InvokeFunction",
        function=function.function_name,
        principal="events.amazonaws.com",
        source_arn=rule.arn,
        opts=component.child(),
    )
    cloudwatch.EventTarget(
        name,
        rule=rule.name,
        arn=function.arn,
        input=request,
        opts=component.child(depends_on=[permission]),
    )


def _vpc_config(vpc: VpcAttachment | None) -> lambda_.FunctionVpcConfigArgsDict | None:
    if vpc is None:
        return None
    return {
        "subnet_ids": list(vpc.subnet_ids),
        "security_group_ids": list(vpc.security_group_ids),
    }
