"""Queries of the log: valid and invalid parameters, prefixes of times, tokens, and hostile input."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from etl_core.model.api import DEFAULT_LIMIT, LOG_PARAMETERS, TOKEN_PATTERN
from etl_core.upload_log.parameters import InvalidQueryError, encode_token
from etl_core.upload_log.query import LogQuery
from tests.builders import an_upload

KEY = an_upload().landed_key
PARAMETERS = [parameter.name for parameter in LOG_PARAMETERS]


def ask(**parameters: str) -> LogQuery:
    return LogQuery.parse(
        {"table_name": "t"} | {name.rstrip("_"): value for name, value in parameters.items()}
    )


def test_only_the_table_name_is_required() -> None:
    query = LogQuery.parse({"table_name": "User_Data"})

    assert query == LogQuery("user_data", None, "0", "~", None, None, None, DEFAULT_LIMIT, None)
    assert query.first < KEY < query.last


@pytest.mark.parametrize(
    ("name", "partition", "schema"),
    [
        ("sales.Orders", "orders", "sales"),
        (" t ", "t", None),
        ("_unparsed", "_unparsed", None),
        ("user-data", "user-data", None),
        ("a-1.b.c", "a-1.b.c", None),
        ("etl_ledger.t", "etl_ledger.t", None),
        ("pg_catalog.t", "pg_catalog.t", None),
    ],
)
def test_a_table_name_is_parsed_as_in_a_key(name: str, partition: str, schema: str | None) -> None:
    query = LogQuery.parse({"table_name": name})

    assert (query.table_name, query.schema) == (partition, schema)


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("*", "request /uploads"),
        ("public.*", "request /uploads"),
        ("dev/public/t", "request /uploads"),
        ("#tables/0", "request /uploads"),
        ("Dev.public.x", "Write table_name=public.x&database=dev"),
    ],
)
def test_a_name_that_is_not_one_table_is_refused_with_what_to_write(name: str, fix: str) -> None:
    with pytest.raises(InvalidQueryError, match=re.escape(fix)) as caught:
        LogQuery.parse({"table_name": name})
    assert caught.value.parameter == "table_name"


@pytest.mark.parametrize(
    ("given_times", "is_found"),
    [
        ({"landed_timestamp": "2026"}, True),
        ({"landed_timestamp": "2026-11-22"}, True),
        ({"landed_timestamp": "2026-11-22T12"}, True),
        ({"landed_timestamp": "2026-11-22 12:00"}, True),
        ({"landed_timestamp": "2026-11-22T12:00:00Z"}, True),
        ({"landed_timestamp": "2026-11-23"}, False),
        ({"from_": "2026-11-22T12:00:00Z"}, True),
        ({"from_": "2026-11-22T12:00:01Z"}, False),
        ({"to": "2026-11-22T12:00:00Z"}, True),
        ({"to": "2026-11-22"}, True),
        ({"to": "2026-11-22T11"}, False),
        ({"from_": "2026-11-22", "to": "2026-11-22"}, True),
        ({"from_": "2026-11-22T10", "to": "2026-11-22"}, True),
        ({"landed_timestamp": "2026-11-22", "from_": "2026-11-22T11", "to": "2026-11-23"}, True),
        ({"landed_timestamp": "2026-11-22", "from_": "2026-11-22T13"}, False),
        ({"landed_timestamp": "2026-11-22", "to": "2026-11-21"}, False),
        ({"from_": "2027", "to": "2026"}, False),
    ],
)
def test_the_beginning_of_a_time_matches_all_times_that_begin_with_it(
    given_times: dict[str, str], is_found: bool
) -> None:
    query = ask(**given_times)

    assert (query.first <= KEY <= query.last) is is_found
    assert not (is_found and query.is_empty)


def test_times_that_exclude_each_other_find_nothing() -> None:
    assert ask(from_="2027", to="2026").is_empty
    assert ask(landed_timestamp="2026", to="2025").is_empty
    assert not ask(from_="2026", to="2026").is_empty


@given(st.datetimes(), st.integers(4, 20))
def test_every_time_and_its_beginnings_are_times(time: datetime, length: int) -> None:
    text = f"{time.isoformat(timespec='seconds')}Z"
    assert ask(from_=text[:length]).first == text[:length]


@given(st.integers(0, 9999), st.integers(0, 19), st.integers(0, 39))
def test_a_day_that_does_not_exist_is_no_time(year: int, month: int, day: int) -> None:
    text = f"{year:04}-{month:02}-{day:02}"
    try:
        datetime.fromisoformat(text)
    except ValueError:
        with pytest.raises(InvalidQueryError):
            ask(from_=text)
    else:
        assert ask(from_=text).first == text


@pytest.mark.parametrize("length", range(4, 21))
@pytest.mark.parametrize(
    "time", ["2026-01-30T00:00:00Z", "2024-02-29T23:59:59Z", "2026-12-31T09:10:20Z"]
)
def test_every_beginning_of_a_time_is_accepted(time: str, length: int) -> None:
    assert ask(landed_timestamp=time[:length]).first == time[:length]


@pytest.mark.parametrize(
    ("parameter", "value", "read"),
    [
        ("status", "Loaded", "loaded"),
        ("status", "superseded", "superseded"),
        ("action", "APPEND", "append"),
        ("database", "Dev", "dev"),
        ("limit", "1", 1),
        ("limit", "500", 500),
    ],
)
def test_each_parameter_is_parsed(parameter: str, value: str, read: object) -> None:
    assert getattr(ask(**{parameter: value}), parameter) == read


BAD = [
    ("table_name", {"table_name": ""}), ("table_name", {"table_name": "  "}), ("table_name",
    {"table_name": "x" * 1025}),
    ("table_name", {"table_name": "t\x00"}), ("tabel_name", {"tabel_name": "t"}),
    ("landed_timestamp", {"landed_timestamp": "22.11.2026"}), ("landed_timestamp", {"landed_timestamp": "202"}),
    ("landed_timestamp", {"landed_timestamp": ""}), ("landed_timestamp", {"landed_timestamp": "2026-11-22T12:00:00ZZ"}),
    ("landed_timestamp", {"landed_timestamp": "٢٠٢٦"}),
    ("from", {"from_": "yesterday"}), ("to", {"to": "x" * 5000}),
    ("status", {"status": "done"}), ("status", {"status": ""}), ("action", {"action": "copy"}),
    ("database", {"database": " "}),
    ("database", {"database": "d" * 128}), ("limit", {"limit": "0"}), ("limit", {"limit": "501"}),
    ("limit", {"limit": "-1"}),
    ("limit", {"limit": "ten"}), ("limit", {"limit": "9" * 5000}), ("limit", {"limit": "²"}),
    ("next_token", {"next_token": ""}),
    ("next_token", {"next_token": "%%%"}), ("next_token", {"next_token": "é"}), ("next_token", {"next_token": "YWJj"}),
    ("next_token", {"next_token": encode_token(KEY) + "AAAA"}), ("next_token", {"next_token": encode_token(KEY)[:-1]}),
    ("next_token", {"next_token": f"2026-02-30.{'00' * 20}"}),
    ("from", {"from_": "2026-13"}), ("to", {"to": "2026-2"}),
    ("landed_timestamp", {"landed_timestamp": "2026-02-30"}), ("landed_timestamp",
    {"landed_timestamp": "2026-11-22T24"}),
    ("landed_timestamp", {"landed_timestamp": "2026-11-22T12:6"}), ("landed_timestamp", {"landed_timestamp": "0000"}),
]  # fmt: skip


@pytest.mark.parametrize(("parameter", "parameters"), BAD)
def test_an_invalid_parameter_is_refused_briefly_with_its_name(
    parameter: str, parameters: dict[str, str]
) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        ask(**parameters)

    assert caught.value.parameter == parameter
    assert parameter in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_missing_table_name_is_reported_with_an_example() -> None:
    with pytest.raises(InvalidQueryError, match=r"it is required\. Add it: \?table_name=user_data"):
        LogQuery.parse({})


@given(st.text("0123456789ABCDEF", max_size=64), st.integers(0, 10**6))
def test_a_token_is_parsed_to_its_entry(sequencer: str, number: int) -> None:
    key = an_upload(sequencer=sequencer or "0", version_id=f"v{number}").landed_key

    assert ask(next_token=encode_token(key)).after == key


@given(st.text(max_size=40))
def test_a_text_that_names_no_place_is_refused_as_a_token(token: str) -> None:
    assume(not re.match(r"\d{4}", token))
    with pytest.raises(InvalidQueryError):
        ask(next_token=token)


def test_a_token_of_another_query_is_a_place_in_arrival_order() -> None:
    token = encode_token("2026-11-20T00:00:00Z#7#0123456789ab")

    assert ask(from_="2026-11-19", next_token=token).after == "2026-11-20T00:00:00Z#7#0123456789ab"
    later = ask(to="2026-11-18", next_token=token)
    assert (later.after, later.is_empty) == (None, False), "everything asked for follows the place"
    assert ask(from_="2026-11-21", next_token=token).is_empty, "nothing asked for follows it"


@given(st.dates().map(str), st.binary(min_size=1, max_size=270))
def test_every_token_that_the_document_allows_is_a_place_that_a_key_can_hold(
    day: str, rest: bytes
) -> None:
    token = f"{day}T23:59:59Z.{rest.hex()}"
    assert re.fullmatch(TOKEN_PATTERN, token)
    query = ask(next_token=token)
    assert query.after is not None
    assert len(query.after.encode()) <= 1024


_VALUES: Any = st.text(max_size=30) | st.sampled_from(
    ["t", "2026-11", "loaded", "append", "7", encode_token(KEY)]
)


@given(st.dictionaries(st.sampled_from(PARAMETERS) | st.text(max_size=5), _VALUES, max_size=5))
def test_any_parameters_are_a_query_or_refused_with_the_name(parameters: dict[str, str]) -> None:
    try:
        query = LogQuery.parse(parameters)
    except InvalidQueryError as error:
        refused = error.parameter
    else:
        refused = None
        assert query.is_empty or query.first <= query.last
        assert 1 <= query.limit <= 500
    assert refused in (None, "table_name", *parameters)
