"""Combinations of settings that AWS refuses: each is refused before anything is created, with the fix."""

import json

import pytest

from infra.combinations import addresses_for
from infra.stack_settings import ConfigurationError, parse_settings
from tests.infra.conftest import EVERYTHING, EXISTING, EXISTING_IAM, IAM, JOINED

CLUSTER = {"warehouseKind": "provisioned"}
FAULTS = [
    ({"warehouseBaseCapacity": "256", "vpcCidr": "10.0.0.0/24"}, r"59 free addresses.*need 79"),
    ({"warehouseBaseCapacity": "512", "vpcCidr": "10.0.0.0/23"}, r"123 free addresses.*need 143"),
    ({"finalSnapshot": "true"}, r"finalSnapshot is true, but warehouseKind is serverless"),
    (CLUSTER | {"snapshotKeepDays": "0"}, r"cannot be switched off.*snapshotKeepDays 1"),
    (CLUSTER | {"warehouseNodeCount": "17"}, r"17, but a cluster of ra3\.large has 1 to 16 nodes"),
    (CLUSTER | {"warehouseNodeType": "ra3.4xlarge"}, r"1, but a cluster .* has 2 to 64 nodes"),
    ({"warehouseHost": "wg.example"}, r"warehouseHost is set, but warehouseKind is serverless"),
    (
        {"copyRoleArn": EXISTING_IAM["copyRoleArn"]},
        r"copyRoleArn is set.*pulumi config rm copyRoleArn",
    ),
    ({"vpcId": EXISTING["vpcId"]}, r"vpcId is set, but network is create"),
    ({"zones": '["eu-central-1a"]'}, r"1 different zone.*each of 3"),
    ({"network": "existing"}, r"vpcId is empty(.|\n)*subnetIds is empty(.|\n)*securityGroupIds"),
    (EXISTING | {"warehouseHost": ""}, r"warehouseHost is empty"),
    ({"warehouseKind": "existing", "warehouseHost": "x"}, r"has no route(.|\n)*SecretArn is empty"),
    (EXISTING | {"warehouseLogin": "iam"}, r"neither warehouseWorkgroup nor warehouseCluster"),
    (EXISTING_IAM | {"warehouseWorkgroup": "wg"}, r"both set.*pulumi config rm warehouseCluster"),
    (
        EXISTING_IAM | {"warehouseSecretArn": EXISTING["warehouseSecretArn"]},
        r"iam, but warehouseSecretArn is set",
    ),
    (EXISTING | {"finalSnapshot": "true"}, r"never deletes a warehouse that it did not create"),
    (EXISTING | {"allowedCidrs": '["10.0.0.0/8"]'}, r"existing, but allowedCidrs is set"),
    (
        {"producers": json.dumps([f"arn:aws:iam::123456789012:role/{n:0200}" for n in range(90)])},
        r"90 and databases 1 items.*S3 allows 20480",
    ),
    (EXISTING | {"zones": '["eu-central-1a"]'}, r"the subnets decide about the zones"),
]


@pytest.mark.parametrize(("values", "message"), FAULTS)
def test_a_combination_that_cannot_work_is_refused_with_the_fix(values, message):
    with pytest.raises(ConfigurationError, match=message):
        parse_settings(values)


@pytest.mark.parametrize("values", [{}, EVERYTHING, EXISTING, EXISTING_IAM, IAM, JOINED])
def test_a_combination_that_works_is_accepted(values):
    parse_settings(values)


@pytest.mark.parametrize("capacity", ["4", "8", "512", "1024"])
def test_the_capacities_of_today_are_accepted(capacity):
    assert parse_settings({"warehouseBaseCapacity": capacity}).warehouse_base_capacity == int(
        capacity
    )


def test_the_addresses_of_a_workgroup_are_those_that_aws_names():
    assert (addresses_for(256), addresses_for(512)) == (69, 133)
