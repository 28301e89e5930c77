"""The record function: an entry and a turn before the load, its final status after the load."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etl_core.model.errors import InvalidEventError, RetryableError, ThrottledError
from etl_core.model.status import Status
from etl_core.model.upload import Upload
from etl_core.turns.leases import BusyTables
from etl_core.upload_log.outcome import LoadOutcome
from handlers import record
from tests.builders import an_event
from tests.fake_leases import FakeLeases
from tests.handlers.conftest import CONTEXT, FakeLogTable

OUTCOME = LoadOutcome(Status.LOADED, rows_loaded=3).to_task_output() | {"attempts": 2}
CONFLICT = {"Error": "LockConflictError", "Cause": json.dumps({"errorMessage": "deadlock"})}
REJECTED = {"Error": "MissingObjectError", "Cause": "the object does not exist"}
OLD_MACHINE = None

pytestmark = pytest.mark.usefixtures("leases")


def received(event: Any = None, turn: Any = OLD_MACHINE, arn: str = "arn:1") -> Any:
    call = {"phase": "received", "event": event or an_event(), "execution_arn": arn}
    return record.handler(call | ({} if turn is OLD_MACHINE else {"turn": turn}), CONTEXT)


def final(event: Any = None, arn: str = "arn:1", **state: Any) -> Any:
    call = {"phase": "final", "state": (event or an_event()) | state, "execution_arn": arn}
    return record.handler(call, CONTEXT)


def test_an_upload_has_one_entry_that_gets_its_final_status(log: FakeLogTable) -> None:
    turn = received(turn={})
    assert (turn["next"], turn["is_new"]) == ("load", True)
    result = final(turn=turn, outcome=OUTCOME)

    [entry] = log.entries.values()
    assert (entry["status"], entry["rows_loaded"], entry["attempts"]) == ("loaded", 3, 2)
    assert result == {
        "next": "succeeded",
        "status": "loaded",
        "succeeded": True,
        "error": "",
        "cause": "",
    }


def test_a_second_delivery_is_answered_from_the_log_without_a_turn(
    log: FakeLogTable, leases: FakeLeases
) -> None:
    final(turn=received(turn={}), outcome=OUTCOME)
    leases.calls.clear()

    reply = received(turn={}, arn="arn:2")

    assert (reply["next"], reply["succeeded"], reply["is_new"]) == ("succeeded", True, False)
    assert leases.calls == []
    [entry] = log.entries.values()
    assert (entry["status"], entry["attempts"]) == ("loaded", 2)


def test_a_table_with_an_interval_keeps_its_lease_and_not_the_slot(
    log: FakeLogTable, leases: FakeLeases
) -> None:
    leases.clock = lambda: 1000.0
    final(turn=received(turn={}), outcome=OUTCOME | {"load_interval_seconds": 300})

    assert list(leases.held.values()) == [("arn:1", 1300)]
    assert received(an_event(**{"version-id": "v2"}), turn={}, arn="arn:2")["next"] == "wait"
    leases.clock = lambda: 1300.0
    assert received(an_event(**{"version-id": "v2"}), turn={}, arn="arn:2")["next"] == "load"


def test_a_replay_of_a_loaded_upload_asks_the_ledger(log: FakeLogTable) -> None:
    final(turn=received(turn={}), outcome=OUTCOME)

    assert received(an_event() | {"replay": True}, turn={}, arn="arn:2")["next"] == "load"
    assert received(an_event() | {"replay": "yes"}, turn={}, arn="arn:2")["next"] == "succeeded"


def test_a_failed_upload_is_loaded_again(log: FakeLogTable) -> None:
    final(turn=received(turn={}), failure=REJECTED)

    assert received(turn={}, arn="arn:2")["next"] == "load"


def test_in_a_burst_only_one_new_upload_in_a_second_asks_for_the_lease(
    log: FakeLogTable, leases: FakeLeases, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(record, "_BUSY_TABLES", BusyTables(lambda: now))
    first = received(turn={})
    second = received(an_event("dev/append/t/b.csv"), turn={}, arn="arn:2")
    leases.calls.clear()

    third_upload = an_event("dev/append/t/c.csv")
    third = received(third_upload, turn={}, arn="arn:3")
    assert third == second | {"upload_id": third["upload_id"], "entry": third["entry"]}
    assert leases.calls == []

    # An execution that has waited asks, and so does a new upload a second later.
    final(turn=first, outcome=OUTCOME)
    assert received(third_upload, turn=third, arn="arn:3")["next"] == "load"
    now += 1
    assert received(an_event("dev/append/t/d.csv"), turn={}, arn="arn:4")["next"] == "wait"
    assert leases.calls[-1] == "take"


def test_a_table_that_another_execution_loads_is_waited_for(log: FakeLogTable) -> None:
    first = received(turn={})
    other = an_event("dev/append/t/b.csv")

    second = received(other, turn={}, arn="arn:2")
    assert (second["next"], second["seconds"]) == ("wait", 2)
    assert second["leases"] == [{"lease": {"S": "table#dev/public.t"}}]

    final(turn=first, outcome=OUTCOME)
    assert received(other, turn=second, arn="arn:2")["next"] == "load"


def test_an_execution_that_waited_is_answered_if_another_one_loaded_its_upload(
    log: FakeLogTable,
) -> None:
    first = received(turn={})
    second = received(turn={}, arn="arn:2")
    assert second["next"] == "wait"
    final(turn=first, failure=REJECTED)

    reply = received(turn=second, arn="arn:2")

    assert (reply["next"], reply["error"]) == ("failed", "MissingObjectError")
    assert reply["cause"] == "the object does not exist"


def test_loads_of_many_tables_wait_for_a_slot(log: FakeLogTable) -> None:
    replies = [
        received(an_event(f"dev/append/t{number}/a.csv"), turn={}, arn=f"arn:{number}")
        for number in range(4)
    ]
    assert [reply["next"] for reply in replies].count("load") == 2
    waiting = [reply for reply in replies if reply["next"] == "wait"]
    for reply in waiting:
        assert {key["lease"]["S"] for key in reply["leases"]} == {"slot#0", "slot#1"}


def test_a_load_without_leases_starts_at_once(log: FakeLogTable, leases: FakeLeases) -> None:
    leases.refuses = lambda method, lease: True
    turns = [received(an_event(f"dev/append/t/{number}.csv"), turn={}) for number in range(3)]
    assert [turn["next"] for turn in turns] == ["load"] * 3
    assert final(turn=turns[0], outcome=OUTCOME)["next"] == "succeeded"


def test_before_the_lease_table_exists_a_load_starts_at_once(
    log: FakeLogTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "_leases", lambda: None)
    turn = received(turn={})
    assert turn["next"] == "load"
    assert final(turn=turn, outcome=OUTCOME)["next"] == "succeeded"


def test_a_load_that_has_to_be_retried_waits_without_its_turn(
    log: FakeLogTable, leases: FakeLeases
) -> None:
    turn = received(turn={})
    assert len(leases.held) == 2

    reply = final(turn=turn, failure=CONFLICT)

    assert (reply["next"], reply["retry_count"], reply["retries"]) == (
        "wait",
        1,
        {"LockConflictError": 1},
    )
    assert leases.held == {}
    [entry] = log.entries.values()
    assert (entry["status"], entry["attempts"]) == ("received", 0)


def test_a_load_whose_retries_are_used_up_is_final(log: FakeLogTable) -> None:
    reply = received(turn={})
    retries = 0
    while reply["next"] in ("load", "wait"):
        reply = final(turn=reply, failure=CONFLICT)
        retries += reply["next"] == "wait"
    assert retries == 45
    assert (reply["next"], reply["error"], reply["cause"]) == (
        "failed",
        "LockConflictError",
        "deadlock",
    )
    [entry] = log.entries.values()
    assert (entry["status"], entry["attempts"]) == ("failed", 46)


def test_the_answer_is_written_before_the_turn_is_given_back(
    log: FakeLogTable, leases: FakeLeases
) -> None:
    """Otherwise a second delivery that gets the next turn would load the upload again."""
    turn = received(turn={})
    statuses = []

    def look(method: str, lease: str) -> bool:
        if method == "give_back":
            statuses.append([entry["status"] for entry in log.entries.values()])
        return False

    leases.refuses = look
    final(turn=turn, outcome=OUTCOME)
    assert statuses == [["loaded"], ["loaded"]]


def test_the_turn_is_given_back_also_if_the_answer_cannot_be_written(
    log: FakeLogTable, leases: FakeLeases, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = received(turn={})

    def fail(*_: Any) -> bool:
        raise ThrottledError("slow down")

    monkeypatch.setattr(log, "write_final", fail)
    with pytest.raises(ThrottledError):
        final(turn=turn, outcome=OUTCOME)
    assert leases.held == {}


def test_the_turn_is_given_back_also_if_its_reply_was_lost(
    log: FakeLogTable, leases: FakeLeases
) -> None:
    """Receive failed after it took the turn, so the state machine does not know the slot."""
    received(turn={})
    final(turn={"next": "load"}, outcome=OUTCOME)
    assert [lease for lease in leases.held if lease.startswith("table#")] == []


def test_a_failure_is_returned_to_the_state_machine(log: FakeLogTable) -> None:
    cause = json.dumps({"errorMessage": "the key is bad"})
    result = final(turn={}, failure={"Error": "InvalidKeyError", "Cause": cause})

    assert result == {
        "next": "failed",
        "status": "rejected",
        "succeeded": False,
        "error": "InvalidKeyError",
        "cause": "the key is bad",
        "entry": {
            "table_name": {"S": "t"},
            "landed_key": {"S": "2026-11-22T12:00:00Z#00000001#ef2859a0eb3f"},
        },
    }


def test_a_final_status_is_recorded_even_if_nothing_was_received(log: FakeLogTable) -> None:
    final(turn={}, outcome=OUTCOME)

    [entry] = log.entries.values()
    assert (entry["status"], entry["s3_key"]) == ("loaded", "dev/append/t/a.csv")


def test_a_key_that_names_no_table_is_logged_as_unparsed_and_needs_no_turn(
    log: FakeLogTable, leases: FakeLeases
) -> None:
    turn = received(an_event("x.csv"), turn={})

    assert turn["next"] == "load"
    assert [table for table, _ in log.entries] == ["_unparsed"]
    failure = {"Error": "ThrottledError", "Cause": "slow"}
    assert final(an_event("x.csv"), turn=turn, failure=failure)["next"] == "failed"
    assert leases.calls == []


@pytest.mark.parametrize(
    "event",
    [
        an_event("dev/apend/t/a.csv"),
        an_event("dev/append/t/a\x00.csv"),
        an_event("dev/append/t/a.txt"),
        an_event("dev/schema/t/a.csv"),
        an_event(time="0001-01-01T00:00:00Z"),
    ],
)
def test_an_upload_that_will_be_rejected_keeps_no_other_one_waiting(
    log: FakeLogTable, leases: FakeLeases, event: dict[str, Any]
) -> None:
    turn = received(event, turn={})
    assert (turn["next"], leases.held) == ("load", {})
    assert received(turn={}, arn="arn:2")["next"] == "load"
    assert not any("waiting_for" in entry for _, entry in list(log.entries.items())[:1])


def test_an_invalid_event_is_refused(log: FakeLogTable) -> None:
    with pytest.raises(InvalidEventError):
        received({"detail": {}}, turn={})


def test_a_log_line_is_one_json_object_with_the_uploads_id(
    log: FakeLogTable, capsys: pytest.CaptureFixture[str]
) -> None:
    received(an_event("dev/append/t/a\nb é.csv"), turn={})

    [line] = capsys.readouterr().out.splitlines()
    assert (
        json.loads(line).items()
        >= {
            "step": "received",
            "s3_key": "dev/append/t/a\nb é.csv",
            "is_new": True,
            "next": "load",
        }.items()
    )
    assert len(json.loads(line)["upload_id"]) == 32


class TestAStateMachineOfAnOlderVersion:
    """During a deployment, executions that it started call the new function. It cannot wait."""

    def test_loads_at_once_without_a_turn(self, log: FakeLogTable, leases: FakeLeases) -> None:
        assert received() == {
            "upload_id": Upload.from_event(an_event()).upload_id,
            "is_new": True,
        }
        assert leases.calls == []

    def test_a_second_delivery_keeps_the_final_status_and_adds_its_attempts(
        self, log: FakeLogTable
    ) -> None:
        received()
        final(outcome=OUTCOME)
        assert received()["is_new"] is False
        final(failure=REJECTED)

        [entry] = log.entries.values()
        assert (entry["status"], entry["attempts"]) == ("loaded", 3)

    @pytest.mark.parametrize("kind", RetryableError.__subclasses__())
    def test_every_error_is_final_because_its_own_retries_are_used_up(
        self, log: FakeLogTable, kind: type[RetryableError]
    ) -> None:
        received()
        result = final(failure={"Error": kind.__name__, "Cause": "x"})
        assert result["succeeded"] is False
        assert result["error"] == kind.__name__
