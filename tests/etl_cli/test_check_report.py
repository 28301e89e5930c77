"""`etl check`: its warning about final schema files, and its JSON output."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_column, a_schema_file
from tests.etl_cli.csv_folder import CsvFolder

WARNING = 'allowed_operations does not list "schema"'


@pytest.fixture
def runner(tmp_path: Path) -> CsvFolder:
    return CsvFolder(tmp_path)


def check(runner: CsvFolder, schema: bytes, *data: str) -> dict[str, Any]:
    """The JSON output of `check`; its exit code agrees with it."""
    result = runner.run("check", runner.file(schema, "schema.json"), *data, "--json")
    report: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (0 if report["valid"] else 1)
    return report


def test_a_final_schema_file_is_valid_with_a_warning(runner: CsvFolder) -> None:
    path = runner.file(a_schema_file(a_column(), allowed_operations=["append"]), "schema.json")

    result = runner.run("check", path)

    assert result.exit_code == 0
    assert result.stderr.startswith(f"{path}: warning: {WARNING}")
    assert 'Add "schema" to allowed_operations' in result.stderr
    assert result.stdout == f"{path}: a valid schema file of 1 columns\n"


@pytest.mark.parametrize("allowed", [{}, {"allowed_operations": ["append", "schema"]}])
def test_a_schema_file_that_allows_schema_files_has_no_warning(
    runner: CsvFolder, allowed: dict[str, Any]
) -> None:
    assert check(runner, a_schema_file(a_column(), **allowed)) == {
        "valid": True,
        "columns": 1,
        "rows": None,
        "faults": [],
        "warnings": [],
    }


def test_the_json_output_has_the_place_and_reason_of_every_fault(runner: CsvFolder) -> None:
    data = runner.file("id,name\n1,a\nx,b\n")
    schema = a_schema_file(
        a_column("id", "INTEGER"), a_column("name", "VARCHAR(9)"), allowed_operations=["append"]
    )

    report = check(runner, schema, data)

    [fault], [warning] = report["faults"], report["warnings"]
    assert (report["columns"], report["rows"]) == (2, 2)
    assert (fault["file"], fault["line"], fault["column"], fault["value"]) == (data, 3, "id", "x")
    assert fault["reason"]
    assert (warning["line"], warning["reason"].startswith(WARNING)) == (None, True)


def test_the_json_output_lists_the_faults_of_a_schema_file(runner: CsvFolder) -> None:
    report = check(runner, a_schema_file({"name": "id"}, {"type": "INTEGER"}))

    assert report["columns"] is None
    assert [fault["reason"].partition(":")[0] for fault in report["faults"]] == [
        "$.columns[0].type",
        "$.columns[1].name",
    ]


def test_the_json_output_reports_a_header_that_does_not_match(runner: CsvFolder) -> None:
    report = check(runner, a_schema_file(a_column("id")), runner.file("other\n1\n"))

    assert not report["valid"]
    assert report["faults"]
