"""A recording engine: runs the real program under Pulumi's mocks and records the registered resources.

In deploy mode computed outputs have invented values, so that every `apply` runs. In preview mode
they are unknown, as in a first `pulumi preview`. The two modes find different faults, so the tests
run both.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any
from unittest import mock

import pulumi
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks, set_mocks
from pulumi.runtime.settings import get_root_resource
from pulumi.runtime.stack import run_pulumi_func

from local_cloud.deploy import run_and_settle

PROJECT = "redshift-lake-loader"
ACCOUNT = "123456789012"
REGION = "eu-central-1"
ZONES = [f"{REGION}{letter}" for letter in "abc"]
OUTPUTS = {
    "lake_bucket",
    "work_bucket",
    "log_table",
    "state_machine_arn",
    "reconcile_function",
    "tables_function",
    "api_url",
    "api_key",
    "api_auth",
    "warehouse_host",
    "warehouse_port",
    "warehouse_databases",
    "warehouse_secret_arn",
    "warehouse_administrator_secret_arn",
    "warehouse_loader",
    "warehouse_reader",
    "copy_role_arn",
    "dead_letter_queue_url",
    "notice_topic_arn",
}
"""The outputs of the program."""


class Mode(Enum):
    DEPLOY = "deploy"
    PREVIEW = "preview"


@dataclass(frozen=True)
class Registered:
    """One registered resource.

    `dependencies` are the (type, name) pairs of the resources that it depends on.
    """

    typ: str
    name: str
    inputs: Mapping[str, Any]
    secret_inputs: frozenset[str]
    dependencies: frozenset[tuple[str, str]] = frozenset()
    protect: bool = False
    parent: str = ""
    provider: str = ""
    ignored_changes: tuple[str, ...] = ()
    replaced_on: tuple[str, ...] = ()
    delete_before_replace: bool = False
    has_root_alias: bool = False

    def depends_on(self, other: Registered) -> bool:
        return (other.typ, other.name) in self.dependencies

    def json(self, key: str) -> Any:
        """Return a JSON input, parsed."""
        return json.loads(self.inputs[key])


@dataclass
class Stack:
    """The resources and outputs of one run."""

    resources: list[Registered] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    secret_outputs: set[str] = field(default_factory=set)

    def of(self, typ: str) -> list[Registered]:
        """Return all resources of a type, sorted by name."""
        return sorted((r for r in self.resources if r.typ == typ), key=lambda r: r.name)

    def one(self, typ: str, suffix: str = "") -> Registered:
        """Return the only resource of this type whose name ends with `suffix`."""
        found = [r for r in self.of(typ) if r.name.endswith(suffix)]
        assert len(found) == 1, (
            f"{typ} *{suffix}: {[r.name for r in found]} of {[r.name for r in self.of(typ)]}"
        )
        return found[0]

    def has(self, typ: str) -> bool:
        return bool(self.of(typ))

    def identities(self) -> set[tuple[str, str]]:
        return {(r.typ, r.name) for r in self.resources}

    def documents(self) -> Iterator[tuple[Registered, str, Any]]:
        """Yield every policy document: the resource, the name of the input, the document."""
        for resource in self.resources:
            for key in ("policy", "assumeRolePolicy"):
                if isinstance(resource.inputs.get(key), str):
                    yield resource, key, resource.json(key)


def _computed(typ: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the outputs that AWS would compute.

    Each holds the name of its resource, so that tests can check references.
    """
    arn = f"arn:aws:{typ.split('/')[0].removeprefix('aws:')}:{REGION}:{ACCOUNT}:{typ.rsplit(':', 1)[1]}/{name}"
    return {
        "arn": arn,
        "name": name,
        "bucket": name,
        "url": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}",
        "invokeArn": f"arn:aws:apigateway:{REGION}:lambda:path/functions/{arn}/invocations",
        "invokeUrl": f"https://api.example/{inputs.get('stageName')}",
        "executionArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{name}",
        "rootResourceId": f"{name}-root",
        "prefixListId": f"pl-{name}",
        "endpoints": [{"address": f"{name}.warehouse.example", "port": 5439, "vpcEndpoints": []}],
        "dnsName": f"{name}.cluster.example",
        "adminPasswordSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}",
        "masterPasswordSecretArn": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}",
        **({"value": "the-api-key"} if typ.endswith(":ApiKey") else {}),
        **inputs,
    }


class _Recorder(Mocks):
    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self.seen: dict[tuple[str, str], tuple[dict[str, Any], frozenset[str]]] = {}
        self.registrations: list[tuple[str, str]] = []

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        secret = frozenset(key for key, value in args.inputs.items() if rpc.is_rpc_secret(value))
        inputs = {key: rpc.unwrap_rpc_secret(value) for key, value in args.inputs.items()}
        self.seen[args.typ, args.name] = (inputs, secret)
        self.registrations.append((args.typ, args.name))
        if args.custom is False:
            return "", {}
        if self.mode is Mode.PREVIEW:
            return "", inputs
        return f"{args.name}-id", _computed(args.typ, args.name, inputs)

    def call(self, args: MockCallArgs) -> Any:
        unknown = [
            key for key, value in args.args.items() if isinstance(value, pulumi.output.Unknown)
        ]
        assert not unknown, f"{args.token} is called with unknown {unknown}"
        match args.token:
            case "aws:index/getRegion:getRegion":
                return {"region": REGION, "name": REGION, "id": REGION}
            case "aws:index/getAvailabilityZones:getAvailabilityZones":
                return {"names": [f"{REGION}0", *ZONES], "zoneIds": ZONES, "id": REGION}
            case "aws:index/getCallerIdentity:getCallerIdentity":
                return {"accountId": ACCOUNT, "arn": f"arn:aws:iam::{ACCOUNT}:root", "id": ACCOUNT}
            case "aws:index/getPartition:getPartition":
                return {"partition": "aws", "id": "aws", "dnsSuffix": "amazonaws.com"}
            case "aws:ec2/getVpcEndpointService:getVpcEndpointService":
                return {"availabilityZones": [*reversed(ZONES), f"{REGION}z"], "id": "service"}
            case "aws:redshift/getOrderableCluster:getOrderableCluster":
                return {"availabilityZones": [*ZONES, f"{REGION}y"], "id": "orderable"}
            case "aws:ec2/getVpc:getVpc":
                return {"id": "vpc-company"}
            case "aws:ec2/getSubnets:getSubnets":
                return {"ids": ["subnet-1", "subnet-2"], "id": "subnets"}
            case "aws:redshift/getCluster:getCluster":
                name = args.args["clusterIdentifier"]
                where = {"endpoint": f"{name}.redshift.example", "port": 5439}
                return where | {"clusterIdentifier": name, "vpcSecurityGroupIds": ["sg-1"]}
            case "aws:ec2/getManagedPrefixList:getManagedPrefixList":
                return {"id": "pl-s3", "name": args.args["name"]}
            case "aws:redshiftserverless/getWorkgroup:getWorkgroup":
                name = args.args["workgroupName"]
                arn = f"arn:aws:redshift-serverless:{REGION}:{ACCOUNT}:workgroup/id-of-{name}"
                return {"arn": arn, "workgroupName": name, "id": name}
        raise AssertionError(
            f"the program calls {args.token}; add a result for it to the recording engine"
        )


class _Monitor(MockMonitor):
    """Records what mocks do not see: dependencies, protection, provider."""

    def __init__(self, mocks: Mocks) -> None:
        super().__init__(mocks)
        self.requests: dict[tuple[str, str], Any] = {}
        self._loops: set[asyncio.AbstractEventLoop] = set()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the SDK's name
        self.requests[request.type, request.name] = request
        try:
            return super().RegisterResource(request)  # type: ignore[no-untyped-call]
        finally:
            with contextlib.suppress(RuntimeError):  # this thread has no loop
                self._loops.add(asyncio.get_event_loop_policy().get_event_loop())

    def close(self) -> None:
        """Close the event loops that the mock monitor opened, one in each worker thread."""
        for loop in self._loops:
            loop.close()


def _identity(urn: str) -> tuple[str, str]:
    *_, types, name = urn.split("::")
    return types.rsplit("$", 1)[-1], name


def _registered(recorder: _Recorder, monitor: _Monitor) -> list[Registered]:
    resources = []
    for (typ, name), (inputs, secret) in recorder.seen.items():
        request = monitor.requests[typ, name]
        dependencies = {_identity(urn) for urn in request.dependencies}
        for property_dependencies in request.propertyDependencies.values():
            dependencies |= {_identity(urn) for urn in property_dependencies.urns}
        resources.append(
            Registered(
                typ,
                name,
                inputs,
                secret,
                frozenset(dependencies),
                request.protect,
                _identity(request.parent)[1] if request.parent else "",
                request.provider,
                tuple(request.ignoreChanges),
                tuple(request.replaceOnChanges),
                request.deleteBeforeReplace,
                any(alias.spec.noParent for alias in request.aliases),
            )
        )
    return resources


async def _run(
    main: Callable[[], None],
    recorder: _Recorder,
    monitor: _Monitor,
    stack: str,
    config: Mapping[str, str],
) -> Stack:
    set_mocks(
        recorder,
        project=PROJECT,
        stack=stack,
        preview=recorder.mode is Mode.PREVIEW,
        monitor=monitor,
    )
    full = {key if ":" in key else f"{PROJECT}:{key}": value for key, value in config.items()}
    pulumi.runtime.set_all_config({"aws:region": REGION, **full}, [])
    await run_pulumi_func(partial(run_and_settle, main))
    twice = {
        identity
        for identity in recorder.registrations
        if recorder.registrations.count(identity) > 1
    }
    assert not twice, f"registered twice: {twice}"
    result = Stack(_registered(recorder, monitor))
    root: Any = get_root_resource()
    for key, value in root.outputs.items():
        output = pulumi.Output.from_input(value)
        result.outputs[key] = await output.future()
        if await output.is_secret():
            result.secret_outputs.add(key)
    return result


def run(
    main: Callable[[], None],
    mode: Mode,
    *,
    stack: str = "dev",
    config: Mapping[str, str] | None = None,
) -> Stack:
    """Run `main` once.

    An Output that is used as text raises an error, so that none ends up in a document.
    """
    recorder = _Recorder(mode)
    monitor = _Monitor(recorder)
    try:
        with mock.patch.dict(os.environ, {"PULUMI_ERROR_OUTPUT_STRING": "1"}):
            return asyncio.run(_run(main, recorder, monitor, stack, config or {}))
    finally:
        monitor.close()
