"""The record function: an entry before the load, its final status after the load."""

from __future__ import annotations

import json

import pytest

from etl_core.model.errors import InvalidEventError
from etl_core.model.status import Status
from etl_core.model.upload import Upload
from etl_core.upload_log.outcome import LoadOutcome
from handlers import record
from tests.builders import an_event
from tests.handlers.conftest import CONTEXT, FakeLogTable

OUTCOME = LoadOutcome(Status.LOADED, rows_loaded=3).to_task_output() | {"attempts": 2}


def received(event: object = None) -> object:
    return record.handler(
        {"phase": "received", "event": event or an_event(), "execution_arn": "arn:1"}, CONTEXT
    )


def final(**state: object) -> object:
    return record.handler(
        {"phase": "final", "state": an_event() | state, "execution_arn": "arn:1"}, CONTEXT
    )


def test_an_upload_has_one_entry_that_gets_its_final_status(log: FakeLogTable) -> None:
    received()
    result = final(outcome=OUTCOME)

    [entry] = log.entries.values()
    assert (entry["status"], entry["rows_loaded"], entry["attempts"]) == ("loaded", 3, 2)
    assert result == {"status": "loaded", "succeeded": True, "error": "", "cause": ""}


def test_a_second_delivery_keeps_the_final_status_and_adds_its_attempts(log: FakeLogTable) -> None:
    received()
    final(outcome=OUTCOME)

    assert received() == {"upload_id": Upload.from_event(an_event()).upload_id, "is_new": False}
    final(failure={"Error": "MissingObjectError", "Cause": "the object does not exist"})

    [entry] = log.entries.values()
    assert (entry["status"], entry["attempts"]) == ("loaded", 3)


def test_a_failure_is_returned_to_the_state_machine(log: FakeLogTable) -> None:
    result = final(
        failure={
            "Error": "InvalidKeyError",
            "Cause": json.dumps({"errorMessage": "the key is bad"}),
        }
    )

    assert result == {
        "status": "rejected",
        "succeeded": False,
        "error": "InvalidKeyError",
        "cause": "the key is bad",
    }


def test_a_final_status_is_recorded_even_if_nothing_was_received(log: FakeLogTable) -> None:
    final(outcome=OUTCOME)

    [entry] = log.entries.values()
    assert (entry["status"], entry["s3_key"]) == ("loaded", "dev/append/t/a.csv")


def test_a_key_that_names_no_table_is_logged_as_unparsed(log: FakeLogTable) -> None:
    received(an_event("x.csv"))

    assert [table for table, _ in log.entries] == ["_unparsed"]


def test_an_invalid_event_is_refused(log: FakeLogTable) -> None:
    with pytest.raises(InvalidEventError):
        received({"detail": {}})


def test_a_log_line_is_one_json_object_with_the_uploads_id(
    log: FakeLogTable, capsys: pytest.CaptureFixture[str]
) -> None:
    received(an_event("dev/append/t/a\nb é.csv"))

    [line] = capsys.readouterr().out.splitlines()
    assert (
        json.loads(line).items()
        >= {"step": "received", "s3_key": "dev/append/t/a\nb é.csv", "is_new": True}.items()
    )
    assert len(json.loads(line)["upload_id"]) == 32
