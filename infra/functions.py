"""The Lambda functions: each with its own log group and a role that may do what this function does, and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.lambda_ as lambda_
from pulumi import Archive, FileArchive, Input, Output, ResourceOptions

from infra import policies
from infra.component import Component
from infra.policies import Statement
from infra.role import create_role
from infra.runtime import ARCHITECTURE, RUNTIME


@dataclass(frozen=True)
class Code:
    """What all functions run: the code archive, the layer's ARN, and how long their lines are kept."""

    archive: Archive
    layer_arn: Input[str]
    log_keep_days: int


@dataclass(frozen=True)
class VpcAttachment:
    """Where in the private network a function is attached."""

    subnet_ids: Sequence[Input[str]]
    security_group_id: Input[str]


@dataclass(frozen=True)
class FunctionSpec:
    """What distinguishes one function from the others. `concurrency` reserves; None takes part in the account's."""

    handler: str
    timeout_seconds: int
    memory_mb: int
    environment: Mapping[str, Input[str]]
    statements: Output[list[Statement]]
    concurrency: int | None = None
    reach: VpcAttachment | None = field(default=None)


class Layer(Component):
    """The third-party packages of all functions."""

    def __init__(self, name: str, path: str, opts: ResourceOptions) -> None:
        super().__init__(name, opts)
        layer = lambda_.LayerVersion(
            name,
            layer_name=name,
            code=FileArchive(path),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
            opts=self.child(),
        )
        self.arn = layer.arn
        self.register_outputs({})


class LoaderFunction(Component):
    """One function. It cannot exist before its log group keeps its retention and its role its policy."""

    def __init__(self, name: str, spec: FunctionSpec, code: Code, opts: ResourceOptions) -> None:
        super().__init__(name, opts)
        logs = cloudwatch.LogGroup(
            f"{name}-logs",
            name=f"/aws/lambda/{name}",
            retention_in_days=code.log_keep_days,
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
            vpc_config=_vpc_config(spec.reach),
            opts=self.child(),
        )
        self.arn = function.arn
        self.function_name = function.name
        self.invoke_arn = function.invoke_arn
        self.register_outputs({})

    def _role(self, spec: FunctionSpec, logs: cloudwatch.LogGroup) -> Output[str]:
        network = policies.use_network_interfaces() if spec.reach else []

        def document(log_group_arn: str, statements: list[Statement]) -> policies.Document:
            return policies.document(policies.write_logs(log_group_arn), *statements, *network)

        policy = Output.json_dumps(
            Output.all(logs.arn, spec.statements).apply(lambda known: document(*known))
        )
        return create_role(self, "role", ("lambda.amazonaws.com",), policy)


def _vpc_config(reach: VpcAttachment | None) -> lambda_.FunctionVpcConfigArgsDict | None:
    if reach is None:
        return None
    return {"subnet_ids": list(reach.subnet_ids), "security_group_ids": [reach.security_group_id]}
