"""How often a load is retried, and how long it waits: one policy for each kind of error.

The state machine itself retries only what Lambda reports (TASK_RETRIES). Errors of a load are
decided by the record function (RETRY_POLICIES): it gives the table's lease back before the wait.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from etl_core.model.errors import (
    CommitLostError,
    ConnectionLostError,
    EarlierUploadError,
    EtlError,
    LoadFailedError,
    LockConflictError,
    RejectedError,
    SchemaNotReadyError,
    ThrottledError,
)


@dataclass(frozen=True)
class RetryPolicy:
    """When to retry after one of `errors`, which are error names as Step Functions reports them."""

    errors: tuple[str, ...]
    interval_seconds: int
    max_attempts: int
    backoff_rate: float
    max_delay_seconds: int

    @property
    def name(self) -> str:
        """The name under which retries are counted."""
        return self.errors[0]

    def delay_seconds(self, retries: int, jitter: float) -> int:
        """Return the wait before the next retry, in whole seconds, after so many retries.

        `jitter` is from 0 to 1: the wait is from three quarters of the delay to all of it.
        """
        # The exponent is limited: the delay reaches its maximum long before.
        delay = min(
            self.interval_seconds * self.backoff_rate ** min(retries, 64), self.max_delay_seconds
        )
        return max(1, math.ceil(delay * (0.75 + 0.25 * jitter)))


LAMBDA_THROTTLED = RetryPolicy(
    # No function is free for the record function. Waiting is right, however long it takes. The
    # delay grows slowly, so that no execution waits long after a function is free.
    errors=("Lambda.TooManyRequestsException",),
    interval_seconds=1,
    max_attempts=140,
    backoff_rate=1.1,
    max_delay_seconds=30,
)
LAMBDA_BUSY = RetryPolicy(
    # No function is free for the load. It holds its table's lease while this policy retries,
    # about a minute at most. Then the record function gives the lease back and waits.
    errors=("Lambda.TooManyRequestsException",),
    interval_seconds=1,
    max_attempts=10,
    backoff_rate=1.5,
    max_delay_seconds=10,
)
LAMBDA_DIED = RetryPolicy(
    # The function ended without a result: it was killed, or it crashed. A retry is safe, because
    # the ledger shows whether the load committed. The load holds its table's lease while this
    # policy retries; later retries are the record function's.
    errors=("Lambda.Unknown", "Runtime.ExitError", "Runtime.Unknown"),
    interval_seconds=2,
    max_attempts=2,
    backoff_rate=2.0,
    max_delay_seconds=30,
)
LAMBDA_UNAVAILABLE = RetryPolicy(
    # Step Functions developer guide, "Handle transient Lambda service exceptions".
    errors=(
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
    ),
    interval_seconds=2,
    max_attempts=6,
    backoff_rate=2.0,
    max_delay_seconds=60,
)

TASK_RETRIES: tuple[RetryPolicy, ...] = (LAMBDA_BUSY, LAMBDA_DIED, LAMBDA_UNAVAILABLE)
"""The Retry list of the Load state. Every other error goes to Record at once."""


def _with_subclasses(base: type[EtlError]) -> Iterator[type[EtlError]]:
    yield base
    for each in base.__subclasses__():
        yield from _with_subclasses(each)


MAX_WAIT_ATTEMPTS = 20
"""After this many attempts, stop waiting for earlier uploads: a schema file no longer waits for
uploads that arrived before it, and a data file no longer waits for a schema file that is in the
lake but was never received. Attempts after other errors count too, therefore the number is not
small."""

MAX_LOG_READ_ATTEMPTS = 5
"""After this many attempts, a load proceeds although the log cannot be read. Lower than the number
of retries of ThrottledError."""

DIED_AGAIN = RetryPolicy(LAMBDA_DIED.errors, 5, 6, 2.0, 60)
"""For more than two minutes, so that no upload fails because functions are killed for one minute."""
STOPPED = RetryPolicy(("Runtime.OutOfMemory", "Sandbox.Timedout", "States.Timeout"), 5, 1, 2.0, 60)
"""The function needed too much memory or time. Without other uploads it may need less."""
UNEXPECTED = RetryPolicy(("unexpected error",), 5, 1, 2.0, 60)
"""Every error that has no policy and is not an answer of this library. It counts under this name."""

RETRY_POLICIES: tuple[RetryPolicy, ...] = (
    RetryPolicy((EarlierUploadError.__name__,), 1, MAX_WAIT_ATTEMPTS, 1.5, 10),
    RetryPolicy((SchemaNotReadyError.__name__,), 2, 40, 1.5, 10),
    # These end by themselves, and waiting costs nothing: they are retried for more than 30 minutes.
    RetryPolicy((LockConflictError.__name__,), 2, 45, 2.0, 60),
    RetryPolicy((ConnectionLostError.__name__,), 2, 45, 2.0, 60),
    RetryPolicy((CommitLostError.__name__,), 2, 45, 2.0, 60),
    RetryPolicy((ThrottledError.__name__,), 2, 45, 2.0, 60),
    RetryPolicy(LAMBDA_BUSY.errors, 5, 45, 2.0, 60),
    RetryPolicy(LAMBDA_UNAVAILABLE.errors, 60, 2, 1.5, 120),
    DIED_AGAIN,
    STOPPED,
)
"""What the record function retries."""

_ANSWERS = frozenset(
    each.__name__ for base in (RejectedError, LoadFailedError) for each in _with_subclasses(base)
)
"""Errors by which a load answers: they are final, and nothing was committed."""
_NOT_COMMITTED = _ANSWERS.union(
    (
        EarlierUploadError.__name__,
        SchemaNotReadyError.__name__,
        LockConflictError.__name__,
        ConnectionLostError.__name__,
        ThrottledError.__name__,
    ),
    LAMBDA_BUSY.errors,
)


def policy_for(error_name: str) -> RetryPolicy | None:
    """Return the policy of an error, None if the error is final."""
    if error_name in _ANSWERS:
        return None
    return next((each for each in RETRY_POLICIES if error_name in each.errors), UNEXPECTED)


def may_have_committed(error_name: str) -> bool:
    """Return whether a load that ended with this error may have changed its table."""
    return error_name not in _NOT_COMMITTED


def runs_alone(retries: Mapping[str, int]) -> bool:
    """Return whether the next load leaves other uploads out: one of them may have ended the earlier
    loads. `retries` counts by the name of the policy.
    """
    stopped = any(retries.get(each.name, 0) for each in (STOPPED, UNEXPECTED))
    return stopped or retries.get(DIED_AGAIN.name, 0) > 1


def attempts_of_task(error_name: str) -> int:
    """Return how often the Load state ran the function before it reported this error."""
    if error_name in LAMBDA_BUSY.errors:
        return 0
    retried = (each.max_attempts for each in TASK_RETRIES if error_name in each.errors)
    return 1 + next(retried, 0)
