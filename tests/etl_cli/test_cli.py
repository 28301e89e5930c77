"""`etl plan` with two schema files: output and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from etl_cli.main import main
from tests.builders import a_column, a_schema_file


class PlanRunner:
    """Writes schema files to a folder and runs `etl plan`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str, *columns: dict[str, Any], **more: Any) -> str:
        path = self.folder / name
        path.write_bytes(a_schema_file(*columns, **more))
        return str(path)

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["plan", *arguments])


@pytest.fixture
def runner(tmp_path: Path) -> PlanRunner:
    return PlanRunner(tmp_path)


def test_two_files_of_the_same_table_need_no_change(runner: PlanRunner) -> None:
    same = runner.file("a.json", a_column(encode="az64"), a_column("name", "VARCHAR(9)"))

    result = runner.run(
        same,
        "--actual",
        runner.file("b.json", a_column(), a_column("name", "VARCHAR(9)", encode="lzo")),
    )

    assert (result.exit_code, result.output) == (
        0,
        "nothing to do: the table matches the schema file\n",
    )


def test_a_table_that_does_not_exist_is_created(runner: PlanRunner) -> None:
    result = runner.run(runner.file("a.json", a_column()), "--table", "sales.orders")

    assert result.exit_code == 1
    assert (
        'CREATE TABLE "sales"."orders" ( "id" INTEGER );  -- safe: the table sales.orders is new'
        in result.output
    )


def test_the_json_output_lists_the_statements(runner: PlanRunner) -> None:
    before = runner.file("a.json", a_column("name", "VARCHAR(9)"))

    result = runner.run(
        runner.file("b.json", a_column("name", "VARCHAR(20)")),
        "--actual",
        before,
        "--table",
        "t",
        "--json",
    )

    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "result": "changes",
        "statements": [
            {
                "sql": 'ALTER TABLE "public"."t" ALTER COLUMN "name" TYPE VARCHAR(20)',
                "why": "name grows from character varying(9)",
                "class": "widen",
                "transactional": False,
            }
        ],
        "refusals": [],
        "warnings": [],
    }


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_refusal_includes_the_fix(runner: PlanRunner, options: list[str]) -> None:
    result = runner.run(
        runner.file("b.json", a_column()), "--actual", runner.file("a.json"), *options
    )

    assert result.exit_code == 2
    assert "To drop it, list " in result.output
    assert "in allowed_changes" in result.output


def test_a_schema_file_without_permission_for_schema_files_refuses_the_plan(
    runner: PlanRunner,
) -> None:
    before = runner.file("a.json", allowed_operations=["append"])

    result = runner.run(
        runner.file("b.json", a_column(), a_column("name", "VARCHAR(90)")), "--actual", before
    )

    assert result.exit_code == 2
    assert result.output == (
        'refused: the schema in force (version 1) allows append. Only a schema that lists "schema" '
        "in allowed_operations can be replaced. Create a table with another name, with a schema "
        'file that lists "schema"\n'
    )
    assert runner.run(before, "--actual", before).exit_code == 0


def test_every_fault_of_a_schema_file_is_reported(runner: PlanRunner) -> None:
    result = runner.run(runner.file("a.json", {"name": "id"}, {"type": "INT"}))

    assert result.exit_code == 3
    assert "$.columns[0].type: is missing" in result.output
    assert "$.columns[1].name: is missing" in result.output


def test_invalid_options_have_another_exit_code_than_a_refusal(runner: PlanRunner) -> None:
    assert runner.run("--nothing").exit_code == 3
