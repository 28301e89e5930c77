"""Hostile names and times through the real door: each is rejected by name, and its neighbours load."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from etl_core.adapters.s3 import S3Lake
from etl_core.model.times import format_utc_time
from tests.e2e.conftest import Lake, columns
from tests.e2e.test_reconcile import Operator

SCHEMA = columns(("id", "INTEGER"))
CONTROL = ("\0", "\n", "\x1b", "\x7f", "\x85")


@pytest.fixture
def operator(lake: Lake) -> Operator:
    return Operator(lake)


def entry_of_key(lake: Lake, table: str, key: str) -> dict[str, Any]:
    """Wait for the final status of the only upload with this key.

    The local server finds no version of a key with a line feed, so its entry has no version id.
    """
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for entry in lake.client.log_entries(table):
            if entry["s3_key"] == key and entry["status"] != "received":
                return entry
        time.sleep(0.1)
    raise AssertionError(f"no final entry of {key!r}")


def test_a_key_with_a_control_character_is_rejected_by_name_and_its_neighbours_load(
    lake: Lake,
) -> None:
    table = lake.table("control")
    lake.drop(f"dev/schema/{table}/s.json", SCHEMA)
    keys = [f"dev/append/{table}/a{character}[2Jb.csv" for character in CONTROL]
    for key in keys:
        lake.put(key, "id\n7\n")
    good = [lake.put(f"dev/append/{table}/{n}.csv", f"id\n{n}\n") for n in range(3)]
    position = len(f"dev/append/{table}/a") + 1

    for key in keys:
        entry = entry_of_key(lake, table, key)
        assert (entry["status"], entry["error"]["type"]) == ("rejected", "InvalidKeyError")
        character = f"U+{ord(key[position - 1]):04X}"
        found = f"the key contains the control character {character} at position {position}"
        assert found in entry["error"]["message"]
    assert [lake.entry(table, version)["status"] for version in good] == ["loaded"] * 3
    assert lake.rows(table) == [(0,), (1,), (2,)]


@pytest.mark.usefixtures("rule_off")
def test_a_key_with_a_control_character_does_not_stop_reconcile(operator: Operator) -> None:
    lake, table = operator.lake, operator.lake.table("listed")
    keys = [f"dev/append/{table}/x{character}<&>é%20.csv" for character in CONTROL]
    for key in keys:
        lake.put(key, "id\n7\n")
    listing = S3Lake(lake.client.aws.client("s3"), lake.client.outputs.lake_bucket)
    listed = listing.list_versions(f"dev/append/{table}/")
    assert sorted(version.key for version in listed) == sorted(keys)

    code, output = operator.run("reconcile", "--grace", "0")

    answers = {answer["s3_key"]: answer for answer in output["answers"]}
    assert code == 1
    assert {answers[key]["status"] for key in keys} == {"rejected"}


@pytest.mark.usefixtures("rule_off")
@pytest.mark.parametrize(
    "landed_at",
    ["0001-01-01T00:00:01Z", "1970-01-01T00:00:00Z", "tomorrow", "9999-12-31T23:59:59Z"],
)
def test_an_impossible_arrival_time_is_rejected_and_the_neighbours_load(
    lake: Lake, landed_at: str
) -> None:
    if landed_at == "tomorrow":
        landed_at = format_utc_time(datetime.now(UTC) + timedelta(days=1, minutes=1))
    table, content = lake.table("times"), b"id\n1\n"
    now = format_utc_time(datetime.now(UTC))
    for key, sent, at in (
        (f"dev/schema/{table}/s.json", b'{"columns": [{"name": "id", "type": "INTEGER"}]}', now),
        (f"dev/append/{table}/bad.csv", content, landed_at),
        (f"dev/append/{table}/good.csv", content, now),
    ):
        arn = lake.deliver(lake.s3_event(key, sent, at, "01", lake.put(key, sent)))
        lake.finish(arn)

    by_file = {entry["s3_key"].split("/")[-1]: entry for entry in lake.client.log_entries(table)}
    bad = by_file["bad.csv"]
    assert (bad["status"], bad["error"]["type"]) == ("rejected", "InvalidArrivalError")
    assert bad["landed_timestamp"] == landed_at
    assert landed_at in bad["error"]["message"]
    assert by_file["good.csv"]["status"] == "loaded"
    assert lake.count(table) == 1
    assert lake.client.log_entries(table, to="2005")[-1:] == ([bad] if landed_at < "2006" else [])
