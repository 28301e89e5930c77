"""Drift: which differences between the live table and the schema in force are reported, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from etl_core.model.errors import TableDriftError
from etl_core.schema_changes.drift import check_drift, describe_drift
from etl_core.schema_changes.live_table import parse_table
from etl_core.schema_changes.plan import Plan, make_plan
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file
from tests.builders import TABLE, a_column, a_spec
from tests.fakes import catalog_rows

ID, NAME = a_column("id", "BIGINT", nullable=False), a_column("name", "VARCHAR(20)", default="x")
IN_FORCE = a_spec(ID, NAME)


def rows(*columns: dict[str, Any], **options: Any) -> list[Any]:
    """Return the catalog rows of a table with these columns."""
    return catalog_rows(table_of_schema_file(a_spec(*columns, **options), TABLE))


def drift(spec: SchemaFile, *columns: dict[str, Any], **options: Any) -> list[str]:
    """Return the drift of a live table with these columns."""
    actual = parse_table(TABLE, rows(*columns, **options))
    assert actual is not None
    return list(describe_drift(actual, spec, TABLE))


REPORTED = {
    "an extra column": (
        (ID, NAME, a_column("more", "DATE")),
        ["column 'more' is in the table, but not in the schema file"],
    ),
    "a missing column": ((ID,), ["column 'name' is in the schema file, but not in the table"]),
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


@pytest.mark.parametrize(("columns", "lines"), REPORTED.values(), ids=REPORTED)
def test_a_difference_of_a_column_is_reported(
    columns: tuple[dict[str, Any], ...], lines: list[str]
) -> None:
    assert drift(IN_FORCE, *columns) == lines


IGNORED = {
    "another default": ((ID, NAME | {"default": "y"}), {}),
    "nothing": ((ID, NAME), {}),
    "another order": ((NAME, ID), {}),
    "keys": ((ID, NAME), {"primary_key": ["id"], "distkey": "id", "sortkey": ["name"]}),
    "encoding and descriptions": (
        (ID | {"encode": "zstd"}, NAME | {"description": "who"}),
        {"description": "people"},
    ),
    "a longer text, as a committed widening leaves it": ((ID, NAME | {"type": "VARCHAR(40)"}), {}),
}


@pytest.mark.parametrize(("columns", "options"), IGNORED.values(), ids=IGNORED)
def test_a_difference_that_does_not_matter_to_a_load_is_ignored(
    columns: tuple[dict[str, Any], ...], options: dict[str, Any]
) -> None:
    assert drift(IN_FORCE, *columns, **options) == []


def test_a_rename_of_the_schema_in_force_is_not_expected_again() -> None:
    renamed = a_spec(ID, NAME | {"renamed_from": "title"})

    assert drift(renamed, ID, NAME) == []
    assert drift(renamed, ID, NAME, a_column("title", "DATE")) == [
        "column 'title' is in the table, but not in the schema file"
    ]


@pytest.mark.parametrize(
    "columns", [(ID, NAME), (ID, NAME, a_column("shape", "DATE"))], ids=["named", "not named"]
)
def test_a_column_of_an_unknown_type_is_not_compared_and_a_warning_names_it(
    columns: tuple[dict[str, Any], ...],
) -> None:
    live = rows(*columns)
    live[-1]._mapping["type_text"] = "money"
    live[-1]._mapping["attnotnull"] = True

    [warning] = check_drift(live, IN_FORCE, TABLE)

    name = columns[-1]["name"]
    assert warning.startswith(f"column '{name}' has the type 'money', which no schema file can")


def test_other_columns_are_compared_beside_one_of_an_unknown_type() -> None:
    live = rows(ID | {"type": "INTEGER"}, NAME)
    live[1]._mapping["type_text"] = "money"

    with pytest.raises(TableDriftError, match=r"column 'id': its type is integer") as caught:
        check_drift(live, IN_FORCE, TABLE)

    assert len(caught.value.details) == 1


WITH_IDENTITY = (
    {"identity": [1, 1]},
    {"identity": [1, 1], "nullable": False},
)
WITHOUT_IDENTITY = ({}, {"nullable": True}, {"nullable": False})
IDENTITY, DEFAULT_IDENTITY = (
    f"\"{name}\"(1, 0, '1,1'::text)" for name in ("identity", "default_identity")
)


@pytest.mark.parametrize("attnotnull", [True, False], ids=["not null", "nullable"])
@pytest.mark.parametrize("in_file", WITH_IDENTITY, ids=str)
def test_an_identity_column_matches_its_schema_whatever_the_catalog_says_of_null(
    in_file: dict[str, Any], attnotnull: bool
) -> None:
    columns = (a_column("id", "BIGINT", **in_file), NAME)
    live = rows(*columns)
    live[0]._mapping["attnotnull"] = attnotnull

    assert check_drift(live, a_spec(*columns), TABLE) == ()
    plan = make_plan(
        parse_table(TABLE, live), table_of_schema_file(a_spec(*columns), TABLE), frozenset()
    )
    assert (plan.statements, plan.refusals) == ((), ())


@pytest.mark.parametrize("attnotnull", [True, False], ids=["not null", "nullable"])
@pytest.mark.parametrize("in_file", WITHOUT_IDENTITY, ids=str)
@pytest.mark.parametrize("default_text", [IDENTITY, DEFAULT_IDENTITY])
def test_an_identity_that_the_schema_does_not_have_is_no_difference_of_nullability(
    default_text: str, in_file: dict[str, Any], attnotnull: bool
) -> None:
    spec = a_spec(a_column("id", "BIGINT", **in_file), NAME)
    live = rows(ID, NAME)
    live[0]._mapping |= {"attnotnull": attnotnull, "default_text": default_text}

    assert check_drift(live, spec, TABLE) == ()
    plan = make_plan(
        parse_table(TABLE, live),
        table_of_schema_file(spec, TABLE),
        frozenset({"nullability", "retype"}),
    )
    assert plan.statements == ()
    assert bool(plan.refusals) == (default_text == IDENTITY)
    assert all("its nullability" not in str(refusal) for refusal in plan.refusals)


def test_a_missing_table_is_not_drift() -> None:
    assert check_drift([], IN_FORCE, TABLE) == ()


def test_a_table_of_known_types_has_no_warning() -> None:
    assert check_drift(rows(ID, NAME), IN_FORCE, TABLE) == ()


def test_a_column_generated_by_default_is_adopted_and_never_rebuilt() -> None:
    """A column that is built again has no generator."""
    columns = (a_column("id", "BIGINT"), NAME)
    live = rows(*columns)
    live[0]._mapping["default_text"] = DEFAULT_IDENTITY
    actual, allowed = parse_table(TABLE, live), frozenset({"retype", "default", "nullability"})

    def plan_for(*changed: dict[str, Any]) -> Plan:
        return make_plan(actual, table_of_schema_file(a_spec(*changed), TABLE), allowed)

    assert check_drift(live, a_spec(*columns), TABLE) == ()
    assert (plan_for(*columns).changes, plan_for(*columns).refusals) == ((), ())
    for other in (a_column("id", "INTEGER"), a_column("id", "BIGINT", default=5)):
        refusals = plan_for(other, NAME).refusals
        assert any("cannot rebuild an identity column" in str(each) for each in refusals)
