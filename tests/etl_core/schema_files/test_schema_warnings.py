"""What a valid schema file says that its author may not mean."""

from __future__ import annotations

import pytest

from etl_core.schema_files.column_types import hidden_limit, known_types, parse_column_type
from etl_core.schema_files.schema_warnings import warnings_of_schema_file
from tests.builders import a_column, a_schema_file


def warned(kind: str) -> list[str]:
    warnings = warnings_of_schema_file(a_schema_file(a_column("a"), a_column("Price", kind)))
    return [f"{warning.path}: {warning.reason}" for warning in warnings]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("DECIMAL", "DECIMAL means NUMERIC(18,0), which keeps no decimals: 42.42 is loaded as 42"),
        (" numeric ", "numeric means NUMERIC(18,0)"),
        ("TEXT", "TEXT means VARCHAR(256), which holds 256 bytes. Write VARCHAR(n)"),
        ("character  varying", "means VARCHAR(256)"),
        ("CHAR", "CHAR means CHAR(1), which holds one byte"),
    ],
)
def test_a_type_with_a_limit_that_it_does_not_show_has_a_warning(kind: str, says: str) -> None:
    [warning] = warned(kind)

    assert warning.startswith("$.columns[1].type: column 'Price': ")
    assert says in warning


@pytest.mark.parametrize("kind", ["DECIMAL(18)", "NUMERIC(18,0)", "VARCHAR(256)", "INT", "DATE"])
def test_a_type_that_shows_its_limit_has_none(kind: str) -> None:
    assert warned(kind) == []


def test_the_hidden_limit_of_a_type_is_what_it_means() -> None:
    for kind in known_types():
        if (meant := hidden_limit(kind)) is not None:
            assert parse_column_type(meant) == parse_column_type(kind)


def test_a_file_that_no_later_one_can_change_has_a_warning() -> None:
    [warning] = warnings_of_schema_file(a_schema_file(allowed_operations=["append"]))

    assert warning.path == "$.allowed_operations"
