"""Which files a refused COPY means: COPY refuses all of its files for one bad row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from etl_core.csv_files.row_check import RowCheck
from etl_core.csv_files.scan import as_utf8
from etl_core.loading.copy_refusals import ExplainedCopy, describe_refusal
from etl_core.loading.copy_run import GroupCopy, part_named
from etl_core.loading.data_file import Part, decompressed_before
from etl_core.loading.file_scan import read_spec
from etl_core.loading.load_context import LoadContext
from etl_core.loading.micro_batch import CopyBatch, name_file
from etl_core.model.errors import CopyRefusedError, LoadErrorLine, LoadFailedError
from etl_core.schema_files.schema_file import SchemaFile


@dataclass(frozen=True)
class FileAtFault:
    """A file with refused rows: the upload's own, one that a truncate loads again, or a member of the
    micro-batch. `members` are the members that have refused rows too.
    """

    part: Part
    lines: tuple[LoadErrorLine, ...]
    members: tuple[FileAtFault, ...] = ()


@dataclass(frozen=True)
class MembersAtFault:
    """Only members of the micro-batch have refused rows."""

    faults: tuple[FileAtFault, ...]


@dataclass(frozen=True)
class UnknownFault:
    """The refusal does not say which of several files has the refused rows."""


CopyFault = FileAtFault | MembersAtFault | UnknownFault


def find_fault(
    load: LoadContext, batch: CopyBatch, copy: GroupCopy, error: CopyRefusedError
) -> CopyFault:
    """Return which files of a refused COPY have refused rows.

    COPY ends at the first bad row. A trial COPY names every file with bad rows, so that all bad
    members are left out at once.
    """
    if len(copy.group) == 1:
        [part] = copy.group
        if batch.is_member(part):
            return MembersAtFault((FileAtFault(part, error.lines),))
        return FileAtFault(part, error.lines)
    faults = _faults_of(copy, _refused_lines(load, copy, error))
    members = tuple(each for each in faults if batch.is_member(each.part))
    for fault in faults:
        if not batch.is_member(fault.part):
            return replace(fault, members=members)
    return MembersAtFault(members) if members else UnknownFault()


def try_copy(load: LoadContext, copy: GroupCopy) -> list[FileAtFault]:
    """Return the files in which a trial of the COPY finds refused rows. Raises LoadFailedError or RetryableError."""
    lines = load.ports.warehouse.try_copy(
        load.key.table.database, copy.command.trial(), load.seconds_left
    )
    return _faults_of(copy, lines)


def _faults_of(copy: GroupCopy, lines: Sequence[LoadErrorLine]) -> list[FileAtFault]:
    """Return the files that the lines name."""
    at_fault: dict[str, tuple[Part, list[LoadErrorLine]]] = {}
    for line in lines:
        part_at_fault = part_named(copy.group, line.file)
        if part_at_fault is not None:
            entry = at_fault.setdefault(part_at_fault.file.upload_id, (part_at_fault, []))
            entry[1].append(line)
    return [FileAtFault(part, tuple(lines)) for part, lines in at_fault.values()]


def explain(
    load: LoadContext,
    copy: GroupCopy,
    fault: FileAtFault,
    error: CopyRefusedError,
    in_force: SchemaFile | None,
) -> ExplainedCopy:
    """Return why a file of the upload's own load was refused."""
    refusal = explain_member(load, copy, fault, error, in_force)
    message = name_file(load, fault.part.file.version.key, refusal.failure.message)
    return replace(refusal, failure=replace(refusal.failure, message=message))


def explain_member(
    load: LoadContext,
    copy: GroupCopy,
    fault: FileAtFault,
    error: CopyRefusedError,
    in_force: SchemaFile | None,
) -> ExplainedCopy:
    """Return why a file was refused: what our own check finds in the refused rows, if they can be read in time."""
    file, shape = fault.part.file, fault.part.shape
    # Stop reading at the deadline: a reason without the value is better than no outcome.
    pieces: Iterable[bytes] = decompressed_before(load.deadline, file, load.ports.store)
    csv, lines, bad = shape.csv, fault.lines, fault.part.bad
    if bad is not None:
        pieces = bad.removed_from(as_utf8(pieces, csv), keeps_lines=True)
        csv = csv.model_copy(update={"encoding": "UTF8"})
        if len(shape.columns) == 1:
            lines = tuple(replace(each, line=bad.line_before(each.line)) for each in lines)
    refusal = CopyRefusedError(error.message, lines)
    check = None
    if in_force is not None:
        check = RowCheck(shape.columns, read_spec(shape, in_force), shape.header)
    return describe_refusal(refusal, pieces, shape.columns, csv, check)


def _refused_lines(
    load: LoadContext, copy: GroupCopy, error: CopyRefusedError
) -> Sequence[LoadErrorLine]:
    try:
        found = load.ports.warehouse.try_copy(
            load.key.table.database, copy.command.trial(), load.seconds_left
        )
    except LoadFailedError:
        return error.lines
    return found or error.lines
