"""The state machine as a value (Amazon States Language with JSONata).

    Receive -> Next step -> Load -> Record -> Next step -> Succeeded | Claim notice -> ... -> Failed
                   |
                   +-> Wait -> Look -> Answered? -> Receive | Wait | Succeeded | Claim notice
                   |
                   +-> Copy -> Copied? -> Receive | Wait for copy -> Copy

The record function decides the next step: it runs in Receive and in Record. An execution that waits
runs no function: Look reads its log entry and the leases, one of which it needs. Load also runs if
Receive fails, and Record if Load fails.

A load that ended without an answer may have changed its table. After the last retry, the load function
only asks the ledger; if that is not possible either, the upload's status is `unknown`.

A load that would take too long asks for a copy into staging tables. The execution gives its turn
back, has the copy made and looks now and then whether it has ended, and takes its turn again.

Sources (Step Functions developer guide): "Transforming data with JSONata in Step Functions"
(Arguments, Output, $states), "Wait workflow state" (Seconds is a whole number), "Choice workflow
state" (Condition is a boolean), "Fail workflow state", "Learning to use AWS service SDK integrations".
"""

from __future__ import annotations

from dataclasses import dataclass

from etl_core.model.errors import InvalidEventError, ThrottledError
from etl_core.model.leases import EXPIRES_AT
from etl_core.model.long_copy import LongCopyStatus
from etl_core.model.retry_policies import (
    LAMBDA_THROTTLED,
    LAMBDA_UNAVAILABLE,
    TASK_RETRIES,
    RetryPolicy,
)
from etl_core.model.status import UNSETTLED, Status
from infra.notices import CLAIM, NoticeParts, render_notices
from infra.states import ALL_ERRORS, State, jsonata, render_retry

LOAD_MARGIN_SECONDS = 30
"""The task times out after the function does, so that Load reports a timeout of the function."""
READ_ITEMS = "arn:aws:states:::aws-sdk:dynamodb:batchGetItem"

NEVER_RETRY_INVALID_EVENT = RetryPolicy((InvalidEventError.__name__,), 1, 0, 2.0, 5)
"""An event that is not from S3 names no upload, and a retry cannot change that: the execution fails at once."""

RECEIVE_RETRIES = (
    NEVER_RETRY_INVALID_EVENT,
    LAMBDA_THROTTLED,
    RetryPolicy((ALL_ERRORS,), 1, 3, 2.0, 5),
)
"""Few retries, soon after each other: with the entry `received`, other uploads of the table know
about this one, but a log that fails must not stop the load. A throttled function is retried for
longer."""

RECORD_RETRIES = (
    NEVER_RETRY_INVALID_EVENT,
    LAMBDA_THROTTLED,
    LAMBDA_UNAVAILABLE,
    RetryPolicy((ALL_ERRORS,), 5, 12, 2.0, 300),
)
"""Many retries over a long time: without its final entry an upload has no final status."""

COPY_RETRIES = (
    LAMBDA_THROTTLED,
    LAMBDA_UNAVAILABLE,
    RetryPolicy((ThrottledError.__name__,), 5, 60, 1.5, 60),
    RetryPolicy((ALL_ERRORS,), 5, 6, 2.0, 60),
)
"""The copy goes on in the warehouse. ThrottledError also means that the warehouse has as many
active statements as it takes: then the wait is long."""

LOOK_RETRIES = (RetryPolicy((ALL_ERRORS,), 2, 3, 2.0, 10),)
"""Few retries: if the tables cannot be read, Receive finds out what to do."""


@dataclass(frozen=True)
class WorkflowParts:
    """The resources that the state machine uses, and the time limits of its functions in seconds."""

    load_arn: str
    record_arn: str
    copy_arn: str
    log_table: str
    lease_table: str
    load_seconds: int
    record_seconds: int
    copy_seconds: int
    topic_arn: str
    api_url: str
    stack: str

    @property
    def notices(self) -> NoticeParts:
        """What the states that send notices use."""
        return NoticeParts(self.log_table, self.topic_arn, self.api_url, self.stack)


def render_workflow(parts: WorkflowParts) -> State:
    """Return the definition.

    Tasks use function ARNs, so that the result of a task is what the function returns.
    """
    return {
        "Comment": "One execution per upload: log it as received, wait for its turn, load it, "
        "log its final status.",
        "QueryLanguage": "JSONata",
        "StartAt": "Receive",
        "States": {
            "Receive": _receive(parts),
            "Next step": _next_step(),
            "Load": _load(parts),
            "Record": _record(parts),
            "Wait": {"Type": "Wait", "Seconds": jsonata("$states.input.seconds"), "Next": "Look"},
            "Look": _look(parts),
            "Answered?": _answered(),
            "Copy": _copy(parts),
            "Copied?": _copied(),
            "Wait for copy": {
                "Type": "Wait",
                "Seconds": jsonata("$states.input.seconds"),
                "Next": "Copy",
            },
            "Succeeded": {"Type": "Succeed"},
            **render_notices(parts.notices, "Failed"),
            "Failed": _failed(),
        },
    }


_EVENT = "$states.context.Execution.Input"
_TURN = "$exists($states.input.next) ? $states.input : {}"
"""What the execution carries: the last reply of the record function. Empty at the start, where the
input is the event."""


_COPY = "$states.input.long_copy"


def _receive(parts: WorkflowParts) -> State:
    return {
        "Type": "Task",
        "Resource": parts.record_arn,
        "Arguments": {
            "phase": "received",
            "event": jsonata(_EVENT),
            "execution_arn": jsonata("$states.context.Execution.Id"),
            "turn": jsonata(_TURN),
        },
        "TimeoutSeconds": parts.record_seconds,
        "Retry": render_retry(RECEIVE_RETRIES),
        "Catch": [
            {
                "ErrorEquals": [ALL_ERRORS],
                "Output": jsonata(f"$merge([{_TURN}, {{'next': 'load'}}])"),
                "Next": "Load",
            }
        ],
        "Next": "Next step",
    }


def _next_step() -> State:
    """Return the choice after Receive and Record.

    A record function of an older version, which runs next to this one during a deployment, never
    replies `next`: its reply before a load has no `succeeded` either. Without `entry` there is no notice.
    """
    return {
        "Type": "Choice",
        "Choices": [
            {"Condition": jsonata("$states.input.next = 'wait'"), "Next": "Wait"},
            {"Condition": jsonata("$states.input.next = 'copy'"), "Next": "Copy"},
            {"Condition": jsonata("$states.input.succeeded = true"), "Next": "Succeeded"},
            {
                "Condition": jsonata(
                    "$states.input.succeeded = false and $exists($states.input.entry)"
                ),
                "Next": CLAIM,
            },
            {"Condition": jsonata("$states.input.succeeded = false"), "Next": "Failed"},
        ],
        "Default": "Load",
    }


def _load(parts: WorkflowParts) -> State:
    """Return the task that loads. $sum leaves out a count that a reply lacks."""
    retry_count = "$sum([$states.input.retry_count, $states.context.State.RetryCount])"
    return {
        "Type": "Task",
        "Resource": parts.load_arn,
        "Arguments": {
            "event": jsonata(_EVENT),
            "retry_count": jsonata(retry_count),
            "long_copy": jsonata(f"$exists({_COPY}) ? {_COPY} : {{}}"),
            "failure": jsonata("$exists($states.input.failure) ? $states.input.failure : {}"),
            "alone": jsonata("$states.input.alone = true"),
        },
        "Output": {"turn": jsonata("$states.input"), "outcome": jsonata("$states.result")},
        "TimeoutSeconds": parts.load_seconds + LOAD_MARGIN_SECONDS,
        "Retry": render_retry(TASK_RETRIES),
        "Catch": [
            {
                "ErrorEquals": [ALL_ERRORS],
                "Output": {
                    "turn": jsonata("$states.input"),
                    "failure": jsonata("$states.errorOutput"),
                },
                "Next": "Record",
            }
        ],
        "Next": "Record",
    }


def _record(parts: WorkflowParts) -> State:
    return {
        "Type": "Task",
        "Resource": parts.record_arn,
        "Arguments": {
            "phase": "final",
            "state": jsonata(f"$merge([{_EVENT}, $states.input])"),
            "execution_arn": jsonata("$states.context.Execution.Id"),
        },
        "TimeoutSeconds": parts.record_seconds,
        "Retry": render_retry(RECORD_RETRIES),
        "Next": "Next step",
    }


def _look(parts: WorkflowParts) -> State:
    """Return the task that reads the execution's log entry and the leases, one of which it needs."""
    entry = {
        "Keys": [jsonata("$states.input.entry")],
        "ProjectionExpression": "attempts, #status, #error.#type, #error.#message",
        "ExpressionAttributeNames": {
            f"#{name}": name for name in ("status", "error", "type", "message")
        },
    }
    leases = {"Keys": jsonata("$states.input.leases")}
    return {
        "Type": "Task",
        "Resource": READ_ITEMS,
        "Arguments": {"RequestItems": {parts.log_table: entry, parts.lease_table: leases}},
        "Output": jsonata(_seen(parts)),
        "Retry": render_retry(LOOK_RETRIES),
        "Catch": [
            {
                "ErrorEquals": [ALL_ERRORS],
                "Output": jsonata("$states.input"),
                "Next": "Receive",
            }
        ],
        "Next": "Answered?",
    }


def _seen(parts: WorkflowParts) -> str:
    """Return the expression of what Look found, and of the next wait.

    An answer counts only if it was written after this execution first read the entry. A field that
    an item lacks makes a comparison neither true nor false, and `and` makes it false.
    """
    unsettled = ", ".join(f"'{status}'" for status in UNSETTLED)
    return f"""(
  $entry := $lookup($states.result.Responses, '{parts.log_table}')[0];
  $held := $lookup($states.result.Responses, '{parts.lease_table}')[$number({EXPIRES_AT}.N) * 1000 > $millis()];
  $pause := $ceil($states.input.poll * (1.75 + 0.5 * $random()));
  $poll := $min([$pause, $states.input.longest]);
  $merge([$states.input, {{
    'seconds': $poll,
    'poll': $poll,
    'answer': $number($entry.attempts.N) > $states.input.attempts and $not($entry.status.S in [{unsettled}])
      ? $entry.status.S : '',
    'error': $exists($entry.error.M.type.S) ? $entry.error.M.type.S : '',
    'cause': $exists($entry.error.M.message.S) ? $entry.error.M.message.S : '',
    'is_held': $exists($held) and $count($held) >= $count($states.input.leases)
  }}])
)"""


def _answered() -> State:
    """Return the choice after Look: another execution answered, every lease is still held, or one is free."""
    good = ", ".join(f"'{status}'" for status in Status if status.succeeded)
    return {
        "Type": "Choice",
        "Choices": [
            {"Condition": jsonata(f"$states.input.answer in [{good}]"), "Next": "Succeeded"},
            {"Condition": jsonata("$states.input.answer != ''"), "Next": CLAIM},
            {"Condition": jsonata("$states.input.is_held"), "Next": "Wait"},
        ],
        "Default": "Receive",
    }


def _copy(parts: WorkflowParts) -> State:
    """Return the task that submits a long copy, or looks whether it has ended.

    If nobody can tell, the next load plans another one.
    """
    lost = f"""$merge([$states.input, {{'long_copy': $merge([{_COPY}, {{
      'result': {{'status': '{LongCopyStatus.LOST}', 'error': $states.errorOutput.Error}}
    }}])}}])"""
    return {
        "Type": "Task",
        "Resource": parts.copy_arn,
        "Arguments": {"long_copy": jsonata(_COPY)},
        "Output": jsonata("$merge([$states.input, $states.result])"),
        "TimeoutSeconds": parts.copy_seconds,
        "Retry": render_retry(COPY_RETRIES),
        "Catch": [{"ErrorEquals": [ALL_ERRORS], "Output": jsonata(lost), "Next": "Receive"}],
        "Next": "Copied?",
    }


def _copied() -> State:
    """Return the choice after Copy: it still runs, or the load can go on."""
    return {
        "Type": "Choice",
        "Choices": [
            {"Condition": jsonata("$states.input.is_running"), "Next": "Wait for copy"},
        ],
        "Default": "Receive",
    }


def _failed() -> State:
    return {
        "Type": "Fail",
        "Error": jsonata("$states.input.error"),
        "Cause": jsonata("$states.input.cause"),
    }


def render_event_pattern(lake_bucket: str) -> State:
    """Return the pattern of objects created in the lake.

    It excludes folder markers, whose keys end in a slash.
    """
    return {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [lake_bucket]},
            "object": {"key": [{"anything-but": {"suffix": "/"}}]},
        },
    }
