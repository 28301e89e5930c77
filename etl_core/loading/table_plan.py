"""The plan from the live table to a schema file, as an upload would run it. It only reads the warehouse."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from etl_core.loading.messages import VIEW_USES_COLUMN
from etl_core.loading.ports import Transaction, WarehouseClient
from etl_core.model.errors import EtlError
from etl_core.model.table_ref import TableRef
from etl_core.schema_changes.late_binding_views import (
    select_candidates,
    select_late_binding_columns,
    warn_late_binding_views,
)
from etl_core.schema_changes.live_table import parse_table, select_table, select_views
from etl_core.schema_changes.messages import LATE_BINDING_VIEWS_NOT_READ
from etl_core.schema_changes.plan import Plan, make_plan, refused
from etl_core.schema_changes.refusals import refuse_large_rebuilds
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file

_VIEW_SECONDS = 20.0
"""The time limit of each query for late-binding views."""


def read_table(transaction: Transaction, table: TableRef) -> sa.Table | None:
    """Return the live table, or None if it does not exist."""
    return parse_table(table, transaction.execute(select_table(table)))


def plan_change(
    transaction: Transaction,
    table: TableRef,
    actual: sa.Table | None,
    in_force: SchemaFile | None,
    spec: SchemaFile,
    rebuild_max_rows: int,
) -> Plan:
    """Return the plan from the live table to the schema file.

    Count the rows of a table whose columns would be rebuilt: a rebuild of more than
    `rebuild_max_rows` (0: no limit) is refused. COUNT(*) is exact and needs no right that the
    rebuild does not need; the system views of table sizes are for superusers.
    """
    plan = make_plan(
        actual,
        table_of_schema_file(spec, table),
        spec.allowed_changes,
        in_force=None if in_force is None else table_of_schema_file(in_force, table),
        is_adoption=in_force is None,
    )
    if actual is None or not plan.has_rebuild or not rebuild_max_rows:
        return plan
    [count] = transaction.execute(sa.select(sa.func.count()).select_from(actual))
    return refused(
        plan, tuple(refuse_large_rebuilds(plan.changes, int(count[0]), rebuild_max_rows))
    )


def find_views(transaction: Transaction, table: TableRef, plan: Plan) -> tuple[str, ...]:
    """Return a sentence for each view that is bound to a column which the plan alters or drops."""
    rows = transaction.execute(select_views(table))
    bound = [row._mapping for row in rows]
    return tuple(
        VIEW_USES_COLUMN(column=row["column"], view_schema=row["view_schema"], view=row["view"])
        for row in sorted(bound, key=lambda row: (row["column"], row["view_schema"], row["view"]))
        if row["column"] in plan.touched
    )


def find_late_binding_views(
    warehouse: WarehouseClient, table: TableRef, columns: Sequence[str], seconds: float
) -> tuple[str, ...]:
    """Return a warning for each late-binding view that names one of the columns, which are dropped or renamed.

    In a transaction of its own, because the function that lists the views can fail or take long. That
    is only a warning, too.
    """
    try:
        with warehouse.transaction(table.database, min(seconds, _VIEW_SECONDS)) as transaction:
            candidates = transaction.execute(select_candidates(table))
            late = transaction.execute(select_late_binding_columns()) if candidates else ()
    except EtlError as error:
        shown = ", ".join(columns)
        return (LATE_BINDING_VIEWS_NOT_READ(columns=shown, reason=error.message),)
    return warn_late_binding_views(table, columns, candidates, late)
