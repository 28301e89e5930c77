"""Landing order between schema files and data: who waits for whom, for how long, and by which schema a late file is read."""

from __future__ import annotations

from datetime import timedelta

import pytest

from etl_core.model.errors import EarlierUploadError, SchemaNotReadyError, ThrottledError
from etl_core.model.retry_policies import MAX_LOG_READ_ATTEMPTS, MAX_WAIT_ATTEMPTS
from etl_core.model.status import Status
from tests.builders import NOON, a_column, a_schema_file
from tests.etl_core.in_memory_pipeline import ROWS, InMemoryPipeline

WITH_NOTE = a_schema_file(
    a_column(), a_column("name", "VARCHAR(20)"), a_column("note", "VARCHAR(9)")
)


def test_a_data_file_waits_for_a_schema_file_that_lies_in_the_lake() -> None:
    world = InMemoryPipeline()
    world.put("dev/schema/T/s.json", a_schema_file())

    with pytest.raises(SchemaNotReadyError, match="See the log of its upload"):
        world.drop("dev/append/t/x.csv", b"id,name\n1,a\n")


def test_a_data_file_does_not_wait_for_a_first_schema_file_that_was_refused() -> None:
    world = InMemoryPipeline()
    world.drop("dev/schema/t/s.json", b"{")

    outcome = world.drop("dev/append/t/x.csv", b"id,name\n1,a\n")

    assert outcome.error is not None
    assert outcome.error.type == "NoSchemaError"
    assert "its schema file 'dev/schema/t/s.json' was refused" in outcome.error.message


def test_a_refused_schema_file_says_nothing_about_the_one_before_it_under_the_same_name() -> None:
    world = InMemoryPipeline()
    first = world.put("dev/schema/t/s.json", a_schema_file())
    world.backlog.note(first)
    data = world.put("dev/append/t/x.csv", b"id,name\n1,a\n")
    world.drop("dev/schema/t/s.json", b"{")

    with pytest.raises(SchemaNotReadyError):
        world.load(data)
    world.load(first)

    assert world.load(data).status is Status.LOADED


def test_a_data_file_waits_for_a_later_schema_that_landed_before_it_and_was_received(
    world: InMemoryPipeline,
) -> None:
    schema = world.put("dev/schema/t/s2.json", WITH_NOTE)
    world.backlog.note(schema)
    data = world.put("dev/append/t/x.csv", b"id,name,note\n3,c,n\n")

    for retry_count in (0, MAX_WAIT_ATTEMPTS + 1):
        with pytest.raises(
            SchemaNotReadyError, match=r"'dev/schema/t/s2\.json' landed before this file"
        ):
            world.load(data, retry_count)
    assert world.warehouse.log[-1] == "ROLLBACK"
    assert world.warehouse.table("t") == ROWS


def test_a_schema_file_that_nobody_has_seen_is_waited_for_a_while_only(
    world: InMemoryPipeline,
) -> None:
    world.put("dev/schema/t/s2.json", WITH_NOTE)
    data = world.put("dev/append/t/x.csv", b"id,name\n3,c\n")

    with pytest.raises(SchemaNotReadyError):
        world.load(data, MAX_WAIT_ATTEMPTS - 1)
    assert world.load(data, MAX_WAIT_ATTEMPTS).status is Status.LOADED


@pytest.mark.parametrize("status", [Status.REJECTED, Status.FAILED])
def test_a_schema_file_that_was_refused_holds_up_nobody(
    world: InMemoryPipeline, status: Status
) -> None:
    world.backlog.note(world.put("dev/schema/t/s2.json", WITH_NOTE), status)

    assert world.drop("dev/append/t/x.csv", b"id,name\n3,c\n").status is Status.LOADED


def test_a_schema_file_that_landed_later_holds_up_nobody(world: InMemoryPipeline) -> None:
    data = world.put("dev/append/t/x.csv", b"id,name\n3,c\n")
    world.backlog.note(world.put("dev/schema/t/s2.json", WITH_NOTE))

    assert world.load(data).status is Status.LOADED


def test_within_one_second_the_log_tells_which_was_first(world: InMemoryPipeline) -> None:
    second = NOON.replace(second=30)
    data = world.put("dev/append/t/x.csv", b"id,name\n3,c\n", landed_at=second, sequencer="05")
    schema = world.put("dev/schema/t/s2.json", WITH_NOTE, landed_at=second, sequencer="06")

    with pytest.raises(SchemaNotReadyError):
        world.load(data)
    world.backlog.note(schema)
    assert world.load(data).status is Status.LOADED


def test_a_schema_file_whose_execution_was_lost_long_ago_holds_up_nobody(
    world: InMemoryPipeline,
) -> None:
    world.store.put("dev/schema/t/old.json", WITH_NOTE, landed_at=NOON - timedelta(hours=2))

    assert world.drop("dev/append/t/x.csv", b"id,name\n3,c\n").status is Status.LOADED


def test_a_schema_file_lets_the_data_go_first_that_landed_before_it(
    world: InMemoryPipeline,
) -> None:
    data = world.put("dev/append/t/x.csv", b"id,name\n3,c\n")
    world.backlog.note(data)
    schema = world.put("dev/schema/t/s2.json", a_schema_file(allowed_operations=["append"]))

    with pytest.raises(
        EarlierUploadError, match=r"'dev/append/t/x\.csv' landed before this schema file"
    ):
        world.load(schema)
    world.load(data)
    assert world.load(schema).status is Status.APPLIED


def test_a_schema_file_does_not_wait_for_ever(world: InMemoryPipeline) -> None:
    world.backlog.note(world.put("dev/append/t/x.csv", b"id,name\n3,c\n"))

    schema = world.put("dev/schema/t/s2.json", a_schema_file(allowed_operations=["append"]))
    with pytest.raises(EarlierUploadError):
        world.load(schema, MAX_WAIT_ATTEMPTS - 1)
    assert world.load(schema, MAX_WAIT_ATTEMPTS).status is Status.APPLIED


def test_a_first_schema_file_does_not_wait_for_the_data_that_waits_for_it() -> None:
    world = InMemoryPipeline()
    world.backlog.note(world.put("dev/append/t/x.csv", b"id,name\n3,c\n"))

    assert world.drop("dev/schema/t/s.json", a_schema_file()).status is Status.APPLIED


def test_a_file_is_read_by_the_schema_under_which_it_landed(world: InMemoryPipeline) -> None:
    """By its separator, its columns and its allowed operations, though a later schema file was applied first."""
    world = InMemoryPipeline()
    world.drop("dev/schema/t/s.json", a_schema_file(csv={"delimiter": ";"}))
    data = world.put("dev/append/t/x.csv", b"id;name\n3;c\n")
    world.drop("dev/schema/t/s2.json", a_schema_file(allowed_operations=["truncate"]))

    outcome = world.load(data)

    assert (outcome.status, outcome.schema_version) == (Status.LOADED, "1")
    assert world.warehouse.table("t") == [["3", "c"]]


def test_a_superseded_schema_file_governs_the_data_that_landed_under_it(
    world: InMemoryPipeline,
) -> None:
    overtaken = world.put("dev/schema/t/s2.json", a_schema_file(csv={"delimiter": ";"}))
    data = world.put("dev/append/t/x.csv", b"id;name\n3;c\n")
    last = world.put("dev/schema/t/s3.json", a_schema_file(allowed_operations=["append"]))
    assert world.load(last, MAX_WAIT_ATTEMPTS).status is Status.APPLIED

    assert world.load(overtaken).status is Status.SUPERSEDED
    assert (world.load(overtaken).settled, world.load(data).status) == (
        Status.SUPERSEDED,
        Status.LOADED,
    )
    assert world.warehouse.table("t") == [*ROWS, ["3", "c"]]


def test_a_log_that_cannot_be_read_holds_up_nobody_for_long(world: InMemoryPipeline) -> None:
    def throttled() -> None:
        raise ThrottledError("slow down")

    world.backlog.hook = throttled
    data = world.put("dev/append/t/x.csv", b"id,name\n3,c\n")

    with pytest.raises(ThrottledError):
        world.load(data, MAX_LOG_READ_ATTEMPTS - 1)
    assert world.load(data, MAX_LOG_READ_ATTEMPTS).status is Status.LOADED


def test_data_waits_for_its_schema_file_also_when_a_later_one_has_overtaken_that(
    world: InMemoryPipeline,
) -> None:
    """Until the overtaken file is in the ledger nobody knows what it says."""
    overtaken = world.put("dev/schema/t/s2.json", a_schema_file(csv={"delimiter": ";"}))
    world.backlog.note(overtaken)
    data = world.put("dev/append/t/x.csv", b"id;name\n3;c\n")
    world.load(
        world.put("dev/schema/t/s3.json", a_schema_file(allowed_operations=["append"])),
        MAX_WAIT_ATTEMPTS,
    )

    with pytest.raises(SchemaNotReadyError):
        world.load(data, MAX_WAIT_ATTEMPTS)
    world.load(overtaken)
    assert world.load(data).status is Status.LOADED
