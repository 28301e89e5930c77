"""Services with one upload that nobody knows."""

from __future__ import annotations

import pytest

from tests.etl_core.model.test_object_versions import a_version
from tests.etl_core.recovery.in_memory_services import FakeLake, InMemoryServices


@pytest.fixture
def memory() -> InMemoryServices:
    """One version in the lake; the ledgers and the log are empty."""
    return InMemoryServices(FakeLake([a_version()]))
