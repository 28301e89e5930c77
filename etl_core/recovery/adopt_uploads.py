"""Adopt uploads, in the reconcile function: the log's entries become rows, which the tables function writes."""

from __future__ import annotations

from collections import defaultdict

from etl_core.model.errors import InvalidKeyError, LoadFailedError
from etl_core.model.lake_key import LakeKey
from etl_core.model.status import TOOK_EFFECT, Status
from etl_core.model.table_ref import TableRef
from etl_core.model.times import parse_utc_time
from etl_core.recovery.reconcile import LedgerEvidence
from etl_core.recovery.reconcile_requests import Adopted, AdoptRequest
from etl_core.recovery.services import Entry, Services
from etl_core.recovery.tables_requests import AdoptRowsRequest
from etl_core.recovery.wire import ask
from etl_core.upload_log.entry import key_of, upload_of_entry


def adopt(request: AdoptRequest, services: Services) -> Adopted:
    """Have the ledgers adopt uploads that the log calls loaded. A table that refuses is named."""
    by_table: dict[TableRef, list[LedgerEvidence]] = defaultdict(list)
    for entry in services.log.read_entries(map(key_of, request.uploads)):
        row = _row_of_entry(entry)
        table = None if row is None else _table_of(row, services)
        if row is not None and table is not None:
            by_table[table].append(row)
    adopted, refused = 0, list[str]()
    for table, rows in by_table.items():
        try:
            adopted += ask(services.tables, AdoptRowsRequest(table=table, rows=tuple(rows))).adopted
        except LoadFailedError as error:
            refused.append(error.message)
    return Adopted(adopted, tuple(refused))


def _row_of_entry(entry: Entry) -> LedgerEvidence | None:
    upload = upload_of_entry(entry)
    if upload is None or entry.get("status") not in TOOK_EFFECT or not entry.get("version_id"):
        return None
    rows, quarantined = entry.get("rows_loaded"), entry.get("rows_quarantined")
    return LedgerEvidence(
        upload_id=upload.upload_id,
        landed_at=upload.landed_at,
        sequencer=upload.sequencer,
        s3_key=upload.key,
        version_id=str(entry["version_id"]),
        status=Status(entry["status"]),
        rows_loaded=None if rows is None else int(rows),
        loaded_at=parse_utc_time(str(entry.get("loaded_timestamp", entry["landed_timestamp"]))),
        schema_version=entry.get("schema_version"),
        rows_quarantined=None if quarantined is None else int(quarantined),
    )


def _table_of(row: LedgerEvidence, services: Services) -> TableRef | None:
    try:
        return LakeKey.parse(row.s3_key, services.databases).table
    except InvalidKeyError:
        return None
