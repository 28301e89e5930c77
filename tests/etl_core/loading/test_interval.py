"""The interval between two loads of a table: the schema file's, else the stack's."""

from __future__ import annotations

import pytest

from etl_core.loading.interval import load_interval
from etl_core.model.errors import InvalidSchemaFileError
from etl_core.schema_files.schema_file import SchemaFile
from tests.builders import a_schema_file, a_spec, settings


@pytest.mark.parametrize(
    ("of_file", "of_stack", "interval"),
    [
        ({}, 0, 0),
        ({}, 300, 300),
        ({"load_interval_seconds": 0}, 300, 0),
        ({"load_interval_seconds": 60}, 0, 60),
    ],
)
def test_the_schema_file_has_the_first_word(
    of_file: dict[str, int], of_stack: int, interval: int
) -> None:
    assert load_interval(a_spec(**of_file), settings(load_interval_seconds=of_stack)) == interval


def test_a_table_without_a_schema_has_the_interval_of_the_stack() -> None:
    assert load_interval(None, settings(load_interval_seconds=7)) == 7


@pytest.mark.parametrize("seconds", [0, 1, 86_400])
def test_the_interval_is_stored_and_read_again(seconds: int) -> None:
    spec = a_spec(load_interval_seconds=seconds)

    assert SchemaFile.from_json(spec.to_json()) == spec
    assert SchemaFile.from_json(spec.to_json()).load_interval_seconds == seconds


def test_a_stored_file_without_an_interval_has_none() -> None:
    assert SchemaFile.from_json(a_spec().to_json()).load_interval_seconds is None
    assert "load_interval" not in a_spec().to_json()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (-1, "-1 was given; the smallest number allowed is 0"),
        (86_401, "86401 was given; the largest number allowed is 86400"),
        (10**18, "the largest number allowed is 86400"),
        (1.5, "a whole number"),
        (True, "a whole number"),
        ("60", "a whole number"),
        ([60], "a whole number"),
    ],
)
def test_any_other_value_is_refused_with_its_path(value: object, reason: str) -> None:
    with pytest.raises(InvalidSchemaFileError) as caught:
        SchemaFile.parse(a_schema_file(load_interval_seconds=value))

    [fault] = caught.value.details
    assert fault.startswith("$.load_interval_seconds: ")
    assert reason in fault
