"""Which tables a stack serves."""

from __future__ import annotations

import pytest

from etl_core.model.errors import TableNotServedError
from etl_core.model.table_filter import EVERY_TABLE, PatternError, TableFilter
from etl_core.model.table_ref import TableRef

ORDERS = TableRef("dev", "sales", "orders")


@pytest.mark.parametrize(
    ("patterns", "serves"),
    [
        ("", True),
        ("dev.sales.orders", True),
        ("*.*.*", True),
        ("dev.sales.*", True),
        ("dev.sales.order?", True),
        ("prod.*.*, dev.*.ord*", True),
        ("dev.public.*", False),
        ("prod.sales.orders", False),
        ("dev.sales.order", False),
        ("dev.sales.orders?", False),
        ("*.sales.x*", False),
    ],
)
def test_a_stack_serves_the_tables_of_its_patterns(patterns: str, serves: bool) -> None:
    assert TableFilter.parse(patterns).serves(ORDERS) is serves


def test_a_star_stays_within_one_name() -> None:
    assert not TableFilter(("*.s.t",)).serves(TableRef("a.b", "x", "t"))


def test_another_table_is_refused_with_the_patterns_and_the_fix() -> None:
    TableFilter(("dev.sales.*",)).check(ORDERS)
    with pytest.raises(TableNotServedError) as caught:
        TableFilter(tuple(f"dev.s{n}.*" for n in range(6))).check(ORDERS)
    text = str(caught.value)
    assert "does not serve the table dev.sales.orders" in text
    assert "dev.s0.*, dev.s1.*, dev.s2.*, dev.s3.*, dev.s4.*, ..." in text
    assert "etl replay --failed" in text


@pytest.mark.parametrize(
    "text", ["orders", "a.b", "a.b.c.d", "Dev.a.b", "a..c", "a.b.c-d", "[a].b.c", "a.b.c d"]
)
def test_a_malformed_pattern_is_refused(text: str) -> None:
    with pytest.raises(PatternError) as caught:
        TableFilter.parse(f"dev.*.*,{text}")
    assert str(caught.value) == text


def test_text_and_filter_round_trip() -> None:
    filters = (EVERY_TABLE, TableFilter(("dev.*.*",)), TableFilter(("dev.*.*", "a.b.c?")))
    assert [TableFilter.parse(str(each)) for each in filters] == list(filters)
