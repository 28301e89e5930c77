"""Fixtures of the library's tests."""

from __future__ import annotations

import pytest

from tests.builders import a_schema_file
from tests.etl_core.in_memory_pipeline import InMemoryPipeline


@pytest.fixture
def world() -> InMemoryPipeline:
    """A lake with a table t (id integer, name varchar(20)) of two rows."""
    made = InMemoryPipeline()
    made.drop("dev/schema/t/s.json", a_schema_file())
    made.drop("dev/append/t/first.csv", b"id,name\n1,a\n2,b\n")
    return made
