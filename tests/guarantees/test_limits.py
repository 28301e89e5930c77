"""The limits of the guarantees in docs/explanation/guarantees.md.

Each is reported with a clear message.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.e2e.conftest import columns
from tests.guarantees.harness import Harness

pytestmark = pytest.mark.parametrize("harness", ["snapshot"], indirect=True)

SHORT = json.dumps(columns(("id", "INTEGER"), ("note", "VARCHAR(5)")))
LONG = json.dumps(columns(("id", "INTEGER"), ("note", "VARCHAR(20)")))
DROPPED = json.dumps(columns(("id", "INTEGER"), allowed_changes=["drop"]))


@pytest.fixture
def short_waits(harness: Harness) -> Harness:
    """A harness with very short pauses, so that waiting for a late event ends soon."""
    return replace(harness, interpreter=replace(harness.interpreter, scale=0.001))


def test_a_file_with_a_column_that_was_dropped_before_the_load_is_rejected(
    short_waits: Harness,
) -> None:
    table = short_waits.lake.table("limit")
    short_waits.load("schema", table, SHORT, 0)
    late = short_waits.put("append", table, "id,note\n1,x\n", 1)
    assert short_waits.load("schema", table, DROPPED, 2).status == "applied"
    short_waits.run(late)
    entry = short_waits.entry(late)
    assert (entry["status"], entry["error"]["type"]) == ("rejected", "HeaderMismatchError")
    assert "'note', which a later schema file dropped" in entry["error"]["message"]


def test_a_value_too_long_at_arrival_is_loaded_after_the_column_was_widened(
    short_waits: Harness,
) -> None:
    table = short_waits.lake.table("limit")
    short_waits.load("schema", table, SHORT, 0)
    late = short_waits.put("append", table, "id,note\n1,longer than five\n", 1)
    short_waits.load("schema", table, LONG, 2)
    short_waits.run(late)
    assert short_waits.entry(late)["status"] == "loaded"


def test_a_file_is_read_by_its_schema_file_even_if_a_later_one_was_applied_first(
    short_waits: Harness,
) -> None:
    """The event of the second schema file is delivered after the third one stopped waiting for it."""
    table = short_waits.lake.table("limit")
    kinds = [("id", "INTEGER"), ("note", "VARCHAR(5)"), ("more", "INTEGER")]
    first, second, third = (json.dumps(columns(*kinds[:count])) for count in (1, 2, 3))
    short_waits.load("schema", table, first, 0)
    second_file = short_waits.put("schema", table, second, 1)
    data = short_waits.put("append", table, "id,note\n1,x\n", 2)
    assert short_waits.load("schema", table, third, 3).status == "applied"
    short_waits.run(second_file)
    short_waits.run(data)
    assert short_waits.entry(second_file)["status"] == "superseded"
    assert short_waits.entry(data)["status"] == "loaded"
    assert short_waits.lake.rows(table) == [(1, "x", None)]


def test_an_autocommit_statement_stays_when_the_rest_of_the_plan_is_refused(
    harness: Harness,
) -> None:
    table = harness.lake.table("limit")
    harness.load(
        "schema", table, json.dumps(columns(("id", "VARCHAR(5)"), ("note", "VARCHAR(5)"))), 0
    )
    harness.load("append", table, "id,note\nx,y\n", 1)
    changed = columns(("id", "INTEGER"), ("note", "VARCHAR(20)"), allowed_changes=["retype"])
    event = harness.put("schema", table, json.dumps(changed), 2)
    harness.run(event)
    entry = harness.entry(event)
    assert entry["status"] == "rejected"
    assert (
        "Only statements that Redshift does not allow inside a transaction were committed"
        in entry["error"]["message"]
    )
    assert harness.lake.rows(table) == [("x", "y")]


def test_an_object_deleted_before_the_load_is_rejected(harness: Harness) -> None:
    table = harness.lake.table("limit")
    harness.load("schema", table, SHORT, 0)
    event = harness.put("append", table, "id,note\n1,x\n", 1)
    stored, s3 = event["detail"]["object"], harness.lake.client.aws.client("s3")
    s3.delete_object(
        Bucket=harness.lake.client.outputs.lake_bucket,
        Key=stored["key"],
        VersionId=stored["version-id"],
    )
    harness.run(event)
    entry = harness.entry(event)
    assert (entry["status"], entry["error"]["type"]) == ("rejected", "MissingObjectError")
