"""The ledger decides: duplicate, superseded, or proceed."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_core.loading.ledger import LedgerRow
from etl_core.loading.ledger_view import Decision, Duplicate, LedgerView, Proceed, Superseded
from etl_core.model.lake_key import Action
from etl_core.model.upload import Upload
from tests.builders import NOON, a_column, a_ledger_row, a_spec, an_upload

BEFORE, AFTER = NOON - timedelta(seconds=5), NOON + timedelta(seconds=5)
SCHEMA = a_ledger_row("schema", landed_at=BEFORE)


def decide(
    rows: list[LedgerRow], upload: Upload, action: Action, version_id: str | None = None
) -> Decision:
    return LedgerView(rows).decide(upload, action, version_id)


@pytest.mark.parametrize("action", list(Action))
def test_an_upload_in_the_ledger_is_a_duplicate_regardless_of_other_rows(action: Action) -> None:
    row = a_ledger_row(str(action), upload_id=an_upload().upload_id)

    assert decide(
        [SCHEMA, a_ledger_row("truncate", landed_at=AFTER), row], an_upload(), action
    ) == Duplicate(row)


@pytest.mark.parametrize(
    ("action", "later", "is_void"),
    [
        ("append", "truncate", True),
        ("truncate", "truncate", True),
        ("schema", "schema", True),
        ("append", "append", False),
        ("truncate", "append", False),
        ("append", "schema", False),
        ("schema", "truncate", False),
    ],
)
def test_which_actions_a_later_upload_supersedes(action: str, later: str, is_void: bool) -> None:
    row = a_ledger_row(later, landed_at=AFTER)

    decision = decide([SCHEMA, row], an_upload(), Action(action))

    assert decision == Superseded(row) if is_void else isinstance(decision, Proceed)


def test_an_earlier_upload_supersedes_nothing() -> None:
    rows = [SCHEMA, a_ledger_row("truncate", landed_at=BEFORE)]

    assert decide(rows, an_upload(), Action.APPEND) == Proceed((SCHEMA,))


def test_within_one_second_the_sequencer_decides() -> None:
    truncate = a_ledger_row("truncate", sequencer="00000005")

    assert isinstance(
        decide([truncate], an_upload(sequencer="00000004"), Action.APPEND), Superseded
    )
    assert isinstance(decide([truncate], an_upload(sequencer="00000006"), Action.APPEND), Proceed)


def test_the_first_of_several_later_truncates_is_named() -> None:
    first, second = (a_ledger_row("truncate", landed_at=AFTER, s3_key=key) for key in ("a", "b"))

    assert decide([second, first], an_upload(), Action.APPEND) == Superseded(first)


def test_an_upload_is_read_by_the_schema_in_force_at_its_arrival() -> None:
    newer = a_ledger_row("schema", landed_at=AFTER, schema_file=a_spec(a_column("newer")))
    decision = decide([newer, SCHEMA], an_upload(), Action.APPEND)

    assert isinstance(decision, Proceed)
    assert (decision.schema_at_arrival, decision.in_force) == (
        SCHEMA.schema_file,
        newer.schema_file,
    )
    assert LedgerView([newer, SCHEMA]).schema_history(
        an_upload(landed_at=AFTER + timedelta(seconds=1))
    ) == (newer,)


def test_an_upload_older_than_the_first_schema_is_read_by_the_first_schema() -> None:
    assert LedgerView([SCHEMA]).schema_history(
        an_upload(landed_at=BEFORE - timedelta(seconds=1))
    ) == (SCHEMA,)
    assert LedgerView([a_ledger_row()]).schema_history(an_upload()) == ()


def test_an_event_without_version_is_a_duplicate_of_the_event_with_that_version() -> None:
    versioned = an_upload("dev/append/t/x.csv", version_id="v7")
    row = a_ledger_row(s3_key=versioned.key, version_id="v7", upload_id=versioned.upload_id)
    plain = an_upload("dev/append/t/x.csv", version_id=None)

    assert decide([row], plain, Action.APPEND, "v7") == Duplicate(row)
    assert isinstance(decide([row], plain, Action.APPEND, "v8"), Proceed)


def test_two_events_without_version_are_two_uploads_even_for_one_version() -> None:
    first = an_upload("dev/append/t/x.csv", version_id=None, sequencer="01")
    row = a_ledger_row(s3_key=first.key, version_id="v2", upload_id=first.upload_id)

    second = an_upload("dev/append/t/x.csv", version_id=None, sequencer="02")
    assert isinstance(decide([row], second, Action.APPEND, "v2"), Proceed)


def test_a_late_truncate_reloads_the_appends_that_arrived_after_it_in_arrival_order() -> None:
    one, two, earlier = (
        a_ledger_row(landed_at=time) for time in (AFTER, AFTER + timedelta(seconds=1), BEFORE)
    )

    assert LedgerView([two, earlier, SCHEMA, one]).applied_again(an_upload(), Action.TRUNCATE) == [
        one,
        two,
    ]
    assert LedgerView([two, one]).applied_again(an_upload(), Action.APPEND) == []


_TIME = st.integers(-3, 3).map(lambda seconds: NOON + timedelta(seconds=seconds))
_ROW = st.builds(
    a_ledger_row,
    st.sampled_from(list(Action)).map(str),
    landed_at=_TIME,
    sequencer=st.sampled_from(["01", "010", "02"]),
)


@given(st.lists(_ROW, max_size=6), st.sampled_from(list(Action)), _TIME)
def test_the_order_of_the_ledger_rows_does_not_matter(
    rows: list[LedgerRow], action: Action, landed_at: Any
) -> None:
    upload = an_upload(landed_at=landed_at)
    forth, back = decide(rows, upload, action), decide(rows[::-1], upload, action)

    assert type(forth) is type(back)


def test_another_event_of_the_same_version_is_a_duplicate() -> None:
    event_without_id = an_upload(version_id=None)
    loaded = a_ledger_row(
        upload_id=event_without_id.upload_id, s3_key=event_without_id.key, version_id="v1"
    )
    assert decide([loaded], an_upload(version_id="v1"), Action.APPEND) == Duplicate(loaded)
    assert isinstance(decide([loaded], an_upload(version_id="v2"), Action.APPEND), Proceed)


def a_history(*seconds: int) -> list[LedgerRow]:
    """Return schema rows that arrived so many seconds after noon."""
    return [a_ledger_row("schema", landed_at=NOON + timedelta(seconds=each)) for each in seconds]


@pytest.mark.parametrize(
    ("own", "other", "same"),
    [
        (5, 15, True),
        (15, 16, True),
        (15, 25, False),
        (5, 25, False),
        (25, 15, False),
        (15, 5, True),
        (25, 5, False),
    ],
)
def test_uploads_of_one_micro_batch_have_the_same_schema_files(
    own: int, other: int, same: bool
) -> None:
    view = LedgerView(a_history(10, 20))
    uploads = [an_upload(landed_at=NOON + timedelta(seconds=each)) for each in (other, own)]

    assert view.have_same_history(*uploads) is same


def test_only_the_schema_files_that_matter_are_parsed() -> None:
    rows = a_history(*range(200))
    upload = an_upload(landed_at=NOON + timedelta(seconds=198, milliseconds=500))

    decision = LedgerView(rows).decide(upload, Action.APPEND)

    assert isinstance(decision, Proceed)
    assert decision.in_force == a_spec()
    assert ["schema_file" in vars(row) for row in rows] == [False] * 199 + [True]


def test_a_decision_is_found_without_a_search_through_all_rows() -> None:
    """A view of 2,000 rows decides about 2,000 uploads without comparing them."""
    rows = [
        a_ledger_row(s3_key=f"dev/append/t/{each}.csv", landed_at=NOON + timedelta(seconds=each))
        for each in range(2_000)
    ]
    view = LedgerView([*rows, *a_history(-10)])
    uploads = [an_upload(f"dev/append/t/new{each}.csv") for each in range(2_000)]

    compared = 0

    def count(frame: Any, event: str, _: Any) -> Any:
        nonlocal compared
        compared += event == "call" and frame.f_code.co_name in ("__eq__", "order")

    sys.setprofile(count)
    try:
        undecided = [view.is_undecided(upload, Action.APPEND) for upload in uploads]
    finally:
        sys.setprofile(None)

    assert all(undecided)
    assert compared <= 2 * len(uploads)


class TestVersionsWithEqualBytes:
    """Their events have no version id, so one etag names all of them."""

    SAME = ("v3", "v1", "v2")

    def upload(self, number: int) -> Upload:
        return an_upload(version_id=None, sequencer=f"{number:08}")

    def test_each_event_takes_a_version_that_no_row_has(self) -> None:
        rows: list[LedgerRow] = []
        for number in range(3):
            view, upload = LedgerView(rows), self.upload(number)
            version = view.version_of(upload, self.SAME)
            assert isinstance(view.decide(upload, Action.APPEND, version), Proceed)
            rows.append(
                a_ledger_row(upload_id=upload.upload_id, s3_key=upload.key, version_id=version)
            )
        assert sorted(row.version_id for row in rows) == ["v1", "v2", "v3"]
        for number in range(3):
            view, upload = LedgerView(rows), self.upload(number)
            version = view.version_of(upload, self.SAME)
            assert version == rows[number].version_id, "a second delivery finds its own"
            assert isinstance(view.decide(upload, Action.APPEND, version), Duplicate)
        for version_id in self.SAME:
            sent = an_upload(version_id=version_id)
            assert isinstance(LedgerView(rows).decide(sent, Action.APPEND), Duplicate)

    def test_an_event_whose_version_reconcile_has_sent_is_a_duplicate(self) -> None:
        sent = [an_upload(version_id=each) for each in self.SAME]
        view = LedgerView(
            a_ledger_row(upload_id=each.upload_id, s3_key=each.key, version_id=each.version_id)
            for each in sent
        )
        late = self.upload(7)
        decision = view.decide(late, Action.APPEND, view.version_of(late, self.SAME))
        assert isinstance(decision, Duplicate)
