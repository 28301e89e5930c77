"""The ledger: one small table per target table, in its own schema.

The ledger decides about an upload; the log only reports. A ledger row is written in the transaction
that changes the target, so both exist or neither does.
"""

from __future__ import annotations

import base64
import hashlib
import reprlib
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.schema import CreateSchema, CreateTable, ExecutableDDLElement

from etl_core.loading.messages import (
    LEDGER_ROW_DAMAGED,
    LEDGER_ROW_FAULT,
    SCHEMA_FILE_TOO_LARGE_FOR_LEDGER,
)
from etl_core.model.errors import DamagedLedgerError, EtlError, InvalidSchemaFileError
from etl_core.model.lake_key import Action
from etl_core.model.names import LEDGER_SCHEMA, MAX_IDENTIFIER_BYTES
from etl_core.model.status import Status
from etl_core.model.table_ref import TableRef
from etl_core.model.times import CLOCK_SKEW
from etl_core.model.upload import Upload, identity, padded_sequencer
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.sql import identifier

T = TypeVar("T")
_PACKED = "zlib:"
_TEXT_BYTES = 65535


@dataclass(frozen=True)
class LedgerRow:
    """One upload that took effect, or a superseded schema file.

    Times are UTC; `rows_loaded` is None for a schema file.
    """

    upload_id: str
    action: Action
    landed_at: datetime
    sequencer: str
    s3_key: str
    version_id: str
    status: Status
    rows_loaded: int | None
    loaded_at: datetime
    schema_file: SchemaFile | None

    @property
    def order(self) -> tuple[datetime, str, str]:
        """Return the place in arrival order, comparable with Upload.order."""
        return self.landed_at, padded_sequencer(self.sequencer), self.s3_key


@dataclass(frozen=True)
class Duplicate:
    """The ledger already holds the upload."""

    row: LedgerRow


@dataclass(frozen=True)
class Superseded:
    """The later upload `by` took effect and makes this upload void."""

    by: LedgerRow


@dataclass(frozen=True)
class Proceed:
    """The upload may take effect.

    `history` holds the schema rows from the upload's arrival until now; it is empty without a
    schema. A data file is read by the schema that was in force when it arrived, even if a later
    schema file took effect first.
    """

    history: tuple[LedgerRow, ...]

    @property
    def schema_at_arrival(self) -> SchemaFile | None:
        """Return the schema by which the upload is read."""
        return self.history[0].schema_file if self.history else None

    @property
    def in_force(self) -> SchemaFile | None:
        """Return the schema that the table has now."""
        return self.history[-1].schema_file if self.history else None


Decision = Duplicate | Superseded | Proceed


def ledger_name(table: TableRef) -> str:
    """Return the name of a table's ledger: `schema__table`, with a digest where that is ambiguous or too long."""
    schema, name = table.schema, table.name
    plain = f"{schema}__{name}"
    unambiguous = (
        "__" not in schema
        and "__" not in name
        and not schema.endswith("_")
        and not name.startswith("_")
    )
    if unambiguous and len(plain) <= MAX_IDENTIFIER_BYTES:
        return plain
    digest = hashlib.sha256(str(table).encode()).hexdigest()[:10]
    return f"{plain[: MAX_IDENTIFIER_BYTES - 12]}__{digest}"


def ledger_table(table: TableRef) -> sa.Table:
    """Return the ledger of a table."""
    return ledger_named(ledger_name(table))


def ledger_named(name: str) -> sa.Table:
    """Return the ledger with this name."""
    return sa.Table(
        identifier(name),
        sa.MetaData(),
        sa.Column(identifier("upload_id"), sa.VARCHAR(32), nullable=False),
        sa.Column(identifier("action"), sa.VARCHAR(16), nullable=False),
        sa.Column(identifier("landed_at"), sa.TIMESTAMP(), nullable=False),
        sa.Column(identifier("sequencer"), sa.VARCHAR(64), nullable=False),
        sa.Column(identifier("s3_key"), sa.VARCHAR(1024), nullable=False),
        sa.Column(identifier("version_id"), sa.VARCHAR(1024), nullable=False),
        sa.Column(identifier("status"), sa.VARCHAR(16), nullable=False),
        sa.Column(identifier("rows_loaded"), sa.BIGINT()),
        sa.Column(identifier("loaded_at"), sa.TIMESTAMP(), nullable=False),
        sa.Column(identifier("schema_file"), sa.VARCHAR(_TEXT_BYTES)),
        schema=identifier(LEDGER_SCHEMA),
    )


def ledger_row(
    upload: Upload,
    action: Action,
    version_id: str,
    status: Status,
    rows_loaded: int | None,
    loaded_at: datetime,
) -> LedgerRow:
    """Return the row of an upload that takes effect, without a schema file."""
    return LedgerRow(
        upload_id=upload.upload_id,
        action=action,
        landed_at=upload.landed_at,
        sequencer=upload.sequencer,
        s3_key=upload.key,
        version_id=version_id,
        status=status,
        rows_loaded=rows_loaded,
        loaded_at=loaded_at,
        schema_file=None,
    )


def create_ledger_statements(ledger: sa.Table) -> tuple[ExecutableDDLElement, ...]:
    """Return the statements that create the ledger if it does not exist."""
    return CreateSchema(identifier(LEDGER_SCHEMA), if_not_exists=True), CreateTable(
        ledger, if_not_exists=True
    )


def select_relevant(
    ledger: sa.Table, upload: Upload, version_id: str | None = None, others: Iterable[Upload] = ()
) -> sa.Select[Any]:
    """Select the rows that decide about the upload and `others`: their own rows, later arrivals, and schema files.

    The result is small even if the ledger is large. `version_id` is the version found in S3, for an
    event without one.
    """
    columns = ledger.columns
    since = min(each.landed_at for each in (upload, *others)) - CLOCK_SKEW
    version = upload.version_id or version_id or ""
    return sa.select(ledger).where(
        sa.or_(
            columns.upload_id == upload.upload_id,
            columns.landed_at >= _without_zone(since),
            columns.action == str(Action.SCHEMA),
            sa.and_(columns.s3_key == upload.key, columns.version_id == version),
        )
    )


def insert_rows(ledger: sa.Table, rows: Sequence[LedgerRow]) -> sa.Insert:
    """Return one INSERT for all rows."""
    return sa.insert(ledger).values([_values(row) for row in rows])


def _values(row: LedgerRow) -> dict[str, Any]:
    return {
        "upload_id": row.upload_id,
        "action": str(row.action),
        "landed_at": _without_zone(row.landed_at),
        "sequencer": row.sequencer[:64],
        "s3_key": row.s3_key,
        "version_id": row.version_id,
        "status": str(row.status),
        "rows_loaded": row.rows_loaded,
        "loaded_at": _without_zone(row.loaded_at),
        "schema_file": None if row.schema_file is None else _pack(row.schema_file.to_json()),
    }


def parse_row(row: sa.Row[Any]) -> LedgerRow:
    """Return a row of select_relevant as a LedgerRow.

    Raises DamagedLedgerError, which names the column: other tools can write to a ledger.
    """
    values: Any = row._mapping
    return LedgerRow(
        upload_id=_field(values, "upload_id", _text),
        action=_field(values, "action", Action),
        landed_at=_field(values, "landed_at", _utc),
        sequencer=_field(values, "sequencer", _text),
        s3_key=_field(values, "s3_key", _text),
        version_id=_field(values, "version_id", _text),
        status=_field(values, "status", Status),
        rows_loaded=_field(values, "rows_loaded", _count),
        loaded_at=_field(values, "loaded_at", _utc),
        schema_file=_field(values, "schema_file", _schema_file),
    )


def _field(values: Mapping[str, Any], column: str, parse: Callable[[Any], T]) -> T:
    try:
        return parse(values[column])
    # whatever the parser of a schema file meets in a text that it did not write
    except (
        ArithmeticError,
        AttributeError,
        EtlError,
        LookupError,
        TypeError,
        ValueError,
        zlib.error,
    ):
        fault = LEDGER_ROW_FAULT(
            key=values.get("s3_key"),
            upload_id=values.get("upload_id"),
            column=column,
            value=reprlib.repr(values.get(column)),
        )
        raise DamagedLedgerError(LEDGER_ROW_DAMAGED(fault=fault), [fault]) from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _count(value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or value < 0):
        raise TypeError
    return value


def _utc(value: Any) -> datetime:
    time: datetime = value.replace(tzinfo=UTC)
    return time


def _schema_file(text: Any) -> SchemaFile | None:
    return None if text is None else SchemaFile.from_json(_unpack(text))


def decide(
    rows: Sequence[LedgerRow], upload: Upload, action: Action, version_id: str | None = None
) -> Decision:
    """Decide about the upload from the rows of select_relevant.

    `version_id` is the version found in S3, for an event without one.
    """
    for row in rows:
        if row.upload_id == upload.upload_id or _is_same_version(row, upload, version_id):
            return Duplicate(row)
    void_after = Action.SCHEMA if action is Action.SCHEMA else Action.TRUNCATE
    later = [row for row in rows if row.action is void_after and row.order > upload.order]
    if later:
        return Superseded(min(later, key=lambda row: row.order))
    return Proceed(schema_history(rows, upload))


def _is_same_version(row: LedgerRow, upload: Upload, found_version: str | None) -> bool:
    """Return whether the row is about the same version, where one of the two events had no version id.

    Two events without a version id are two uploads, even if both find the same version: two
    versions with equal bytes have the same etag.
    """
    if row.s3_key != upload.key:
        return False
    if upload.version_id is not None:
        return row.version_id == upload.version_id
    return (row.version_id, row.upload_id) == (
        found_version,
        identity(upload.bucket, upload.key, row.version_id),
    )


def appends_since(rows: Sequence[LedgerRow], upload: Upload, action: Action) -> list[LedgerRow]:
    """Return the appends that took effect before this truncate but arrived after it, in arrival order."""
    if action is not Action.TRUNCATE:
        return []
    return sorted(
        (row for row in rows if row.action is Action.APPEND and row.order > upload.order),
        key=lambda row: row.order,
    )


def schema_history(rows: Iterable[LedgerRow], upload: Upload) -> tuple[LedgerRow, ...]:
    """Return the schema rows from the one in force when the upload arrived to the newest one.

    For an upload that is older than all schema files, return all: it may have waited for its
    table's first schema file.
    """
    schemas = sorted(
        (row for row in rows if row.schema_file is not None), key=lambda row: row.order
    )
    before = sum(row.order < upload.order for row in schemas)
    return tuple(schemas[max(0, before - 1) :])


def _without_zone(time: datetime) -> datetime:
    """Return a UTC time without its zone, as a TIMESTAMP column stores it."""
    return time.astimezone(UTC).replace(tzinfo=None)


def _pack(text: str) -> str:
    """Return the schema file as stored in the VARCHAR column: uncompressed if it fits, so that analysts can read it."""
    if len(text.encode()) <= _TEXT_BYTES:
        return text
    packed = _PACKED + base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    if len(packed) > _TEXT_BYTES:
        raise InvalidSchemaFileError(
            SCHEMA_FILE_TOO_LARGE_FOR_LEDGER(size=len(packed), limit=_TEXT_BYTES)
        )
    return packed


def _unpack(text: str) -> str:
    if not text.startswith(_PACKED):
        return text
    return zlib.decompress(base64.b64decode(text.removeprefix(_PACKED))).decode()
