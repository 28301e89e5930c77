"""The oracle of test_plan_law.py finds lost values."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from etl_core.schema_files.tables import table_of_schema_file
from tests.builders import TABLE, a_column, a_spec
from tests.etl_core.schema_changes.kept_values import is_kept, lost_values


@pytest.mark.parametrize(
    ("before", "kind", "after", "desired", "kept"),
    [
        (7, "INTEGER", 7, "BIGINT", True),
        (7, "INTEGER", 8, "BIGINT", False),
        (7, "INTEGER", None, "BIGINT", False),
        (None, "INTEGER", 0, "BIGINT", False),
        (7, "INTEGER", "7", "VARCHAR(9)", True),
        ("12 ", "CHAR(4)", Decimal("12"), "NUMERIC(4,0)", True),
        ("", "VARCHAR(4)", None, "INTEGER", True),
        ("    ", "CHAR(4)", None, "DATE", True),
        ("", "VARCHAR(4)", 0, "INTEGER", False),
        (" ", "VARCHAR(4)", None, "INTEGER", False),
        ("", "VARCHAR(4)", None, "CHAR(4)", False),
        (Decimal("1.55"), "NUMERIC(5,2)", Decimal("1.6"), "NUMERIC(5,1)", True),
        (Decimal("1.55"), "NUMERIC(5,2)", Decimal("1.7"), "NUMERIC(5,1)", False),
        (True, "BOOLEAN", 1, "INTEGER", True),
        (True, "BOOLEAN", 0, "INTEGER", False),
        (dt.date(2026, 1, 2), "DATE", dt.datetime.fromisoformat("2026-01-02"), "TIMESTAMP", True),
        (dt.date(2026, 1, 2), "DATE", "2026-01-03", "VARCHAR(20)", False),
        (dt.datetime.fromisoformat("2026-01-02 03:00:00"), "TIMESTAMP", dt.time(3), "TIME", True),
        ("abc", "VARCHAR(5)", "ab", "VARCHAR(9)", False),
    ],
)
def test_a_value_is_kept_if_it_means_the_same_in_its_new_type(
    before: Any, kind: str, after: Any, desired: str, kept: bool
) -> None:
    actual_column = table_of_schema_file(a_spec(a_column("a", kind)), TABLE).columns["a"]
    desired_column = table_of_schema_file(a_spec(a_column("a", desired)), TABLE).columns["a"]

    assert is_kept(before, after, actual_column, desired_column) is kept


def test_whole_rows_are_matched_and_new_columns_have_their_default() -> None:
    actual = table_of_schema_file(a_spec(a_column("a"), a_column("b")), TABLE)
    desired = table_of_schema_file(
        a_spec(a_column("a"), a_column("c", renamed_from="b"), a_column("d", default=5)),
        TABLE,
    )
    before = [(1, 2), (3, 4)]

    assert lost_values(actual, before, desired, [(3, 4, 5), (1, 2, 5)], desired) == ""
    for after in ([(1, 4, 5), (3, 2, 5)], [(3, 4, 5), (1, 2, None)], [(1, 2, 5)]):
        assert lost_values(actual, before, desired, after, desired)
