"""The error tree and what the state machine makes of it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from etl_core.model import errors
from etl_core.model.errors import EtlError, LoadFailedError, RejectedError, RetryableError
from etl_core.model.retry_policies import RETRY_POLICIES, RetryPolicy

KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EtlError)
]


def test_each_retryable_error_is_in_exactly_one_policy_and_no_other_error_of_ours_is() -> None:
    named = Counter(name for policy in RETRY_POLICIES for name in policy.errors)
    ours = {kind.__name__ for kind in KINDS}

    assert {name for name in named if name in ours} == {
        kind.__name__ for kind in RetryableError.__subclasses__()
    }
    assert set(named.values()) == {1}
    assert not {"States.ALL", "States.TaskFailed"} & set(named)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_ends_in_error_and_has_one_meaning(kind: type[EtlError]) -> None:
    assert kind.__name__.endswith("Error")
    assert kind.__doc__
    assert (
        sum(issubclass(kind, branch) for branch in (RetryableError, RejectedError, LoadFailedError))
        <= 1
    )


@pytest.mark.parametrize("policy", RETRY_POLICIES, ids=lambda policy: policy.errors[0])
def test_waiting_grows_and_ends_within_an_hour(policy: RetryPolicy) -> None:
    waits = [
        min(policy.interval_seconds * policy.backoff_rate**attempt, policy.max_delay_seconds)
        for attempt in range(policy.max_attempts)
    ]

    assert all(one <= other for one, other in pairwise(waits))
    assert sum(waits) < 3600


def test_an_error_is_read_by_its_message_and_keeps_its_details() -> None:
    error = RejectedError("a message", ["one", "two"])

    assert (str(error), error.details) == ("a message", ("one", "two"))
