"""COPY through the Data API: counts, load errors by session, cancellation, secrets."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.redshift_emulator.copy.lake import SECRET, Lake
from tests.redshift_emulator.data_api import until_ended

WHERE = {"WorkgroupName": "any", "Database": "dev", "SecretArn": SECRET}


def copy_of(lake: Lake, table: str, body: bytes) -> str:
    return f"COPY {table} FROM '{lake.put(body)}' IAM_ROLE '{lake.role}' csv"


def run(lake: Lake, *sqls: str) -> dict[str, Any]:
    submitted = lake.data_api.batch_execute_statement(Sqls=list(sqls), **WHERE)
    return until_ended(lake.data_api, submitted["Id"])


def test_a_copy_reports_how_many_rows_it_loaded(lake: Lake) -> None:
    table = lake.table("a integer")
    ended = run(lake, copy_of(lake, table, b"1\n2\n3\n"), "SELECT pg_last_copy_count()")
    assert ended["Status"] == "FINISHED"
    assert [part["ResultRows"] for part in ended["SubStatements"]] == [3, 1]
    result = lake.data_api.get_statement_result(Id=f"{ended['Id']}:2")
    assert result["Records"] == [[{"longValue": 3}]]
    assert lake.count(table) == 3


def test_a_refused_copy_undoes_the_batch_and_its_load_errors_have_the_session(lake: Lake) -> None:
    ended = run(lake, "CREATE TABLE staging_x (a integer)", copy_of(lake, "staging_x", b"1\nx\n"))
    assert ended["Status"] == "FAILED"
    assert ended["Error"].startswith(
        "Query #2 failed with ERROR: Load into table 'staging_x' failed."
    )
    assert lake.sql("SELECT count(*) FROM pg_class WHERE relname = 'staging_x'") == [(0,)]
    errors = lake.sql(
        "SELECT line_number, error_code FROM sys_load_error_detail "
        f"WHERE session_id = {ended['RedshiftPid']}"
    )
    assert errors == [(2, 1207)]


def test_a_cancelled_copy_loads_nothing(lake: Lake) -> None:
    table = lake.table("a varchar(200)")
    body = b"".join(b"%0150d\n" % number for number in range(400_000))
    submitted = lake.data_api.execute_statement(Sql=copy_of(lake, table, body), **WHERE)
    described = lake.data_api.describe_statement(Id=submitted["Id"])
    while described["Status"] in ("SUBMITTED", "PICKED"):
        described = lake.data_api.describe_statement(Id=submitted["Id"])
    lake.data_api.cancel_statement(Id=submitted["Id"])
    assert until_ended(lake.data_api, submitted["Id"])["Status"] == "ABORTED"
    assert lake.count(table) == 0


def test_only_the_given_secret_is_accepted(lake: Lake) -> None:
    with pytest.raises(ClientError, match="can't find the specified secret") as refused:
        lake.data_api.execute_statement(Sql="SELECT 1", **{**WHERE, "SecretArn": SECRET + "x"})
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
