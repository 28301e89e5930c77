"""Redshift over SQLAlchemy and psycopg2: transactions, load errors, and the mapping of the driver's errors."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg2
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool
from sqlalchemy.sql.expression import Executable

from etl_core.adapters.messages import (
    CONNECTION_FAILED,
    LOAD_TIMEOUT,
    LOCK_CONFLICT,
    LOCK_TIMEOUT,
    LOGIN_REFUSED,
    MISSING_DATABASE,
    STATEMENT_REFUSED,
    WAREHOUSE_ERROR,
)
from etl_core.adapters.secrets import CredentialSource
from etl_core.model.errors import (
    ConnectionLostError,
    CopyRefusedError,
    EtlError,
    LoadErrorLine,
    LoadFailedError,
    LoadTimeoutError,
    LockConflictError,
    MissingTableError,
)

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
_LOGIN = re.compile(r"password authentication failed|authentication failed", re.IGNORECASE)
_NO_DATABASE = re.compile(r'database "[^"]*" does not exist', re.IGNORECASE)
_POLL_SECONDS, _POLLS = 0.5, 10
_MAX_LINES, _MAX_TRIAL_LINES = 20, 2000
LOCK_SECONDS = 10.0
"""So long a load waits for a lock with an open connection. The upload is then tried again later."""

_ERROR_DETAIL = sa.table(
    "sys_load_error_detail",
    *(
        sa.column(name)
        for name in (
            "session_id", "query_id", "start_time", "file_name", "line_number", "column_name", "column_type",
            "error_code", "error_message",
        )
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Endpoint:
    """The warehouse's address.

    `ca_file` replaces the dialect's own bundle of AWS certificate authorities.
    """

    host: str
    port: int
    ca_file: str | None = None


class RedshiftWarehouse:
    """The port WarehouseClient.

    Each transaction has its own connection: a Lambda environment may be frozen for hours between
    two.
    """

    def __init__(self, endpoint: Endpoint, secrets: CredentialSource) -> None:
        self._endpoint, self._secrets = endpoint, secrets

    @contextmanager
    def transaction(self, database: str, timeout_seconds: float) -> Iterator[RedshiftTransaction]:
        """Open a transaction that commits when the block ends and rolls back when the block raises."""
        with self._connection(database) as connection:
            transaction = RedshiftTransaction(connection, timeout_seconds)
            try:
                yield transaction
                connection.commit()
            except CopyRefusedError as error:
                _roll_back(connection)
                error.lines = transaction.read_load_errors()
                raise
            except BaseException:
                _roll_back(connection)
                raise

    def execute_autocommit(
        self, database: str, statement: Executable, timeout_seconds: float
    ) -> None:
        """Run one statement on its own autocommit connection."""
        # An autocommit engine, because changing a connection's isolation level restores it later
        # from the name that the server reports, which psycopg2 may not know.
        with self._connection(database, isolation_level="AUTOCOMMIT") as connection:
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
            return transaction.read_load_errors(_MAX_TRIAL_LINES)

    def close(self) -> None:
        """Do nothing: no connection outlives its transaction."""

    @contextmanager
    def _connection(self, database: str, **options: Any) -> Iterator[sa.Connection]:
        engine = self._engine(database, **options)
        try:
            with _mapped(self._secrets), engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()

    def _engine(self, database: str, **options: Any) -> sa.Engine:
        credentials = self._secrets.credentials()
        url = sa.URL.create(
            "redshift+psycopg2",
            username=credentials.username,
            password=credentials.password,
            host=self._endpoint.host,
            port=self._endpoint.port,
            database=database,
        )
        # A connection is idle during a long COPY: keepalives hold it open through NAT and load
        # balancers.
        arguments: dict[str, Any] = {
            "sslmode": "verify-full",
            "connect_timeout": 30,
            "keepalives": 1,
            "keepalives_idle": 30,
            "keepalives_interval": 10,
            "keepalives_count": 5,
        }
        if self._endpoint.ca_file is not None:
            arguments["sslrootcert"] = self._endpoint.ca_file
        return sa.create_engine(
            url,
            connect_args=arguments,
            poolclass=NullPool,
            use_native_hstore=False,
            hide_parameters=True,
            **options,
        )


class RedshiftTransaction:
    """The port Transaction. statement_timeout counts per statement, so it is lowered as the
    remaining time decreases.
    """

    def __init__(self, connection: sa.Connection, timeout_seconds: float) -> None:
        self._connection = connection
        self._started = time.monotonic()
        self._deadline = self._started + timeout_seconds
        self._limit = float("inf")

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
        return self._connection.execute(statement)

    @property
    def _seconds_left(self) -> float:
        return max(1.0, self._deadline - time.monotonic())

    def _set_timeout(self, seconds: float) -> None:
        self._connection.execute(
            sa.text("SET statement_timeout TO :ms"), {"ms": int(seconds * 1000)}
        )

    def read_load_errors(self, most: int = _MAX_LINES) -> tuple[LoadErrorLine, ...]:
        """Return the rows of sys_load_error_detail for this session's last COPY.

        They survive the rollback and may appear late.
        """
        connection = self._connection
        pid = connection.execute(sa.select(sa.func.pg_backend_pid())).scalar_one()
        columns = _ERROR_DETAIL.c
        newest = (
            sa.select(_ERROR_DETAIL)
            .where(columns.session_id == pid)
            .order_by(columns.query_id.desc(), columns.line_number)
            .limit(most)
        )
        for _ in range(_POLLS):
            rows = connection.execute(newest).fetchall()
            connection.rollback()
            if rows:
                return tuple(_error_line(row) for row in rows if row.query_id == rows[0].query_id)
            time.sleep(_POLL_SECONDS)
        return ()


def _error_line(row: sa.Row[Any]) -> LoadErrorLine:
    def text(value: object) -> str:
        return str(value or "").strip()

    return LoadErrorLine(
        file=text(row.file_name),
        line=int(row.line_number or 0),
        column=text(row.column_name),
        column_type=text(row.column_type),
        code=int(row.error_code or 0),
        reason=text(row.error_message),
    )


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
def _mapped(secrets: CredentialSource | None = None) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, psycopg2.Error) as error:
        mapped = to_etl_error(error)
        if secrets is not None and _LOGIN.search(str(error)):
            secrets.forget()
        raise mapped from error


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
