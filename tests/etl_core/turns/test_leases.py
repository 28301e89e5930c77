"""Taking a turn and giving it back: one load per table, a limited number over all, and no dependence on leases."""

from __future__ import annotations

import pytest

from etl_core.model.leases import slot_lease, table_lease
from etl_core.turns.leases import Busy, BusyTables, Granted, end_turn, take_turn
from tests.fake_leases import FakeLeases

TABLE, OTHER = "dev/public.t", "dev/public.other"


def test_one_execution_at_a_time_has_a_tables_turn() -> None:
    leases = FakeLeases()
    first = take_turn(leases, TABLE, "arn:1", 5)
    assert isinstance(first, Granted)
    assert take_turn(leases, TABLE, "arn:2", 5) == Busy((table_lease(TABLE),))

    assert end_turn(leases, TABLE, "arn:1", first.slot) is None
    assert isinstance(take_turn(leases, TABLE, "arn:2", 5), Granted)


def test_a_repeated_call_gets_the_same_turn() -> None:
    """The record function may be killed after it took the turn and before it replied."""
    leases = FakeLeases()
    first = take_turn(leases, TABLE, "arn:1", 5)
    assert take_turn(leases, TABLE, "arn:1", 5) == first
    assert len(leases.held) == 2


def test_a_repeated_call_finds_a_slot_that_was_not_the_first_choice() -> None:
    leases = FakeLeases()
    taken = {slot_lease(slot) for slot in range(4)}
    leases.held |= dict.fromkeys(taken, ("arn:other", 1 << 40))
    assert take_turn(leases, TABLE, "arn:1", 5) == Granted(4)
    assert take_turn(leases, TABLE, "arn:1", 5) == Granted(4)


@pytest.mark.parametrize("slots", [1, 2, 5])
def test_at_most_so_many_loads_run_at_the_same_time(slots: int) -> None:
    leases = FakeLeases()
    turns = [
        take_turn(leases, f"dev/public.t{number}", f"arn:{number}", slots) for number in range(8)
    ]
    granted = [turn for turn in turns if isinstance(turn, Granted)]
    assert {turn.slot for turn in granted} == set(range(slots))
    assert len(granted) == slots
    for turn in turns:
        assert isinstance(turn, Granted) or set(turn.leases) == set(map(slot_lease, range(slots)))


def test_without_a_free_slot_the_tables_lease_is_given_back() -> None:
    leases = FakeLeases()
    take_turn(leases, OTHER, "arn:1", 1)
    assert take_turn(leases, TABLE, "arn:2", 1) == Busy((slot_lease(0),))
    assert table_lease(TABLE) not in leases.held


def test_new_uploads_of_a_busy_table_wait_without_asking_for_a_second() -> None:
    now = 50.0
    tables = BusyTables(lambda: now)
    assert tables.find(TABLE) is None
    tables.note(OTHER, Busy((slot_lease(0),)))
    tables.note(TABLE, Busy((table_lease(TABLE),)))
    assert tables.find(TABLE) == Busy((table_lease(TABLE),))
    assert tables.find(OTHER) is None
    now = 51.0
    assert tables.find(TABLE) is None


def test_a_thousand_busy_tables_are_forgotten_together() -> None:
    tables = BusyTables(lambda: 0.0)
    names = [f"dev/public.t{number}" for number in range(1001)]
    for name in names:
        tables.note(name, Busy((table_lease(name),)))
    assert [name for name in names if tables.find(name)] == names[-1:]


def test_a_free_slot_is_found_among_a_thousand_with_few_calls() -> None:
    leases = FakeLeases()
    leases.held |= {slot_lease(slot): ("arn:x", 1 << 40) for slot in range(1000) if slot % 50}
    turn = take_turn(leases, TABLE, "arn:1", 1000)
    assert isinstance(turn, Granted)
    assert turn.slot is not None
    assert turn.slot % 50 == 0
    assert len(leases.calls) <= 4


def test_an_expired_turn_goes_to_the_next_execution() -> None:
    now = [1000.0]
    leases = FakeLeases(clock=lambda: now[0])
    take_turn(leases, TABLE, "arn:stopped", 1)
    now[0] += 59
    assert isinstance(take_turn(leases, TABLE, "arn:2", 1), Busy)
    now[0] += 1
    assert take_turn(leases, TABLE, "arn:2", 1) == Granted(0)


def test_an_execution_gives_back_only_what_is_its_own() -> None:
    leases = FakeLeases()
    take_turn(leases, TABLE, "arn:2", 1)
    assert end_turn(leases, TABLE, "arn:1", 0) is None
    assert len(leases.held) == 2


def test_a_turn_that_ends_with_an_interval_keeps_the_table_but_not_the_slot() -> None:
    now = [1000.0]
    leases = FakeLeases(clock=lambda: now[0])
    take_turn(leases, TABLE, "arn:1", 1)
    end_turn(leases, TABLE, "arn:1", 0, keep_seconds=30)
    assert isinstance(take_turn(leases, OTHER, "arn:2", 1), Granted)
    assert take_turn(leases, TABLE, "arn:3", 2) == Busy((table_lease(TABLE),))
    now[0] += 30
    assert take_turn(leases, TABLE, "arn:3", 2) == Granted(1)


@pytest.mark.parametrize("method", ["take", "give_back", "read_holders"])
def test_a_load_runs_without_leases_if_they_cannot_be_used(method: str) -> None:
    leases = FakeLeases(refuses=lambda called, lease: called == method)
    leases.held |= {slot_lease(slot): ("arn:other", 1 << 40) for slot in range(5)}
    turn = take_turn(leases, TABLE, "arn:1", 5)
    assert isinstance(turn, Granted)
    assert turn.slot is None
    assert turn.problem is not None
    assert "could not be used" in turn.problem


def test_a_turn_that_cannot_be_given_back_is_reported() -> None:
    leases = FakeLeases(refuses=lambda called, lease: True)
    assert "could not be used" in str(end_turn(leases, TABLE, "arn:1", None))
