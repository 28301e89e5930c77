"""The error tree.

Everything that can go wrong with an upload is one of these classes; adapters map foreign errors to
them.

EtlError
|- RetryableError              the same upload may succeed later. The load function raises it, and the record function
|  |                           decides when the whole load is retried (new transaction, new snapshot)
|  |- LockConflictError        another writer was in the way: error 1023, deadlock, conflicting DDL
|  |- ConnectionLostError      the warehouse could not be reached, or the connection broke before COMMIT
|  |- CommitLostError          the connection broke during COMMIT: only the ledger shows whether it took effect
|  |- ThrottledError           AWS throttled the call, or one of its services failed temporarily
|  |- EarlierUploadError       a schema file waits for uploads that arrived before it
|  `- SchemaNotReadyError      a data file waits for a schema file that is not applied yet
|- RejectedError               the upload breaks a rule. Never retried; status `rejected`
|  |- InvalidKeyError          the key is not `db_name/action/table_name/file`
|  |- TableNotServedError      the stack serves only some tables, and this is none of them
|  |- InvalidArrivalError      the event's time is before S3 existed, or in the future
|  |- InvalidSchemaFileError   the schema file is not JSON, or breaks its format
|  |- InvalidDataFileError     wrong extension, empty, or no readable header
|  |- HeaderMismatchError      the header does not name the table's columns
|  |- ValuesRefusedError       the schema file refuses values that COPY would load
|  |- ActionNotAllowedError    the schema in force does not list the action
|  |- NoSchemaError            a data file for a table without a schema
|  |- SchemaChangeRefusedError the table differs from the schema file in a way that is not applied
|  |- MissingObjectError       the object's version no longer exists
|  `- ReplayRefusedError       the table cannot be rebuilt from the lake
|- LoadFailedError             the warehouse refused the data or a statement; status `failed`
|  |- TableDriftError          the table does not match its schema file: it was changed outside of the pipeline
|  |- DamagedLedgerError       a row of the table's ledger cannot be read
|  |- LoadTimeoutError         the load did not finish in the function's time; rolled back
|  |- CopyRefusedError         COPY refused rows; `rejected` if the rows or the file are found to be at fault
|  `- MissingTableError        a statement names a table that does not exist
|- LogError                    the log table refused a call, and a retry will not help
|- NoticeError                 a notice about a refused upload could not be sent; its answer does not change
|- LeaseError                  the lease table cannot be used: the load runs without a lease
`- StackError                  the outputs file does not describe a usable stack

InvalidEventError (a ValueError) is not part of the tree: the sender of the event is at fault, not
an upload.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a file has what an error or a warning is about. Each part is None if it is not known."""

    line: int | None = None
    column: str | None = None
    value: str | None = None


NOWHERE = Place()


class InvalidEventError(ValueError):
    """The event is not an S3 `Object Created` event as EventBridge delivers it."""


class EtlError(Exception):
    """Base class of all errors of this library.

    `details` are further lines, each readable on its own.
    """

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)


class RetryableError(EtlError):
    """The whole load may be retried."""


class LockConflictError(RetryableError):
    """Another writer was in the way."""


class ConnectionLostError(RetryableError):
    """The warehouse could not be reached, or the connection broke before COMMIT."""


class CommitLostError(RetryableError):
    """The connection broke during COMMIT. Only the ledger shows whether it took effect."""


class ThrottledError(RetryableError):
    """An AWS service throttled the call or failed temporarily."""


class EarlierUploadError(RetryableError):
    """An upload to the same table arrived before this schema file and is still pending."""


class SchemaNotReadyError(RetryableError):
    """A schema file that applies to this data file has not been applied yet."""


class RejectedError(EtlError):
    """The upload breaks a rule. The table is unchanged."""


class InvalidKeyError(RejectedError):
    """The key is not `db_name/action/table_name/file`, or one of its parts is not accepted."""


class TableNotServedError(RejectedError):
    """The stack serves only some tables, and this is none of them."""


class InvalidArrivalError(RejectedError):
    """The event's time is before S3 existed, or in the future."""


class InvalidSchemaFileError(RejectedError):
    """The schema file is not JSON or breaks its format. `details` has every fault with its path."""


class InvalidDataFileError(RejectedError):
    """The data file has the wrong extension, is empty, or has no readable header."""


class HeaderMismatchError(RejectedError):
    """The header does not name the table's columns.

    `details` has every column that is missing, unknown or repeated.
    """


class ValuesRefusedError(RejectedError):
    """The schema file refuses values that COPY would load, such as dates that can be read in two ways.

    `place` is the first of `count` values.
    """

    def __init__(self, message: str, place: Place, count: int) -> None:
        super().__init__(message)
        self.place, self.count = place, count


class ActionNotAllowedError(RejectedError):
    """The schema in force does not list the action in allowed_operations."""


class NoSchemaError(RejectedError):
    """A data file arrived for a table without a schema."""


class SchemaChangeRefusedError(RejectedError):
    """The table differs from the schema file in a way that is not applied.

    `details` has each difference.
    """


class MissingObjectError(RejectedError):
    """The object's version no longer exists."""


class LoadFailedError(EtlError):
    """The warehouse refused the data or a statement. Rolled back; the table is unchanged."""


class TableDriftError(LoadFailedError):
    """The table does not match the schema in force.

    `details` has each difference. The upload itself is valid.
    """


class DamagedLedgerError(LoadFailedError):
    """A row of the table's ledger cannot be read. The upload itself may be valid."""


class LoadTimeoutError(LoadFailedError):
    """The load did not finish in the function's time. Rolled back; the table is unchanged."""


@dataclass(frozen=True)
class LoadErrorLine:
    """One row of the warehouse's load-error view. `column` is "" if the whole row is at fault."""

    file: str
    line: int
    column: str
    column_type: str
    code: int
    reason: str


class CopyRefusedError(LoadFailedError):
    """COPY refused rows of the file. `lines` are the rows of the load-error view."""

    def __init__(self, message: str, lines: Sequence[LoadErrorLine] = ()) -> None:
        super().__init__(message)
        self.lines = tuple(lines)


class MissingTableError(LoadFailedError):
    """A statement names a table that does not exist."""


class ReplayRefusedError(RejectedError):
    """The table cannot be rebuilt from the lake.

    `details` has every upload that prevents it. Nothing was changed.
    """


class LogError(EtlError):
    """The log table refused a call, and a retry will not help. The deployment is at fault."""


class LeaseError(EtlError):
    """The lease table is missing, throttled or out of reach. Loads do not depend on it."""


class NoticeError(EtlError):
    """A notice could not be sent to the webhook."""


class StackError(EtlError):
    """The outputs file does not describe a usable stack."""
