"""Loading a data file: append, or replace in one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterator

import sqlalchemy as sa

from etl_core.attempt import Load
from etl_core.csv_header import compression_of, decompressed, match_header, read_header
from etl_core.errors import (
    ActionNotAllowedError,
    CopyRefusedError,
    EtlError,
    InvalidDataFileError,
    MissingTableError,
    NoSchemaError,
    SchemaNotReadyError,
)
from etl_core.lake_key import Action
from etl_core.ledger import LedgerRow, Proceed, decide, insert_row, ledger_table, parse_row, select_relevant
from etl_core.load_errors import describe_refusal
from etl_core.log import LoadOutcome, Status
from etl_core.ports import StoredVersion, Transaction
from etl_core.schema_file import CsvOptions, SchemaFile
from etl_core.sql import CopyCsv, CopySource, LockTable
from etl_core.tables import table_of_schema_file


class _OverwrittenError(Exception):
    """The object got another version while COPY read it."""


class MissingLedgerError(Exception):
    """The target has no ledger: no schema file was ever accepted for it."""


def load_data(load: Load) -> LoadOutcome:
    """Appends the file, or replaces the table's rows by it. Raises RejectedError, LoadFailedError or RetryableError."""
    compression = compression_of(load.key.file)
    version = load.ports.store.find_version(load.upload)
    load.version_id = version.version_id
    if version.size == 0:
        raise InvalidDataFileError("the file is empty (0 bytes): its first row must name the table's columns")
    try:
        return _attempt(load, version, compression)
    except _OverwrittenError:
        return _attempt(load, version, compression, pinned=True)
    except MissingLedgerError:
        raise _without_schema(load) from None


def read_ledger(transaction: Transaction, ledger: sa.Table, load: Load) -> list[LedgerRow]:
    """Locks the target's ledger, then reads what decides about the upload. Raises MissingLedgerError."""
    try:
        # First statement of the transaction: the lock must precede the snapshot, or waiting for it ends in error 1023.
        transaction.execute(LockTable(ledger))
    except MissingTableError:
        raise MissingLedgerError from None
    return [parse_row(row) for row in transaction.execute(select_relevant(ledger, load.upload))]


def _attempt(load: Load, version: StoredVersion, compression: str | None, *, pinned: bool = False) -> LoadOutcome:
    store, head = load.ports.store, _Head(load.ports.store.read(version))
    load.statements.clear()
    manifest, pinned = _write_manifest(load, version, pinned=pinned or not version.is_current)
    ledger, csv, command = ledger_table(load.key), CsvOptions(), None
    try:
        with load.ports.warehouse.transaction(load.key.database, load.seconds_left) as transaction:
            decision = decide(read_ledger(transaction, ledger, load), load.upload, load.key.action)
            if not isinstance(decision, Proceed):
                return load.outcome_without_effect(decision)
            spec = _check_action(load, decision.in_force)
            csv = spec.csv
            command = _copy_command(load, head, manifest, compression, spec)
            if load.key.action is Action.TRUNCATE:
                # Never TRUNCATE: it commits, so that a reader would find the table empty, and a failed COPY would leave it so.
                load.run(transaction, sa.delete(command.table))
            load.run(transaction, command)
            [(count,)] = transaction.execute(sa.select(sa.func.pg_last_copy_count()))
            if not pinned and not store.is_current(version):
                raise _OverwrittenError
            row = load.row(Status.LOADED, int(count))
            transaction.execute(insert_row(ledger, row))
    except CopyRefusedError as error:
        pieces = decompressed(store.read(version), compression)
        return load.refusal(Status.FAILED, describe_refusal(error, pieces, command.columns if command else (), csv))
    return load.outcome(row)


def _check_action(load: Load, spec: SchemaFile | None) -> SchemaFile:
    if spec is None:
        raise MissingLedgerError
    load.schema_version, load.table_exists = spec.schema_version, True
    if load.key.action not in spec.allowed_operations:
        raise ActionNotAllowedError(
            f"the action {load.key.action} is not allowed for {load.key.target}: the schema in force (version {spec.schema_version}) "
            f"allows {', '.join(spec.allowed_operations) or 'none'}; use one of these, or upload a schema file that lists {load.key.action}"
        )
    return spec


def _without_schema(load: Load) -> EtlError:
    key = load.key
    load.table_exists = False
    if load.ports.store.has_schema_file(key.database, key.schema, key.table):
        return SchemaNotReadyError(
            f"no schema is in force for {key.target} in {key.database}, though a schema file for it lies in the lake: it is "
            "not applied yet, or it was refused. See the log of its upload; correct it, then upload this file again"
        )
    return NoSchemaError(
        f"no schema is in force for {key.target} in {key.database}: upload a schema file to "
        f"{key.database}/schema/{key.table if key.schema == 'public' else key.target}/schema.json first, then this file again"
    )


def _copy_command(load: Load, head: _Head, manifest: str, compression: str | None, spec: SchemaFile) -> CopyCsv:
    table = table_of_schema_file(spec, load.key.schema, load.key.table)
    csv = spec.csv
    source = CopySource(
        manifest_url=manifest,
        role_arn=load.settings.copy_role_arn,
        compression=compression,
        delimiter=csv.delimiter,
        quote=csv.quote,
        null_as=csv.null_as,
        date_format=csv.date_format,
        time_format=csv.time_format,
        encoding=csv.encoding,
    )
    return CopyCsv(table, _match(head, compression, spec), source)


def _match(head: _Head, compression: str | None, spec: SchemaFile) -> tuple[str, ...]:
    expected = [column.name for column in spec.columns if column.identity is None]
    optional = []
    if spec.csv.missing_columns == "default":
        optional = [column.name for column in spec.columns if column.nullable or column.default is not None]
    return match_header(read_header(head, compression, spec.csv), expected, optional)


def _write_manifest(load: Load, version: StoredVersion, *, pinned: bool) -> tuple[str, bool]:
    """A manifest that names exactly one object: a bare key would be a prefix, and load its neighbours too."""
    store, name = load.ports.store, load.upload.upload_id
    url = store.pin(version, f"pinned/{name}") if pinned else f"s3://{version.bucket}/{version.key}"
    text = json.dumps({"entries": [{"url": url, "mandatory": True}]}, ensure_ascii=False)
    return store.write_manifest(f"manifests/{name}{'-pinned' if pinned else ''}.json", text), pinned


class _Head:
    """The file's first bytes, read before the transaction opens, and the rest on demand."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._first = next(chunks, b"")

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        yield from self._chunks
