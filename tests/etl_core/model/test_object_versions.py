"""Object versions as uploads, and the uploads of log entries."""

from __future__ import annotations

from typing import Any

import pytest

from etl_core.model.object_versions import ObjectVersion, first_uploads
from etl_core.model.upload import Upload
from etl_core.upload_log.entry import final_entry, key_of, received_entry, upload_of_entry
from tests.builders import LAKE, NOON, an_upload


def a_version(
    key: str = "dev/append/t/a.csv", version_id: str = "v1", **fields: Any
) -> ObjectVersion:
    plain = {"etag": "e1", "size": 10, "landed_at": NOON, "is_latest": True}
    return ObjectVersion(key=key, version_id=version_id, **(plain | fields))


def an_entry(upload: Upload, **more: Any) -> dict[str, Any]:
    """Return the log entry of the upload."""
    return key_of(upload) | received_entry(upload, "arn:execution", NOON) | more


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
