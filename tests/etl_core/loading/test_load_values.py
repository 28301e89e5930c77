"""What a load says about the values of its file: warnings, refusals, emptied rows, repeats, marker files."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from etl_core.loading.data_file import MAX_FILE_BYTES
from etl_core.model.errors import CopyRefusedError, LoadErrorLine, LoadFailedError
from etl_core.model.status import Status
from etl_core.upload_log.outcome import LoadOutcome
from tests.builders import a_column, a_schema_file
from tests.etl_core.in_memory_pipeline import InMemoryPipeline

DAYS = (a_column("id", "INTEGER"), a_column("day", "DATE"), a_column("price", "NUMERIC(6,2)"))
HEADER = b"id,day,price\n"
ISO = b"1,2024-01-02,1.50\n"
LARGE = HEADER + ISO * (MAX_FILE_BYTES // len(ISO) + 1)


def pipeline_of(*columns: dict[str, Any], **csv: Any) -> InMemoryPipeline:
    pipeline = InMemoryPipeline()
    pipeline.drop("dev/schema/t/s.json", a_schema_file(*columns, csv=csv))
    return pipeline


def kinds(outcome: LoadOutcome) -> list[tuple[str, int | None]]:
    return [(each.kind, each.count) for each in outcome.warnings]


@pytest.mark.parametrize("content", [HEADER, LARGE], ids=["small", "large"])
def test_what_copy_cuts_is_a_counted_warning(content: bytes) -> None:
    pipeline = pipeline_of(*DAYS)

    outcome = pipeline.drop("dev/append/t/a.csv", content + b"1,2024-01-02 10:00,1.505\n")

    assert outcome.status is Status.LOADED
    assert kinds(outcome) == [("value.time_lost", 1), ("value.decimals_cut", 1)]
    [entry, _] = outcome.to_task_output()["warnings"]
    assert entry["line"] == content.count(b"\n") + 1
    assert (entry["column"], entry["value"]) == ("day", "2024-01-02 10:00")
    assert "TIMESTAMP" in entry["hint"]


@pytest.mark.parametrize("content", [HEADER, LARGE], ids=["small", "large"])
@pytest.mark.parametrize(
    ("csv", "row", "code"),
    [
        ({}, b"1,03/02/2018,1\n", "copy.values_refused"),
        ({"on_lossy": "reject"}, b"1,2018-02-03,1.505\n", "copy.values_refused"),
        ({"empty_rows": "reject"}, b",,\n", "copy.values_refused"),
    ],
)
def test_a_file_that_the_schema_file_refuses_changes_nothing(
    content: bytes, csv: dict[str, Any], row: bytes, code: str
) -> None:
    pipeline = pipeline_of(*DAYS, **csv)

    outcome = pipeline.drop("dev/append/t/a.csv", content + row)

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == (Status.REJECTED, code)
    assert outcome.error.place.line == content.count(b"\n") + 1
    assert outcome.error.faults == 1
    assert pipeline.warehouse.table("t") == []
    assert len(pipeline.warehouse.ledger("public__t")) == 1


def test_an_ambiguous_date_names_the_formats_to_write() -> None:
    outcome = pipeline_of(*DAYS).drop("dev/append/t/a.csv", HEADER + b"1,03/02/2018,1\n")

    assert outcome.error is not None
    assert outcome.error.hint == (
        'Set csv.date_format to "DD/MM/YYYY" or "MM/DD/YYYY" in the schema file, or write dates as YYYY-MM-DD'
    )


def test_an_explicit_auto_loads_ambiguous_dates_with_a_warning() -> None:
    outcome = pipeline_of(*DAYS, date_format="auto").drop(
        "dev/append/t/a.csv", HEADER + b"1,03/02/2018,1\n2,04/02/2018,1\n"
    )

    assert (outcome.status, kinds(outcome)) == (Status.LOADED, [("value.date_ambiguous", 2)])


def test_a_schema_row_of_an_earlier_version_means_auto() -> None:
    pipeline = pipeline_of(*DAYS)
    [row] = pipeline.warehouse.ledger("public__t")
    assert '"unambiguous_formats":["date_format"]' in row["schema_file"]
    row["schema_file"] = row["schema_file"].partition(',"csv"')[0] + "}"

    outcome = pipeline.drop("dev/append/t/a.csv", HEADER + b"1,03/02/2018,1\n")

    assert (outcome.status, kinds(outcome)) == (Status.LOADED, [("value.date_ambiguous", 1)])


def test_a_large_file_whose_types_lose_nothing_is_not_read() -> None:
    pipeline = pipeline_of(a_column("id", "INTEGER"), a_column("name", "CHAR(9)"))

    outcome = pipeline.drop("dev/append/t/a.csv", b"id,name\n" + b"1,abcdef\n" * 900_000)

    assert outcome.rows_loaded == 900_000
    assert pipeline.store.reads < 1 << 20


@pytest.mark.parametrize("padding", [b"", b"1,ab\n" * (MAX_FILE_BYTES // 5 + 1)])
def test_blanks_that_copy_cuts_off_a_varchar_are_a_counted_warning(padding: bytes) -> None:
    pipeline = pipeline_of(a_column("id", "INTEGER"), a_column("name", "VARCHAR(3)"))
    content = b"id,name\n" + padding + b"1,abc \n2,ab  \n3,ab \n4,abc\n"

    outcome = pipeline.drop("dev/append/t/a.csv", content)

    assert (outcome.status, kinds(outcome)) == (Status.LOADED, [("value.blanks_cut", 2)])
    assert outcome.warnings[0].place.value == "abc "


def test_blanks_beyond_a_char_mean_nothing() -> None:
    pipeline = pipeline_of(a_column("id", "INTEGER"), a_column("name", "CHAR(3)"))

    assert kinds(pipeline.drop("dev/append/t/a.csv", b"id,name\n1,abc  \n")) == []


def test_a_file_that_is_not_scanned_in_time_is_rolled_back() -> None:
    pipeline = pipeline_of(*DAYS)
    pipeline.seconds = 0.0

    outcome = pipeline.drop("dev/append/t/a.csv", LARGE)

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == (Status.FAILED, "copy.scan_timed_out")
    assert pipeline.warehouse.table("t") == []


def test_a_compressed_file_that_is_cut_is_found_to_be_at_fault() -> None:
    pipeline = pipeline_of(*DAYS)
    pipeline.on("COPY", LoadFailedError("Failed to read file"))

    outcome = pipeline.drop("dev/append/t/a.csv.gz", gzip.compress(LARGE[:1000])[:-9])

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == (Status.REJECTED, "file.compression_cut")


def test_each_member_of_a_micro_batch_has_its_own_warnings() -> None:
    pipeline = pipeline_of(*DAYS)
    for name, row in {"b": b"1,2024-01-02,1.505\n", "c": b"1,01/02/2024,1\n", "d": ISO}.items():
        upload = pipeline.put(f"dev/append/t/{name}.csv", HEADER + row)
        pipeline.backlog.note(upload)
    pipeline.seconds = 900.0

    outcome = pipeline.drop("dev/append/t/e.csv", HEADER + b",,\n")

    written = pipeline.answers.written
    assert kinds(outcome) == [("row.all_empty", 1)]
    assert kinds(written["dev/append/t/b.csv"]) == [("value.decimals_cut", 1)]
    assert kinds(written["dev/append/t/d.csv"]) == []
    assert written["dev/append/t/c.csv"].status is Status.REJECTED


@pytest.mark.parametrize(("name", "pack"), [("a.csv", bytes), ("a.csv.gz", gzip.compress)])
def test_emptied_rows_are_skipped_if_the_schema_file_says_so(name: str, pack: Any) -> None:
    pipeline = pipeline_of(*DAYS, empty_rows="skip")

    outcome = pipeline.drop(f"dev/append/t/{name}", pack(HEADER + ISO + b",,\n" + ISO + b",,\n"))

    # The fake COPY does not skip empty lines: it has one empty row for each.
    rows = pipeline.warehouse.table("t") or []
    assert [row for row in rows if row] == [["1", "2024-01-02", "1.50"]] * 2
    assert kinds(outcome) == [("row.all_empty", 2)]
    assert pipeline.warehouse.copies[-1].source.compression is None


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (b"NULL", "csv.null_as to 'NULL'"),
        (b"n/a", "csv.null_as to 'n/a'"),
        (b"1.0", "Make the column NUMERIC"),
        (b'"25,000"', "without thousands separators"),
        (b" 5", "Remove the blanks"),
    ],
)
def test_the_option_that_cures_a_refused_value_is_named(value: bytes, hint: str) -> None:
    pipeline = pipeline_of(a_column("id", "INTEGER"), a_column("n", "INTEGER"))
    line = LoadErrorLine("s3://f", 2, "n", "int4", 1207, "Invalid digit")
    pipeline.on("COPY", CopyRefusedError("load into table t failed", [line]))

    outcome = pipeline.drop("dev/append/t/a.csv", b"id,n\n1," + value + b"\n")

    assert outcome.error is not None
    assert outcome.error.hint is not None
    assert hint in outcome.error.hint
    assert hint in outcome.error.message


@pytest.mark.parametrize(
    ("row", "code", "hint"),
    [
        (b"1\n", "row.fields_missing", "Add the missing fields"),
        (b"1,a,\n", "row.fields_surplus", "trailing delimiter"),
        (b"1,a,b\n", "row.fields_surplus", "Put quotes"),
        (b"\x1a", "row.fields_missing", "0x1A"),
        (b'1,"a"b"\n', "row.quote_misplaced", "Correct the file"),
        (b'1,"a \\"b\\""\n', "row.quote_misplaced", 'write "" instead'),
        (b'1,"a\n2,b\n', "row.quote_unclosed", "Correct the file"),
    ],
)
def test_a_row_that_copy_cannot_split_is_explained(row: bytes, code: str, hint: str) -> None:
    pipeline = pipeline_of(a_column("id", "INTEGER"), a_column("name", "VARCHAR(9)"))
    line = LoadErrorLine("s3://f", 3, "name", "varchar", 1214, "Delimiter not found")
    pipeline.on("COPY", CopyRefusedError("load into table t failed", [line]))

    outcome = pipeline.drop("dev/append/t/a.csv", b"id,name\n1,a\n" + row)

    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == (Status.REJECTED, code)
    assert outcome.error.message.startswith("the warehouse refused a row of the file: line 3: has")
    assert hint in outcome.error.message
    assert outcome.error.details[0].endswith("Delimiter not found (code 1214)")


def test_the_first_fault_is_searched_where_copy_names_no_line() -> None:
    """Redshift reads a large file in parts and numbers no lines then."""
    pipeline = pipeline_of(a_column("id", "INTEGER"), a_column("name", "VARCHAR(3)"))
    line = LoadErrorLine("s3://f", -1, "name", "varchar", 1204, "String length exceeds DDL length")
    pipeline.on("COPY", CopyRefusedError("load into table t failed", [line]))

    outcome = pipeline.drop(
        "dev/append/t/a.csv", b"id,name\n" + b"1,abc\n" * 50 + "2,äö\n".encode()
    )

    assert outcome.error is not None
    assert (
        "line 52, column 'name', value 'äö': has 4 bytes; the column holds 3"
        in outcome.error.message
    )
    assert outcome.error.hint == (
        "Lengths are in bytes: make the column VARCHAR(4) in the schema file, or shorten the value"
    )


@pytest.mark.parametrize(
    "key",
    [
        "dev/append/t/_SUCCESS",
        "dev/append/t/.part-0.csv.crc",
        "dev/append/t/x/_committed_1",
        "dev/append/_SUCCESS",
    ],
)
def test_a_marker_file_is_ignored(key: str) -> None:
    pipeline = pipeline_of(*DAYS)

    outcome = pipeline.drop(key, b"")

    assert (outcome.status, outcome.error, outcome.version_id) == (Status.IGNORED, None, "v1")
    assert kinds(outcome) == [("upload.marker_file", None)]
    assert pipeline.warehouse.log == []


def test_the_same_bytes_under_the_same_key_load_with_a_warning() -> None:
    pipeline = pipeline_of(*DAYS)
    first = pipeline.drop("dev/append/t/a.csv", HEADER + ISO)

    again = pipeline.drop("dev/append/t/a.csv", HEADER + ISO)

    assert (first.warnings, again.status) == ((), Status.LOADED)
    assert kinds(again) == [("upload.repeated", None)]
    assert "2026-11-22T12:00:02" in again.warnings[0].message
    assert pipeline.warehouse.table("t") == [["1", "2024-01-02", "1.50"]] * 2


def test_a_repeat_is_skipped_if_the_schema_file_says_so() -> None:
    pipeline = pipeline_of(*DAYS, on_repeat="skip")
    pipeline.drop("dev/append/t/a.csv", HEADER + ISO)

    again = pipeline.drop("dev/append/t/a.csv", HEADER + ISO)

    assert (again.status, kinds(again)) == (Status.IGNORED, [("upload.repeat_skipped", None)])
    assert pipeline.warehouse.table("t") == [["1", "2024-01-02", "1.50"]]


def test_other_bytes_another_key_or_rows_that_are_gone_are_no_repeat() -> None:
    pipeline = pipeline_of(*DAYS, on_repeat="skip")
    pipeline.drop("dev/append/t/a.csv", HEADER + ISO)

    outcomes = [
        pipeline.drop("dev/append/t/a.csv", HEADER + ISO * 2),
        pipeline.drop("dev/append/t/b.csv", HEADER + ISO * 2),
        pipeline.drop("dev/truncate/t/all.csv", HEADER + ISO),
        pipeline.drop("dev/append/t/a.csv", HEADER + ISO * 2),
    ]

    assert [each.status for each in outcomes] == [Status.LOADED] * 4
