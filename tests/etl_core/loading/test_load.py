"""Putting one upload into one table, over fakes: what is executed and in which order, what is refused, what stays as it was."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest

from etl_core.model.errors import (
    ConnectionLostError,
    CopyRefusedError,
    LoadErrorLine,
    LockConflictError,
    ThrottledError,
)
from etl_core.model.status import Status
from tests.builders import NOON, a_column, a_schema_file
from tests.etl_core.in_memory_pipeline import ROWS, InMemoryPipeline


def test_a_first_schema_file_makes_the_ledger_and_the_table() -> None:
    world = InMemoryPipeline()
    outcome = world.drop("dev/schema/t/s.json", a_schema_file(schema_version="7"))

    assert (outcome.status, outcome.schema_version, outcome.table_exists) == (
        Status.APPLIED,
        "7",
        True,
    )
    assert outcome.statements == ('CREATE TABLE "public"."t" ( "id" INTEGER, "name" VARCHAR(20) )',)
    assert world.warehouse.log == [
        "BEGIN", "LOCK", "ROLLBACK", "BEGIN", "CREATE SCHEMA", "COMMIT", "BEGIN", "CREATE TABLE", "COMMIT",
        "BEGIN", "LOCK", "READ LEDGER", "READ CATALOG", "CREATE TABLE", "INSERT LEDGER", "COMMIT",
    ]  # fmt: skip


def test_a_table_of_another_schema_gets_its_schema_too() -> None:
    outcome = InMemoryPipeline().drop("dev/schema/sales.t/s.json", a_schema_file())

    assert outcome.statements[0] == 'CREATE SCHEMA IF NOT EXISTS "sales"'


def test_an_append_locks_first_and_writes_the_ledger_last_in_one_transaction(
    world: InMemoryPipeline,
) -> None:
    outcome = world.drop("dev/append/t/more.csv", b"name,ID\nc,3\n")

    assert (outcome.status, outcome.rows_loaded, outcome.loaded_at) == (Status.LOADED, 1, NOON)
    assert world.warehouse.log == [
        "BEGIN",
        "LOCK",
        "READ LEDGER",
        "READ CATALOG",
        "COPY",
        "COUNT",
        "INSERT LEDGER",
        "COMMIT",
    ]
    assert world.warehouse.copies[-1].columns == ("name", "id")
    assert world.warehouse.ledger("public__t")[-1]["rows_loaded"] == 1


def test_a_truncate_deletes_before_it_copies_and_never_truncates(world: InMemoryPipeline) -> None:
    outcome = world.drop("dev/truncate/t/all.csv", b"id,name\n9,z\n")

    assert world.warehouse.log == [
        "BEGIN", "LOCK", "READ LEDGER", "READ CATALOG", "DELETE", "COPY", "COUNT", "INSERT LEDGER", "COMMIT",
    ]  # fmt: skip
    assert world.warehouse.table("t") == [["9", "z"]]
    assert [text.split()[0] for text in outcome.statements] == ["DELETE", "COPY"]


def test_a_compressed_file_is_loaded_as_it_is(world: InMemoryPipeline) -> None:
    outcome = world.drop("dev/append/t/more.csv.gz", gzip.compress(b"id,name\n3,c\n"))

    assert outcome.rows_loaded == 1
    assert " GZIP " in outcome.statements[0]


def test_the_manifest_names_exactly_one_object(world: InMemoryPipeline) -> None:
    world.drop("dev/append/t/a b+c%20é.csv", b"id,name\n3,c\n")

    manifest = world.store.current(world.warehouse.copies[-1].source.manifest_url)
    assert (
        manifest.decode()
        == '{"entries": [{"url": "s3://lake/dev/append/t/a b+c%20é.csv", "mandatory": true}]}'
    )
    assert world.store.pinned == []


@pytest.mark.parametrize("key", ["dev/append/t/x.csv", "dev/truncate/t/x.csv"])
def test_a_second_delivery_is_a_duplicate_and_executes_nothing(
    world: InMemoryPipeline, key: str
) -> None:
    upload = world.put(key, b"id,name\n3,c\n")
    first = world.load(upload)
    rows = world.warehouse.table("t")

    again = world.load(upload)

    assert (again.status, again.settled, again.rows_loaded) == (
        Status.DUPLICATE,
        Status.LOADED,
        first.rows_loaded,
    )
    assert world.warehouse.log == ["BEGIN", "LOCK", "READ LEDGER", "COMMIT"]
    assert again.statements == ()
    assert world.warehouse.table("t") == rows


def test_the_same_file_name_with_other_bytes_is_another_upload(world: InMemoryPipeline) -> None:
    outcome = world.drop("dev/append/t/first.csv", b"id,name\n3,c\n")

    assert outcome.status is Status.LOADED
    assert world.warehouse.table("t") == [*ROWS, ["3", "c"]]


@pytest.mark.parametrize("key", ["dev/append/t/late.csv", "dev/truncate/t/late.csv"])
def test_an_upload_older_than_a_loaded_truncate_is_superseded_and_changes_nothing(
    world: InMemoryPipeline, key: str
) -> None:
    late = world.put(key, b"id,name\n3,c\n")
    world.drop("dev/truncate/t/all.csv", b"id,name\n9,z\n")

    outcome = world.load(late)

    assert outcome.status is Status.SUPERSEDED
    assert outcome.error is not None
    assert "'dev/truncate/t/all.csv', landed 2026-11-22T12:00:04Z" in outcome.error.message
    assert world.warehouse.log == ["BEGIN", "LOCK", "READ LEDGER", "COMMIT"]
    assert world.warehouse.table("t") == [["9", "z"]]


def test_a_late_truncate_loads_the_appends_behind_it_again(world: InMemoryPipeline) -> None:
    truncate = world.put("dev/truncate/t/all.csv", b"id,name\n9,z\n")
    world.drop("dev/append/t/after.csv", b"id,name\n3,c\n")

    outcome = world.load(truncate)

    assert (outcome.status, outcome.rows_loaded) == (Status.LOADED, 1)
    assert world.warehouse.table("t") == [["9", "z"], ["3", "c"]]
    assert world.warehouse.log.count("COPY") == 1


def test_a_late_truncate_says_which_other_file_stands_in_its_way(world: InMemoryPipeline) -> None:
    truncate = world.put("dev/truncate/t/all.csv", b"id,name\n9,z\n")
    world.drop("dev/append/t/after.csv", b"id,name\n3,c\n")
    line = LoadErrorLine("s3://lake/dev/append/t/after.csv", 2, "id", "int4", 1207, "Invalid digit")
    world.on("COPY", CopyRefusedError("refused", [line]))

    outcome = world.load(truncate)

    assert outcome.error is not None
    assert outcome.error.message.startswith(
        "'dev/append/t/after.csv', which landed after this truncate"
    )
    assert world.warehouse.table("t") == [*ROWS, ["3", "c"]]


def test_an_older_schema_file_is_superseded(world: InMemoryPipeline) -> None:
    outcome = world.drop("dev/schema/t/old.json", a_schema_file(a_column("other")), landed_at=NOON)

    assert outcome.status is Status.SUPERSEDED


def test_the_same_schema_again_is_unchanged(world: InMemoryPipeline) -> None:
    outcome = world.drop("dev/schema/t/again.json", a_schema_file())

    assert (outcome.status, outcome.statements) == (Status.UNCHANGED, ())


def test_new_operations_of_the_same_columns_are_applied(world: InMemoryPipeline) -> None:
    world.drop("dev/schema/t/s2.json", a_schema_file(allowed_operations=["append"]))

    outcome = world.drop("dev/schema/t/s3.json", a_schema_file())

    assert outcome.error is not None
    assert outcome.error.type == "ActionNotAllowedError"
    assert "only a schema that lists schema" in outcome.error.message


def test_columns_that_may_be_left_out_are_left_out_of_copy() -> None:
    world = InMemoryPipeline()
    columns = (
        a_column("id", nullable=False),
        a_column("name", "TEXT"),
        a_column("n", identity=[1, 1]),
    )
    world.drop(
        "dev/schema/t/s.json",
        a_schema_file(*columns, csv={"missing_columns": "default", "delimiter": ";"}),
    )

    assert world.drop("dev/append/t/x.csv", b"id\n1\n").status is Status.LOADED
    assert world.warehouse.copies[-1].columns == ("id",)
    assert world.drop("dev/append/t/y.csv", b"name\na\n").status is Status.REJECTED


@pytest.mark.parametrize("moment", ["LOCK", "COPY", "COUNT"])
def test_an_object_overwritten_before_or_during_copy_is_loaded_from_a_pinned_copy(
    world: InMemoryPipeline, moment: str
) -> None:
    upload = world.put("dev/append/t/x.csv", b"id,name\n3,event\n")
    world.on(moment, lambda: world.put("dev/append/t/x.csv", b"id,name\n4,later\n"))

    outcome = world.load(upload)

    assert outcome.status is Status.LOADED
    assert world.warehouse.table("t") == [*ROWS, ["3", "event"]]
    assert world.store.pinned == ["v1"]
    assert world.warehouse.log.count("COMMIT") == 1
    assert (
        "/pinned/" in world.store.current(world.warehouse.copies[-1].source.manifest_url).decode()
    )
    assert len(outcome.statements) == 1


def test_an_object_overwritten_before_the_load_is_pinned_at_once(world: InMemoryPipeline) -> None:
    upload = world.put("dev/append/t/x.csv", b"id,name\n3,event\n")
    later = world.put("dev/append/t/x.csv", b"id,name\n4,later\n")

    world.load(upload)
    world.load(later)

    assert world.warehouse.table("t") == [*ROWS, ["3", "event"], ["4", "later"]]
    assert world.warehouse.log.count("BEGIN") == 1


@pytest.mark.parametrize(
    "moment", ["LOCK", "READ LEDGER", "READ CATALOG", "DELETE", "COPY", "COUNT", "INSERT LEDGER"]
)
@pytest.mark.parametrize(
    "error",
    [LockConflictError("in the way"), ConnectionLostError("gone"), ThrottledError("slow down")],
)
def test_an_error_that_may_pass_leaves_by_its_own_class_and_the_table_as_it_was(
    world: InMemoryPipeline, moment: str, error: Exception
) -> None:
    upload = world.put("dev/truncate/t/x.csv", b"id,name\n3,c\n")
    world.on(moment, error)

    with pytest.raises(type(error)):
        world.load(upload)

    assert world.warehouse.log[-1] == "ROLLBACK"
    assert world.warehouse.table("t") == ROWS
    assert world.load(upload).status is Status.LOADED
    assert world.warehouse.table("t") == [["3", "c"]]


def test_tables_and_databases_do_not_share_anything(world: InMemoryPipeline) -> None:
    world.drop("analytics/schema/t/s.json", a_schema_file())
    world.drop("analytics/append/t/x.csv", b"id,name\n7,q\n")

    assert world.warehouse.table("t", database="analytics") == [["7", "q"]]
    assert world.warehouse.table("t") == ROWS


def test_the_upload_of_an_event_without_version_is_recorded_with_the_version_found(
    world: InMemoryPipeline,
) -> None:
    upload = replace(world.put("dev/append/t/x.csv", b"id,name\n3,c\n"), version_id=None)

    assert world.load(upload).version_id == "v1"
    assert world.load(upload).status is Status.DUPLICATE


def test_a_duplicate_is_told_without_a_look_at_the_table(world: InMemoryPipeline) -> None:
    upload = world.put("dev/append/t/x.csv", b"id,name\n3,c\n")
    world.load(upload)
    world.warehouse.states["dev"].catalog["public", "t"].pop()

    assert world.load(upload).status is Status.DUPLICATE
