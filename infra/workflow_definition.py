"""The state machine as a value (Amazon States Language): Receive, Load, Record, then Succeeded or Failed.

The Retry list of Load is generated from the error classes. Load also runs if Receive fails, and
Record if Load fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etl_core.model.errors import InvalidEventError
from etl_core.model.retry_policies import (
    LAMBDA_THROTTLED,
    LAMBDA_UNAVAILABLE,
    RETRY_POLICIES,
    RetryPolicy,
)

State = dict[str, Any]

ALL_ERRORS = "States.ALL"
LOAD_MARGIN_SECONDS = 30
"""The task times out after the function does, so that Load reports a timeout of the function."""

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


def render_retry(policies: Sequence[RetryPolicy]) -> list[State]:
    """Return the Retry list of a task."""
    return [
        {
            "ErrorEquals": list(policy.errors),
            "IntervalSeconds": policy.interval_seconds,
            "MaxAttempts": policy.max_attempts,
            "BackoffRate": policy.backoff_rate,
            "MaxDelaySeconds": policy.max_delay_seconds,
            "JitterStrategy": "FULL",
        }
        for policy in policies
    ]


def render_workflow(
    load_arn: str, record_arn: str, load_seconds: int, record_seconds: int
) -> State:
    """Return the definition.

    Tasks use function ARNs, so that the result of a task is what the function returns.
    """
    return {
        "Comment": "One execution per upload: log it as received, load it, log its final status.",
        "StartAt": "Receive",
        "States": {
            "Receive": _receive(record_arn, record_seconds),
            "Load": _load(load_arn, load_seconds),
            "Record": _record(record_arn, record_seconds),
            "Loaded?": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.record.succeeded", "BooleanEquals": True, "Next": "Succeeded"}
                ],
                "Default": "Failed",
            },
            "Succeeded": {"Type": "Succeed"},
            "Failed": {
                "Type": "Fail",
                "ErrorPath": "$.record.error",
                "CausePath": "$.record.cause",
            },
        },
    }


def _receive(record_arn: str, seconds: int) -> State:
    return {
        "Type": "Task",
        "Resource": record_arn,
        "Parameters": {"phase": "received", "event.$": "$", "execution_arn.$": "$$.Execution.Id"},
        "ResultPath": "$.receipt",
        "TimeoutSeconds": seconds,
        "Retry": render_retry(RECEIVE_RETRIES),
        "Catch": [{"ErrorEquals": [ALL_ERRORS], "ResultPath": "$.receipt", "Next": "Load"}],
        "Next": "Load",
    }


def _load(load_arn: str, seconds: int) -> State:
    return {
        "Type": "Task",
        "Resource": load_arn,
        "Parameters": {"event.$": "$", "retry_count.$": "$$.State.RetryCount"},
        "ResultPath": "$.outcome",
        "TimeoutSeconds": seconds + LOAD_MARGIN_SECONDS,
        "Retry": render_retry(RETRY_POLICIES),
        "Catch": [{"ErrorEquals": [ALL_ERRORS], "ResultPath": "$.failure", "Next": "Record"}],
        "Next": "Record",
    }


def _record(record_arn: str, seconds: int) -> State:
    return {
        "Type": "Task",
        "Resource": record_arn,
        "Parameters": {"phase": "final", "state.$": "$", "execution_arn.$": "$$.Execution.Id"},
        "ResultPath": "$.record",
        "TimeoutSeconds": seconds,
        "Retry": render_retry(RECORD_RETRIES),
        "Next": "Loaded?",
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
