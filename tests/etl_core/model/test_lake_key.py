"""Keys of the lake: what is accepted, what each refusal says, and what the log can say about any key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_core.model.errors import InvalidKeyError
from etl_core.model.lake_key import Action, LakeKey, describe_key, is_folder_marker
from etl_core.model.names import UNPARSED
from etl_core.model.table_ref import TableRef
from etl_core.upload_log.query import LogQuery

DATABASES = ("dev", "analytics")
LONG = "x" * 128


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("dev/append/t/a.csv", LakeKey(TableRef("dev", "public", "t"), Action.APPEND, "a.csv")),
        (
            "analytics/truncate/t/a.csv",
            LakeKey(TableRef("analytics", "public", "t"), Action.TRUNCATE, "a.csv"),
        ),
        (
            "DEV/Append/User_Data/A.CSV",
            LakeKey(TableRef("dev", "public", "user_data"), Action.APPEND, "A.CSV"),
        ),
        (
            "dev/SCHEMA/Sales.Orders/s.json",
            LakeKey(TableRef("dev", "sales", "orders"), Action.SCHEMA, "s.json"),
        ),
        (
            "dev/append/t/2026/11/a.csv",
            LakeKey(TableRef("dev", "public", "t"), Action.APPEND, "2026/11/a.csv"),
        ),
        (
            "dev/append/t/a b+c%20é:x.csv",
            LakeKey(TableRef("dev", "public", "t"), Action.APPEND, "a b+c%20é:x.csv"),
        ),
        ("dev/append/t//a.csv", LakeKey(TableRef("dev", "public", "t"), Action.APPEND, "/a.csv")),
        ("dev/append/_t1/a.csv", LakeKey(TableRef("dev", "public", "_t1"), Action.APPEND, "a.csv")),
        (
            f"dev/append/{LONG[1:]}/a.csv",
            LakeKey(TableRef("dev", "public", LONG[1:]), Action.APPEND, "a.csv"),
        ),
    ],
)
def test_a_valid_key_is_understood_with_its_names_folded_and_its_file_as_it_is(
    key: str, expected: LakeKey
) -> None:
    assert LakeKey.parse(key, DATABASES) == expected


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("", ("0 of the four parts", "db_name/action/table_name/file")),
        ("a.csv", ("1 of the four parts",)),
        ("dev/a.csv", ("2 of the four parts",)),
        ("dev/append/a.csv", ("3 of the four parts",)),
        ("dev/append/t/", ("3 of the four parts",)),
        ("dev/upsert/t/a.csv", ("'upsert'", "append, truncate, schema")),
        ("dev//t/a.csv", ("the action ''",)),
        ("prod/append/t/a.csv", ("'prod'", "analytics, dev")),
        ("/append/t/a.csv", ("begins with a slash",)),
        ("dev/append//a.csv", ("the table ''", "safe name")),
        ("dev/append/1t/a.csv", ("'1t'", "not beginning with a digit")),
        ("dev/append/user-data/a.csv", ("'user-data'", "letters a-z, digits and _")),
        ('dev/append/t"; drop/a.csv', ("safe name",)),
        ("dev/append/t t/a.csv", ("safe name",)),
        ("dev/append/ä/a.csv", ("safe name",)),
        ("dev/append/t\n/a.csv", ("safe name",)),
        (f"dev/append/{LONG}/a.csv", ("128 bytes", "127")),
        (f"dev/append/{LONG}.t/a.csv", ("the schema", "127")),
        ("dev/append/.t/a.csv", ("the schema ''",)),
        ("dev/append/s./a.csv", ("the table ''",)),
        ("dev/append/a.b.c/a.csv", ("the schema 'a.b'",)),
        ("dev/append/etl_ledger.t/a.csv", ("'etl_ledger'", "reserved", "choose another")),
        ("dev/append/ETL_Ledger.t/a.csv", ("reserved",)),
        ("dev/append/pg_catalog.t/a.csv", ("reserved",)),
        ("dev/append/information_schema.t/a.csv", ("reserved",)),
        ("dev/append/_Unparsed/a.csv", ("_unparsed", "reserved")),
    ],
)
def test_an_invalid_key_is_refused_with_what_was_given_and_the_rule(
    key: str, says: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidKeyError) as caught:
        LakeKey.parse(key, DATABASES)

    assert repr(key) in caught.value.message
    for text in says:
        assert text in caught.value.message


def test_every_fault_of_a_key_is_told_at_once() -> None:
    with pytest.raises(InvalidKeyError) as caught:
        LakeKey.parse("prod/upsert/pg_x.1t/a.csv", DATABASES)

    assert len(caught.value.details) == 4


@given(st.text())
def test_any_text_is_a_key_or_refused_and_the_log_can_describe_it(key: str) -> None:
    facts = describe_key(key)
    try:
        parsed = LakeKey.parse(key, DATABASES)
    except InvalidKeyError:
        assert facts.table_name
    else:
        assert (facts.table_name, facts.schema, facts.action) == (
            parsed.table,
            parsed.schema,
            parsed.action,
        )


_NEAR = st.lists(
    st.sampled_from(["dev", "append", "t", "s.t", "pg_x.t", " t", "T\n", ".", "é", "", "a.csv"]),
    max_size=5,
)


@given(_NEAR.map("/".join))
def test_whatever_the_log_names_a_key_a_query_by_that_name_finds_it(key: str) -> None:
    facts = describe_key(key)

    query = LogQuery.parse({"table_name": facts.table_name})

    assert (query.table_name, query.schema) in (
        (facts.table_name, None),
        (facts.table_name, facts.schema),
    )


@pytest.mark.parametrize(
    ("key", "table_name", "schema"),
    [
        ("dev/append/sales.orders/a.csv", "orders", "sales"),
        ("dev/append/Orders/a.csv", "orders", "public"),
        ("dev/append/user-data/a.csv", "user-data", None),
        ("dev/append/pg_catalog.t/a.csv", "pg_catalog.t", None),
        ("dev/upsert/t/a.csv", "t", "public"),
        ("dev/append/a.csv", UNPARSED, None),
        ("dev/append//a.csv", UNPARSED, None),
        ("dev/append/t\x00/a.csv", UNPARSED, None),
    ],
)
def test_the_log_tells_of_a_key_what_can_be_told(
    key: str, table_name: str, schema: str | None
) -> None:
    facts = describe_key(key)

    assert (facts.table_name, facts.schema) == (table_name, schema)


def test_keys_that_end_in_a_slash_are_folder_markers() -> None:
    assert is_folder_marker("dev/append/t/")
    assert not is_folder_marker("dev/append/t/a.csv")
