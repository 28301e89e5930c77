"""One AWS account as the provider sees it: resources that exist, and what AWS refuses to do with them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from tests.engine.resource_rules import KEPT_BY, RULES, Rule

ACCOUNT = "123456789012"
REGION = "eu-central-1"
ZONES = [f"{REGION}{letter}" for letter in "abc"]
ALL_ZONES = [*ZONES, f"{REGION}d"]

NAMESPACE = "aws:redshiftserverless/namespace:Namespace"
WORKGROUP = "aws:redshiftserverless/workgroup:Workgroup"
CLUSTER = "aws:redshift/cluster:Cluster"
SUBNET_GROUP = "aws:redshift/subnetGroup:SubnetGroup"
SUBNET = "aws:ec2/subnet:Subnet"
SECURITY_GROUP = "aws:ec2/securityGroup:SecurityGroup"
BUCKET = "aws:s3/bucket:Bucket"
TABLE = "aws:dynamodb/table:Table"
HOLDS_DATA = frozenset({NAMESPACE, CLUSTER, BUCKET, TABLE})
"""What keeps the data of users: uploads, tables, the log."""

_NAMES_OF_THEIR_OWN = {
    NAMESPACE: "namespaceName",
    WORKGROUP: "workgroupName",
    CLUSTER: "clusterIdentifier",
    "aws:cloudwatch/dashboard:Dashboard": "dashboardName",
    "aws:cloudwatch/eventBus:EventBus": "name",
}
_CONFIG_PARAMETERS = frozenset({
    "auto_mv", "datestyle", "enable_case_sensitive_identifier", "enable_user_activity_logging", "query_group",
    "search_path", "max_query_execution_time", "require_ssl", "use_fips_ssl",
})  # fmt: skip
"""Redshift Serverless API reference, CreateWorkgroup, `configParameters`."""


class AwsError(Exception):
    """AWS refuses the request."""


class InjectedError(AwsError):
    """A fault that the test injected."""


@dataclass
class Entry:
    """One resource that exists."""

    type: str
    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]


@dataclass
class Faults:
    """Which calls fail. `creates` and `deletes`: the number of the call, counted from 1."""

    creates: frozenset[int] = frozenset()
    deletes: frozenset[int] = frozenset()


@dataclass
class Account:
    """The resources of one account. Several threads use it."""

    number: str = ACCOUNT
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    contents: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """What is in buckets, tables and warehouses, by (type, id)."""
    lost: list[tuple[str, str]] = field(default_factory=list)
    """The resources that were deleted with content."""
    snapshots: set[str] = field(default_factory=set)
    recovery_points: set[str] = field(default_factory=set)
    """The namespaces that have one."""
    zones: list[str] = field(default_factory=lambda: list(ZONES))
    """The zones with Redshift."""
    faults: Faults = field(default_factory=Faults)
    calls: dict[str, int] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _serial: int = 0

    def copy(self) -> Account:
        """Return an independent copy, without the faults."""
        with self._lock:
            return Account(
                self.number,
                deepcopy(self.entries),
                deepcopy(self.contents),
                list(self.lost),
                set(self.snapshots),
                set(self.recovery_points),
                _serial=self._serial,
            )

    def of(self, type_token: str) -> list[Entry]:
        return [entry for entry in self.entries.values() if entry.type == type_token]

    def suffix(self) -> str:
        """Return the next suffix of a name: seven hexadecimal digits, as Pulumi's."""
        with self._lock:
            self._serial += 1
            return f"{self._serial:07x}"

    def fill(self) -> None:
        """Put users' data where they belong, not into the pipeline's own files and leases."""
        for key, entry in self.entries.items():
            is_ours = "-lake-work-" in entry.id or "-leases-" in entry.id
            if entry.type in HOLDS_DATA and not is_ours:
                self.contents.setdefault(key, []).append("data")
        self.recovery_points |= {entry.id for entry in self.of(NAMESPACE)}

    def create(self, type_token: str, name: str, inputs: dict[str, Any]) -> Entry:
        with self._lock:
            self._interrupt("create", self.faults.creates, type_token, name)
            rule = rule_of(type_token)
            for fault in self._faults_of_create(type_token, inputs, rule):
                raise AwsError(f"creating {type_token} {name}: {fault}")
            identifier = self._id(type_token, name, inputs, rule)
            outputs = {**inputs, **_computed(self.number, type_token, identifier, inputs)}
            entry = Entry(type_token, identifier, inputs, outputs)
            self.entries[type_token, identifier] = entry
            return entry

    def update(self, type_token: str, identifier: str, inputs: dict[str, Any]) -> Entry:
        with self._lock:
            self._count("update")
            entry = self._existing(type_token, identifier)
            for fault in self._faults_of_update(entry, inputs):
                raise AwsError(f"updating {type_token} {identifier}: {fault}")
            computed = _computed(self.number, type_token, identifier, inputs)
            entry.inputs, entry.outputs = inputs, {**inputs, **computed}
            return entry

    def delete(self, type_token: str, identifier: str) -> None:
        with self._lock:
            self._interrupt("delete", self.faults.deletes, type_token, identifier)
            entry = self.entries.get((type_token, identifier))
            if entry is None:
                return  # the provider takes "not found" for success
            for fault in self._faults_of_delete(entry):
                raise AwsError(f"deleting {type_token} {identifier}: {fault}")
            if entry.type == CLUSTER and not entry.inputs.get("skipFinalSnapshot"):
                self.snapshots.add(entry.inputs["finalSnapshotIdentifier"])
            if self.contents.pop((type_token, identifier), None):
                self.lost.append((type_token, identifier))
            del self.entries[type_token, identifier]

    def read(self, type_token: str, identifier: str) -> Entry | None:
        with self._lock:
            return self.entries.get((type_token, identifier))

    def answer(self, token: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """Return the result of a data source."""
        return answer(self, token, args)

    def _existing(self, type_token: str, identifier: str) -> Entry:
        entry = self.entries.get((type_token, identifier))
        if entry is None:
            raise AwsError(f"{type_token} {identifier}: not found")
        return entry

    def _count(self, call: str) -> int:
        self.calls[call] = self.calls.get(call, 0) + 1
        return self.calls[call]

    def _interrupt(self, call: str, fail: frozenset[int], type_token: str, name: str) -> None:
        if self._count(call) in fail:
            raise InjectedError(f"{call} {type_token} {name}: InternalFailure")

    def _id(self, type_token: str, name: str, inputs: Mapping[str, Any], rule: Rule) -> str:
        fixed = _NAMES_OF_THEIR_OWN.get(type_token) or (
            rule.named_by if rule.has_unique_name else ""
        )
        if fixed:
            return str(inputs[fixed])
        return f"{_prefix_of_id(type_token)}-{name}-{self.suffix()}"

    def _faults_of_create(
        self, type_token: str, inputs: Mapping[str, Any], rule: Rule
    ) -> Iterator[str]:
        fixed = _NAMES_OF_THEIR_OWN.get(type_token) or (
            rule.named_by if rule.has_unique_name else ""
        )
        if fixed and (type_token, str(inputs[fixed])) in self.entries:
            yield f"ResourceAlreadyExists: the name {inputs[fixed]} is taken"
        yield from self._faults_of_network(type_token, inputs)
        yield from _faults_of_warehouse(type_token, inputs)
        if type_token == WORKGROUP and (NAMESPACE, inputs["namespaceName"]) not in self.entries:
            yield f"ResourceNotFoundException: no namespace {inputs['namespaceName']}"

    def _faults_of_update(self, entry: Entry, inputs: Mapping[str, Any]) -> Iterator[str]:
        yield from self._faults_of_network(entry.type, inputs)
        yield from _faults_of_warehouse(entry.type, inputs)
        was = entry.inputs
        if entry.type == NAMESPACE:
            if was.get("manageAdminPassword") and was.get("adminUsername") != inputs.get(
                "adminUsername"
            ):  # terraform-provider-aws issue 39266
                yield "ValidationException: the administrator of a managed password cannot be renamed"
            if (
                was.get("defaultIamRoleArn")
                and not inputs.get("defaultIamRoleArn")
                and inputs.get("iamRoles")
            ):  # terraform-provider-aws issue 39268
                yield "ValidationException: the default role is removed only with all roles"
        if entry.type == WORKGROUP:
            changes = {
                key for key in ("baseCapacity", "maxCapacity") if was.get(key) != inputs.get(key)
            }
            if changes and inputs["namespaceName"] not in self.recovery_points:
                # terraform-provider-aws issue 38865
                yield "ConflictException: no capacity changes before the first recovery point exists"
            if was.get("maxCapacity") and "maxCapacity" not in inputs:
                # terraform-provider-aws issue 36032
                yield "ValidationException: the maximum capacity is lifted only by -1"
            if self._vpcs(was.get("subnetIds", [])) != self._vpcs(inputs.get("subnetIds", [])):
                yield "ValidationException: the subnets are in another VPC than the workgroup"
        if entry.type == SUBNET_GROUP and self._vpcs(was["subnetIds"]) != self._vpcs(
            inputs["subnetIds"]
        ):
            yield "InvalidSubnet: the subnets are in another VPC than the subnet group"

    def _faults_of_delete(self, entry: Entry) -> Iterator[str]:
        keys = KEPT_BY.get(entry.type, set())
        for other in self.entries.values():
            if other is not entry and _names(other.inputs, keys, entry.id):
                yield f"DependencyViolation: {other.type} {other.id} uses it"
                return
        content = self.contents.get((entry.type, entry.id))
        if entry.type == BUCKET and content and not entry.inputs.get("forceDestroy"):
            yield "BucketNotEmpty: the bucket is not empty"
        if entry.type == TABLE and entry.inputs.get("deletionProtectionEnabled"):
            yield "ValidationException: the table has deletion protection"
        if entry.type == CLUSTER and not entry.inputs.get("skipFinalSnapshot"):
            name = entry.inputs.get("finalSnapshotIdentifier")
            if not name:
                yield "finalSnapshotIdentifier is required when skipFinalSnapshot is false"
            elif name in self.snapshots:
                yield f"ClusterSnapshotAlreadyExists: {name}"

    def _faults_of_network(self, type_token: str, inputs: Mapping[str, Any]) -> Iterator[str]:
        where = inputs.get("vpcConfig") or inputs
        subnets = self._vpcs(where.get("subnetIds") or [])
        groups = self._vpcs(where.get("securityGroupIds") or where.get("vpcSecurityGroupIds") or [])
        if len(subnets) > 1:
            yield f"InvalidSubnet: the subnets are in several VPCs: {sorted(subnets)}"
        if subnets and groups and subnets != groups:
            yield "InvalidSecurityGroup: the security groups are in another VPC than the subnets"
        if type_token == SUBNET:
            for other in self.of(SUBNET):
                same = ("vpcId", "cidrBlock")
                if all(other.inputs[key] == inputs[key] for key in same):
                    yield f"InvalidSubnet.Conflict: {inputs['cidrBlock']} is taken"

    def _vpcs(self, identifiers: list[str]) -> set[str]:
        """Return the VPCs of subnets or security groups that this account knows."""
        found = set()
        for identifier in identifiers:
            for type_token in (SUBNET, SECURITY_GROUP):
                entry = self.entries.get((type_token, identifier))
                if entry is not None:
                    found.add(entry.inputs["vpcId"])
        return found


def rule_of(type_token: str) -> Rule:
    """Return the rule of a type. Raises AwsError for one that the table lacks."""
    rule = RULES.get(type_token)
    if rule is None:
        raise AwsError(f"{type_token} has no row in tests/engine/resource_rules.py; add one")
    return rule


def _names(inputs: Mapping[str, Any], keys: set[str], identifier: str) -> bool:
    for where in (inputs, inputs.get("vpcConfig") or {}):
        for key in keys & where.keys():
            value = where[key]
            if identifier == value or (isinstance(value, list) and identifier in value):
                return True
    return False


def _faults_of_warehouse(type_token: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    default = inputs.get("defaultIamRoleArn")
    if type_token in (NAMESPACE, CLUSTER) and default and default not in inputs.get("iamRoles", []):
        yield "ValidationException: the default role is not among the roles"
    if type_token == WORKGROUP and inputs.get("configParameters"):
        given = {each["parameterKey"] for each in inputs["configParameters"]}
        if given != _CONFIG_PARAMETERS:  # pulumi-aws issue 4405
            yield f"ValidationException: configParameters lacks {sorted(_CONFIG_PARAMETERS - given)}"
    if type_token == WORKGROUP and len(set(inputs.get("subnetIds") or [1, 2, 3])) < 3:
        yield "ValidationException: a workgroup needs three subnets"


def _prefix_of_id(type_token: str) -> str:
    """Return the start of an id, such as `vpc` or `subnet`."""
    name = type_token.rsplit(":", 1)[1]
    known = {"SecurityGroup": "sg", "Subnet": "subnet", "Vpc": "vpc", "VpcEndpoint": "vpce"}
    return known.get(name, re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower())


def _arn(number: str, service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{number}:{rest}"


def _computed(
    number: str, type_token: str, identifier: str, inputs: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what AWS adds to the arguments: ARNs, addresses, secrets."""
    service = type_token.split(":")[1].split("/")[0]
    arn = _arn(number, service, f"{type_token.rsplit(':', 1)[1].lower()}/{identifier}")
    computed: dict[str, Any] = {"arn": arn}
    more = _COMPUTED.get(type_token)
    if more is not None:
        computed |= more(number, identifier, arn)
    if type_token == "aws:iam/role:Role":
        computed["arn"] = f"arn:aws:iam::{number}:role{inputs.get('path', '/')}{identifier}"
    if type_token == "aws:apigateway/stage:Stage":
        computed["invokeUrl"] = f"https://{inputs['restApi']}.example/{inputs['stageName']}"
    return {key: value for key, value in computed.items() if key not in inputs}


_Computed = Callable[[str, str, str], dict[str, Any]]
_COMPUTED: dict[str, _Computed] = {
    BUCKET: lambda number, name, arn: {"arn": f"arn:aws:s3:::{name}"},
    "aws:sqs/queue:Queue": lambda number, name, arn: {
        "url": f"https://sqs.{REGION}.amazonaws.com/{number}/{name}"
    },
    "aws:lambda/function:Function": lambda number, name, arn: {
        "invokeArn": f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations",
        "qualifiedArn": f"{arn}:1",
    },
    "aws:lambda/invocation:Invocation": lambda number, name, arn: {"result": "{}"},
    "aws:apigateway/restApi:RestApi": lambda number, name, arn: {
        "rootResourceId": f"{name}-root",
        "executionArn": _arn(number, "execute-api", name),
    },
    "aws:apigateway/apiKey:ApiKey": lambda number, name, arn: {"value": f"key-of-{name}"},
    "aws:ec2/vpcEndpoint:VpcEndpoint": lambda number, name, arn: {"prefixListId": f"pl-{name}"},
    NAMESPACE: lambda number, name, arn: {
        "namespaceId": f"id-of-{name}",
        "adminPasswordSecretArn": _arn(number, "secretsmanager", f"secret:{name}-admin"),
    },
    WORKGROUP: lambda number, name, arn: {
        "workgroupId": f"id-of-{name}",
        "endpoints": [
            {"address": f"{name}.{number}.{REGION}.redshift-serverless.amazonaws.com", "port": 5439}
        ],
    },
    CLUSTER: lambda number, name, arn: {
        "dnsName": f"{name}.{REGION}.redshift.amazonaws.com",
        "masterPasswordSecretArn": _arn(number, "secretsmanager", f"secret:{name}-admin"),
    },
}


def answer(account: Account, token: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of a data source."""
    match token.rsplit(":", 1)[1]:
        case "getRegion":
            return {"region": REGION, "name": REGION, "id": REGION}
        case "getPartition":
            return {"partition": "aws", "dnsSuffix": "amazonaws.com", "id": "aws"}
        case "getCallerIdentity":
            arn = f"arn:aws:iam::{account.number}:user/deployer"
            return {"accountId": account.number, "arn": arn, "userId": "user", "id": account.number}
        case "getAvailabilityZones":
            return {"names": ALL_ZONES, "zoneIds": ALL_ZONES, "id": REGION}
        case "getVpcEndpointService":
            return {"availabilityZones": ALL_ZONES, "id": "service"}
        case "getOrderableCluster":
            return {"availabilityZones": account.zones, "id": "orderable"}
        case "getManagedPrefixList":
            return {"id": "pl-s3", "name": args["name"]}
        case "getWorkgroup":
            name = args["workgroupName"]
            arn = _arn(account.number, "redshift-serverless", f"workgroup/id-of-{name}")
            return {"arn": arn, "workgroupName": name, "id": name}
    raise AwsError(f"no data source {token}; add it to tests/engine/aws.py")
