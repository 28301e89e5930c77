"""Files that one COPY loads: a manifest that names exactly these objects, and the count of rows that must come out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from etl_core.lake_key import LakeKey
from etl_core.loading.data_file import CopyShape, DataFile
from etl_core.ports import ObjectStore
from etl_core.schema.schema_file import SchemaFile
from etl_core.schema.tables import table_of_schema_file
from etl_core.settings import LoadSettings
from etl_core.sql import CopyCsv, CopySource


@dataclass(frozen=True)
class Part:
    """A file with its shape, and its rows where they are known beforehand."""

    file: DataFile
    shape: CopyShape
    rows: int | None


Group = Sequence[Part]
"""Parts of one shape. The rows of all are known, or there is one part only."""


def group_parts(parts: Sequence[Part]) -> list[Group]:
    """As few groups as possible, in the order of their first parts."""
    groups: dict[object, list[Part]] = {}
    for part in parts:
        key = part.shape if part.rows is not None else part.file.upload_id
        groups.setdefault(key, []).append(part)
    return list(groups.values())


def write_manifest(store: ObjectStore, group: Group) -> str:
    """The manifest's URL. A bare key instead would be a prefix, and load its neighbours too.

    Its name is that of its content: two runs of one upload may go along with different files.
    """
    entries = [{"url": part.file.url, "mandatory": True} for part in group]
    text = json.dumps({"entries": entries}, ensure_ascii=False)
    return store.write_manifest(f"manifests/{hashlib.sha256(text.encode()).hexdigest()[:32]}.json", text)


def copy_command(
    group: Group, manifest_url: str, key: LakeKey, in_force: SchemaFile, settings: LoadSettings
) -> CopyCsv:
    """The COPY of the group into the key's table."""
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
    return CopyCsv(table_of_schema_file(in_force, key.schema, key.table), shape.columns, source)


def part_named(group: Group, file_name: str) -> Part | None:
    """The part that the load-error view names; it may hold the name cut short. None when several could be meant."""
    if len(group) == 1:
        return group[0]
    found = [part for part in group if file_name and part.file.url.startswith(file_name)]
    return found[0] if len(found) == 1 else None
