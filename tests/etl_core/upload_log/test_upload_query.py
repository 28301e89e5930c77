"""Queries over all tables: their times, the places that they read, their tokens, and hostile input."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_core.model.api import UPLOAD_PARAMETERS
from etl_core.upload_log.indexes import LISTED_INDEX, NOTABLE_INDEX
from etl_core.upload_log.parameters import InvalidQueryError, encode_token
from etl_core.upload_log.query import LogQuery
from etl_core.upload_log.upload_query import UploadQuery
from tests.builders import an_upload

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NAMES = [parameter.name for parameter in UPLOAD_PARAMETERS]


def ask(**parameters: str) -> UploadQuery:
    return UploadQuery.parse({name.rstrip("_"): text for name, text in parameters.items()}, NOW)


def test_without_parameters_the_last_seven_days_are_listed_and_uploads_whose_clock_is_ahead() -> (
    None
):
    query = ask()

    assert (query.first, query.before) == ("2026-11-15T00:00:00Z", "2026-11-23~")
    places = list(query.places())
    assert {place.index for place in places} == {LISTED_INDEX}
    assert [place.partitions[0] for place in places] == [
        f"2026-11-{day}/0" for day in range(23, 14, -1)
    ]


@pytest.mark.parametrize(
    ("times", "first", "last_day"),
    [
        ({"from_": "2026"}, "2026-01-01T00:00:00Z", "2026-11-23"),
        ({"from_": "2026-02-2"}, "2026-02-20T00:00:00Z", "2026-11-23"),
        ({"from_": "2026-11-22T09:3"}, "2026-11-22T09:30:00Z", "2026-11-23"),
        ({"from_": "2026-11-22 09"}, "2026-11-22T09:00:00Z", "2026-11-23"),
        ({"to": "2024-02"}, "2024-02-22T00:00:00Z", "2024-02-29"),
        ({"to": "2024"}, "2024-12-24T00:00:00Z", "2024-12-31"),
        ({"from_": "0001"}, "2006-01-01T00:00:00Z", "2026-11-23"),
        ({"from_": "0001-01-01T00:00:00"}, "2006-01-01T00:00:00Z", "2026-11-23"),
        ({"from_": "2026-11-22T"}, "2026-11-22T00:00:00Z", "2026-11-23"),
    ],
)
def test_a_beginning_of_a_time_is_completed(
    times: dict[str, str], first: str, last_day: str
) -> None:
    query = ask(**times)

    assert query.first == first
    assert next(query.places()).partitions[0] == f"{last_day}/0"


def test_only_refused_uploads_are_read_by_month() -> None:
    query = ask(status="FAILED, rejected", from_="2025-12-30", to="2026-02-01")

    assert query.statuses == ("failed", "rejected")
    places = list(query.places())
    assert {place.index for place in places} == {NOTABLE_INDEX}
    assert [place.partitions[0] for place in places] == [
        f"refused/{month}/0" for month in ("2026-02", "2026-01", "2025-12")
    ]
    assert next(ask(status="failed,loaded").places()).index == LISTED_INDEX


@pytest.mark.parametrize(
    "parameters",
    [{"table": "Sales.T"}, {"s3_key": "dev/append/sales.t/x"}, {"s3_key": "Dev/Append/T/"}],
)
def test_a_table_or_a_key_that_names_one_is_read_from_the_log_itself(
    parameters: dict[str, str],
) -> None:
    [place] = ask(**parameters).places()
    assert (place.index, place.partitions) == (None, ("t",))


def test_a_token_is_a_place_in_arrival_order_for_any_parameters() -> None:
    token = encode_token("2026-11-20")

    assert ask(status="loaded", next_token=token, limit="7").before == "2026-11-20"
    assert ask(to="2026-11-18", next_token=token).before == "2026-11-18~"
    assert ask(from_="2026-11-21", next_token=token).is_empty


def test_a_period_that_ends_before_it_begins_has_no_uploads() -> None:
    assert ask(from_="2026-11-23", to="2026-11-22").is_empty
    assert not ask(from_="2026-11-22", to="2026-11-22").is_empty


def test_a_period_in_the_future_reads_no_partition_of_a_day_to_come() -> None:
    assert ask(to="2999").before == ask().before
    assert ask(from_="2999").is_empty
    assert list(ask(from_="2999", to="9999-12-31").places()) == []


def test_a_token_of_an_upload_whose_sequencer_has_the_separator_is_one_of_ours() -> None:
    upload = an_upload(sequencer="0#A#")
    token = encode_token(upload.landed_key)
    assert ask(next_token=token).before == upload.landed_key
    assert LogQuery.parse({"table_name": "t", "next_token": token}).after == upload.landed_key


@pytest.mark.parametrize("token", ["", "2026-13", "2026-02-30", "9", "2026-11-22T09:30:00Z.a"])
def test_a_token_that_names_no_place_is_refused(token: str) -> None:
    with pytest.raises(InvalidQueryError, match="next_token is not one"):
        ask(next_token=token)


@pytest.mark.parametrize(
    "parameters",
    [
        {"status": "lost"},
        {"status": "failed,"},
        {"from_": "2026-02-30"},
        {"to": "yesterday"},
        {"table": "*"},
        {"table": "dev.public.t"},
        {"s3_key": ""},
        {"s3_key": "a" * 1025},
        {"limit": "501"},
        {"colour": "red"},
    ],
)
def test_a_bad_parameter_is_refused_by_name(parameters: dict[str, str]) -> None:
    with pytest.raises(InvalidQueryError) as caught:
        ask(**parameters)
    assert caught.value.parameter in {name.rstrip("_") for name in parameters}


_VALUES = st.text(max_size=30) | st.sampled_from(
    [
        "2026",
        "2026-11-22",
        "failed",
        "append",
        "5",
        "t",
        "' OR 1=1 --",
        "\0",
        "\ud800",
        "9999-12-31",
    ]
)


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), _VALUES, max_size=5))
def test_any_parameters_give_a_bounded_query_or_name_the_fault(parameters: dict[str, str]) -> None:
    query, at_fault = None, ""
    try:
        query = UploadQuery.parse(parameters, NOW)
    except InvalidQueryError as error:
        at_fault = error.parameter
    if query is None:
        assert at_fault in parameters
        return
    assert 1 <= query.limit <= 500
    for place in islice(query.places(), 3):
        assert 1 <= len(place.partitions) <= 4
