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

from etl_core.csv_files.compression import compression_of
from etl_core.csv_files.scan import Scan
from etl_core.loading.data_file import (
    MAX_FILE_BYTES,
    CopyShape,
    DataFile,
    Part,
    in_threads,
    key_of,
    open_file,
    shape_of,
)
from etl_core.loading.file_scan import (
    FileScan,
    finished_scan,
    scan_part,
    scan_small,
    warnings_of_scan,
)
from etl_core.loading.key_columns import check_key_columns, check_same_key
from etl_core.loading.ledger import LedgerRow
from etl_core.loading.ledger_view import LedgerView
from etl_core.loading.load_context import LoadContext
from etl_core.loading.locked_ledger import Backlog, PendingUpload
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
from etl_core.model.object_versions import VersionKey
from etl_core.model.upload import Order, Upload
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.upload_log.outcome import LoadWarning

MAX_BATCH_MEMBERS = 500
_MAX_TOTAL_BYTES = 64 << 20
_MAX_ROUNDS = 3
_BEGINNING: Order = (datetime.min.replace(tzinfo=UTC), "", "")
_END: Order = (datetime.max.replace(tzinfo=UTC), "", "")


@dataclass(frozen=True)
class BatchMember:
    """A pending upload that the micro-batch loads, ready for COPY. `version_id` is its ledger row's."""

    upload: Upload
    part: Part
    version_id: str
    warnings: tuple[LoadWarning, ...] = ()


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
    return list(_up_to_limits(sorted(candidates, key=lambda each: each.upload.order)))


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


@dataclass(frozen=True)
class _Opened:
    """A pending upload ready for COPY, and the versions that its event may be about."""

    upload: Upload
    part: Part
    candidates: tuple[str, ...]
    warnings: tuple[LoadWarning, ...]


def open_members(
    load: LoadContext,
    chosen: Sequence[PendingUpload],
    history: Sequence[LedgerRow],
    in_force: SchemaFile,
    view: LedgerView,
    own_version: str | None,
) -> list[BatchMember]:
    """Open the chosen uploads for COPY. Uploads that may not load are left out."""
    opened = in_threads(lambda each: _open(load, each, history, in_force), chosen)
    taken = {(load.upload.key, own_version or "")}
    return list(_with_versions([each for each in opened if each is not None], view, taken))


def _with_versions(
    opened: Iterable[_Opened], view: LedgerView, taken: set[VersionKey]
) -> Iterator[BatchMember]:
    """Yield the members, each with a version of its own. An upload for which none is left is left out."""
    for each in opened:
        key = each.upload.key
        free = [one for one in each.candidates if (key, one) not in taken]
        if each.upload.version_id is None and "null" not in each.candidates:
            free = [one for one in free if not view.holds(key, one)]
        if free:
            taken.add((key, free[0]))
            yield BatchMember(each.upload, each.part, free[0], each.warnings)


def _open(
    load: LoadContext,
    pending: PendingUpload,
    history: Sequence[LedgerRow],
    in_force: SchemaFile,
) -> _Opened | None:
    upload, store = pending.upload, load.ports.store
    try:
        compression = compression_of(pending.key.file)
        opened = store.open(upload)
        if not 0 < opened.version.size <= MAX_FILE_BYTES:
            return None
        file = open_file(store, upload.upload_id, opened, compression)
        shape = shape_of(file, history)
        scan = _scan_member(load, file, shape, history, in_force)
    except Exception:  # whatever another upload's file causes, this load goes on
        # Its own load meets the same error and reports it.
        return None
    if scan is None or scan.rows is None or scan.fault is not None:
        return None
    part = Part(file, shape, scan.rows)
    if is_rewritten(part, scan):
        return None
    return _Opened(upload, part, opened.candidates, warnings_of_scan(scan.warnings))


def _scan_member(
    load: LoadContext,
    file: DataFile,
    shape: CopyShape,
    history: Sequence[LedgerRow],
    in_force: SchemaFile,
) -> Scan | None:
    """Return the scan; None for a file with rows to set aside, which its own load does."""
    store, at_arrival = load.ports.store, history[0].schema_file
    if at_arrival is not None and has_quarantine(shape):
        bad = find_bad(file, shape, at_arrival, store, load.deadline)
        part = Part(file, shape, None)
        return None if bad.count else scan_of_good(part, bad, at_arrival, in_force, store)
    return scan_small(file, shape, in_force)


def _is_small(upload: Upload, settings: LoadSettings) -> bool:
    size = upload.size
    return size is not None and 0 < size <= MAX_FILE_BYTES and not settings.is_long(size)


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


def gather_copy_batch(
    load: LoadContext,
    file: DataFile,
    version_id: str | None,
    backlog: Backlog,
    history: Sequence[LedgerRow],
    in_force: SchemaFile,
    schema_files: Sequence[PendingSchemaFile],
    strategy: CopyStrategy,
) -> CopyBatch:
    """Gather the files of a load that may proceed.

    `version_id` is the load's own version; `history`: see Proceed. Raises RejectedError naming the
    file that cannot be loaded.
    """
    own = Part(file, shape_of(file, history), None, key_of(load.key.action, history))
    check_key_columns(own.key, own.shape.columns)
    own, scan = _scan_own(load, own, history, in_force)
    if may_be_rewritten(own) and is_rewritten(own, scan.result()):
        own = rewritten(own, in_force, load.ports.store)
    rows = backlog.view.applied_again(load.upload, load.key.action)
    later = in_threads(lambda row: _reopen(load, row, backlog.view, strategy), rows)
    check_same_key(own, later)
    members: list[BatchMember] = []
    at_arrival = history[0].schema_file
    is_small = file.version.size <= MAX_FILE_BYTES and not load.is_long(file.version.size)
    if not strategy.one_copy_per_file and is_small and at_arrival:
        chosen = choose_members(load, backlog, at_arrival, schema_files, strategy.left_out)
        members = open_members(load, chosen, history, in_force, backlog.view, version_id)
        if later or members:
            own = replace(own, rows=scan.result().rows)
    return CopyBatch(own, later, members, scan)


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
