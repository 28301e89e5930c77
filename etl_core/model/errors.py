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
|  |- MissingObjectError      the object's version no longer exists
|  `- ReplayRefusedError      the table cannot be rebuilt from the lake
|- LogError                   the log table refused a call for good
|- StackError                 the outputs file does not describe a usable stack
`- LoadFailedError            the warehouse refused the data or the statement; status `failed`
   |- CopyRefusedError        COPY refused rows of the file
   |- MissingTableError       a statement names a table that does not exist
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


class ReplayRefusedError(RejectedError):
    """The table cannot be rebuilt from the lake; `details` names every upload that prevents it. Nothing was changed."""


class LogError(EtlError):
    """The log table refused a call for good: the deployment is at fault."""


class StackError(EtlError):
    """The outputs file does not describe a usable stack."""
