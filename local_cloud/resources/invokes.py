"""Results of provider functions such as `aws.get_region()`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from local_cloud.resources.registry import Context

Answer = Callable[[Context, Mapping[str, Any]], dict[str, Any]]


class UnknownInvokeError(ValueError):
    """The program calls a provider function that the local cloud does not implement."""


def _region(context: Context, _: Mapping[str, Any]) -> dict[str, Any]:
    region = context.aws.region
    names = {"name": region, "id": region, "region": region, "description": region}
    return names | {"endpoint": f"ec2.{region}.amazonaws.com"}


def _caller(context: Context, _: Mapping[str, Any]) -> dict[str, Any]:
    account = context.aws.account_id
    return {
        "accountId": account,
        "arn": f"arn:aws:iam::{account}:root",
        "userId": account,
        "id": account,
    }


def _partition(_: Context, __: Mapping[str, Any]) -> dict[str, Any]:
    names = {"partition": "aws", "id": "aws", "dnsSuffix": "amazonaws.com"}
    return names | {"reverseDnsPrefix": "com.amazonaws"}


def _zones(context: Context, _: Mapping[str, Any]) -> dict[str, Any]:
    zones = context.aws.client("ec2").describe_availability_zones()["AvailabilityZones"]
    names = sorted(zone["ZoneName"] for zone in zones)
    return {"names": names, "zoneIds": [zone["ZoneId"] for zone in zones], "id": context.aws.region}


def _zone_names(context: Context) -> list[str]:
    zones = context.aws.client("ec2").describe_availability_zones()["AvailabilityZones"]
    return sorted(zone["ZoneName"] for zone in zones)


def _endpoint_service(context: Context, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Every service exists in every zone."""
    return {
        "availabilityZones": _zone_names(context),
        "serviceName": arguments["serviceName"],
        "id": arguments["serviceName"],
    }


def _orderable_cluster(context: Context, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "availabilityZones": _zone_names(context),
        "nodeType": arguments["nodeType"],
        "id": arguments["nodeType"],
    }


def _workgroup(context: Context, arguments: Mapping[str, Any]) -> dict[str, Any]:
    name = arguments["workgroupName"]
    arn = context.aws.arn("redshift-serverless", f"workgroup/{name}")
    return {"arn": arn, "workgroupName": name, "id": name}


def _prefix_list(_: Context, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": "pl-00000000", "name": arguments["name"]}


def _policy_document(_: Context, arguments: Mapping[str, Any]) -> dict[str, Any]:
    statements = [_statement(statement) for statement in arguments.get("statements", [])]
    text = json.dumps({"Version": arguments.get("version", "2012-10-17"), "Statement": statements})
    return {"json": text, "minifiedJson": text, "id": str(hash(text))}


def _statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    converted: dict[str, Any] = {"Effect": statement.get("effect", "Allow")}
    for key, name in (
        ("sid", "Sid"),
        ("actions", "Action"),
        ("resources", "Resource"),
        ("notActions", "NotAction"),
    ):
        if statement.get(key):
            converted[name] = statement[key]
    for principal in statement.get("principals", []):
        converted.setdefault("Principal", {}).setdefault(principal["type"], []).extend(
            principal["identifiers"]
        )
    for condition in statement.get("conditions", []):
        converted.setdefault("Condition", {}).setdefault(condition["test"], {})[
            condition["variable"]
        ] = condition["values"]
    return converted


ANSWERS: Mapping[str, Answer] = {
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getCallerIdentity:getCallerIdentity": _caller,
    "aws:index/getPartition:getPartition": _partition,
    "aws:index/getAvailabilityZones:getAvailabilityZones": _zones,
    "aws:iam/getPolicyDocument:getPolicyDocument": _policy_document,
    "aws:ec2/getVpcEndpointService:getVpcEndpointService": _endpoint_service,
    "aws:redshift/getOrderableCluster:getOrderableCluster": _orderable_cluster,
    "aws:redshiftserverless/getWorkgroup:getWorkgroup": _workgroup,
    "aws:ec2/getManagedPrefixList:getManagedPrefixList": _prefix_list,
}


def answer(context: Context, token: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of a provider function. Raises UnknownInvokeError."""
    if token not in ANSWERS:
        raise UnknownInvokeError(
            f"the local cloud does not implement {token}; "
            "add it to local_cloud/resources/invokes.py"
        )
    return ANSWERS[token](context, arguments)
