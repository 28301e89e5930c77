"""The query function: pages of entries, and errors that name the parameter."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

import pytest

from etl_core.model.api import OPERATIONS, Operation
from etl_core.model.errors import ThrottledError
from etl_core.model.function_settings import QuerySettings
from handlers import query
from tests.builders import an_upload
from tests.handlers.conftest import CONTEXT, FakeLogTable


def get_logs(**parameters: str) -> tuple[int, Any]:
    response = query.handler(
        {"queryStringParameters": parameters or None, "multiValueQueryStringParameters": None},
        CONTEXT,
    )
    is_problem = response["statusCode"] >= 400
    kind = "application/problem+json" if is_problem else "application/json"
    assert response["headers"]["Content-Type"] == kind
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


def request(resource: str, method: str = "GET", **more: Any) -> dict[str, Any]:
    return dict(query.handler({"resource": resource, "httpMethod": method, **more}, CONTEXT))


def test_an_error_is_a_problem_that_keeps_the_member_error(log: FakeLogTable) -> None:
    _, body = get_logs(table_name="t", limit="ten")

    assert (body["type"], body["title"], body["status"]) == ("about:blank", "Bad Request", 400)
    assert body["detail"] == body["error"]["message"]


def test_the_etag_saves_the_transfer_of_an_answer_that_has_not_changed(log: FakeLogTable) -> None:
    fill(log, 1)
    event = {"queryStringParameters": {"table_name": "t"}}
    etag = query.handler(event, CONTEXT)["headers"]["ETag"]
    known = {"headers": {"if-none-match": f'"other", W/{etag}'}}

    response = query.handler(event | known, CONTEXT)
    assert (response["statusCode"], response["body"]) == (304, "")
    fill(log, 2)
    assert query.handler(event | known, CONTEXT)["statusCode"] == 200


def test_head_has_the_headers_of_get_and_no_body(log: FakeLogTable) -> None:
    get, head = request("/health"), request("/health", "HEAD")

    assert (head["statusCode"], head["body"], head["headers"]) == (200, "", get["headers"])
    assert json.loads(get["body"]) == {"status": "ok"}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_path_names_its_methods_and_refuses_others(
    log: FakeLogTable, operation: Operation
) -> None:
    options = request(operation.path, "OPTIONS")
    assert (options["statusCode"], options["headers"]["Allow"]) == (204, "GET, HEAD, OPTIONS")
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        refused = request(operation.path, method)
        assert (refused["statusCode"], refused["headers"]["Allow"]) == (405, "GET, HEAD, OPTIONS")
        assert method in json.loads(refused["body"])["detail"]
    assert log.queries == []


def test_an_unknown_path_is_a_404(log: FakeLogTable) -> None:
    response = request("/nothing")
    assert response["statusCode"] == 404
    assert "/uploads" in json.loads(response["body"])["detail"]


def test_no_page_of_another_origin_reads_answers_unless_the_stack_allows_it(
    log: FakeLogTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "Access-Control-Allow-Origin"
    assert name not in request("/health")["headers"]
    settings = QuerySettings("log", "lake", "https://dash.example.com")
    monkeypatch.setattr(query, "_settings", lambda: settings)
    for method in ("GET", "OPTIONS", "POST"):
        assert request("/health", method)["headers"][name] == "https://dash.example.com"


@pytest.mark.parametrize("upload_id", ["", "x", "A" * 32, "0" * 31, "0" * 33, "' or 1=1 --"])
def test_an_upload_id_that_is_none_is_a_400(log: FakeLogTable, upload_id: str) -> None:
    response = request("/uploads/{upload_id}", pathParameters={"upload_id": upload_id})
    assert response["statusCode"] == 400
    assert json.loads(response["body"])["error"]["parameter"] == "upload_id"


@pytest.mark.parametrize("value", ["", "a b", "#tables", "../x", "a" * 128, "t'--"])
def test_a_part_of_a_table_that_is_no_name_is_a_400(log: FakeLogTable, value: str) -> None:
    parts = {"database": "dev", "schema": "public", "table": value}
    response = request("/tables/{database}/{schema}/{table}/schema", pathParameters=parts)
    assert response["statusCode"] == 400
    assert json.loads(response["body"])["error"]["parameter"] == "table"


@pytest.mark.parametrize("path", ["/tables", "/health", "/uploads/{upload_id}"])
def test_a_path_without_parameters_refuses_them_by_name(log: FakeLogTable, path: str) -> None:
    event = {"queryStringParameters": {"colour": "red"}}
    response = request(path, pathParameters={"upload_id": "0" * 32}, **event)
    assert response["statusCode"] == 400
    assert json.loads(response["body"])["error"]["parameter"] == "colour"


def test_the_policy_of_the_page_allows_its_own_script_and_style_and_nothing_else(
    log: FakeLogTable,
) -> None:
    response = request("/")
    policy = dict(
        part.strip().split(" ", 1)
        for part in response["headers"]["Content-Security-Policy"].split(";")
    )
    assert response["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert (policy["default-src"], policy["connect-src"]) == ("'none'", "'self'")
    for tag in ("script", "style"):
        [content] = re.findall(f"<{tag}[^>]*>(.*?)</{tag}>", response["body"], re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"
    assert not re.findall(r"<[^>]+ (style|on[a-z]+|src)=", response["body"])
    assert len(response["body"].encode()) < 150_000
