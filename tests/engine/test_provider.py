"""The provider of the engine tests refuses what AWS and the SDK refuse. No engine takes part."""

from __future__ import annotations

from typing import Any

import pytest
from pulumi import _types

from infra.stack_settings import rules
from tests.engine import aws
from tests.engine.argument_types import arguments_of, faults_of_inputs
from tests.engine.aws import Account, AwsError
from tests.engine.resource_rules import KEPT_BY, RULES
from tests.engine.test_settings import ALONE, IN_PLACE, NOT_ALONE
from tests.infra.conftest import ANY, recorded
from tests.infra.engine import Mode

BUCKET, TABLE = aws.BUCKET, aws.TABLE
SCHEDULE = "aws:scheduler/schedule:Schedule"
WINDOW = {"mode": "OFF"}
TARGET = {"arn": "arn", "roleArn": "role"}


def an_account() -> Account:
    """Return an account with two VPCs, a subnet and a security group in each, and a namespace."""
    account = Account()
    for number in (1, 2):
        vpc = account.create("aws:ec2/vpc:Vpc", f"v{number}", {"cidrBlock": f"10.{number}.0.0/16"})
        for zone in range(3):
            cidr = f"10.{number}.{zone}.0/24"
            inputs = {"vpcId": vpc.id, "cidrBlock": cidr, "availabilityZone": aws.ZONES[zone]}
            account.create(aws.SUBNET, f"s{number}{zone}", inputs)
        account.create(aws.SECURITY_GROUP, f"g{number}", {"vpcId": vpc.id, "name": f"g{number}"})
    account.create(aws.NAMESPACE, "n", {"namespaceName": "n", "dbName": "dev"})
    return account


def ids(account: Account, type_token: str, number: int) -> list[str]:
    """Return the ids of subnets or security groups of one of the VPCs."""
    vpc = account.of("aws:ec2/vpc:Vpc")[number - 1].id
    return [entry.id for entry in account.of(type_token) if entry.inputs["vpcId"] == vpc]


def a_workgroup(account: Account, **changes: Any) -> dict[str, Any]:
    return {
        "workgroupName": "w",
        "namespaceName": "n",
        "subnetIds": ids(account, aws.SUBNET, 1),
        "securityGroupIds": ids(account, aws.SECURITY_GROUP, 1),
        **changes,
    }


@pytest.mark.parametrize(
    ("inputs", "fault"),
    [
        ({"flexibleTimeWindow": WINDOW, "scheduleExpression": "rate(1 day)"}, "target: missing"),
        (
            {"flexibleTimeWindow": WINDOW, "scheduleExpression": "x", "target": TARGET, "tipe": "x"},
            "tipe: unknown",
        ),
        (
            {"flexibleTimeWindow": {"mod": "OFF"}, "scheduleExpression": "x", "target": TARGET},
            "flexibleTimeWindow.mode: missing",
        ),
        (
            {
                "flexibleTimeWindow": {**WINDOW, "maximumWindowInMinutes": 1.5},
                "scheduleExpression": "x",
                "target": TARGET,
            },
            "flexibleTimeWindow.maximumWindowInMinutes: 1.5 is no int",
        ),
        ({"flexibleTimeWindow": WINDOW, "scheduleExpression": True, "target": TARGET}, "True is no str"),
    ],
)  # fmt: skip
def test_arguments_have_the_types_of_the_sdk(inputs: dict[str, Any], fault: str):
    assert any(fault in each for each in faults_of_inputs(SCHEDULE, inputs))


@pytest.mark.parametrize("variant", ANY)
def test_the_program_s_arguments_have_the_types_of_the_sdk(variant: str):
    """Nested keys too, which the SDK passes on whatever they are."""
    faults = {
        f"{resource.typ} {resource.name}": found
        for resource in recorded(variant, Mode.DEPLOY).resources
        if resource.typ.startswith("aws:")
        and (found := faults_of_inputs(resource.typ, dict(resource.inputs)))
    }
    faults = {
        name: found
        for name, found in faults.items()
        if not all("Archive" in fault for fault in found)  # mocks pass the object itself
    }
    assert faults == {}


@pytest.mark.parametrize("variant", ANY)
def test_every_type_of_the_program_has_its_rule(variant: str):
    types = {r.typ for r in recorded(variant, Mode.DEPLOY).resources if r.typ.startswith("aws:")}
    assert types - RULES.keys() == set()


def test_every_setting_is_changed_on_a_live_stack():
    """A new setting needs a changed value in test_settings.py, which runs with `make engine-test`."""
    changed = {key for values in IN_PLACE.values() for key in values}
    changed |= {key for key, _, _ in ALONE} | NOT_ALONE
    assert changed == set(rules())


def test_the_rules_name_arguments_that_exist():
    for type_token, rule in RULES.items():
        known = _types.input_type_types(arguments_of(type_token)).keys() | {"*"}
        assert set(rule.replaced_by) <= known, type_token
        assert not rule.named_by or rule.named_by in known, type_token
    assert RULES.keys() >= KEPT_BY.keys()


def test_a_name_that_is_taken_is_refused():
    account = Account()
    account.create(BUCKET, "lake", {"bucket": "lake-1"})
    with pytest.raises(AwsError, match="the name lake-1 is taken"):
        account.create(BUCKET, "other", {"bucket": "lake-1"})


def test_a_bucket_with_objects_is_deleted_only_by_force():
    account = Account()
    for name, force in (("a", False), ("b", True)):
        account.create(BUCKET, name, {"bucket": name, "forceDestroy": force})
    account.fill()
    with pytest.raises(AwsError, match="BucketNotEmpty"):
        account.delete(BUCKET, "a")
    account.delete(BUCKET, "b")
    assert account.lost == [(BUCKET, "b")]


def test_a_protected_table_is_not_deleted():
    account = Account()
    account.create(TABLE, "log", {"name": "log", "deletionProtectionEnabled": True})
    with pytest.raises(AwsError, match="deletion protection"):
        account.delete(TABLE, "log")


def test_what_others_use_is_not_deleted():
    account = an_account()
    workgroup = account.create(aws.WORKGROUP, "w", a_workgroup(account))
    used = (
        (aws.NAMESPACE, "n"),
        (aws.SUBNET, ids(account, aws.SUBNET, 1)[0]),
        (aws.SECURITY_GROUP, ids(account, aws.SECURITY_GROUP, 1)[0]),
        ("aws:ec2/vpc:Vpc", account.of("aws:ec2/vpc:Vpc")[0].id),
    )
    for key in used:
        with pytest.raises(AwsError, match="DependencyViolation"):
            account.delete(*key)
    account.delete(aws.WORKGROUP, workgroup.id)
    account.delete(aws.NAMESPACE, "n")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"namespaceName": "other"}, "no namespace other"),
        ({"configParameters": [{"parameterKey": "datestyle", "parameterValue": "ISO"}]}, "lacks"),
        ({"subnetIds": ["subnet-1", "subnet-2"]}, "needs three subnets"),
    ],
)
def test_a_workgroup_is_refused(changes: dict[str, Any], fault: str):
    account = an_account()
    with pytest.raises(AwsError, match=fault):
        account.create(aws.WORKGROUP, "w", a_workgroup(account, **changes))


def test_subnets_and_security_groups_are_of_one_vpc():
    account = an_account()
    other = ids(account, aws.SECURITY_GROUP, 2)
    with pytest.raises(AwsError, match="another VPC than the subnets"):
        account.create(aws.WORKGROUP, "w", a_workgroup(account, securityGroupIds=other))
    mixed = [*ids(account, aws.SUBNET, 1)[:2], ids(account, aws.SUBNET, 2)[0]]
    with pytest.raises(AwsError, match="several VPCs"):
        account.create(aws.WORKGROUP, "w", a_workgroup(account, subnetIds=mixed))


def test_the_capacity_changes_only_after_the_first_recovery_point():
    account = an_account()
    account.create(aws.WORKGROUP, "w", a_workgroup(account, baseCapacity=8))
    larger = a_workgroup(account, baseCapacity=16)
    with pytest.raises(AwsError, match="first recovery point"):
        account.update(aws.WORKGROUP, "w", larger)
    account.fill()
    account.update(aws.WORKGROUP, "w", larger)
    assert account.of(aws.WORKGROUP)[0].outputs["baseCapacity"] == 16


def test_the_maximum_capacity_is_lifted_only_by_minus_one():
    account = an_account()
    account.create(aws.WORKGROUP, "w", a_workgroup(account, maxCapacity=64))
    account.fill()
    with pytest.raises(AwsError, match="lifted only by -1"):
        account.update(aws.WORKGROUP, "w", a_workgroup(account))
    account.update(aws.WORKGROUP, "w", a_workgroup(account, maxCapacity=-1))


def test_a_workgroup_does_not_move_to_another_vpc():
    account = an_account()
    account.create(aws.WORKGROUP, "w", a_workgroup(account))
    moved = a_workgroup(
        account,
        subnetIds=ids(account, aws.SUBNET, 2),
        securityGroupIds=ids(account, aws.SECURITY_GROUP, 2),
    )
    with pytest.raises(AwsError, match="another VPC than the workgroup"):
        account.update(aws.WORKGROUP, "w", moved)


@pytest.mark.parametrize(
    ("was", "changes", "fault"),
    [
        (
            {"manageAdminPassword": True, "adminUsername": "a"},
            {"manageAdminPassword": True, "adminUsername": "b"},
            "cannot be renamed",
        ),
        (
            {"iamRoles": ["r"], "defaultIamRoleArn": "r"},
            {"iamRoles": ["r"]},
            "only with all roles",
        ),
    ],
)
def test_a_namespace_has_its_rules(was: dict, changes: dict, fault: str):
    account = Account()
    account.create(aws.NAMESPACE, "n", {"namespaceName": "n", **was})
    with pytest.raises(AwsError, match=fault):
        account.update(aws.NAMESPACE, "n", {"namespaceName": "n", **changes})


def test_a_cluster_leaves_a_final_snapshot_of_a_new_name():
    account = Account()
    inputs = {"clusterIdentifier": "c", "finalSnapshotIdentifier": "last"}
    account.create(aws.CLUSTER, "c", inputs)
    account.delete(aws.CLUSTER, "c")
    assert account.snapshots == {"last"}
    account.create(aws.CLUSTER, "c", inputs)
    with pytest.raises(AwsError, match="ClusterSnapshotAlreadyExists"):
        account.delete(aws.CLUSTER, "c")
