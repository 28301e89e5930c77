from ipaddress import ip_network

import pytest

from tests.infra.conftest import recorded
from tests.infra.engine import ZONES, Mode, Stack

EGRESS = "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule"
INGRESS = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"


def test_three_private_subnets_in_three_zones_do_not_overlap(plain: Stack, everything: Stack):
    for stack, whole in ((plain, "10.42.0.0/16"), (everything, "192.168.0.0/20")):
        subnets = stack.of("aws:ec2/subnet:Subnet")
        ranges = [ip_network(subnet.inputs["cidrBlock"]) for subnet in subnets]
        assert [subnet.inputs["availabilityZone"] for subnet in subnets] == ZONES
        assert all(r.subnet_of(ip_network(whole)) for r in ranges)
        assert not any(a.overlaps(b) for a in ranges for b in ranges if a != b)
        assert len(set(ranges)) == 3
        assert not any(subnet.inputs["mapPublicIpOnLaunch"] for subnet in subnets)


@pytest.mark.parametrize("variant", ["plain", "everything", "iam"])
def test_the_network_has_no_internet_access(variant: str):
    any_stack = recorded(variant, Mode.PREVIEW)
    kinds = {r.typ for r in any_stack.resources if r.typ.startswith("aws:ec2/")}
    assert kinds == {
        "aws:ec2/vpc:Vpc",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "aws:ec2/flowLog:FlowLog",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
    }
    assert "routes" not in any_stack.one("aws:ec2/routeTable:RouteTable").inputs
    for rule in any_stack.of(EGRESS) + any_stack.of(INGRESS):
        if "-allow-" not in rule.name:
            assert not {"cidrIpv4", "cidrIpv6"} & set(rule.inputs), rule.name


def test_every_subnet_uses_the_route_table_of_the_endpoints(plain: Stack):
    table = plain.one("aws:ec2/routeTable:RouteTable").name
    associations = plain.of("aws:ec2/routeTableAssociation:RouteTableAssociation")
    assert {a.inputs["subnetId"] for a in associations} == {
        f"{s.name}-id" for s in plain.of("aws:ec2/subnet:Subnet")
    }
    assert {a.inputs["routeTableId"] for a in associations} == {f"{table}-id"}


def test_three_services_have_endpoints(plain: Stack):
    endpoints = {
        e.inputs["serviceName"].rsplit(".", 1)[1]: e.inputs
        for e in plain.of("aws:ec2/vpcEndpoint:VpcEndpoint")
    }
    assert set(endpoints) == {"s3", "dynamodb", "secretsmanager"}
    assert (
        endpoints["s3"]["vpcEndpointType"] == endpoints["dynamodb"]["vpcEndpointType"] == "Gateway"
    )
    secrets = endpoints["secretsmanager"]
    assert secrets["vpcEndpointType"] == "Interface"
    assert secrets["privateDnsEnabled"] is True
    assert len(secrets["subnetIds"]) == 3
    vpc = plain.one("aws:ec2/vpc:Vpc").inputs
    assert vpc["enableDnsHostnames"] is vpc["enableDnsSupport"] is True


def test_the_endpoints_allow_only_the_buckets_and_the_table_of_the_stack(plain: Stack):
    s3 = plain.one("aws:ec2/vpcEndpoint:VpcEndpoint", "-s3").json("policy")["Statement"]
    buckets = {
        arn.removesuffix("/*").rsplit("/", 1)[1]
        for statement in s3
        for arn in statement["Resource"]
    }
    assert buckets == {"redshift-lake-loader-dev-lake", "redshift-lake-loader-dev-lake-work"}
    (dynamodb,) = plain.one("aws:ec2/vpcEndpoint:VpcEndpoint", "-dynamodb").json("policy")[
        "Statement"
    ]
    table = "arn:aws:dynamodb:eu-central-1:123456789012:Table/redshift-lake-loader-dev-log"
    assert dynamodb["Resource"] == [table, f"{table}/index/*"]


PEOPLE = {
    False: set(),
    True: {("10.8.0.0/16", "warehouse", 5439), ("sg-0123456789abcdef0", "warehouse", 5439)},
}
"""Who else may connect to the warehouse, by allowedCidrs and allowedSecurityGroups."""


def connections(stack: Stack):
    """Return (client, server, port) of every egress rule and of every ingress rule."""
    groups = {
        f"{g.name}-id": g.name.removeprefix("redshift-lake-loader-dev-network-")
        for g in stack.of("aws:ec2/securityGroup:SecurityGroup")
    }

    def peer(rule):
        group = rule.inputs.get("referencedSecurityGroupId")
        if group:
            return groups.get(group, group)
        return rule.inputs.get("cidrIpv4") or rule.inputs["prefixListId"].rsplit("-", 1)[1]

    egress = {
        (groups[r.inputs["securityGroupId"]], peer(r), int(r.inputs["toPort"]))
        for r in stack.of(EGRESS)
    }
    ingress = {
        (peer(r), groups[r.inputs["securityGroupId"]], int(r.inputs["toPort"]))
        for r in stack.of(INGRESS)
    }
    return egress, ingress


def test_only_the_load_function_can_connect_to_the_warehouse_and_to_secrets_manager(
    plain: Stack, everything: Stack
):
    for stack in (plain, everything):
        egress, ingress = connections(stack)
        people = {each for each in ingress if each[0] not in ("load", "warehouse")}
        ingress -= people
        assert people == PEOPLE[stack is everything]
        assert ingress == {("load", "warehouse", 5439), ("load", "secrets", 443)}
        assert egress == ingress | {
            ("load", "s3", 443),
            ("load", "dynamodb", 443),
            ("warehouse", "s3", 443),
        }
        for rule in stack.of(EGRESS) + stack.of(INGRESS):
            assert rule.inputs["fromPort"] == rule.inputs["toPort"]
            assert rule.inputs["ipProtocol"] == "tcp"


def test_the_default_security_group_allows_nothing_and_refused_connections_are_logged(plain: Stack):
    group = plain.one("aws:ec2/defaultSecurityGroup:DefaultSecurityGroup").inputs
    assert not {"ingress", "egress"} & set(group)
    flow = plain.one("aws:ec2/flowLog:FlowLog").inputs
    assert flow["trafficType"] == "REJECT"
    assert flow["vpcId"] == group["vpcId"] == f"{plain.one('aws:ec2/vpc:Vpc').name}-id"
    logs = plain.one("aws:cloudwatch/logGroup:LogGroup", "-flow")
    assert logs.inputs["retentionInDays"] == 30


def test_the_secrets_endpoint_allows_only_the_secrets_of_the_stack(plain: Stack, everything: Stack):
    for stack in (plain, everything):
        endpoint = stack.one("aws:ec2/vpcEndpoint:VpcEndpoint", "-secrets").json("policy")
        by_sid = {s["Sid"]: s for s in endpoint["Statement"]}
        assert by_sid["LoaderSecret"]["Resource"] == [stack.outputs["warehouse_secret_arn"]]
        administrator = stack.outputs["warehouse_administrator_secret_arn"]
        assert by_sid["AdministratorSecret"]["Resource"] == [administrator]
        assert by_sid["AdministratorSecret"]["Action"] == ["secretsmanager:GetSecretValue"]


def test_the_zones_of_the_setting_are_used(iam: Stack):
    subnets = iam.of("aws:ec2/subnet:Subnet")
    assert [subnet.inputs["availabilityZone"] for subnet in subnets] == ZONES
