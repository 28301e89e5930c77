"""Log entries: for every outcome, and for every way in which a load can end without one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from etl_core.loading.load_context import failure_of
from etl_core.loading.messages import SCHEMA_FILE_EXTENSION
from etl_core.model.errors import InvalidSchemaFileError, RejectedError
from etl_core.model.status import SETTLED, Status
from etl_core.model.upload import Upload
from etl_core.upload_log.entry import (
    attempts_of,
    final_entry,
    interval_of,
    key_of,
    received_entry,
    upload_of_entry,
)
from etl_core.upload_log.outcome import Failure, LoadOutcome, LoadWarning, Place, warnings_of
from tests.builders import NOON, an_event, an_upload

ARN = "arn:aws:states:eu-central-1:123456789012:execution:load:1"
SENTENCE = "the key is not valid"


def final(**state: Any) -> dict[str, Any]:
    return final_entry(an_upload(), an_event() | state, ARN)


def failed(error: str, cause: object = "") -> dict[str, Any]:
    return final(
        failure={"Error": error, "Cause": cause if isinstance(cause, str) else json.dumps(cause)}
    )


def test_the_key_of_an_entry_is_the_table_and_the_arrival() -> None:
    upload = an_upload("dev/append/Sales.Orders/a.csv")

    assert key_of(upload) == {
        "table_name": "orders",
        "landed_key": f"2026-11-22T12:00:00Z#00000001#{upload.upload_id[:12]}",
    }


def test_a_received_entry_has_the_fields_of_the_event() -> None:
    upload = an_upload("dev/append/Sales.Orders/a.csv")
    assert received_entry(upload, ARN, NOON) == {
        "database": "dev", "schema": "sales", "action": "append",
        "landed_timestamp": "2026-11-22T12:00:00Z", "status": "received",
        "s3_bucket": "lake", "s3_key": "dev/append/Sales.Orders/a.csv", "version_id": "v1",
        "etag": "e1", "file_size": 10,
        "execution_arn": ARN, "waiting_for": "dev/sales.orders", "waiting_since": "2026-11-22T12:00:00Z",
        "upload_id": upload.upload_id, "listed": f"2026-11-22/{int(upload.upload_id[0], 16) % 4}",
    }  # fmt: skip


@pytest.mark.parametrize(
    "upload",
    [
        an_upload("dev/append/t/a\0.csv"),
        an_upload("dev/append/t/a.xlsx"),
        an_upload(landed_at=datetime(1, 1, 1, tzinfo=UTC)),
        an_upload(landed_at=NOON + timedelta(days=2)),
    ],
)
def test_no_other_upload_waits_for_one_that_cannot_take_effect(upload: Upload) -> None:
    entry = received_entry(upload, ARN, NOON)

    assert entry["schema"] == "public"
    assert not {"waiting_for", "waiting_since"} & set(entry)


@pytest.mark.parametrize(
    "damage",
    [{"landed_timestamp": "1-01-01T00:00:00Z"}, {"landed_timestamp": None}, {"file_size": "x"}],
)
def test_a_damaged_entry_describes_no_upload(damage: dict[str, Any]) -> None:
    entry = key_of(an_upload()) | received_entry(an_upload(), ARN, NOON)

    assert upload_of_entry(entry) == an_upload()
    assert upload_of_entry(entry | damage) is None
    assert upload_of_entry({"landed_key": entry["landed_key"]}) is None


def test_unknown_fields_are_left_out() -> None:
    entry = received_entry(an_upload("x.csv", version_id=None, size=None), ARN, NOON)

    assert not {"version_id", "file_size", "database", "schema", "action"} & set(entry)


def test_the_entry_of_a_loaded_file_has_rows_time_and_statements() -> None:
    outcome = LoadOutcome(Status.LOADED, "v9", "2", 7, NOON, 1200, True, ("COPY ...",))

    entry = final(outcome=outcome.to_task_output())

    assert entry.items() >= {
        "status": "loaded", "version_id": "v9", "schema_version": "2", "rows_loaded": 7, "duration_ms": 1200,
        "loaded_timestamp": "2026-11-22T12:00:00Z", "redshift_table_exists": True,
        "statements": ["COPY ..."], "etag": "e1",
    }.items()  # fmt: skip
    assert "error" not in entry


def test_rows_that_were_set_aside_are_logged() -> None:
    prefix = "s3://lake-work/quarantine/dev/t/0/"
    outcome = LoadOutcome(Status.LOADED, rows_quarantined=2, quarantine_prefix=prefix)

    entry = final(outcome=outcome.to_task_output())

    assert (entry["rows_quarantined"], entry["quarantine_prefix"]) == (2, prefix)


def test_zero_rows_are_logged() -> None:
    assert (
        final(outcome=LoadOutcome(Status.LOADED, rows_loaded=0).to_task_output())["rows_loaded"]
        == 0
    )


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.RECEIVED])
def test_each_outcome_keeps_its_status_and_error(status: Status) -> None:
    error = Failure("SomeError", SENTENCE, ("one", "two"))

    entry = final(outcome=LoadOutcome(status, error=error).to_task_output())

    assert entry["status"] == status
    assert json.loads(json.dumps(entry["error"])) == {
        "type": "SomeError",
        "message": SENTENCE,
        "details": ["one", "two"],
    }


def test_an_error_has_its_parts_as_fields_and_leaves_out_what_is_not_known() -> None:
    error = Failure(
        "CopyRefusedError",
        SENTENCE,
        code="value.not_integer",
        hint="Correct it",
        place=Place(7, "id", "x" * 300),
        faults=3,
    )

    entry = final(outcome=LoadOutcome(Status.REJECTED, error=error).to_task_output())

    assert entry["error"] == {
        "type": "CopyRefusedError",
        "code": "value.not_integer",
        "message": SENTENCE,
        "line": 7,
        "column": "id",
        "value": "x" * 200 + "...",
        "hint": "Correct it",
        "faults": 3,
        "details": [],
    }


def test_a_message_gives_an_error_its_code_and_hint() -> None:
    message = SCHEMA_FILE_EXTENSION(file="a.txt")

    failure = failure_of(InvalidSchemaFileError(message, ["one", "two"]))

    assert (failure.code, failure.hint, failure.faults) == (
        "schema_file.extension",
        "Rename the file and upload it again",
        2,
    )


def test_a_duplicate_has_its_status_in_the_ledger() -> None:
    outcome = LoadOutcome(Status.DUPLICATE, rows_loaded=7, loaded_at=NOON, settled=Status.LOADED)

    assert final(outcome=outcome.to_task_output())["status"] == "loaded"


def test_later_deliveries_change_only_entries_of_uploads_without_an_effect() -> None:
    assert set(Status) - set(SETTLED) == {
        Status.RECEIVED,
        Status.DUPLICATE,
        Status.REJECTED,
        Status.FAILED,
        Status.UNKNOWN,
    }
    assert {status for status in Status if not status.succeeded} == {
        Status.RECEIVED,
        Status.REJECTED,
        Status.FAILED,
        Status.UNKNOWN,
    }


LAMBDA_CAUSE = {
    "errorMessage": SENTENCE,
    "errorType": "X",
    "stackTrace": ["  File secret.py, line 1"],
}


@pytest.mark.parametrize(
    "error", [kind.__name__ for kind in RejectedError.__subclasses__()] + ["SchemaNotReadyError"]
)
def test_a_rejection_has_its_message_and_no_stack_trace(
    error: str,
) -> None:
    entry = failed(error, LAMBDA_CAUSE)

    assert (entry["status"], entry["error"]["type"], entry["error"]["message"]) == (
        "rejected",
        error,
        SENTENCE,
    )
    assert "secret.py" not in json.dumps(entry)


@pytest.mark.parametrize(
    "error",
    [
        "LockConflictError",
        "ConnectionLostError",
        "ThrottledError",
        "KeyError",
        "States.DataLimitExceeded",
    ],
)
def test_any_other_error_is_a_failure_with_its_message(error: str) -> None:
    entry = failed(error, LAMBDA_CAUSE)

    assert (entry["status"], entry["error"]["type"], entry["error"]["message"]) == (
        "failed",
        error,
        SENTENCE,
    )


@pytest.mark.parametrize("error", ["States.Timeout", "Sandbox.Timedout"])
def test_a_timeout_is_reported_with_the_fix(error: str) -> None:
    entry = failed(error, {"errorMessage": "Task timed out after 900.00 seconds"})

    assert entry["status"] == "failed"
    assert "ran out of time" in entry["error"]["message"]
    assert "raise loadTimeoutSeconds" in entry["error"]["message"]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (
            "Runtime.ExitError",
            {"errorMessage": "RequestId: 1 Error: Runtime exited with error: signal: killed"},
        ),
        ("Lambda.Unknown", "The cause could not be determined"),
        ("Runtime.Unknown", {"errorMessage": "bootstrap exited during init with code -9"}),
        ("Runtime.OutOfMemory", {"errorMessage": "out of memory"}),
        ("SomeError", ""),
    ],
)
def test_a_function_that_died_is_reported_with_the_fix(error: str, cause: object) -> None:
    entry = failed(error, cause)

    assert entry["status"] == "failed"
    assert "ended without a result" in entry["error"]["message"]
    assert (
        "Send the upload again (etl replay --key ...); it cannot be loaded twice"
        in entry["error"]["message"]
    )


@pytest.mark.parametrize("cause", ["plain text", "[1]", "null", "{", "[" * 20_000])
def test_a_cause_that_is_not_an_error_object_is_logged_unchanged(cause: str) -> None:
    message = failed("SomeError", cause)["error"]["message"]

    assert message.startswith(cause[:4000])
    assert len(message) < 4100


@pytest.mark.parametrize(
    "state", [{}, {"failure": None}, {"failure": "text"}, {"outcome": None}, {"failure": {}}]
)
def test_a_state_without_a_result_is_a_failure(state: dict[str, Any]) -> None:
    assert final(**state)["status"] == "failed"


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600", '"', "\0"])
def test_an_outcome_is_cut_to_the_size_that_the_state_machine_and_the_log_hold(letter: str) -> None:
    many = (letter * 10_000,) * 2000
    outcome = LoadOutcome(
        Status.REJECTED, statements=many, error=Failure("E", letter * 1_000_000, many)
    ).to_task_output()

    assert len(json.dumps(outcome)) < 200_000
    assert outcome["error"]["details"][-1].startswith("... and ")
    assert outcome["statements"][-1].startswith("... and ")
    assert len(json.dumps(final(outcome=outcome)).encode()) < 256 * 1024


def test_a_short_outcome_is_not_cut() -> None:
    outcome = LoadOutcome(
        Status.REJECTED, statements=("a",) * 50, error=Failure("E", "m", ("d",) * 20)
    ).to_task_output()

    assert (len(outcome["statements"]), len(outcome["error"]["details"])) == (50, 20)


@pytest.mark.parametrize(
    ("state", "attempts"),
    [
        ({"outcome": {"status": "loaded", "attempts": 3}}, 3),
        ({"outcome": {"status": "loaded"}}, 1),
        ({"failure": {"Error": "LockConflictError"}}, 1),
        ({"failure": {"Error": "Lambda.TooManyRequestsException"}}, 0),
        ({"failure": {"Error": "Runtime.ExitError"}}, 3),
        ({"failure": {"Error": "Runtime.Unknown"}}, 3),
        ({"failure": {"Error": "InvalidKeyError"}}, 1),
        ({}, 1),
    ],
)
def test_attempts_are_counted_also_if_the_load_returned_nothing(
    state: dict[str, Any], attempts: int
) -> None:
    assert attempts_of(state) == attempts


def test_attempts_before_the_last_load_are_added_to_those_of_a_failure() -> None:
    """An outcome counts them itself."""
    assert attempts_of({"failure": {"Error": "LockConflictError"}}, 4) == 5
    assert attempts_of({"outcome": {"status": "loaded", "attempts": 5}}, 4) == 5


def test_warnings_are_part_of_the_entry() -> None:
    first = LoadWarning("value.decimals_cut", "w" * 2000, 3, Place(2, "price", "1.239"), "a hint")
    outcome = LoadOutcome(Status.LOADED, warnings=(first, *warnings_of(["second"])))

    warnings = final(outcome=outcome.to_task_output())["warnings"]

    assert warnings == [
        {
            "kind": "value.decimals_cut",
            "message": "w" * 1000 + "...",
            "count": 3,
            "line": 2,
            "column": "price",
            "value": "1.239",
            "hint": "a hint",
        },
        {"kind": "note", "message": "second"},
    ]
    assert "warnings" not in final(outcome=LoadOutcome(Status.LOADED).to_task_output())


@pytest.mark.parametrize(
    ("outcome", "seconds"),
    [
        (LoadOutcome(Status.LOADED, load_interval_seconds=60).to_task_output(), 60),
        (LoadOutcome(Status.LOADED).to_task_output(), 0),
        ({"load_interval_seconds": 10**9}, 86_400),
        ({"load_interval_seconds": -1}, 0),
        ({"load_interval_seconds": "60"}, 0),
        ({"load_interval_seconds": True}, 0),
        (None, 0),
    ],
)
def test_the_interval_of_an_outcome_is_a_number_of_seconds(outcome: Any, seconds: int) -> None:
    assert interval_of({"outcome": outcome}) == seconds
    assert interval_of({"failure": {}}) == 0
