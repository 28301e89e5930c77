"""The stacks that the tests look at: the plain one and one with everything, each run once per mode."""

from __future__ import annotations

from functools import cache

import pytest

from infra.program import main
from tests.infra.engine import Mode, Stack, run

EVERYTHING = {
    "databases": '["dev", "analytics"]',
    "warehouseKind": "provisioned",
    "warehouseNodeCount": "2",
    "loadConcurrency": "5",
    "protectData": "true",
    "reconcileEveryHours": "6",
    "alarmEmail": "oncall@example.com",
    "vpcCidr": "192.168.0.0/20",
}
VARIANTS = {"plain": {}, "everything": EVERYTHING}


@cache
def recorded(variant: str, mode: Mode) -> Stack:
    """The program's stack; recorded once."""
    return run(main, mode, config=VARIANTS[variant])


@pytest.fixture
def plain() -> Stack:
    """The stack without any configuration, as deployed."""
    return recorded("plain", Mode.DEPLOY)


@pytest.fixture
def everything() -> Stack:
    """The stack with every choice made otherwise, as deployed."""
    return recorded("everything", Mode.DEPLOY)


@pytest.fixture(
    params=[(variant, mode) for variant in VARIANTS for mode in Mode],
    ids=lambda p: f"{p[0]}-{p[1].value}",
)
def any_stack(request: pytest.FixtureRequest) -> Stack:
    """Each variant in each mode."""
    return recorded(*request.param)
