"""The pending uploads beside a load's own one, opened: which of them its micro-batch loads, and which are refused.

A file that is found bad is answered by the load that found it. Otherwise every load of a burst would
open the same bad files again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from etl_core.csv_files.compression import compression_of
from etl_core.csv_files.scan import Scan
from etl_core.loading.data_file import (
    MAX_FILE_BYTES,
    CopyShape,
    DataFile,
    Part,
    in_threads,
    open_file,
    shape_of,
)
from etl_core.loading.file_scan import scan_small, values_refused, warnings_of_scan
from etl_core.loading.ledger import LedgerRow
from etl_core.loading.ledger_view import LedgerView
from etl_core.loading.load_context import LoadContext, failure_of
from etl_core.loading.locked_ledger import PendingUpload
from etl_core.loading.messages import EMPTY_FILE
from etl_core.loading.quarantine import check_limits, find_bad, has_quarantine, scan_of_good
from etl_core.loading.repeats import find_repeat, skips_repeats, warnings_of_repeat
from etl_core.loading.rewritten_files import is_rewritten
from etl_core.model.errors import InvalidDataFileError, MissingObjectError, RejectedError
from etl_core.model.object_versions import OpenedVersion, VersionKey
from etl_core.model.upload import Upload
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.upload_log.outcome import Failure, LoadWarning


@dataclass(frozen=True)
class BatchMember:
    """A pending upload that is ready for COPY. `version_id` is its ledger row's."""

    upload: Upload
    part: Part
    version_id: str
    warnings: tuple[LoadWarning, ...] = ()


@dataclass(frozen=True)
class RefusedMember:
    """A pending upload that its own load would reject, and why."""

    upload: Upload
    version_id: str | None
    failure: Failure


@dataclass(frozen=True)
class OpenedMembers:
    """What a load found out about the pending uploads beside its own one.

    `members` are ready for its COPYs. `refused` are rejected. `suspects` have a row that cannot be
    split into fields: COPY decides about them, without the others. `unfit`: the ids of all that only
    their own loads can load.
    """

    members: tuple[BatchMember, ...] = ()
    refused: tuple[RefusedMember, ...] = ()
    suspects: tuple[BatchMember, ...] = ()
    unfit: frozenset[str] = frozenset()

    def without_refusals(self) -> OpenedMembers:
        """Return the members only: what is refused now may be accepted later."""
        return OpenedMembers(self.members)


NO_MEMBERS = OpenedMembers()


@dataclass(frozen=True)
class _Opened:
    """A pending upload with its file, and the versions that its event may be about.

    `part.rows` is None for a suspect.
    """

    upload: Upload
    part: Part
    candidates: tuple[str, ...]
    warnings: tuple[LoadWarning, ...] = ()

    def with_repeat(self, repeated: LedgerRow | None) -> _Opened:
        """Return it with the warning of an upload that repeats an earlier one."""
        return replace(self, warnings=(*warnings_of_repeat(repeated), *self.warnings))


@dataclass
class _Sorting:
    """Sorts the opened uploads. Each gets a version of its own (LedgerView.version_of)."""

    view: LedgerView
    taken: set[VersionKey]
    members: list[BatchMember] = field(default_factory=list)
    suspects: list[BatchMember] = field(default_factory=list)
    refused: list[RefusedMember] = field(default_factory=list)

    def add(self, opened: _Opened | RefusedMember | None) -> None:
        if isinstance(opened, RefusedMember):
            self.refused.append(opened)
        elif opened is not None and (version := next(self._free(opened), None)) is not None:
            member = BatchMember(opened.upload, opened.part, version, opened.warnings)
            if opened.part.rows is None:
                self.suspects.append(member)
                return
            self.taken.add((opened.upload.key, version))
            self.members.append(member)

    def _free(self, opened: _Opened) -> Iterator[str]:
        """Yield the versions that no row and no other member has."""
        key = opened.upload.key
        is_held = opened.upload.version_id is None and "null" not in opened.candidates
        for each in opened.candidates:
            if (key, each) not in self.taken and not (is_held and self.view.holds(key, each)):
                yield each


def open_members(
    load: LoadContext,
    chosen: Sequence[PendingUpload],
    history: Sequence[LedgerRow],
    in_force: SchemaFile,
    view: LedgerView,
    own_version: str | None,
) -> OpenedMembers:
    """Open the chosen uploads. `own_version` is the version of the load's own upload."""
    sorting = _Sorting(view, {(load.upload.key, own_version or "")})

    for opened in in_threads(lambda each: _open(load, each, history, in_force, view), chosen):
        sorting.add(opened)
    settled = {each.upload for each in sorting.members} | {each.upload for each in sorting.refused}
    unfit = {each.upload.upload_id for each in chosen if each.upload not in settled}
    return OpenedMembers(
        tuple(sorting.members), tuple(sorting.refused), tuple(sorting.suspects), frozenset(unfit)
    )


def _open(
    load: LoadContext,
    pending: PendingUpload,
    history: Sequence[LedgerRow],
    in_force: SchemaFile,
    view: LedgerView,
) -> _Opened | RefusedMember | None:
    """Return the upload with its file; why it is refused; or None for one that only its own load can load."""
    upload, store = pending.upload, load.ports.store
    version_id = upload.version_id
    try:
        compression = compression_of(pending.key.file)
        opened = store.open(upload)
        version_id = opened.version.version_id
        if opened.version.size > MAX_FILE_BYTES:
            return None
        if opened.version.size == 0:
            raise InvalidDataFileError(EMPTY_FILE())
        own = replace(load, upload=upload, key=pending.key)
        repeated = find_repeat(own, view, opened.version)
        if repeated is not None and skips_repeats(history[0].schema_file):
            return None
        file = open_file(store, upload.upload_id, opened, compression)
        ready = _scanned(load, upload, opened, file, history, in_force)
        return ready if ready is None else ready.with_repeat(repeated)
    except MissingObjectError:  # an earlier load of it may have committed: its own load asks
        return None
    except RejectedError as error:
        if _folder(upload) != _folder(load.upload):  # another schema file may be on its way there
            return None
        return RefusedMember(upload, version_id, failure_of(error))
    except Exception:  # whatever another upload's file causes, this load goes on
        return None


def _folder(upload: Upload) -> tuple[str, str]:
    """Return how the key spells the database and the table. Names are in any case."""
    database, _, table_name, _ = upload.key.split("/", 3)
    return database, table_name


def _scanned(
    load: LoadContext,
    upload: Upload,
    opened: OpenedVersion,
    file: DataFile,
    history: Sequence[LedgerRow],
    in_force: SchemaFile,
) -> _Opened | None:
    """Return the upload, ready for COPY or a suspect. Raises RejectedError."""
    shape = shape_of(file, history)
    scan = _scan(load, file, shape, history, in_force)
    if scan is None:
        return None
    if scan.fault is not None:
        raise values_refused(scan.fault, scan.faults)
    part = Part(file, shape, scan.rows)
    if is_rewritten(part, scan):
        return None
    return _Opened(upload, part, opened.candidates, warnings_of_scan(scan.warnings))


def _scan(
    load: LoadContext,
    file: DataFile,
    shape: CopyShape,
    history: Sequence[LedgerRow],
    in_force: SchemaFile,
) -> Scan | None:
    """Return the scan; None for a file with rows to set aside, which its own load does.

    Raises ValuesRefusedError if they cannot be set aside.
    """
    store, at_arrival = load.ports.store, history[0].schema_file
    if at_arrival is not None and has_quarantine(shape):
        bad = find_bad(file, shape, at_arrival, store, load.deadline)
        check_limits(bad, shape.csv)
        part = Part(file, shape, None)
        return None if bad.count else scan_of_good(part, bad, at_arrival, in_force, store)
    return scan_small(file, shape, in_force)
