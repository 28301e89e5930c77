"""Reads an account before the first `pulumi up`. All calls only read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from etl_cli.doctor.account_evidence import AccountEvidence, Caller, Quota, Subnet
from etl_cli.doctor.aws_reader import ClientOf, attempt, read_concurrency, simulate
from etl_cli.doctor.deployer_rights import rights_of
from etl_cli.doctor.evidence import NOT_READ
from etl_cli.doctor.findings import Read
from etl_cli.doctor.plan import StackPlan
from infra.endpoints import endpoint_services
from infra.setting_kinds import NetworkKind, WarehouseKind

SERVICE_ROLE_NAME = "AWSServiceRoleForRedshift"
_NETWORKS_PER_REGION = ("vpc", "L-F678F1CE")
"""Service and code of the quota "VPCs per Region" (Service Quotas console)."""


@dataclass
class AccountReader:
    """Reads what the plan needs. `client_of` returns the client of a service in the plan's region."""

    client_of: ClientOf
    plan: StackPlan

    def read(self) -> AccountEvidence:
        """Return everything. Nothing that cannot be read stops the rest."""
        caller = attempt(self._caller)
        settings = self.plan.settings
        has_own_network = settings.network is NetworkKind.CREATE
        return AccountEvidence(
            plan=self.plan,
            caller=caller,
            zones=self._zones() if has_own_network else {},
            networks=attempt(self._networks) if has_own_network else NOT_READ,
            network_limit=attempt(self._network_limit) if has_own_network else NOT_READ,
            roles=attempt(self._roles),
            concurrency=attempt(lambda: read_concurrency(self.client_of)),
            subnets=NOT_READ if has_own_network else attempt(self._subnets),
            groups=NOT_READ if has_own_network else attempt(self._groups),
            service_role=attempt(self._service_role),
            permissions=self._permissions(caller) if isinstance(caller, Caller) else {},
        )

    def _caller(self) -> Caller:
        answer = self.client_of("sts").get_caller_identity()
        return Caller(str(answer["Account"]), str(answer["Arn"]))

    def _zones(self) -> dict[str, Read[frozenset[str]]]:
        """Return the zones of the region, of the warehouse and of each interface endpoint."""
        settings, zones = self.plan.settings, {"the region": attempt(self._all_zones)}
        services = list(endpoint_services(settings).values())
        if settings.warehouse_kind is WarehouseKind.SERVERLESS:
            services.append("redshift-serverless")
        else:
            zones[settings.warehouse_node_type] = attempt(self._zones_of_nodes)
        for service in dict.fromkeys(services):
            zones[service] = attempt(partial(self._zones_of_service, service))
        return zones

    def _all_zones(self) -> frozenset[str]:
        found = self.client_of("ec2").describe_availability_zones(
            Filters=[
                {"Name": "opt-in-status", "Values": ["opt-in-not-required"]},
                {"Name": "state", "Values": ["available"]},
            ]
        )
        return frozenset(each["ZoneName"] for each in found["AvailabilityZones"])

    def _zones_of_service(self, service: str) -> frozenset[str]:
        name = f"com.amazonaws.{self.plan.region}.{service}"
        found = self.client_of("ec2").describe_vpc_endpoint_services(
            ServiceNames=[name], Filters=[{"Name": "service-type", "Values": ["Interface"]}]
        )["ServiceDetails"]
        if not found:
            raise ValueError(f"EC2 does not describe {name}")
        return frozenset(zone for each in found for zone in each["AvailabilityZones"])

    def _zones_of_nodes(self) -> frozenset[str]:
        options = self.client_of("redshift").describe_orderable_cluster_options(
            NodeType=self.plan.settings.warehouse_node_type
        )["OrderableClusterOptions"]
        return frozenset(zone["Name"] for each in options for zone in each["AvailabilityZones"])

    def _networks(self) -> dict[str, str]:
        pages = self.client_of("ec2").get_paginator("describe_vpcs").paginate()
        return {each["VpcId"]: each["CidrBlock"] for page in pages for each in page["Vpcs"]}

    def _network_limit(self) -> int:
        service, code = _NETWORKS_PER_REGION
        quotas = self.client_of("service-quotas")
        return int(quotas.get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"])

    def _roles(self) -> Quota:
        summary = self.client_of("iam").get_account_summary()["SummaryMap"]
        return Quota(summary["Roles"], summary["RolesQuota"])

    def _subnets(self) -> tuple[Subnet, ...]:
        wanted = [{"Name": "subnet-id", "Values": list(self.plan.settings.subnet_ids)}]
        found = self.client_of("ec2").describe_subnets(Filters=wanted)["Subnets"]
        return tuple(
            Subnet(
                each["SubnetId"],
                each["VpcId"],
                each["AvailabilityZone"],
                int(each["AvailableIpAddressCount"]),
            )
            for each in found
        )

    def _groups(self) -> dict[str, str]:
        wanted = [{"Name": "group-id", "Values": list(self.plan.settings.security_group_ids)}]
        found = self.client_of("ec2").describe_security_groups(Filters=wanted)["SecurityGroups"]
        return {each["GroupId"]: each["VpcId"] for each in found}

    def _service_role(self) -> str:
        return str(self.client_of("iam").get_role(RoleName=SERVICE_ROLE_NAME)["Role"]["Arn"])

    def _permissions(self, caller: Caller) -> dict[str, Read[bool]]:
        """Simulate every action for the user or role. A session is not simulated: its role is."""
        if caller.is_root:
            return {}
        principal = attempt(partial(self._principal, caller))
        known: dict[str, Read[bool]] = {}
        for right in rights_of(self.plan.settings):
            resource = right.resource.format(
                partition=caller.arn.split(":")[1],
                region=self.plan.region,
                account=caller.account,
                prefix=self.plan.prefix,
                path=self.plan.settings.role_path,
            )
            answer: Read[Mapping[str, bool]] = NOT_READ
            if isinstance(principal, str):
                ask = partial(
                    simulate, self.client_of("iam"), principal, right.actions, resource, self._keys
                )
                answer = attempt(ask)
            for action in right.actions:
                result = answer[action] if isinstance(answer, Mapping) else answer
                # An action on several resources is allowed if it is on each of them.
                known[action] = result if known.get(action) is not False else False
        return known

    @property
    def _keys(self) -> Mapping[str, str]:
        """Return the condition keys that a request has: companies often allow roles only with a boundary."""
        boundary = self.plan.settings.permissions_boundary_arn
        return {} if boundary is None else {"iam:PermissionsBoundary": boundary}

    def _principal(self, caller: Caller) -> str:
        """Return the ARN of the user or role. That of a session has the role's name without its path."""
        if ":assumed-role/" not in caller.arn:
            return caller.arn
        name = caller.arn.split("/")[1]
        return str(self.client_of("iam").get_role(RoleName=name)["Role"]["Arn"])
