"""Reading ledgers without deciding: what reconciling asks of them, a few tables per transaction.

A ledger is locked while its table is loaded, for readers too. Nobody waits for that: the ledger is answered as busy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from etl_core.loading.ledger import LedgerRow, ledger_name, ledger_named, parse_row
from etl_core.loading.ports import WarehouseClient
from etl_core.model.errors import LoadTimeoutError
from etl_core.model.names import LEDGER_SCHEMA
from etl_core.model.table_ref import TableRef
from etl_core.recovery.reconcile import LedgerEvidence, Scope

BUSY_SECONDS = 15.0
PAGE = 500
_TABLES_PER_TRANSACTION = 10
"""A reader's lock makes the loads of what it has read wait until its transaction ends."""

_BEHIND = "~"
"""In the place of an upload id: the ledger is done with."""

_NAMESPACE = sa.table(
    "pg_namespace", sa.column("oid"), sa.column("nspname"), schema="pg_catalog"
).alias("n")
_CLASS = sa.table(
    "pg_class",
    sa.column("relname"),
    sa.column("relnamespace"),
    sa.column("relkind"),
    schema="pg_catalog",
).alias("c")


@dataclass(frozen=True)
class Ask:
    """Which versions of one table are asked about. Those without a version id (`null`) are named by their keys."""

    table: TableRef
    version_ids: tuple[str, ...]
    unversioned_keys: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Ask:
        """As etl_core.recovery.reconcile_run asks."""
        return cls(
            TableRef(*value["target"]),
            tuple(value["version_ids"]),
            tuple(value["unversioned_keys"]),
        )

    @property
    def ledger(self) -> str:
        """The name of the target's ledger."""
        return ledger_name(self.table)


@dataclass
class Facts:
    """What the ledgers hold; `busy` names the tables whose ledger was locked."""

    rows: list[LedgerRow] = field(default_factory=list)
    busy: list[TableRef] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As the tables function answers."""
        return {
            "facts": [fact_of(row).to_json() for row in self.rows],
            "busy": [list(astuple(table)) for table in self.busy],
        }


def select_ledgers() -> sa.Select[Any]:
    """The names of all ledger tables of a database, sorted."""
    n, c = _NAMESPACE.c, _CLASS.c
    return (
        sa.select(c.relname)
        .select_from(_CLASS.join(_NAMESPACE, c.relnamespace == n.oid))
        .where(n.nspname == LEDGER_SCHEMA, c.relkind == "r")
        .order_by(c.relname)
    )


def select_versions(ask: Ask) -> sa.Select[Any]:
    """The rows of these versions."""
    ledger = ledger_named(ask.ledger)
    columns = ledger.columns
    unversioned = sa.and_(columns.version_id == "null", columns.s3_key.in_(ask.unversioned_keys))
    wanted = [columns.version_id.in_(ask.version_ids)] if ask.version_ids else []
    return sa.select(ledger).where(
        sa.or_(*wanted, *([unversioned] if ask.unversioned_keys else []))
    )


def select_page(name: str, after: str) -> sa.Select[Any]:
    """The rows of one ledger behind an upload id, by upload id."""
    ledger = ledger_named(name)
    upload_id = ledger.columns.upload_id
    return sa.select(ledger).where(upload_id > after).order_by(upload_id).limit(PAGE)


def read_facts(asks: Iterable[Ask], warehouse: WarehouseClient, seconds: float) -> Facts:
    """What the ledgers hold of the versions asked about. Raises RetryableError or LoadFailedError."""
    found = Facts()
    for database, group in groupby(
        sorted(asks, key=lambda ask: ask.table), key=lambda ask: ask.table.database
    ):
        known = set(list_ledgers(warehouse, database, seconds))
        waiting = [ask for ask in group if ask.ledger in known]
        while waiting:
            del waiting[: _read_some(waiting[:_TABLES_PER_TRANSACTION], warehouse, found)]
    return found


def list_ledgers(warehouse: WarehouseClient, database: str, seconds: float) -> list[str]:
    """The names of the database's ledger tables."""
    with warehouse.transaction(database, seconds) as transaction:
        return [name for (name,) in transaction.execute(select_ledgers())]


def _read_some(asks: Sequence[Ask], warehouse: WarehouseClient, found: Facts) -> int:
    """Reads in one transaction until a ledger is locked; how many asks are answered."""
    done = 0
    try:
        with warehouse.transaction(asks[0].table.database, BUSY_SECONDS) as transaction:
            for ask in asks:
                found.rows += [parse_row(row) for row in transaction.execute(select_versions(ask))]
                done += 1
    except LoadTimeoutError:
        found.busy.append(asks[done].table)
        done += 1
    return done


def read_page(
    scope: Scope,
    marker: Mapping[str, str] | None,
    databases: Sequence[str],
    warehouse: WarehouseClient,
    seconds: float,
) -> dict[str, Any]:
    """One page of all ledgers of the scope: `{"facts", "ledger", "busy", "marker"}`; the marker continues, None at the end."""
    scope.check(databases)
    place = dict(marker or {"database": "", "ledger": "", "upload_id": ""})
    for database in sorted(databases):
        if database < place["database"] or scope.database not in (None, database):
            continue
        first = place["ledger"] if database == place["database"] else ""
        for name in list_ledgers(warehouse, database, seconds):
            if name < first or not _is_meant(scope, name):
                continue
            after = (
                place["upload_id"]
                if (database, name) == (place["database"], place["ledger"])
                else ""
            )
            answer = None if after == _BEHIND else _page_of(database, name, after, warehouse)
            if answer is not None:
                return answer
    return {"facts": [], "busy": [], "marker": None}


def _page_of(
    database: str, name: str, after: str, warehouse: WarehouseClient
) -> dict[str, Any] | None:
    """The ledger's next rows; None when there are no more."""
    place = {"database": database, "ledger": name}
    try:
        with warehouse.transaction(database, BUSY_SECONDS) as transaction:
            rows = [parse_row(row) for row in transaction.execute(select_page(name, after))]
    except LoadTimeoutError:
        return {
            "facts": [],
            "busy": [f"{database}: {name}"],
            "marker": {**place, "upload_id": _BEHIND},
        }
    if not rows:
        return None
    facts = [fact_of(row).to_json() for row in rows]
    return {
        "facts": facts,
        "busy": [],
        "ledger": f"{database}: {name}",
        "marker": {**place, "upload_id": rows[-1].upload_id},
    }


def _is_meant(scope: Scope, name: str) -> bool:
    return (
        scope.table is None
        or scope.schema is None
        or name == ledger_name(TableRef("", scope.schema, scope.table))
    )


def fact_of(row: LedgerRow) -> LedgerEvidence:
    """The row without what only a load needs."""
    return LedgerEvidence(
        upload_id=row.upload_id,
        landed_at=row.landed_at,
        sequencer=row.sequencer,
        s3_key=row.s3_key,
        version_id=row.version_id,
        status=row.status,
        rows_loaded=row.rows_loaded,
        loaded_at=row.loaded_at,
        schema_version=None if row.schema_file is None else row.schema_file.schema_version,
    )
