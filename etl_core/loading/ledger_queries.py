"""The queries of a load to the ledger. Each reads only the rows that decide, however large the ledger is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from etl_core.loading.ledger import select_rows, without_zone
from etl_core.model.lake_key import Action
from etl_core.model.names import LEDGER_SCHEMA
from etl_core.model.upload import Upload
from etl_core.sql import catalog_table

_NAMESPACE = catalog_table("pg_namespace", "oid", "nspname").alias("n")
_CLASS = catalog_table("pg_class", "relname", "relnamespace", "relkind").alias("c")
_REORDERED = (Action.TRUNCATE, Action.UPSERT)
"""What these do depends on the uploads before them."""
_BEGINNING = datetime(1970, 1, 1)  # noqa: DTZ001 - TIMESTAMP has no zone


def select_tables(prefix: str = "") -> sa.Select[Any]:
    """Select the names of the tables in the ledgers' schema of a database, sorted: ledgers and staging tables."""
    n, c = _NAMESPACE.c, _CLASS.c
    tables = (
        sa.select(c.relname)
        .select_from(_CLASS.join(_NAMESPACE, c.relnamespace == n.oid))
        .where(n.nspname == LEDGER_SCHEMA, c.relkind == "r")
        .order_by(c.relname)
    )
    return tables.where(sa.func.left(c.relname, len(prefix)) == prefix) if prefix else tables


def select_own(
    ledger: sa.Table, upload: Upload, action: Action, candidates: Sequence[str]
) -> sa.Select[Any]:
    """Select the rows that decide about one upload: its own, the truncates and upserts after it, and
    the schema files from the one in force when it arrived.

    `candidates` are the versions found in S3, for an event without a version id.
    """
    columns = ledger.columns
    versions = [upload.version_id] if upload.version_id is not None else [*candidates]
    conditions = [
        columns.upload_id == upload.upload_id,
        sa.and_(columns.s3_key == upload.key, columns.version_id.in_(versions or [""])),
        _schema_files_of(ledger, upload),
    ]
    if action is not Action.SCHEMA:
        conditions.append(_since(ledger, _REORDERED, upload))
    if action is Action.APPEND:
        conditions.append(_previous_of_key(ledger, upload))
    return select_rows(ledger).where(sa.or_(*conditions))


def select_backlog(
    ledger: sa.Table, upload: Upload, action: Action, pending: Sequence[Upload]
) -> sa.Select[Any] | None:
    """Select the rows that decide about other pending uploads, and the appends after a truncate or upsert.

    Return None if there is nothing to read.
    """
    conditions = [*_conditions_of(ledger, pending)]
    if action in _REORDERED:
        conditions.append(_since(ledger, (Action.APPEND,), upload))
    return select_rows(ledger).where(sa.or_(*conditions)) if conditions else None


def _conditions_of(ledger: sa.Table, pending: Sequence[Upload]) -> Iterator[sa.ColumnElement[bool]]:
    if not pending:
        return
    columns = ledger.columns
    yield columns.upload_id.in_([each.upload_id for each in pending])
    # A row of another event about the same version has another upload id.
    if versions := [each.version_id for each in pending if each.version_id is not None]:
        yield columns.version_id.in_(versions)
    # An event without a version id takes a version of its key that no row has.
    if keys := {each.key for each in pending if each.version_id is None}:
        yield columns.s3_key.in_(sorted(keys))
    oldest = min(pending, key=lambda each: each.order)
    # The same bytes under the same key again are a repeat.
    yield _last_of_keys(ledger, sorted({each.key for each in pending}), oldest)
    yield _schema_files_of(ledger, oldest)
    yield _since(ledger, _REORDERED, oldest)


def _since(ledger: sa.Table, actions: Sequence[Action], upload: Upload) -> sa.ColumnElement[bool]:
    """Return the condition for rows of the actions that arrived in the upload's second or later."""
    columns = ledger.columns
    return sa.and_(
        columns.action.in_(list(map(str, actions))),
        columns.landed_at >= without_zone(upload.landed_at),
    )


def _previous_of_key(ledger: sa.Table, upload: Upload) -> sa.ColumnElement[bool]:
    """Return the condition for the append that arrived last under the same key, if its rows are in the table still."""
    columns, before = ledger.columns, ledger.alias("previous")
    own = without_zone(upload.landed_at)
    earlier = sa.and_(before.columns.landed_at <= own, before.columns.upload_id != upload.upload_id)

    def last(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[datetime]:
        found = sa.select(sa.func.max(before.columns.landed_at)).where(earlier, condition)
        return found.scalar_subquery()

    same_key = last(before.columns.s3_key == upload.key)
    change = last(before.columns.action.in_(list(map(str, _REORDERED))))
    return sa.and_(
        columns.s3_key == upload.key,
        columns.landed_at == same_key,
        columns.landed_at > sa.func.coalesce(change, sa.literal(_BEGINNING, sa.TIMESTAMP())),
    )


def _last_of_keys(ledger: sa.Table, keys: Sequence[str], oldest: Upload) -> sa.ColumnElement[bool]:
    """Return the condition for the last append before the oldest upload under each of the keys, and for
    later ones. It also holds for some earlier ones, if the keys were written at different times.
    """
    columns, before, own = ledger.columns, ledger.alias("previous"), without_zone(oldest.landed_at)
    last = (
        sa.select(sa.func.max(before.columns.landed_at).label("landed_at"))
        .where(
            before.columns.action == str(Action.APPEND),
            before.columns.s3_key.in_(keys),
            before.columns.landed_at < own,
        )
        .group_by(before.columns.s3_key)
        .subquery("last")
    )
    first = sa.select(sa.func.min(last.c.landed_at)).scalar_subquery()
    return sa.and_(
        columns.action == str(Action.APPEND),
        columns.s3_key.in_(keys),
        columns.landed_at >= sa.func.coalesce(first, sa.literal(own, sa.TIMESTAMP())),
    )


def _schema_files_of(ledger: sa.Table, upload: Upload) -> sa.ColumnElement[bool]:
    """Return the condition for the schema files that apply to the upload and later ones."""
    columns = ledger.columns
    return sa.and_(
        columns.action == str(Action.SCHEMA),
        columns.landed_at >= _schema_in_force(ledger, upload),
    )


def _schema_in_force(ledger: sa.Table, upload: Upload) -> sa.ColumnElement[datetime]:
    """Return when the schema file arrived that was in force at the start of the upload's second; if
    there was none, a time before all.

    Within the second, the sequencer decides, which SQL does not compare.
    """
    before = ledger.alias("before")
    latest = (
        sa.select(sa.func.max(before.columns.landed_at))
        .where(
            before.columns.action == str(Action.SCHEMA),
            before.columns.landed_at < without_zone(upload.landed_at),
        )
        .scalar_subquery()
    )
    return sa.func.coalesce(latest, sa.literal(_BEGINNING, sa.TIMESTAMP()))
