"""An execution that makes a long copy: it carries the copy along, and holds neither lease nor slot."""

from __future__ import annotations

import pytest

from etl_core.turns.next_step import copy_now, load_now, wait_for_retry
from etl_core.turns.turn import Turn
from tests.builders import an_upload

LONG_COPY = {"database": "dev", "tables": []}


def test_a_load_that_asks_for_a_copy_gives_its_slot_back() -> None:
    reply = copy_now({"long_copy": LONG_COPY}, Turn(attempts=2, slot=3, retry_count=1))
    assert reply is not None
    assert reply["next"] == "copy"
    assert "slot" not in reply
    assert Turn.parse(reply) == Turn(attempts=2, retry_count=1, long_copy=LONG_COPY)


@pytest.mark.parametrize("outcome", [None, {}, {"status": "loaded"}, {"long_copy": None}, "x"])
def test_other_outcomes_ask_for_no_copy(outcome: object) -> None:
    assert copy_now(outcome, Turn()) is None


def test_the_copy_survives_the_wait_for_a_turn_and_a_retry() -> None:
    turn = Turn(long_copy=LONG_COPY)
    assert Turn.parse(load_now(turn)).long_copy == LONG_COPY
    error = {"Error": "LockConflictError", "Cause": "locked"}
    reply = wait_for_retry(an_upload(), error, turn, "table#dev/public.t", 0.5)
    assert Turn.parse(reply).long_copy == LONG_COPY


@pytest.mark.parametrize("value", [None, "x", 3, [LONG_COPY]])
def test_a_malformed_copy_is_none(value: object) -> None:
    assert Turn.parse({"long_copy": value}).long_copy is None
