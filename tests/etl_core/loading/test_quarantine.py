"""Files of which the rows that fit are loaded, and the others are set aside."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from etl_cli.display import describe_entry, describe_upload
from etl_core.csv_files.compression import compression_of
from etl_core.loading.data_file import MAX_FILE_BYTES
from etl_core.loading.recall import recall
from etl_core.model.errors import CopyRefusedError, LoadErrorLine, ThrottledError
from etl_core.model.status import Status
from etl_core.model.upload import Upload
from etl_core.recovery.replay import replay_table
from etl_core.recovery.tables_requests import ReplayRequest
from etl_core.upload_log.entry import final_entry
from etl_core.upload_log.outcome import LoadOutcome
from tests.builders import TABLE, WORK, a_column, a_schema_file, an_upload, settings
from tests.etl_core.fake_data_api import LongLoads
from tests.etl_core.in_memory_pipeline import InMemoryPipeline

ID, NAME = a_column("id", "INTEGER", nullable=False), a_column("name", "VARCHAR(5)")
HEADER = b"id,name\n"
CONTENT = HEADER + b"1,a\nx7,b\n2,c\n3,abcdef\n"
BAD = HEADER + b"x7,b\n3,abcdef\n"
LARGE = HEADER + b"1,a\n" * (MAX_FILE_BYTES // 4 + 1)


def pipeline_of(*columns: dict[str, Any], **options: Any) -> InMemoryPipeline:
    pipeline = InMemoryPipeline()
    options = {"on_bad_rows": "quarantine"} | options
    pipeline.drop("dev/schema/t/s.json", a_schema_file(*(columns or (ID, NAME)), csv=options))
    return pipeline


def object_of(pipeline: InMemoryPipeline, outcome: LoadOutcome, name: str) -> bytes:
    assert outcome.quarantine_prefix is not None
    return pipeline.store.current(outcome.quarantine_prefix + name)


def counts(outcome: LoadOutcome) -> tuple[Status, int | None, int | None]:
    return outcome.status, outcome.rows_loaded, outcome.rows_quarantined


def widen_name(pipeline: InMemoryPipeline) -> None:
    """Widen the column `name` to VARCHAR(50), as a later schema file does."""
    ledger = pipeline.warehouse.ledger("public__t")
    upload = pipeline.put("dev/schema/t/wider.json", b"")
    later = {"upload_id": upload.upload_id, "s3_key": upload.key, "landed_at": upload.landed_at}
    schema_file = ledger[0]["schema_file"].replace("varying(5)", "varying(50)")
    assert schema_file != ledger[0]["schema_file"]
    ledger.append(ledger[0] | later | {"schema_file": schema_file})
    catalog = pipeline.warehouse.states["dev"].catalog["public", "t"]
    catalog[1]._mapping["type_text"] = "character varying(50)"


def put_pending(pipeline: InMemoryPipeline, key: str, content: bytes) -> Upload:
    upload = pipeline.put(key, content)
    pipeline.backlog.note(upload)
    return upload


def test_the_rows_that_fit_are_loaded_and_the_others_set_aside() -> None:
    pipeline = pipeline_of()
    upload = pipeline.put("dev/append/t/x.csv", CONTENT)
    outcome = pipeline.load(upload)

    assert counts(outcome) == (Status.LOADED, 2, 2)
    assert pipeline.warehouse.table("t") == [["1", "a"], ["2", "c"]]
    assert outcome.quarantine_prefix == f"s3://{WORK}/quarantine/dev/t/{upload.upload_id}/"
    assert object_of(pipeline, outcome, "rows.csv") == BAD
    reasons = list(csv.reader(io.StringIO(object_of(pipeline, outcome, "reasons.csv").decode())))
    assert [row[:3] for row in reasons[1:]] == [["3", "id", "x7"], ["5", "name", "abcdef"]]
    assert pipeline.warehouse.ledger("public__t")[-1]["rows_quarantined"] == 2


def test_the_answer_says_it() -> None:
    outcome = pipeline_of().drop("dev/append/t/x.csv", CONTENT)

    output = outcome.to_task_output()
    assert (output["rows_loaded"], output["rows_quarantined"]) == (2, 2)
    assert output["quarantine_prefix"] == outcome.quarantine_prefix
    [warning] = output["warnings"]
    assert (warning["kind"], warning["count"], warning["line"]) == ("rows.quarantined", 2, 3)
    assert "2 of 4 rows" in warning["message"]
    assert "append" in warning["hint"]


def test_the_corrected_rows_can_be_uploaded_to_append() -> None:
    pipeline = pipeline_of()
    outcome = pipeline.drop("dev/append/t/x.csv", CONTENT)
    rows = object_of(pipeline, outcome, "rows.csv")

    again = pipeline.drop(
        "dev/append/t/x.csv", rows.replace(b"x7", b"7").replace(b"abcdef", b"abc")
    )

    assert counts(again) == (Status.LOADED, 2, None)
    assert sorted(pipeline.warehouse.table("t") or []) == [
        ["1", "a"], ["2", "c"], ["3", "abc"], ["7", "b"],
    ]  # fmt: skip


def test_a_file_without_bad_rows_is_read_as_it_is() -> None:
    pipeline = pipeline_of()
    outcome = pipeline.drop("dev/append/t/x.csv", HEADER + b"1,a\n")

    assert counts(outcome) == (Status.LOADED, 1, None)
    assert outcome.quarantine_prefix is None
    assert not any(
        key.startswith(("quarantine/", "rewritten/")) for _, key in pipeline.store.versions
    )


def test_by_default_one_bad_row_refuses_the_file() -> None:
    pipeline = pipeline_of(on_bad_rows="reject")
    line = LoadErrorLine("s3://lake/x", 3, "id", "int4", 1207, "Invalid digit")
    pipeline.on("COPY", CopyRefusedError("load into table t failed", [line]))

    assert pipeline.drop("dev/append/t/x.csv", CONTENT).status is Status.REJECTED


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"max_bad_rows": 1}, "2 of 4 rows do not fit the table: csv.max_bad_rows is 1"),
        ({"max_bad_percent": 49.9}, "csv.max_bad_percent is 49.9"),
        ({"max_bad_rows": 0}, "csv.max_bad_rows is 0"),
    ],
)
def test_more_bad_rows_than_allowed_refuse_the_file(options: dict[str, Any], says: str) -> None:
    pipeline = pipeline_of(**options)
    outcome = pipeline.drop("dev/append/t/x.csv", CONTENT)

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == (Status.REJECTED, "rows.too_many_bad")
    assert says in outcome.error.message
    assert (outcome.error.place.line, outcome.error.faults) == (3, 2)
    assert pipeline.warehouse.table("t") == []
    assert not any(key.startswith("quarantine/") for _, key in pipeline.store.versions)


@pytest.mark.parametrize("options", [{"max_bad_rows": 2}, {"max_bad_percent": 50}])
def test_as_many_bad_rows_as_allowed_are_set_aside(options: dict[str, Any]) -> None:
    outcome = pipeline_of(**options).drop("dev/append/t/x.csv", CONTENT)

    assert counts(outcome) == (Status.LOADED, 2, 2)


def test_a_truncate_whose_rows_are_all_bad_leaves_the_table_as_it_was() -> None:
    pipeline = pipeline_of()
    pipeline.drop("dev/append/t/a.csv", HEADER + b"1,a\n")
    outcome = pipeline.drop("dev/truncate/t/x.csv", BAD)

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == (Status.REJECTED, "rows.all_bad")
    assert pipeline.warehouse.table("t") == [["1", "a"]]


def test_a_truncate_replaces_the_rows_with_those_that_fit() -> None:
    pipeline = pipeline_of()
    pipeline.drop("dev/append/t/a.csv", HEADER + b"9,z\n")
    outcome = pipeline.drop("dev/truncate/t/x.csv", CONTENT)

    assert counts(outcome) == (Status.LOADED, 2, 2)
    assert pipeline.warehouse.table("t") == [["1", "a"], ["2", "c"]]


def test_a_bad_header_is_never_set_aside() -> None:
    outcome = pipeline_of().drop("dev/append/t/x.csv", b"id,nam\n1,a\n")

    assert outcome.error is not None
    assert (outcome.status, outcome.error.type) == (Status.REJECTED, "HeaderMismatchError")


def test_a_quote_that_may_hide_other_rows_refuses_the_file() -> None:
    outcome = pipeline_of().drop("dev/append/t/x.csv", HEADER + b'1,a\n2,"b\n3,c\n')

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == (Status.REJECTED, "rows.quarantine_uncertain")
    assert outcome.error.place.line == 3


def compress_zstd(content: bytes) -> bytes:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return bytes(zstd.compress(content))


@pytest.mark.parametrize(
    ("suffix", "compress"),
    [(".gz", gzip.compress), (".bz2", bz2.compress), (".zst", compress_zstd)],
)
def test_compressed_files(suffix: str, compress: Callable[[bytes], bytes]) -> None:
    pipeline = pipeline_of()
    outcome = pipeline.drop(f"dev/append/t/x.csv{suffix}", compress(CONTENT))

    assert compression_of(f"x.csv{suffix}") is not None
    assert counts(outcome) == (Status.LOADED, 2, 2)
    assert object_of(pipeline, outcome, "rows.csv") == BAD
    assert pipeline.warehouse.table("t") == [["1", "a"], ["2", "c"]]


def test_a_large_file_with_bad_rows_in_its_first_and_last_lines() -> None:
    pipeline = pipeline_of()
    content = LARGE.replace(b"1,a\n", b'x,"\r\n"\n', 1) + b"2,c\ny,d"
    outcome = pipeline.drop("dev/append/t/x.csv", content)

    assert counts(outcome) == (Status.LOADED, LARGE.count(b"1,a\n"), 2)
    assert object_of(pipeline, outcome, "rows.csv") == HEADER + b'x,"\r\n"\ny,d\n'
    assert (pipeline.warehouse.table("t") or [])[-1] == ["2", "c"]


def test_a_table_of_one_column() -> None:
    pipeline = pipeline_of(ID)
    outcome = pipeline.drop("dev/append/t/x.csv", b"id\n1\nx\n\n2\n")

    assert counts(outcome) == (Status.LOADED, 2, 2)
    assert pipeline.warehouse.table("t") == [["1"], ["2"]]
    assert object_of(pipeline, outcome, "rows.csv") == b"id\nx\n\n"


def test_ignored_columns_and_skipped_rows_in_the_same_file() -> None:
    pipeline = pipeline_of(ignore_columns="note", empty_rows="skip")
    outcome = pipeline.drop("dev/append/t/x.csv", b"note,id,name\nq,1,a\n,,\nq,x,b\nq,2,c\n")

    assert counts(outcome) == (Status.LOADED, 2, 1)
    assert pipeline.warehouse.table("t") == [["1", "a"], ["2", "c"]]
    assert object_of(pipeline, outcome, "rows.csv") == b"note,id,name\nq,x,b\n"


def test_rows_that_copy_would_cut_are_set_aside_if_the_schema_file_refuses_them() -> None:
    price = a_column("price", "NUMERIC(6,2)")
    outcome = pipeline_of(ID, price, on_lossy="reject").drop(
        "dev/append/t/x.csv", b"id,price\n1,1.50\n2,1.505\n"
    )

    assert counts(outcome) == (Status.LOADED, 1, 1)


def test_a_late_truncate_loads_the_same_rows_again() -> None:
    pipeline = pipeline_of()
    late = pipeline.put("dev/truncate/t/all.csv", HEADER + b"9,z\n")
    pipeline.drop("dev/append/t/x.csv", CONTENT)
    pipeline.drop("dev/append/t/y.csv", HEADER + b"4,d\n")

    assert pipeline.load(late).status is Status.LOADED
    assert sorted(pipeline.warehouse.table("t") or []) == [
        ["1", "a"], ["2", "c"], ["4", "d"], ["9", "z"],
    ]  # fmt: skip


def test_a_late_truncate_loads_the_same_rows_although_more_would_fit_now() -> None:
    """Otherwise a row that was corrected and uploaded again would be in the table twice."""
    pipeline = pipeline_of()
    late = pipeline.put("dev/truncate/t/all.csv", HEADER + b"9,z\n")
    pipeline.drop("dev/append/t/x.csv", CONTENT)
    widen_name(pipeline)
    assert pipeline.drop("dev/append/t/y.csv", HEADER + b"5,abcdef\n").status is Status.LOADED

    assert pipeline.load(late).status is Status.LOADED
    assert sorted(pipeline.warehouse.table("t") or []) == [
        ["1", "a"], ["2", "c"], ["5", "abcdef"], ["9", "z"],
    ]  # fmt: skip


def test_a_late_truncate_that_would_load_other_rows_changes_nothing() -> None:
    pipeline = pipeline_of()
    late = pipeline.put("dev/truncate/t/all.csv", HEADER + b"9,z\n")
    pipeline.drop("dev/append/t/x.csv", CONTENT)
    pipeline.warehouse.ledger("public__t")[-1]["rows_loaded"] = 3
    outcome = pipeline.load(late)

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == (Status.FAILED, "rows.quarantine_other_rows")
    assert pipeline.warehouse.table("t") == [["1", "a"], ["2", "c"]]


def test_a_pending_file_with_bad_rows_is_left_to_its_own_load() -> None:
    pipeline = pipeline_of()
    clean = put_pending(pipeline, "dev/append/t/clean.csv", HEADER + b"5,e\n")
    bad = put_pending(pipeline, "dev/append/t/bad.csv", CONTENT)
    outcome = pipeline.drop("dev/append/t/x.csv", HEADER + b"6,f\n")

    assert counts(outcome) == (Status.LOADED, 1, None)
    assert pipeline.warehouse.table("t") == [["6", "f"], ["5", "e"]]
    assert counts(pipeline.load(bad)) == (Status.LOADED, 2, 2)
    assert pipeline.load(clean).settled is Status.LOADED


def test_a_file_with_bad_rows_loads_pending_files_with_it() -> None:
    pipeline = pipeline_of()
    put_pending(pipeline, "dev/append/t/clean.csv", HEADER + b"5,e\n")
    outcome = pipeline.drop("dev/append/t/x.csv", CONTENT)

    assert counts(outcome) == (Status.LOADED, 2, 2)
    assert sorted(pipeline.warehouse.table("t") or []) == [["1", "a"], ["2", "c"], ["5", "e"]]
    assert [row["rows_quarantined"] for row in pipeline.warehouse.ledger("public__t")] == [
        None, 2, None,
    ]  # fmt: skip


def test_the_ledger_knows_the_quarantine_of_a_load_that_gave_no_answer() -> None:
    pipeline = pipeline_of()
    upload = pipeline.put("dev/append/t/x.csv", CONTENT)
    first = pipeline.load(upload)

    for again in (recall(upload, settings(), pipeline.ports, 20.0), pipeline.load(upload)):
        assert again is not None
        assert (again.settled, again.rows_loaded, again.rows_quarantined) == (Status.LOADED, 2, 2)
        assert again.quarantine_prefix == first.quarantine_prefix


def test_another_event_about_the_same_version_names_the_quarantine_of_the_first() -> None:
    pipeline = pipeline_of()
    first = pipeline.drop("dev/append/t/x.csv", CONTENT)
    again = pipeline.load(
        replace(pipeline.put("dev/append/t/y.csv", b""), key="dev/append/t/x.csv", sequencer="ff")
    )

    assert again.status is Status.DUPLICATE
    assert (again.rows_quarantined, again.quarantine_prefix) == (2, first.quarantine_prefix)


def test_copy_loading_another_number_of_rows_undoes_the_load() -> None:
    pipeline = pipeline_of()
    pipeline.warehouse.counts_empty_lines = True
    outcome = pipeline.drop("dev/append/t/x.csv", CONTENT)

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == (Status.FAILED, "rows.quarantine_miscount")
    assert pipeline.warehouse.table("t") == []


def test_without_the_quarantine_nothing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = pipeline_of()
    upload = pipeline.put("dev/append/t/x.csv", CONTENT)
    write = pipeline.store.write_object

    def fail(name: str, content: bytes, content_type: str) -> str:
        if name.endswith("reasons.csv"):
            raise ThrottledError("S3 is busy")
        return write(name, content, content_type)

    with monkeypatch.context() as patched:
        patched.setattr(pipeline.store, "write_object", fail)
        with pytest.raises(ThrottledError):
            pipeline.load(upload)
    assert pipeline.warehouse.table("t") == []

    assert counts(pipeline.load(upload)) == (Status.LOADED, 2, 2)


def test_a_row_that_copy_refuses_all_the_same_refuses_the_file() -> None:
    pipeline = pipeline_of()
    line = LoadErrorLine("s3://lake-work/x", 4, "id", "int4", 1207, "Invalid digit")
    pipeline.on("COPY", CopyRefusedError("load into table t failed", [line]))
    outcome = pipeline.drop("dev/append/t/x.csv", CONTENT)

    assert outcome.error is not None
    assert outcome.status is Status.REJECTED
    assert "line 4, column 'id'" in outcome.error.message
    assert "value '2'" in outcome.error.message
    assert pipeline.warehouse.table("t") == []


def test_a_refusal_in_a_table_of_one_column_names_the_line_of_the_file() -> None:
    pipeline = pipeline_of(ID)
    line = LoadErrorLine("s3://lake-work/x", 3, "id", "int4", 1207, "Invalid digit")
    pipeline.on("COPY", CopyRefusedError("load into table t failed", [line]))
    outcome = pipeline.drop("dev/append/t/x.csv", b"id\n1\nx\n2\n")

    assert outcome.error is not None
    assert "line 4" in outcome.error.message
    assert "'2'" in outcome.error.message


def test_a_file_that_cannot_be_checked_in_time_is_not_loaded() -> None:
    pipeline = pipeline_of()
    upload = pipeline.put("dev/append/t/x.csv", LARGE)
    pipeline.seconds = -1
    outcome = pipeline.load(upload)

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == (Status.FAILED, "rows.quarantine_timed_out")


def test_a_replay_sets_the_same_rows_aside() -> None:
    pipeline = pipeline_of()
    pipeline.drop("dev/append/t/x.csv", CONTENT)
    pipeline.warehouse.states["dev"].rows["public", "t"].clear()
    widen_name(pipeline)

    done = replay_table(ReplayRequest(table=TABLE), settings(), pipeline.ports, 60)

    assert done.rows == 2
    assert pipeline.warehouse.table("t") == [["1", "a"], ["2", "c"]]


def test_a_long_load_sets_rows_aside() -> None:
    pipeline = pipeline_of()
    long_loads = LongLoads(pipeline)
    outcome = long_loads.load(pipeline.put("dev/append/t/x.csv", CONTENT))

    assert len(long_loads.copies) == 1
    assert counts(outcome) == (Status.LOADED, 2, 2)
    assert pipeline.warehouse.table("t") == [["1", "a"], ["2", "c"]]
    assert object_of(pipeline, outcome, "rows.csv") == BAD


def test_the_command_line_shows_how_many_rows_were_set_aside() -> None:
    outcome = pipeline_of().drop("dev/append/t/x.csv", CONTENT)
    entry = final_entry(an_upload(), {"outcome": outcome.to_task_output()}, "arn")

    assert "2 rows, 2 in quarantine" in str(describe_entry(entry))
    assert str(outcome.quarantine_prefix) in str(describe_upload(entry))


def test_an_upsert_sets_rows_aside() -> None:
    pipeline = InMemoryPipeline()
    more = {"primary_key": ["id"], "allowed_operations": ["append", "upsert"]}
    csv_options = {"on_bad_rows": "quarantine"}
    pipeline.drop("dev/schema/t/s.json", a_schema_file(ID, NAME, csv=csv_options, **more))
    pipeline.drop("dev/append/t/a.csv", HEADER + b"1,old\n5,e\n")
    outcome = pipeline.drop("dev/upsert/t/x.csv", CONTENT)

    assert counts(outcome) == (Status.LOADED, 2, 2)
    assert sorted(pipeline.warehouse.table("t") or []) == [["1", "a"], ["2", "c"], ["5", "e"]]
    assert object_of(pipeline, outcome, "rows.csv") == BAD
    assert "upload it to upsert" in str(outcome.warnings)
