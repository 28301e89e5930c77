"""The two implementations of DynamoDB that the adapters are tested against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.conftest import Lake
from tests.etl_core.adapters.dynamodb_local import copy_table, dynamodb_local


@dataclass(frozen=True)
class Tables:
    """A client, and the names of the deployed tables there."""

    client: Any
    log_table: str
    lease_table: str


@pytest.fixture(scope="session")
def deployed_tables(lake: Lake) -> Tables:
    """Return the tables of the local cloud."""
    client = lake.client.aws.client("dynamodb")
    [leases] = [name for name in client.list_tables()["TableNames"] if "-leases" in name]
    return Tables(client, lake.client.outputs.log_table, leases)


@pytest.fixture(scope="session")
def amazons_tables(
    deployed_tables: Tables, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tables]:
    """Return the same tables in Amazon's DynamoDB Local."""
    with dynamodb_local(tmp_path_factory.mktemp("dynamodb") / "output.log") as client:
        for name in (deployed_tables.log_table, deployed_tables.lease_table):
            copy_table(deployed_tables.client, client, name)
        yield Tables(client, deployed_tables.log_table, deployed_tables.lease_table)


@pytest.fixture(params=["deployed_tables", "amazons_tables"])
def tables(request: pytest.FixtureRequest) -> Tables:
    """Return the tables, once in each implementation."""
    chosen: Tables = request.getfixturevalue(request.param)
    return chosen
