"""Object versions as uploads: events that round-trip, and the log entries that belong to them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_core.model.object_versions import (
    ObjectVersion,
    event_of,
    first_uploads,
    upload_from_json,
    upload_to_json,
)
from etl_core.model.upload import Upload, parse_utc_time
from etl_core.recovery.reconcile_log import match_entries
from etl_core.upload_log.entry import final_entry, key_of, received_entry, upload_of_entry
from tests.builders import LAKE, NOON, an_upload

KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)


def a_version(
    key: str = "dev/append/t/a.csv", version_id: str = "v1", **fields: Any
) -> ObjectVersion:
    plain = {"etag": "e1", "size": 10, "landed_at": NOON, "is_latest": True}
    return ObjectVersion(key=key, version_id=version_id, **(plain | fields))


def an_entry(upload: Upload, **more: Any) -> dict[str, Any]:
    """Return the log entry of the upload."""
    return key_of(upload) | received_entry(upload, "arn:execution", NOON) | more


@given(
    key=KEYS,
    version=st.sampled_from(["v1", None]),
    size=st.sampled_from([0, 10, None]),
    number=st.integers(0, 9),
)
def test_an_upload_round_trips_through_its_event_and_json(
    key: str, version: Any, size: Any, number: int
) -> None:
    upload = an_upload(key, version_id=version, size=size, sequencer=f"{number:08x}")
    assert Upload.from_event(event_of(upload)) == upload
    assert upload_from_json(LAKE, upload_to_json(upload)) == upload


def test_versions_of_one_second_are_numbered_from_the_oldest() -> None:
    newest, older, oldest = (a_version(version_id=f"v{number}") for number in (3, 2, 1))
    uploads = first_uploads(LAKE, [newest, older, oldest, a_version("dev/append/t/b.csv")])
    assert sorted(
        (upload.order, upload.version_id)
        for upload in uploads.values()
        if upload.key.endswith("a.csv")
    ) == [(uploads[version.id].order, version.version_id) for version in (oldest, older, newest)]


def test_among_uploads_of_one_second_schema_files_come_first() -> None:
    data, schema = a_version("dev/append/t/a.csv"), a_version("dev/schema/t/s.json")
    uploads = first_uploads(LAKE, [data, schema])
    assert uploads[schema.id].order < uploads[data.id].order


def test_a_version_from_before_versioning_is_identified_by_its_etag() -> None:
    listed = a_version(version_id="null")
    [first], [second] = (
        first_uploads(LAKE, [listed]).values(),
        first_uploads(LAKE, [listed]).values(),
    )
    assert first.version_id is None
    assert first.upload_id == second.upload_id


@pytest.mark.parametrize("version", ["v1", None])
def test_an_entry_gives_the_same_upload_back(version: str | None) -> None:
    upload = an_upload(version_id=version, sequencer="00AB")
    assert upload_of_entry(an_entry(upload)) == upload


def test_a_version_id_that_was_found_later_does_not_change_the_upload_id() -> None:
    upload = an_upload(version_id=None)
    state = {"outcome": {"status": "failed", "version_id": "v9"}}
    entry = key_of(upload) | final_entry(upload, state, "arn")
    assert entry["version_id"] == "v9"
    assert upload_of_entry(entry) == upload


def test_an_entry_that_does_not_match_its_key_gives_no_upload() -> None:
    assert upload_of_entry(an_entry(an_upload(), etag="other", version_id="other")) is None


def test_a_final_entry_is_preferred_to_a_pending_one_of_the_same_version() -> None:
    pending, final = an_entry(an_upload()), an_entry(an_upload(sequencer="2"), status="rejected")
    assert match_entries([a_version()], [pending, final]) == {a_version().id: final}


def test_each_entry_without_version_id_belongs_to_one_version_with_its_etag() -> None:
    first, second = (
        a_version(version_id="v1"),
        a_version(version_id="v2", landed_at=NOON + timedelta(seconds=5)),
    )
    entries = [
        an_entry(an_upload(version_id=None, sequencer=sequencer)) for sequencer in ("1", "2")
    ]
    assert match_entries([second, first], entries[:1]) == {first.id: entries[0]}
    assert match_entries([second, first], entries) == {first.id: entries[0], second.id: entries[1]}
    assert match_entries([a_version(etag="other")], entries) == {}


def test_an_entry_of_another_version_with_the_same_etag_does_not_hide_a_version() -> None:
    entry = an_entry(an_upload(version_id="v1"), status="loaded")
    assert match_entries([a_version(version_id="v2")], [entry]) == {}


@pytest.mark.parametrize(
    "text", ["2026-11-22T12:00:00Z", "2026-11-22T12:00:00", "2026-11-22T13:00:00.9+01:00"]
)
def test_a_time_is_parsed_to_utc_and_to_the_second(text: str) -> None:
    assert parse_utc_time(text) == NOON
