"""The Data API through boto3: statements, batches, results, cancellation, idempotency, refusals."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from redshift_emulator.data_api.errors import ApiError, TooManyStatementsError
from redshift_emulator.data_api.requests import (
    MAX_SQL_BYTES,
    MAX_WAIT_SECONDS,
    parse_submission,
)
from redshift_emulator.data_api.run import Run
from redshift_emulator.data_api.statements import MAX_ACTIVE, MAX_RUNNING, Statements
from redshift_emulator.errors import SqlError
from tests.redshift_emulator.conftest import Warehouse, data_api_url, place, running, value
from tests.redshift_emulator.data_api import until_ended

WHERE = {"ClusterIdentifier": "a-cluster", "Database": "dev", "SecretArn": "any"}
KEYS = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "eu-west-1"}


def client_of(url: str | None) -> Any:
    return boto3.client(  # type: ignore[call-overload]
        "redshift-data", endpoint_url=url, config=Config(retries={"total_max_attempts": 1}), **KEYS
    )


@pytest.fixture(scope="module")
def client(warehouse: Warehouse) -> Iterator[Any]:
    made = client_of(warehouse.data_api_url)
    yield made
    made.close()


def execute(client: Any, sql: str, **arguments: object) -> dict[str, Any]:
    """Run a statement and return its final description."""
    submitted = client.execute_statement(Sql=sql, **{**WHERE, **arguments})
    return until_ended(client, submitted["Id"])


def batch(client: Any, *sqls: str, **arguments: object) -> dict[str, Any]:
    submitted = client.batch_execute_statement(Sqls=list(sqls), **{**WHERE, **arguments})
    return until_ended(client, submitted["Id"])


def result(client: Any, sql: str) -> list[list[object]]:
    """Return the values of a query."""
    got = client.get_statement_result(Id=execute(client, sql)["Id"])
    return [[next(iter(field.values())) for field in record] for record in got["Records"]]


# One statement


def test_a_statement_runs_and_is_described(client: Any, cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a integer)")
    before = datetime.now(UTC)
    submitted = client.execute_statement(Sql="INSERT INTO t VALUES (1), (2)", **WHERE)
    assert abs(submitted["CreatedAt"] - before) < timedelta(minutes=1)
    assert submitted["ClusterIdentifier"] == "a-cluster"
    described = until_ended(client, submitted["Id"])
    assert described["Status"] == "FINISHED"
    assert described["ResultRows"] == 2
    assert described["Duration"] > 0
    assert described["RedshiftPid"] > 0
    assert described["HasResultSet"] is False
    assert described["QueryString"] == "INSERT INTO t VALUES (1), (2)"
    assert described["Database"] == "dev"
    assert described["UpdatedAt"] >= described["CreatedAt"]
    assert "Error" not in described
    assert value(cursor, "SELECT count(*) FROM t") == 2


def test_a_statement_runs_in_a_session_of_its_own_with_the_rules_of_the_emulator(
    client: Any,
) -> None:
    [[pid]] = result(client, "SELECT pg_backend_pid()")
    described = execute(client, "SELECT 1")
    assert described["RedshiftPid"] != pid
    failed = execute(client, "CREATE INDEX i ON t (a)")
    assert failed["Status"] == "FAILED"
    assert failed["Error"].startswith("ERROR: ")


def test_a_failed_statement_has_its_error_with_the_hint(client: Any) -> None:
    described = execute(client, "SELECT no_such_function(1)")
    assert described["Status"] == "FAILED"
    assert described["Error"].startswith("ERROR: function no_such_function(integer) does not exist")
    assert "\n  Hint: " in described["Error"]
    assert described["ResultRows"] == -1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"Database": "nowhere"}, 'FATAL: database "nowhere" does not exist'),
        ({"Database": "template1"}, 'FATAL: database "template1" does not exist'),
        ({"DbUser": "nobody", "SecretArn": None}, 'FATAL: role "nobody" does not exist'),
    ],
)
def test_a_login_that_is_refused_is_the_error_of_the_statement(
    client: Any, arguments: dict[str, object], text: str
) -> None:
    given = {name: value for name, value in {**WHERE, **arguments}.items() if value is not None}
    described = until_ended(client, client.execute_statement(Sql="SELECT 1", **given)["Id"])
    assert (described["Status"], described["Error"]) == ("FAILED", text)


def test_a_cluster_can_be_used_as_a_database_user(client: Any, cursor: Cursor) -> None:
    cursor.execute("DROP USER IF EXISTS reader; CREATE USER reader PASSWORD 'Secret1x'")
    submitted = client.execute_statement(
        Sql="SELECT current_user", ClusterIdentifier="c", Database="dev", DbUser="reader"
    )
    until_ended(client, submitted["Id"])
    got = client.get_statement_result(Id=submitted["Id"])
    assert got["Records"] == [[{"stringValue": "reader"}]]


def test_several_statements_in_one_text_are_refused(client: Any, cursor: Cursor) -> None:
    described = execute(client, "CREATE TABLE t1 (a integer); CREATE TABLE t2 (a integer)")
    assert described["Status"] == "FAILED"
    assert "multiple commands" in described["Error"]
    assert value(cursor, "SELECT count(*) FROM pg_class WHERE relname IN ('t1', 't2')") == 0
    assert execute(client, "SELECT 1 ; ")["Status"] == "FINISHED"


def test_an_open_block_is_rolled_back_when_the_statement_ends(client: Any, cursor: Cursor) -> None:
    assert execute(client, "BEGIN")["Status"] == "FINISHED"
    assert execute(client, "VACUUM")["Status"] == "FINISHED"


# Results


def test_values_have_the_field_of_their_type(client: Any) -> None:
    sql = """SELECT 1::smallint AS a, 2 AS b, 9223372036854775807 AS c, 1.5::float8 AS d,
        'NaN'::float8 AS e, true AS f, false AS g, 12.30::numeric(5,2) AS h, 'é'::varchar(9) AS i,
        date '2026-01-02' AS j, NULL::integer AS k"""
    got = client.get_statement_result(Id=execute(client, sql)["Id"])
    assert got["Records"] == [
        [
            {"longValue": 1}, {"longValue": 2}, {"longValue": 9223372036854775807},
            {"doubleValue": 1.5}, {"doubleValue": "NaN"}, {"booleanValue": True},
            {"booleanValue": False}, {"stringValue": "12.30"}, {"stringValue": "é"},
            {"stringValue": "2026-01-02"}, {"isNull": True},
        ]
    ]  # fmt: skip
    assert got["TotalNumRows"] == 1
    types = {column["name"]: column["typeName"] for column in got["ColumnMetadata"]}
    assert types == {
        "a": "int2", "b": "int4", "c": "int8", "d": "float8", "e": "float8", "f": "bool",
        "g": "bool", "h": "numeric", "i": "varchar", "j": "date", "k": "int4",
    }  # fmt: skip
    by_name = {column["name"]: column for column in got["ColumnMetadata"]}
    assert (by_name["h"]["precision"], by_name["h"]["scale"]) == (5, 2)
    assert by_name["i"]["precision"] == 9


def test_a_large_result_has_pages(client: Any, cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a integer)")
    cursor.execute("INSERT INTO t VALUES " + ", ".join(f"({number})" for number in range(2500)))
    statement = execute(client, "SELECT a FROM t ORDER BY a")
    assert statement["ResultRows"] == 2500
    pages = list(client.get_paginator("get_statement_result").paginate(Id=statement["Id"]))
    assert [len(page["Records"]) for page in pages] == [1000, 1000, 500]
    numbers = [record[0]["longValue"] for page in pages for record in page["Records"]]
    assert numbers == list(range(2500))


def test_an_empty_result_is_a_result(client: Any) -> None:
    described = execute(client, "SELECT 1 WHERE false")
    assert described["HasResultSet"] is True
    got = client.get_statement_result(Id=described["Id"])
    assert (got["Records"], got["TotalNumRows"]) == ([], 0)


@pytest.mark.parametrize("sql", ["SELECT nonsense", "SET query_group TO 'x'"])
def test_a_statement_without_a_result_says_so(client: Any, sql: str) -> None:
    with pytest.raises(ClientError, match="Query does not have result") as refused:
        client.get_statement_result(Id=execute(client, sql)["Id"])
    assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"


# Batches


def test_a_batch_is_one_transaction_in_one_session(client: Any, cursor: Cursor) -> None:
    described = batch(
        client,
        "CREATE TABLE t (a integer)",
        "INSERT INTO t VALUES (1), (2)",
        "SELECT count(*) FROM t",
    )
    assert described["Status"] == "FINISHED"
    parts = described["SubStatements"]
    assert [part["Id"] for part in parts] == [f"{described['Id']}:{n}" for n in (1, 2, 3)]
    assert [part["Status"] for part in parts] == ["FINISHED"] * 3
    assert [part["HasResultSet"] for part in parts] == [False, False, True]
    assert described["HasResultSet"] is True
    got = client.get_statement_result(Id=parts[2]["Id"])
    assert got["Records"] == [[{"longValue": 2}]]
    assert client.describe_statement(Id=parts[1]["Id"])["ResultRows"] == 2
    assert value(cursor, "SELECT count(*) FROM t") == 2


def test_a_batch_that_fails_leaves_nothing(client: Any, cursor: Cursor) -> None:
    described = batch(client, "CREATE TABLE t (a integer)", "SELECT 1 / 0", "SELECT 3")
    assert described["Status"] == "FAILED"
    assert described["Error"] == "Query #2 failed with ERROR: division by zero"
    parts = described["SubStatements"]
    assert [part["Status"] for part in parts] == ["FINISHED", "FAILED", "ABORTED"]
    assert parts[1]["Error"] == "ERROR: division by zero"
    assert value(cursor, "SELECT count(*) FROM pg_class WHERE relname = 't'") == 0


def test_what_is_refused_in_a_block_is_refused_in_a_batch(client: Any, cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a varchar(3))")
    described = batch(client, "ALTER TABLE t ALTER COLUMN a TYPE varchar(9)")
    assert described["Status"] == "FAILED"
    assert "cannot run inside a transaction block" in described["Error"]


def test_the_result_of_a_batch_needs_the_number_of_a_statement(client: Any) -> None:
    described = batch(client, "SELECT 1")
    with pytest.raises(ClientError, match="only be retrieved with sub-statement id"):
        client.get_statement_result(Id=described["Id"])
    for number in (0, 2, 99):
        with pytest.raises(ClientError, match="Query does not exist"):
            client.get_statement_result(Id=f"{described['Id']}:{number}")


# Cancel


def test_a_running_statement_is_cancelled(client: Any, cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a integer)")
    cursor.execute("BEGIN; LOCK t")
    submitted = client.execute_statement(Sql="INSERT INTO t VALUES (1)", **WHERE)
    assert wait_for(client, submitted["Id"], "STARTED")
    assert client.cancel_statement(Id=submitted["Id"])["Status"] is True
    described = until_ended(client, submitted["Id"])
    assert described["Status"] == "ABORTED"
    cursor.execute("ROLLBACK")
    assert value(cursor, "SELECT count(*) FROM t") == 0
    with pytest.raises(ClientError, match="already in ABORTED state with ID"):
        client.cancel_statement(Id=submitted["Id"])


def test_a_cancelled_batch_is_rolled_back(client: Any, cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a integer); CREATE TABLE locked (a integer)")
    cursor.execute("BEGIN; LOCK locked")
    sqls = ["INSERT INTO t VALUES (1)", "INSERT INTO locked VALUES (1)", "SELECT 1"]
    submitted = client.batch_execute_statement(Sqls=sqls, **WHERE)
    assert wait_for(client, submitted["Id"], "STARTED")
    client.cancel_statement(Id=submitted["Id"])
    described = until_ended(client, submitted["Id"])
    assert described["Status"] == "ABORTED"
    cursor.execute("ROLLBACK")
    assert value(cursor, "SELECT count(*) FROM t") == 0


def wait_for(client: Any, statement_id: str, status: str) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if client.describe_statement(Id=statement_id)["Status"] == status:
            return True
        time.sleep(0.02)
    return False


def test_a_statement_whose_session_is_killed_fails(client: Any, cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a integer)")
    cursor.execute("BEGIN; LOCK t")
    submitted = client.execute_statement(Sql="INSERT INTO t VALUES (1)", **WHERE)
    assert wait_for(client, submitted["Id"], "STARTED")
    pid = client.describe_statement(Id=submitted["Id"])["RedshiftPid"]
    assert value(cursor, f"SELECT pg_terminate_backend({pid})")
    described = until_ended(client, submitted["Id"])
    assert described["Status"] == "FAILED"
    assert "terminating connection" in described["Error"]
    cursor.execute("ROLLBACK")


# Idempotency and lists


def test_a_client_token_runs_a_statement_once(client: Any, cursor: Cursor) -> None:
    cursor.execute("CREATE TABLE t (a integer)")
    same = {"Sql": "INSERT INTO t VALUES (1)", "ClientToken": "token-1", **WHERE}
    first, second = (client.execute_statement(**same) for _ in range(2))
    assert first["Id"] == second["Id"]
    until_ended(client, first["Id"])
    assert client.execute_statement(**same)["Id"] == first["Id"]
    assert value(cursor, "SELECT count(*) FROM t") == 1
    with pytest.raises(ClientError, match="ClientToken was used for another request"):
        client.execute_statement(**{**same, "Sql": "INSERT INTO t VALUES (2)"})


def test_statements_are_listed_newest_first_by_status_and_name(client: Any) -> None:
    ids = [execute(client, f"SELECT {n}", StatementName=f"listed-{n}")["Id"] for n in range(3)]
    failed = execute(client, "SELECT nonsense", StatementName="listed-failed")["Id"]
    finished = client.list_statements(StatementName="listed")["Statements"]
    assert [each["Id"] for each in finished] == ids[::-1]
    assert finished[0]["QueryString"] == "SELECT 2"
    everything = client.list_statements(StatementName="listed", Status="ALL")["Statements"]
    assert everything[0]["Id"] == failed
    paginator = client.get_paginator("list_statements")
    pages = list(paginator.paginate(StatementName="listed", PaginationConfig={"PageSize": 2}))
    assert [each["Id"] for page in pages for each in page["Statements"]] == ids[::-1]


# Refusals


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"Sql": "x" * (MAX_SQL_BYTES + 1)}, "102401 bytes; the limit is 102400"),
        ({"Sql": " "}, "Sql must be the text of a statement"),
        ({"Sql": "SELECT '\0'"}, "NUL"),
        ({"WorkgroupName": "also"}, "either ClusterIdentifier or WorkgroupName"),
        ({"DbUser": "awsuser"}, "either SecretArn or DbUser"),
        ({"Database": None}, "Database is missing"),
        ({"ClusterIdentifier": "Not_A_Cluster"}, "not a cluster identifier"),
        ({"Parameters": [{"name": "a", "value": "1"}]}, "not supported by this emulator"),
        ({"SessionKeepAliveSeconds": 10}, "not kept by this emulator"),
        ({"WithEvent": True}, "sends no events"),
        ({"ResultFormat": "CSV"}, "ResultFormat must be JSON"),
    ],
)  # fmt: skip
def test_invalid_and_unsupported_requests_are_refused(
    client: Any, arguments: dict[str, object], text: str
) -> None:
    given = {"Sql": "SELECT 1", **WHERE, **arguments}
    with pytest.raises(ClientError, match=text) as refused:
        client.execute_statement(**{k: v for k, v in given.items() if v is not None})
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_unknown_ids_are_reported(client: Any) -> None:
    unknown = "00000000-0000-0000-0000-000000000000"
    for call in (client.describe_statement, client.get_statement_result, client.cancel_statement):
        with pytest.raises(ClientError, match="Query does not exist") as refused:
            call(Id=unknown)
        assert refused.value.response["Error"]["Code"] == "ResourceNotFoundException"
        with pytest.raises(ClientError, match="Id must be the id"):
            call(Id="x" * 36)


def test_an_operation_that_the_emulator_lacks_is_named(client: Any) -> None:
    with pytest.raises(ClientError, match="no operation 'ListSchemas'"):
        client.list_schemas(ClusterIdentifier="c", Database="dev", DbUser="awsuser")


def post(url: str, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    """Send a request by hand; return the status and the error."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body, names, method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    with refused.value as response:
        return response.code, json.loads(response.read())


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{}", {}, 403, "MissingAuthenticationTokenException"),
        (b"{}", {"Authorization": "AWS4-x"}, 400, "UnknownOperationException"),
        (b"{", {"Authorization": "AWS4-x", "X_Amz_Target": "RedshiftData.ExecuteStatement"}, 400,
         "SerializationException"),
        (b"[]", {"Authorization": "AWS4-x", "X_Amz_Target": "RedshiftData.ExecuteStatement"}, 400,
         "SerializationException"),
        (b"[" * 100_000, {"Authorization": "AWS4-x", "X_Amz_Target": "RedshiftData.ExecuteStatement"},
         400, "SerializationException"),
        (b'{"Sql": 1}', {"Authorization": "AWS4-x", "X_Amz_Target": "RedshiftData.ExecuteStatement"},
         400, "ValidationException"),
        (b"{}", {"Authorization": "AWS4-x", "X_Amz_Target": "RedshiftData.__init__"}, 400,
         "UnknownOperationException"),
        (b"{}", {"Content_Length": "99999999999999"}, 413, "RequestEntityTooLargeException"),
    ],
)  # fmt: skip
def test_requests_that_no_client_would_send_are_refused(
    warehouse: Warehouse, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    got, error = post(warehouse.data_api_url, body, **headers)
    assert (got, error["__type"]) == (status, code)


def test_the_variable_of_the_sdk_leads_to_the_emulator(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_REDSHIFT_DATA", warehouse.data_api_url)
    client = client_of(None)
    assert execute(client, "SELECT 1")["Status"] == "FINISHED"
    client.close()


def test_the_ready_file_has_the_address_and_a_stop_ends_running_statements(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    with running(tmp_path, "--data-api-port", "0", "--ready-file", str(ready)) as process:
        address, url = place(process), data_api_url(process)
        lines = [line.split() for line in ready.read_text().splitlines()]
        assert lines == [[address[0], str(address[1])], ["127.0.0.1", url.rpartition(":")[2]]]
        client = client_of(url)
        execute(client, "CREATE TABLE t (a integer)")
        client.batch_execute_statement(Sqls=["LOCK t", "SELECT 1"] * 20, **WHERE)
        client.close()
        process.terminate()
        assert process.wait(60) == 0


# Pure parts


def submission(sql: str, token: str | None = None) -> Any:
    return parse_submission({"Sql": sql, "ClientToken": token, **WHERE}, is_batch=False)


def test_tokens_and_statements_expire() -> None:
    now = [time.time()]
    statements = Statements(_refuse, clock=lambda: now[0])
    first = statements.submit(submission("SELECT 1", "t"), "u")
    assert first.done.wait(5)
    now[0] += 9 * 3600
    second = statements.submit(submission("SELECT 2", "t"), "u")
    assert second is not first
    now[0] += 16 * 3600
    third = statements.submit(submission("SELECT 3"), "u")
    assert first.id not in {run.id for run in statements._runs.values()}
    assert third.id in statements._runs
    statements.stop()


def _refuse(user: str, database: str) -> Any:
    raise SqlError("28000", f"{user} may not use {database}")


def test_statements_wait_for_a_session_and_their_number_is_limited() -> None:
    opened = threading.Event()

    def wait(user: str, database: str) -> Any:
        opened.wait(10)
        raise SqlError("57014", f"{user} {database}")

    statements = Statements(wait)
    runs = [statements.submit(submission("SELECT 1"), "u") for _ in range(MAX_ACTIVE)]
    with pytest.raises(TooManyStatementsError, match=f"the limit is {MAX_ACTIVE}"):
        statements.submit(submission("SELECT 1"), "u")
    assert _statuses(runs, "PICKED") == MAX_RUNNING
    waiting = next(run for run in runs if run.status == "SUBMITTED")
    waiting.cancel()
    assert (waiting.status, waiting.parts[0].status) == ("ABORTED", "ABORTED")
    opened.set()
    statements.stop()
    assert all(run.done.is_set() for run in runs)


def _statuses(runs: list[Run], status: str) -> int:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        count = sum(run.status == status for run in runs)
        if count >= MAX_RUNNING:
            return count
        time.sleep(0.01)
    return count


@pytest.mark.parametrize("value", [0, 1, True, [], {}, "", "x" * 3000, "\ud800", None, 1.5, "\n"])
@pytest.mark.parametrize(
    "name",
    ["Sql", "Database", "ClusterIdentifier", "WorkgroupName", "SecretArn", "DbUser", "StatementName",
     "ClientToken", "WaitTimeSeconds", "Parameters", "ResultFormat", "ExecutionMode"],
)  # fmt: skip
def test_a_member_of_any_kind_is_accepted_or_refused(name: str, value: object) -> None:
    given = {"Sql": "SELECT 1", **WHERE, name: value}
    with suppress(ApiError):
        parsed = parse_submission(given, is_batch=False)
        assert parsed.sqls == (given["Sql"],)
        assert parsed.target.database == given["Database"]
        assert 0 <= parsed.wait_seconds <= MAX_WAIT_SECONDS
