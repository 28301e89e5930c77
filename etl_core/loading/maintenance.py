"""Maintenance of a table whose rows were replaced: VACUUM DELETE ONLY and ANALYZE, after COMMIT.

DELETE leaves the rows in their blocks until a vacuum. Redshift vacuums and analyzes by itself at low
load; a table that is replaced by millions of rows would be read at twice its size until then. Both
statements run outside the load's transaction and after the upload's answer. Nothing that happens here
changes an answer: it is a warning at most.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.sql.expression import Executable

from etl_core.loading.messages import (
    MAINTENANCE_FAILED,
    MAINTENANCE_LEFT_OUT,
    MAINTENANCE_NO_TIME,
)
from etl_core.loading.ports import WarehouseClient
from etl_core.model.errors import EtlError
from etl_core.model.function_settings import LoadSettings
from etl_core.model.table_ref import TableRef
from etl_core.sql import Analyze, VacuumDeleted, describe_sql, identifier

MAX_SECONDS = 60.0
"""The time limit of each statement: so long the next load of the table may have to wait."""
MIN_SECONDS = 10.0
"""With less time left, a statement is not begun."""


@dataclass(frozen=True)
class Maintenance:
    """What was done: the statements that succeeded, and warnings."""

    statements: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def is_large_change(rows_deleted: int, settings: LoadSettings) -> bool:
    """Return whether a load deleted so many rows that statistics and storage need a refresh.

    The count is the DELETE's own, so it costs no statement. A truncate that deletes few rows and
    loads many needs none: the dead rows are few, and Redshift analyzes a growing table by itself.
    """
    return 0 < settings.maintenance_min_rows <= rows_deleted


def maintain(
    table: TableRef,
    rows_deleted: int,
    settings: LoadSettings,
    warehouse: WarehouseClient,
    seconds_left: float,
    *,
    others_wait: bool = False,
) -> Maintenance:
    """Vacuum and analyze the table, if the load deleted many of its rows. Raises nothing of EtlError.

    `others_wait`: other uploads wait for the table. They go first; what is left out here is done after
    the next large change, or by Redshift.
    """
    if not is_large_change(rows_deleted, settings):
        return Maintenance()
    if others_wait:
        return Maintenance(warnings=(MAINTENANCE_LEFT_OUT(table=table, rows=rows_deleted),))
    target = sa.table(identifier(table.name), schema=identifier(table.schema))
    deadline = time.monotonic() + seconds_left
    done: list[str] = []
    warnings: list[str] = []
    for statement in (VacuumDeleted(target), Analyze(target)):
        warning = _run(statement, table, warehouse, deadline - time.monotonic())
        if warning is None:
            done.append(describe_sql(statement))
        else:
            warnings.append(warning)
    return Maintenance(tuple(done), tuple(warnings))


def _run(
    statement: Executable, table: TableRef, warehouse: WarehouseClient, seconds: float
) -> str | None:
    """Run one statement; return the warning if it did not succeed."""
    text = describe_sql(statement)
    if seconds < MIN_SECONDS:
        return MAINTENANCE_NO_TIME(statement=text, seconds=int(max(seconds, 0)))
    try:
        warehouse.execute_autocommit(table.database, statement, min(seconds, MAX_SECONDS))
    except EtlError as error:
        return MAINTENANCE_FAILED(statement=text, reason=error.message)
    return None
