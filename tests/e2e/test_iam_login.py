"""Loads that log in with IAM: the functions' own code, with the local cloud's answers to both calls."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import closing

import pytest

from etl_core.access.bootstrap import Access, run_bootstrap
from etl_core.adapters.aws_clients import session
from etl_core.adapters.redshift import RedshiftWarehouse
from etl_core.adapters.redshift_connections import Endpoint
from etl_core.adapters.secrets import GivenCredentials
from handlers import load, wiring
from tests.e2e.conftest import Lake, columns
from tests.upgrade.restored import Context

USER = "IAMR:caller"
"""The user that the emulator makes of every role."""


def bootstrap(lake: Lake, loader: str) -> None:
    local = lake.client.outputs.warehouse
    endpoint = Endpoint(local.host, local.port, str(lake.cloud.state.secrets / "ca.pem"))
    administrator = GivenCredentials(local.user, local.password)
    with closing(RedshiftWarehouse(endpoint, administrator)) as warehouse:
        run_bootstrap(warehouse, Access(local.databases, loader, reader=local.reader))


def forget() -> None:
    session.cache_clear()
    wiring.wiring.cache_clear()


@pytest.fixture(params=["WAREHOUSE_WORKGROUP", "WAREHOUSE_CLUSTER"])
def iam(
    request: pytest.FixtureRequest, lake: Lake, rule_off: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lake]:
    """The lake, and this process as a load function whose role is the login."""
    variables = lake.function_variables()
    for name in ("WAREHOUSE_SECRET_ARN", "WAREHOUSE_WORKGROUP", "WAREHOUSE_CLUSTER"):
        variables.pop(name, None)
        monkeypatch.delenv(name, raising=False)
    for name, value in (variables | {request.param: "main"}).items():
        monkeypatch.setenv(name, value)
    url = lake.cloud.context.warehouse.data_api_url
    for service in ("REDSHIFT", "REDSHIFT_SERVERLESS"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", url)
    forget()
    bootstrap(lake, USER)
    yield lake
    bootstrap(lake, lake.client.outputs.warehouse.loader)
    forget()


def load_here(lake: Lake, key: str, content: str, sequencer: str) -> str:
    body = content.encode()
    version = lake.put(key, body)
    event = lake.s3_event(key, body, "2026-11-22T12:00:00Z", sequencer, version)
    result = load.handler({"event": event, "retry_count": 0, "long_copy": {}}, Context())
    return str(result["status"])


def test_a_file_is_loaded_without_a_password(iam: Lake) -> None:
    table = iam.table("iam")
    schema = json.dumps(columns(("id", "INTEGER")))
    assert "WAREHOUSE_SECRET_ARN" not in os.environ
    assert load_here(iam, f"dev/schema/{table}/s.json", schema, "01") == "applied"
    assert load_here(iam, f"dev/append/{table}/a.csv", "id\n1\n2\n", "02") == "loaded"
    query = f"SELECT tableowner FROM pg_tables WHERE tablename LIKE '%{table}'"
    assert {row[0] for row in iam.client.sql("dev", query).rows} == {USER}
    assert iam.rows(table) == [(1,), (2,)]
