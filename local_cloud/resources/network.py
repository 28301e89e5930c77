"""EC2: VPC, subnets, rules and endpoints.

They are created to validate them; the local cloud has no network model.
"""

from __future__ import annotations

import secrets
from typing import Any

from local_cloud.resources.registry import Context, Created, Resource, resource


@resource("aws:ec2/vpc:Vpc")
def vpc(context: Context, item: Resource) -> Created:
    switches = {
        key: item.take(key)
        for key in ("enableDnsSupport", "enableDnsHostnames")
        if key in item.inputs
    }
    vpc_id = context.aws.call("ec2", "create_vpc", item.rest())["Vpc"]["VpcId"]
    for key, value in switches.items():
        setting: dict[str, Any] = {key[0].upper() + key[1:]: {"Value": value}}
        context.aws.client("ec2").modify_vpc_attribute(VpcId=vpc_id, **setting)
    return Created(
        vpc_id, {"arn": context.aws.arn("ec2", f"vpc/{vpc_id}"), **_defaults(context, vpc_id)}
    )


def _defaults(context: Context, vpc_id: str) -> dict[str, str]:
    """Return the outputs for the security group and route table that every VPC has."""
    ec2, of_vpc = context.aws.client("ec2"), [{"Name": "vpc-id", "Values": [vpc_id]}]
    groups = ec2.describe_security_groups(Filters=of_vpc)["SecurityGroups"]
    tables = ec2.describe_route_tables(Filters=of_vpc)["RouteTables"]
    outputs: dict[str, str] = {}
    if groups:
        outputs["defaultSecurityGroupId"] = groups[0]["GroupId"]
    if tables:
        outputs["defaultRouteTableId"] = outputs["mainRouteTableId"] = tables[0]["RouteTableId"]
    return outputs


@resource("aws:ec2/subnet:Subnet")
def subnet(context: Context, item: Resource) -> Created:
    public = item.take("mapPublicIpOnLaunch")
    ec2 = context.aws.client("ec2")
    subnet_id = context.aws.call("ec2", "create_subnet", item.rest())["Subnet"]["SubnetId"]
    if public:
        ec2.modify_subnet_attribute(SubnetId=subnet_id, MapPublicIpOnLaunch={"Value": True})
    return Created(subnet_id, {"arn": context.aws.arn("ec2", f"subnet/{subnet_id}")})


@resource("aws:ec2/routeTable:RouteTable")
def route_table(context: Context, item: Resource) -> Created:
    table_id = context.aws.call("ec2", "create_route_table", item.rest())["RouteTable"][
        "RouteTableId"
    ]
    return Created(table_id, {"arn": context.aws.arn("ec2", f"route-table/{table_id}")})


@resource("aws:ec2/routeTableAssociation:RouteTableAssociation")
def route_table_association(context: Context, item: Resource) -> Created:
    return Created(context.aws.call("ec2", "associate_route_table", item.rest())["AssociationId"])


@resource(
    "aws:ec2/securityGroup:SecurityGroup",
    {"revokeRulesOnDelete": "the local cloud is deleted as a whole"},
)
def security_group(context: Context, item: Resource) -> Created:
    """Create a group without rules.

    Like the provider, this removes the egress rule that EC2 adds to a new group.
    """
    name = item.physical_name()
    ec2 = context.aws.client("ec2")
    group_id = context.aws.call("ec2", "create_security_group", item.rest(), GroupName=name)[
        "GroupId"
    ]
    egress = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0].get(
        "IpPermissionsEgress", []
    )
    if egress:
        ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=egress)
    return Created(
        group_id, {"arn": context.aws.arn("ec2", f"security-group/{group_id}"), "name": name}
    )


@resource("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup")
def default_security_group(context: Context, item: Resource) -> Created:
    item.need("vpcId")
    return Created(f"sg-{secrets.token_hex(8)}")


@resource(
    "aws:ec2/flowLog:FlowLog",
    dict.fromkeys(
        ("vpcId", "trafficType", "logDestination", "iamRoleArn"),
        "the local cloud has no network model",
    ),
)
def flow_log(context: Context, item: Resource) -> Created:
    return Created(f"fl-{secrets.token_hex(8)}")


@resource("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule")
def ingress_rule(context: Context, item: Resource) -> Created:
    return _rule(context, item, "authorize_security_group_ingress")


@resource("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule")
def egress_rule(context: Context, item: Resource) -> Created:
    return _rule(context, item, "authorize_security_group_egress")


def _rule(context: Context, item: Resource, operation: str) -> Created:
    group_id = item.need("securityGroupId")
    permission: dict[str, Any] = {
        "IpProtocol": item.need("ipProtocol"),
        "FromPort": item.take("fromPort", -1),
        "ToPort": item.take("toPort", -1),
    }
    description = {"Description": item.take("description")} if "description" in item.inputs else {}
    for key, plural, name in (
        ("cidrIpv4", "IpRanges", "CidrIp"),
        ("prefixListId", "PrefixListIds", "PrefixListId"),
        ("referencedSecurityGroupId", "UserIdGroupPairs", "GroupId"),
    ):
        if key in item.inputs:
            permission[plural] = [{name: item.take(key)} | description]
    response = getattr(context.aws.client("ec2"), operation)(
        GroupId=group_id, IpPermissions=[permission]
    )
    rules = response.get("SecurityGroupRules") or [{}]
    return Created(rules[0].get("SecurityGroupRuleId") or f"sgr-{secrets.token_hex(8)}")


@resource("aws:ec2/vpcEndpoint:VpcEndpoint", {"autoAccept": "endpoints are accepted immediately"})
def vpc_endpoint(context: Context, item: Resource) -> Created:
    policy = item.take("policy")
    parameters = {"PolicyDocument": policy} if policy else {}
    response = context.aws.call("ec2", "create_vpc_endpoint", item.rest(), **parameters)[
        "VpcEndpoint"
    ]
    endpoint_id = response["VpcEndpointId"]
    outputs = {"arn": context.aws.arn("ec2", f"vpc-endpoint/{endpoint_id}"), "state": "available"}
    return Created(endpoint_id, outputs | {"prefixListId": f"pl-{secrets.token_hex(4)}"})
