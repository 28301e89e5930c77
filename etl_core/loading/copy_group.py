"""Files that one COPY loads: a manifest that names exactly these objects, and the count of rows that must come out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from etl_core.csv_files.compression import compression_of
from etl_core.loading.data_file import CopyShape, DataFile, open_file, shape_of
from etl_core.loading.ledger import LedgerRow, schema_history
from etl_core.loading.ports import ObjectStore, Transaction
from etl_core.model.function_settings import LoadSettings
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import Upload
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file
from etl_core.sql import CopyCsv, CopySource


@dataclass(frozen=True)
class Part:
    """A file with its shape, and its rows where they are known beforehand."""

    file: DataFile
    shape: CopyShape
    rows: int | None


def open_row(
    store: ObjectStore, bucket: str, row: LedgerRow, rows: Sequence[LedgerRow], *, pin: bool = False
) -> Part:
    """The file of an upload that took effect, to be loaded again; `rows` has the table's schema files. Raises RejectedError."""
    upload = Upload(bucket, row.s3_key, row.version_id, "", None, row.sequencer, row.landed_at)
    file = open_file(
        store, row.upload_id, store.find_version(upload), compression_of(row.s3_key), pin=pin
    )
    return Part(file, shape_of(file, schema_history(rows, upload)), row.rows_loaded)


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
    return store.write_manifest(
        f"manifests/{hashlib.sha256(text.encode()).hexdigest()[:32]}.json", text
    )


def copy_command(
    group: Group, manifest_url: str, table: TableRef, in_force: SchemaFile, settings: LoadSettings
) -> CopyCsv:
    """The COPY of the group into the table."""
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
    """How many rows the transaction's last COPY loaded."""
    [count] = [int(row[0]) for row in transaction.execute(sa.select(sa.func.pg_last_copy_count()))]
    return count


def part_named(group: Group, file_name: str) -> Part | None:
    """The part that the load-error view names; it may hold the name cut short. None when several could be meant."""
    if len(group) == 1:
        return group[0]
    found = [part for part in group if file_name and part.file.url.startswith(file_name)]
    return found[0] if len(found) == 1 else None
