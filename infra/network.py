"""The network of the functions that use the warehouse: the stack's own, or one that exists already.

The stack's own network has no internet gateway and no NAT gateway, so only the services with an
endpoint are reachable. Redshift Serverless requires three subnets in three availability zones
(management guide, "Considerations when using Amazon Redshift Serverless").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.ec2 as ec2
import pulumi_aws.vpc as vpc
from pulumi import Input, InvokeOptions, Output, ResourceOptions
from pulumi_aws.get_region import get_region_output

from infra import policies
from infra.component import Component, json_document
from infra.endpoints import endpoint_services
from infra.lake import Lake
from infra.roles import create_role
from infra.setting_kinds import WarehouseKind
from infra.stack_settings import StackSettings
from infra.zones import ZONES, find_zones

HTTPS = 443


@dataclass(frozen=True)
class ExistingNetwork:
    """A network that exists already: subnets with a route to the warehouse and to the AWS services,
    and the security groups of the functions.
    """

    vpc_id: Input[str]
    subnet_ids: Sequence[Input[str]]
    security_group_ids: Sequence[Input[str]]


class AnyNetwork(Component):
    """Subnets and security groups for the functions and for a warehouse."""

    vpc_id: Input[str]
    subnet_ids: Sequence[Input[str]]
    load_group_ids: Sequence[Input[str]]
    s3_prefix_list: Input[str]

    def security_group(self, noun: str, description: str) -> ec2.SecurityGroup:
        """Return a new security group without rules: it allows no traffic in or out."""
        name = f"{self.name}-{noun}"
        return ec2.SecurityGroup(
            name,
            description=description,
            vpc_id=self.vpc_id,
            tags={"Name": name},
            opts=self.child(),
        )

    def admit_functions(self, noun: str, server: ec2.SecurityGroup, port: int) -> None:
        """Allow connections from the functions to `server` on `port`."""
        raise NotImplementedError

    def admit(self, noun: str, server: ec2.SecurityGroup, port: int, **source: Any) -> None:
        """Allow connections to `server` on `port` from a source: `cidr_ipv4` or `referenced_security_group_id`."""
        vpc.SecurityGroupIngressRule(
            f"{self.name}-{noun}",
            description=noun.replace("-", " "),
            security_group_id=server.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            opts=self.child(),
            **source,
        )

    def allow_s3(self, noun: str, group: ec2.SecurityGroup) -> None:
        """Allow connections from `group` to S3 through its endpoint."""
        self.allow_https(noun, group, self.s3_prefix_list)

    def allow_https(self, noun: str, group: ec2.SecurityGroup, prefix_list: Input[str]) -> None:
        """Allow connections from `group` to the service of a prefix list."""
        vpc.SecurityGroupEgressRule(
            f"{self.name}-{noun}",
            description=noun.replace("-", " "),
            security_group_id=group.id,
            prefix_list_id=prefix_list,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            opts=self.child(),
        )


class JoinedNetwork(AnyNetwork):
    """A network that exists already. The stack changes nothing in it: a warehouse that it creates there
    gets a security group of its own.
    """

    def __init__(
        self, name: str, existing: ExistingNetwork, settings: StackSettings, opts: ResourceOptions
    ) -> None:
        super().__init__(name, opts)
        self.vpc_id = existing.vpc_id
        self.subnet_ids = existing.subnet_ids
        self.load_group_ids = existing.security_group_ids
        if settings.warehouse_kind is not WarehouseKind.EXISTING:
            invoke = InvokeOptions(parent=self)
            region = get_region_output(opts=invoke).region
            prefix_list = ec2.get_managed_prefix_list_output(
                name=Output.concat("com.amazonaws.", region, ".s3"), opts=invoke
            )
            self.s3_prefix_list = prefix_list.id
        self.register_outputs({})

    def admit_functions(self, noun: str, server: ec2.SecurityGroup, port: int) -> None:
        """Allow connections from the functions' security groups, with a rule of the server only."""
        for number, group in enumerate(self.load_group_ids, 1):
            self.admit(f"{noun}-{number}", server, port, referenced_security_group_id=group)


class Network(AnyNetwork):
    """Three private subnets, endpoints, and the security group of the functions."""

    def __init__(
        self,
        name: str,
        settings: StackSettings,
        lake: Lake,
        log_table_arn: Input[str],
        opts: ResourceOptions,
    ) -> None:
        super().__init__(name, opts)
        self.region = get_region_output(opts=InvokeOptions(parent=self)).region
        self.vpc = ec2.Vpc(
            name,
            cidr_block=str(settings.vpc_cidr),
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": name},
            opts=self.child(),
        )
        self.vpc_id = self.vpc.id
        # Without rules: EC2's own default security group allows all traffic within it.
        ec2.DefaultSecurityGroup(name, vpc_id=self.vpc.id, tags={"Name": name}, opts=self.child())
        self._flow_log(settings)
        self.routes = ec2.RouteTable(
            name, vpc_id=self.vpc.id, tags={"Name": name}, opts=self.child()
        )
        self.subnet_ids = self._subnets(settings)
        self.load_group = self.security_group("load", "The load function")
        self.load_group_ids = [self.load_group.id]
        bucket_policy = json_document(policies.bucket_endpoint, lake.lake.arn, lake.work.arn)
        self.s3_prefix_list = self._gateway_endpoint("s3", bucket_policy)
        table_policy = json_document(policies.table_endpoint, log_table_arn)
        dynamodb_prefix_list = self._gateway_endpoint("dynamodb", table_policy)
        self.allow_https("load-to-s3", self.load_group, self.s3_prefix_list)
        self.allow_https("load-to-dynamodb", self.load_group, dynamodb_prefix_list)
        self.register_outputs({})

    def admit_functions(self, noun: str, server: ec2.SecurityGroup, port: int) -> None:
        """Allow connections from the functions to `server` on `port`, with a rule on each side."""
        vpc.SecurityGroupEgressRule(
            f"{self.name}-{noun}",
            description=noun.replace("-", " "),
            security_group_id=self.load_group.id,
            referenced_security_group_id=server.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            opts=self.child(),
        )
        self.admit(noun, server, port, referenced_security_group_id=self.load_group.id)

    def _flow_log(self, settings: StackSettings) -> None:
        """Log the connections that were refused. Accepted ones are the loads, which the log has."""
        name = f"{self.name}-flow"
        logs = cloudwatch.LogGroup(
            name,
            name=f"/aws/vpc/{self.name}",
            retention_in_days=settings.log_group_keep_days,
            kms_key_id=settings.kms_key_arn,
            opts=self.child(),
        )
        policy = json_document(
            lambda arn: policies.document(*policies.write_flow_log(arn)), logs.arn
        )
        ec2.FlowLog(
            self.name,
            vpc_id=self.vpc.id,
            traffic_type="REJECT",
            log_destination=logs.arn,
            iam_role_arn=create_role(self, "flow", ("vpc-flow-logs.amazonaws.com",), policy),
            opts=self.child(),
        )

    def _subnets(self, settings: StackSettings) -> list[Output[str]]:
        services = list(endpoint_services(settings).values())
        zones = find_zones(settings, self.region, services, InvokeOptions(parent=self))
        ranges = list(settings.vpc_cidr.subnets(prefixlen_diff=2))
        # Zones that AWS offers later, or for another node type, must not move subnets, and a cluster with them.
        kept = [] if settings.zones else ["availabilityZone"]
        return [
            self._subnet(number, str(ranges[number]), zones[number], kept)
            for number in range(ZONES)
        ]

    def _subnet(self, number: int, cidr: str, zone: Input[str], kept: list[str]) -> Output[str]:
        name = f"{self.name}-{number + 1}"
        subnet = ec2.Subnet(
            name,
            vpc_id=self.vpc.id,
            cidr_block=cidr,
            availability_zone=zone,
            map_public_ip_on_launch=False,
            tags={"Name": name},
            opts=self.child(ignore_changes=kept),
        )
        ec2.RouteTableAssociation(
            name, subnet_id=subnet.id, route_table_id=self.routes.id, opts=self.child()
        )
        return subnet.id

    def _gateway_endpoint(self, service: str, policy: Input[str]) -> Output[str]:
        """Create a gateway endpoint, which is free of charge. Return the id of its prefix list."""
        name = f"{self.name}-{service}"
        endpoint = ec2.VpcEndpoint(
            name,
            vpc_id=self.vpc.id,
            service_name=pulumi.Output.concat("com.amazonaws.", self.region, f".{service}"),
            vpc_endpoint_type="Gateway",
            route_table_ids=[self.routes.id],
            policy=policy,
            tags={"Name": name},
            opts=self.child(),
        )
        return endpoint.prefix_list_id

    def interface_endpoint(self, noun: str, service: str, policy: Input[str]) -> None:
        """Create an interface endpoint, which is billed per hour and zone, and let the functions use it."""
        group = self.security_group(noun, f"The endpoint of {service}")
        self.admit_functions(f"load-to-{noun}", group, HTTPS)
        name = f"{self.name}-{noun}"
        ec2.VpcEndpoint(
            name,
            vpc_id=self.vpc.id,
            service_name=pulumi.Output.concat("com.amazonaws.", self.region, f".{service}"),
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            subnet_ids=list(self.subnet_ids),
            security_group_ids=[group.id],
            policy=policy,
            tags={"Name": name},
            opts=self.child(),
        )
