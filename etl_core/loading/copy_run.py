"""The copy run: the COPYs of one transaction, their manifests, and what a refused COPY means for the batch.

A manifest names exactly the objects to load. Files of one shape share a COPY, if their numbers of
rows are known.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import sqlalchemy as sa

from etl_core.csv_files.compression import decompressed
from etl_core.loading.copy_refusals import describe_refusal
from etl_core.loading.data_file import Part, in_threads
from etl_core.loading.load_context import LoadContext
from etl_core.loading.micro_batch import CopyBatch, CopyStrategy, RetryCopyError, name_file
from etl_core.loading.ports import ObjectStore, Transaction
from etl_core.model.errors import CopyRefusedError, LoadErrorLine, LoadFailedError
from etl_core.model.function_settings import LoadSettings
from etl_core.model.lake_key import Action
from etl_core.model.table_ref import TableRef
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file
from etl_core.sql import CopyCsv, CopySource
from etl_core.upload_log.outcome import Failure

Group = Sequence[Part]
"""Parts of one shape. The number of rows is known for every part, or there is only one part."""


def group_parts(parts: Sequence[Part]) -> list[Group]:
    """Return as few groups as possible, in the order of their first parts."""
    groups: dict[object, list[Part]] = {}
    for part in parts:
        key = part.shape if part.rows is not None else part.file.upload_id
        groups.setdefault(key, []).append(part)
    return list(groups.values())


def write_manifest(store: ObjectStore, group: Group) -> str:
    """Write the group's manifest and return its URL.

    COPY would read a key without a manifest as a prefix. The name is a digest of the content,
    because two attempts of one upload may load different files.
    """
    entries = [{"url": part.file.url, "mandatory": True} for part in group]
    text = json.dumps({"entries": entries}, ensure_ascii=False)
    return store.write_manifest(
        f"manifests/{hashlib.sha256(text.encode()).hexdigest()[:32]}.json", text
    )


def copy_command(
    group: Group, manifest_url: str, table: TableRef, in_force: SchemaFile, settings: LoadSettings
) -> CopyCsv:
    """Return the COPY of the group into the table."""
    shape = group[0].shape
    source = CopySource(
        manifest_url=manifest_url,
        role_arn=settings.copy_role_arn,
        compression=shape.compression,
        delimiter=shape.csv.delimiter,
        quote=shape.csv.quote,
        null_as=shape.csv.null_as,
        date_format=shape.csv.date_format,
        time_format=shape.csv.time_format,
        encoding=shape.csv.encoding,
    )
    return CopyCsv(table_of_schema_file(in_force, table), shape.columns, source)


def read_copied_rows(transaction: Transaction) -> int:
    """Return how many rows the session's last COPY loaded."""
    [count] = [int(row[0]) for row in transaction.execute(sa.select(sa.func.pg_last_copy_count()))]
    return count


def part_named(group: Group, file_name: str) -> Part | None:
    """Return the part that the load-error view names, or None if several match: the view may cut the name short."""
    if len(group) == 1:
        return group[0]
    matches = [part for part in group if file_name and part.file.url.startswith(file_name)]
    return matches[0] if len(matches) == 1 else None


@dataclass
class CopyRun:
    """The COPYs of one batch. `running` is the COPY that runs or was refused."""

    load: LoadContext
    batch: CopyBatch
    in_force: SchemaFile
    strategy: CopyStrategy
    running: tuple[Group, CopyCsv] | None = None

    def run(self, transaction: Transaction) -> int:
        """Delete the rows that a truncate replaces, copy all parts, and return the number of rows of the upload itself.

        Raises RetryCopyError if a file was overwritten during the copy, or if COPY loaded another
        number of rows than counted.
        """
        load = self.load
        if load.key.action is Action.TRUNCATE:
            # Never TRUNCATE: it commits, so readers would see an empty table, and a failed COPY
            # would leave it empty.
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
            # The rows per file are uncertain: a COPY per file counts them.
            raise RetryCopyError(replace(self.strategy, one_copy_per_file=True))
        return count

    def _check_versions(self) -> None:
        """Raise RetryCopyError if a file was overwritten: COPY reads the current version, which
        must be the intended one throughout.
        """
        unpinned = [part for part in self.batch.parts if not part.file.is_pinned]
        current = in_threads(
            lambda part: self.load.ports.store.is_current(part.file.version), unpinned
        )
        for part, is_current in zip(unpinned, current, strict=True):
            if not is_current:
                raise RetryCopyError(self._without(part))

    def _without(self, part: Part) -> CopyStrategy:
        if self.batch.is_member(part):
            return self.strategy.without(part.file.upload_id)
        return replace(self.strategy, pin=True)

    def explain(self, error: CopyRefusedError) -> Failure:
        """Return the failure of a COPY that refused rows of the upload, or of an append that a truncate loads again.

        Raises RetryCopyError if a member of the micro-batch is at fault (its own load reports it),
        or if the file is uncertain.
        """
        if self.running is None:
            raise error
        group, command = self.running
        part = group[0]
        if len(group) > 1:
            part, error.lines = self._at_fault(group, command, error.lines)
        if self.batch.is_member(part):
            raise RetryCopyError(self.strategy.without(part.file.upload_id))
        # Stop reading at the deadline: a reason without the value is better than no outcome.
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
        """Return the upload's own file, or one that a truncate loads again, that has refused rows, and these rows.

        COPY ends at the first bad row. A trial COPY names every file with bad rows, so that all bad
        members are left out at once. Raises RetryCopyError if only members are at fault, or if the
        file is uncertain.
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
            self.strategy.without(*at_fault)
            if at_fault
            else replace(self.strategy, one_copy_per_file=True)
        )
