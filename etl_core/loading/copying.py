"""Copying a batch within the load's transaction, and what a refused COPY means for the batch."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import sqlalchemy as sa

from etl_core.csv_files.compression import decompressed
from etl_core.loading.copy_batch import CopyBatch, CopyStrategy, RetryCopyError, name_file
from etl_core.loading.copy_group import (
    Group,
    Part,
    copy_command,
    group_parts,
    part_named,
    read_copied_rows,
    write_manifest,
)
from etl_core.loading.copy_refusals import describe_refusal
from etl_core.loading.data_file import in_threads
from etl_core.loading.load_context import LoadContext
from etl_core.loading.ports import Transaction
from etl_core.model.errors import CopyRefusedError, LoadErrorLine, LoadFailedError
from etl_core.model.lake_key import Action
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file
from etl_core.sql import CopyCsv
from etl_core.upload_log.outcome import Failure


@dataclass
class Copying:
    """The COPYs of one batch; `running` is the one under way."""

    load: LoadContext
    batch: CopyBatch
    in_force: SchemaFile
    strategy: CopyStrategy
    running: tuple[Group, CopyCsv] | None = None

    def run(self, transaction: Transaction) -> int:
        """Deletes what a truncate replaces, then copies all; the rows of the upload itself.

        Raises RetryCopyError when a file was overwritten meanwhile, or when the counts do not come out as they were counted.
        """
        load = self.load
        if load.key.action is Action.TRUNCATE:
            # Never TRUNCATE: it commits, so that a reader would find the table empty, and a failed COPY would leave it so.
            load.run(transaction, sa.delete(table_of_schema_file(self.in_force, load.key.table)))
        counts = [self._copy(transaction, group) for group in group_parts(self.batch.parts)]
        self._check_versions()
        return counts[0] if self.batch.own.rows is None else self.batch.own.rows

    def _copy(self, transaction: Transaction, group: Group) -> int:
        load = self.load
        command = copy_command(
            group,
            write_manifest(load.ports.store, group),
            load.key.table,
            self.in_force,
            load.settings,
        )
        self.running = group, command
        load.run(transaction, command)
        count = read_copied_rows(transaction)
        if len(group) > 1 and count != sum(part.rows or 0 for part in group):
            # The rows of the single files are not certain: each is to have a COPY of its own, which counts them.
            raise RetryCopyError(replace(self.strategy, alone=True))
        return count

    def _check_versions(self) -> None:
        """What COPY read was the current version; it must have been the one that is meant from beginning to end."""
        loose = [part for part in self.batch.parts if not part.file.is_pinned]
        current = in_threads(
            lambda part: self.load.ports.store.is_current(part.file.version), loose
        )
        for part, is_current in zip(loose, current, strict=True):
            if not is_current:
                raise RetryCopyError(self._without(part))

    def _without(self, part: Part) -> CopyStrategy:
        if self.batch.is_member(part):
            return self.strategy.without(part.file.upload_id)
        return replace(self.strategy, pin=True)

    def explain(self, error: CopyRefusedError) -> Failure:
        """The log's failure for a COPY that refused rows of the upload, or of one that a truncate loads again.

        Raises RetryCopyError when a member is at fault, which its own run will answer, or when it is not certain whose row it was.
        """
        if self.running is None:
            raise error
        group, command = self.running
        part = group[0]
        if len(group) > 1:
            part, error.lines = self._at_fault(group, command, error.lines)
        if self.batch.is_member(part):
            raise RetryCopyError(self.strategy.without(part.file.upload_id))
        # No longer than the time there is: the reason without the value is worth more than no answer.
        load, file = self.load, part.file
        chunks = takewhile(
            lambda _: time.monotonic() < load.deadline, load.ports.store.read(file.version)
        )
        pieces = decompressed(chunks, file.compression)
        failure = describe_refusal(error, pieces, command.columns, command.source)
        return replace(failure, message=name_file(load, file.version.key, failure.message))

    def _at_fault(
        self, group: Group, command: CopyCsv, known: Sequence[LoadErrorLine]
    ) -> tuple[Part, tuple[LoadErrorLine, ...]]:
        """Of several files the one that the upload is answered with, and its refused rows.

        COPY ends at the first bad row: a trial names every file that has some, so that each bad member is left out at once.
        """
        load = self.load
        try:
            lines = (
                load.ports.warehouse.try_copy(
                    load.key.table.database, command.trial(), load.seconds_left
                )
                or known
            )
        except LoadFailedError:
            lines = known
        at_fault: dict[str, tuple[Part, list[LoadErrorLine]]] = {}
        for line in lines:
            part = part_named(group, line.file)
            if part is not None:
                at_fault.setdefault(part.file.upload_id, (part, []))[1].append(line)
        for part, its_lines in at_fault.values():
            if not self.batch.is_member(part):
                return part, tuple(its_lines)
        raise RetryCopyError(
            self.strategy.without(*at_fault) if at_fault else replace(self.strategy, alone=True)
        )
