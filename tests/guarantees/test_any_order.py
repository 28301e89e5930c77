"""The law: whatever order the events come in, however often, and wherever the function dies, tables and log are those of the
sequential run. Each test runs under SNAPSHOT and under SERIALIZABLE isolation.

ETL_ORDER_RUNS sets the number of random stories per isolation level; with it, they are others each time, and no step is left out.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from tests.guarantees.harness import Harness
from tests.guarantees.model import (
    MOST_STEPS,
    Landed,
    Story,
    a_story,
    columns_of,
    rows_of,
    statuses_of,
    stories,
)
from tests.guarantees.scale import RUNS, few_or_all, note

SCALE = 0.15
"""Of the pauses between attempts: data waits for a schema file, whose event is late, longer than a story lasts."""


LATE_TRUNCATE = a_story(
    [
        Landed(0, 0, "schema", 1),
        Landed(1, 0, "append", 1),
        Landed(2, 0, "truncate", 1),
        Landed(3, 0, "append", 1, lines=3),
        Landed(4, 0, "append", 1, fault="value"),
    ],
    *(0, 1, (3, 20), 4, (2, 25, 30), 3, 1),
)
OVERTAKING_SCHEMAS = a_story(
    [
        Landed(0, 0, "schema", 1),
        Landed(1, 0, "append", 1),
        Landed(2, 0, "schema", 2),
        Landed(3, 0, "append", 2),
        Landed(4, 0, "truncate", 2, fault="header"),
        Landed(5, 0, "schema", 3),
    ],
    *(3, 1, (0, 15), 4, 5, (2, 20), 3),
)


@pytest.mark.timeout(180 + 60 * RUNS)
def test_any_order_any_repetition_any_death_gives_the_sequential_run(site: Harness) -> None:
    patient = replace(site, machine=replace(site.machine, scale=SCALE))

    @settings(
        max_examples=RUNS or 5,
        derandomize=not RUNS,
        print_blob=bool(RUNS),
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @example(story=LATE_TRUNCATE)
    @example(story=OVERTAKING_SCHEMAS)
    @given(story=stories())
    def law(story: Story) -> None:
        check(patient, story)

    law()


def check(site: Harness, story: Story) -> None:
    """Plays the story and compares."""
    names, events, ended = site.play(story)
    note("executions", *(each.answer or each.data["failure"]["Error"] for each in ended))
    for table, name in names.items():
        uploads = story.of_table(table)
        assert site.rows(name) == rows_of(uploads), name
        entries = {entry["version_id"]: entry for entry in site.entries(name)}
        assert len(entries) == len(site.entries(name)) == len(uploads)
        for upload in uploads:
            entry = entries[events[upload.number]["detail"]["object"]["version-id"]]
            assert entry["status"] in statuses_of(upload, uploads), (upload, entry)
            note("uploads", f"{upload.action} {entry['status']}")
            assert entry["attempts"] >= sum(
                each.number == upload.number for each in story.deliveries
            )


@pytest.mark.parametrize("action", ["append", "truncate"])
def test_a_death_at_every_single_step_of_a_load_changes_nothing(site: Harness, action: str) -> None:
    table = site.lake.table("steps")
    site.load("schema", table, Landed(0, 0, "schema", 1).content, 0)
    site.load("append", table, "id,file\n1,first\n", 1)
    deliveries = [
        (site.land(action, table, f"id,file\n{step + 10},x\n", step + 2), step)
        for step in range(1, MOST_STEPS, few_or_all(6, 1))
    ]
    ended = [site.run(event, [step]) for event, step in deliveries]
    assert [each.data["record"]["status"] for each in ended] == ["loaded"] * len(deliveries)
    ids = [step + 10 for _, step in deliveries]
    expected = [1, *ids] if action == "append" else ids[-1:]
    assert site.lake.rows(table, "id") == [(each,) for each in expected]
    assert {entry["status"] for entry in site.entries(table)} == {"applied", "loaded"}


def test_a_death_at_every_step_of_a_schema_change_changes_nothing(site: Harness) -> None:
    table = site.lake.table("steps")
    versions = few_or_all(6, 45)
    for version in range(1, versions + 1):
        event = site.land("schema", table, Landed(0, 0, "schema", version).content, version)
        assert (
            site.run(event, [version * few_or_all(7, 1), 7]).data["record"]["status"] == "applied"
        )
    assert {entry["status"] for entry in site.entries(table)} == {"applied"}
    assert list(site.lake.client.sql("dev", f"SELECT * FROM {table}").columns) == columns_of(
        versions
    )


def test_two_loads_of_one_table_at_once_are_both_loaded(site: Harness) -> None:
    table = site.lake.table("pair")
    site.load("schema", table, Landed(0, 0, "schema", 1).content, 0)
    events = [
        site.land("append", table, f"id,file\n{number},x\n", number) for number in range(1, 11)
    ]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(site.run, events))
    assert [entry["status"] for entry in site.entries(table)] == ["applied", *["loaded"] * 10]
    assert site.lake.count(table) == 10
