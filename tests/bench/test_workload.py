"""The measured files are valid, and the same on every machine."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import pytest

from bench import workload
from etl_core.csv_files.values import value_test
from etl_core.schema_files.schema_file import SchemaFile


def test_the_same_rows_are_the_same_bytes() -> None:
    digest = hashlib.sha256(workload.content(1_000)).hexdigest()

    assert digest == "e50b8a7c21e214b6c32317118b9f470e79a91e5ee617919e7374e61c0720b644"


@pytest.mark.parametrize("first", [0, 4_999_900])
def test_copy_accepts_every_value_under_the_schema_file(first: int) -> None:
    schema = SchemaFile.parse(workload.schema_file())
    checks = [value_test(column, schema.csv, not_null=True) for column in schema.columns]
    header, *rows = csv.reader(io.StringIO(workload.content(100, first).decode(), newline=""))

    assert header == [column.name for column in schema.columns]
    assert len(rows) == 100
    issues = [check(v) for row in rows for check, v in zip(checks, row, strict=True)]
    assert not any(issues)


def test_files_of_one_burst_have_different_rows() -> None:
    first, second = (workload.content(100, first=n * 100).splitlines()[1:] for n in range(2))

    assert not set(first) & set(second)


def test_a_large_file_has_about_its_size_and_the_rows_that_it_reports(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"

    rows = workload.write_large_file(path, 10)

    assert 5_000_000 < path.stat().st_size < 11_000_000
    with path.open(newline="") as file:
        assert sum(1 for _ in csv.reader(file)) == rows + 1


@pytest.mark.parametrize(
    ("rows", "name"),
    [(1_000_000, "1 M rows"), (100_000, "100 k rows"), (100, "100 rows"), (1_500, "1500 rows")],
)
def test_sizes_are_named_for_people(rows: int, name: str) -> None:
    assert workload.size_name(rows) == name
