"""`python -m etl_core`: what it prints, and what its exit codes tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from etl_cli.main import main
from tests.builders import a_column, a_schema_file


class Services:
    """A folder with schema files, and the command line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def file(self, name: str, *columns: dict[str, Any], **more: Any) -> str:
        path = self.folder / name
        path.write_bytes(a_schema_file(*columns, **more))
        return str(path)

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, ["plan", *arguments])


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return Services(tmp_path)


def test_two_files_of_one_table_are_nothing_to_do(services: Services) -> None:
    same = services.file("a.json", a_column(encode="az64"), a_column("name", "VARCHAR(9)"))

    result = services.run(
        same,
        "--actual",
        services.file("b.json", a_column(), a_column("name", "VARCHAR(9)", encode="lzo")),
    )

    assert (result.exit_code, result.output) == (
        0,
        "nothing to do: the table is what the schema file says\n",
    )


def test_a_table_that_is_not_there_yet_is_created(services: Services) -> None:
    result = services.run(services.file("a.json", a_column()), "--table", "sales.orders")

    assert result.exit_code == 1
    assert (
        'CREATE TABLE "sales"."orders" ( "id" INTEGER );  -- safe: the table sales.orders is new'
        in result.output
    )


def test_changes_are_shown_as_json_too(services: Services) -> None:
    before = services.file("a.json", a_column("name", "VARCHAR(9)"))

    result = services.run(
        services.file("b.json", a_column("name", "VARCHAR(20)")),
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
    }


@pytest.mark.parametrize("form", ["--text", "--json"])
def test_what_is_refused_is_told_with_the_way_out(services: Services, form: str) -> None:
    result = services.run(
        services.file("b.json", a_column()), "--actual", services.file("a.json"), form
    )

    assert result.exit_code == 2
    assert "To drop it, list " in result.output
    assert "in allowed_changes" in result.output


def test_a_file_that_may_not_be_replaced_refuses_the_plan(services: Services) -> None:
    before = services.file("a.json", allowed_operations=["append"])

    result = services.run(
        services.file("b.json", a_column(), a_column("name", "VARCHAR(90)")), "--actual", before
    )

    assert result.exit_code == 2
    assert result.output == (
        'refused: the schema in force (version 1) allows append. Only a schema that lists "schema" in allowed_operations can be '
        'replaced. Create a table with another name, with a schema file that lists "schema"\n'
    )
    assert services.run(before, "--actual", before).exit_code == 0


def test_every_fault_of_a_file_is_told(services: Services) -> None:
    result = services.run(services.file("a.json", {"name": "id"}, {"type": "INT"}))

    assert result.exit_code == 3
    assert "$.columns[0].type: is missing" in result.output
    assert "$.columns[1].name: is missing" in result.output


def test_wrong_options_do_not_look_like_a_refusal(services: Services) -> None:
    assert services.run("--nothing").exit_code == 3
