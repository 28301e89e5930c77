"""The long-copy function, with the Data API of the emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import Stubber

from etl_core.adapters.aws_clients import DATA, make_client, session
from etl_core.adapters.data_api import DataApi, DataApiTarget
from etl_core.model.errors import LoadFailedError, ThrottledError
from etl_core.model.function_settings import WarehouseLogin
from etl_core.model.long_copy import LongCopy, LongCopyResult, LongCopyStatus
from handlers import long_copy
from redshift_emulator.server import Server
from tests.etl_core.live import LiveTable
from tests.etl_core.model.test_long_copy import NAME, a_copy, a_table

CREATE = f"CREATE TABLE {NAME} (a integer)"
FILL = f"INSERT INTO {NAME} VALUES (1), (2)"
COUNT = f"SELECT count(*) FROM {NAME}"
COPY = a_copy(tables=(a_table(create=CREATE, copy=FILL, count=COUNT),))


@pytest.fixture
def data_api(
    emulator: Server, live: LiveTable, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LiveTable]:
    """The environment of the function, and a session in the same database."""
    assert emulator.data_api_address is not None
    host, port = emulator.data_api_address
    variables = {
        "AWS_ENDPOINT_URL_REDSHIFT_DATA": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "eu-west-1",
        "WAREHOUSE_SECRET_ARN": "arn:secret", "WAREHOUSE_WORKGROUP": "workgroup",
    }  # fmt: skip
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    long_copy._data_api.cache_clear()
    session.cache_clear()
    live.run(f"DROP TABLE IF EXISTS {NAME}")
    yield live
    live.run(f"DROP TABLE IF EXISTS {NAME}")
    long_copy._data_api.cache_clear()
    session.cache_clear()


def call(copy: LongCopy) -> dict[str, Any]:
    """Call the function as the state machine does: everything is JSON."""
    event = json.loads(json.dumps({"long_copy": copy.to_state()}))
    return json.loads(json.dumps(long_copy.handler(event, None)))  # type: ignore[arg-type, no-any-return]


def run_to_end(copy: LongCopy) -> LongCopy:
    reply = call(copy)
    for _ in range(1000):
        parsed = LongCopy.parse(reply["long_copy"])
        assert parsed is not None
        if not reply["is_running"]:
            return parsed
        reply = call(parsed)
    raise AssertionError("the copy did not end")


def unique(copy: LongCopy, digit: str) -> LongCopy:
    """Return the copy under another name, so that the Data API does not know its token."""
    [table] = copy.tables
    return replace(copy, tables=(replace(table, name=NAME.replace("0a1b2c3d", digit * 8)),))


def test_a_copy_is_submitted_and_ends_with_its_counts(data_api: LiveTable) -> None:
    first = call(COPY)
    assert (first["is_running"], first["seconds"]) == (True, 120)
    ended = run_to_end(COPY)
    assert ended.result is not None
    assert (ended.result.status, ended.result.counts) == (LongCopyStatus.FINISHED, (2,))
    assert ended.result.session_id
    assert ended.tables == COPY.tables
    assert call(ended)["is_running"] is False


def test_settings_are_made_before_the_tables_and_are_not_counted(data_api: LiveTable) -> None:
    [table] = COPY.tables
    create = f"CREATE TABLE {NAME} (a timestamptz)"
    fill = f"INSERT INTO {NAME} VALUES ('2024-01-01 00:00:00')"
    timed = replace(COPY, tables=(replace(table, create=create, copy=fill),))
    ended = run_to_end(unique(replace(timed, settings=("SET timezone TO 'Asia/Tokyo'",)), "3"))

    assert ended.result is not None
    assert (ended.result.status, ended.result.counts) == (LongCopyStatus.FINISHED, (1,))
    at = data_api.autocommit.exec_driver_sql(f"SELECT a AT TIME ZONE 'UTC' FROM {NAME}")
    assert str(at.scalar_one()) == "2023-12-31 15:00:00"


def test_a_second_submission_runs_nothing_again(data_api: LiveTable) -> None:
    copy = unique(COPY, "1")
    ended = run_to_end(copy)
    again = run_to_end(copy)
    assert again == ended


def test_a_refused_statement_undoes_all_and_keeps_its_error(data_api: LiveTable) -> None:
    [table] = COPY.tables
    failing = replace(COPY, tables=(replace(table, copy=f"INSERT INTO {NAME} VALUES ('x')"),))
    result = run_to_end(unique(failing, "2")).result
    assert result is not None
    assert result.status is LongCopyStatus.FAILED
    assert result.error.startswith("Query #2 failed with ERROR: invalid input syntax")
    rows = data_api.autocommit.exec_driver_sql(
        f"SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename = '{NAME}'"
    )
    assert rows.scalar_one() == 0


def test_a_statement_that_is_unknown_is_lost(data_api: LiveTable) -> None:
    unknown = COPY.submitted("00000000-0000-0000-0000-000000000000")
    result = run_to_end(unknown).result
    assert result is not None
    assert result.status is LongCopyStatus.LOST


def test_a_copy_that_is_only_asked_for_is_not_started() -> None:
    reply = call(replace(COPY, tables=()))
    assert reply["is_running"] is False
    assert reply["long_copy"]["result"]["status"] == "NOT_STARTED"


@pytest.mark.parametrize("event", [{}, {"long_copy": None}, {"long_copy": {"database": "dev"}}])
def test_an_event_without_a_copy_is_an_error(event: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no long copy"):
        long_copy.handler(event, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        ("ActiveStatementsExceededException", 400, ThrottledError),
        ("ThrottlingException", 400, ThrottledError),
        ("InternalServerException", 500, ThrottledError),
        ("ValidationException", 400, LoadFailedError),
        ("AccessDeniedException", 400, LoadFailedError),
    ],
)
def test_errors_of_the_service_are_mapped(
    data_api: LiveTable, code: str, status: int, error: type[Exception]
) -> None:
    client = make_client("redshift-data", DATA)
    api = DataApi(client, DataApiTarget(WarehouseLogin("arn:secret", cluster="c")))
    with Stubber(client) as stub:
        stub.add_client_error("batch_execute_statement", code, "text", status)
        with pytest.raises(error, match="Redshift Data API returned"):
            api.submit(COPY)
        stub.add_client_error("describe_statement", code, "text", status)
        with pytest.raises(error, match="Redshift Data API returned"):
            api.look(COPY.submitted("s"))


def test_an_aborted_copy_is_reported() -> None:
    aborted = COPY.submitted("s").ended(LongCopyResult(LongCopyStatus.ABORTED))
    assert call(aborted)["long_copy"]["result"]["status"] == "ABORTED"
