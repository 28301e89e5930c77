"""Refused uploads: the outcome says what happened, the rule and the fix, and nothing changes."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from etl_core.loading.recall import recall
from etl_core.model.errors import (
    CopyRefusedError,
    LoadErrorLine,
    LoadFailedError,
    LoadTimeoutError,
    Place,
)
from etl_core.model.status import Status
from etl_core.model.table_filter import TableFilter
from tests.builders import a_column, a_schema_file, an_upload, settings
from tests.etl_core.in_memory_pipeline import ROWS, InMemoryPipeline
from tests.fakes import catalog_rows


def test_a_schema_file_that_is_refused_reports_each_difference(pipeline: InMemoryPipeline) -> None:
    outcome = pipeline.drop(
        "dev/schema/t/s2.json", a_schema_file(a_column("id", "BIGINT"), a_column("note"))
    )

    assert outcome.status is Status.REJECTED
    assert outcome.error is not None
    assert outcome.error.type == "SchemaChangeRefusedError"
    assert len(outcome.error.details) == 2
    assert "Nothing was changed" in outcome.error.message


def test_a_table_with_an_unknown_column_type_is_taken_over_with_a_warning(
    pipeline: InMemoryPipeline,
) -> None:
    [row, *_] = catalog_rows(sa.Table("u", sa.MetaData(), sa.Column("a", sa.INTEGER())))
    row._mapping["type_text"] = "money"
    pipeline.warehouse.states["dev"].catalog["public", "u"] = [row]

    outcome = pipeline.drop("dev/schema/u/s.json", a_schema_file())

    assert outcome.status is Status.APPLIED
    assert [warning.message.split(",")[0] for warning in outcome.warnings] == [
        "column 'a' has the type 'money'"
    ]


BAD = {
    "too few parts": ("dev/x.csv", b"id,name\n", "rejected", "InvalidKeyError", "db_name/action/table_name/file"),
    "unknown action": ("dev/merge/t/x.csv", b"id,name\n", "rejected", "InvalidKeyError", "truncate, upsert, schema"),
    "unknown database": ("prod/append/t/x.csv", b"id,name\n", "rejected", "InvalidKeyError", "analytics, dev"),
    "unsafe name": ("dev/append/t;x/x.csv", b"id,name\n", "rejected", "InvalidKeyError", "safe name"),
    "long name": (f"dev/append/{'t' * 128}/x.csv", b"id,name\n", "rejected", "InvalidKeyError", "127"),
    "no schema": ("dev/append/u/x.csv", b"id,name\n", "rejected", "NoSchemaError",
    "Upload a schema file to dev/schema/u/"),
    "no schema elsewhere": ("analytics/append/s.t/x.csv", b"id\n", "rejected", "NoSchemaError",
    "analytics/schema/s.t/schema.json"),
    "wrong extension": ("dev/append/t/x.txt", b"id,name\n", "rejected", "InvalidDataFileError", ".csv.gz"),
    "no bytes": ("dev/append/t/x.csv", b"", "rejected", "InvalidDataFileError", "0 bytes"),
    "blank": ("dev/append/t/x.csv", b"\n\n", "rejected", "InvalidDataFileError", "is empty"),
    "missing column": ("dev/append/t/x.csv", b"id\n1\n", "rejected", "HeaderMismatchError", "'name' is missing"),
    "extra column": ("dev/truncate/t/x.csv", b"id,name,x9\n", "rejected", "HeaderMismatchError",
    "'x9' is not in the table"),
    "duplicate column": ("dev/append/t/x.csv", b"id,name,Name\n", "rejected",
    "HeaderMismatchError", "'name' is named 2 times"),
    "misspelled column": ("dev/append/t/x.csv", b"id,nmae\n", "rejected",
    "HeaderMismatchError", "did you mean 'name'?"),
    "damaged compression": ("dev/append/t/x.csv.gz", b"id,name\n1,a\n", "rejected",
    "InvalidDataFileError", "not valid GZIP"),
    "no JSON": ("dev/schema/t/x.json", b"{", "rejected", "InvalidSchemaFileError", "not valid JSON"),
    "faulty schema": ("dev/schema/t/x.json", b'{"columns":[{}]}', "rejected",
    "InvalidSchemaFileError", "$.columns[0].type"),
    "schema extension": ("dev/schema/t/x.csv", b"{}", "rejected", "InvalidSchemaFileError",
    "schema files end in .json"),
    "schema too large": ("dev/schema/t/x.json", b" " * 1_000_001, "rejected",
    "InvalidSchemaFileError", "at most 1,000,000"),
}  # fmt: skip


@pytest.mark.parametrize(("key", "content", "status", "error", "says"), BAD.values(), ids=BAD)
def test_a_bad_upload_is_reported_and_changes_nothing(
    pipeline: InMemoryPipeline, key: str, content: bytes, status: str, error: str, says: str
) -> None:
    ledger = list(pipeline.warehouse.ledger("public__t"))

    outcome = pipeline.drop(key, content)

    assert outcome.error is not None
    assert (outcome.status, outcome.error.type) == (status, error)
    assert says in outcome.error.message
    assert pipeline.warehouse.table("t") == ROWS
    assert pipeline.warehouse.ledger("public__t") == ledger
    assert not {"COPY", "DELETE", "INSERT LEDGER"} & set(pipeline.warehouse.log)


def test_an_upload_for_a_table_that_the_stack_does_not_serve_is_rejected_unread() -> None:
    pipeline = InMemoryPipeline()
    pipeline.settings["table_filter"] = TableFilter(("dev.sales.*", "dev.*.t"))
    assert pipeline.drop("dev/schema/t/s.json", a_schema_file()).status is Status.APPLIED

    for key in ("dev/schema/u/s.json", "dev/append/U/x.csv", "analytics/truncate/t/x.csv"):
        outcome = pipeline.drop(key, a_schema_file() if key.endswith("json") else b"id,name\n")

        assert outcome.error is not None
        assert (outcome.status, outcome.error.type) == (Status.REJECTED, "TableNotServedError")
        assert "its tableFilter is dev.sales.*, dev.*.t" in outcome.error.message
        assert outcome.version_id is not None
        assert pipeline.warehouse.log == []


def test_a_load_of_a_table_that_is_served_no_more_is_remembered(pipeline: InMemoryPipeline) -> None:
    """Its ledger says that it was loaded, whatever the filter says since."""
    upload = pipeline.put("dev/append/t/x.csv", b"id,name\n1,a\n")
    assert pipeline.load(upload).status is Status.LOADED
    narrowed = settings(table_filter=TableFilter(("dev.sales.*",)))

    outcome = recall(upload, narrowed, pipeline.ports, 20)

    assert outcome is not None
    assert outcome.settled is Status.LOADED


def test_an_action_that_the_schema_does_not_list_is_rejected() -> None:
    pipeline = InMemoryPipeline()
    pipeline.drop("dev/schema/t/s.json", a_schema_file(allowed_operations=["append"]))

    outcome = pipeline.drop("dev/truncate/t/x.csv", b"id,name\n1,a\n")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.type) == (Status.REJECTED, "ActionNotAllowedError")
    assert "truncate is not allowed for public.t" in outcome.error.message
    assert "allows append" in outcome.error.message


def test_a_schema_file_too_long_for_the_ledger_is_rejected_and_creates_no_table() -> None:
    import random

    text = random.Random(1).choices
    columns = [
        a_column(f"c{number}", description="".join(text("abcdefghij0123456789", k=400)))
        for number in range(1600)
    ]
    pipeline = InMemoryPipeline()

    outcome = pipeline.drop("dev/schema/t/s.json", a_schema_file(*columns))

    assert outcome.error is not None
    assert (outcome.status, outcome.error.type) == (Status.REJECTED, "InvalidSchemaFileError")
    assert "Shorten its descriptions" in outcome.error.message
    assert pipeline.warehouse.table("t") is None


def test_an_object_of_another_bucket_is_not_loaded() -> None:
    outcome = InMemoryPipeline().load(an_upload(bucket="other"))

    assert outcome.error is not None
    assert "this stack loads only from 'lake'" in outcome.error.message


def test_a_version_that_is_gone_is_rejected(pipeline: InMemoryPipeline) -> None:
    outcome = pipeline.load(an_upload("dev/append/t/gone.csv"))

    assert outcome.error is not None
    assert outcome.error.type == "MissingObjectError"


@pytest.mark.parametrize(
    "error", [LoadFailedError("the warehouse refused"), LoadTimeoutError("out of time")]
)
def test_a_permanent_error_is_reported_as_failed(
    pipeline: InMemoryPipeline, error: LoadFailedError
) -> None:
    pipeline.on("COPY", error)

    outcome = pipeline.drop("dev/truncate/t/x.csv", b"id,name\n3,c\n")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.type, outcome.error.message) == (
        Status.FAILED,
        type(error).__name__,
        error.message,
    )
    assert pipeline.warehouse.table("t") == ROWS
    assert [text.split()[0] for text in outcome.statements] == ["DELETE", "COPY"]


def test_a_refused_value_is_reported_with_line_column_value_and_reason(
    pipeline: InMemoryPipeline,
) -> None:
    line = LoadErrorLine(
        "s3://lake/x", 3, "id", "int4", 1207, "Invalid digit, Value 'x', Pos 0, Type: Integer"
    )
    pipeline.on("COPY", CopyRefusedError("load into table t failed", [line]))

    outcome = pipeline.drop("dev/append/t/x.csv", b"name,id\na,1\nb,x7\n")

    assert outcome.error is not None
    assert outcome.status is Status.REJECTED
    assert "line 3, column 'id', value 'x7': is not a whole number" in outcome.error.message
    assert "the table is unchanged" in outcome.error.message
    assert (outcome.error.code, outcome.error.place) == (
        "value.not_integer",
        Place(3, "id", "x7"),
    )
    assert outcome.error.details == (
        "line 3, column 'id' (int4), value 'x7': Invalid digit, Value 'x', Pos 0, Type: Integer (code 1207)",
    )
    assert pipeline.warehouse.table("t") == ROWS


def test_a_refused_copy_without_details_is_reported(pipeline: InMemoryPipeline) -> None:
    pipeline.on("COPY", CopyRefusedError("load into table t failed"))

    outcome = pipeline.drop("dev/append/t/x.csv", b"id,name\n1,a\n")

    assert outcome.error is not None
    assert outcome.status is Status.FAILED
    assert outcome.error.message == (
        "load into table t failed. Nothing was loaded; the table is unchanged. Correct the file and upload it again"
    )


def test_a_dropped_table_is_reported_with_the_fix(pipeline: InMemoryPipeline) -> None:
    pipeline.warehouse.states["dev"].rows.clear()
    pipeline.warehouse.states["dev"].catalog.clear()

    outcome = pipeline.drop("dev/append/t/x.csv", b"id,name\n1,a\n")

    assert outcome.error is not None
    assert (outcome.status, outcome.table_exists) == (Status.FAILED, False)
    assert "Upload its schema file again" in outcome.error.message
    assert pipeline.drop("dev/schema/t/again.json", a_schema_file()).status is Status.APPLIED
    assert pipeline.drop("dev/append/t/y.csv", b"id,name\n1,a\n").status is Status.LOADED


@pytest.mark.parametrize("action", ["append", "truncate"])
def test_an_altered_table_is_reported_before_copy(pipeline: InMemoryPipeline, action: str) -> None:
    pipeline.warehouse.states["dev"].catalog["public", "t"][1]._mapping["type_text"] = "date"

    outcome = pipeline.drop(f"dev/{action}/t/x.csv", b"id,name\n1,a\n")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.type, outcome.table_exists) == (
        Status.FAILED,
        "TableDriftError",
        True,
    )
    assert outcome.error.details == (
        "column 'name': its type is date in the table and character varying(20) in the schema file",
    )
    assert (
        "upload a schema file that describes the table as it is now, or undo the change"
        in outcome.error.message
    )
    assert pipeline.warehouse.table("t") == ROWS
    assert pipeline.warehouse.log[-2:] == ["READ CATALOG", "ROLLBACK"]


def test_the_suggested_fix_of_a_drift_is_allowed_by_the_schema_in_force() -> None:
    pipeline = InMemoryPipeline()
    pipeline.drop("dev/schema/t/s.json", a_schema_file(allowed_operations=["append"]))
    pipeline.warehouse.states["dev"].catalog["public", "t"].pop()

    outcome = pipeline.drop("dev/append/t/x.csv", b"id,name\n1,a\n")

    assert outcome.error is not None
    assert (
        "To fix this, undo the change in the warehouse. Then upload this file again"
        in outcome.error.message
    )
