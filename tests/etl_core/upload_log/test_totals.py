"""Totals: what an entry adds, what it takes back, and what is shown of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_core.model.status import Status
from etl_core.upload_log.totals import (
    additions,
    expired,
    hourly_additions,
    last_uploads,
    sum_hours,
    summarize,
    tally_of,
    totals_key,
    undone,
)
from tests.builders import NOON

KEY = {"table_name": "t", "landed_key": "2026-11-22T12:00:00Z#0#0123456789ab"}
PLACE = {"database": "dev", "schema": "public", "landed_timestamp": "2026-11-22T12:00:00Z"}


def an_entry(status: str, **fields: Any) -> dict[str, Any]:
    return {**PLACE, "status": status, "s3_key": "dev/append/t/a.csv", "file_size": 10, **fields}


def test_only_loaded_rows_and_bytes_count() -> None:
    for status in Status:
        tally = tally_of(KEY, an_entry(str(status), rows_loaded=3))
        if tally is not None:
            assert (tally.rows, tally.bytes) == ((3, 10) if status == "loaded" else (0, 0))
    assert tally_of(KEY, an_entry("received")) is None


def test_a_key_that_names_no_table_counts_for_no_table() -> None:
    for fields in ({"schema": None}, {"database": None}, {"database": "dev/public"}):
        tally = tally_of(KEY, an_entry("rejected") | fields)
        assert tally is not None
        assert tally.table == "_unparsed"


_COUNTED = st.sampled_from(["loaded", "rejected", "failed", "applied"])


@given(st.lists(st.tuples(_COUNTED, st.integers(0, 1 << 40)), min_size=1, max_size=6))
def test_an_entry_counts_as_its_last_answer_however_often_it_changes(
    answers: list[tuple[str, int]],
) -> None:
    noted, mark = [], None
    for status, rows in answers:
        tally = tally_of(KEY, an_entry(status, rows_loaded=rows))
        assert tally is not None
        noted += [] if mark is None else [undone(tally, mark)]
        noted, mark = [*noted, tally], tally.mark
    last = tally_of(KEY, an_entry(answers[-1][0], rows_loaded=answers[-1][1]))
    assert last is not None
    counted = [each for each in noted if each is not None]
    assert additions(counted) == additions([last])
    assert hourly_additions(counted) == hourly_additions([last])


def test_a_mark_that_cannot_be_read_takes_nothing_back() -> None:
    tally = tally_of(KEY, an_entry("loaded"))
    assert tally is not None
    assert [undone(tally, mark) for mark in ("", "x/1/2", "failed/-1/2", "failed/1")] == [None] * 4


def test_thirty_days_and_forty_eight_hours_are_shown_and_the_rest_expires() -> None:
    old_day, old_hour = NOON - timedelta(days=30), NOON - timedelta(hours=48)
    item = {
        **totals_key("dev/public/t"),
        "d/2026-11-22/rows": 5, "d/2026-11-22/succeeded": 1, "h/2026-11-22T12/succeeded": 1,
        "d/2026-10-24/rows": 7, f"d/{old_day:%Y-%m-%d}/rows": 100, f"h/{old_hour:%Y-%m-%dT%H}/failed": 2,
    }  # fmt: skip
    table = summarize(item, NOON, 0)

    assert (table["today"]["rows"], table["last_30_days"]["rows"]) == (5, 12)
    assert [day["date"] for day in table["days"]] == ["2026-10-24", "2026-11-22"]
    assert list(sum_hours([item, item], NOON)) == [
        {"hour": "2026-11-22T12:00:00Z", "succeeded": 2, "rejected": 0, "failed": 0}
    ]
    assert sorted(expired(item, NOON)) == [
        f"d/{old_day:%Y-%m-%d}/rows",
        f"h/{old_hour:%Y-%m-%dT%H}/failed",
    ]


def a_table(*statuses: str, **fields: Any) -> dict[str, Any]:
    """Return the item of a table whose uploads were answered in this order, the last one at noon."""
    loaded = {"loaded_timestamp": "2026-11-22T12:00:00Z"}
    tallies = [tally_of(KEY, an_entry(status, **loaded, **fields)) for status in statuses]
    return {
        **totals_key("dev/public/t"),
        **last_uploads(each for each in tallies if each is not None),
    }


@pytest.mark.parametrize(
    ("statuses", "hours_later", "stack", "freshness"),
    [
        (("loaded",), 26, 26, "fresh"),
        (("loaded",), 27, 26, "stale"),
        (("loaded", "rejected"), 2, 1, "stale"),
        (("loaded",), 10_000, 0, "fresh"),
        (("applied",), 0, 26, "never_loaded"),
        (("rejected",), 0, 26, "never_loaded"),
        (("loaded", "unchanged"), 26, 26, "fresh"),
    ],
)
def test_a_table_is_stale_if_no_data_file_was_loaded_for_too_long(
    statuses: tuple[str, ...], hours_later: int, stack: int, freshness: str
) -> None:
    shown = summarize(a_table(*statuses), NOON + timedelta(hours=hours_later), stack)

    assert (shown["freshness"], shown["freshness_hours"]) == (freshness, stack or None)


def test_a_schema_file_that_is_applied_later_does_not_make_a_table_fresh() -> None:
    early = tally_of(KEY, an_entry("loaded", loaded_timestamp="2026-11-20T12:00:00Z"))
    late = tally_of(KEY, an_entry("applied", loaded_timestamp="2026-11-22T12:00:00Z"))
    assert early is not None
    assert late is not None
    shown = summarize({**totals_key("dev/public/t"), **last_uploads([early, late])}, NOON, 26)

    assert shown["freshness"] == "stale"
    assert shown["last_success"] != shown["last_load"]


@pytest.mark.parametrize(("own", "shown_hours"), [(None, 26), (0, None), (48, 48)])
def test_the_schema_file_in_force_says_after_which_time_its_table_is_stale(
    own: int | None, shown_hours: int | None
) -> None:
    says = {} if own is None else {"freshness_hours": own}
    item = a_table("applied", freshness_hours=5) | a_table("unchanged", **says)
    assert summarize(item, NOON, 26)["freshness_hours"] == shown_hours


def test_a_data_file_does_not_change_after_which_time_a_table_is_stale() -> None:
    item = a_table("applied", freshness_hours=5) | a_table("loaded")
    assert summarize(item, NOON, 26)["freshness_hours"] == 5
