"""Plan against a live table: read the table, its ledger and its views; change nothing.

The login comes from the environment or a prompt. As an argument it would be visible in every
process list.
"""

from __future__ import annotations

import json
import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click

from etl_cli.options import STATE_VARIABLE
from etl_core.adapters.redshift import RedshiftWarehouse
from etl_core.adapters.redshift_connections import Endpoint
from etl_core.adapters.secrets import GivenCredentials
from etl_core.loading.ledger import ledger_table, parse_row, select_rows
from etl_core.loading.ports import Transaction
from etl_core.loading.table_plan import (
    find_late_binding_views,
    find_views,
    plan_change,
    read_table,
)
from etl_core.model.lake_key import Action
from etl_core.model.names import LEDGER_SCHEMA
from etl_core.model.table_ref import TableRef
from etl_core.schema_changes.live_table import select_table
from etl_core.schema_changes.plan import Plan, refused, warned
from etl_core.schema_changes.refusals import refuse_column_of_view, refuse_replacement
from etl_core.schema_files.schema_file import SchemaFile
from local_cloud.state import DEFAULT_STATE, StateDir

USER_VARIABLE, PASSWORD_VARIABLE = "REDSHIFT_USER", "REDSHIFT_PASSWORD"
_TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class LiveDatabase:
    """A database of a warehouse."""

    host: str
    port: int
    database: str
    ca_file: Path | None = None


def plan_live(live: LiveDatabase, spec: SchemaFile, table: TableRef, rebuild_max_rows: int) -> Plan:
    """Return what the pipeline would do if the schema file were uploaded now. Raises EtlError."""
    with closing(_connect(live)) as warehouse:
        with warehouse.transaction(live.database, _TIMEOUT_SECONDS) as transaction:
            actual = read_table(transaction, table)
            in_force = _read_schema_in_force(transaction, table)
            plan = plan_change(transaction, table, actual, in_force, spec, rebuild_max_rows)
            is_touched = actual is not None and bool(plan.touched)
            views = find_views(transaction, table, plan) if is_touched else ()
        if plan.removed:
            late = find_late_binding_views(warehouse, table, plan.removed, _TIMEOUT_SECONDS)
            plan = warned(plan, late)
    return refused(plan, (*refuse_replacement(in_force, spec), *map(refuse_column_of_view, views)))


def local_ca_file(host: str, port: int) -> Path | None:
    """Return the certificate authority of the local cloud if its warehouse has this address."""
    state = StateDir(Path(os.environ.get(STATE_VARIABLE) or DEFAULT_STATE))
    try:
        warehouse = json.loads(state.outputs.read_text())["warehouse"]
        is_it = (warehouse["host"], warehouse["port"]) == (host, port)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    file = state.secrets / "ca.pem"
    return file if is_it and file.is_file() else None


def _connect(live: LiveDatabase) -> RedshiftWarehouse:
    user = os.environ.get(USER_VARIABLE) or click.prompt("User", err=True)
    password = os.environ.get(PASSWORD_VARIABLE) or click.prompt(
        "Password", hide_input=True, err=True
    )
    ca_file = None if live.ca_file is None else str(live.ca_file)
    return RedshiftWarehouse(
        Endpoint(live.host, live.port, ca_file), GivenCredentials(user, password)
    )


def _read_schema_in_force(transaction: Transaction, table: TableRef) -> SchemaFile | None:
    """Return the newest schema file in the table's ledger.

    Return None when the pipeline did not create the table.
    """
    ledger = ledger_table(table)
    if not transaction.execute(select_table(TableRef(table.database, LEDGER_SCHEMA, ledger.name))):
        return None
    rows = transaction.execute(
        select_rows(ledger).where(ledger.columns.action == str(Action.SCHEMA))
    )
    latest = max(map(parse_row, rows), key=lambda row: row.order, default=None)
    return None if latest is None else latest.schema_file
