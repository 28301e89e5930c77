"""Totals: what an entry adds, what it takes back, and what is shown of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from etl_core.model.status import Status
from etl_core.upload_log.totals import additions, expired, summarize, tally_of, totals_key, undone
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
    assert additions([each for each in noted if each is not None]) == additions([last])


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
    shown = summarize([item, {**item, "landed_key": "_unparsed"}], NOON)

    [table] = shown["items"]
    assert (table["today"]["rows"], table["last_30_days"]["rows"]) == (5, 12)
    assert [day["date"] for day in table["days"]] == ["2026-10-24", "2026-11-22"]
    assert shown["hours"] == [
        {"hour": "2026-11-22T12:00:00Z", "succeeded": 2, "rejected": 0, "failed": 0}
    ]
    assert sorted(expired(item, NOON)) == [
        f"d/{old_day:%Y-%m-%d}/rows",
        f"h/{old_hour:%Y-%m-%dT%H}/failed",
    ]
