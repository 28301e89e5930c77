"""Values of DynamoDB items: the same as boto3's, for what log entries have."""

from __future__ import annotations

from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given
from hypothesis import strategies as st

from etl_core.adapters.dynamodb_values import from_item, to_item
from etl_core.model.status import Status

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**37), 10**37) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_a_value_is_stored_as_boto3_stores_it_and_read_back(value: Any) -> None:
    stored = to_item(value)

    assert stored == TypeSerializer().serialize(value)
    assert from_item(stored) == value == TypeDeserializer().deserialize(stored)


@pytest.mark.parametrize(
    ("number", "value"), [("-1.5", -1.5), ("1E-7", 1e-7), ("007", 7), ("1.0", 1.0)]
)
def test_every_number_that_dynamodb_sends_is_read(number: str, value: float) -> None:
    assert from_item({"N": number}) == value


def test_a_status_is_stored_as_its_text() -> None:
    assert to_item(Status.LOADED) == {"S": "loaded"}
    assert type(to_item(Status.LOADED)["S"]) is str


@pytest.mark.parametrize("value", [1.5, {1, 2}, b"x", object()])
def test_a_value_that_no_entry_has_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be stored"):
        to_item([value])


@pytest.mark.parametrize("item", [{"B": b"x"}, {"SS": ["a"]}])
def test_a_type_that_no_entry_has_is_refused(item: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="has a value of the type"):
        from_item(item)
