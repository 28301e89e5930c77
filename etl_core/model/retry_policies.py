"""How the state machine retries a load: one policy for each kind of error."""

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
    """One entry of the state machine's Retry list.

    `errors` are error names as Step Functions reports them.
    """

    errors: tuple[str, ...]
    interval_seconds: int
    max_attempts: int
    backoff_rate: float
    max_delay_seconds: int


LAMBDA_THROTTLED = RetryPolicy(
    # The stack runs as many loads as it may. Waiting is right, however long they take. The delay
    # grows slowly, so that no execution waits long after a function is free.
    errors=("Lambda.TooManyRequestsException",),
    interval_seconds=1,
    max_attempts=140,
    backoff_rate=1.1,
    max_delay_seconds=30,
)
LAMBDA_DIED = RetryPolicy(
    # The function ended without a result: it was killed, or it crashed. A retry is safe, because
    # the ledger shows whether the load committed. Many retries would not help.
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
"""After this many attempts, stop waiting for earlier uploads: a schema file no longer waits for
uploads that arrived before it, and a data file no longer waits for a schema file that is in the
lake but was never received. Attempts that found no free function count too, therefore the number is
not small."""

MAX_LOG_READ_ATTEMPTS = 5
"""After this many attempts, a load proceeds although the log cannot be read. Lower than the number
of retries of ThrottledError."""

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
"""The Retry list of the Load state. An error that is not listed goes to Record at once."""


def attempts_before_giving_up(error_name: str) -> int:
    """Return how many attempts were made when the state machine gives up with this error."""
    for policy in RETRY_POLICIES:
        if error_name in policy.errors:
            return policy.max_attempts + 1
    return 1
