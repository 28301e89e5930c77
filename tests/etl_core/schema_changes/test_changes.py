"""Differences and refusals: one rebuild per column, and the parts of a refusal."""

from __future__ import annotations

from typing import Any

from etl_core.schema_changes.changes import (
    Change,
    ChangeClass,
    ChangeEncoding,
    RebuildColumn,
    WidenColumn,
)
from etl_core.schema_changes.diff import diff
from etl_core.schema_changes.plan import make_plan
from etl_core.schema_changes.refusals import (
    Refusal,
    describe_refusals,
    refuse_column_of_view,
    refuse_replacement,
)
from etl_core.schema_files.tables import table_of_schema_file
from tests.builders import TABLE, a_column, a_spec


def changes_between(actual: dict[str, Any], desired: dict[str, Any]) -> tuple[Change, ...]:
    """Return the changes of a table with one column."""
    return diff(
        table_of_schema_file(a_spec(actual), TABLE), table_of_schema_file(a_spec(desired), TABLE)
    )


def test_all_changed_facets_of_a_column_are_one_rebuild() -> None:
    [change] = changes_between(
        a_column("n", "INTEGER", encode="az64"),
        a_column("n", "BIGINT", nullable=False, default=0, encode="zstd"),
    )

    assert isinstance(change, RebuildColumn)
    assert [(facet.name, facet.permission) for facet in change.facets] == [
        ("type", "retype"),
        ("nullability", "nullability"),
        ("default", "default"),
        ("encoding", None),
    ]
    assert change.change_class is ChangeClass.RETYPE


def test_a_longer_text_comes_with_a_rebuild_and_needs_no_permission_of_its_own() -> None:
    actual, desired = a_column("s", "VARCHAR(5)"), a_column("s", "VARCHAR(9)", default="x")
    [change] = changes_between(actual, desired)

    assert isinstance(change, RebuildColumn)
    assert [(facet.name, facet.permission) for facet in change.facets] == [
        ("type", None),
        ("default", "default"),
    ]
    assert change.change_class is ChangeClass.DEFAULT


def test_facets_that_redshift_alters_in_place_are_changes_of_their_own() -> None:
    changes = changes_between(
        a_column("s", "VARCHAR(5)", encode="lzo"), a_column("s", "VARCHAR(9)", encode="zstd")
    )

    assert list(map(type, changes)) == [WidenColumn, ChangeEncoding]


def test_each_facet_without_permission_is_refused() -> None:
    actual = table_of_schema_file(a_spec(a_column("n", "INTEGER"), a_column("id")), TABLE)
    desired = table_of_schema_file(
        a_spec(a_column("n", "BIGINT", default=0), a_column("id")), TABLE
    )

    assert make_plan(actual, desired, ()).refusals == (
        Refusal(
            "column 'n': its type is integer in the table and bigint in the schema file",
            "A change of type rewrites every row",
            'To change it, list "retype" in allowed_changes',
        ),
        Refusal(
            "column 'n': its default is none in the table and 0 in the schema file",
            "A change of default rewrites every row",
            'To change it, list "default" in allowed_changes',
        ),
    )


def test_a_table_of_others_is_refused_with_each_change_that_could_disturb_them() -> None:
    actual = table_of_schema_file(a_spec(a_column("a", "INTEGER"), a_column("b", "DATE")), TABLE)
    desired = table_of_schema_file(a_spec(a_column("a", "BIGINT"), a_column("c")), TABLE)

    plan = make_plan(actual, desired, ("retype", "drop"), is_adoption=True)

    assert [refusal.message for refusal in plan.refusals] == [
        "column 'a': its type is integer in the table and bigint in the schema file",
        "column 'b' is in the table, but not in the schema file",
    ]
    assert {refusal.detail for refusal in plan.refusals} == {
        "This pipeline did not create the table. The loader takes over a table only as it is, with "
        "new columns, or with longer "
        "VARCHAR columns"
    }


def test_a_schema_that_does_not_list_schema_is_not_replaced() -> None:
    in_force = a_spec(allowed_operations=["append"], schema_version="7")

    [refusal] = refuse_replacement(in_force, a_spec(a_column("other")))

    assert str(refusal) == (
        'the schema in force (version 7) allows append. Only a schema that lists "schema" in '
        "allowed_operations can be replaced. "
        'Create a table with another name, with a schema file that lists "schema"'
    )
    assert list(refuse_replacement(in_force, in_force)) == []


def test_a_column_of_a_view_is_refused_with_the_fix() -> None:
    refusal = refuse_column_of_view("column 'a' is used by the view public.v")

    assert str(refusal) == (
        "column 'a' is used by the view public.v. Redshift does not change a column that a view is bound to. "
        "Drop the view first, and create it again afterwards"
    )


def test_refusals_by_one_rule_are_described_together_and_the_list_ends_after_five() -> None:
    rule = ("Dropping it deletes its data", 'To drop it, list "drop" in allowed_changes')
    refusals = [Refusal(f"column {number}", *rule) for number in range(7)]

    assert describe_refusals([*refusals, Refusal("the sortkey", "The rule", "The fix")]) == (
        "column 0; column 1; column 2; column 3; column 4; and 2 more. Dropping it deletes its data. "
        'To drop it, list "drop" in allowed_changes. The sortkey. The rule. The fix'
    )
