"""The demo's files and its verdict. tests/e2e shows that the files load."""

from __future__ import annotations

import csv
import gzip
import io
import json

import pytest

from etl_cli.demo import Progress
from etl_cli.demo_uploads import (
    DATA_COMMAND,
    EXAMPLES,
    FLIGHT_TABLES,
    DemoData,
    DemoUpload,
    count_rows,
)
from local_cloud.state import PROJECT_ROOT


@pytest.fixture(scope="module")
def data() -> DemoData:
    return DemoData.find()


def an_upload(status: str = "loaded", rows: int | None = 2) -> DemoUpload:
    return DemoUpload("t", "append", "a.csv", b"a\n1\n2\n", status, rows)


def an_entry(**changes: object) -> dict[str, object]:
    return {"s3_key": "dev/append/t/a.csv", "status": "loaded", "rows_loaded": 2} | changes


def some_progress(*entries: dict[str, object], upload: DemoUpload | None = None) -> Progress:
    progress = Progress(uploads=[upload or an_upload()])
    progress.update(entries)
    return progress


@pytest.mark.parametrize("table", FLIGHT_TABLES)
def test_a_schema_file_lists_the_columns_of_its_data_in_their_order(data, table):
    schema = json.loads((EXAMPLES / "nycflights13" / f"{table}.json").read_text())
    header = next(csv.reader(io.StringIO(data.tables[table].decode())))
    assert [column["name"] for column in schema["columns"]] == header


@pytest.mark.parametrize("table", FLIGHT_TABLES)
def test_a_column_is_nullable_exactly_if_its_data_has_a_null(data, table):
    schema = json.loads((EXAMPLES / "nycflights13" / f"{table}.json").read_text())
    with_null: set[str] = set()
    for row in csv.DictReader(io.StringIO(data.tables[table].decode())):
        with_null |= {name for name, value in row.items() if value == schema["csv"]["null_as"]}
    assert {
        column["name"] for column in schema["columns"] if column.get("nullable", True)
    } == with_null


def test_the_demo_loads_all_rows_of_all_tables(data):
    expected = data.expected_rows()
    assert expected == {
        "user_data": 3,
        "airlines": 16,
        "airports": 1458,
        "planes": 3322,
        "weather": 26115,
        "flights": 336776,
    }


def test_the_demo_has_every_action_a_compressed_file_and_both_kinds_of_invalid_files(data):
    uploads = [upload for act in data.acts() for upload in act.uploads]
    assert {upload.action for upload in uploads} == {"schema", "append", "truncate"}
    assert {upload.status for upload in uploads} == {"applied", "loaded", "rejected"}
    assert len({upload.key for upload in uploads}) == len(uploads)
    (packed,) = [upload for upload in uploads if upload.key.endswith(".gz")]
    assert gzip.decompress(packed.content) == data.tables["flights"]


def test_rows_are_counted_as_csv_and_not_as_lines():
    assert count_rows(b'a,b\n1,"x\ny"\n2,z\n') == 2


def test_an_upload_that_ends_as_expected_is_no_fault():
    assert some_progress(an_entry()).faults() == []


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        ([], "no entry"),
        ([an_entry(status="received")], "received instead of loaded"),
        ([an_entry(rows_loaded=1)], "1 rows loaded instead of 2"),
        (
            [an_entry(status="failed", error={"message": "bad row", "details": ["line 2"]})],
            "bad row line 2",
        ),
    ],
)
def test_every_other_result_is_a_fault_with_the_reason(entries, fault):
    (text,) = some_progress(*entries).faults()
    assert fault in text


def test_an_upload_without_a_final_status_is_pending():
    assert some_progress(an_entry(status="received")).pending_tables() == ["t"]
    assert some_progress(an_entry()).pending_tables() == []


def test_without_the_data_package_the_demo_uses_the_example_files_only():
    data = DemoData(folder=None)

    assert data.expected_rows() == {"user_data": 3}
    uploads = [upload for act in data.acts() for upload in act.uploads]
    assert {upload.table for upload in uploads} == {"user_data"}
    assert {upload.status for upload in uploads} == {"applied", "loaded", "rejected"}


def test_the_command_for_the_flight_data_installs_the_version_of_the_checkout():
    locked = (PROJECT_ROOT / "requirements" / "demo-data.txt").read_text().split()
    assert DATA_COMMAND.split()[-1:] == locked
