"""GET /logs, called like a user calls it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest

from etl_cli.api_client import ApiError
from tests.e2e.conftest import Lake, columns


def test_entries_are_returned_newest_first_with_filters_and_pages(lake: Lake) -> None:
    table = lake.table("pages")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER")))
    for number in range(3):
        lake.drop(f"dev/append/{table}/{number}.csv", f"id\n{number}\n")
    lake.drop(f"dev/append/{table}/bad.csv", "no\n1\n")

    everything = lake.client.log_page({"table_name": table.upper()})
    assert everything["count"] == 5
    timestamps = [item["landed_timestamp"] for item in everything["items"]]
    assert timestamps == sorted(timestamps, reverse=True)
    assert [
        item["s3_key"].rsplit("/")[-1]
        for item in lake.client.log_page({"table_name": table, "status": "rejected"})["items"]
    ] == ["bad.csv"]
    assert lake.client.log_page({"table_name": table, "action": "schema"})["count"] == 1
    assert lake.client.log_page({"table_name": table, "database": "analytics"})["count"] == 0

    first = lake.client.log_page({"table_name": table, "limit": "2"})
    second = lake.client.log_page(
        {"table_name": table, "limit": "10", "next_token": first["next_token"]}
    )
    assert [*first["items"], *second["items"]] == everything["items"]
    assert second["next_token"] is None


def test_any_prefix_of_the_landed_timestamp_selects_entries(lake: Lake) -> None:
    table = lake.table("when")
    entry = lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER")))
    timestamp = entry["landed_timestamp"]
    for length in (4, 7, 10, 13, 16, 20):
        assert (
            lake.client.log_page({"table_name": table, "landed_timestamp": timestamp[:length]})[
                "count"
            ]
            == 1
        )
    assert lake.client.log_page({"table_name": table, "landed_timestamp": "2001"})["count"] == 0
    assert (
        lake.client.log_page({"table_name": table, "from": timestamp[:10], "to": timestamp[:10]})[
            "count"
        ]
        == 1
    )
    assert lake.client.log_page({"table_name": table, "to": "2001-01-01"})["count"] == 0


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({}, "table_name"),
        ({"table_name": "t", "landed_timestamp": "yesterday"}, "landed_timestamp"),
        ({"table_name": "t", "limit": "0"}, "limit"),
        ({"table_name": "t", "status": "lost"}, "status"),
        ({"table_name": "t", "next_token": "zzz"}, "next_token"),
        ({"table_name": "t", "colour": "red"}, "colour"),
    ],
)
def test_a_bad_parameter_is_refused_by_name(
    lake: Lake, parameters: dict[str, str], named: str
) -> None:
    with pytest.raises(ApiError, match="answered 400") as caught:
        lake.client.log_page(parameters)
    assert named in str(caught.value)
    assert json.loads(str(caught.value).split(":", 1)[1])


def test_a_request_without_an_api_key_is_refused(lake: Lake) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(lake.client.log_url({"table_name": "t"}), timeout=10)
    with caught.value as error:
        assert error.code == 403
        assert json.loads(error.read())


def test_every_path_answers_through_the_gateway(lake: Lake) -> None:
    table = lake.table("paths")
    schema_file = columns(("id", "INTEGER"), schema_version="7", freshness_hours=48)
    lake.drop(f"dev/schema/{table}/s.json", schema_file)
    loaded = lake.drop(f"dev/append/{table}/good.csv", "id\n1\n2\n")
    refused = lake.drop(f"dev/append/{table}/bad.csv", "no\n1\n")
    api = lake.client.api

    found = api.get("/uploads", {"status": "rejected,failed", "table": table})
    assert [item["upload_id"] for item in found["items"]] == [refused["upload_id"]]
    everything = list(api.pages("/uploads", {"limit": "5"}))
    ids = [item["upload_id"] for item in everything if item["table_name"] == table]
    assert ids[:2] == [refused["upload_id"], loaded["upload_id"]]
    assert api.get(f"/uploads/{loaded['upload_id']}") == loaded
    summary = api.get(f"/tables/dev/public/{table}")
    assert (summary["freshness"], summary["freshness_hours"]) == ("fresh", 48)
    first = api.get("/tables", {"limit": "1"})
    assert (first["count"], sum(hour["succeeded"] for hour in first["hours"]) > 0) == (1, True)
    assert (
        list(api.pages("/tables", {"limit": "3"})) == api.get("/tables", {"limit": "500"})["items"]
    )
    assert (summary["today"]["rows"], summary["today"]["rejected"]) == (2, 1)
    assert (summary["schema_version"], summary["last_upload"]["status"]) == ("7", "rejected")
    answer = api.get(f"/tables/dev/public/{table}/schema")
    assert (answer["document"], answer["in_force"]["schema_version"]) == (schema_file, "7")
    assert api.get("/health") == {"status": "ok"}


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("POST", "/logs", True, 405),
        ("DELETE", "/uploads", True, 405),
        ("OPTIONS", "/uploads", False, 204),
        ("GET", "/uploads", False, 403),
        ("GET", "/tables", False, 403),
        ("GET", "/uploads/zzz", True, 400),
        ("GET", f"/uploads/{'0' * 32}", True, 404),
        ("GET", "/tables/dev/public/absent/schema", True, 404),
        ("GET", "/tables/dev/public/absent", True, 404),
        ("GET", "/tables?next_token=zz", True, 400),
        ("GET", "/nothing", True, 404),
        ("GET", "/uploads?status=lost", True, 400),
        ("GET", "/logs?table_name=*", True, 400),
    ],
)
def test_errors_are_problems_wherever_they_come_from(
    lake: Lake, method: str, path: str, key: bool, status: int
) -> None:
    headers = {"x-api-key": lake.client.outputs.api_key} if key else {}
    request = urllib.request.Request(lake.client.api.url_of(path), method=method, headers=headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    if status < 400:
        with opener.open(request, timeout=20) as answer:
            assert (answer.status, answer.headers["Allow"]) == (status, "GET, HEAD, OPTIONS")
        return
    with pytest.raises(urllib.error.HTTPError) as caught:
        opener.open(request, timeout=20)
    with caught.value as error:
        body = json.loads(error.read())
        assert (error.code, error.headers["Content-Type"]) == (status, "application/problem+json")
    assert (body["status"], body["detail"]) == (status, body["error"]["message"])
