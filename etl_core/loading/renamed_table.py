"""Find a table that may be the missing one under another name."""

from __future__ import annotations

from contextlib import suppress

from etl_core.loading.ledger import ledger_name
from etl_core.loading.ledger_queries import select_tables
from etl_core.loading.ports import WarehouseClient
from etl_core.model.errors import EtlError
from etl_core.model.names import LEDGER_SCHEMA
from etl_core.model.table_ref import TableRef
from etl_core.schema_changes.live_table import select_tables_with
from etl_core.schema_files.schema_file import SchemaFile

_SHOWN = 3


def find_renamed(
    warehouse: WarehouseClient, table: TableRef, spec: SchemaFile, seconds: float
) -> tuple[str, ...]:
    """Return tables of the database that have all columns of the schema file and no ledger of their own.

    Nothing is found if the catalog cannot be read: this only completes the message of another error.
    """
    columns = [column.name for column in spec.columns]
    with suppress(EtlError), warehouse.transaction(table.database, seconds) as transaction:
        ledgers = {name for (name,) in transaction.execute(select_tables())}
        found = [
            TableRef(table.database, row.nspname, row.relname)
            for row in transaction.execute(select_tables_with(columns))
            if row.nspname != LEDGER_SCHEMA
        ]
        return tuple(str(each) for each in found if ledger_name(each) not in ledgers)[:_SHOWN]
    return ()
