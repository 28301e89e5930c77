"""The published format of schema files is the one that the code reads."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from etl_core.cli import main
from etl_core.json_schema import schema_file_format
from etl_core.schema_file import ColumnSpec, CsvOptions, SchemaFile

PUBLISHED = Path(__file__).parents[2] / "docs" / "schema-file.schema.json"


def test_the_published_format_is_current() -> None:
    """If not: `python -m etl_core json-schema > docs/schema-file.schema.json`."""
    assert CliRunner().invoke(main, ["json-schema"]).output == PUBLISHED.read_text()


def test_every_property_is_published() -> None:
    made = schema_file_format()

    assert set(made["properties"]) == {*SchemaFile.model_fields, "allowed_actions"}
    assert set(made["$defs"]["ColumnSpec"]["properties"]) == set(ColumnSpec.model_fields)
    assert set(made["$defs"]["CsvOptions"]["properties"]) == set(CsvOptions.model_fields)
    assert made["required"] == ["columns"]


def test_keywords_are_listed_in_the_cases_that_people_write() -> None:
    style = schema_file_format()["properties"]["diststyle"]

    assert {"EVEN", "even"} <= set(style["enum"])
    assert "title" not in json.dumps(schema_file_format()["properties"])
