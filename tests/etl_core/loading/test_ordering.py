"""Arrival dependencies between schema files and data files: which upload waits for which, how long,
and which schema applies.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from etl_core.model.errors import EarlierUploadError, SchemaNotReadyError, ThrottledError
from etl_core.model.object_versions import ObjectVersion
from etl_core.model.retry_policies import MAX_LOG_READ_ATTEMPTS, MAX_WAIT_ATTEMPTS
from etl_core.model.status import Status
from etl_core.model.table_ref import TableRef
from etl_core.upload_log.entry import LoggedUpload
from tests.builders import NOON, a_column, a_schema_file
from tests.etl_core.in_memory_pipeline import ROWS, InMemoryPipeline

WITH_NOTE = a_schema_file(
    a_column(), a_column("name", "VARCHAR(20)"), a_column("note", "VARCHAR(9)")
)


def test_a_data_file_waits_for_a_schema_file_in_the_lake() -> None:
    pipeline = InMemoryPipeline()
    pipeline.put("dev/schema/T/s.json", a_schema_file())

    with pytest.raises(SchemaNotReadyError, match="Read the log entry of the schema file"):
        pipeline.drop("dev/append/t/x.csv", b"id,name\n1,a\n")


def test_a_data_file_does_not_wait_for_a_refused_first_schema_file() -> None:
    pipeline = InMemoryPipeline()
    pipeline.drop("dev/schema/t/s.json", b"{")

    outcome = pipeline.drop("dev/append/t/x.csv", b"id,name\n1,a\n")

    assert outcome.error is not None
    assert outcome.error.type == "NoSchemaError"
    assert "its schema file 'dev/schema/t/s.json' was rejected or failed" in outcome.error.message


def test_a_data_file_without_a_ledger_is_not_at_fault_if_the_schema_file_was_applied(
    pipeline: InMemoryPipeline,
) -> None:
    del pipeline.warehouse.states["dev"].ledgers["public__t"]

    outcome = pipeline.drop("dev/append/t/x.csv", b"id,name\n3,c\n")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.type) == (Status.FAILED, "DamagedLedgerError")
    assert "the schema file 'dev/schema/t/s.json' was applied" in outcome.error.message
    assert pipeline.warehouse.table("t") == ROWS


def test_a_data_file_loads_if_its_schema_file_is_applied_while_it_looks_for_it(
    pipeline: InMemoryPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = pipeline.warehouse.states["dev"].ledgers.pop("public__t")
    find_upload = pipeline.backlog.find_upload

    def find_what_was_just_applied(table: TableRef, version: ObjectVersion) -> LoggedUpload | None:
        pipeline.warehouse.states["dev"].ledgers["public__t"] = ledger
        return find_upload(table, version)

    monkeypatch.setattr(pipeline.backlog, "find_upload", find_what_was_just_applied)

    assert pipeline.drop("dev/append/t/x.csv", b"id,name\n3,c\n").status is Status.LOADED


def test_a_marker_file_beside_the_schema_files_is_not_waited_for() -> None:
    pipeline = InMemoryPipeline()
    pipeline.drop("dev/schema/t/_SUCCESS", b"")

    outcome = pipeline.drop("dev/append/t/x.csv", b"id,name\n1,a\n")

    assert outcome.error is not None
    assert "a table needs a schema file" in outcome.error.message


def test_a_refused_schema_file_does_not_affect_an_earlier_version_of_the_same_key() -> None:
    pipeline = InMemoryPipeline()
    first = pipeline.put("dev/schema/t/s.json", a_schema_file())
    pipeline.backlog.note(first)
    data = pipeline.put("dev/append/t/x.csv", b"id,name\n1,a\n")
    pipeline.drop("dev/schema/t/s.json", b"{")

    with pytest.raises(SchemaNotReadyError):
        pipeline.load(data)
    pipeline.load(first)

    assert pipeline.load(data).status is Status.LOADED


def test_a_data_file_waits_for_a_received_schema_file_that_arrived_before_it(
    pipeline: InMemoryPipeline,
) -> None:
    schema = pipeline.put("dev/schema/t/s2.json", WITH_NOTE)
    pipeline.backlog.note(schema)
    data = pipeline.put("dev/append/t/x.csv", b"id,name,note\n3,c,n\n")

    for retry_count in (0, MAX_WAIT_ATTEMPTS + 1):
        with pytest.raises(
            SchemaNotReadyError, match=r"'dev/schema/t/s2\.json' arrived before this file"
        ):
            pipeline.load(data, retry_count)
    assert pipeline.warehouse.log[-1] == "ROLLBACK"
    assert pipeline.warehouse.table("t") == ROWS


def test_a_data_file_waits_only_a_while_for_a_schema_file_that_is_not_logged(
    pipeline: InMemoryPipeline,
) -> None:
    pipeline.put("dev/schema/t/s2.json", WITH_NOTE)
    data = pipeline.put("dev/append/t/x.csv", b"id,name\n3,c\n")

    with pytest.raises(SchemaNotReadyError):
        pipeline.load(data, MAX_WAIT_ATTEMPTS - 1)
    assert pipeline.load(data, MAX_WAIT_ATTEMPTS).status is Status.LOADED


@pytest.mark.parametrize("status", [Status.REJECTED, Status.FAILED])
def test_a_refused_schema_file_delays_nothing(pipeline: InMemoryPipeline, status: Status) -> None:
    pipeline.backlog.note(pipeline.put("dev/schema/t/s2.json", WITH_NOTE), status)

    assert pipeline.drop("dev/append/t/x.csv", b"id,name\n3,c\n").status is Status.LOADED


def test_a_schema_file_that_arrived_later_delays_nothing(pipeline: InMemoryPipeline) -> None:
    data = pipeline.put("dev/append/t/x.csv", b"id,name\n3,c\n")
    pipeline.backlog.note(pipeline.put("dev/schema/t/s2.json", WITH_NOTE))

    assert pipeline.load(data).status is Status.LOADED


def test_within_one_second_the_log_decides_which_file_arrived_first(
    pipeline: InMemoryPipeline,
) -> None:
    second = NOON.replace(second=30)
    data = pipeline.put("dev/append/t/x.csv", b"id,name\n3,c\n", landed_at=second, sequencer="05")
    schema = pipeline.put("dev/schema/t/s2.json", WITH_NOTE, landed_at=second, sequencer="06")

    with pytest.raises(SchemaNotReadyError):
        pipeline.load(data)
    pipeline.backlog.note(schema)
    assert pipeline.load(data).status is Status.LOADED


def test_a_schema_file_received_too_long_ago_delays_nothing(
    pipeline: InMemoryPipeline,
) -> None:
    pipeline.store.put("dev/schema/t/old.json", WITH_NOTE, landed_at=NOON - timedelta(hours=2))

    assert pipeline.drop("dev/append/t/x.csv", b"id,name\n3,c\n").status is Status.LOADED


def test_a_schema_file_waits_for_data_files_that_arrived_before_it(
    pipeline: InMemoryPipeline,
) -> None:
    data = pipeline.put("dev/append/t/x.csv", b"id,name\n3,c\n")
    pipeline.backlog.note(data)
    schema = pipeline.put("dev/schema/t/s2.json", a_schema_file(allowed_operations=["append"]))

    with pytest.raises(
        EarlierUploadError, match=r"'dev/append/t/x\.csv' arrived before this schema file"
    ):
        pipeline.load(schema)
    pipeline.load(data)
    assert pipeline.load(schema).status is Status.APPLIED


def test_a_schema_file_stops_waiting_after_max_wait_attempts(pipeline: InMemoryPipeline) -> None:
    pipeline.backlog.note(pipeline.put("dev/append/t/x.csv", b"id,name\n3,c\n"))

    schema = pipeline.put("dev/schema/t/s2.json", a_schema_file(allowed_operations=["append"]))
    with pytest.raises(EarlierUploadError):
        pipeline.load(schema, MAX_WAIT_ATTEMPTS - 1)
    assert pipeline.load(schema, MAX_WAIT_ATTEMPTS).status is Status.APPLIED


def test_a_first_schema_file_does_not_wait_for_data_files_that_wait_for_it() -> None:
    pipeline = InMemoryPipeline()
    pipeline.backlog.note(pipeline.put("dev/append/t/x.csv", b"id,name\n3,c\n"))

    assert pipeline.drop("dev/schema/t/s.json", a_schema_file()).status is Status.APPLIED


def test_a_file_is_read_by_the_schema_in_force_at_its_arrival(pipeline: InMemoryPipeline) -> None:
    """Its delimiter, columns and allowed operations apply, even if a later schema file was applied first."""
    pipeline = InMemoryPipeline()
    pipeline.drop("dev/schema/t/s.json", a_schema_file(csv={"delimiter": ";"}))
    data = pipeline.put("dev/append/t/x.csv", b"id;name\n3;c\n")
    pipeline.drop("dev/schema/t/s2.json", a_schema_file(allowed_operations=["truncate"]))

    outcome = pipeline.load(data)

    assert (outcome.status, outcome.schema_version) == (Status.LOADED, "1")
    assert pipeline.warehouse.table("t") == [["3", "c"]]


def test_a_superseded_schema_file_applies_to_data_files_that_arrived_under_it(
    pipeline: InMemoryPipeline,
) -> None:
    earlier = pipeline.put("dev/schema/t/s2.json", a_schema_file(csv={"delimiter": ";"}))
    data = pipeline.put("dev/append/t/x.csv", b"id;name\n3;c\n")
    last = pipeline.put("dev/schema/t/s3.json", a_schema_file(allowed_operations=["append"]))
    assert pipeline.load(last, MAX_WAIT_ATTEMPTS).status is Status.APPLIED

    assert pipeline.load(earlier).status is Status.SUPERSEDED
    assert (pipeline.load(earlier).settled, pipeline.load(data).status) == (
        Status.SUPERSEDED,
        Status.LOADED,
    )
    assert pipeline.warehouse.table("t") == [*ROWS, ["3", "c"]]


def test_an_unreadable_log_does_not_delay_loads_for_long(pipeline: InMemoryPipeline) -> None:
    def throttled() -> None:
        raise ThrottledError("slow down")

    pipeline.backlog.hook = throttled
    data = pipeline.put("dev/append/t/x.csv", b"id,name\n3,c\n")

    with pytest.raises(ThrottledError):
        pipeline.load(data, MAX_LOG_READ_ATTEMPTS - 1)
    assert pipeline.load(data, MAX_LOG_READ_ATTEMPTS).status is Status.LOADED


def test_a_data_file_waits_for_its_schema_file_even_if_a_later_one_was_applied_first(
    pipeline: InMemoryPipeline,
) -> None:
    """Until the earlier schema file is in the ledger, its content is unknown."""
    earlier = pipeline.put("dev/schema/t/s2.json", a_schema_file(csv={"delimiter": ";"}))
    pipeline.backlog.note(earlier)
    data = pipeline.put("dev/append/t/x.csv", b"id;name\n3;c\n")
    pipeline.load(
        pipeline.put("dev/schema/t/s3.json", a_schema_file(allowed_operations=["append"])),
        MAX_WAIT_ATTEMPTS,
    )

    with pytest.raises(SchemaNotReadyError):
        pipeline.load(data, MAX_WAIT_ATTEMPTS)
    pipeline.load(earlier)
    assert pipeline.load(data).status is Status.LOADED
