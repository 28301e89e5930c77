"""What `pulumi up` would do to the warehouse that the stack has now: refuse to delete it without a word.

Pulumi replaces a resource when a setting changes that AWS cannot change in place, and deletes one that the
program no longer declares. With a warehouse, its data go too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.setting_kinds import NetworkKind, WarehouseKind
from infra.stack_settings import StackSettings

_NAMESPACE = "aws:redshiftserverless/namespace:Namespace"
_CLUSTER = "aws:redshift/cluster:Cluster"
_SUBNET_GROUP = "aws:redshift/subnetGroup:SubnetGroup"
_VPC = "aws:ec2/vpc:Vpc"
_SUBNET = "aws:ec2/subnet:Subnet"


@dataclass(frozen=True)
class LiveWarehouse:
    """The warehouse of the stack as it is deployed.

    `cidr` and `zones`: of the stack's own network; None and empty if it uses another one.
    """

    kind: WarehouseKind
    first_database: str
    cidr: str | None = None
    zones: tuple[str, ...] = ()
    subnet_ids: frozenset[str] = frozenset()

    @property
    def label(self) -> str:
        """The value of `deleteWarehouse` that allows to delete it."""
        return f"{self.kind.value}:{self.first_database}"


def parse_live_warehouse(resources: Mapping[str, Mapping[str, Any]]) -> LiveWarehouse | None:
    """Return the warehouse among the resources of a stack, None if it has none.

    `resources`: type and outputs of each resource, by URN.
    """
    found: dict[str, list[Mapping[str, Any]]] = {}
    for resource in resources.values():
        found.setdefault(str(resource.get("type")), []).append(resource.get("outputs") or {})
    vpcs, subnets = found.get(_VPC, []), found.get(_SUBNET, [])
    cidr = str(vpcs[0].get("cidrBlock")) if vpcs else None
    zones = tuple(sorted(str(subnet.get("availabilityZone")) for subnet in subnets))
    for namespace in found.get(_NAMESPACE, []):
        database = str(namespace.get("dbName"))
        return LiveWarehouse(WarehouseKind.SERVERLESS, database, cidr, zones)
    for cluster in found.get(_CLUSTER, []):
        groups = found.get(_SUBNET_GROUP, [])
        ids = frozenset(str(each) for group in groups for each in group.get("subnetIds") or ())
        database = str(cluster.get("databaseName"))
        return LiveWarehouse(WarehouseKind.PROVISIONED, database, cidr, zones, ids)
    return None


def faults_of_change(live: LiveWarehouse, settings: StackSettings) -> list[str]:
    """Return why the settings would delete the warehouse, unless `deleteWarehouse` allows it."""
    if settings.delete_warehouse == live.label:
        return []
    return [
        f"{reason}. `pulumi up` would delete the warehouse of the stack with its data. Set it back, or unload "
        'the data first (docs/how-to/operate.md, "Change the warehouse of a stack") and allow it: '
        f"pulumi config set deleteWarehouse {live.label}"
        for reason in _reasons(live, settings)
    ]


def _reasons(live: LiveWarehouse, settings: StackSettings) -> Iterator[str]:
    if settings.warehouse_kind is not live.kind:
        yield f"warehouseKind is {settings.warehouse_kind.value}; the stack has {live.kind.value}"
        return
    if settings.databases[0] != live.first_database:
        yield (
            f"the first of databases is {settings.databases[0]}; the warehouse was created with "
            f"{live.first_database}, and AWS cannot rename it"
        )
    if live.kind is WarehouseKind.PROVISIONED:
        yield from _reasons_of_network(live, settings)


def _reasons_of_network(live: LiveWarehouse, settings: StackSettings) -> Iterator[str]:
    """Yield why the cluster would need other subnets. A serverless workgroup is replaced without its namespace."""
    has_own = live.cidr is not None
    if has_own is not (settings.network is NetworkKind.CREATE):
        was = NetworkKind.CREATE if has_own else NetworkKind.EXISTING
        yield f"network is {settings.network.value}; the cluster is in one of kind {was.value}"
    elif not has_own:
        if frozenset(settings.subnet_ids) != live.subnet_ids:
            yield (
                f"subnetIds is {', '.join(settings.subnet_ids)}; the cluster is in "
                f"{', '.join(sorted(live.subnet_ids))}"
            )
    elif str(settings.vpc_cidr) != live.cidr:
        yield f"vpcCidr is {settings.vpc_cidr}; the cluster is in {live.cidr}"
    elif settings.zones and tuple(sorted(settings.zones)) != live.zones:
        yield f"zones is {', '.join(sorted(settings.zones))}; the cluster is in {', '.join(live.zones)}"
