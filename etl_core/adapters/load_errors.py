"""The rows that a COPY refused, from the load-error view."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from etl_core.model.errors import LoadErrorLine
from etl_core.sql import catalog_table

MAX_LINES, MAX_TRIAL_LINES = 20, 2000
_POLL_SECONDS, _POLLS = 0.5, 10

_VIEW = sa.table(
    "sys_load_error_detail",
    *(
        sa.column(name)
        for name in (
            "session_id", "table_id", "query_id", "start_time", "file_name", "line_number", "column_name",
            "column_type", "error_code", "error_message",
        )
    ),
)  # fmt: skip
_CLASS = catalog_table("pg_class", "oid", "relname", "relnamespace")
_NAMESPACE = catalog_table("pg_namespace", "oid", "nspname")


@dataclass(frozen=True)
class SentCopy:
    """A COPY of this session: its table, and the time.monotonic() just before it was sent."""

    table: sa.Table
    sent_at: float


def read_load_errors(
    connection: sa.Connection, copy: SentCopy, most: int
) -> tuple[LoadErrorLine, ...]:
    """Return the rows of the load-error view for the COPY, which was the session's last one.

    The transaction must be rolled back: the rows survive that. They may appear late.
    """
    return _poll(connection, _select_rows(connection, copy).limit(most))


def read_errors_of_session(
    connection: sa.Connection, session_id: int, since: datetime | None
) -> tuple[LoadErrorLine, ...]:
    """Return the rows of the load-error view for the last COPY that another session ran.

    `since`, in UTC without a zone, excludes earlier sessions with the same id.
    """
    columns = _VIEW.c
    statement = sa.select(_VIEW).where(columns.session_id == session_id)
    if since is not None:
        statement = statement.where(columns.start_time >= since)
    return _poll(
        connection,
        statement.order_by(columns.query_id.desc(), columns.line_number).limit(MAX_LINES),
    )


def _poll(connection: sa.Connection, statement: sa.Select[Any]) -> tuple[LoadErrorLine, ...]:
    """Return the rows of the newest COPY that the statement finds, as soon as there are some."""
    for _ in range(_POLLS):
        rows = connection.execute(statement).fetchall()
        connection.rollback()
        if rows:
            return tuple(_error_line(row) for row in rows if row.query_id == rows[0].query_id)
        time.sleep(_POLL_SECONDS)
    return ()


def _select_rows(connection: sa.Connection, copy: SentCopy) -> sa.Select[Any]:
    """Return the query for the rows of this session, this table, and no earlier COPY.

    A temporary table is gone after the rollback: then the session and the time have to do.

    A long-lived cluster uses session ids again (page PG_BACKEND_PID), and the view keeps rows for
    days. Its `start_time` is the time in UTC when the COPY began (page SYS_LOAD_ERROR_DETAIL). The
    server's clock now, less the time since the COPY was sent, is at or before that time. Only a
    duration is measured here, so the clocks need not agree.
    """
    [(session_id, table_id, now)] = connection.execute(_select_session(copy.table)).fetchall()
    connection.rollback()
    since: datetime = now - timedelta(seconds=time.monotonic() - copy.sent_at)
    columns = _VIEW.c
    statement = (
        sa.select(_VIEW)
        .where(columns.session_id == session_id)
        .where(columns.start_time >= since)
        .order_by(columns.query_id.desc(), columns.line_number)
    )
    return statement if copy.table.schema is None else statement.where(columns.table_id == table_id)


def _select_session(table: sa.Table) -> sa.Select[Any]:
    """Return the query for the session's id, the table's id, and the server's time in UTC.

    SYSDATE has the session's time zone, which a user may have set (page r_SYSDATE).
    """
    table_id = (
        sa.select(_CLASS.c.oid)
        .join_from(_CLASS, _NAMESPACE, _NAMESPACE.c.oid == _CLASS.c.relnamespace)
        .where(_CLASS.c.relname == str(table.name), _NAMESPACE.c.nspname == str(table.schema))
    )
    local = sa.func.timezone(sa.func.current_setting("timezone"), sa.func.now())
    return sa.select(
        sa.func.pg_backend_pid(), table_id.scalar_subquery(), sa.func.timezone("UTC", local)
    )


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
