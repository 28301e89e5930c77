"""The stacks under test: one with the defaults and one with other settings, each run once per mode."""

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
    "recordConcurrency": "20",
    "maxParallelLoads": "3",
    "protectData": "true",
    "reconcileEveryHours": "6",
    "alarmEmail": "oncall@example.com",
    "vpcCidr": "192.168.0.0/20",
    "apiCorsOrigin": "https://dash.example.com",
}
VARIANTS = {"plain": {}, "everything": EVERYTHING}


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


@pytest.fixture(
    params=[(variant, mode) for variant in VARIANTS for mode in Mode],
    ids=lambda p: f"{p[0]}-{p[1].value}",
)
def any_stack(request: pytest.FixtureRequest) -> Stack:
    """Each stack in each mode."""
    return recorded(*request.param)
