"""Columns of a type that the loader does not know: left alone, named, and never changed."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from etl_core.schema_changes.live_table import parse_table
from etl_core.schema_changes.plan import Plan, make_plan
from etl_core.schema_files.tables import table_of_schema_file
from tests.builders import TABLE, a_column, a_spec
from tests.fakes import catalog_rows

ID, SHAPE = a_column("id", "BIGINT"), a_column("shape", "VARCHAR(9)")
ALL = ("retype", "nullability", "default", "drop", "narrow")
WARNING = (
    "column 'shape' has the type 'polygon', which no schema file can describe: it is not compared "
    "with the schema file, and never changed"
)


def a_live_table(*columns: dict[str, Any]) -> sa.Table:
    """Return a table whose column `shape` has the type polygon."""
    rows = catalog_rows(table_of_schema_file(a_spec(*columns), TABLE))
    for row in rows:
        if row._mapping["attname"] == "shape":
            row._mapping["type_text"] = "polygon"
    table = parse_table(TABLE, rows)
    assert table is not None
    return table


def plan(desired: tuple[dict[str, Any], ...], in_force: tuple[dict[str, Any], ...]) -> Plan:
    """Return the plan of a file with all permissions for the table of ID and a polygon."""
    return make_plan(
        a_live_table(ID, SHAPE),
        table_of_schema_file(a_spec(*desired), TABLE),
        ALL,
        in_force=table_of_schema_file(a_spec(*in_force), TABLE),
    )


def test_a_file_that_names_the_column_as_before_changes_the_others() -> None:
    planned = plan((ID, SHAPE, a_column("note", "DATE")), (ID, SHAPE))

    assert [statement.sql for statement in planned.statements] == [
        'ALTER TABLE "public"."t" ADD COLUMN "note" DATE'
    ]
    assert planned.warnings == (WARNING,)


def test_a_file_that_leaves_the_column_out_does_not_drop_it() -> None:
    planned = plan((ID,), (ID,))

    assert (planned.statements, planned.refusals, planned.removed) == ((), (), ())
    assert planned.warnings == (WARNING,)


CHANGES = {
    "type": (SHAPE | {"type": "DATE"}, "was character varying(9) in the schema file before and is date now"),
    "name": (
        a_column("outline", "VARCHAR(9)", renamed_from="shape"),
        "the schema file gives it the name 'outline'",
    ),
    "nullability": (SHAPE | {"nullable": False}, "its nullability is nullable in the table and not null"),
    "encoding": (SHAPE | {"encode": "zstd"}, "its encoding is raw in the table and zstd"),
    "identity": (
        a_column("shape", "BIGINT", identity=[1, 1], nullable=False),
        "its identity is none in the table and (1,1)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("column", "problem"), CHANGES.values(), ids=CHANGES)
def test_a_file_that_changes_the_column_is_refused_by_its_name(
    column: dict[str, Any], problem: str
) -> None:
    planned = plan((ID, column), (ID, SHAPE))

    assert planned.statements == ()
    text = str(planned.refusals[0])
    assert text.startswith("column 'shape' has the type 'polygon' in the table")
    assert any(problem in str(refusal) for refusal in planned.refusals)
    assert "change it in the warehouse" in text


def test_a_default_is_not_compared() -> None:
    planned = plan((ID, SHAPE | {"default": "x"}), (ID, SHAPE))

    assert (planned.statements, planned.refusals) == ((), ())


def test_a_table_of_others_is_taken_over_with_a_warning() -> None:
    desired = table_of_schema_file(a_spec(ID, SHAPE), TABLE)

    planned = make_plan(a_live_table(ID, SHAPE), desired, (), is_adoption=True)

    assert (planned.statements, planned.refusals, planned.warnings) == ((), (), (WARNING,))


def test_a_refused_plan_keeps_its_warnings() -> None:
    planned = make_plan(
        a_live_table(ID, SHAPE),
        table_of_schema_file(a_spec(a_column("id", "DATE"), SHAPE), TABLE),
        (),
    )

    assert planned.refusals
    assert planned.warnings == (WARNING,)
