"""Parts of the state machine's definition that several states share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from etl_core.model.retry_policies import RetryPolicy

State = dict[str, Any]

ALL_ERRORS = "States.ALL"


def jsonata(expression: str) -> str:
    """Return the expression as a value of the definition."""
    return f"{{% {expression} %}}"


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
