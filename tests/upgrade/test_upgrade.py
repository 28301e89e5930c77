"""What commit 95e1d93 left behind goes on working: ledgers, tables, files and log entries.

Every execution here calls today's functions as the old state machine does, so these tests also
cover a deployment during which an old execution reaches new functions.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from etl_core.model.errors import ReplayRefusedError
from etl_core.model.status import SETTLED
from etl_core.upload_log.indexes import LISTED, NOTABLE, UPLOAD_ID
from etl_core.upload_log.totals import COUNTED
from tests.upgrade.conftest import Restore
from tests.upgrade.restored import NAMES, Fixture, Restored

CHANGING = ("attempts", "execution_arn")
"""Fields that every delivery of an upload updates."""
FROM_LOG_ONLY = (
    "attempts",
    "duration_ms",
    "statements",
    "execution_arn",
    "etag",
    "file_size",
    "error",
)
"""Fields that the ledger does not keep, so that a rebuilt entry does not have them. It keeps the
schema version of schema files only, and for a superseded one the time of that decision."""


def ids(rows: Counter[tuple[Any, ...]]) -> Counter[Any]:
    return Counter(row[0] for row in rows.elements())


def a_row(table: Restored, number: int) -> str:
    """Return a data file with one row: an id, and nothing in the other columns."""
    columns = table.fixture.raw["target"]["columns"]
    return f"{','.join(columns)}\n{number}{',' * (len(columns) - 1)}\n"


def without(entries: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in each.items() if name not in names} for each in entries]


def test_the_fixtures_have_every_status_and_a_packed_schema_file() -> None:
    fixtures = [Fixture.read(name) for name in NAMES]
    statuses = {entry["status"] for fixture in fixtures for entry in fixture.entries}
    assert statuses == {
        "received", "loaded", "applied", "unchanged", "duplicate", "superseded", "rejected", "failed",
    }  # fmt: skip
    texts = [row[-1] for fixture in fixtures for row in fixture.raw["ledger"]["rows"]]
    assert any(text and text.startswith("zlib:") for text in texts)


def test_a_second_delivery_of_an_old_upload_changes_nothing(restored: Restored) -> None:
    before, ledger = restored.entries(), restored.ledger_rows()
    for event in restored.settled_events():
        assert restored.run(event) == restored.fixture.entry_of(event)["status"]
    assert restored.rows() == restored.old_rows()
    assert without(restored.ledger_rows(), "format_version") == without(ledger, "format_version")
    assert without(restored.entries(), *CHANGING) == without(before, *CHANGING)


def test_the_ledger_alone_knows_an_old_upload(restored: Restored) -> None:
    restored.delete_entries()
    for event in restored.settled_events():
        old = restored.fixture.entry_of(event)
        if old["action"] == "schema" or old["status"] == "loaded":
            assert restored.run(event) == old["status"]
    assert restored.rows() == restored.old_rows()


def test_appends_truncates_and_schema_files_go_on(restored: Restored) -> None:
    assert restored.drop("append", "new.csv", a_row(restored, 9001)) == "loaded"
    assert ids(restored.rows()) == ids(restored.old_rows()) + Counter([9001])
    newest = restored.newest_schema_file()
    columns = [*newest["columns"], {"name": "added_later", "type": "INTEGER"}]
    spec = json.dumps(newest | {"columns": columns, "schema_version": "after the upgrade"})
    assert restored.drop("schema", "new.json", spec) == "applied"
    header, row = a_row(restored, 9002).splitlines()
    content = f"{header},added_later\n{row},7\n"
    assert restored.drop("truncate", "new_truncate.csv", content) == "loaded"
    [only] = restored.rows()
    assert (only[0], only[-1]) == (9002, 7)


def test_an_old_schema_file_that_arrives_again_is_superseded_by_a_newer_old_one(
    restore: Restore,
) -> None:
    renames = restore("renames")
    first = renames.fixture.entries[0]["landed_timestamp"]
    spec = json.dumps({"columns": [{"name": "id", "type": "INTEGER"}]})
    place = {"at": first, "sequencer": "0000000000000000011"}
    assert renames.drop("schema", "late.json", spec, **place) == "superseded"
    assert renames.rows() == renames.old_rows()


def test_a_late_append_before_an_old_truncate_is_superseded(restore: Restore) -> None:
    truncates = restore("truncates")
    at = truncates.fixture.entries[0]["landed_timestamp"]
    place = {"at": at, "sequencer": "0000000000000000011"}
    assert truncates.drop("append", "late.csv", "id,file\n95,void\n", **place) == "superseded"
    assert truncates.rows() == truncates.old_rows()


def test_a_late_append_after_all_old_truncates_is_loaded(restore: Restore) -> None:
    truncates = restore("truncates")
    at = truncates.fixture.entries[-1]["landed_timestamp"]
    assert truncates.drop("append", "late.csv", "id,file\n95,late\n", at=at) == "loaded"
    assert truncates.rows() == truncates.old_rows() + Counter([(95, "late")])


def test_a_late_truncate_loads_the_old_appends_after_it_again(restore: Restore) -> None:
    truncates = restore("truncates")
    [eighth] = [each for each in truncates.fixture.entries if each["s3_key"].endswith("/6.csv")]
    place = {
        "at": eighth["landed_timestamp"],
        "sequencer": eighth["landed_key"].split("#")[1] + "8",
    }
    assert truncates.drop("truncate", "late.csv", "id,file\n8,late\n", **place) == "loaded"
    assert truncates.rows() == Counter([(8, "late"), (7, "c")])


def test_a_late_data_file_is_read_by_the_old_schema_file_of_its_time(restore: Restore) -> None:
    renames = restore("renames")
    [between] = [each for each in renames.fixture.entries if each["status"] == "superseded"]
    place = {
        "at": between["landed_timestamp"],
        "sequencer": between["landed_key"].split("#")[1] + "8",
    }
    content = "id,label\n7,read by 2\n"
    assert renames.drop("append", "late.csv", content, **place) == "loaded"
    assert renames.rows() == renames.old_rows() + Counter([(7, "read by 2")])
    assert renames.entry("late.csv")["schema_version"] == "2"


def test_a_failed_and_an_interrupted_old_upload_load_when_they_are_sent_again(
    restore: Restore,
) -> None:
    failures = restore("failures")
    failed, pending = (
        event
        for event in failures.fixture.events
        if failures.fixture.entry_of(event)["status"] in ("failed", "received")
    )
    assert failures.run(failed) == failures.run(pending) == "loaded"
    assert failures.rows() == failures.old_rows() + Counter([(2, "two"), (3, "three")])
    entry = failures.entry("2.csv")
    assert (entry["status"], entry["rows_loaded"], "error" in entry) == ("loaded", 1, False)
    assert entry["attempts"] == 4


@pytest.mark.parametrize("name", ["appends", "renames", "failures"])
def test_a_rejected_old_upload_is_rejected_again(restore: Restore, name: str) -> None:
    table = restore(name)
    rejected = [
        event
        for event in table.fixture.events
        if table.fixture.entry_of(event)["status"] == "rejected"
    ]
    assert [table.run(event) for event in rejected] == ["rejected"] * len(rejected)
    assert rejected
    assert table.rows() == table.old_rows()


def test_an_old_micro_batch_member_without_an_answer_gets_it_from_the_ledger(
    restore: Restore,
) -> None:
    batch = restore("batch")
    last = batch.fixture.events[-1]
    assert batch.fixture.entry_of(last)["status"] == "received"
    assert batch.run(last) == "loaded"
    assert batch.rows() == batch.old_rows()


def test_reconcile_finds_only_what_the_old_version_left_open(restored: Restored) -> None:
    findings = restored.reconcile(dry_run=True)
    expected = {"batch": {"4.csv": "unlogged"}, "failures": {"3.csv": "stuck"}}
    assert findings == expected.get(restored.fixture.stem, {})


def test_reconcile_completes_an_old_entry(restore: Restore) -> None:
    batch = restore("batch")
    batch.reconcile(dry_run=False)
    entry = batch.entry("4.csv")
    assert (entry["status"], entry["rows_loaded"]) == ("loaded", 1)
    assert batch.reconcile(dry_run=True) == {}


@pytest.mark.parametrize("name", ["appends", "truncates", "batch", "packed", "odd", "unversioned"])
def test_a_replay_rebuilds_the_same_rows(restore: Restore, name: str) -> None:
    table = restore(name)
    table.stack.client.sql(table.fixture.database, f"DELETE FROM {table.fixture.target}")
    result = table.replay()
    assert result["rows"] == result["rows_expected"]
    assert table.rows() == table.old_rows()
    assert without(table.ledger_rows(), "format_version") == table.old_ledger_rows()


def test_a_replay_of_a_file_whose_column_was_dropped_is_refused_and_changes_nothing(
    restore: Restore,
) -> None:
    renames = restore("renames")
    with pytest.raises(ReplayRefusedError, match="'old', which a later schema file dropped"):
        renames.replay()
    assert renames.rows() == renames.old_rows()


def test_rebuild_log_restores_the_old_entries(restored: Restored) -> None:
    settled = [each for each in restored.fixture.entries if each["status"] in SETTLED]
    in_ledger = {row["version_id"] for row in restored.ledger_rows()}
    expected = [each for each in settled if each["version_id"] in in_ledger]
    assert expected
    restored.delete_entries()
    restored.rebuild_log()
    rebuilt = restored.entries()
    if restored.fixture.stem == "batch":
        last = rebuilt.pop()
        assert (last["s3_key"][-6:], last["status"]) == ("/4.csv", "loaded")
    for entry in expected:
        if entry["action"] != "schema":
            del entry["schema_version"]
    for entry in rebuilt:
        if entry["status"] == "superseded":
            del entry["loaded_timestamp"]
        assert entry[LISTED].startswith(entry["landed_timestamp"][:10])
    new = (UPLOAD_ID, LISTED, NOTABLE, COUNTED)
    assert without(rebuilt, *FROM_LOG_ONLY, *new) == without(expected, *FROM_LOG_ONLY)


def test_the_api_shows_the_old_entries_unchanged(restored: Restored) -> None:
    internal = ("landed_key", "waiting_for", "waiting_since")
    for name in {entry["table_name"] for entry in restored.fixture.entries}:
        old = [each for each in restored.fixture.entries if each["table_name"] == name]
        newest_first = sorted(old, key=lambda each: each["landed_key"], reverse=True)
        shown = restored.stack.client.log_entries(name)
        assert shown == without(newest_first, *internal)
