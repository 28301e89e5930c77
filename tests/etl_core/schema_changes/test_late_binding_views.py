"""Which late-binding views a dropped or renamed column breaks, by the names in their text."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from etl_core.schema_changes.late_binding_views import (
    select_candidates,
    select_late_binding_columns,
    warn_late_binding_views,
)
from etl_core.sql import describe_sql
from tests.builders import TABLE


def row(**values: Any) -> Any:
    return SimpleNamespace(_mapping=values)


def warnings(
    definition: str | None, *shown: str, columns: tuple[str, ...] = ("amount",)
) -> list[str]:
    """Return which columns a late-binding view `s.v` names; `shown` are the view's own columns."""
    candidates = [row(schemaname="s", viewname="v", definition=definition)]
    late = [row(view_schema="s", view_name="v", col_name=name) for name in shown or ("x",)]
    found = warn_late_binding_views(TABLE, columns, candidates, late)
    assert all("s.v names the table and column" in text for text in found)
    return [text.split("column '")[1].split("'")[0] for text in found]


NAMING = {
    "in lower case": "create view s.v as select id, amount from public.t with no schema binding",
    "in upper case": "CREATE VIEW s.v AS SELECT AMOUNT FROM PUBLIC.T WITH NO SCHEMA BINDING",
    "quoted": 'create view s.v as select q."amount" from "public"."t" q with no schema binding',
    "with a database": "create view s.v as select sum(amount) from dev.public.t with no schema binding",
    "under an alias": "create view s.v as select amount as total from public . t with no schema binding",
    "in a condition": "create view s.v as select id from public.t where amount > 0 with no schema binding",
}


@pytest.mark.parametrize("definition", NAMING.values(), ids=NAMING)
def test_a_view_that_names_the_table_and_the_column_is_named(definition: str) -> None:
    assert warnings(definition) == ["amount"]


NOT_NAMING = {
    "another table": "create view s.v as select amount from public.t2 with no schema binding",
    "another schema": "create view s.v as select amount from other.t with no schema binding",
    "another column": "create view s.v as select amount2, id from public.t with no schema binding",
    "in a comment": "create view s.v as select id -- amount\nfrom public.t /* amount */ with no schema binding",
    "in a literal": "create view s.v as select id, 'amount', 'it''s amount' from public.t with no schema binding",
    "no text": None,
}


@pytest.mark.parametrize("definition", NOT_NAMING.values(), ids=NOT_NAMING)
def test_a_view_that_names_neither_is_not_named(definition: str | None) -> None:
    assert warnings(definition) == []


def test_a_view_of_all_columns_is_named_by_its_own_columns() -> None:
    text = "create view s.v as select * from public.t with no schema binding"

    assert warnings(text, "id", "amount") == ["amount"]
    assert warnings(text, "id") == []


def test_a_view_with_a_binding_is_not_named() -> None:
    candidates = [row(schemaname="s", viewname="v", definition=NAMING["quoted"])]

    assert warn_late_binding_views(TABLE, ("amount",), candidates, []) == ()


def test_each_view_and_column_is_named_once_in_order() -> None:
    text = "create view s.v as select amount, day, amount from public.t with no schema binding"

    assert warnings(text, "amount", "day", columns=("day", "amount")) == ["amount", "day"]


def test_the_function_gets_the_list_of_columns_that_its_page_shows() -> None:
    assert describe_sql(select_late_binding_columns()) == (
        "SELECT cols.view_schema, cols.view_name, cols.col_name FROM pg_get_late_binding_view_cols() AS "
        "cols(view_schema NAME, view_name NAME, col_name NAME, col_type VARCHAR, col_num INTEGER)"
    )


def test_the_candidates_are_found_by_a_parameter() -> None:
    assert "strpos(lower(pg_catalog.pg_views.definition), %(strpos_1)s) > " in describe_sql(
        select_candidates(TABLE)
    )
