"""Drift: which difference between the live table and the schema in force is told, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from etl_core.model.errors import TableDriftError
from etl_core.schema_changes.drift import check_drift, describe_drift
from etl_core.schema_changes.live_table import parse_table
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file
from tests.builders import TABLE, a_column, a_spec
from tests.fakes import catalog_rows

ID, NAME = a_column("id", "BIGINT", nullable=False), a_column("name", "VARCHAR(20)", default="x")
IN_FORCE = a_spec(ID, NAME)


def rows(*columns: dict[str, Any], **options: Any) -> list[Any]:
    """The catalog's rows of a table that a schema file could have made."""
    return catalog_rows(table_of_schema_file(a_spec(*columns, **options), TABLE))


def drift(spec: SchemaFile, *columns: dict[str, Any], **options: Any) -> list[str]:
    """What is told of a live table of these columns."""
    actual = parse_table(TABLE, rows(*columns, **options))
    assert actual is not None
    return list(describe_drift(actual, spec, TABLE))


TOLD = {
    "a column more": (
        (ID, NAME, a_column("more", "DATE")),
        ["column 'more' is in the table, but not in the schema file"],
    ),
    "a column less": ((ID,), ["column 'name' is in the schema file, but not in the table"]),
    "another name": (
        (ID, NAME | {"name": "title"}),
        [
            "column 'name' seems to have been renamed to 'title': both are character varying(20)",
            "column 'name' is in the schema file, but not in the table",
            "column 'title' is in the table, but not in the schema file",
        ],
    ),
    "another type": (
        (ID | {"type": "INTEGER"}, NAME),
        ["column 'id': its type is integer in the table and bigint in the schema file"],
    ),
    "a shorter text": (
        (ID, NAME | {"type": "VARCHAR(9)"}),
        [
            "column 'name': its type is character varying(9) in the table and character varying(20) in the schema file"
        ],
    ),
    "another nullability": (
        (ID | {"nullable": True}, NAME),
        ["column 'id': its nullability is nullable in the table and not null in the schema file"],
    ),
}


@pytest.mark.parametrize(("columns", "told"), TOLD.values(), ids=TOLD)
def test_a_difference_of_a_column_is_told(
    columns: tuple[dict[str, Any], ...], told: list[str]
) -> None:
    assert drift(IN_FORCE, *columns) == told


LET_BE = {
    "another default": ((ID, NAME | {"default": "y"}), {}),
    "nothing": ((ID, NAME), {}),
    "another order": ((NAME, ID), {}),
    "keys": ((ID, NAME), {"primary_key": ["id"], "distkey": "id", "sortkey": ["name"]}),
    "encoding and descriptions": (
        (ID | {"encode": "zstd"}, NAME | {"description": "who"}),
        {"description": "people"},
    ),
    "a longer text, as a widening leaves it": ((ID, NAME | {"type": "VARCHAR(40)"}), {}),
}


@pytest.mark.parametrize(("columns", "options"), LET_BE.values(), ids=LET_BE)
def test_what_a_load_does_not_mind_is_let_be(
    columns: tuple[dict[str, Any], ...], options: dict[str, Any]
) -> None:
    assert drift(IN_FORCE, *columns, **options) == []


def test_a_rename_of_the_schema_file_is_done_and_asks_for_nothing() -> None:
    renamed = a_spec(ID, NAME | {"renamed_from": "title"})

    assert drift(renamed, ID, NAME) == []
    assert drift(renamed, ID, NAME, a_column("title", "DATE")) == [
        "column 'title' is in the table, but not in the schema file"
    ]


def test_a_type_beyond_schema_files_is_told() -> None:
    live = rows(ID, NAME)
    live[1]._mapping["type_text"] = "money"

    with pytest.raises(
        TableDriftError,
        match=r"public\.t is no longer what .* no schema file can describe: 'money'",
    ):
        check_drift(live, IN_FORCE, TABLE)


def test_a_table_that_is_not_there_is_not_drift() -> None:
    check_drift([], IN_FORCE, TABLE)
