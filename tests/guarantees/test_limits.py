"""What is not promised, shown: the limits that docs/guarantees.md names, and that each of them is told in plain words."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.e2e.conftest import columns
from tests.guarantees.harness import Harness

pytestmark = pytest.mark.parametrize("site", ["snapshot"], indirect=True)

SHORT = json.dumps(columns(("id", "INTEGER"), ("note", "VARCHAR(5)")))
LONG = json.dumps(columns(("id", "INTEGER"), ("note", "VARCHAR(20)")))
DROPPED = json.dumps(columns(("id", "INTEGER"), allowed_changes=["drop"]))


@pytest.fixture
def hasty(site: Harness) -> Harness:
    """Where nobody waits long for an event that is late."""
    return replace(site, machine=replace(site.machine, scale=0.001))


def test_a_file_that_names_a_column_which_was_dropped_meanwhile_is_rejected(hasty: Harness) -> None:
    table = hasty.lake.table("limit")
    hasty.load("schema", table, SHORT, 0)
    late = hasty.land("append", table, "id,note\n1,x\n", 1)
    assert hasty.load("schema", table, DROPPED, 2).answer == "applied"
    hasty.run(late)
    entry = hasty.entry(late)
    assert (entry["status"], entry["error"]["type"]) == ("rejected", "HeaderMismatchError")
    assert "'note', which a later schema file has dropped" in entry["error"]["message"]


def test_a_value_that_is_too_long_where_it_landed_fits_once_the_column_has_grown(
    hasty: Harness,
) -> None:
    table = hasty.lake.table("limit")
    hasty.load("schema", table, SHORT, 0)
    late = hasty.land("append", table, "id,note\n1,longer than five\n", 1)
    hasty.load("schema", table, LONG, 2)
    hasty.run(late)
    assert hasty.entry(late)["status"] == "loaded"


def test_data_whose_schema_file_was_overtaken_by_a_later_one_is_read_by_it_all_the_same(
    hasty: Harness,
) -> None:
    """The event of the second file comes after the third has given up waiting for it."""
    table = hasty.lake.table("limit")
    kinds = [("id", "INTEGER"), ("note", "VARCHAR(5)"), ("more", "INTEGER")]
    first, second, third = (json.dumps(columns(*kinds[:count])) for count in (1, 2, 3))
    hasty.load("schema", table, first, 0)
    overtaken = hasty.land("schema", table, second, 1)
    data = hasty.land("append", table, "id,note\n1,x\n", 2)
    assert hasty.load("schema", table, third, 3).answer == "applied"
    hasty.run(overtaken)
    hasty.run(data)
    assert hasty.entry(overtaken)["status"] == "superseded"
    assert hasty.entry(data)["status"] == "loaded"
    assert hasty.lake.rows(table) == [(1, "x", None)]


def test_three_deaths_in_a_row_are_told_as_a_failure_and_the_next_delivery_tells_the_truth(
    site: Harness,
) -> None:
    table = site.lake.table("limit")
    site.load("schema", table, SHORT, 0)
    received, loaded = steps_of(site, site.land("append", table, "id,note\n1,x\n", 1))
    event = site.land("append", table, "id,note\n2,x\n", 2)
    assert not site.run(event, [received + loaded, 1, 1]).succeeded
    entry = site.entry(event)
    assert (entry["status"], entry["attempts"]) == ("failed", 3)
    assert "ended without an answer" in entry["error"]["message"]
    assert site.lake.count(table) == 2
    site.run(event)
    entry = site.entry(event)
    assert (entry["status"], entry["rows_loaded"], "error" in entry) == ("loaded", 1, False)
    assert site.lake.count(table) == 2


def steps_of(site: Harness, event: dict[str, object]) -> tuple[int, int]:
    """The steps of `received` and of a load: the last one is behind COMMIT."""
    handlers = {each.split(".")[1]: each for each in site.machine.handlers.values()}
    received = site.pool.call(
        handlers["record"], {"phase": "received", "event": event, "execution_arn": "x"}
    )
    loaded = site.pool.call(handlers["load"], {"event": event, "retry_count": 0})
    return received.steps, loaded.steps


def test_a_statement_that_redshift_runs_only_by_itself_stays_when_the_rest_is_refused(
    site: Harness,
) -> None:
    table = site.lake.table("limit")
    site.load("schema", table, json.dumps(columns(("id", "VARCHAR(5)"), ("note", "VARCHAR(5)"))), 0)
    site.load("append", table, "id,note\nx,y\n", 1)
    changed = columns(("id", "INTEGER"), ("note", "VARCHAR(20)"), allowed_changes=["retype"])
    event = site.land("schema", table, json.dumps(changed), 2)
    site.run(event)
    entry = site.entry(event)
    assert entry["status"] == "rejected"
    assert (
        "Nothing was changed but for what Redshift runs only by itself" in entry["error"]["message"]
    )
    assert site.lake.rows(table) == [("x", "y")]


def test_an_object_that_was_deleted_before_it_was_read_is_rejected(site: Harness) -> None:
    table = site.lake.table("limit")
    site.load("schema", table, SHORT, 0)
    event = site.land("append", table, "id,note\n1,x\n", 1)
    stored, s3 = event["detail"]["object"], site.lake.client.aws.client("s3")
    s3.delete_object(
        Bucket=site.lake.client.outputs.lake_bucket,
        Key=stored["key"],
        VersionId=stored["version-id"],
    )
    site.run(event)
    entry = site.entry(event)
    assert (entry["status"], entry["error"]["type"]) == ("rejected", "MissingObjectError")
