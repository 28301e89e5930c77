"""A long load through the real door: S3, EventBridge, Step Functions, Lambda, the Data API, the API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from etl_cli.client import Client
from local_cloud.cloud import LocalCloud
from tests.e2e.conftest import Lake

SCHEMA = {
    "schema_version": "1",
    "columns": [{"name": "id", "type": "INTEGER", "nullable": False}, {"name": "name", "type": "VARCHAR(20)"}],
}  # fmt: skip
STAGED = "SELECT count(*) FROM pg_tables WHERE schemaname = 'etl_ledger' AND tablename LIKE 'stag%'"
SECONDS = 120.0


@pytest.fixture(scope="module")
def long_lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """Return the lake of a cloud in which files from 1 KB on are loaded by a long copy."""
    folder = tmp_path_factory.mktemp("long")
    with LocalCloud.start(folder, config={"longLoadBytes": "1000"}) as cloud:
        client = Client.of(cloud.outputs)
        yield Lake(cloud, client)
        client.close()


def rows(first: int, count: int) -> str:
    lines = (f"{number},name {number}\n" for number in range(first, first + count))
    return "id,name\n" + "".join(lines)


@pytest.mark.timeout(600)
def test_long_uploads_are_loaded_refused_and_answered(long_lake: Lake) -> None:
    table = long_lake.table("long")
    version = long_lake.put(f"dev/schema/{table}/s.json", SCHEMA)
    assert long_lake.entry(table, version, SECONDS)["status"] == "applied"
    version = long_lake.put(f"dev/append/{table}/short.csv", rows(1, 3))
    short = long_lake.entry(table, version, SECONDS)
    assert short["status"] == "loaded"
    assert "staging" not in " ".join(short["statements"])

    version = long_lake.put(f"dev/append/{table}/long.csv", rows(100, 500))
    long = long_lake.entry(table, version, SECONDS)
    assert (long["status"], long["rows_loaded"]) == ("loaded", 500)
    [copied, moved] = long["statements"]
    assert copied.startswith('COPY "etl_ledger"."staging_')
    assert moved.startswith(f'INSERT INTO "public"."{table}"')
    assert long_lake.count(table) == 503

    version = long_lake.put(f"dev/append/{table}/bad.csv", rows(1000, 200) + "x,bad\n")
    refused = long_lake.entry(table, version, SECONDS)
    assert refused["status"] == "rejected"
    assert "line 202" in refused["error"]["message"]
    assert "'x'" in refused["error"]["message"]

    version = long_lake.put(f"dev/truncate/{table}/all.csv", rows(2000, 300))
    assert long_lake.entry(table, version, SECONDS)["status"] == "loaded"
    assert long_lake.count(table) == 300
    assert long_lake.client.sql("dev", STAGED).rows == ((0,),)
