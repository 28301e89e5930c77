"""Putting one upload into one table, over fakes: what is executed and in which order, what is refused, what stays as it was."""

from __future__ import annotations

import gzip
from dataclasses import replace

import pytest
import sqlalchemy as sa

from etl_core.errors import (
    ConnectionLostError,
    CopyRefusedError,
    LoadErrorLine,
    LoadFailedError,
    LoadTimeoutError,
    LockConflictError,
    SchemaNotReadyError,
    ThrottledError,
)
from etl_core.log import Status
from tests.builders import NOON, a_column, a_schema_file, an_upload
from tests.etl_core.world import ROWS, World
from tests.fakes import catalog_rows


def test_a_first_schema_file_makes_the_ledger_and_the_table() -> None:
    world = World()
    outcome = world.drop("dev/schema/t/s.json", a_schema_file(schema_version="7"))

    assert (outcome.status, outcome.schema_version, outcome.table_exists) == (Status.APPLIED, "7", True)
    assert outcome.statements == ('CREATE TABLE "public"."t" ( "id" INTEGER, "name" VARCHAR(20) )',)
    assert world.warehouse.log == [
        "BEGIN", "LOCK", "ROLLBACK", "BEGIN", "CREATE SCHEMA", "COMMIT", "BEGIN", "CREATE TABLE", "COMMIT",
        "BEGIN", "LOCK", "READ LEDGER", "READ CATALOG", "CREATE TABLE", "INSERT LEDGER", "COMMIT",
    ]  # fmt: skip


def test_a_table_of_another_schema_gets_its_schema_too() -> None:
    outcome = World().drop("dev/schema/sales.t/s.json", a_schema_file())

    assert outcome.statements[0] == 'CREATE SCHEMA IF NOT EXISTS "sales"'


def test_an_append_locks_first_and_writes_the_ledger_last_in_one_transaction(world: World) -> None:
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


def test_a_truncate_deletes_before_it_copies_and_never_truncates(world: World) -> None:
    outcome = world.drop("dev/truncate/t/all.csv", b"id,name\n9,z\n")

    assert world.warehouse.log == [
        "BEGIN", "LOCK", "READ LEDGER", "READ CATALOG", "DELETE", "COPY", "COUNT", "INSERT LEDGER", "COMMIT",
    ]  # fmt: skip
    assert world.warehouse.table("t") == [["9", "z"]]
    assert [text.split()[0] for text in outcome.statements] == ["DELETE", "COPY"]


def test_a_compressed_file_is_loaded_as_it_is(world: World) -> None:
    outcome = world.drop("dev/append/t/more.csv.gz", gzip.compress(b"id,name\n3,c\n"))

    assert outcome.rows_loaded == 1
    assert " GZIP " in outcome.statements[0]


def test_the_manifest_names_exactly_one_object(world: World) -> None:
    world.drop("dev/append/t/a b+c%20é.csv", b"id,name\n3,c\n")

    manifest = world.store.current(world.warehouse.copies[-1].source.manifest_url)
    assert manifest.decode() == '{"entries": [{"url": "s3://lake/dev/append/t/a b+c%20é.csv", "mandatory": true}]}'
    assert world.store.pinned == []


@pytest.mark.parametrize("key", ["dev/append/t/x.csv", "dev/truncate/t/x.csv"])
def test_a_second_delivery_is_a_duplicate_and_executes_nothing(world: World, key: str) -> None:
    upload = world.put(key, b"id,name\n3,c\n")
    first = world.load(upload)
    rows = world.warehouse.table("t")

    again = world.load(upload)

    assert (again.status, again.settled, again.rows_loaded) == (Status.DUPLICATE, Status.LOADED, first.rows_loaded)
    assert world.warehouse.log == ["BEGIN", "LOCK", "READ LEDGER", "COMMIT"]
    assert again.statements == ()
    assert world.warehouse.table("t") == rows


def test_the_same_file_name_with_other_bytes_is_another_upload(world: World) -> None:
    outcome = world.drop("dev/append/t/first.csv", b"id,name\n3,c\n")

    assert outcome.status is Status.LOADED
    assert world.warehouse.table("t") == [*ROWS, ["3", "c"]]


@pytest.mark.parametrize("key", ["dev/append/t/late.csv", "dev/truncate/t/late.csv"])
def test_an_upload_older_than_a_loaded_truncate_is_superseded_and_changes_nothing(world: World, key: str) -> None:
    late = world.put(key, b"id,name\n3,c\n")
    world.drop("dev/truncate/t/all.csv", b"id,name\n9,z\n")

    outcome = world.load(late)

    assert outcome.status is Status.SUPERSEDED
    assert outcome.error is not None
    assert "'dev/truncate/t/all.csv', landed 2026-11-22T12:00:04Z" in outcome.error.message
    assert world.warehouse.log == ["BEGIN", "LOCK", "READ LEDGER", "COMMIT"]
    assert world.warehouse.table("t") == [["9", "z"]]


def test_a_late_truncate_loads_the_appends_behind_it_again(world: World) -> None:
    truncate = world.put("dev/truncate/t/all.csv", b"id,name\n9,z\n")
    world.drop("dev/append/t/after.csv", b"id,name\n3,c\n")

    outcome = world.load(truncate)

    assert (outcome.status, outcome.rows_loaded) == (Status.LOADED, 1)
    assert world.warehouse.table("t") == [["9", "z"], ["3", "c"]]
    assert world.warehouse.log.count("COPY") == 1


def test_a_late_truncate_says_which_other_file_stands_in_its_way(world: World) -> None:
    truncate = world.put("dev/truncate/t/all.csv", b"id,name\n9,z\n")
    world.drop("dev/append/t/after.csv", b"id,name\n3,c\n")
    line = LoadErrorLine("s3://lake/dev/append/t/after.csv", 2, "id", "int4", 1207, "Invalid digit")
    world.on("COPY", CopyRefusedError("refused", [line]))

    outcome = world.load(truncate)

    assert outcome.error is not None
    assert outcome.error.message.startswith("'dev/append/t/after.csv', which landed after this truncate")
    assert world.warehouse.table("t") == [*ROWS, ["3", "c"]]


def test_an_older_schema_file_is_superseded(world: World) -> None:
    outcome = world.drop("dev/schema/t/old.json", a_schema_file(a_column("other")), landed_at=NOON)

    assert outcome.status is Status.SUPERSEDED


def test_the_same_schema_again_is_unchanged(world: World) -> None:
    outcome = world.drop("dev/schema/t/again.json", a_schema_file())

    assert (outcome.status, outcome.statements) == (Status.UNCHANGED, ())


def test_another_schema_is_rejected_with_each_difference(world: World) -> None:
    outcome = world.drop("dev/schema/t/s2.json", a_schema_file(a_column("id", "BIGINT"), a_column("note")))

    assert outcome.status is Status.REJECTED
    assert outcome.error is not None
    assert outcome.error.type == "SchemaChangeRefusedError"
    assert len(outcome.error.details) == 2
    assert "Nothing was changed" in outcome.error.message


def test_a_table_with_a_type_no_schema_file_can_describe_is_a_rejection(world: World) -> None:
    [row, *_] = catalog_rows(sa.Table("u", sa.MetaData(), sa.Column("a", sa.INTEGER())))
    row._mapping["type_text"] = "geography"
    world.warehouse.states["dev"].catalog["public", "u"] = [row]

    outcome = world.drop("dev/schema/u/s.json", a_schema_file())

    assert outcome.error is not None
    assert outcome.error.type == "SchemaChangeRefusedError"
    assert "'geography'" in outcome.error.message


def test_new_operations_of_the_same_columns_are_applied(world: World) -> None:
    world.drop("dev/schema/t/s2.json", a_schema_file(allowed_operations=["append"]))

    outcome = world.drop("dev/schema/t/s3.json", a_schema_file())

    assert outcome.error is not None
    assert outcome.error.type == "ActionNotAllowedError"
    assert "only a schema that lists schema" in outcome.error.message


BAD = {
    "too few parts": ("dev/x.csv", b"id,name\n", "rejected", "InvalidKeyError", "db_name/action/table_name/file"),
    "unknown action": ("dev/upsert/t/x.csv", b"id,name\n", "rejected", "InvalidKeyError", "append, truncate, schema"),
    "unknown database": ("prod/append/t/x.csv", b"id,name\n", "rejected", "InvalidKeyError", "analytics, dev"),
    "unsafe name": ("dev/append/t;x/x.csv", b"id,name\n", "rejected", "InvalidKeyError", "safe name"),
    "long name": (f"dev/append/{'t' * 128}/x.csv", b"id,name\n", "rejected", "InvalidKeyError", "127"),
    "no schema": ("dev/append/u/x.csv", b"id,name\n", "rejected", "NoSchemaError", "upload a schema file to dev/schema/u/"),
    "no schema elsewhere": ("analytics/append/s.t/x.csv", b"id\n", "rejected", "NoSchemaError", "analytics/schema/s.t/schema.json"),
    "wrong extension": ("dev/append/t/x.txt", b"id,name\n", "rejected", "InvalidDataFileError", ".csv.gz"),
    "no bytes": ("dev/append/t/x.csv", b"", "rejected", "InvalidDataFileError", "0 bytes"),
    "blank": ("dev/append/t/x.csv", b"\n\n", "rejected", "InvalidDataFileError", "is empty"),
    "missing column": ("dev/append/t/x.csv", b"id\n1\n", "rejected", "HeaderMismatchError", "'name' is missing"),
    "extra column": ("dev/truncate/t/x.csv", b"id,name,x9\n", "rejected", "HeaderMismatchError", "'x9' is not in the table"),
    "duplicate column": ("dev/append/t/x.csv", b"id,name,Name\n", "rejected", "HeaderMismatchError", "'name' is there 2 times"),
    "misspelt column": ("dev/append/t/x.csv", b"id,nmae\n", "rejected", "HeaderMismatchError", "did you mean 'name'?"),
    "damaged compression": ("dev/append/t/x.csv.gz", b"id,name\n1,a\n", "rejected", "InvalidDataFileError", "not valid GZIP"),
    "no JSON": ("dev/schema/t/x.json", b"{", "rejected", "InvalidSchemaFileError", "not valid JSON"),
    "faulty schema": ("dev/schema/t/x.json", b'{"columns":[{}]}', "rejected", "InvalidSchemaFileError", "$.columns[0].type"),
    "schema extension": ("dev/schema/t/x.csv", b"{}", "rejected", "InvalidSchemaFileError", "schema files end in .json"),
    "schema too large": ("dev/schema/t/x.json", b" " * 1_000_001, "rejected", "InvalidSchemaFileError", "at most 1000000"),
}  # fmt: skip


@pytest.mark.parametrize(("key", "content", "status", "error", "says"), BAD.values(), ids=BAD)
def test_a_bad_upload_is_answered_and_leaves_everything_as_it_was(
    world: World, key: str, content: bytes, status: str, error: str, says: str
) -> None:
    ledger = list(world.warehouse.ledger("public__t"))

    outcome = world.drop(key, content)

    assert outcome.error is not None
    assert (outcome.status, outcome.error.type) == (status, error)
    assert says in outcome.error.message
    assert world.warehouse.table("t") == ROWS
    assert world.warehouse.ledger("public__t") == ledger
    assert not {"COPY", "DELETE", "INSERT LEDGER"} & set(world.warehouse.log)


def test_an_action_that_the_schema_does_not_list_is_rejected() -> None:
    world = World()
    world.drop("dev/schema/t/s.json", a_schema_file(allowed_operations=["append"]))

    outcome = world.drop("dev/truncate/t/x.csv", b"id,name\n1,a\n")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.type) == (Status.REJECTED, "ActionNotAllowedError")
    assert "truncate is not allowed for public.t" in outcome.error.message
    assert "allows append" in outcome.error.message


def test_a_schema_file_too_long_for_the_ledger_is_rejected_and_makes_no_table() -> None:
    import random

    text = random.Random(1).choices
    columns = [
        a_column(f"c{number}", description="".join(text("abcdefghij0123456789", k=400))) for number in range(1600)
    ]
    world = World()

    outcome = world.drop("dev/schema/t/s.json", a_schema_file(*columns))

    assert outcome.error is not None
    assert (outcome.status, outcome.error.type) == (Status.REJECTED, "InvalidSchemaFileError")
    assert "Shorten its descriptions" in outcome.error.message
    assert world.warehouse.table("t") is None


def test_an_object_of_another_bucket_is_not_loaded() -> None:
    outcome = World().load(an_upload(bucket="other"))

    assert outcome.error is not None
    assert "this stack loads from 'lake' only" in outcome.error.message


def test_a_version_that_is_gone_is_rejected(world: World) -> None:
    outcome = world.load(an_upload("dev/append/t/gone.csv"))

    assert outcome.error is not None
    assert outcome.error.type == "MissingObjectError"


def test_a_data_file_waits_for_a_schema_file_that_lies_in_the_lake() -> None:
    world = World()
    world.put("dev/schema/T/s.json", a_schema_file())

    with pytest.raises(SchemaNotReadyError, match="See the log of its upload"):
        world.drop("dev/append/t/x.csv", b"id,name\n1,a\n")


def test_columns_that_may_be_left_out_are_left_out_of_copy() -> None:
    world = World()
    columns = (a_column("id", nullable=False), a_column("name", "TEXT"), a_column("n", identity=[1, 1]))
    world.drop("dev/schema/t/s.json", a_schema_file(*columns, csv={"missing_columns": "default", "delimiter": ";"}))

    assert world.drop("dev/append/t/x.csv", b"id\n1\n").status is Status.LOADED
    assert world.warehouse.copies[-1].columns == ("id",)
    assert world.drop("dev/append/t/y.csv", b"name\na\n").status is Status.REJECTED


@pytest.mark.parametrize("moment", ["LOCK", "COPY", "COUNT"])
def test_an_object_overwritten_before_or_during_copy_is_loaded_from_a_pinned_copy(world: World, moment: str) -> None:
    upload = world.put("dev/append/t/x.csv", b"id,name\n3,event\n")
    world.on(moment, lambda: world.put("dev/append/t/x.csv", b"id,name\n4,later\n"))

    outcome = world.load(upload)

    assert outcome.status is Status.LOADED
    assert world.warehouse.table("t") == [*ROWS, ["3", "event"]]
    assert world.store.pinned == ["v1"]
    assert world.warehouse.log.count("COMMIT") == 1
    assert "/pinned/" in world.store.current(world.warehouse.copies[-1].source.manifest_url).decode()
    assert len(outcome.statements) == 1


def test_an_object_overwritten_before_the_load_is_pinned_at_once(world: World) -> None:
    upload = world.put("dev/append/t/x.csv", b"id,name\n3,event\n")
    later = world.put("dev/append/t/x.csv", b"id,name\n4,later\n")

    world.load(upload)
    world.load(later)

    assert world.warehouse.table("t") == [*ROWS, ["3", "event"], ["4", "later"]]
    assert world.warehouse.log.count("BEGIN") == 1


@pytest.mark.parametrize("moment", ["LOCK", "READ LEDGER", "READ CATALOG", "DELETE", "COPY", "COUNT", "INSERT LEDGER"])
@pytest.mark.parametrize(
    "error", [LockConflictError("in the way"), ConnectionLostError("gone"), ThrottledError("slow down")]
)
def test_an_error_that_may_pass_leaves_by_its_own_class_and_the_table_as_it_was(
    world: World, moment: str, error: Exception
) -> None:
    upload = world.put("dev/truncate/t/x.csv", b"id,name\n3,c\n")
    world.on(moment, error)

    with pytest.raises(type(error)):
        world.load(upload)

    assert world.warehouse.log[-1] == "ROLLBACK"
    assert world.warehouse.table("t") == ROWS
    assert world.load(upload).status is Status.LOADED
    assert world.warehouse.table("t") == [["3", "c"]]


@pytest.mark.parametrize("error", [LoadFailedError("the warehouse refused"), LoadTimeoutError("out of time")])
def test_an_error_that_stays_is_answered_as_failed(world: World, error: LoadFailedError) -> None:
    world.on("COPY", error)

    outcome = world.drop("dev/truncate/t/x.csv", b"id,name\n3,c\n")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.type, outcome.error.message) == (
        Status.FAILED,
        type(error).__name__,
        error.message,
    )
    assert world.warehouse.table("t") == ROWS
    assert [text.split()[0] for text in outcome.statements] == ["DELETE", "COPY"]


def test_a_refused_value_is_told_with_line_column_value_and_reason(world: World) -> None:
    line = LoadErrorLine("s3://lake/x", 3, "id", "int4", 1207, "Invalid digit, Value 'x', Pos 0, Type: Integer")
    world.on("COPY", CopyRefusedError("load into table t failed", [line]))

    outcome = world.drop("dev/append/t/x.csv", b"name,id\na,1\nb,x7\n")

    assert outcome.error is not None
    assert outcome.status is Status.FAILED
    assert "line 3, column 'id' (int4), value 'x7': Invalid digit" in outcome.error.message
    assert "the table is as it was" in outcome.error.message
    assert world.warehouse.table("t") == ROWS


def test_a_refusal_without_detail_is_told_all_the_same(world: World) -> None:
    world.on("COPY", CopyRefusedError("load into table t failed"))

    outcome = world.drop("dev/append/t/x.csv", b"id,name\n1,a\n")

    assert outcome.error is not None
    assert outcome.error.message == "load into table t failed. Nothing was loaded; the table is as it was"


def test_a_table_that_somebody_dropped_is_told_with_the_way_out(world: World) -> None:
    world.warehouse.states["dev"].rows.clear()
    world.warehouse.states["dev"].catalog.clear()

    outcome = world.drop("dev/append/t/x.csv", b"id,name\n1,a\n")

    assert outcome.error is not None
    assert (outcome.status, outcome.table_exists) == (Status.FAILED, False)
    assert "Upload its schema file again" in outcome.error.message
    assert world.drop("dev/schema/t/again.json", a_schema_file()).status is Status.APPLIED
    assert world.drop("dev/append/t/y.csv", b"id,name\n1,a\n").status is Status.LOADED


def test_tables_and_databases_do_not_share_anything(world: World) -> None:
    world.drop("analytics/schema/t/s.json", a_schema_file())
    world.drop("analytics/append/t/x.csv", b"id,name\n7,q\n")

    assert world.warehouse.table("t", database="analytics") == [["7", "q"]]
    assert world.warehouse.table("t") == ROWS


def test_the_upload_of_an_event_without_version_is_recorded_with_the_version_found(world: World) -> None:
    upload = replace(world.put("dev/append/t/x.csv", b"id,name\n3,c\n"), version_id=None)

    assert world.load(upload).version_id == "v1"
    assert world.load(upload).status is Status.DUPLICATE


@pytest.mark.parametrize("action", ["append", "truncate"])
def test_a_table_that_somebody_altered_is_told_before_anything_is_copied(world: World, action: str) -> None:
    world.warehouse.states["dev"].catalog["public", "t"][1]._mapping["type_text"] = "date"

    outcome = world.drop(f"dev/{action}/t/x.csv", b"id,name\n1,a\n")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.type, outcome.table_exists) == (Status.FAILED, "TableDriftError", True)
    assert outcome.error.details == (
        "column 'name': its type is date in the table and character varying(20) in the schema file",
    )
    assert "upload a schema file that describes the table as it is now, or undo the change" in outcome.error.message
    assert world.warehouse.table("t") == ROWS
    assert world.warehouse.log == ["BEGIN", "LOCK", "READ LEDGER", "READ CATALOG", "ROLLBACK"]


def test_the_way_out_of_a_drift_is_one_that_the_schema_in_force_allows() -> None:
    world = World()
    world.drop("dev/schema/t/s.json", a_schema_file(allowed_operations=["append"]))
    world.warehouse.states["dev"].catalog["public", "t"].pop()

    outcome = world.drop("dev/append/t/x.csv", b"id,name\n1,a\n")

    assert outcome.error is not None
    assert "To go on, undo the change in the warehouse; then upload this file again" in outcome.error.message


def test_a_duplicate_is_told_without_a_look_at_the_table(world: World) -> None:
    upload = world.put("dev/append/t/x.csv", b"id,name\n3,c\n")
    world.load(upload)
    world.warehouse.states["dev"].catalog["public", "t"].pop()

    assert world.load(upload).status is Status.DUPLICATE
