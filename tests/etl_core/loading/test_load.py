"""Load one upload into one table, over fakes: which statements run, in which order, and what stays unchanged."""

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


def test_the_first_schema_file_creates_the_ledger_and_the_table() -> None:
    pipeline = InMemoryPipeline()
    outcome = pipeline.drop("dev/schema/t/s.json", a_schema_file(schema_version="7"))

    assert (outcome.status, outcome.schema_version, outcome.table_exists) == (
        Status.APPLIED,
        "7",
        True,
    )
    assert outcome.statements == ('CREATE TABLE "public"."t" ( "id" INTEGER, "name" VARCHAR(20) )',)
    assert pipeline.warehouse.log == [
        "BEGIN", "LOCK", "ROLLBACK", "BEGIN", "CREATE SCHEMA", "COMMIT", "BEGIN", "CREATE TABLE", "COMMIT",
        "BEGIN", "COMMENT", "COMMIT", "BEGIN", "COMMENT", "COMMIT",
        "BEGIN", "LOCK", "READ LEDGER", "READ CATALOG", "CREATE TABLE", "READ CATALOG", "INSERT LEDGER", "COMMIT",
    ]  # fmt: skip


def test_a_type_with_a_hidden_limit_is_applied_with_a_warning() -> None:
    text = a_schema_file(a_column("id"), a_column("price", "DECIMAL"))
    outcome = InMemoryPipeline().drop("dev/schema/t/s.json", text)

    [warning] = outcome.warnings
    assert (outcome.status, warning.kind) == (Status.APPLIED, "schema_warning.type_limit")
    assert "DECIMAL means NUMERIC(18,0), which keeps no decimals" in warning.message


def test_the_schema_of_the_table_is_created_too() -> None:
    outcome = InMemoryPipeline().drop("dev/schema/sales.t/s.json", a_schema_file())

    assert outcome.statements[0] == 'CREATE SCHEMA IF NOT EXISTS "sales"'


def test_an_append_locks_first_and_writes_the_ledger_last_in_one_transaction(
    pipeline: InMemoryPipeline,
) -> None:
    outcome = pipeline.drop("dev/append/t/more.csv", b"name,ID\nc,3\n")

    assert (outcome.status, outcome.rows_loaded, outcome.loaded_at) == (Status.LOADED, 1, NOON)
    assert pipeline.warehouse.log == [
        "BEGIN",
        "LOCK",
        "READ LEDGER",
        "READ CATALOG",
        "COPY",
        "COUNT",
        "INSERT LEDGER",
        "COMMIT",
    ]
    assert pipeline.warehouse.copies[-1].columns == ("name", "id")
    assert pipeline.warehouse.ledger("public__t")[-1]["rows_loaded"] == 1


def test_a_truncate_deletes_before_it_copies_and_never_truncates(
    pipeline: InMemoryPipeline,
) -> None:
    outcome = pipeline.drop("dev/truncate/t/all.csv", b"id,name\n9,z\n")

    assert pipeline.warehouse.log == [
        "BEGIN", "LOCK", "READ LEDGER", "READ LEDGER", "READ CATALOG", "DELETE", "COPY", "COUNT", "INSERT LEDGER",
        "COMMIT",
    ]  # fmt: skip
    assert pipeline.warehouse.table("t") == [["9", "z"]]
    assert [text.split()[0] for text in outcome.statements] == ["DELETE", "COPY"]


def test_a_compressed_file_is_loaded_without_decompression(pipeline: InMemoryPipeline) -> None:
    outcome = pipeline.drop("dev/append/t/more.csv.gz", gzip.compress(b"id,name\n3,c\n"))

    assert outcome.rows_loaded == 1
    assert " GZIP " in outcome.statements[0]


def test_the_manifest_names_exactly_one_object(pipeline: InMemoryPipeline) -> None:
    pipeline.drop("dev/append/t/a b+c%20é.csv", b"id,name\n3,c\n")

    manifest = pipeline.store.current(pipeline.warehouse.copies[-1].source.manifest_url)
    assert (
        manifest.decode()
        == '{"entries": [{"url": "s3://lake/dev/append/t/a b+c%20é.csv", "mandatory": true}]}'
    )
    assert pipeline.store.pinned == []


@pytest.mark.parametrize("key", ["dev/append/t/x.csv", "dev/truncate/t/x.csv"])
def test_a_second_delivery_is_a_duplicate_and_executes_nothing(
    pipeline: InMemoryPipeline, key: str
) -> None:
    upload = pipeline.put(key, b"id,name\n3,c\n")
    first = pipeline.load(upload)
    rows = pipeline.warehouse.table("t")

    again = pipeline.load(upload)

    assert (again.status, again.settled, again.rows_loaded) == (
        Status.DUPLICATE,
        Status.LOADED,
        first.rows_loaded,
    )
    assert pipeline.warehouse.log == ["BEGIN", "LOCK", "READ LEDGER", "COMMIT"]
    assert again.statements == ()
    assert pipeline.warehouse.table("t") == rows


def test_the_same_file_name_with_other_bytes_is_another_upload(pipeline: InMemoryPipeline) -> None:
    outcome = pipeline.drop("dev/append/t/first.csv", b"id,name\n3,c\n")

    assert outcome.status is Status.LOADED
    assert pipeline.warehouse.table("t") == [*ROWS, ["3", "c"]]


@pytest.mark.parametrize("key", ["dev/append/t/late.csv", "dev/truncate/t/late.csv"])
def test_an_upload_older_than_a_loaded_truncate_is_superseded_and_changes_nothing(
    pipeline: InMemoryPipeline, key: str
) -> None:
    late = pipeline.put(key, b"id,name\n3,c\n")
    pipeline.drop("dev/truncate/t/all.csv", b"id,name\n9,z\n")

    outcome = pipeline.load(late)

    assert outcome.status is Status.SUPERSEDED
    assert outcome.error is not None
    assert "'dev/truncate/t/all.csv', arrived 2026-11-22T12:00:04Z" in outcome.error.message
    assert pipeline.warehouse.log == ["BEGIN", "LOCK", "READ LEDGER", "COMMIT"]
    assert pipeline.warehouse.table("t") == [["9", "z"]]


def test_a_late_truncate_reloads_the_appends_that_arrived_after_it(
    pipeline: InMemoryPipeline,
) -> None:
    truncate = pipeline.put("dev/truncate/t/all.csv", b"id,name\n9,z\n")
    pipeline.drop("dev/append/t/after.csv", b"id,name\n3,c\n")

    outcome = pipeline.load(truncate)

    assert (outcome.status, outcome.rows_loaded) == (Status.LOADED, 1)
    assert pipeline.warehouse.table("t") == [["9", "z"], ["3", "c"]]
    assert pipeline.warehouse.log.count("COPY") == 1


def test_a_late_truncate_names_the_file_that_cannot_be_reloaded(
    pipeline: InMemoryPipeline,
) -> None:
    truncate = pipeline.put("dev/truncate/t/all.csv", b"id,name\n9,z\n")
    pipeline.drop("dev/append/t/after.csv", b"id,name\n3,c\n")
    line = LoadErrorLine("s3://lake/dev/append/t/after.csv", 2, "id", "int4", 1207, "Invalid digit")
    pipeline.on("COPY", CopyRefusedError("refused", [line]))

    outcome = pipeline.load(truncate)

    assert outcome.error is not None
    assert outcome.error.message.startswith(
        "this truncate arrived late; 'dev/append/t/after.csv' arrived after it"
    )
    assert pipeline.warehouse.table("t") == [*ROWS, ["3", "c"]]


def test_an_older_schema_file_is_superseded(pipeline: InMemoryPipeline) -> None:
    outcome = pipeline.drop(
        "dev/schema/t/old.json", a_schema_file(a_column("other")), landed_at=NOON
    )

    assert outcome.status is Status.SUPERSEDED


def test_an_identical_schema_file_is_unchanged(pipeline: InMemoryPipeline) -> None:
    outcome = pipeline.drop("dev/schema/t/again.json", a_schema_file())

    assert (outcome.status, outcome.statements) == (Status.UNCHANGED, ())


def test_changed_operations_with_the_same_columns_are_applied(pipeline: InMemoryPipeline) -> None:
    pipeline.drop("dev/schema/t/s2.json", a_schema_file(allowed_operations=["append"]))

    outcome = pipeline.drop("dev/schema/t/s3.json", a_schema_file())

    assert outcome.error is not None
    assert outcome.error.type == "ActionNotAllowedError"
    assert (
        'Only a schema that lists "schema" in allowed_operations can be replaced'
        in outcome.error.message
    )


def test_columns_missing_from_the_file_are_left_out_of_copy() -> None:
    pipeline = InMemoryPipeline()
    columns = (
        a_column("id", nullable=False),
        a_column("name", "TEXT"),
        a_column("n", identity=[1, 1]),
    )
    pipeline.drop(
        "dev/schema/t/s.json",
        a_schema_file(*columns, csv={"missing_columns": "default", "delimiter": ";"}),
    )

    assert pipeline.drop("dev/append/t/x.csv", b"id\n1\n").status is Status.LOADED
    assert pipeline.warehouse.copies[-1].columns == ("id",)
    assert pipeline.drop("dev/append/t/y.csv", b"name\na\n").status is Status.REJECTED


@pytest.mark.parametrize("step", ["LOCK", "COPY", "COUNT"])
def test_an_object_overwritten_before_or_during_copy_is_loaded_from_a_pinned_copy(
    pipeline: InMemoryPipeline, step: str
) -> None:
    upload = pipeline.put("dev/append/t/x.csv", b"id,name\n3,event\n")
    pipeline.on(step, lambda: pipeline.put("dev/append/t/x.csv", b"id,name\n4,later\n"))

    outcome = pipeline.load(upload)

    assert outcome.status is Status.LOADED
    assert pipeline.warehouse.table("t") == [*ROWS, ["3", "event"]]
    assert pipeline.store.pinned == ["v1"]
    assert pipeline.warehouse.log.count("COMMIT") == 1
    assert (
        "/pinned/"
        in pipeline.store.current(pipeline.warehouse.copies[-1].source.manifest_url).decode()
    )
    assert len(outcome.statements) == 1


def test_an_object_overwritten_before_the_load_is_pinned_at_once(
    pipeline: InMemoryPipeline,
) -> None:
    upload = pipeline.put("dev/append/t/x.csv", b"id,name\n3,event\n")
    later = pipeline.put("dev/append/t/x.csv", b"id,name\n4,later\n")

    pipeline.load(upload)
    pipeline.load(later)

    assert pipeline.warehouse.table("t") == [*ROWS, ["3", "event"], ["4", "later"]]
    assert pipeline.warehouse.log.count("BEGIN") == 1


@pytest.mark.parametrize(
    "step", ["LOCK", "READ LEDGER", "READ CATALOG", "DELETE", "COPY", "COUNT", "INSERT LEDGER"]
)
@pytest.mark.parametrize(
    "error",
    [
        LockConflictError("lock conflict"),
        ConnectionLostError("connection lost"),
        ThrottledError("slow down"),
    ],
)
def test_a_retryable_error_keeps_its_class_and_leaves_the_table_unchanged(
    pipeline: InMemoryPipeline, step: str, error: Exception
) -> None:
    upload = pipeline.put("dev/truncate/t/x.csv", b"id,name\n3,c\n")
    pipeline.on(step, error)

    with pytest.raises(type(error)):
        pipeline.load(upload)

    assert pipeline.warehouse.log[-1] == "ROLLBACK"
    assert pipeline.warehouse.table("t") == ROWS
    assert pipeline.load(upload).status is Status.LOADED
    assert pipeline.warehouse.table("t") == [["3", "c"]]


def test_tables_of_different_databases_share_nothing(pipeline: InMemoryPipeline) -> None:
    pipeline.drop("analytics/schema/t/s.json", a_schema_file())
    pipeline.drop("analytics/append/t/x.csv", b"id,name\n7,q\n")

    assert pipeline.warehouse.table("t", database="analytics") == [["7", "q"]]
    assert pipeline.warehouse.table("t") == ROWS


def test_an_event_without_version_is_recorded_with_the_version_found_in_s3(
    pipeline: InMemoryPipeline,
) -> None:
    upload = replace(pipeline.put("dev/append/t/x.csv", b"id,name\n3,c\n"), version_id=None)

    assert pipeline.load(upload).version_id == "v1"
    assert pipeline.load(upload).status is Status.DUPLICATE


def test_a_duplicate_is_reported_without_reading_the_catalog(pipeline: InMemoryPipeline) -> None:
    upload = pipeline.put("dev/append/t/x.csv", b"id,name\n3,c\n")
    pipeline.load(upload)
    pipeline.warehouse.states["dev"].catalog["public", "t"].pop()

    assert pipeline.load(upload).status is Status.DUPLICATE
