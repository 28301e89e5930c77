"""The plan of a copy run: which steps load the files, with as few COPYs as their order allows.

Rows of appends are added in any order. An upsert replaces rows of the uploads before it, so it is
a step of its own, and the uploads keep their order around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import sqlalchemy as sa

from etl_core.loading.combined_file import combine
from etl_core.loading.copy_run import (
    CopyRun,
    Group,
    GroupCopy,
    Step,
    copy_command,
    deletion,
    digest,
    group_parts,
    plan_copy,
    write_manifest,
)
from etl_core.loading.data_file import Part
from etl_core.loading.keyed_rows import KeyedRows
from etl_core.loading.ports import ObjectStore
from etl_core.model.function_settings import LoadSettings
from etl_core.model.table_ref import TableRef
from etl_core.model.work_bucket import COMBINED
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file


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

    def plan(group: Group) -> GroupCopy:
        combined = _plan_combined(group, target, settings, store) if combines else None
        return combined or plan_copy(group, target, settings, store)

    steps = plan_steps(parts, plan, replaces_rows=replaces_rows)
    return CopyRun(store, settings, deletion(target) if replaces_rows else None, steps)


def plan_steps(
    parts: Sequence[Part], plan: Callable[[Group], GroupCopy], *, replaces_rows: bool
) -> list[Step]:
    """Return the steps that load the files, of which `plan` plans each group.

    With `replaces_rows`, the table is empty before them, and the files are in arrival order.
    Otherwise the first file is the upload's own; uploads that arrived after it but took effect
    before it follow it, or files that are added.
    """
    if not any(part.key for part in parts):
        return [plan(group) for group in group_parts(parts)]
    return list(_in_order(parts, plan)) if replaces_rows else [_late(parts, plan)]


def groups_in_order(parts: Sequence[Part]) -> Iterator[Group]:
    """Yield the files of each COPY into a table that is empty before them. An upsert has its own COPY."""
    for is_upsert, following in groupby(parts, lambda part: bool(part.key)):
        files = list(following)
        yield from ([part] for part in files) if is_upsert else group_parts(files)


def _in_order(parts: Sequence[Part], plan: Callable[[Group], GroupCopy]) -> Iterator[Step]:
    for group in groups_in_order(parts):
        key = group[0].key
        yield KeyedRows(plan(group), key) if key else plan(group)


def _late(parts: Sequence[Part], plan: Callable[[Group], GroupCopy]) -> KeyedRows:
    """Return the step of an upload before which others took effect that must take effect after it."""
    own, *later = parts
    upserts = [
        (plan(group), group[0].key) for group in group_parts([each for each in later if each.key])
    ]
    appends = [plan(group) for group in group_parts([each for each in later if not each.key])]
    return KeyedRows(plan([own]), own.key, is_new=True, upserts=upserts, appends=appends)


def _plan_combined(
    group: Group, target: sa.Table, settings: LoadSettings, store: ObjectStore
) -> GroupCopy | None:
    """Write one file with the rows of all, and return its COPY; None if they cannot be combined."""
    content = combine(group)
    if content is None:
        return None
    url = store.write_object(f"{COMBINED}{digest(content)}.csv", content, "text/csv")
    shape = replace(group[0].shape, compression=None)
    command = copy_command(shape, write_manifest(store, [url]), target, settings)
    return GroupCopy(group, command, is_combined=True)
