"""Loading a data file: append, or replace in one transaction."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

import sqlalchemy as sa

from etl_core.attempt import Load
from etl_core.catalog import select_table
from etl_core.csv_header import compression_of, decompressed, match_columns, read_header
from etl_core.drift import check_drift
from etl_core.errors import (
    ActionNotAllowedError,
    CopyRefusedError,
    EtlError,
    InvalidDataFileError,
    MissingTableError,
    NoSchemaError,
    RejectedError,
    SchemaNotReadyError,
)
from etl_core.lake_key import Action, LakeKey
from etl_core.ledger import (
    LedgerRow,
    Proceed,
    appends_since,
    decide,
    insert_row,
    ledger_table,
    parse_row,
    select_relevant,
)
from etl_core.load_errors import describe_refusal
from etl_core.log import LoadOutcome, Status
from etl_core.ports import StoredVersion, Transaction
from etl_core.schema_file import SchemaFile
from etl_core.sql import CopyCsv, CopySource, LockTable
from etl_core.tables import table_of_schema_file
from etl_core.upload import Upload


class _OverwrittenError(Exception):
    """The object got another version while COPY read it."""


class MissingLedgerError(Exception):
    """The target has no ledger: no schema file was ever accepted for it."""


@dataclass(frozen=True)
class _File:
    """One object ready for COPY. `is_pinned`: the manifest names a copy that nobody overwrites."""

    version: StoredVersion
    compression: str | None
    head: _Head
    manifest: str
    is_pinned: bool


def load_data(load: Load) -> LoadOutcome:
    """Appends the file, or replaces the table's rows by it. Raises RejectedError, LoadFailedError or RetryableError."""
    compression = compression_of(load.key.file)
    version = load.ports.store.find_version(load.upload)
    load.version_id = version.version_id
    if version.size == 0:
        raise InvalidDataFileError("the file is empty (0 bytes): its first row must name the table's columns")
    upload_id = load.upload.upload_id
    try:
        try:
            return _attempt(load, _prepare(load, version, upload_id, compression))
        except _OverwrittenError:
            return _attempt(load, _prepare(load, version, upload_id, compression, pin=True), pin=True)
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


def _attempt(load: Load, file: _File, *, pin: bool = False) -> LoadOutcome:
    load.statements.clear()
    running: list[tuple[_File, CopyCsv]] = []
    try:
        with load.ports.warehouse.transaction(load.key.database, load.seconds_left) as transaction:
            rows = read_ledger(transaction, ledger_table(load.key), load)
            decision = decide(rows, load.upload, load.key.action)
            if not isinstance(decision, Proceed):
                return load.outcome_without_effect(decision)
            spec = _check_action(load, decision.in_force)
            _check_table(load, transaction, spec)
            later = [_prepare_later(load, row, pin=pin) for row in appends_since(rows, load.upload, load.key.action)]
            row = load.row(Status.LOADED, _copy(load, transaction, [file, *later], spec, running))
            transaction.execute(insert_row(ledger_table(load.key), row))
    except CopyRefusedError as error:
        refused, command = running[-1]
        # No longer than the time there is: the reason without the value is worth more than no answer.
        chunks = takewhile(lambda _: time.monotonic() < load.deadline, load.ports.store.read(refused.version))
        pieces = decompressed(chunks, refused.compression)
        failure = describe_refusal(error, pieces, command.columns, command.source)
        return load.refusal(Status.FAILED, replace(failure, message=_name_file(load, refused, failure.message)))
    except MissingTableError as error:
        load.table_exists = False
        raise MissingTableError(
            f"{error.message}: the table {load.key.target} was dropped after its schema had been applied. "
            "Upload its schema file again, which creates it, then this file"
        ) from error
    return load.outcome(row)


def _name_file(load: Load, file: _File, message: str) -> str:
    """The message, with the file it is about where that is not the upload itself."""
    if file.version.key == load.upload.key:
        return message
    return f"{file.version.key!r}, which landed after this {load.key.action} and is loaded again behind it: {message}"


def _copy(
    load: Load, transaction: Transaction, files: list[_File], spec: SchemaFile, running: list[tuple[_File, CopyCsv]]
) -> int:
    """Copies the files in order; the rows of the first. `running` ends with the COPY that is under way."""
    commands = []
    for file in files:
        try:
            commands.append(_copy_command(load, file, spec))
        except RejectedError as error:
            raise type(error)(_name_file(load, file, error.message), error.details) from None
    if load.key.action is Action.TRUNCATE:
        # Never TRUNCATE: it commits, so that a reader would find the table empty, and a failed COPY would leave it so.
        load.run(transaction, sa.delete(commands[0].table))
    counts = []
    for pair in zip(files, commands, strict=True):
        running.append(pair)
        load.run(transaction, pair[1])
        counts += [int(count) for (count,) in transaction.execute(sa.select(sa.func.pg_last_copy_count()))]
    if not all(file.is_pinned or load.ports.store.is_current(file.version) for file in files):
        raise _OverwrittenError
    return counts[0]


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


def _check_table(load: Load, transaction: Transaction, spec: SchemaFile) -> None:
    rows = transaction.execute(select_table(load.key.schema, load.key.table))
    check_drift(rows, spec, load.key.schema, load.key.table)


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


def _copy_command(load: Load, file: _File, spec: SchemaFile) -> CopyCsv:
    table = table_of_schema_file(spec, load.key.schema, load.key.table)
    csv = spec.csv
    source = CopySource(
        manifest_url=file.manifest,
        role_arn=load.settings.copy_role_arn,
        compression=file.compression,
        delimiter=csv.delimiter,
        quote=csv.quote,
        null_as=csv.null_as,
        date_format=csv.date_format,
        time_format=csv.time_format,
        encoding=csv.encoding,
    )
    return CopyCsv(table, _match(file.head, file.compression, spec), source)


def _match(head: _Head, compression: str | None, spec: SchemaFile) -> tuple[str, ...]:
    return match_columns(read_header(head, compression, spec.csv), spec)


def _prepare(
    load: Load, version: StoredVersion, upload_id: str, compression: str | None, *, pin: bool = False
) -> _File:
    """Writes a manifest that names exactly one object: a bare key would be a prefix, and load its neighbours too."""
    store, is_pinned = load.ports.store, pin or not version.is_current
    url = store.pin(version, f"pinned/{upload_id}") if is_pinned else f"s3://{version.bucket}/{version.key}"
    text = json.dumps({"entries": [{"url": url, "mandatory": True}]}, ensure_ascii=False)
    manifest = store.write_manifest(f"manifests/{upload_id}{'-pinned' if is_pinned else ''}.json", text)
    return _File(version, compression, _Head(store.read(version)), manifest, is_pinned)


def _prepare_later(load: Load, row: LedgerRow, *, pin: bool) -> _File:
    """An append that was loaded before this truncate, though it landed after it: it is loaded again, behind the truncate."""
    upload = Upload(load.upload.bucket, row.s3_key, row.version_id, "", None, row.sequencer, row.landed_at)
    compression = compression_of(LakeKey.parse(row.s3_key, load.settings.databases).file)
    return _prepare(load, load.ports.store.find_version(upload), row.upload_id, compression, pin=pin)


class _Head:
    """The file's first bytes, read before the transaction opens, and the rest on demand."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._first = next(chunks, b"")

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        yield from self._chunks
