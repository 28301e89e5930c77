"""Staging tables: where a long copy puts its rows until a short transaction moves them into the target.

They are in the schema of the ledgers. Their names say when they were planned, so that those that
an interrupted load left behind are found and dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable, DropTable, ExecutableDDLElement

from etl_core.loading.ledger_queries import select_tables
from etl_core.model.long_copy import STAGING_PREFIX, StagingTable, staging_created_at
from etl_core.model.names import LEDGER_SCHEMA
from etl_core.schema_files.tables import distkey_of
from etl_core.sql import CopyCsv, identifier, render_sql

KEEP_FOR = timedelta(days=3)
"""The Data API ends a statement after a day. Two more are for an execution that waits for its turn."""


def staging_table(name: str, target: sa.Table, columns: Sequence[str]) -> sa.Table:
    """Return the staging table for files with these columns of the target, in the files' order.

    It has their types and NOT NULL, so that COPY refuses the same values as for the target. It has
    no other columns: the target gives those their defaults. Its rows are distributed by the
    target's key, if the files have it, so that they stay on their nodes when they are moved. It is
    not sorted: the target is.
    """
    key = distkey_of(target)
    options: dict[str, Any] = (
        {"redshift_distkey": identifier(key)}
        if key in columns and key is not None
        else {"redshift_diststyle": "EVEN"}
    )
    return sa.Table(
        identifier(name),
        sa.MetaData(),
        *(_column(target.columns[column]) for column in columns),
        schema=identifier(LEDGER_SCHEMA),
        **options,
    )


def _column(column: sa.Column[Any]) -> sa.Column[Any]:
    return sa.Column(identifier(column.name), column.type, nullable=column.nullable)


def plan_staging(name: str, upload_ids: Iterable[str], command: CopyCsv) -> StagingTable:
    """Return the statements that fill a staging table with the files of a COPY into the target."""
    staging = staging_table(name, command.table, command.columns)
    copy = CopyCsv(staging, command.columns, command.source)
    return StagingTable(
        name=name,
        upload_ids=tuple(upload_ids),
        create=render_sql(CreateTable(staging)),
        copy=render_sql(copy),
        count=render_sql(sa.select(sa.func.pg_last_copy_count())),
    )


def select_count(name: str, command: CopyCsv) -> sa.Select[Any]:
    """Select the number of rows of a staging table."""
    staging = staging_table(name, command.table, command.columns)
    return sa.select(sa.func.count()).select_from(staging)


def move_rows(name: str, command: CopyCsv) -> sa.Insert:
    """Return the INSERT that adds the rows of a staging table to the target of a COPY."""
    staging = staging_table(name, command.table, command.columns)
    columns = list(map(identifier, command.columns))
    return sa.insert(command.table).from_select(
        columns, sa.select(*staging.columns), include_defaults=False
    )


def drop_staging(name: str) -> ExecutableDDLElement:
    """Return the DROP of a staging table that may not exist."""
    table = sa.Table(identifier(name), sa.MetaData(), schema=identifier(LEDGER_SCHEMA))
    return DropTable(table, if_exists=True)


def select_staging_tables() -> sa.Select[Any]:
    """Select the names of all staging tables of a database, and of tables with similar names."""
    return select_tables(STAGING_PREFIX)


def left_behind(names: Iterable[str], now: datetime) -> list[str]:
    """Return the names of staging tables that no load needs any more."""
    planned = ((name, staging_created_at(name)) for name in names)
    return [name for name, at in planned if at is not None and at < now - KEEP_FOR]
