"""Combinations of settings that AWS refuses, or that cannot work. Pure.

Each fault has the values, the rule and the fix.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from infra import policies
from infra.setting_kinds import NetworkKind, WarehouseKind, WarehouseLogin

if TYPE_CHECKING:
    from infra.stack_settings import StackSettings

SUBNETS = 4
"""The address range is cut into four, of which three are used."""
RESERVED_ADDRESSES = 5
"""Of each subnet (VPC user guide, "Subnet CIDR blocks")."""
OTHER_ADDRESSES = 10
"""Of each subnet, for functions and interface endpoints."""
MIN_ZONES = 3

MAX_BUCKET_POLICY = 20480
"""S3 user guide, "Bucket policies": 20 KB."""
MAX_BUCKET_NAME = 63

NODE_COUNTS = {
    "ra3.large": (1, 16),
    "ra3.xlplus": (1, 32),
    "ra3.4xlarge": (2, 64),
    "ra3.16xlarge": (2, 128),
    "dc2.large": (1, 32),
    "dc2.8xlarge": (2, 128),
}
"""Redshift management guide, "Node type details". Other node types are left to AWS."""

_ONLY_EXISTING = {
    "warehouse_host": "warehouseHost",
    "warehouse_secret_arn": "warehouseSecretArn",
    "warehouse_workgroup": "warehouseWorkgroup",
    "warehouse_cluster": "warehouseCluster",
    "copy_role_arn": "copyRoleArn",
}


def addresses_for(rpu: int) -> int:
    """Return the free addresses that each subnet of a workgroup needs.

    Redshift management guide, "Considerations when using Amazon Redshift Serverless": 69 for 256
    RPU, 133 for 512 RPU.
    """
    return max(11, rpu // 4 + 5)


def faults_of_combination(settings: StackSettings) -> Iterator[str]:
    """Yield what is wrong with the settings together."""
    if settings.warehouse_kind is WarehouseKind.EXISTING:
        yield from _existing_warehouse(settings)
    else:
        yield from _created_warehouse(settings)
    yield from _network(settings)
    yield from _cost(settings)
    yield from _producers(settings)


def _existing_warehouse(settings: StackSettings) -> Iterator[str]:
    if settings.warehouse_host is None:
        yield (
            "warehouseKind is existing, but warehouseHost is empty; the functions connect to this host. "
            "Set it: pulumi config set warehouseHost <host name of the endpoint>"
        )
    if settings.network is NetworkKind.CREATE:
        yield (
            "warehouseKind is existing, but network is create; a network of the stack's own has no route to "
            "a warehouse in another one. Set network to existing, and vpcId, subnetIds and securityGroupIds"
        )
    if settings.warehouse_workgroup is not None and settings.warehouse_cluster is not None:
        yield (
            "warehouseWorkgroup and warehouseCluster are both set; the warehouse is one of the two. "
            "Remove one: pulumi config rm warehouseCluster"
        )
    is_named = settings.warehouse_workgroup or settings.warehouse_cluster
    if settings.warehouse_login is WarehouseLogin.IAM and not is_named:
        yield (
            "warehouseLogin is iam, but neither warehouseWorkgroup nor warehouseCluster is set; AWS gives "
            "credentials for one of them. Set one: pulumi config set warehouseWorkgroup <name>"
        )
    if settings.warehouse_login is WarehouseLogin.SECRET and settings.warehouse_secret_arn is None:
        yield (
            "warehouseLogin is secret, but warehouseSecretArn is empty; it is the login of the loader, JSON "
            "with username and password. Set it, or set warehouseLogin to iam"
        )
    if settings.warehouse_login is WarehouseLogin.IAM and settings.warehouse_secret_arn is not None:
        yield (
            "warehouseLogin is iam, but warehouseSecretArn is set; a login with IAM uses no secret. "
            "Remove it: pulumi config rm warehouseSecretArn"
        )
    if settings.final_snapshot:
        yield (
            "warehouseKind is existing, but finalSnapshot is true; the stack never deletes a warehouse that "
            "it did not create. Remove it: pulumi config rm finalSnapshot"
        )
    for key, value in (
        ("allowedCidrs", settings.allowed_cidrs),
        ("allowedSecurityGroups", settings.allowed_security_groups),
    ):
        if value:
            yield (
                f"warehouseKind is existing, but {key} is set; the stack does not change the security groups "
                f"of a warehouse that it did not create. Remove it: pulumi config rm {key}"
            )


def _created_warehouse(settings: StackSettings) -> Iterator[str]:
    for name, key in _ONLY_EXISTING.items():
        if getattr(settings, name) is not None:
            yield (
                f"{key} is set, but warehouseKind is {settings.warehouse_kind.value}; it belongs to a warehouse "
                "that exists already. Set warehouseKind to existing, or remove it: "
                f"pulumi config rm {key}"
            )
    match settings.warehouse_kind:
        case WarehouseKind.SERVERLESS:
            yield from _serverless(settings)
        case WarehouseKind.PROVISIONED:
            yield from _provisioned(settings)


def _serverless(settings: StackSettings) -> Iterator[str]:
    if settings.final_snapshot:
        yield (
            "finalSnapshot is true, but warehouseKind is serverless; the provider cannot make a final snapshot "
            "of a namespace. The daily snapshots (snapshotKeepDays) outlive it. Remove it: "
            "pulumi config rm finalSnapshot"
        )
    if settings.network is NetworkKind.CREATE:
        available = settings.vpc_cidr.num_addresses // SUBNETS - RESERVED_ADDRESSES
        needed = addresses_for(settings.warehouse_base_capacity) + OTHER_ADDRESSES
        if available < needed:
            yield (
                f"vpcCidr is {settings.vpc_cidr}, which leaves {available} free addresses in each subnet; "
                f"{settings.warehouse_base_capacity} RPU and the functions need {needed}. Set a larger range, "
                "or a smaller warehouseBaseCapacity"
            )


def _cost(settings: StackSettings) -> Iterator[str]:
    if settings.budget_per_month and settings.alarm_email is None:
        yield (
            f"budgetPerMonth is {settings.budget_per_month}, but alarmEmail is empty; a budget sends its messages "
            "to this address. Set it: pulumi config set alarmEmail <address>"
        )
    limits = {
        "warehouseMaxCapacity": settings.warehouse_max_capacity,
        "warehouseRpuHoursPerMonth": settings.warehouse_rpu_hours_per_month,
    }
    if settings.warehouse_kind is not WarehouseKind.SERVERLESS:
        yield from (
            f"{key} is {value}, but warehouseKind is {settings.warehouse_kind.value}; it limits a serverless "
            f"workgroup of the stack. Remove it: pulumi config rm {key}"
            for key, value in limits.items()
            if value
        )
    elif 0 < settings.warehouse_max_capacity < settings.warehouse_base_capacity:
        yield (
            f"warehouseMaxCapacity is {settings.warehouse_max_capacity}, but warehouseBaseCapacity is "
            f"{settings.warehouse_base_capacity}; the largest capacity is at least the base capacity. "
            "Raise warehouseMaxCapacity"
        )


def _producers(settings: StackSettings) -> Iterator[str]:
    longest = f"arn:aws-us-gov:s3:::{'x' * MAX_BUCKET_NAME}"
    size = len(json.dumps(policies.lake(longest, settings.producers, settings.databases)))
    if size > MAX_BUCKET_POLICY:
        yield (
            f"producers has {len(settings.producers)} and databases {len(settings.databases)} items, for which the "
            f"policy of the lake would have {size} bytes; S3 allows {MAX_BUCKET_POLICY}. List accounts in place of "
            "their roles and users"
        )


def _provisioned(settings: StackSettings) -> Iterator[str]:
    least, most = NODE_COUNTS.get(settings.warehouse_node_type, (1, 128))
    if not least <= settings.warehouse_node_count <= most:
        yield (
            f"warehouseNodeCount is {settings.warehouse_node_count}, but a cluster of "
            f"{settings.warehouse_node_type} has {least} to {most} nodes. "
            "Set another number or another warehouseNodeType"
        )
    if settings.snapshot_keep_days == 0:
        yield (
            "snapshotKeepDays is 0, but warehouseKind is provisioned; automated snapshots of RA3 nodes cannot "
            "be switched off. Set 1 to 35: pulumi config set snapshotKeepDays 1"
        )


def _network(settings: StackSettings) -> Iterator[str]:
    given = {
        "vpcId": settings.vpc_id,
        "subnetIds": settings.subnet_ids,
        "securityGroupIds": settings.security_group_ids,
    }
    if settings.network is NetworkKind.EXISTING:
        yield from (
            f"network is existing, but {key} is empty; the functions run in this network. "
            f"Set it: pulumi config set {example}"
            for key, example in (
                ("vpcId", "vpcId <vpc-...>"),
                ("subnetIds", "--path 'subnetIds[0]' <subnet-...>"),
                ("securityGroupIds", "--path 'securityGroupIds[0]' <sg-...>"),
            )
            if not given[key]
        )
        if settings.zones:
            yield (
                "network is existing, but zones is set; the subnets decide about the zones. "
                "Remove it: pulumi config rm zones"
            )
        return
    yield from (
        f"{key} is set, but network is create; it belongs to a network that exists already. "
        f"Set network to existing, or remove it: pulumi config rm {key}"
        for key, value in given.items()
        if value
    )
    if settings.zones and len(set(settings.zones)) != MIN_ZONES:
        yield (
            f"zones has {len(set(settings.zones))} different zone(s); the network has a subnet in each of "
            f"{MIN_ZONES}. Set {MIN_ZONES}: pulumi config set --path 'zones[0]' <zone>"
        )
