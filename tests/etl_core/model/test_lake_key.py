"""Lake keys: which are accepted, what each rejection says, and what the log shows for any key."""

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
def test_a_valid_key_is_parsed_with_folded_names_and_an_unchanged_file(
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
        ("dev/merge/t/a.csv", ("'merge'", "append, truncate, upsert, schema")),
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
def test_an_invalid_key_is_rejected_with_the_key_and_the_rule(
    key: str, says: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidKeyError) as caught:
        LakeKey.parse(key, DATABASES)

    assert repr(key) in caught.value.message
    for text in says:
        assert text in caught.value.message


def test_all_faults_of_a_key_are_reported_at_once() -> None:
    with pytest.raises(InvalidKeyError) as caught:
        LakeKey.parse("prod/merge/pg_x.1t/a.csv", DATABASES)

    assert len(caught.value.details) == 4


_NEAR = st.lists(
    st.sampled_from(["dev", "append", "t", "s.t", "pg_x.t", " t", "T\n", ".", "é", "", "a.csv"]),
    max_size=5,
)


@given(st.text())
def test_any_text_is_accepted_or_rejected_and_the_log_can_describe_it(key: str) -> None:
    _check_description(key)


@given(_NEAR.map("/".join))
def test_the_log_describes_a_valid_key_as_it_is_parsed(key: str) -> None:
    _check_description(key)


def _check_description(key: str) -> None:
    parts = describe_key(key)
    try:
        parsed = LakeKey.parse(key, DATABASES)
    except InvalidKeyError:
        assert parts.table_name
    else:
        described = TableRef(str(parts.database), str(parts.schema), parts.table_name)
        assert (described, parts.action) == (parsed.table, parsed.action)


@given(_NEAR.map("/".join))
def test_a_query_by_the_table_name_in_the_log_finds_the_entry(key: str) -> None:
    parts = describe_key(key)

    query = LogQuery.parse({"table_name": parts.table_name})

    assert (query.table_name, query.schema) in (
        (parts.table_name, None),
        (parts.table_name, parts.schema),
    )


@pytest.mark.parametrize(
    ("key", "table_name", "schema"),
    [
        ("dev/append/sales.orders/a.csv", "orders", "sales"),
        ("dev/append/Orders/a.csv", "orders", "public"),
        ("dev/append/user-data/a.csv", "user-data", None),
        ("dev/append/pg_catalog.t/a.csv", "pg_catalog.t", None),
        ("dev/merge/t/a.csv", "t", "public"),
        ("dev/append/dev.sales.orders/a.csv", UNPARSED, None),
        ("dev/append/us*ers/a.csv", UNPARSED, None),
        ("dev/append/a.csv", UNPARSED, None),
        ("dev/append//a.csv", UNPARSED, None),
        ("dev/append/t\x00/a.csv", UNPARSED, None),
    ],
)
def test_the_log_shows_the_parts_that_a_key_names(
    key: str, table_name: str, schema: str | None
) -> None:
    parts = describe_key(key)

    assert (parts.table_name, parts.schema) == (table_name, schema)


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\0", "U+0000"),
        ("\n", "U+000A"),
        ("\x1b", "U+001B"),
        ("\x7f", "U+007F"),
        ("\x85", "U+0085"),
    ],
)
@pytest.mark.parametrize("key", ["dev/append/t/a{}.csv", "d{}ev/append/t/a.csv", "a{}"])
def test_a_control_character_is_named_with_its_position(
    key: str, character: str, name: str
) -> None:
    with pytest.raises(InvalidKeyError) as caught:
        LakeKey.parse(key.format(character), DATABASES)
    position = key.index("{") + 1
    assert caught.value.details[0] == (
        f"the key contains the control character {name} at position {position}"
    )


@pytest.mark.parametrize("character", ["é", "\u00a0", "\u202e", "+", "%", " "])
def test_other_characters_are_allowed_in_the_file_name(character: str) -> None:
    assert LakeKey.parse(f"dev/append/t/a{character}.csv", DATABASES).file == f"a{character}.csv"


def test_keys_that_end_in_a_slash_are_folder_markers() -> None:
    assert is_folder_marker("dev/append/t/")
    assert not is_folder_marker("dev/append/t/a.csv")
