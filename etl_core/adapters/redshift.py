"""Redshift over SQLAlchemy and psycopg2: transactions, load errors, and the mapping of the driver's errors."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import psycopg2
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.expression import Executable

from etl_core.adapters.load_errors import (
    MAX_LINES,
    MAX_TRIAL_LINES,
    SentCopy,
    read_errors_of_session,
    read_load_errors,
)
from etl_core.adapters.messages import (
    CONNECTION_FAILED,
    COPY_SOURCE_UNAVAILABLE,
    LOAD_TIMEOUT,
    LOCK_CONFLICT,
    LOCK_TIMEOUT,
    LOGIN_REFUSED,
    MISSING_DATABASE,
    STATEMENT_REFUSED,
    WAREHOUSE_ERROR,
)
from etl_core.adapters.redshift_connections import Endpoint, RedshiftConnections, autocommit
from etl_core.adapters.secrets import CredentialSource
from etl_core.model.errors import (
    CommitLostError,
    ConnectionLostError,
    CopyRefusedError,
    EtlError,
    LoadErrorLine,
    LoadFailedError,
    LoadTimeoutError,
    LockConflictError,
    MissingTableError,
    ThrottledError,
)
from etl_core.model.long_copy import LongCopyResult
from etl_core.sql import CopyCsv

_CONFLICT = re.compile(
    r"\b1023\b|serializable isolation violation|conflict with concurrent transaction|dropped by concurrent transaction"
    r"|could not open relation with oid|deadlock detected|could not serialize access",
    re.IGNORECASE,
)
_LOAD_REFUSED = re.compile(r"load into table .* failed", re.IGNORECASE | re.DOTALL)
_ABSENT = re.compile(r"(relation|schema|table) .* does not exist", re.IGNORECASE)
_COPY_INTO_ABSENT = re.compile(r"cannot copy into nonexistent table", re.IGNORECASE)
_LOST = re.compile(
    r"server closed the connection|connection (?:not open|already closed|refused|timed out|reset)"
    r"|terminating connection"
    r"|could not (?:connect|receive|send|translate host name)|ssl (?:connection|syscall|error)"
    r"|timeout expired|broken pipe|eof detected"
    r"|starting up|shutting down",
    re.IGNORECASE,
)
# S3 failed for a moment while COPY read from it. COPY names the HTTP status and S3's code
# ("S3ServiceException:...,Status 503,Error SlowDown,..."); the service that scans files for the
# cluster has codes of its own (15001 and 15005, harrystech/arthur-redshift-etl#133 and #134; COPY
# is repeated after such errors there, #70). CanRetry is of no use: it is 1 for refused logins, too.
_S3_FAILED = re.compile(
    r"S3ServiceException:.*?,(?:Status (?:0|5\d\d)\b"
    r"|Error (?:SlowDown|InternalError|ServiceUnavailable|RequestTimeout|Throttling\w*)\b)"
    r"|S3CurlException|S3 ?Query Exception|\bcode: +1500[15]\b",
    re.IGNORECASE | re.DOTALL,
)
_S3_REFUSED = re.compile(
    r"access ?denied|forbidden|not authorized|InvalidAccessKeyId|Status 40[134]\b"
    r"|unmatched number of columns|incompatible",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"password authentication failed|authentication failed", re.IGNORECASE)
_NO_DATABASE = re.compile(r'database "[^"]*" does not exist', re.IGNORECASE)
_BATCH_PREFIX = re.compile(r"^Query #\d+ failed with (?:ERROR: +)?")
_CLOCK_MARGIN = timedelta(minutes=10)
LOCK_SECONDS = 10.0
"""So long a load waits for a lock with an open connection. The upload is then tried again later."""


class RedshiftWarehouse:
    """The port WarehouseClient.

    Transactions use the same connection one after the other, until `close`. Each begins without
    anything left over from the one before: it was committed or rolled back, and the time limit is
    set again.
    """

    def __init__(self, endpoint: Endpoint, secrets: CredentialSource) -> None:
        self._connections = RedshiftConnections(endpoint, secrets)

    @contextmanager
    def transaction(self, database: str, timeout_seconds: float) -> Iterator[RedshiftTransaction]:
        """Open a transaction that commits when the block ends and rolls back when the block raises."""
        with self._connection(database) as connection:
            transaction = RedshiftTransaction(connection, timeout_seconds)
            try:
                yield transaction
                _commit(connection)
            except CopyRefusedError as error:
                _roll_back(connection)
                if not connection.invalidated:
                    error.lines = transaction.read_load_errors(MAX_LINES)
                raise
            except BaseException:
                _roll_back(connection)
                raise

    def execute_autocommit(
        self, database: str, statement: Executable, timeout_seconds: float
    ) -> None:
        """Run one statement in autocommit."""
        with self._connection(database) as connection, autocommit(connection):
            RedshiftTransaction(connection, timeout_seconds).execute(statement)

    def try_copy(
        self, database: str, trial: Executable, timeout_seconds: float
    ) -> tuple[LoadErrorLine, ...]:
        """Run a trial COPY, roll it back, and return the rows that it refuses."""
        with self._connection(database) as connection:
            transaction = RedshiftTransaction(connection, timeout_seconds)
            with suppress(CopyRefusedError):
                transaction.execute(trial)
            _roll_back(connection)
            return transaction.read_load_errors(MAX_TRIAL_LINES)

    def close(self) -> None:
        """Close the connections. The next transaction opens a new one."""
        self._connections.close()

    def read_failure(self, database: str, result: LongCopyResult) -> EtlError:
        """Return the error of a long copy; of a refused COPY with its rows of the load-error view.

        These are the rows of its session since its start, with a margin for the service's clock.
        """
        text = _BATCH_PREFIX.sub("", result.error)
        error = to_etl_error(psycopg2.OperationalError(text))
        if not isinstance(error, CopyRefusedError) or result.session_id is None:
            return error
        since = None
        if result.started_at is not None:
            since = result.started_at.replace(tzinfo=None) - _CLOCK_MARGIN
        with self._connection(database) as connection:
            error.lines = read_errors_of_session(connection, result.session_id, since)
        return error

    @contextmanager
    def _connection(self, database: str) -> Iterator[sa.Connection]:
        try:
            with self._connections.connection(database) as connection:
                yield connection
        except (DBAPIError, psycopg2.Error) as error:
            if _LOGIN.search(str(error)):
                self._connections.forget_login()
            raise to_etl_error(error) from error


class RedshiftTransaction:
    """The port Transaction. statement_timeout counts per statement, so it is lowered as the
    remaining time decreases.
    """

    def __init__(self, connection: sa.Connection, timeout_seconds: float) -> None:
        self._connection = connection
        self._started = time.monotonic()
        self._deadline = self._started + timeout_seconds
        self._limit = float("inf")
        self._copy: SentCopy | None = None

    def execute(self, statement: Executable) -> Sequence[sa.Row[Any]]:
        """Run one statement and return its rows."""
        with _mapped():
            result = self._execute(statement)
            return result.fetchall() if result.returns_rows else []

    def change(self, statement: Executable) -> int:
        """Run one statement and return how many rows it changed."""
        with _mapped():
            return max(0, self._execute(statement).rowcount)

    def lock(self, statement: Executable) -> None:
        """Run a LOCK, which waits for at most LOCK_SECONDS.

        Raises LockConflictError if another session keeps the lock for longer.
        """
        seconds = min(LOCK_SECONDS, self._seconds_left)
        try:
            with _mapped():
                self._set_timeout(seconds)
                self._connection.execute(statement)
        except LoadTimeoutError as error:
            raise LockConflictError(LOCK_TIMEOUT(seconds=round(seconds))) from error
        self._limit = float("inf")

    def roll_back(self) -> None:
        """Undo everything."""
        with _mapped():
            self._connection.rollback()
        self._limit = float("inf")

    def _execute(self, statement: Executable) -> sa.CursorResult[Any]:
        left = self._seconds_left
        if left < self._limit * 0.9:
            self._set_timeout(left)
            self._limit = left
        if isinstance(statement, CopyCsv):
            self._copy = SentCopy(statement.table, time.monotonic())
        return self._connection.execute(statement)

    @property
    def _seconds_left(self) -> float:
        return max(1.0, self._deadline - time.monotonic())

    def _set_timeout(self, seconds: float) -> None:
        self._connection.execute(
            sa.text("SET statement_timeout TO :ms"), {"ms": int(seconds * 1000)}
        )

    def read_load_errors(self, most: int) -> tuple[LoadErrorLine, ...]:
        """Return the rows that the last COPY refused, after the rollback.

        If the view cannot be read, return nothing: that COPY refused the data is what matters.
        Raises ConnectionLostError.
        """
        if self._copy is None:
            return ()
        try:
            return read_load_errors(self._connection, self._copy, most)
        except (DBAPIError, psycopg2.Error) as error:
            if isinstance(to_etl_error(error), ConnectionLostError):
                raise
            _roll_back(self._connection)
            return ()


def _commit(connection: sa.Connection) -> None:
    """Commit. Raises CommitLostError if the connection breaks: COMMIT may have taken effect."""
    try:
        connection.commit()
    except (DBAPIError, psycopg2.Error) as error:
        mapped = to_etl_error(error)
        if isinstance(mapped, ConnectionLostError):
            raise CommitLostError(mapped.message) from error
        raise


def _roll_back(connection: sa.Connection) -> None:
    """Roll back.

    If that fails, the connection is lost and the server rolls back; the caller raises the first
    error.
    """
    try:
        connection.rollback()
    except DBAPIError:
        connection.invalidate()


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, psycopg2.Error) as error:
        raise to_etl_error(error) from error


def to_etl_error(error: DBAPIError | psycopg2.Error) -> EtlError:
    """Return the library's error for an error of the driver, by SQLSTATE where Redshift sends a
    specific one, else by its text.
    """
    original = error.orig if isinstance(error, DBAPIError) else error
    state, text = getattr(original, "pgcode", None), str(original)
    reason = _first_line(error).rstrip(".")
    if _LOAD_REFUSED.search(text):
        return CopyRefusedError(WAREHOUSE_ERROR(reason=reason))
    if state in ("40001", "40P01") or _CONFLICT.search(text):
        return LockConflictError(LOCK_CONFLICT(reason=reason))
    if _S3_FAILED.search(text) and not _S3_REFUSED.search(text):
        return ThrottledError(COPY_SOURCE_UNAVAILABLE(reason=reason))
    if state == "57014":
        return LoadTimeoutError(LOAD_TIMEOUT(reason=reason))
    if _is_missing_table(state, text):
        return MissingTableError(WAREHOUSE_ERROR(reason=reason))
    if state == "3D000" or _NO_DATABASE.search(text):
        return LoadFailedError(MISSING_DATABASE(reason=reason))
    if _LOGIN.search(text):
        # A managed password rotates: the next attempt reads the secret again.
        return ConnectionLostError(LOGIN_REFUSED(reason=reason))
    if (state or "").startswith("08") or state in ("57P01", "57P02", "57P03") or _LOST.search(text):
        return ConnectionLostError(CONNECTION_FAILED(reason=reason))
    return LoadFailedError(STATEMENT_REFUSED(reason=reason))


def _is_missing_table(state: str | None, text: str) -> bool:
    """Return whether a table does not exist.

    COPY reports that under the SQLSTATE of an internal error, in its own wording.
    """
    if state in ("42P01", "3F000") or _COPY_INTO_ABSENT.search(text):
        return True
    return state is None and bool(_ABSENT.search(text)) and not _NO_DATABASE.search(text)


def _first_line(error: DBAPIError | psycopg2.Error) -> str:
    original = error.orig if isinstance(error, DBAPIError) else error
    lines = [line.strip() for line in str(original).splitlines() if line.strip()]
    return lines[0] if lines else type(original).__name__
