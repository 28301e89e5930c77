"""The copy run: what one transaction deletes, copies, counts and verifies. Loads and replays use it.

A manifest names exactly the objects to load. Files of one shape share a COPY, if their numbers of
rows are known.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
from sqlalchemy.sql.expression import Executable

from etl_core.csv_files.header import IGNORED
from etl_core.loading.combined_file import combine
from etl_core.loading.data_file import CopyShape, Part, in_threads
from etl_core.loading.maintenance import is_large_change
from etl_core.loading.ports import ObjectStore, Transaction
from etl_core.model.function_settings import LoadSettings
from etl_core.model.table_ref import TableRef
from etl_core.model.work_bucket import COMBINED, MANIFESTS
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file
from etl_core.sql import CopyCsv, CopySource

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


@dataclass(frozen=True)
class Copied:
    """All files were copied, from the right versions. `counts`: each COPY with its number of rows."""

    counts: Sequence[tuple[GroupCopy, int]]
    rows_deleted: int = 0

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


CopyResult = Copied | Overwritten


@dataclass(frozen=True)
class CopyRun:
    """The statements of one transaction that change the table. Create it with `plan_copies`.

    `deletion` deletes the rows that the files replace; None if they are added.
    """

    store: ObjectStore
    settings: LoadSettings
    deletion: sa.Delete | None
    copies: Sequence[GroupCopy]

    @property
    def parts(self) -> list[Part]:
        """Return all files."""
        return [part for copy in self.copies for part in copy.group]

    def run(
        self, transaction: Transaction, note: Callable[[Executable], None] = lambda _: None
    ) -> CopyResult:
        """Delete, copy and count, then verify that each object still has the version to load.

        `note` is called with each statement before it runs. Raises CopyRefusedError.
        """
        deleted = 0
        if self.deletion is not None:
            note(self.deletion)
            deleted = transaction.change(self.deletion)
        refreshes = is_large_change(deleted, self.settings)
        counts = []
        for copy in self.copies:
            # The last COPY reads all rows for the statistics: once is enough.
            statement = copy.statement(refreshes=refreshes and copy is self.copies[-1])
            note(statement)
            transaction.execute(statement)
            counts.append((copy, copy.read_count(transaction)))
        overwritten = self._overwritten()
        return Overwritten(overwritten) if overwritten else Copied(counts, deleted)

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


def plan_copies(
    parts: Sequence[Part],
    table: TableRef,
    in_force: SchemaFile,
    settings: LoadSettings,
    store: ObjectStore,
    *,
    replaces_rows: bool,
    combines: bool,
) -> CopyRun:
    """Write the manifests and return the copy run of these files, with as few COPYs as possible.

    `combines`: many small files are first combined to one.
    """
    target = table_of_schema_file(in_force, table)
    copies = [
        (combines and _plan_combined(group, target, settings, store))
        or plan_copy(group, target, settings, store)
        for group in group_parts(parts)
    ]
    return CopyRun(store, settings, deletion(target) if replaces_rows else None, copies)


def plan_copy(
    group: Group, target: sa.Table, settings: LoadSettings, store: ObjectStore
) -> GroupCopy:
    """Write the manifest of the group and return its COPY into the target."""
    manifest = _write_manifest(store, [part.file.url for part in group])
    return GroupCopy(group, _copy_command(group[0].shape, manifest, target, settings))


def _plan_combined(
    group: Group, target: sa.Table, settings: LoadSettings, store: ObjectStore
) -> GroupCopy | None:
    """Write one file with the rows of all, and return its COPY; None if they cannot be combined."""
    content = combine(group)
    if content is None:
        return None
    url = store.write_object(f"{COMBINED}{_digest(content)}.csv", content, "text/csv")
    shape = replace(group[0].shape, compression=None)
    command = _copy_command(shape, _write_manifest(store, [url]), target, settings)
    return GroupCopy(group, command, is_combined=True)


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
        key = part.shape if part.rows is not None else part.file.upload_id
        groups.setdefault(key, []).append(part)
    return list(groups.values())


def part_named(group: Group, file_name: str) -> Part | None:
    """Return the part that the load-error view names, or None if several match: the view may cut the name short."""
    if len(group) == 1:
        return group[0]
    matches = [part for part in group if file_name and part.file.url.startswith(file_name)]
    return matches[0] if len(matches) == 1 else None


def _write_manifest(store: ObjectStore, urls: Sequence[str]) -> str:
    """Write the manifest of these objects and return its URL.

    COPY would read a key without a manifest as a prefix. The name is a digest of the content,
    because two attempts of one upload may load different files.
    """
    entries = [{"url": url, "mandatory": True} for url in urls]
    text = json.dumps({"entries": entries}, ensure_ascii=False).encode()
    return store.write_object(f"{MANIFESTS}{_digest(text)}.json", text, "application/json")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _copy_command(
    shape: CopyShape, manifest_url: str, target: sa.Table, settings: LoadSettings
) -> CopyCsv:
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
