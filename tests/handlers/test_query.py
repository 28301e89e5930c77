"""The query function: pages of entries, and errors that name the parameter."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etl_core.model.errors import ThrottledError
from handlers import query
from tests.builders import an_upload
from tests.handlers.conftest import CONTEXT, FakeLogTable


def get_logs(**parameters: str) -> tuple[int, Any]:
    response = query.handler(
        {"queryStringParameters": parameters or None, "multiValueQueryStringParameters": None},
        CONTEXT,
    )
    assert response["headers"]["Content-Type"] == "application/json"
    return response["statusCode"], json.loads(response["body"])


def fill(log: FakeLogTable, count: int, **fields: Any) -> None:
    for number in range(count):
        upload = an_upload(sequencer=f"{number:08x}", version_id=f"v{number}")
        log.entries["t", upload.landed_key] = {"number": number} | fields


def test_entries_come_newest_first_without_the_sort_key(log: FakeLogTable) -> None:
    fill(log, 3)

    assert get_logs(table_name="T") == (
        200,
        {
            "items": [{"table_name": "t", "number": number} for number in (2, 1, 0)],
            "count": 3,
            "next_token": None,
        },
    )


def test_no_entries_give_an_empty_list(log: FakeLogTable) -> None:
    assert get_logs(table_name="t") == (200, {"items": [], "count": 0, "next_token": None})


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
def test_pages_together_hold_every_entry_once(log: FakeLogTable, limit: int) -> None:
    fill(log, 7)
    numbers, token, pages = [], None, 0
    while pages == 0 or token:
        _, body = get_logs(
            table_name="t", limit=str(limit), **({"next_token": token} if token else {})
        )
        numbers += [item["number"] for item in body["items"]]
        token, pages = body["next_token"], pages + 1

    assert numbers == list(range(7))[::-1]
    assert -(-7 // limit) <= pages <= 7 // limit + 1


def test_no_more_is_read_than_the_response_holds(log: FakeLogTable) -> None:
    fill(log, 7)
    _, body = get_logs(table_name="t", limit="3")

    assert (body["count"], log.pages) == (3, 1)
    assert body["next_token"]


def test_a_filter_that_matches_few_entries_reads_a_limited_number_of_pages(
    log: FakeLogTable,
) -> None:
    fill(log, 200, status="loaded")
    _, first = get_logs(table_name="t", status="failed")
    assert (first["count"], first["items"]) == (0, [])
    token, requests = first["next_token"], 1
    while token:
        _, page = get_logs(table_name="t", status="failed", next_token=token)
        token, requests = page["next_token"], requests + 1
    assert requests == 3  # 67 pages of three, at most 25 in one request


def test_a_response_stays_below_the_size_limit_of_a_function(log: FakeLogTable) -> None:
    fill(log, 60, statements=['"' * 100_000])
    event = {"queryStringParameters": {"table_name": "t", "limit": "500"}}
    response = query.handler(event, CONTEXT)
    body = json.loads(response["body"])

    assert len(json.dumps(response)) < 6_000_000
    assert 0 < body["count"] < 60
    assert body["next_token"]


@pytest.mark.parametrize(
    ("parameters", "parameter"),
    [
        ({}, "table_name"),
        ({"table": "t"}, "table"),
        ({"table_name": "t", "limit": "many"}, "limit"),
        ({"table_name": "t", "from": "yesterday"}, "from"),
        ({"table_name": "t", "status": "done"}, "status"),
        ({"table_name": "t", "next_token": "x"}, "next_token"),
    ],
)
def test_a_bad_parameter_is_a_400_that_names_it(
    log: FakeLogTable, parameters: dict[str, str], parameter: str
) -> None:
    status, body = get_logs(**parameters)

    assert (status, body["error"]["type"], body["error"]["parameter"]) == (
        400,
        "InvalidQuery",
        parameter,
    )
    assert parameter in body["error"]["message"]
    assert log.queries == []


def test_a_parameter_given_twice_is_a_400(log: FakeLogTable) -> None:
    event = {
        "queryStringParameters": {"table_name": "b"},
        "multiValueQueryStringParameters": {"table_name": ["a", "b"]},
    }
    response = query.handler(event, CONTEXT)

    assert response["statusCode"] == 400
    assert (
        json.loads(response["body"])["error"]["message"]
        == "table_name is given 2 times; each parameter can be given once. Keep one table_name"
    )


def test_a_throttled_log_table_is_a_503(log: FakeLogTable) -> None:
    log.error = ThrottledError("the log table returned ThrottlingException")

    status, body = get_logs(table_name="t")

    assert status == 503
    assert body["error"] == {
        "type": "ThrottledError",
        "message": "the log table returned ThrottlingException; try again in a moment",
    }
