"""The log as a load reads it: the pending uploads of a table, and the status of a version."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from etl_core.adapters.log_table import LogTable
from etl_core.model.object_versions import ObjectVersion
from etl_core.model.status import Status
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import Upload
from etl_core.upload_log.entry import LONGEST_WAIT, key_of, received_entry
from etl_core.upload_log.outcome import LoadOutcome
from etl_core.upload_log.query import LogQuery
from tests.etl_core.adapters.conftest import Tables

NOW = datetime.now(UTC).replace(microsecond=0)


class Log:
    """The log table, written like the record function writes it."""

    def __init__(self, client: Any, name: str) -> None:
        self.table = LogTable(client, name)
        self.name = f"backlog_{uuid.uuid4().hex[:8]}"
        self.target = TableRef("dev", "public", self.name)

    def upload(self, file: str, folder: str = "dev/append", **fields: Any) -> Upload:
        plain: dict[str, Any] = {
            "bucket": "lake", "version_id": None, "etag": f"etag-of-{file}", "size": 7,
            "sequencer": "0A1B", "landed_at": NOW,
        }  # fmt: skip
        return Upload(key=f"{folder}/{self.name}/{file}", **(plain | fields))

    def receive(self, upload: Upload, now: datetime = NOW) -> Upload:
        assert self.table.write_received(key_of(upload), received_entry(upload, "arn", now)) is None
        return upload

    def finish(self, upload: Upload, **attributes: Any) -> None:
        assert self.table.write_final(key_of(upload), {"status": "loaded"} | attributes, 1)


@pytest.fixture
def log(tables: Tables) -> Log:
    return Log(tables.client, tables.log_table)


def test_an_upload_that_is_received_again_returns_its_entry_unchanged(log: Log) -> None:
    upload = log.receive(log.upload("a.csv"))
    log.finish(upload, rows_loaded=3)

    entry = log.table.write_received(key_of(upload), received_entry(upload, "arn:2", NOW))

    assert entry is not None
    assert (entry["status"], entry["rows_loaded"], entry["attempts"]) == ("loaded", 3, 1)
    assert entry["execution_arn"] == "arn"


def test_a_settled_entry_keeps_its_status_and_counts_the_attempts(log: Log) -> None:
    upload = log.receive(log.upload("a.csv"))
    log.finish(upload)

    assert not log.table.write_final(key_of(upload), {"status": "failed"}, 2)

    [entry] = log.table.read_entries([key_of(upload)])
    assert (entry["status"], entry["attempts"]) == ("loaded", 3)


def test_pages_of_the_log_are_read_newest_first_with_a_filter(log: Log) -> None:
    uploads = [
        log.receive(log.upload(f"{n}.csv", landed_at=NOW + timedelta(seconds=n))) for n in range(5)
    ]
    for upload in uploads[:3]:
        log.finish(upload)

    query = LogQuery.parse({"table_name": log.name, "status": "loaded", "database": "dev"})
    found = [item["s3_key"] for page in log.table.read_pages(query) for item in page.items]

    assert found == [upload.key for upload in reversed(uploads[:3])]


def test_a_received_upload_is_pending_until_its_final_status(log: Log) -> None:
    first, second = (
        log.receive(log.upload("a.csv")),
        log.receive(log.upload("b.csv", version_id="v1")),
    )
    log.receive(log.upload("c.csv", "analytics/append"))

    assert sorted(log.table.read_pending(log.target, 100), key=lambda upload: upload.key) == [
        first,
        second,
    ]

    log.finish(first)
    assert log.table.read_pending(log.target, 100) == [second]


def test_an_upload_received_too_long_ago_is_not_pending(log: Log) -> None:
    log.receive(log.upload("a.csv"), NOW - LONGEST_WAIT - timedelta(hours=1))

    assert log.table.read_pending(log.target, 100) == []


def test_an_entry_with_a_cut_sequencer_is_not_pending(log: Log) -> None:
    log.receive(log.upload("a.csv", sequencer="A" * 100))

    assert log.table.read_pending(log.target, 100) == []


def test_a_sequencer_with_separators_is_read_back(log: Log) -> None:
    upload = log.receive(log.upload("a.csv", sequencer="0#A#"))

    assert log.table.read_pending(log.target, 100) == [upload]


def a_version(key: str, version_id: str, etag: str, landed_at: datetime) -> ObjectVersion:
    return ObjectVersion(key, version_id, etag, 7, landed_at, is_latest=True)


VERSIONS: dict[str, Callable[[Upload], ObjectVersion]] = {
    "same second": lambda upload: a_version(upload.key, "v1", upload.etag, NOW),
    "a second off": lambda upload: a_version(
        upload.key, "v1", upload.etag, NOW - timedelta(seconds=1)
    ),
}


@pytest.mark.parametrize("version", VERSIONS.values(), ids=VERSIONS)
def test_a_version_is_found_by_etag_before_its_final_status_and_by_id_after(
    log: Log, version: Callable[[Upload], ObjectVersion]
) -> None:
    upload = log.receive(log.upload("s.json", "dev/schema"))
    found = log.table.find_upload(log.target, version(upload))
    assert found is not None
    assert (found.upload, found.status) == (upload, Status.RECEIVED)

    log.finish(upload, version_id="v1", status="rejected")
    found = log.table.find_upload(log.target, version(upload))
    assert found is not None
    assert (found.upload, found.status) == (upload, Status.REJECTED)


def test_a_status_of_a_later_version_stops_no_other_upload(log: Log) -> None:
    upload = log.receive(log.upload("s.json", "dev/schema"))
    log.finish(upload, version_id="v1", status="from a later version")
    found = log.table.find_upload(log.target, a_version(upload.key, "v1", upload.etag, NOW))
    assert found is not None
    assert found.status is Status.UNKNOWN


def test_the_uploads_that_changed_a_table_are_found(log: Log) -> None:
    loaded, applied, failed, _ = (
        log.receive(log.upload(name, action))
        for name, action in (
            ("a.csv", "dev/append"),
            ("s.json", "dev/schema"),
            ("b.csv", "dev/append"),
            ("c.csv", "dev/append"),
        )
    )
    log.finish(loaded, status="loaded")
    log.finish(applied, status="applied")
    log.finish(failed, status="failed")
    found = log.table.find_effects(log.target)
    assert {each.upload_id for each in found} == {loaded.upload_id, applied.upload_id}
    assert list(log.table.find_effects(replace(log.target, schema="other"))) == []


def test_another_version_is_not_found(log: Log) -> None:
    upload = log.receive(log.upload("s.json", "dev/schema"))

    assert log.table.find_upload(log.target, a_version(upload.key, "v2", "other", NOW)) is None
    assert (
        log.table.find_upload(log.target, a_version(f"{upload.key}.json", "v1", upload.etag, NOW))
        is None
    )
    assert (
        log.table.find_upload(
            log.target, a_version(upload.key, "v1", upload.etag, NOW + timedelta(minutes=1))
        )
        is None
    )


def test_the_oldest_pending_uploads_are_read_up_to_the_limit(log: Log) -> None:
    uploads = [
        log.receive(log.upload(f"{each}.csv"), NOW - timedelta(seconds=each)) for each in range(5)
    ]

    assert log.table.read_pending(log.target, 2) == [uploads[4], uploads[3]]
    assert len(log.table.read_pending(log.target, 100)) == 5


def test_an_entry_that_cannot_be_read_does_not_hide_the_others(log: Log, tables: Tables) -> None:
    upload = log.receive(log.upload("a.csv"))
    item = {
        "table_name": log.name,
        "landed_key": "broken",
        "waiting_for": f"dev/public.{log.name}",
        "waiting_since": upload.landed_timestamp,
    }
    tables.client.put_item(
        TableName=tables.log_table,
        Item={name: {"S": value} for name, value in item.items()},
    )

    assert log.table.read_pending(log.target, 100) == [upload]


LOADED = LoadOutcome(
    Status.LOADED, version_id="v1", rows_loaded=3, loaded_at=NOW, statements=("COPY",)
)


def test_an_answer_is_the_final_status_and_keeps_the_execution(log: Log) -> None:
    upload = log.receive(log.upload("a.csv"))

    assert log.table.write_answer(upload, LOADED)

    [entry] = log.table.read_entries([key_of(upload)])
    assert entry.items() >= {
        "status": "loaded", "rows_loaded": 3, "version_id": "v1", "attempts": 1, "execution_arn": "arn",
        "statements": ["COPY"],
    }.items()  # fmt: skip
    assert log.table.read_pending(log.target, 100) == []


def test_an_answer_does_not_change_a_settled_entry(log: Log) -> None:
    upload = log.receive(log.upload("a.csv"))
    log.finish(upload, status="superseded")

    assert not log.table.write_answer(upload, LOADED)

    [entry] = log.table.read_entries([key_of(upload)])
    assert (entry["status"], entry["attempts"]) == ("superseded", 1)


def test_an_answer_replaces_a_failure(log: Log) -> None:
    upload = log.receive(log.upload("a.csv"))
    log.finish(upload, status="failed", error={"type": "ThrottledError"})

    assert log.table.write_answer(upload, LOADED)

    [entry] = log.table.read_entries([key_of(upload)])
    assert (entry["status"], entry["attempts"], entry.get("error")) == ("loaded", 2, None)


def test_a_duplicate_s_answer_is_its_status_in_the_ledger(log: Log) -> None:
    upload = log.receive(log.upload("a.csv"))
    duplicate = LoadOutcome(Status.DUPLICATE, settled=Status.LOADED)

    assert log.table.write_answer(upload, duplicate)

    [entry] = log.table.read_entries([key_of(upload)])
    assert entry["status"] == "loaded"
