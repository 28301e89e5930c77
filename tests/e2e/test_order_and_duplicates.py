"""Late, repeated and unordered events: the table equals its uploads, applied once each, in arrival order.

The event rule is disabled, so only the events of the tests are delivered, with arrival times that
the tests choose.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.conftest import Lake, columns


@dataclass
class EventSender:
    """Puts files and returns their events. Each file arrives a second after the one before it."""

    lake: Lake
    table: str
    events: list[dict[str, Any]] = field(default_factory=list)

    def put(self, action: str, content: str) -> dict[str, Any]:
        """Put a file and return its event, without delivering it."""
        number = len(self.events)
        key = f"dev/{action}/{self.table}/{number}.{'json' if action == 'schema' else 'csv'}"
        version = self.lake.put(key, content)
        event = self.lake.s3_event(
            key, content.encode(), f"2026-11-22T10:00:{number:02}Z", f"{number:018X}", version
        )
        self.events.append(event)
        return event

    def deliver(self, *events: dict[str, Any]) -> list[dict[str, Any]]:
        """Deliver the events one after another, and return how each execution ended."""
        return [self.lake.finish(self.lake.deliver(event)) for event in events]

    def statuses(self) -> list[str]:
        """Return the statuses in the log, oldest upload first."""
        return [entry["status"] for entry in reversed(self.lake.client.log_entries(self.table))]


@pytest.fixture
def sender(lake: Lake, rule_off: None) -> EventSender:
    table = lake.table("order")
    sender = EventSender(lake, table)
    sender.deliver(sender.put("schema", '{"columns": [{"name": "id", "type": "INTEGER"}]}'))
    return sender


def test_an_event_delivered_twice_loads_once(sender: EventSender) -> None:
    event = sender.put("append", "id\n1\n")
    both = [sender.lake.deliver(event), sender.lake.deliver(event)]
    assert [sender.lake.finish(arn)["status"] for arn in both] == ["SUCCEEDED", "SUCCEEDED"]
    sender.deliver(event)
    assert sender.lake.rows(sender.table) == [(1,)]
    [entry, _] = sender.lake.client.log_entries(sender.table)
    assert (entry["status"], entry["rows_loaded"], entry["attempts"]) == ("loaded", 1, 1), (
        "the other two deliveries were answered from the log"
    )


def test_a_late_truncate_keeps_the_appends_that_arrived_after_it(sender: EventSender) -> None:
    before, replace, after = (
        sender.put("append", "id\n1\n"),
        sender.put("truncate", "id\n2\n"),
        sender.put("append", "id\n3\n"),
    )
    sender.deliver(before, after, replace)
    assert sender.lake.rows(sender.table) == [(2,), (3,)]
    assert sender.statuses() == ["applied", "loaded", "loaded", "loaded"]


def test_uploads_that_arrived_before_a_loaded_truncate_are_superseded(sender: EventSender) -> None:
    append, older, newer = (
        sender.put("append", "id\n1\n"),
        sender.put("truncate", "id\n2\n"),
        sender.put("truncate", "id\n3\n"),
    )
    sender.deliver(newer, append, older)
    assert sender.lake.rows(sender.table) == [(3,)]
    assert sender.statuses() == ["applied", "superseded", "superseded", "loaded"]


def test_the_same_name_with_new_bytes_is_a_new_upload(lake: Lake) -> None:
    table = lake.table("same")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER")))
    for number in range(2):
        lake.drop(f"dev/append/{table}/x.csv", f"id\n{number}\n")
    assert lake.rows(table) == [(0,), (1,)]


def test_the_version_of_the_event_is_loaded_even_if_the_object_was_overwritten(
    sender: EventSender,
) -> None:
    event = sender.put("append", "id\n1\n")
    sender.lake.put(event["detail"]["object"]["key"], "id\n99\n")
    sender.deliver(event)
    assert sender.lake.rows(sender.table) == [(1,)]


def test_a_deleted_version_is_rejected(sender: EventSender) -> None:
    event = sender.put("append", "id\n1\n")
    stored = event["detail"]["object"]
    sender.lake.client.aws.client("s3").delete_object(
        Bucket=sender.lake.client.outputs.lake_bucket,
        Key=stored["key"],
        VersionId=stored["version-id"],
    )
    sender.deliver(event)
    entry = sender.lake.client.log_entries(sender.table)[0]
    assert (entry["status"], entry["error"]["type"]) == ("rejected", "MissingObjectError")


def test_two_events_of_one_version_load_it_once(lake: Lake) -> None:
    """S3's event names the version. An event without the id, with the same etag, is about the same upload."""
    table = lake.table("twice")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER")))
    key, content = f"dev/append/{table}/x.csv", b"id\n1\n"
    entry = lake.drop(key, content)
    event = lake.s3_event(key, content, entry["landed_timestamp"], "0A", None)
    assert lake.finish(lake.deliver(event))["status"] == "SUCCEEDED"
    assert lake.rows(table) == [(1,)]
    assert sorted(each["status"] for each in lake.client.log_entries(table)) == [
        "applied",
        "duplicate",
        "loaded",
    ]
