"""One submitted request: its statements run one after the other, in a session of its own.

SUBMITTED -> PICKED -> STARTED -> FINISHED, FAILED or ABORTED. The statements of a batch are one
transaction.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from redshift_emulator import wire
from redshift_emulator.backend import Backend
from redshift_emulator.data_api.errors import ValidationError
from redshift_emulator.data_api.requests import Submission
from redshift_emulator.data_api.results import MAX_RESULT_BYTES, ResultSet, parse_columns, size_of
from redshift_emulator.errors import BackendError, SqlError
from redshift_emulator.lexer import statements, tokenize

CANCEL_SECONDS = 5.0
logger = logging.getLogger("redshift_emulator.data_api")
_CANCELLED = "57014"
_CANCEL_INTERVAL = 0.2

OpenSession = Callable[[str, str], Backend]
"""Opens a session for a user and a database. BackendError if it is refused."""


class Status(StrEnum):
    """The status of a request or of one of its statements."""

    SUBMITTED = "SUBMITTED"
    PICKED = "PICKED"
    STARTED = "STARTED"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    ABORTED = "ABORTED"

    @property
    def is_final(self) -> bool:
        """Whether it cannot change any more."""
        return self in (Status.FINISHED, Status.FAILED, Status.ABORTED)


@dataclass
class Part:
    """One statement of a request. `duration` is in nanoseconds."""

    sql: str
    created_at: float
    updated_at: float
    status: Status = Status.SUBMITTED
    duration: int = 0
    error: str = ""
    rows: int = -1
    size: int = -1
    query_id: int = -1
    result: ResultSet | None = None

    def describe(self) -> dict[str, Any]:
        """Return the members that a request and a statement of a batch have in common."""
        described: dict[str, Any] = {
            "Status": str(self.status),
            "CreatedAt": round(self.created_at, 3),
            "UpdatedAt": round(self.updated_at, 3),
            "Duration": self.duration,
            "QueryString": self.sql,
            "ResultRows": self.rows,
            "ResultSize": self.size,
            "RedshiftQueryId": self.query_id,
            "HasResultSet": self.result is not None,
        }
        return described | ({"Error": self.error} if self.error else {})


class Run:
    """A submitted request. `done` is set when its status is final."""

    def __init__(self, submission: Submission, user: str) -> None:
        self.id = str(uuid.uuid4())
        self.submission = submission
        self.user = user
        self.created_at = self.updated_at = time.time()
        self.status = Status.SUBMITTED
        self.error = ""
        self.pid = 0
        self.parts = [Part(sql, self.created_at, self.created_at) for sql in submission.sqls]
        self.done = threading.Event()
        self._lock = threading.Lock()
        self._is_cancelled = False
        self._session: Backend | None = None

    # In the thread that runs it

    def execute(self, open_session: OpenSession) -> None:
        """Run the statements. Every error becomes the status."""
        if not self._advance(Status.PICKED):
            return
        try:
            with open_session(self.user, self.submission.target.database) as session:
                self._session, self.pid = session, session.pid
                if self._advance(Status.STARTED):
                    self._run_all(session)
                    self._end(Status.FINISHED)
        except (SqlError, BackendError) as failure:
            self._end(self._status_after(failure), text_of(failure))
        except Exception:
            logger.exception("a statement failed because of an internal error of the emulator")
            self._end(
                Status.FAILED, "ERROR: internal error of the emulator: see the emulator's log"
            )
        finally:
            self._session = None
            self._end(Status.ABORTED)

    def _run_all(self, session: Backend) -> None:
        if not self.submission.is_batch:
            self._run_parts(session)
            return
        session.query("BEGIN")
        try:
            self._run_parts(session)
            session.query("COMMIT")
        except (SqlError, BackendError):
            # The status must not be final before the transaction has ended.
            with suppress(BackendError):
                session.query("ROLLBACK")
            raise

    def _run_parts(self, session: Backend) -> None:
        for number, part in enumerate(self.parts, 1):
            if self._is_cancelled:
                raise SqlError(_CANCELLED, "Query cancelled on user's request")
            try:
                self._run_part(session, part)
            except (SqlError, BackendError) as failure:
                text = text_of(failure)
                self._update(part, self._status_after(failure), text)
                if self.submission.is_batch:
                    raise _InBatchError(number, failure) from failure
                raise

    def _run_part(self, session: Backend, part: Part) -> None:
        self._update(part, Status.STARTED)
        started = time.monotonic_ns()
        try:
            _run_statement(session, part)
        finally:
            part.duration = time.monotonic_ns() - started
        self._update(part, Status.FINISHED)

    def _status_after(self, failure: SqlError | BackendError) -> Status:
        was_cancelled = self._is_cancelled and _sqlstate(failure) == _CANCELLED
        return Status.ABORTED if was_cancelled else Status.FAILED

    def _update(self, part: Part, status: Status, error: str = "") -> None:
        with self._lock:
            part.status, part.error, part.updated_at = status, error, time.time()

    def _advance(self, status: Status) -> bool:
        """Go on to the next status. Return False if the request was cancelled."""
        with self._lock:
            if self._is_cancelled:
                return False
            self.status, self.updated_at = status, time.time()
            return True

    def _end(self, status: Status, error: str = "") -> None:
        """Set the final status, once."""
        with self._lock:
            if self.status.is_final:
                return
            self.status, self.error, self.updated_at = status, error, time.time()
            for part in self.parts:
                if not part.status.is_final:
                    part.status, part.updated_at = Status.ABORTED, self.updated_at
        self.done.set()

    # In the threads of callers

    def cancel(self) -> None:
        """Cancel the request and wait a moment for its end. ValidationError if it has ended."""
        with self._lock:
            if self.status.is_final:
                raise ValidationError(
                    f"Could not cancel a query that is already in {self.status} state with ID: {self.id}"
                )
            self._is_cancelled = True
            never_ran = self.status is Status.SUBMITTED
        if never_ran:
            self._end(Status.ABORTED)
        deadline = time.monotonic() + CANCEL_SECONDS
        # PostgreSQL ignores a cancel request that arrives between two statements: ask again.
        while not self.done.wait(_CANCEL_INTERVAL) and time.monotonic() < deadline:
            session = self._session
            if session is not None:
                with suppress(OSError):
                    session.cancel()

    def describe(self) -> dict[str, Any]:
        """Return the response of DescribeStatement."""
        with self._lock:
            parts = [part.describe() for part in self.parts]
            described = parts[0] if not self.submission.is_batch else self._describe_batch(parts)
            return {
                **described,
                **self.submission.target.members(),
                "Id": self.id,
                "Status": str(self.status),
                "CreatedAt": round(self.created_at, 3),
                "UpdatedAt": round(self.updated_at, 3),
                "RedshiftPid": self.pid,
                "ResultFormat": "JSON",
                **({"Error": self.error} if self.error else {}),
            }

    def _describe_batch(self, parts: list[dict[str, Any]]) -> dict[str, Any]:
        def total(name: str) -> int:
            known = [part[name] for part in parts if part[name] >= 0]
            return sum(known) if known else -1

        return {
            "Duration": total("Duration"),
            "ResultRows": total("ResultRows"),
            "ResultSize": total("ResultSize"),
            "RedshiftQueryId": 0,
            "HasResultSet": any(part["HasResultSet"] for part in parts),
            "ExecutionMode": "TRANSACTION",
            "SubStatements": [
                {**part, "Id": f"{self.id}:{number}"} for number, part in enumerate(parts, 1)
            ],
        }


class _InBatchError(SqlError):
    """The error of a batch, which names the statement that failed."""

    def __init__(self, number: int, failure: SqlError | BackendError) -> None:
        super().__init__(_sqlstate(failure), f"Query #{number} failed with {text_of(failure)}")


def _run_statement(session: Backend, part: Part) -> None:
    """Run one statement and store what it returned. Raises SqlError or BackendError."""
    if len(statements(tokenize(part.sql))) > 1:
        # The API prepares a statement, which can only be one.
        raise SqlError("42601", "cannot insert multiple commands into a prepared statement")
    session.send(wire.query(wire.raw(part.sql)))
    columns, rows, size, tag = None, [], 0, ""
    for kind, body in session.frames():
        if kind == b"T":
            columns = parse_columns(body)
        elif kind == b"D":
            rows.append(wire.parse_row(body))
            size += size_of(rows[-1])
            if size > MAX_RESULT_BYTES:
                raise SqlError("54000", f"the result is larger than {MAX_RESULT_BYTES} bytes")
        elif kind == b"C":
            tag = wire.text_of(body)
    part.rows, part.size = (wire.rows_of_tag(tag) if columns is None else len(rows)), size
    part.result = None if columns is None else ResultSet(columns, rows)
    if tag == "COPY":
        part.rows, part.query_id = _last_copy(session)


def _last_copy(session: Backend) -> tuple[int, int]:
    [(count, query_id)] = session.query("SELECT pg_last_copy_count(), pg_last_copy_id()")
    return int(count or 0), int(query_id or -1)


def _sqlstate(failure: SqlError | BackendError) -> str:
    return failure.sqlstate


def text_of(failure: SqlError | BackendError) -> str:
    """Return an error as JDBC writes it, with DETAIL and HINT on lines of their own."""
    if isinstance(failure, _InBatchError):
        return failure.message
    fields = failure.fields() if isinstance(failure, SqlError) else failure.fields
    lines = [f"{fields.get('S', 'ERROR')}: {fields.get('M', '')}"]
    lines += [
        f"{name}: {fields[code]}"
        for code, name in (("D", "Detail"), ("H", "Hint"))
        if code in fields
    ]
    return "\n  ".join(lines)
