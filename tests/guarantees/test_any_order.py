"""Any order of events, any repetition and any kill of a function give the same tables and log as the sequential run.

Each test runs under SNAPSHOT and under SERIALIZABLE isolation. ETL_ORDER_RUNS sets the number of
random scenarios per isolation level; then they differ in each run, and no step is skipped.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from tests.guarantees.harness import Harness
from tests.guarantees.run_size import RUNS, count, short_or_long
from tests.guarantees.scenarios import (
    MAX_STEPS,
    Scenario,
    ScenarioUpload,
    a_scenario,
    columns_of,
    rows_of,
    scenarios,
    statuses_of,
)

SCALE = 0.15
"""Of the pauses between attempts. A data file then waits longer for a late schema event than a scenario lasts."""


LATE_TRUNCATE = a_scenario(
    [
        ScenarioUpload(0, 0, "schema", 1),
        ScenarioUpload(1, 0, "append", 1),
        ScenarioUpload(2, 0, "truncate", 1),
        ScenarioUpload(3, 0, "append", 1, lines=3),
        ScenarioUpload(4, 0, "append", 1, fault="value"),
    ],
    *(0, 1, (3, 20), 4, (2, 25, 30), 3, 1),
)
SCHEMAS_OUT_OF_ORDER = a_scenario(
    [
        ScenarioUpload(0, 0, "schema", 1),
        ScenarioUpload(1, 0, "append", 1),
        ScenarioUpload(2, 0, "schema", 2),
        ScenarioUpload(3, 0, "append", 2),
        ScenarioUpload(4, 0, "truncate", 2, fault="header"),
        ScenarioUpload(5, 0, "schema", 3),
    ],
    *(3, 1, (0, 15), 4, 5, (2, 20), 3),
)
LATE_UPSERT = a_scenario(
    [
        ScenarioUpload(0, 0, "schema", 1),
        ScenarioUpload(1, 0, "append", 1, slot=0, lines=3),
        ScenarioUpload(2, 0, "upsert", 1, slot=0, lines=3),
        ScenarioUpload(3, 0, "schema", 2),
        ScenarioUpload(4, 0, "append", 2, slot=1, lines=3),
        ScenarioUpload(5, 0, "upsert", 2, slot=2, lines=2),
        ScenarioUpload(6, 0, "append", 2, slot=0, lines=2),
        ScenarioUpload(7, 0, "upsert", 2, fault="key"),
        ScenarioUpload(8, 0, "upsert", 2, fault="value"),
    ],
    *(0, 3, (5, 21), 6, 4, (2, 22, 27), 7, 8, (1, 24), 2),
)


@pytest.mark.timeout(180 + 60 * RUNS)
def test_any_order_repetition_and_kill_gives_the_sequential_result(harness: Harness) -> None:
    slow_harness = replace(harness, interpreter=replace(harness.interpreter, scale=SCALE))

    check_scenarios(slow_harness, 3)


def check_scenarios(harness: Harness, normal: int) -> None:
    """Run scenarios: the given ones, and random ones, `normal` of them in the normal run."""

    @settings(
        max_examples=RUNS or normal,
        derandomize=not RUNS,
        print_blob=bool(RUNS),
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @example(scenario=LATE_TRUNCATE)
    @example(scenario=SCHEMAS_OUT_OF_ORDER)
    @example(scenario=LATE_UPSERT)
    @given(scenario=scenarios())
    def run_one(scenario: Scenario) -> None:
        check(harness, scenario)

    run_one()


def check(harness: Harness, scenario: Scenario) -> None:
    """Run a scenario and compare tables and log with the sequential run."""
    names, events, results = harness.run_scenario(scenario)
    count("executions", *(each.ending for each in results))
    for table, name in names.items():
        uploads = scenario.of_table(table)
        assert harness.rows(name) == rows_of(uploads), name
        entries = {entry["version_id"]: entry for entry in harness.entries(name)}
        assert len(entries) == len(harness.entries(name)) == len(uploads)
        for upload in uploads:
            entry = entries[events[upload.number]["detail"]["object"]["version-id"]]
            assert entry["status"] in statuses_of(upload, uploads), (upload, entry)
            count("uploads", f"{upload.action} {entry['status']}")
            assert entry["attempts"] >= 1


@pytest.mark.parametrize("action", ["append", "truncate", "upsert"])
def test_a_kill_at_any_step_of_a_load_changes_nothing(harness: Harness, action: str) -> None:
    table = harness.lake.table("steps")
    harness.load("schema", table, ScenarioUpload(0, 0, "schema", 1).content, 0)
    harness.load("append", table, "id,file\n1,first\n", 1)
    deliveries = [
        (harness.put(action, table, f"id,file\n{step + 10},x\n", step + 2), step)
        for step in range(1, MAX_STEPS, short_or_long(6, 1))
    ]
    results = [harness.run(event, [step]) for event, step in deliveries]
    assert [each.data["record"]["status"] for each in results] == ["loaded"] * len(deliveries)
    ids = [step + 10 for _, step in deliveries]
    expected = ids[-1:] if action == "truncate" else [1, *ids]
    assert harness.lake.rows(table, "id") == [(each,) for each in expected]
    assert {entry["status"] for entry in harness.entries(table)} == {"applied", "loaded"}


def test_a_kill_at_any_step_of_a_schema_change_changes_nothing(harness: Harness) -> None:
    table = harness.lake.table("steps")
    versions = short_or_long(6, 45)
    for version in range(1, versions + 1):
        event = harness.put(
            "schema", table, ScenarioUpload(0, 0, "schema", version).content, version
        )
        assert (
            harness.run(event, [version * short_or_long(7, 1), 7]).data["record"]["status"]
            == "applied"
        )
    assert {entry["status"] for entry in harness.entries(table)} == {"applied"}
    assert list(harness.lake.client.sql("dev", f"SELECT * FROM {table}").columns) == columns_of(
        versions
    )


def test_two_concurrent_loads_of_one_table_both_succeed(harness: Harness) -> None:
    table = harness.lake.table("pair")
    harness.load("schema", table, ScenarioUpload(0, 0, "schema", 1).content, 0)
    events = [
        harness.put("append", table, f"id,file\n{number},x\n", number) for number in range(1, 11)
    ]
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(harness.run, events))
    assert [entry["status"] for entry in harness.entries(table)] == ["applied", *["loaded"] * 10]
    assert harness.lake.count(table) == 10
