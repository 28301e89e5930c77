"""Every setting, changed on a live stack: what happens is what the settings page says, and no data is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from infra.setting_kinds import WarehouseKind
from infra.setting_outcomes import Outcome, outcome_of
from tests.engine import aws, cli
from tests.engine.conftest import LONG
from tests.engine.stack import Engine, LiveStack, Run, run_engine

pytestmark = LONG

ADDRESS = "wg.123456789012.eu-central-1.redshift-serverless.amazonaws.com"
SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:loader-a1b2c3"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/12345678-1234-1234-1234-123456789012"
SUBNETS = [f"subnet-0123456789abcdef{n}" for n in range(3)]
JOINED = {
    "network": "existing",
    "vpcId": "vpc-0123456789abcdef0",
    "subnetIds": SUBNETS,
    "securityGroupIds": ["sg-0123456789abcdef0"],
}
EXISTING = {
    **JOINED,
    "warehouseKind": "existing",
    "warehouseHost": ADDRESS,
    "warehouseSecretArn": SECRET,
    "warehouseWorkgroup": "main",
}
BASES: dict[str, dict[str, Any]] = {
    "serverless": {},
    "provisioned": {"warehouseKind": "provisioned"},
    "joined": JOINED,
    "joined-provisioned": {**JOINED, "warehouseKind": "provisioned"},
    "existing": EXISTING,
}
REPLACED_WITH_EFFECT = {
    *aws.HOLDS_DATA,
    aws.WORKGROUP,
    "aws:ec2/vpc:Vpc",
    aws.SUBNET,
    aws.SUBNET_GROUP,
    "aws:apigateway/restApi:RestApi",
    "aws:apigateway/apiKey:ApiKey",
    "aws:sfn/stateMachine:StateMachine",
    "aws:lambda/function:Function",
}
"""What people notice: data, addresses, keys, what other programs refer to."""

IN_PLACE: dict[str, dict[str, Any]] = {
    "serverless": {
        "warehouseBaseCapacity": 16,
        "tableFilter": ["dev.public.*"],
        "producers": ["210987654321"],
        "permissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
        "rolePath": "/data/",
        "warehouseLogin": "iam",
        "loaderUser": "other_loader",
        "readerRole": "other_reader",
        "allowedCidrs": ["10.8.0.0/16"],
        "allowedSecurityGroups": ["sg-0123456789abcdef1"],
        "workKeepDays": 3,
        "quarantineKeepDays": 60,
        "logGroupKeepDays": 90,
        "loadTimeoutSeconds": 600,
        "loadMemoryMb": 1024,
        "loadConcurrency": 7,
        "longLoadBytes": 0,
        "recordConcurrency": 5,
        "loadIntervalSeconds": 60,
        "maintenanceMinRows": 0,
        "rebuildMaxRows": 0,
        "maxParallelLoads": 3,
        "reconcileEveryHours": 0,
        "freshnessHours": 12,
        "apiRateLimit": 7,
        "apiBurstLimit": 9,
        "apiCorsOrigin": "https://dash.example.com",
        "protectData": True,
        "snapshotKeepDays": 0,
        "alarmEmail": "oncall@example.com",
        "deleteWarehouse": "serverless:other",
        "warehouseMaxCapacity": 64,
        "warehouseRpuHoursPerMonth": 100,
        "warehouseRpuHoursAction": "log",
        "apiAccessLog": "on",
        "kmsKeyArn": KEY,
        "uploadKeyArns": [f"{KEY[:-1]}3"],
        "pendingAlarmMinutes": 0,
        "budgetPerMonth": 100,
        "notifyEmail": "team@example.com",
        "notifyWebhookSecretArn": SECRET,
        "notifyWebhookKind": "teams",
    },
    "provisioned": {
        "warehouseNodeType": "ra3.xlplus",
        "warehouseNodeCount": 2,
        "finalSnapshot": True,
        "snapshotKeepDays": 3,
        "warehouseLogin": "iam",
    },
    "existing": {
        "warehouseHost": f"other.{ADDRESS}",
        "warehousePort": 5440,
        "warehouseSecretArn": f"{SECRET}2",
        "warehouseWorkgroup": "other",
        "copyRoleArn": "arn:aws:iam::123456789012:role/copy",
    },
}
"""Settings whose change is in place, by base. They are changed in one `up`: what replaces nothing together
replaces nothing alone, because a replacement follows from the changed arguments of one resource."""

ALONE: list[tuple[str, str, dict[str, Any]]] = [
    ("databases", "serverless", {"databases": ["sales", "dev"]}),
    ("databases", "provisioned", {"databases": ["sales", "dev"]}),
    ("warehouseKind", "serverless", {"warehouseKind": "provisioned"}),
    ("warehouseKind", "serverless", EXISTING),
    ("warehouseKind", "provisioned", {"warehouseKind": "serverless"}),
    ("vpcCidr", "serverless", {"vpcCidr": "10.43.0.0/16"}),
    ("vpcCidr", "provisioned", {"vpcCidr": "10.43.0.0/16"}),
    ("zones", "provisioned", {"zones": ["eu-central-1a", "eu-central-1b", "eu-central-1d"]}),
    ("apiAuth", "serverless", {"apiAuth": "iam"}),
    ("apiAuth", "provisioned", {"apiAuth": "iam"}),
    ("network", "serverless", JOINED),
    ("network", "provisioned", JOINED),
    ("subnetIds", "joined-provisioned", {"subnetIds": [*SUBNETS, "subnet-0123456789abcdef9"]}),
]
"""Settings whose change has another outcome: setting, base, and what is set."""


NOT_ALONE = {"vpcId", "securityGroupIds", "warehouseCluster", "warehouseCaFile"}
"""They change only together with others: a VPC with its subnets, a cluster in place of a workgroup. A
certificate is a file of the code archive."""


class Bases:
    """Live stacks with data, each brought up once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: dict[str, tuple[Any, aws.Account]] = {}
        self._stack = engine.open()

    def at(self, base: str) -> LiveStack:
        """Return the stack in the state of this base."""
        if base not in self._kept:
            self._bring_up(base)
        state, account = self._kept[base]
        self._stack.restore(state, account.copy())
        return self._stack

    def _bring_up(self, base: str) -> None:
        self._engine.provider.account = aws.Account()
        self._stack.forget()
        self._stack.configure(BASES[base])
        run = self._stack.up()
        assert not run.error
        self._engine.provider.account.fill()
        self._kept[base] = self._stack.state(), self._engine.provider.account


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bases]:
    command = cli.find()
    if command is None:
        pytest.skip(cli.MISSING)
    with run_engine(command, tmp_path_factory.mktemp("engine")) as engine:
        yield Bases(engine)


def outcome(run: Run) -> Outcome:
    """Return what the run did to the stack."""
    if run.error:
        assert "deleteWarehouse" in run.error, run.error
        return Outcome.REFUSED
    noticed = [
        step for step in run.changes
        if step.type in REPLACED_WITH_EFFECT and step.op not in ("create", "update")
    ]  # fmt: skip
    return Outcome.DATA_KEPT if noticed else Outcome.IN_PLACE


def kind_of(base: str) -> WarehouseKind:
    return WarehouseKind(BASES[base].get("warehouseKind", "serverless"))


@pytest.mark.parametrize("base", IN_PLACE)
def test_most_settings_change_in_place(bases: Bases, base: str):
    for key in IN_PLACE[base]:
        assert outcome_of(key, kind_of(base)) is Outcome.IN_PLACE, key
    stack = bases.at(base)
    stack.configure({**BASES[base], **IN_PLACE[base]})
    run = stack.up()
    assert outcome(run) is Outcome.IN_PLACE, run.changes
    assert run.changes
    assert stack.provider.account.lost == []
    assert stack.up().changes == []


@pytest.mark.parametrize(
    ("key", "base", "values"), ALONE, ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_others_change_as_the_settings_page_says(
    bases: Bases, key: str, base: str, values: dict[str, Any]
):
    stack = bases.at(base)
    stack.configure({**BASES[base], **values})
    run = stack.up()
    assert outcome(run) is outcome_of(key, kind_of(base)), run.changes
    assert stack.provider.account.lost == []
    if run.error:
        assert run.changes == []


def test_what_was_refused_is_done_when_it_is_allowed(bases: Bases):
    """The old warehouse goes, the lake and the log stay."""
    stack = bases.at("serverless")
    stack.configure({"warehouseKind": "provisioned", "deleteWarehouse": "serverless:dev"})
    run = stack.up()
    assert not run.error
    assert [key[0] for key in stack.provider.account.lost] == [aws.NAMESPACE]
    assert stack.provider.account.of(aws.CLUSTER)
    stack.configure({"warehouseKind": "serverless", "deleteWarehouse": "serverless:dev"})
    assert "deleteWarehouse provisioned:dev" in stack.preview().error


def test_protected_data_are_not_deleted_even_then(bases: Bases):
    stack = bases.at("serverless")
    stack.configure({"protectData": True})
    assert not stack.up().error
    stack.configure(
        {"protectData": True, "warehouseKind": "provisioned", "deleteWarehouse": "serverless:dev"}
    )
    run = stack.up()
    assert "protect" in run.error
    assert stack.provider.account.lost == []
