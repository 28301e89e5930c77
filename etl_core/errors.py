"""The error tree. What goes wrong with an upload is one of these; adapters map every foreign error to one of them.

EtlError
|- RetryableError             the same upload may succeed a moment later; raised out of the load function, so
|  |                          that the state machine repeats the whole load (a new transaction, a new snapshot)
|  |- LockConflictError       another writer was in the way: error 1023, deadlock, conflicting DDL
|  |- ConnectionLostError     the warehouse could not be reached, or the connection broke
|  |- ThrottledError          AWS asked to slow down, or one of its services failed for the moment
|  |- EarlierUploadError      a schema file waits for what landed before it
|  `- SchemaNotReadyError     a data file waits for a schema file that is not applied yet
|- RejectedError              the upload breaks a rule; never repeated; status `rejected`
|  |- InvalidKeyError         the key is not `db_name/action/table_name/file`
|  |- InvalidSchemaFileError  the schema file is not JSON, or breaks its format
|  |- InvalidDataFileError    wrong extension, empty, no readable header
|  |- HeaderMismatchError     the header does not name the table's columns
|  |- ActionNotAllowedError   the schema in force does not list the action
|  |- NoSchemaError           a data file for a table without a schema
|  |- SchemaChangeRefusedError  the table differs from the schema file in a way that is not applied
|  `- MissingObjectError      the object's version no longer exists
`- LoadFailedError            the warehouse refused the data or the statement; status `failed`
   |- TableDriftError         the table was altered outside of the pipeline and is not what its schema file says
   `- LoadTimeoutError        the load could not finish in the function's time; rolled back
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class InvalidEventError(ValueError):
    """The event is not an S3 `Object Created` event as EventBridge delivers it: its sender is at fault, not an upload."""


class EtlError(Exception):
    """Base of all errors of this library. `details` are further lines, each a complete statement."""

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)


class RetryableError(EtlError):
    """The whole load may be repeated."""


class LockConflictError(RetryableError):
    """Another writer was in the way."""


class ConnectionLostError(RetryableError):
    """The warehouse could not be reached, or the connection broke."""


class ThrottledError(RetryableError):
    """An AWS service throttled the call or failed for the moment."""


class EarlierUploadError(RetryableError):
    """An upload of the same table landed before this schema file and has no answer yet."""


class SchemaNotReadyError(RetryableError):
    """A schema file for the table has not been applied yet, and decides about this data file."""


class RejectedError(EtlError):
    """The upload breaks a rule; the table is as it was."""


class InvalidKeyError(RejectedError):
    """The key is not `db_name/action/table_name/file`, or one of its parts is not acceptable."""


class InvalidSchemaFileError(RejectedError):
    """The schema file is not JSON or breaks its format; `details` names every fault with its path."""


class InvalidDataFileError(RejectedError):
    """The data file has the wrong extension, is empty, or has no readable header."""


class HeaderMismatchError(RejectedError):
    """The header does not name the table's columns; `details` names each column at fault."""


class ActionNotAllowedError(RejectedError):
    """The schema in force does not list the action in allowed_operations."""


class NoSchemaError(RejectedError):
    """A data file arrived for a table without a schema."""


class SchemaChangeRefusedError(RejectedError):
    """The table differs from the schema file in a way that is not applied; `details` names each difference."""


class MissingObjectError(RejectedError):
    """The object's version no longer exists."""


class LoadFailedError(EtlError):
    """The warehouse refused the data or the statement; rolled back, the table is as it was."""


class TableDriftError(LoadFailedError):
    """The table is not what the schema in force says; `details` names each difference. The upload is fine, the table is not."""


class LoadTimeoutError(LoadFailedError):
    """The load could not finish in the function's time; rolled back, the table is as it was."""


@dataclass(frozen=True)
class LoadErrorLine:
    """One row of the warehouse's load-error view. `column` is "" where the row as a whole is at fault."""

    file: str
    line: int
    column: str
    column_type: str
    code: int
    reason: str


class CopyRefusedError(LoadFailedError):
    """COPY refused rows of the file; `lines` are the load-error view's rows."""

    def __init__(self, message: str, lines: Sequence[LoadErrorLine] = ()) -> None:
        super().__init__(message)
        self.lines = tuple(lines)


class MissingTableError(LoadFailedError):
    """A statement names a table that does not exist."""


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

PATIENCE = 20
"""After so many tries a schema file goes ahead of what landed before it, and a data file ahead of a schema file that nobody has seen.
Tries that found no free function count too, so that it is not a small number."""

LOG_PATIENCE = 5
"""After so many tries a load goes on without a log that cannot be read. Fewer than ThrottledError is repeated."""

RETRY_POLICIES: tuple[RetryPolicy, ...] = (
    RetryPolicy((EarlierUploadError.__name__,), 1, PATIENCE, 1.5, 10),
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
