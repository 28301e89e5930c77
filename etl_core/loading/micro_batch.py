"""Companions: uploads that wait for the same table and can be loaded together with the one that holds its lock.

Many small files at once would else cost a transaction and a COPY each. A member counts for itself: it gets its own ledger row, and
its own run finds it loaded. What could be in doubt about it (its header, its rows) leaves it to its own run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from etl_core.csv_files.compression import compression_of
from etl_core.loading.copy_group import Part
from etl_core.loading.data_file import count_rows, in_threads, open_file, shape_of
from etl_core.loading.ledger import LedgerRow, Proceed, decide
from etl_core.loading.ledger_lock import Found
from etl_core.loading.load_context import LoadContext
from etl_core.loading.ordering import PendingSchemaFile
from etl_core.loading.pending import PendingUpload
from etl_core.model.errors import EtlError
from etl_core.model.lake_key import Action
from etl_core.model.upload import Upload

MAX_BATCH_MEMBERS = 200
MAX_FILE_BYTES = 4 << 20
"""As it lies in S3. A larger file is worth a COPY of its own."""
_MAX_TOTAL_BYTES = 64 << 20
_BEGINNING = (datetime.min.replace(tzinfo=UTC), "", "")
_END = (datetime.max.replace(tzinfo=UTC), "", "")


@dataclass(frozen=True)
class BatchMember:
    """An upload that goes along, ready for COPY."""

    upload: Upload
    part: Part


def choose_members(
    load: LoadContext,
    found: Found,
    history: Sequence[LedgerRow],
    schema_files: Sequence[PendingSchemaFile],
    left_out: Collection[str],
) -> list[PendingUpload]:
    """The waiting appends that take effect as the load's own upload does, in landed order.

    None from behind a waiting truncate or an open schema file: that one is to take effect first. None from before a truncate in hand.
    """
    barriers = [each.order for each in schema_files]
    barriers += [each.upload.order for each in found.pending if each.key.action is Action.TRUNCATE]
    first = load.upload.order
    if load.key.action is Action.APPEND:
        first = max((order for order in barriers if order < load.upload.order), default=_BEGINNING)
    last = min((order for order in barriers if order > load.upload.order), default=_END)
    fitting = [
        each
        for each in found.pending
        if each.key.action is Action.APPEND
        and first < each.upload.order < last
        and each.upload.upload_id not in left_out
        and _is_small(each.upload)
        and decide(found.rows, each.upload, Action.APPEND) == Proceed(tuple(history))
    ]
    governing = history[0].schema_file
    if governing is None or Action.APPEND not in governing.allowed_operations:
        return []
    return list(_together(sorted(fitting, key=lambda each: each.upload.order)))


def open_members(
    load: LoadContext, chosen: Sequence[PendingUpload], history: Sequence[LedgerRow]
) -> list[BatchMember]:
    """The chosen ones ready for COPY, without those that are not certain to load."""
    opened = in_threads(lambda each: _open(load, each, history), chosen)
    return [member for member in opened if member is not None]


def _open(
    load: LoadContext, waiting: PendingUpload, history: Sequence[LedgerRow]
) -> BatchMember | None:
    upload, store = waiting.upload, load.ports.store
    try:
        compression = compression_of(waiting.key.file)
        version = store.find_version(upload)
        if not 0 < version.size <= MAX_FILE_BYTES:
            return None
        file = open_file(store, upload.upload_id, version, compression)
        shape = shape_of(file, history)
        rows = count_rows(file, shape)
    except EtlError:
        # Its own run meets the same, and answers it.
        return None
    return None if rows is None else BatchMember(upload, Part(file, shape, rows))


def _is_small(upload: Upload) -> bool:
    return upload.size is not None and 0 < upload.size <= MAX_FILE_BYTES


def _together(waiting: Sequence[PendingUpload]) -> Iterator[PendingUpload]:
    """The first of them, as many as one load takes."""
    total = 0
    for each in waiting[:MAX_BATCH_MEMBERS]:
        total += each.upload.size or 0
        if total > _MAX_TOTAL_BYTES:
            return
        yield each
