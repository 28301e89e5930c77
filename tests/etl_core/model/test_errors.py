"""The error tree, and how its errors are retried."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import pytest

from etl_core.model import errors
from etl_core.model.errors import EtlError, LoadFailedError, RejectedError, RetryableError
from etl_core.model.retry_policies import (
    LAMBDA_BUSY,
    RETRY_POLICIES,
    RetryPolicy,
    attempts_of_task,
    policy_for,
)
from etl_core.upload_log.entry import LONGEST_WAIT

KINDS = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EtlError)
]


def test_each_retryable_error_is_in_exactly_one_policy_and_no_other_error_is() -> None:
    named = Counter(name for policy in RETRY_POLICIES for name in policy.errors)
    ours = {kind.__name__ for kind in KINDS}

    assert {name for name in named if name in ours} == {
        kind.__name__ for kind in RetryableError.__subclasses__()
    }
    assert set(named.values()) == {1}
    assert not {"States.ALL", "States.TaskFailed"} & set(named)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_name_of_an_error_ends_in_error_and_it_has_one_branch(kind: type[EtlError]) -> None:
    assert kind.__name__.endswith("Error")
    assert kind.__doc__
    assert (
        sum(issubclass(kind, branch) for branch in (RetryableError, RejectedError, LoadFailedError))
        <= 1
    )


def test_the_drawn_tree_is_the_class_tree() -> None:
    drawn: list[tuple[str, str]] = []
    parents = ["EtlError"]
    for match in re.finditer(r"^((?:[|`] ? ?)*)[|`]- (\w+)", errors.__doc__ or "", re.MULTILINE):
        level = len(match[1]) // 3 + 1
        parents[level:] = [match[2]]
        drawn.append((match[2], parents[level - 1]))

    assert sorted(drawn) == sorted(
        (kind.__name__, kind.__bases__[0].__name__) for kind in KINDS if kind is not EtlError
    )


@pytest.mark.parametrize("policy", RETRY_POLICIES, ids=lambda policy: policy.errors[0])
def test_waiting_grows_and_ends_before_others_stop_waiting(
    policy: RetryPolicy,
) -> None:
    longest = [policy.delay_seconds(retries, 1) for retries in range(policy.max_attempts)]
    shortest = [policy.delay_seconds(retries, 0) for retries in range(policy.max_attempts)]

    assert all(one <= other for one, other in pairwise(longest))
    assert all(0 < one <= other for one, other in zip(shortest, longest, strict=True))
    assert sum(longest) < LONGEST_WAIT.total_seconds() - 3600


@pytest.mark.parametrize(
    "error", ["LockConflictError", "ConnectionLostError", "ThrottledError", *LAMBDA_BUSY.errors]
)
def test_what_ends_by_itself_is_retried_for_more_than_half_an_hour(error: str) -> None:
    policy = policy_for(error)
    assert policy is not None

    shortest = sum(policy.delay_seconds(retries, 0) for retries in range(policy.max_attempts))
    assert shortest > 30 * 60


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        ("Runtime.ExitError", 3),
        ("Lambda.ServiceException", 7),
        ("Lambda.TooManyRequestsException", 0),
        ("LockConflictError", 1),
        ("States.Timeout", 1),
    ],
)
def test_a_task_has_run_the_function_so_often_before_it_gives_up(error: str, attempts: int) -> None:
    assert attempts_of_task(error) == attempts


def test_an_error_has_a_message_and_details() -> None:
    error = RejectedError("a message", ["one", "two"])

    assert (str(error), error.details) == ("a message", ("one", "two"))
