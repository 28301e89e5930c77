"""The stacks under test: one with the defaults and one with other settings, each run once per mode."""

from __future__ import annotations

import json
from functools import cache

import pytest

from infra.program import main
from tests.infra.engine import Mode, Stack, run

EVERYTHING = {
    "databases": '["dev", "analytics"]',
    "warehouseKind": "provisioned",
    "warehouseNodeCount": "2",
    "loadConcurrency": "5",
    "recordConcurrency": "20",
    "maxParallelLoads": "3",
    "protectData": "true",
    "finalSnapshot": "true",
    "snapshotKeepDays": "14",
    "allowedCidrs": '["10.8.0.0/16"]',
    "allowedSecurityGroups": '["sg-0123456789abcdef0"]',
    "reconcileEveryHours": "6",
    "alarmEmail": "oncall@example.com",
    "notifyEmail": "data-team@example.com",
    "notifyWebhookSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:chat-a1b2c3",
    "notifyWebhookKind": "teams",
    "apiAccessLog": "with-role",
    "budgetPerMonth": "500",
    "vpcCidr": "192.168.0.0/20",
    "apiCorsOrigin": "https://dash.example.com",
}
BOUNDARY = "arn:aws:iam::123456789012:policy/company/boundary"
PRODUCERS = ("210987654321", "arn:aws:iam::345678901234:role/exports/nightly")
EVERYTHING |= {
    "permissionsBoundaryArn": BOUNDARY,
    "rolePath": "/data-platform/",
    "producers": json.dumps(PRODUCERS),
    "tableFilter": '["dev.*.*", "analytics.sales.order?"]',
}
EXISTING = {
    "databases": '["sales"]',
    "warehouseKind": "existing",
    "warehouseHost": "wg.123456789012.eu-central-1.redshift-serverless.amazonaws.com",
    "warehousePort": "5440",
    "warehouseSecretArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:loader-a1b2c3",
    "network": "existing",
    "vpcId": "vpc-0123456789abcdef0",
    "subnetIds": '["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]',
    "securityGroupIds": '["sg-0123456789abcdef0"]',
    "pendingAlarmMinutes": "0",
}
EXISTING_IAM = {
    **{key: value for key, value in EXISTING.items() if key != "warehouseSecretArn"},
    "warehouseLogin": "iam",
    "warehouseCluster": "main",
    "copyRoleArn": "arn:aws:iam::123456789012:role/copy",
    "reconcileEveryHours": "0",
    "readerRole": "",
}
KEY = "arn:aws:kms:eu-central-1:123456789012:key/0a1b2c3d-own"
UPLOAD_KEY = "arn:aws:kms:eu-central-1:210987654321:key/mrk-producer"
IAM = {
    "kmsKeyArn": KEY,
    "uploadKeyArns": f'["{UPLOAD_KEY}"]',
    "alarmEmail": "oncall@example.com",
    "apiAccessLog": "on",
    "warehouseMaxCapacity": "64",
    "warehouseRpuHoursPerMonth": "200",
    "warehouseLogin": "iam",
    "apiAuth": "iam",
    "zones": '["eu-central-1a","eu-central-1b","eu-central-1c"]',
}
JOINED = {
    **{key: EXISTING[key] for key in ("network", "vpcId", "subnetIds", "securityGroupIds")},
    "snapshotKeepDays": "0",
}
VARIANTS = {
    "plain": {},
    "everything": EVERYTHING,
    "existing": EXISTING,
    "existing-iam": EXISTING_IAM,
    "iam": IAM,
    "joined": JOINED,
}


ANY = ("plain", "everything", "existing-iam")
"""Between them they have every component; recording a stack takes a second."""


@cache
def recorded(variant: str, mode: Mode) -> Stack:
    """Return the stack that the program declares. Each is recorded once."""
    return run(main, mode, config=VARIANTS[variant])


@pytest.fixture
def plain() -> Stack:
    """The stack with the defaults, as deployed."""
    return recorded("plain", Mode.DEPLOY)


@pytest.fixture
def everything() -> Stack:
    """The stack with the optional parts switched on, as deployed."""
    return recorded("everything", Mode.DEPLOY)


@pytest.fixture
def existing() -> Stack:
    """The stack for an existing warehouse and network, with a secret."""
    return recorded("existing", Mode.DEPLOY)


@pytest.fixture
def existing_iam() -> Stack:
    """The stack for an existing cluster and network, with a login by IAM."""
    return recorded("existing-iam", Mode.DEPLOY)


@pytest.fixture
def iam() -> Stack:
    """The stack with a new serverless warehouse and a login by IAM."""
    return recorded("iam", Mode.DEPLOY)


@pytest.fixture
def joined() -> Stack:
    """The stack with a new warehouse in an existing network."""
    return recorded("joined", Mode.DEPLOY)


@pytest.fixture(
    params=[(variant, mode) for variant in ANY for mode in Mode],
    ids=lambda p: f"{p[0]}-{p[1].value}",
)
def any_stack(request: pytest.FixtureRequest) -> Stack:
    """Each stack in each mode."""
    return recorded(*request.param)
