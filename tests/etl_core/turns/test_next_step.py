"""What an execution does next: the decision, without I/O."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etl_core.model.errors import EtlError, LoadFailedError, RejectedError, RetryableError
from etl_core.model.retry_policies import policy_for
from etl_core.model.status import SETTLED, Status
from etl_core.turns.next_step import (
    Reply,
    ask_ledger,
    find_answer,
    first_seen,
    load_now,
    outcome_of,
    wait_for_lease,
    wait_for_retry,
)
from etl_core.turns.turn import Turn
from tests.builders import an_upload

UPLOAD = an_upload("dev/append/Sales.Orders/a.csv")
LEASE = "table#dev/sales.orders"
OPEN = sorted(set(Status) - set(SETTLED) - {Status.RECEIVED})


def entry(status: str, attempts: int = 1, **more: Any) -> dict[str, Any]:
    return {"status": status, "attempts": attempts, **more}


def retry(error: str, turn: Turn = Turn(), jitter: float = 1) -> Reply | None:  # noqa: B008 - frozen
    return wait_for_retry(UPLOAD, {"Error": error, "Cause": ""}, turn, LEASE, jitter)


@pytest.mark.parametrize("status", SETTLED)
def test_a_settled_upload_is_answered_from_the_log(status: Status) -> None:
    reply = find_answer(entry(status), Turn(), is_replay=False)
    assert reply is not None
    assert (reply["next"], reply["succeeded"], reply["status"]) == ("succeeded", True, status)


@pytest.mark.parametrize("status", [*OPEN, Status.RECEIVED, "from a later version"])
def test_any_other_upload_asks_the_ledger(status: str) -> None:
    assert find_answer(entry(status), Turn(), is_replay=False) is None
    assert find_answer(None, Turn(), is_replay=False) is None


@pytest.mark.parametrize("status", SETTLED)
def test_a_replay_asks_the_ledger_whatever_the_log_says(status: Status) -> None:
    assert find_answer(entry(status), Turn(), is_replay=True) is None
    assert find_answer(entry(status, attempts=2), Turn(attempts=2), is_replay=True) is None


@pytest.mark.parametrize("is_replay", [True, False])
def test_an_answer_that_was_written_while_the_execution_waited_ends_it(is_replay: bool) -> None:
    error = {"type": "CopyRefusedError", "message": "row 3 is bad"}
    reply = find_answer(entry("failed", 3, error=error), Turn(attempts=2), is_replay=is_replay)
    assert reply == {
        "next": "failed",
        "status": "failed",
        "succeeded": False,
        "error": "CopyRefusedError",
        "cause": "row 3 is bad",
    }
    assert find_answer(entry("failed", 2), Turn(attempts=2), is_replay=is_replay) is None
    assert find_answer(entry("received", 3), Turn(attempts=2), is_replay=is_replay) is None


def test_the_first_read_of_the_entry_counts() -> None:
    assert first_seen(None, Turn()) == 0
    assert first_seen(entry("failed", 4), Turn()) == 4
    assert first_seen(entry("failed", 4), Turn(attempts=1)) == 1


def test_a_waiting_execution_knows_what_to_look_at() -> None:
    reply = wait_for_lease(UPLOAD, Turn(attempts=2, poll=7), (LEASE,))
    assert (reply["next"], reply["seconds"], reply["longest"]) == ("wait", 7, 60)
    assert reply["leases"] == [{"lease": {"S": LEASE}}]
    assert reply["entry"] == {
        "table_name": {"S": "orders"},
        "landed_key": {"S": UPLOAD.landed_key},
    }
    assert Turn.parse(reply) == Turn(attempts=2, poll=7)


def test_a_schema_file_looks_more_often_because_data_files_wait_for_it() -> None:
    reply = wait_for_lease(an_upload("dev/Schema/t/s.json"), Turn(), (LEASE,))
    assert reply["longest"] == 5


@pytest.mark.parametrize("kind", RetryableError.__subclasses__())
def test_a_retryable_error_waits_longer_each_time_and_is_final_in_the_end(
    kind: type[EtlError],
) -> None:
    turn, waits = Turn(attempts=0, slot=3), []
    while (reply := retry(kind.__name__, turn)) is not None:
        waits.append(reply["seconds"])
        turn = Turn.parse(json.loads(json.dumps(reply)))
        assert turn.slot is None, "the slot was given back"
        assert len(waits) <= 100
    policy = policy_for(kind.__name__)
    assert policy is not None
    assert len(waits) == policy.max_attempts == turn.retry_count
    assert waits == sorted(waits)
    assert turn.attempts == 0


@pytest.mark.parametrize(
    "error",
    [
        *(kind.__name__ for kind in RejectedError.__subclasses__()),
        *(kind.__name__ for kind in LoadFailedError.__subclasses__()),
    ],
)
def test_an_error_by_which_a_load_answers_is_final(error: str) -> None:
    assert retry(error) is None
    assert ask_ledger(UPLOAD, {"Error": error}, Turn(), LEASE) is None


@pytest.mark.parametrize(
    ("error", "retries"),
    [
        ("Runtime.ExitError", 6),
        ("States.Timeout", 1),
        ("Sandbox.Timedout", 1),
        ("Runtime.OutOfMemory", 1),
        ("KeyError", 1),
        ("", 1),
    ],
)
def test_a_load_without_an_answer_is_retried_then_the_ledger_is_asked(
    error: str, retries: int
) -> None:
    turn, count = Turn(), 0
    while (reply := retry(error, turn)) is not None:
        turn, count = Turn.parse(json.loads(json.dumps(reply))), count + 1
        assert turn.in_doubt
    assert count == retries
    assert load_now(turn)["alone"] is True, "another upload may be the cause"

    asking = ask_ledger(UPLOAD, {"Error": error, "Cause": "c"}, turn, LEASE)
    assert asking is not None
    asked = Turn.parse(json.loads(json.dumps(asking)))
    assert (asking["next"], asked.failure) == ("wait", {"Error": error or "unknown", "Cause": "c"})
    assert ask_ledger(UPLOAD, {"Error": error}, asked, LEASE) is None, "it asks once"


def test_a_load_that_was_in_doubt_once_asks_the_ledger_whatever_ends_it() -> None:
    turn = Turn.parse(retry("CommitLostError"))
    assert ask_ledger(UPLOAD, {"Error": "ConnectionLostError"}, Turn(), LEASE) is None
    assert ask_ledger(UPLOAD, {"Error": "ConnectionLostError"}, turn, LEASE) is not None


def test_the_question_to_the_ledger_has_retries_of_its_own_and_counts_no_attempt() -> None:
    asking = ask_ledger(UPLOAD, {"Error": "Runtime.ExitError"}, Turn(retry_count=18), LEASE)
    turn = Turn.parse(asking)
    again = Turn.parse(retry("LockConflictError", turn))
    assert (turn.retry_count, again.retry_count, again.failure) == (21, 21, turn.failure)


def test_a_key_that_names_no_table_is_not_in_doubt() -> None:
    assert ask_ledger(UPLOAD, {"Error": "KeyError"}, Turn(), None) is None
    outcome = outcome_of({"failure": {"Error": "KeyError"}}, Turn(), has_table=False)
    assert (outcome["status"], outcome["error"]["type"]) == ("failed", "KeyError")


ASKED = Turn().asking({"Error": "Runtime.ExitError", "Cause": "killed"})


@pytest.mark.parametrize(
    ("state", "turn", "status", "error"),
    [
        ({"outcome": {"status": "loaded"}}, ASKED, "loaded", None),
        ({"outcome": {"in_ledger": False}}, ASKED, "failed", "Runtime.ExitError"),
        ({"failure": {"Error": "LockConflictError"}}, ASKED, "unknown", "Runtime.ExitError"),
        ({"failure": {"Error": "LockConflictError"}}, Turn(), "failed", "LockConflictError"),
        ({"failure": {"Error": "SchemaNotReadyError"}}, Turn(), "rejected", "SchemaNotReadyError"),
        ({"failure": {"Error": "Lambda.Unknown"}}, Turn(), "unknown", "Lambda.Unknown"),
        ({}, Turn(), "unknown", "unknown"),
    ],
)
def test_the_status_says_only_what_is_known(
    state: dict[str, Any], turn: Turn, status: str, error: str | None
) -> None:
    outcome = outcome_of(state, turn, has_table=True)
    assert (outcome["status"], outcome.get("error", {}).get("type")) == (status, error)


def test_an_unknown_entry_answers_no_execution() -> None:
    assert find_answer(entry("unknown", 3), Turn(attempts=2), is_replay=False) is None


def test_each_kind_of_error_has_its_own_count() -> None:
    turn = Turn(retries={"LockConflictError": 45})
    assert retry("LockConflictError", turn) is None
    assert retry("ConnectionLostError", turn) is not None


def test_a_load_that_found_no_free_function_waits_without_counting_an_attempt() -> None:
    reply = retry("Lambda.TooManyRequestsException", Turn(retry_count=2))
    assert reply is not None
    assert reply["retry_count"] == 2


@pytest.mark.parametrize("failure", [None, "text", {}, {"Error": None}])
def test_a_malformed_failure_counts_as_an_unexpected_error(failure: Any) -> None:
    reply = wait_for_retry(UPLOAD, failure, Turn(), LEASE, 0)
    assert reply is not None
    assert wait_for_retry(UPLOAD, failure, Turn.parse(reply), LEASE, 0) is None


def test_a_turn_survives_the_state_machine() -> None:
    turn = Turn(attempts=3, retries={"ThrottledError": 2}, retry_count=4, slot=0, poll=9)
    assert Turn.parse(json.loads(json.dumps(load_now(turn)))) == turn
    assert Turn.parse({"attempts": 3.0, "slot": 0.0, "poll": 9.0}) == Turn(3, slot=0, poll=9)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "turn",
        {},
        {"attempts": -1, "retries": [], "retry_count": "3", "slot": True, "poll": None},
        {"attempts": 1.5, "retry_count": 10**9, "poll": -4, "slot": float("inf")},
    ],
)
def test_a_malformed_turn_is_one_that_begins(data: Any) -> None:
    assert Turn.parse(data) == Turn()


def test_a_malformed_count_of_retries_begins_at_zero() -> None:
    assert Turn.parse({"retries": {"ThrottledError": "x"}}).retries == {"ThrottledError": 0}
