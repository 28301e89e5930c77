"""What a load found out about other pending uploads while it loaded its own: which of them are refused, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import groupby

from etl_core.loading.batch_members import BatchMember, OpenedMembers
from etl_core.loading.copy_faults import FileAtFault, explain_member, try_copy
from etl_core.loading.copy_run import GroupCopy, plan_copy
from etl_core.loading.data_file import in_threads
from etl_core.loading.load_context import LoadContext, LoadResult, Trace
from etl_core.loading.messages import COPY_REFUSED
from etl_core.model.errors import CopyRefusedError, EtlError
from etl_core.model.status import Status
from etl_core.model.upload import Upload
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file
from etl_core.upload_log.outcome import LoadOutcome


@dataclass
class FoundMembers:
    """The findings of one load, through all its attempts."""

    load: LoadContext
    _refused: dict[Upload, LoadOutcome] = field(default_factory=dict)
    _suspects: dict[str, BatchMember] = field(default_factory=dict)
    _unfit: set[str] = field(default_factory=set)

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the uploads that need not be opened again."""
        return self.load.unfit.union(self._unfit, (each.upload_id for each in self._refused))

    def note(self, opened: OpenedMembers, trace: Trace) -> None:
        """Note what opening the pending uploads found. `trace` is that of the load's own upload."""
        for each in opened.refused:
            own = replace(trace, version_id=each.version_id, statements=())
            self._refused[each.upload] = own.refusal(Status.REJECTED, each.failure)
        self._suspects |= {each.upload.upload_id: each for each in opened.suspects}
        self._unfit |= opened.unfit

    def refuse(
        self,
        members: Sequence[BatchMember],
        copy: GroupCopy,
        faults: Sequence[FileAtFault],
        error: CopyRefusedError | None,
        trace: Trace,
        in_force: SchemaFile | None,
    ) -> None:
        """Note the members in which COPY refused rows. `error` is None after a trial, which raises none."""
        by_id = {each.upload.upload_id: each for each in members}

        def refuse(fault: FileAtFault) -> None:
            member = by_id[fault.part.file.upload_id]
            refusal = error or CopyRefusedError(COPY_REFUSED(reason=fault.lines[0].reason))
            explained = explain_member(self.load, copy, fault, refusal, in_force)
            status = Status.REJECTED if explained.is_of_file else Status.FAILED
            own = replace(trace, version_id=member.version_id, statements=())
            self._refused[member.upload] = own.refusal(status, explained.failure)

        in_threads(refuse, faults)

    def try_suspects(self, trace: Trace, in_force: SchemaFile | None) -> None:
        """Let a trial COPY decide about the suspects. What goes wrong here is left to their own loads."""
        if in_force is None:
            return
        target = table_of_schema_file(in_force, self.load.key.table)
        for members in self._groups():
            group = [each.part for each in members]
            with suppress(EtlError):
                copy = plan_copy(group, target, self.load.settings, self.load.ports.store)
                faults = try_copy(self.load, copy)
                self.refuse(members, copy, faults, None, trace, in_force)
        self._suspects.clear()

    def _groups(self) -> Iterator[Sequence[BatchMember]]:
        """Yield the suspects that one COPY can read."""
        shapes = list(dict.fromkeys(each.part.shape for each in self._suspects.values()))
        by_shape = sorted(self._suspects.values(), key=lambda each: shapes.index(each.part.shape))
        yield from (list(group) for _, group in groupby(by_shape, lambda each: each.part.shape))

    def added_to(self, result: LoadResult) -> LoadResult:
        """Return the result with the answers to the refused uploads."""
        found = result.with_others(tuple(self._refused.items()))
        return replace(found, unfit=self.ids)
