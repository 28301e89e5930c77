"""Log entries made from ledger rows."""

from __future__ import annotations

from etl_core.recovery.rebuild_log import entry_key, rebuild_page, settled_entry
from etl_core.recovery.reconcile_requests import LogPageRequest
from etl_core.upload_log.entry import PARTITION_KEY, SORT_KEY, key_of, upload_attributes
from tests.builders import LAKE, an_upload
from tests.etl_core.recovery.in_memory_services import InMemoryServices
from tests.etl_core.recovery.test_reconcile import ledger_evidence


def test_the_entry_of_a_ledger_row_has_the_key_of_its_upload() -> None:
    assert entry_key(ledger_evidence()) == key_of(an_upload())


def test_the_entry_of_a_ledger_row_contains_what_the_ledger_records() -> None:
    entry = settled_entry(ledger_evidence(schema_version="7"), LAKE, "e1", 10)
    assert entry == {
        name: value for name, value in upload_attributes(an_upload(), "").items() if value
    } | {
        "status": "loaded",
        "loaded_timestamp": "2026-11-22T12:00:00Z",
        "rows_loaded": 3,
        "schema_version": "7",
        "redshift_table_exists": True,
    }


def test_an_unknown_etag_and_size_are_left_out() -> None:
    entry = settled_entry(ledger_evidence(), LAKE)
    assert not {"etag", "file_size", "execution_arn"} & entry.keys()


def test_missing_entries_are_written_and_final_ones_are_kept(memory: InMemoryServices) -> None:
    rows = [
        ledger_evidence(),
        ledger_evidence(upload_id="f" * 32, s3_key="dev/append/t/gone.csv", version_id="v9"),
    ]
    memory.tables.rows = rows
    memory.log.add(an_upload(), status="loaded", rows_loaded=77)
    page = rebuild_page(LogPageRequest(dry_run=True), memory.services)
    assert [each.key for each in page.missing] == ["dev/append/t/gone.csv"]
    assert len(memory.log.items) == 1
    rebuild_page(LogPageRequest(), memory.services)
    key = entry_key(rows[1])
    assert memory.log.items[key[PARTITION_KEY], key[SORT_KEY]]["status"] == "loaded"
    assert rebuild_page(LogPageRequest(), memory.services).missing == ()
    assert 77 in [entry.get("rows_loaded") for entry in memory.log.items.values()]
