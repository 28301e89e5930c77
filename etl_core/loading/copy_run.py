"""The copy run: what one transaction deletes, copies, counts and verifies. Loads and replays use it.

A manifest names exactly the objects to load. Files of one shape share a COPY, if their numbers of
rows are known.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.sql.expression import Executable

from etl_core.csv_files.header import IGNORED
from etl_core.loading.data_file import CopyShape, Part, in_threads
from etl_core.loading.maintenance import is_large_change
from etl_core.loading.ports import ObjectStore, Transaction
from etl_core.model.function_settings import LoadSettings
from etl_core.model.work_bucket import MANIFESTS
from etl_core.sql import CopyCsv, CopySource

Note = Callable[[Executable], None]
"""Is called with each statement before it runs."""
Group = Sequence[Part]
"""Parts of one shape. The number of rows is known for every part, or there is only one part."""


@dataclass(frozen=True)
class GroupCopy:
    """One COPY, and the files that it loads. `is_combined`: it reads one file with the rows of all."""

    group: Group
    command: CopyCsv
    is_combined: bool = field(default=False, kw_only=True)

    @property
    def expected(self) -> int:
        """How many rows the files have, as far as it is known."""
        return sum(part.rows or 0 for part in self.group)

    def statement(self, *, refreshes: bool) -> Executable:
        """Return the statement that adds the rows to the table, and may refresh the statistics."""
        return self.command.refreshing() if refreshes else self.command

    def read_count(self, transaction: Transaction) -> int:
        """Return how many rows the statement added, right after it."""
        [count] = transaction.execute(sa.select(sa.func.pg_last_copy_count()))
        return int(count[0])

    @property
    def copies(self) -> Sequence[GroupCopy]:
        """Return the copies of this step: itself."""
        return (self,)

    def run(self, transaction: Transaction, note: Note, *, refreshes: bool) -> StepResult:
        """Add the rows to the table."""
        statement = self.statement(refreshes=refreshes)
        note(statement)
        transaction.execute(statement)
        return StepResult([(self, self.read_count(transaction))])

    def fill(self, staging: sa.Table, transaction: Transaction, note: Note) -> int:
        """Add the rows to an empty staging table instead, and return how many there are."""
        statement = CopyCsv(staging, self.command.columns, self.command.source)
        note(statement)
        transaction.execute(statement)
        return self.read_count(transaction)


@dataclass(frozen=True)
class KeysRefused:
    """A file whose keys do not identify its rows. `key`: its columns; `value`: one key, as the warehouse shows it.

    `is_empty`: the key has an empty text; otherwise several rows have it.
    """

    part: Part
    key: tuple[str, ...]
    value: tuple[str, ...]
    is_empty: bool


@dataclass(frozen=True)
class StepResult:
    """What a step did. `counts`: each COPY with its number of rows; `rows_replaced` by an upsert."""

    counts: Sequence[tuple[GroupCopy, int]]
    rows_replaced: int = 0
    refused: KeysRefused | None = None


class Step(Protocol):
    """A part of a copy run: what one or more COPYs do to the table."""

    @property
    def copies(self) -> Sequence[GroupCopy]:
        """Return the copies of the step."""
        ...

    def run(self, transaction: Transaction, note: Note, *, refreshes: bool) -> StepResult:
        """Change the table. Raises CopyRefusedError."""
        ...


@dataclass(frozen=True)
class Copied:
    """All files were copied, from the right versions. `counts`: each COPY with its number of rows.

    `rows_deleted` were in the table before; upserts replaced `rows_replaced`.
    """

    counts: Sequence[tuple[GroupCopy, int]]
    rows_deleted: int = 0
    rows_replaced: int = 0

    def rows_by_file(self) -> dict[str, int] | None:
        """Return the rows of each file, by upload id.

        Return None if a COPY of several files loaded another number of rows than counted: then the
        rows of each are uncertain.
        """
        rows: dict[str, int] = {}
        for copy, count in self.counts:
            if len(copy.group) == 1:
                rows[copy.group[0].file.upload_id] = count
            elif count != copy.expected:
                return None
            else:
                rows |= {part.file.upload_id: part.rows or 0 for part in copy.group}
        return rows


@dataclass(frozen=True)
class Overwritten:
    """Objects got another version while COPY read them, so it is unknown what was copied."""

    parts: Sequence[Part]


CopyResult = Copied | Overwritten | KeysRefused


@dataclass(frozen=True)
class CopyRun:
    """The statements of one transaction that change the table. Create it with `plan_copies`.

    `deletion` deletes all rows of the table; None if it keeps them. `steps` are in order.
    """

    store: ObjectStore
    settings: LoadSettings
    deletion: sa.Delete | None
    steps: Sequence[Step]

    @property
    def copies(self) -> list[GroupCopy]:
        """Return the copies of all steps."""
        return [copy for step in self.steps for copy in step.copies]

    @property
    def parts(self) -> list[Part]:
        """Return all files."""
        return [part for copy in self.copies for part in copy.group]

    def run(self, transaction: Transaction, note: Note = lambda _: None) -> CopyResult:
        """Delete, copy and count, then verify that each object still has the version to load.

        Raises CopyRefusedError.
        """
        deleted = replaced = 0
        if self.deletion is not None:
            note(self.deletion)
            deleted = transaction.change(self.deletion)
        refreshes = is_large_change(deleted, self.settings)
        counts: list[tuple[GroupCopy, int]] = []
        refused: KeysRefused | None = None
        for step in self.steps:
            # The last COPY reads all rows for the statistics: once is enough.
            is_last = step is self.steps[-1]
            result = step.run(transaction, note, refreshes=refreshes and is_last)
            counts += result.counts
            replaced += result.rows_replaced
            if (refused := result.refused) is not None:
                break
        if overwritten := self._overwritten():
            return Overwritten(overwritten)
        return refused or Copied(counts, deleted, replaced)

    def copy_of(self, statement: Executable | None) -> GroupCopy | None:
        """Return the copy that a noted statement runs; None if it is another statement."""
        source = statement.source if isinstance(statement, CopyCsv) else None
        return next((copy for copy in self.copies if copy.command.source == source), None)

    def _overwritten(self) -> list[Part]:
        """Return the files that COPY may have read from another version: it reads the current one,
        which must be the intended one throughout.
        """
        read = [part for copy in self.copies if not copy.is_combined for part in copy.group]
        unpinned = [part for part in read if not part.file.is_pinned]
        current = in_threads(lambda part: self.store.is_current(part.file.version), unpinned)
        return [part for part, is_current in zip(unpinned, current, strict=True) if not is_current]


def plan_copy(
    group: Group, target: sa.Table, settings: LoadSettings, store: ObjectStore
) -> GroupCopy:
    """Write the manifest of the group and return its COPY into the target."""
    manifest = write_manifest(store, [part.file.url for part in group])
    return GroupCopy(group, copy_command(group[0].shape, manifest, target, settings))


def deletion(target: sa.Table) -> sa.Delete:
    """Return the statement that deletes all rows.

    Never TRUNCATE: it commits, so readers would see an empty table, and a failed COPY would leave it
    empty.
    """
    return sa.delete(target)


def group_parts(parts: Sequence[Part]) -> list[Group]:
    """Return as few groups as possible, in the order of their first parts."""
    groups: dict[object, list[Part]] = {}
    for part in parts:
        key = (part.shape, part.key) if part.rows is not None else part.file.upload_id
        groups.setdefault(key, []).append(part)
    return list(groups.values())


def part_named(group: Group, file_name: str) -> Part | None:
    """Return the part that the load-error view names, or None if several match: the view may cut the name short."""
    if len(group) == 1:
        return group[0]
    matches = [part for part in group if file_name and part.file.url.startswith(file_name)]
    return matches[0] if len(matches) == 1 else None


def write_manifest(store: ObjectStore, urls: Sequence[str]) -> str:
    """Write the manifest of these objects and return its URL.

    COPY would read a key without a manifest as a prefix. The name is a digest of the content,
    because two attempts of one upload may load different files.
    """
    entries = [{"url": url, "mandatory": True} for url in urls]
    text = json.dumps({"entries": entries}, ensure_ascii=False).encode()
    return store.write_object(f"{MANIFESTS}{digest(text)}.json", text, "application/json")


def digest(content: bytes) -> str:
    """Return a name for an object with this content."""
    return hashlib.sha256(content).hexdigest()[:32]


def copy_command(
    shape: CopyShape, manifest_url: str, target: sa.Table, settings: LoadSettings
) -> CopyCsv:
    """Return the COPY of the files of a manifest into the target."""
    source = CopySource(
        manifest_url=manifest_url,
        role_arn=settings.copy_role_arn,
        compression=shape.compression,
        delimiter=shape.csv.delimiter,
        quote=shape.csv.quote,
        null_as=shape.csv.null_as,
        date_format=shape.csv.copy_date_format,
        time_format=shape.csv.copy_time_format,
        encoding=shape.csv.encoding,
        empty_as_null=shape.csv.empty_as_null,
        blank_as_null=shape.csv.blank_as_null,
        header_rows=0 if shape.csv.header == "none" else 1,
    )
    # A file with ignored columns is rewritten without them.
    columns = tuple(column for column in shape.columns if column != IGNORED)
    return CopyCsv(target, columns, source)
