"""The availability zones of the subnets: only zones in which everything that the stack puts there exists."""

from __future__ import annotations

from collections.abc import Sequence

import pulumi
import pulumi_aws.ec2 as ec2
import pulumi_aws.redshift as redshift
from pulumi import Input, InvokeOptions, Output
from pulumi_aws.get_availability_zones import get_availability_zones_output

from infra.setting_kinds import WarehouseKind
from infra.stack_settings import StackSettings

ZONES = 3


def pick_zones(region: str, candidates: Sequence[Sequence[str]]) -> list[str]:
    """Return the first three zones that all candidates have. Raises pulumi.RunError if there are fewer."""
    common = sorted(set.intersection(*map(set, candidates)))
    if len(common) < ZONES:
        raise pulumi.RunError(
            f"the region {region} has {len(common)} availability zone(s) ({', '.join(common)}) with Redshift and "
            f"the interface endpoints; the network needs {ZONES}. Choose another region: "
            "pulumi config set aws:region <region>, or other zones: pulumi config set --path 'zones[0]' <zone>"
        )
    return common[:ZONES]


def find_zones(
    settings: StackSettings, region: Output[str], services: Sequence[str], opts: InvokeOptions
) -> Output[list[str]]:
    """Return the zones of the setting, else three in which Redshift and the endpoints of `services` exist.

    Redshift names no zones of its serverless offering; its own endpoint service does (management
    guide, "Considerations when using Amazon Redshift Serverless", "Availability Zone IDs").
    """
    if settings.zones:
        return Output.from_input(sorted(settings.zones))
    candidates: list[Input[Sequence[str]]] = [
        get_availability_zones_output(
            state="available",
            filters=[{"name": "opt-in-status", "values": ["opt-in-not-required"]}],
            opts=opts,
        ).names
    ]
    if settings.warehouse_kind is WarehouseKind.PROVISIONED:
        node_type = settings.warehouse_node_type
        orderable = redshift.get_orderable_cluster_output(node_type=node_type, opts=opts)
        candidates.append(orderable.availability_zones)
    else:
        services = [*services, "redshift-serverless"]
    for service in dict.fromkeys(services):
        name = Output.concat("com.amazonaws.", region, f".{service}")
        found = ec2.get_vpc_endpoint_service_output(
            service_name=name, service_type="Interface", opts=opts
        )
        candidates.append(found.availability_zones)
    return Output.all(region, *candidates).apply(lambda known: pick_zones(known[0], known[1:]))
