"""Events late, twice and out of order: the table is what the uploads in landed order make of it, each once.

The rule is off in these tests, so that only the events that they deliver arrive, with the landing times that they choose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.conftest import Lake, columns


@dataclass
class Services:
    """Puts files and hands out their events, one landing second after the other."""

    lake: Lake
    table: str
    landed: list[dict[str, Any]] = field(default_factory=list)

    def land(self, action: str, content: str) -> dict[str, Any]:
        number = len(self.landed)
        key = f"dev/{action}/{self.table}/{number}.{'json' if action == 'schema' else 'csv'}"
        version = self.lake.put(key, content)
        event = self.lake.s3_event(
            key, content.encode(), f"2026-11-22T10:00:{number:02}Z", f"{number:018X}", version
        )
        self.landed.append(event)
        return event

    def deliver(self, *events: dict[str, Any]) -> list[dict[str, Any]]:
        """One after the other; what each execution ended with."""
        return [self.lake.finish(self.lake.deliver(event)) for event in events]

    def statuses(self) -> list[str]:
        """The log's, oldest upload first."""
        return [entry["status"] for entry in reversed(self.lake.client.log_entries(self.table))]


@pytest.fixture
def services(lake: Lake) -> Iterator[Services]:
    events = lake.client.aws.client("events")
    [rule] = [
        rule["Name"]
        for rule in events.list_rules()["Rules"]
        if "aws.s3" in rule.get("EventPattern", "")
    ]
    events.disable_rule(Name=rule)
    table = lake.table("order")
    made = Services(lake, table)
    made.deliver(made.land("schema", '{"columns": [{"name": "id", "type": "INTEGER"}]}'))
    yield made
    events.enable_rule(Name=rule)


def test_an_event_delivered_twice_loads_once(services: Services) -> None:
    event = services.land("append", "id\n1\n")
    both = [services.lake.deliver(event), services.lake.deliver(event)]
    assert [services.lake.finish(arn)["status"] for arn in both] == ["SUCCEEDED", "SUCCEEDED"]
    services.deliver(event)
    assert services.lake.rows(services.table) == [(1,)]
    [entry, _] = services.lake.client.log_entries(services.table)
    assert (entry["status"], entry["rows_loaded"], entry["attempts"]) == ("loaded", 1, 3)


def test_a_truncate_that_arrives_late_keeps_what_landed_after_it(services: Services) -> None:
    before, replace, after = (
        services.land("append", "id\n1\n"),
        services.land("truncate", "id\n2\n"),
        services.land("append", "id\n3\n"),
    )
    services.deliver(before, after, replace)
    assert services.lake.rows(services.table) == [(2,), (3,)]
    assert services.statuses() == ["applied", "loaded", "loaded", "loaded"]


def test_what_landed_before_a_loaded_truncate_is_superseded(services: Services) -> None:
    append, older, newer = (
        services.land("append", "id\n1\n"),
        services.land("truncate", "id\n2\n"),
        services.land("truncate", "id\n3\n"),
    )
    services.deliver(newer, append, older)
    assert services.lake.rows(services.table) == [(3,)]
    assert services.statuses() == ["applied", "superseded", "superseded", "loaded"]


def test_the_same_name_with_new_bytes_is_a_new_upload(lake: Lake) -> None:
    table = lake.table("same")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER")))
    for number in range(2):
        lake.drop(f"dev/append/{table}/x.csv", f"id\n{number}\n")
    assert lake.rows(table) == [(0,), (1,)]


def test_the_version_of_the_event_is_loaded_though_the_object_was_overwritten(
    services: Services,
) -> None:
    event = services.land("append", "id\n1\n")
    services.lake.put(event["detail"]["object"]["key"], "id\n99\n")
    services.deliver(event)
    assert services.lake.rows(services.table) == [(1,)]


def test_a_version_that_is_gone_is_rejected(services: Services) -> None:
    event = services.land("append", "id\n1\n")
    stored = event["detail"]["object"]
    services.lake.client.aws.client("s3").delete_object(
        Bucket=services.lake.client.outputs.lake_bucket,
        Key=stored["key"],
        VersionId=stored["version-id"],
    )
    services.deliver(event)
    entry = services.lake.client.log_entries(services.table)[0]
    assert (entry["status"], entry["error"]["type"]) == ("rejected", "MissingObjectError")


def test_two_events_of_one_version_load_it_once(lake: Lake) -> None:
    """The local cloud's own event has no version id; one as AWS sends it, with the id, tells of the same upload."""
    table = lake.table("twice")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER")))
    key, content = f"dev/append/{table}/x.csv", b"id\n1\n"
    entry = lake.drop(key, content)
    event = lake.s3_event(key, content, entry["landed_timestamp"], "0A", entry["version_id"])
    assert lake.finish(lake.deliver(event))["status"] == "SUCCEEDED"
    assert lake.rows(table) == [(1,)]
    assert sorted(each["status"] for each in lake.client.log_entries(table)) == [
        "applied",
        "duplicate",
        "loaded",
    ]
