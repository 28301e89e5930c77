"""The ledger: one small table per target table, in its own schema.

The ledger decides about an upload (ledger_view.py); the log only reports. A ledger row is written in
the transaction that changes the target, so both exist or neither does.

Format 1 has no column `format_version`, and ledgers of earlier versions have no column
`rows_quarantined`. The first load of such a ledger adds the columns; its rows keep the NULL.
Functions of all formats can read and write the ledger: each names the columns that it writes. Rows
of format 3 are upserts, rows of files with quarantined rows, and schema files that allow either:
earlier functions refuse to read them.
"""

from __future__ import annotations

import base64
import hashlib
import reprlib
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.schema import CreateSchema, CreateTable, ExecutableDDLElement

from etl_core.loading.messages import (
    LEDGER_FORMAT_UNKNOWN,
    LEDGER_ROW_DAMAGED,
    LEDGER_ROW_FAULT,
    SCHEMA_FILE_TOO_LARGE_FOR_LEDGER,
)
from etl_core.model.errors import (
    DamagedLedgerError,
    EtlError,
    InvalidSchemaFileError,
    LoadFailedError,
)
from etl_core.model.lake_key import Action
from etl_core.model.names import LEDGER_SCHEMA, MAX_IDENTIFIER_BYTES
from etl_core.model.status import Status
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import Order, Upload, padded_sequencer
from etl_core.schema_changes.ddl import AddColumn
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.sql import identifier

T = TypeVar("T")
FORMAT = 3
"""The newest format of rows that this code reads and writes. NULL in the ledger means 1."""
_FORMAT_OF_OTHERS = 2
"""Of rows without upsert and quarantine, so that earlier functions read the ledgers of tables without them."""
_FORMAT_COLUMN = "format_version"
_QUARANTINED = "rows_quarantined"
_PACKED = "zlib:"
_TEXT_BYTES = 65535
_COMMENT = (
    "Ledger of the loader: the uploads that its table consists of. Only the loader may change it. "
    "Without it, uploads are loaded twice or lost."
)


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
    schema_text: str | None = None
    """The schema file as the ledger stores it."""
    rows_quarantined: int | None = None
    """How many rows of the file were not loaded, because they do not fit the table."""

    @property
    def is_schema(self) -> bool:
        """Whether the row has a schema file."""
        return self.schema_text is not None

    @cached_property
    def schema_file(self) -> SchemaFile | None:
        """The parsed schema file. A ledger may hold hundreds; each is parsed only if it is needed.

        Raises DamagedLedgerError.
        """
        if self.schema_text is None:
            return None
        row = {
            "s3_key": self.s3_key,
            "upload_id": self.upload_id,
            "schema_file": self.schema_text,
        }
        return _field(row, "schema_file", _parse_schema)

    @cached_property
    def order(self) -> Order:
        """Return the place in arrival order, comparable with Upload.order."""
        return self.landed_at, padded_sequencer(self.sequencer), self.s3_key


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


@lru_cache(maxsize=256)
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
        sa.Column(identifier(_FORMAT_COLUMN), sa.SMALLINT()),
        sa.Column(identifier(_QUARANTINED), sa.BIGINT()),
        schema=identifier(LEDGER_SCHEMA),
        comment=_COMMENT,
    )


def ledger_row(
    upload: Upload,
    action: Action,
    version_id: str,
    status: Status,
    rows_loaded: int | None,
    loaded_at: datetime,
    schema_file: SchemaFile | None = None,
) -> LedgerRow:
    """Return the row of an upload that takes effect.

    Raises InvalidSchemaFileError if the schema file is too large for the ledger.
    """
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
        schema_text=None if schema_file is None else pack(schema_file.to_json()),
    )


def create_ledger_statements(ledger: sa.Table) -> tuple[ExecutableDDLElement, ...]:
    """Return the statements that create the ledger if it does not exist."""
    return CreateSchema(identifier(LEDGER_SCHEMA), if_not_exists=True), CreateTable(
        ledger, if_not_exists=True
    )


def add_columns(ledger: sa.Table, existing: Collection[str]) -> list[ExecutableDDLElement]:
    """Return the statements that add the columns which an older ledger lacks.

    ADD COLUMN is transactional on Redshift.
    """
    return [AddColumn(ledger, column) for column in ledger.columns if column.name not in existing]


def has_all_columns(ledger: sa.Table, row: sa.Row[Any]) -> bool:
    """Return whether a row of select_rows comes from a ledger with every column."""
    return all(column.name in row._mapping for column in ledger.columns)


def select_rows(ledger: sa.Table) -> sa.Select[Any]:
    """Select all columns that the ledger has: an older one lacks some."""
    return sa.select(sa.literal_column("*")).select_from(ledger)


def insert_rows(ledger: sa.Table, rows: Sequence[LedgerRow]) -> sa.Insert:
    """Return one INSERT for all rows."""
    return sa.insert(ledger).values([_values(row) for row in rows])


def _values(row: LedgerRow) -> dict[str, Any]:
    return {
        "upload_id": row.upload_id,
        "action": str(row.action),
        "landed_at": without_zone(row.landed_at),
        "sequencer": row.sequencer[:64],
        "s3_key": row.s3_key,
        "version_id": row.version_id,
        "status": str(row.status),
        "rows_loaded": row.rows_loaded,
        "loaded_at": without_zone(row.loaded_at),
        "schema_file": row.schema_text,
        _FORMAT_COLUMN: _format(row),
        _QUARANTINED: row.rows_quarantined,
    }


def _format(row: LedgerRow) -> int:
    spec = row.schema_file
    allows = spec is not None and (
        Action.UPSERT in spec.allowed_operations or spec.csv.on_bad_rows == "quarantine"
    )
    is_new = allows or row.action is Action.UPSERT or row.rows_quarantined
    return FORMAT if is_new else _FORMAT_OF_OTHERS


def parse_row(row: sa.Row[Any]) -> LedgerRow:
    """Return a row of select_rows as a LedgerRow.

    Raises DamagedLedgerError, which names the column, because other tools can write to a ledger; and
    LoadFailedError for a row of a later format, which only later code can read.
    """
    values: Any = row._mapping
    if _FORMAT_COLUMN in values and (_field(values, _FORMAT_COLUMN, _count) or 1) > FORMAT:
        raise LoadFailedError(
            LEDGER_FORMAT_UNKNOWN(key=values["s3_key"], format=values[_FORMAT_COLUMN], known=FORMAT)
        )
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
        schema_text=_field(
            values, "schema_file", lambda text: None if text is None else _text(text)
        ),
        rows_quarantined=_field(values, _QUARANTINED, _count) if _QUARANTINED in values else None,
    )


def _field(values: Mapping[str, Any], column: str, parse: Callable[[Any], T]) -> T:
    """Return the parsed value of a column. Raises DamagedLedgerError."""
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


def without_zone(time: datetime) -> datetime:
    """Return a UTC time without its zone, as a TIMESTAMP column stores it."""
    return time.astimezone(UTC).replace(tzinfo=None)


@lru_cache(maxsize=64)
def _parse_schema(text: str) -> SchemaFile:
    return SchemaFile.from_json(_unpack(text))


def pack(text: str) -> str:
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
