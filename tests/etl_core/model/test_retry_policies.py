"""How long throttled loads wait: a backlog of any size drains, and no execution exceeds the quotas."""

from __future__ import annotations

import pytest

from etl_core.model.errors import ThrottledError
from etl_core.model.retry_policies import LAMBDA_BUSY, LAMBDA_THROTTLED, RetryPolicy, policy_for
from etl_core.upload_log.entry import LONGEST_WAIT

HOUR = 3600
EVENTS_OF_A_CYCLE = 40
"""Wait, Look, Answered?, Receive, Next step, Load, Record, Next step: the states of one cycle and
their tasks have fewer events than this."""
MAX_EVENTS = 25_000
"""Step Functions quotas, "Maximum execution history size"."""


def shortest_seconds(policy: RetryPolicy) -> int:
    return sum(policy.delay_seconds(retry, 0) for retry in range(policy.max_attempts))


@pytest.mark.parametrize("error", [ThrottledError.__name__, *LAMBDA_BUSY.errors])
def test_a_throttled_load_waits_for_hours(error: str) -> None:
    policy = policy_for(error)
    assert policy is not None
    assert shortest_seconds(policy) > 15 * HOUR
    assert policy.max_attempts * EVENTS_OF_A_CYCLE < MAX_EVENTS
    assert policy.max_delay_seconds <= 300, "nobody waits long after the warehouse is free"


def test_a_throttled_record_function_is_called_for_hours() -> None:
    """Step Functions itself retries it, with full jitter: half of the delay on average."""
    policy = LAMBDA_THROTTLED
    delays = (
        min(policy.interval_seconds * policy.backoff_rate ** min(n, 64), policy.max_delay_seconds)
        for n in range(policy.max_attempts)
    )
    total = sum(delays)
    assert total / 2 > 10 * HOUR
    assert total < LONGEST_WAIT.total_seconds(), "then others stop waiting for this upload"
    # Each try has a scheduled, a started and a failed event.
    assert policy.max_attempts * 3 < MAX_EVENTS


def test_a_backlog_of_ten_thousand_files_drains_while_its_last_load_still_waits() -> None:
    """With 5 loads at a time of 10 seconds each, an account whose functions are all taken otherwise."""
    policy = policy_for(ThrottledError.__name__)
    assert policy is not None
    assert shortest_seconds(policy) > 10_000 / 5 * 10
