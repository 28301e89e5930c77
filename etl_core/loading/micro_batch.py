"""What one transaction copies: the upload's own file, the uploads that a late upload loads again, and
the micro-batch.

The micro-batch holds pending uploads of the same table. Without it, each of many small files would
cost a transaction and a COPY. Each member gets its own ledger row, and its own load then finds it
loaded. An upload whose header or rows are uncertain is left to its own load.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from etl_core.loading.batch_members import (
    NO_MEMBERS,
    BatchMember,
    OpenedMembers,
    open_members,
)
from etl_core.loading.data_file import (
    MAX_FILE_BYTES,
    DataFile,
    Part,
    in_threads,
    key_of,
    shape_of,
)
from etl_core.loading.file_scan import FileScan, finished_scan, scan_part
from etl_core.loading.key_columns import check_key_columns, check_same_key
from etl_core.loading.ledger import LedgerRow
from etl_core.loading.ledger_view import LedgerView, Proceed
from etl_core.loading.load_context import LoadContext
from etl_core.loading.locked_ledger import Backlog, LockedLedger, PendingUpload
from etl_core.loading.messages import RELOADED_FILE
from etl_core.loading.ordering import PendingSchemaFile
from etl_core.loading.quarantine import (
    check_limits,
    check_same_rows,
    find_bad,
    has_quarantine,
    scan_of_good,
)
from etl_core.loading.reopened_files import open_row
from etl_core.loading.rewritten_files import is_rewritten, may_be_rewritten, rewritten
from etl_core.model.errors import RejectedError
from etl_core.model.function_settings import LoadSettings
from etl_core.model.lake_key import Action
from etl_core.model.upload import Order, Upload
from etl_core.schema_files.schema_file import SchemaFile

MAX_BATCH_MEMBERS = 500
_MAX_TOTAL_BYTES = 64 << 20
_MAX_ROUNDS = 3
_BEGINNING: Order = (datetime.min.replace(tzinfo=UTC), "", "")
_END: Order = (datetime.max.replace(tzinfo=UTC), "", "")


def choose_members(
    load: LoadContext,
    backlog: Backlog,
    at_arrival: SchemaFile,
    schema_files: Sequence[PendingSchemaFile],
    left_out: Collection[str],
) -> list[PendingUpload]:
    """Return the pending appends that can be loaded with the load's own upload, in arrival order.

    Appends that arrived after a pending truncate, upsert or schema file are left out, because that
    one must take effect first. For a truncate, earlier appends are left out. `at_arrival` is the
    schema that applies to the load's own upload; the same must apply to each member. There are none
    with an upsert, or before one that took effect.
    """
    if Action.APPEND not in at_arrival.allowed_operations or load.key.action is Action.UPSERT:
        return []
    if backlog.view.is_before_upsert(load.upload):
        return []
    first, last = _window(load, backlog, schema_files)
    candidates = [
        each
        for each in backlog.pending
        if each.key.action is Action.APPEND
        and first < each.upload.order < last
        and each.upload.upload_id not in left_out
        and _is_small(each.upload, load.settings)
        and backlog.view.have_same_history(each.upload, load.upload)
        and not backlog.view.is_before_upsert(each.upload)
    ]
    in_order = sorted(candidates, key=lambda each: each.upload.order)
    return list(_up_to_limits(list(_without_repeats(load.upload, in_order))))


def _without_repeats(own: Upload, pending: Iterable[PendingUpload]) -> Iterator[PendingUpload]:
    """Yield the uploads that do not repeat the bytes of another one: a repeat is loaded after it."""
    seen = {(own.key, own.etag)}
    for each in pending:
        written = each.upload.key, each.upload.etag
        if written not in seen:
            seen.add(written)
            yield each


def _window(
    load: LoadContext, backlog: Backlog, schema_files: Sequence[PendingSchemaFile]
) -> tuple[Order, Order]:
    """Return the places in arrival order between which nothing must take effect before the appends."""
    own = load.upload.order
    barriers = [each.order for each in schema_files]
    barriers += [
        each.upload.order
        for each in backlog.pending
        if each.key.action in (Action.TRUNCATE, Action.UPSERT)
    ]
    first = own
    if load.key.action is Action.APPEND:
        first = max((order for order in barriers if order < own), default=_BEGINNING)
    return first, min((order for order in barriers if order > own), default=_END)


def _is_small(upload: Upload, settings: LoadSettings) -> bool:
    size = upload.size
    return size is not None and size <= MAX_FILE_BYTES and not settings.is_long(size)


def _up_to_limits(pending: Sequence[PendingUpload]) -> Iterator[PendingUpload]:
    """Yield the first uploads, up to the limits of one micro-batch."""
    total = 0
    for each in pending[:MAX_BATCH_MEMBERS]:
        total += each.upload.size or 0
        if total > _MAX_TOTAL_BYTES:
            return
        yield each


@dataclass(frozen=True)
class CopyBatch:
    """The files of one transaction in order.

    `later` are the uploads that a late upload loads again. `scan` is that of the own file.
    """

    own: Part
    later: Sequence[Part]
    members: Sequence[BatchMember]
    scan: FileScan | None = None

    @property
    def parts(self) -> list[Part]:
        """Return all parts, `own` first."""
        return [self.own, *self.later, *(member.part for member in self.members)]

    def is_member(self, part: Part) -> bool:
        """Return whether the part belongs to the micro-batch and can be left out."""
        return part.file.upload_id in self._member_ids

    @cached_property
    def _member_ids(self) -> frozenset[str]:
        return frozenset(member.upload.upload_id for member in self.members)


@dataclass(frozen=True)
class CopyStrategy:
    """How a copy is attempted.

    `pin`: from copies in the work bucket. `combines`: many small files as one. `one_copy_per_file`:
    also without a micro-batch.
    `left_out`: ids of uploads that cannot be loaded in the micro-batch; `rounds`: how many retries
    found them.
    """

    pin: bool = False
    combines: bool = True
    one_copy_per_file: bool = False
    left_out: frozenset[str] = frozenset()
    rounds: int = 0

    def without(self, upload_ids: Iterable[str]) -> CopyStrategy:
        """Return the strategy without these members.

        After too many rounds it has no micro-batch.
        """
        rounds = self.rounds + 1
        return replace(
            self,
            left_out=self.left_out.union(upload_ids),
            rounds=rounds,
            one_copy_per_file=self.one_copy_per_file or rounds > _MAX_ROUNDS,
        )

    def after_overwriting(self, batch: CopyBatch, parts: Sequence[Part]) -> CopyStrategy:
        """Return the strategy after these files were overwritten while COPY read them."""
        members = [part.file.upload_id for part in parts if batch.is_member(part)]
        others = len(members) < len(parts)
        strategy = self.without(members) if members else self
        return replace(strategy, pin=True) if others else strategy


def open_chosen(
    load: LoadContext,
    locked: LockedLedger,
    proceed: Proceed,
    backlog: Backlog,
    schema_files: Sequence[PendingSchemaFile],
    left_out: Collection[str],
) -> OpenedMembers:
    """Open the pending uploads that may be loaded with the load's own one."""
    at_arrival, in_force = proceed.schema_at_arrival, proceed.in_force
    if at_arrival is None or in_force is None:
        return NO_MEMBERS
    chosen = choose_members(load, backlog, at_arrival, schema_files, left_out)
    history, view = proceed.history, backlog.view
    opened = open_members(load, chosen, history, in_force, view, locked.version_id)
    # After waiting in vain for a schema file, this load goes on without it; others still wait.
    waited = any(each.order < load.upload.order for each in schema_files)
    return opened.without_refusals() if waited else opened


def gather_copy_batch(
    load: LoadContext,
    file: DataFile,
    backlog: Backlog,
    history: Sequence[LedgerRow],
    in_force: SchemaFile,
    members: Sequence[BatchMember],
    strategy: CopyStrategy,
) -> CopyBatch:
    """Gather the files of a load that may proceed.

    `history`: see Proceed. Raises RejectedError naming the file that cannot be loaded.
    """
    own = Part(file, shape_of(file, history), None, key_of(load.key.action, history))
    check_key_columns(own.key, own.shape.columns)
    own, scan = _scan_own(load, own, history, in_force)
    if may_be_rewritten(own) and is_rewritten(own, scan.result()):
        own = rewritten(own, in_force, load.ports.store)
    rows = backlog.view.applied_again(load.upload, load.key.action)
    later = in_threads(lambda row: _reopen(load, row, backlog.view, strategy), rows)
    check_same_key(own, later)
    if is_small_file(load, file) and not strategy.one_copy_per_file and (later or members):
        own = replace(own, rows=scan.result().rows)
    return CopyBatch(own, later, members, scan)


def is_small_file(load: LoadContext, file: DataFile) -> bool:
    """Return whether the file may share its transaction with a micro-batch."""
    size = file.version.size
    return size <= MAX_FILE_BYTES and not load.is_long(size)


def _scan_own(
    load: LoadContext, own: Part, history: Sequence[LedgerRow], in_force: SchemaFile
) -> tuple[Part, FileScan]:
    """Return the own file with the rows to set aside, and the scan of the others.

    Raises ValuesRefusedError if they cannot be set aside.
    """
    store, at_arrival = load.ports.store, history[0].schema_file
    if at_arrival is None or not has_quarantine(own.shape):
        return own, scan_part(own, in_force, store, load.deadline)
    bad = find_bad(own.file, own.shape, at_arrival, store, load.deadline)
    check_limits(bad, own.shape.csv)
    scan = scan_of_good(own, bad, at_arrival, in_force, store)
    if bad.count:
        own = replace(own, rows=bad.good, bad=bad)
    return own, finished_scan(scan, load.deadline)


def _reopen(load: LoadContext, row: LedgerRow, view: LedgerView, strategy: CopyStrategy) -> Part:
    """Open an upload that took effect before this one but arrived after it: its rows are loaded again."""
    try:
        store, bucket = load.ports.store, load.upload.bucket
        part = open_row(store, bucket, row, view, load.deadline, pin=strategy.pin)
        if part.bad is not None:
            check_same_rows(row.s3_key, part.bad, row.rows_loaded)
        return replace(part, rows=None) if strategy.one_copy_per_file else part
    except RejectedError as error:
        raise type(error)(name_file(load, row.s3_key, error.message), error.details) from None


def name_file(load: LoadContext, key: str, message: str) -> str:
    """Return the message, preceded by the file's key if the file is not the upload itself."""
    if key == load.upload.key:
        return message
    return RELOADED_FILE(key=key, action=load.key.action, reason=message)
