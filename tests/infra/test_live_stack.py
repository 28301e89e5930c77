"""An `up` that would delete the warehouse of the stack is refused, unless a setting allows it."""

from __future__ import annotations

from typing import Any

import pytest

from infra.live_stack import faults_of_change, parse_live_warehouse
from infra.setting_kinds import WarehouseKind
from infra.stack_settings import StackSettings

VPC = {"type": "aws:ec2/vpc:Vpc", "outputs": {"cidrBlock": "10.42.0.0/16"}}
ZONES = ("eu-central-1a", "eu-central-1b", "eu-central-1c")
SUBNETS = [
    {"type": "aws:ec2/subnet:Subnet", "outputs": {"availabilityZone": zone}} for zone in ZONES
]
NAMESPACE = {"type": "aws:redshiftserverless/namespace:Namespace", "outputs": {"dbName": "dev"}}
CLUSTER = {"type": "aws:redshift/cluster:Cluster", "outputs": {"databaseName": "dev"}}
JOINED_SUBNETS = ("subnet-0123456789abcdef0", "subnet-0123456789abcdef1")
GROUP = {
    "type": "aws:redshift/subnetGroup:SubnetGroup",
    "outputs": {"subnetIds": list(JOINED_SUBNETS)},
}
SERVERLESS = [NAMESPACE, VPC, *SUBNETS]
PROVISIONED = [CLUSTER, VPC, *SUBNETS]
JOINED = [CLUSTER, GROUP]


def faults(resources: list[dict[str, Any]], **settings: Any) -> list[str]:
    live = parse_live_warehouse({f"urn-{number}": each for number, each in enumerate(resources)})
    assert live is not None
    return faults_of_change(live, StackSettings.model_validate(settings))


def test_a_stack_without_a_warehouse_has_nothing_to_lose():
    assert parse_live_warehouse({}) is None
    assert parse_live_warehouse({"urn": VPC, "other": {"type": "pulumi:pulumi:Stack"}}) is None


@pytest.mark.parametrize(
    ("resources", "settings"),
    [
        (SERVERLESS, {}),
        (SERVERLESS, {"databases": ("dev", "sales")}),
        (SERVERLESS, {"vpcCidr": "10.43.0.0/16"}),
        (SERVERLESS, {"zones": ZONES[:2]}),
        (PROVISIONED, {"warehouseKind": "provisioned"}),
        (PROVISIONED, {"warehouseKind": "provisioned", "zones": ZONES[::-1]}),
        (PROVISIONED, {"warehouseKind": "provisioned", "warehouseNodeCount": 2}),
        (JOINED, {"warehouseKind": "provisioned", "network": "existing", "subnetIds": JOINED_SUBNETS}),
    ],
)  # fmt: skip
def test_what_keeps_the_data_is_allowed(resources: list[dict[str, Any]], settings: dict[str, Any]):
    assert faults(resources, **settings) == []


@pytest.mark.parametrize(
    ("resources", "settings", "shown"),
    [
        (SERVERLESS, {"warehouseKind": "provisioned"}, "the stack has serverless"),
        (SERVERLESS, {"warehouseKind": "existing"}, "the stack has serverless"),
        (PROVISIONED, {}, "the stack has provisioned"),
        (SERVERLESS, {"databases": ("sales", "dev")}, "was created with dev"),
        (PROVISIONED, {"warehouseKind": "provisioned", "vpcCidr": "10.43.0.0/16"}, "10.42.0.0/16"),
        (
            PROVISIONED,
            {"warehouseKind": "provisioned", "zones": ("eu-central-1a", "eu-central-1b", "eu-central-1d")},
            "the cluster is in eu-central-1a, eu-central-1b, eu-central-1c",
        ),
        (PROVISIONED, {"warehouseKind": "provisioned", "network": "existing"}, "network is existing"),
        (JOINED, {"warehouseKind": "provisioned"}, "network is create"),
        (
            JOINED,
            {"warehouseKind": "provisioned", "network": "existing", "subnetIds": JOINED_SUBNETS[:1]},
            "the cluster is in subnet-0123456789abcdef0, subnet-0123456789abcdef1",
        ),
    ],
)  # fmt: skip
def test_what_deletes_the_data_is_refused_until_it_is_allowed(
    resources: list[dict[str, Any]], settings: dict[str, Any], shown: str
):
    [fault] = faults(resources, **settings)
    assert shown in fault
    allowed = fault.rsplit(" ", 1)[1]
    assert fault.endswith(f"pulumi config set deleteWarehouse {allowed}")
    assert faults(resources, **settings, deleteWarehouse=allowed) == []


def test_the_permission_is_for_one_warehouse_only():
    assert faults(SERVERLESS, warehouseKind="provisioned", deleteWarehouse="serverless:sales")
    assert faults(SERVERLESS, warehouseKind="provisioned", deleteWarehouse="provisioned:dev")


def test_the_label_names_the_kind_and_the_first_database():
    live = parse_live_warehouse({"urn": CLUSTER})
    assert live is not None
    assert (live.kind, live.label) == (WarehouseKind.PROVISIONED, "provisioned:dev")
