"""Fixtures of the tests of etl_core."""

from __future__ import annotations

import pytest

from tests.builders import a_schema_file
from tests.etl_core.in_memory_pipeline import InMemoryPipeline


@pytest.fixture
def pipeline() -> InMemoryPipeline:
    """An in-memory pipeline with a table t (id integer, name varchar(20)) of two rows."""
    started = InMemoryPipeline()
    started.drop("dev/schema/t/s.json", a_schema_file())
    started.drop("dev/append/t/first.csv", b"id,name\n1,a\n2,b\n")
    return started
