"""How the state machine retries a load: one policy per kind of error."""

from __future__ import annotations

from dataclasses import dataclass

from etl_core.model.errors import (
    ConnectionLostError,
    EarlierUploadError,
    LockConflictError,
    SchemaNotReadyError,
    ThrottledError,
)


@dataclass(frozen=True)
class RetryPolicy:
    """One entry of a state machine's Retry list; `errors` are error names as Step Functions sees them."""

    errors: tuple[str, ...]
    interval_seconds: int
    max_attempts: int
    backoff_rate: float
    max_delay_seconds: int


LAMBDA_THROTTLED = RetryPolicy(
    # All of the stack's loads are under way: to wait is right, however long they take, and a slow growth leaves no long tail.
    errors=("Lambda.TooManyRequestsException",),
    interval_seconds=1,
    max_attempts=140,
    backoff_rate=1.1,
    max_delay_seconds=30,
)
LAMBDA_DIED = RetryPolicy(
    # How a function is reported that ended without an answer: killed, or out of memory. Repeating it is safe, because the
    # ledger tells a load that committed from one that did not; repeating it often would not help.
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

MAX_WAIT_ATTEMPTS = 20
"""After so many tries a schema file goes ahead of what landed before it, and a data file ahead of a schema file that nobody has seen.
Tries that found no free function count too, so that it is not a small number."""

MAX_LOG_READ_ATTEMPTS = 5
"""After so many tries a load goes on without a log that cannot be read. Fewer than ThrottledError is repeated."""

RETRY_POLICIES: tuple[RetryPolicy, ...] = (
    RetryPolicy((EarlierUploadError.__name__,), 1, MAX_WAIT_ATTEMPTS, 1.5, 10),
    RetryPolicy((SchemaNotReadyError.__name__,), 2, 60, 1.5, 10),
    RetryPolicy(
        (
            LockConflictError.__name__,
            ConnectionLostError.__name__,
            ThrottledError.__name__,
        ),
        2,
        8,
        2.0,
        60,
    ),
    LAMBDA_THROTTLED,
    LAMBDA_DIED,
    LAMBDA_UNAVAILABLE,
)
"""How the state machine repeats a load. Everything that is not named here goes to Record at once."""


def attempts_before_giving_up(error_name: str) -> int:
    """How often a load was tried when the state machine gives up with this error."""
    for policy in RETRY_POLICIES:
        if error_name in policy.errors:
            return policy.max_attempts + 1
    return 1
