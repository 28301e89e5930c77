"""The published JSON Schema of schema files agrees with the parser.

The files in schema_files/good are accepted by both, those in schema_files/bad by neither. Those in
bad/beyond_json_schema have a fault that only the parser finds.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft202012Validator

from etl_cli.main import main
from etl_core.model.errors import InvalidSchemaFileError
from etl_core.schema_files.json_schema import schema_file_format
from etl_core.schema_files.schema_file import ColumnSpec, CsvOptions, SchemaFile
from tests.etl_core.schema_files.schema_files import good_files

PUBLISHED = Path(__file__).parents[3] / "docs" / "schema-file.schema.json"
CORPUS = Path(__file__).parent / "schema_files"
GOOD = sorted(CORPUS.glob("good/*.json"))
BAD = sorted(CORPUS.glob("bad/*.json"))
BEYOND = sorted(CORPUS.glob("bad/beyond_json_schema/*.json"))
VALIDATOR = Draft202012Validator(schema_file_format())


def faults(text: bytes) -> list[str]:
    """Return what the JSON Schema reports about a file."""
    return [error.message for error in VALIDATOR.iter_errors(json.loads(text))]


def test_the_published_format_is_current() -> None:
    """If not: `python -m etl_cli json-schema > docs/schema-file.schema.json`."""
    assert CliRunner().invoke(main, ["json-schema"]).output == PUBLISHED.read_text()


def test_every_property_is_published() -> None:
    schema = schema_file_format()

    assert set(schema["properties"]) == {
        *SchemaFile.model_fields,
        "allowed_actions",
        "$schema",
    }
    assert set(schema["$defs"]["ColumnSpec"]["properties"]) == set(ColumnSpec.model_fields)
    assert set(schema["$defs"]["CsvOptions"]["properties"]) == set(CsvOptions.model_fields)
    assert schema["required"] == ["columns"]


def test_keywords_are_offered_in_one_case_and_accepted_in_any() -> None:
    style = schema_file_format()["properties"]["diststyle"]
    validator = Draft202012Validator(style)

    assert style["anyOf"][0] == {"enum": ["AUTO", "EVEN", "ALL", "KEY"]}
    assert [validator.is_valid(word) for word in ("EVEN", "eVeN", "EVENS", "EVEN\n", 1)] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_every_property_is_described() -> None:
    schema = schema_file_format()

    for group in (
        schema["properties"],
        *(part.get("properties", {}) for part in schema["$defs"].values()),
    ):
        assert [name for name, described in group.items() if not described.get("description")] == []


def test_the_published_format_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(json.loads(PUBLISHED.read_text()))


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_is_accepted_by_both(path: Path) -> None:
    SchemaFile.parse(path.read_bytes())
    assert faults(path.read_bytes()) == []


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_is_refused_by_both(path: Path) -> None:
    with pytest.raises(InvalidSchemaFileError):
        SchemaFile.parse(path.read_bytes())
    assert faults(path.read_bytes())


@pytest.mark.parametrize("path", BEYOND, ids=lambda path: path.stem)
def test_a_fault_beyond_json_schema_is_found_by_the_parser_only(path: Path) -> None:
    with pytest.raises(InvalidSchemaFileError):
        SchemaFile.parse(path.read_bytes())
    try:
        assert faults(path.read_bytes()) == []
    except ValueError:
        return  # not JSON


def test_the_corpus_is_complete() -> None:
    assert (len(GOOD) >= 15, len(BAD) >= 60, len(BEYOND) >= 15) == (True, True, True)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(good_files())
def test_the_json_schema_accepts_whatever_the_parser_accepts(schema: dict[str, Any]) -> None:
    text = json.dumps(schema).encode()
    SchemaFile.parse(text)
    assert faults(text) == []
