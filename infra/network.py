"""The private network: from it the load function connects to the warehouse, S3, DynamoDB and Secrets Manager.

It has no internet gateway and no NAT gateway, so only these services are reachable. Redshift
Serverless requires three subnets in three availability zones (management guide, "Considerations
when using Amazon Redshift Serverless").
"""

from __future__ import annotations

import pulumi
import pulumi_aws.ec2 as ec2
import pulumi_aws.vpc as vpc
from pulumi import Input, InvokeOptions, Output, ResourceOptions
from pulumi_aws.get_availability_zones import get_availability_zones_output
from pulumi_aws.get_region import get_region_output

from infra import policies
from infra.component import Component, json_document
from infra.lake import Lake
from infra.stack_settings import StackSettings

ZONES = 3
HTTPS = 443


def pick_zones(region: str, zones: list[str]) -> list[str]:
    """Return the three zones to use. Raises pulumi.RunError if the region has fewer."""
    if len(zones) < ZONES:
        raise pulumi.RunError(
            f"the region {region} has {len(zones)} availability zone(s) ({', '.join(zones)}); Redshift Serverless "
            f"needs subnets in {ZONES}. Choose another region: pulumi config set aws:region <region>"
        )
    return sorted(zones)[:ZONES]


class Network(Component):
    """Three private subnets, endpoints for three services, and the security group of the load function."""

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
        self.routes = ec2.RouteTable(
            name, vpc_id=self.vpc.id, tags={"Name": name}, opts=self.child()
        )
        self.subnet_ids = self._subnets(settings)
        self.load_group = self.security_group("load", "The load function")
        bucket_policy = json_document(policies.bucket_endpoint, lake.lake.arn, lake.work.arn)
        self.s3_prefix_list = self._gateway_endpoint("s3", bucket_policy)
        table_policy = json_document(policies.table_endpoint, log_table_arn)
        dynamodb_prefix_list = self._gateway_endpoint("dynamodb", table_policy)
        self._allow_https("load-to-s3", self.load_group, self.s3_prefix_list)
        self._allow_https("load-to-dynamodb", self.load_group, dynamodb_prefix_list)
        self._secrets_endpoint()
        self.register_outputs({})

    def security_group(self, noun: str, description: str) -> ec2.SecurityGroup:
        """Return a new security group without rules: it allows no traffic in or out."""
        name = f"{self.name}-{noun}"
        return ec2.SecurityGroup(
            name,
            description=description,
            vpc_id=self.vpc.id,
            tags={"Name": name},
            opts=self.child(),
        )

    def connect(
        self, noun: str, client: ec2.SecurityGroup, server: ec2.SecurityGroup, port: int
    ) -> None:
        """Allow connections from `client` to `server` on `port`, with a rule on each side."""
        vpc.SecurityGroupEgressRule(
            f"{self.name}-{noun}",
            security_group_id=client.id,
            referenced_security_group_id=server.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            opts=self.child(),
        )
        vpc.SecurityGroupIngressRule(
            f"{self.name}-{noun}",
            security_group_id=server.id,
            referenced_security_group_id=client.id,
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            opts=self.child(),
        )

    def allow_s3(self, noun: str, group: ec2.SecurityGroup) -> None:
        """Allow connections from `group` to S3 through its endpoint."""
        self._allow_https(noun, group, self.s3_prefix_list)

    def _allow_https(self, noun: str, group: ec2.SecurityGroup, prefix_list: Input[str]) -> None:
        vpc.SecurityGroupEgressRule(
            f"{self.name}-{noun}",
            security_group_id=group.id,
            prefix_list_id=prefix_list,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            opts=self.child(),
        )

    def _subnets(self, settings: StackSettings) -> list[Output[str]]:
        available = get_availability_zones_output(
            state="available",
            filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
            opts=InvokeOptions(parent=self),
        )
        zones = Output.all(self.region, available.names).apply(lambda known: pick_zones(*known))
        ranges = list(settings.vpc_cidr.subnets(prefixlen_diff=2))
        return [self._subnet(number, str(ranges[number]), zones[number]) for number in range(ZONES)]

    def _subnet(self, number: int, cidr: str, zone: Input[str]) -> Output[str]:
        name = f"{self.name}-{number + 1}"
        subnet = ec2.Subnet(
            name,
            vpc_id=self.vpc.id,
            cidr_block=cidr,
            availability_zone=zone,
            map_public_ip_on_launch=False,
            tags={"Name": name},
            opts=self.child(),
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

    def _secrets_endpoint(self) -> None:
        group = self.security_group("secrets", "The Secrets Manager endpoint")
        self.connect("load-to-secrets", self.load_group, group, HTTPS)
        name = f"{self.name}-secrets"
        ec2.VpcEndpoint(
            name,
            vpc_id=self.vpc.id,
            service_name=pulumi.Output.concat("com.amazonaws.", self.region, ".secretsmanager"),
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            subnet_ids=self.subnet_ids,
            security_group_ids=[group.id],
            tags={"Name": name},
            opts=self.child(),
        )
