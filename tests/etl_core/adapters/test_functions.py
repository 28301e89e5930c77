"""Calls of Lambda and Step Functions, and the errors that they raise."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from etl_core.adapters.functions import Function, StateMachine
from etl_core.model.errors import (
    EtlError,
    LoadFailedError,
    LockConflictError,
    ThrottledError,
)


class FakeClient:
    """Returns the same answer to every call."""

    def __init__(self, answer: Any, function_error: str | None = None) -> None:
        self.answer, self.function_error, self.calls = (
            answer,
            function_error,
            list[dict[str, Any]](),
        )

    def invoke(self, **call: Any) -> dict[str, Any]:
        self._note(call)
        result = {"Payload": io.BytesIO(json.dumps(self.answer).encode())}
        return result | ({"FunctionError": self.function_error} if self.function_error else {})

    def start_execution(self, **call: Any) -> Any:
        self._note(call)
        return self.answer

    describe_execution = start_execution

    def _note(self, call: dict[str, Any]) -> None:
        self.calls.append(call)
        if isinstance(self.answer, Exception):
            raise self.answer


def refused(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}},
        "Op",
    )


def test_a_function_is_called_with_json_and_returns_json() -> None:
    client = FakeClient({"done": 1})
    assert Function(client, "f").ask({"kind": "x"}) == {"done": 1}
    assert client.calls == [{"FunctionName": "f", "Payload": b'{"kind": "x"}'}]


STATE_MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:loader"
EXECUTION = "arn:aws:states:eu-central-1:123456789012:execution:loader:1"


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (
            {"errorType": "LockConflictError", "errorMessage": "lock conflict"},
            LockConflictError,
            "^lock conflict$",
        ),
        (
            {"errorType": "ReplayRefusedError", "errorMessage": "no file"},
            LoadFailedError,
            "the function f failed: no file",
        ),
        ({"errorMessage": "Task timed out"}, LoadFailedError, "Task timed out"),
        (None, LoadFailedError, "ended without an error message"),
    ],
)
def test_the_error_of_a_function_keeps_its_message_and_stays_retryable(
    answer: Any, kind: type[EtlError], text: str
) -> None:
    with pytest.raises(kind, match=text):
        Function(FakeClient(answer, "Unhandled"), "f").ask({})


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refused("TooManyRequestsException", 429), ThrottledError),
        (refused("ResourceNotFoundException"), LoadFailedError),
    ],
)
def test_a_function_that_cannot_be_called_raises_an_error_of_lambda(
    error: Exception, kind: type[EtlError]
) -> None:
    with pytest.raises(kind, match="Lambda returned"):
        Function(FakeClient(error), "f").ask({})


def test_an_execution_is_started_with_the_event() -> None:
    client = FakeClient({"executionArn": "arn:1"})
    assert StateMachine(client, "arn:machine").start({"a": 1}) == "arn:1"
    assert client.calls == [{"stateMachineArn": "arn:machine", "input": '{"a": 1}'}]


@pytest.mark.parametrize(
    ("answer", "runs"),
    [
        ({"status": "RUNNING"}, True),
        ({"status": "FAILED"}, False),
        (refused("ExecutionDoesNotExist"), False),
        (refused("InvalidArn"), False),
    ],
)
def test_an_execution_runs_only_while_step_functions_reports_it(answer: Any, runs: bool) -> None:
    assert StateMachine(FakeClient(answer), STATE_MACHINE).is_running(EXECUTION) is runs


def test_a_missing_permission_does_not_mean_that_the_execution_ended() -> None:
    with pytest.raises(LoadFailedError, match="Step Functions returned AccessDenied"):
        StateMachine(FakeClient(refused("AccessDenied", 403)), STATE_MACHINE).is_running(EXECUTION)


def test_an_execution_of_another_state_machine_does_not_run() -> None:
    """The stack may have been deployed under another name before; nobody may ask about that one."""
    client = FakeClient(refused("AccessDenied", 403))
    other = EXECUTION.replace(":loader:", ":loader-2:")
    assert StateMachine(client, STATE_MACHINE).is_running(other) is False
