"""Read ledgers for reconcile and rebuild-log, a few tables per transaction.

A load locks the ledger of its table, for readers too. A ledger that is locked is reported as busy
instead of waited for. A damaged ledger is named, and its readable rows count: it must not keep
the others from being read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from etl_core.loading.ledger import LedgerRow, ledger_name, ledger_named, parse_row, select_rows
from etl_core.loading.ledger_access import others_who_write, select_access
from etl_core.loading.ledger_queries import select_tables
from etl_core.loading.ports import Transaction, WarehouseClient
from etl_core.model.errors import (
    EtlError,
    LoadFailedError,
    LoadTimeoutError,
)
from etl_core.model.long_copy import staging_created_at
from etl_core.model.names import LEDGER_SCHEMA
from etl_core.model.table_ref import TableRef
from etl_core.recovery.messages import LEDGER_UNREADABLE, LEDGER_VERSION_DOUBLED, LEDGERS_OPEN
from etl_core.recovery.reconcile import LedgerEvidence, Scope
from etl_core.recovery.tables_requests import (
    DamagedLedger,
    LedgerMarker,
    LedgerPage,
    LedgerPageRequest,
    LedgerRows,
    VersionQuery,
)

BUSY_SECONDS = 15.0
PAGE = 500
_SHOWN_OTHERS = 5
_TABLES_PER_TRANSACTION = 10
"""Loads of a table that was read wait until the reader's transaction ends, so it must be short."""


def select_versions(query: VersionQuery) -> sa.Select[Any]:
    """Select the ledger rows of these versions."""
    ledger = ledger_named(ledger_name(query.table))
    columns = ledger.columns
    unversioned = sa.and_(columns.version_id == "null", columns.s3_key.in_(query.unversioned_keys))
    versioned = [columns.version_id.in_(query.version_ids)] if query.version_ids else []
    return select_rows(ledger).where(
        sa.or_(*versioned, *([unversioned] if query.unversioned_keys else []))
    )


def select_doubled(query: VersionQuery, keys: Collection[str]) -> sa.Select[Any]:
    """Select the versions of these keys that several rows have, with the number of rows."""
    columns = ledger_named(ledger_name(query.table)).columns
    return (
        sa.select(columns.s3_key, columns.version_id, sa.func.count())
        .where(columns.s3_key.in_(sorted(keys)), columns.version_id != "null")
        .group_by(columns.s3_key, columns.version_id)
        .having(sa.func.count() > 1)
        .order_by(columns.s3_key)
    )


def select_page(name: str, after: str) -> sa.Select[Any]:
    """Select the next rows of one ledger, by upload id."""
    ledger = ledger_named(name)
    upload_id = ledger.columns.upload_id
    return select_rows(ledger).where(upload_id > after).order_by(upload_id).limit(PAGE)


def read_versions(
    queries: Iterable[VersionQuery], warehouse: WarehouseClient, seconds: float
) -> LedgerRows:
    """Return the ledger rows of versions. Raises RetryableError or LoadFailedError."""
    found = _Found()
    by_table = sorted(queries, key=lambda query: query.table)
    for database, group in groupby(by_table, key=lambda query: query.table.database):
        known = set(list_ledgers(warehouse, database, seconds))
        found.damaged += _open_to_others(warehouse, database, seconds)
        pending = [query for query in group if ledger_name(query.table) in known]
        while pending:
            del pending[: _read_some(pending[:_TABLES_PER_TRANSACTION], warehouse, found)]
    return LedgerRows(tuple(found.rows), tuple(found.busy), tuple(found.damaged))


def list_ledgers(warehouse: WarehouseClient, database: str, seconds: float) -> list[str]:
    """Return the names of the database's ledger tables, without staging tables."""
    with warehouse.transaction(database, seconds) as transaction:
        names = (name for (name,) in transaction.execute(select_tables()))
        return [name for name in names if staging_created_at(name) is None]


def _open_to_others(
    warehouse: WarehouseClient, database: str, seconds: float
) -> Iterator[DamagedLedger]:
    """Yield one message if others than the loader may change the ledgers of the database."""
    with warehouse.transaction(database, seconds) as transaction:
        others = others_who_write(transaction.execute(select_access()))
    if others:
        shown = "; ".join(others[:_SHOWN_OTHERS])
        yield DamagedLedger(LEDGERS_OPEN(schema=LEDGER_SCHEMA, database=database, others=shown))


@dataclass
class _Found:
    rows: list[LedgerEvidence] = field(default_factory=list)
    busy: list[TableRef] = field(default_factory=list)
    damaged: list[DamagedLedger] = field(default_factory=list)


def _read_some(queries: Sequence[VersionQuery], warehouse: WarehouseClient, found: _Found) -> int:
    """Add what the ledgers contain, in one transaction, up to the first locked or unreadable one.

    Return the number of queries that are done.
    """
    done = 0
    try:
        with warehouse.transaction(queries[0].table.database, BUSY_SECONDS) as transaction:
            for query in queries:
                rows, fault = parse_rows(transaction.execute(select_versions(query)))
                found.rows += rows
                if fault is not None:
                    found.damaged.append(_damaged_table(query.table, fault))
                found.damaged += _doubled(query, rows, transaction)
                done += 1
    except LoadTimeoutError:
        found.busy.append(queries[done].table)
        done += 1
    except LoadFailedError as error:
        if done == len(queries):
            raise  # COMMIT failed: no ledger is at fault
        found.damaged.append(_damaged_table(queries[done].table, error))
        done += 1
    return done


def _doubled(
    query: VersionQuery, rows: Iterable[LedgerEvidence], transaction: Transaction
) -> Iterator[DamagedLedger]:
    """Yield the keys of which several rows have one version.

    Each row is one upload, so some of them are about other versions, which must not be loaded
    again. Only keys are looked up that have a version without a row.
    """
    known = {row.id for row in rows}
    pairs = zip(query.keys, query.version_ids, strict=False)
    keys = {key for key, version_id in pairs if (key, version_id) not in known}
    if not keys:
        return
    name = f"{LEDGER_SCHEMA}.{ledger_name(query.table)}"
    for row in transaction.execute(select_doubled(query, keys)):
        key, version_id, count = tuple(row)
        message = LEDGER_VERSION_DOUBLED(
            ledger=name, database=query.table.database, count=count, key=key, version=version_id
        )
        yield DamagedLedger(message, query.table, key)


def parse_rows(rows: Iterable[sa.Row[Any]]) -> tuple[list[LedgerEvidence], EtlError | None]:
    """Return the readable rows, and what is wrong with the first other one."""
    readable: list[LedgerEvidence] = []
    fault: EtlError | None = None
    for row in rows:
        try:
            readable.append(evidence_of(parse_row(row)))
        except LoadFailedError as error:  # damaged, or of a later format
            fault = fault or error
    return readable, fault


def _damaged_table(table: TableRef, fault: EtlError) -> DamagedLedger:
    return _damaged(table.database, ledger_name(table), fault, table)


def _damaged(
    database: str, name: str, fault: EtlError, table: TableRef | None = None
) -> DamagedLedger:
    reason = fault.details[0] if fault.details else fault.message
    message = LEDGER_UNREADABLE(ledger=f"{LEDGER_SCHEMA}.{name}", database=database, reason=reason)
    return DamagedLedger(message, table)


def read_page(
    request: LedgerPageRequest, databases: Sequence[str], warehouse: WarehouseClient, seconds: float
) -> LedgerPage:
    """Return the next rows of the first ledger in scope that has more rows, or that is locked."""
    request.scope.check(databases)
    for place in _places(request, databases, warehouse, seconds):
        page = _read_place(place, warehouse)
        if page is not None:
            return page
    return LedgerPage()


def _places(
    request: LedgerPageRequest, databases: Sequence[str], warehouse: WarehouseClient, seconds: float
) -> Iterator[LedgerMarker]:
    """Yield where to read on in each ledger in scope."""
    start = request.marker or LedgerMarker("", "", "")
    for database in sorted(databases):
        if database < start.database or not request.scope.includes_database(database):
            continue
        for name in list_ledgers(warehouse, database, seconds):
            if not _is_in_scope(request.scope, database, name):
                continue
            if (database, name) == (start.database, start.ledger):
                if start.upload_id is not None:
                    yield start
            elif (database, name) > (start.database, start.ledger):
                yield LedgerMarker(database, name, "")


def _is_in_scope(scope: Scope, database: str, name: str) -> bool:
    table = scope.table_in(database)
    return table is None or name == ledger_name(table)


def _read_place(place: LedgerMarker, warehouse: WarehouseClient) -> LedgerPage | None:
    """Return the ledger's next rows; None at its end."""
    described = f"{place.database}: {place.ledger}"
    skipped = LedgerMarker(place.database, place.ledger, None)
    try:
        with warehouse.transaction(place.database, BUSY_SECONDS) as transaction:
            rows = list(transaction.execute(select_page(place.ledger, place.upload_id or "")))
    except LoadTimeoutError:
        return LedgerPage(busy=(described,), marker=skipped)
    except LoadFailedError as error:
        damaged = _damaged(place.database, place.ledger, error)
        return LedgerPage(damaged=(damaged,), marker=skipped)
    if not rows:
        return None
    readable, fault = parse_rows(rows)
    return LedgerPage(
        rows=tuple(readable),
        ledger=described,
        damaged=() if fault is None else (_damaged(place.database, place.ledger, fault),),
        marker=LedgerMarker(place.database, place.ledger, rows[-1]._mapping["upload_id"]),
    )


def evidence_of(row: LedgerRow) -> LedgerEvidence:
    """Return the row without the columns that only a load needs."""
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
        rows_quarantined=row.rows_quarantined,
        freshness_hours=None if row.schema_file is None else row.schema_file.freshness_hours,
    )
