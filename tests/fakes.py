"""Fakes of etl_core.loading.ports, in memory.

A hook is called at the described step and may raise an error.
"""

from __future__ import annotations

import copy
import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable, DropTable

from etl_core.csv_files.compression import decompressed
from etl_core.loading.keyed_rows import OWN
from etl_core.model.errors import (
    EtlError,
    LoadErrorLine,
    LoadFailedError,
    MissingObjectError,
    MissingTableError,
)
from etl_core.model.lake_key import Action, LakeKey, describe_key
from etl_core.model.long_copy import LongCopyResult, staging_created_at
from etl_core.model.names import LEDGER_SCHEMA
from etl_core.model.object_versions import ObjectVersion, OpenedVersion, StoredVersion
from etl_core.model.status import SETTLED, TOOK_EFFECT, Status
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import Upload
from etl_core.model.work_bucket import QUARANTINE, TEMPORARY
from etl_core.schema_changes.ddl import AddColumn
from etl_core.schema_files.column_types import describe_type
from etl_core.schema_files.default_values import parse_server_default
from etl_core.schema_files.schema_file import DefaultFunction
from etl_core.sql import CopyCsv, LockTable
from etl_core.upload_log.entry import LoggedUpload
from etl_core.upload_log.outcome import LoadOutcome
from tests.builders import LAKE, NOON, WORK, an_upload

DATABASES = ("dev", "analytics")
FOLDERS = (*TEMPORARY, QUARANTINE)


@dataclass
class FakeStore:
    """Two versioned buckets. `reads` counts the bytes that were read."""

    versions: dict[tuple[str, str], list[bytes]] = field(default_factory=dict)
    pinned: list[str] = field(default_factory=list)
    reads: int = 0
    chunk: int = 1 << 16
    arrived_at: dict[tuple[str, int], datetime] = field(default_factory=dict)

    def put(self, key: str, content: bytes, bucket: str = LAKE, **fields: Any) -> Upload:
        """Store a new version and return the upload of its event."""
        versions = self.versions.setdefault((bucket, key), [])
        versions.append(content)
        defaults = {
            "version_id": f"v{len(versions)}",
            "etag": hashlib.md5(content).hexdigest(),
            "size": len(content),
        }
        upload = an_upload(
            key, **(defaults | {"sequencer": f"{len(versions):08x}", "landed_at": NOON} | fields)
        )
        self.arrived_at[key, len(versions)] = upload.landed_at
        return upload

    def open(self, upload: Upload) -> OpenedVersion:
        version = self._find(upload)
        same: tuple[str, ...] = ()
        if upload.version_id is None:
            versions = self.versions[upload.bucket, upload.key]
            content = versions[int(version.version_id[1:]) - 1]
            numbers = [number for number, each in enumerate(versions, 1) if each == content]
            same = tuple(f"v{each}" for each in numbers if f"v{each}" != version.version_id)
        return OpenedVersion(version, next(self.read(version), b""), same)

    def _find(self, upload: Upload) -> StoredVersion:
        versions = self.versions.get((upload.bucket, upload.key), [])
        number = int((upload.version_id or f"v{len(versions)}")[1:])
        if not 1 <= number <= len(versions):
            raise MissingObjectError(f"the uploaded version of {upload.key!r} no longer exists")
        content = versions[number - 1]
        return StoredVersion(
            upload.bucket, upload.key, f"v{number}", "", len(content), number == len(versions)
        )

    def is_current(self, version: StoredVersion) -> bool:
        return version.version_id == f"v{len(self.versions[version.bucket, version.key])}"

    def read(self, version: StoredVersion, start: int = 0) -> Iterator[bytes]:
        content = self.versions[version.bucket, version.key][int(version.version_id[1:]) - 1]
        for first in range(start, len(content), self.chunk):
            self.reads += len(content[first : first + self.chunk])
            yield content[first : first + self.chunk]

    def pin(self, version: StoredVersion, name: str) -> str:
        assert name.startswith(FOLDERS), "objects in other folders never expire"
        self.pinned.append(version.version_id)
        self.put(name, b"".join(self.read(version)), WORK)
        return f"s3://{WORK}/{name}"

    def write_copy(self, name: str, chunks: Iterator[bytes]) -> str:
        assert name.startswith(FOLDERS), "objects in other folders never expire"
        self.put(name, b"".join(chunks), WORK)
        return f"s3://{WORK}/{name}"

    def write_object(self, name: str, content: bytes, content_type: str) -> str:
        assert name.startswith(FOLDERS), "objects in other folders never expire"
        self.put(name, content, WORK)
        return f"s3://{WORK}/{name}"

    def schema_folders(self, table: TableRef) -> Iterator[str]:
        folders = set()
        for bucket, name in self.versions:
            other = LakeKey.parse(name, DATABASES) if bucket == LAKE else None
            if other and (other.table, other.action) == (table, Action.SCHEMA):
                folders.add(name.rpartition("/")[0] + "/")
        yield from sorted(folders)

    def list_versions(self, prefix: str) -> Sequence[ObjectVersion]:
        return [
            ObjectVersion(
                key,
                f"v{number}",
                hashlib.md5(content).hexdigest(),
                len(content),
                self.arrived_at.get((key, number), NOON),
                number == len(versions),
            )
            for (bucket, key), versions in self.versions.items()
            for number, content in enumerate(versions, 1)
            if bucket == LAKE and key.startswith(prefix)
        ]

    def current(self, url: str) -> bytes:
        """Return what COPY reads from a URL: the current version."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        return self.versions[bucket, key][-1]


@dataclass
class FakeBacklog:
    """The uploads in the log with their statuses.

    `hook()` is called before each read of the pending uploads.
    """

    logged: dict[str, LoggedUpload] = field(default_factory=dict)
    hook: Callable[[], None] = lambda: None
    reads: int = 0

    def note(self, upload: Upload, status: Status = Status.RECEIVED) -> None:
        self.logged[upload.upload_id] = LoggedUpload(upload, status)

    def read_pending(self, table: TableRef, most: int) -> Sequence[Upload]:
        self.reads += 1
        self.hook()
        received = [each.upload for each in self.logged.values() if each.status is Status.RECEIVED]
        return [upload for upload in received if _table_of(upload) == table][:most]

    def find_effects(self, table: TableRef) -> Iterator[Upload]:
        for each in self.logged.values():
            if each.status in TOOK_EFFECT and _table_of(each.upload) == table:
                yield each.upload

    def find_upload(self, table: TableRef, version: ObjectVersion) -> LoggedUpload | None:
        for each in self.logged.values():
            if (each.upload.key, each.upload.version_id) == (version.key, version.version_id):
                return each
        return None


@dataclass
class FakeAnswers:
    """The log, written by loads. `hook(upload)` is called before each write; `written` are the answers."""

    backlog: FakeBacklog
    hook: Callable[[Upload], None] = lambda upload: None
    written: dict[str, LoadOutcome] = field(default_factory=dict)
    counted: int = 0

    def write_answer(self, upload: Upload, outcome: LoadOutcome) -> bool:
        self.hook(upload)
        logged = self.backlog.logged.get(upload.upload_id)
        if logged is not None and logged.status in SETTLED:
            return False
        self.backlog.note(upload, outcome.settled or outcome.status)
        self.written[upload.key] = outcome
        return True

    def write_totals(self) -> None:
        self.counted = len(self.written)


def _table_of(upload: Upload) -> TableRef | None:
    parts = describe_key(upload.key)
    return (
        None
        if parts.schema is None
        else TableRef(parts.database or "", parts.schema, parts.table_name)
    )


@dataclass
class _State:
    catalog: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    rows: dict[tuple[str, str], list[list[str]]] = field(default_factory=dict)
    ledgers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass
class FakeWarehouse:
    """Databases with transactions.

    `log` lists a word per executed statement; `hook(word, statement)` is called before each.
    """

    store: FakeStore
    hook: Callable[[str, Any], None] = lambda word, statement: None
    log: list[str] = field(default_factory=list)
    copies: list[CopyCsv] = field(default_factory=list)
    states: dict[str, _State] = field(default_factory=dict)
    refused: list[LoadErrorLine] = field(default_factory=list)
    failure: EtlError = field(default_factory=lambda: LoadFailedError("the COPY failed"))
    closed: int = 0
    counts_empty_lines: bool = False
    """Whether COPY loads empty lines as rows: another number than the loader counts."""

    @contextmanager
    def transaction(self, database: str, timeout_seconds: float) -> Iterator[FakeTransaction]:
        before = self.states.setdefault(database, _State())
        work = copy.deepcopy(before)
        self.log.append("BEGIN")
        transaction = FakeTransaction(self, work)
        try:
            yield transaction
        except BaseException:
            self.log.append("ROLLBACK")
            raise
        if transaction.is_rolled_back:
            return
        self.log.append("COMMIT")
        self.hook("COMMIT", None)
        self.states[database] = work

    def close(self) -> None:
        self.closed += 1

    def read_failure(self, database: str, result: LongCopyResult) -> EtlError:
        """Return the prepared `failure`."""
        self.log.append("READ FAILURE")
        return self.failure

    def execute_autocommit(self, database: str, statement: Any, timeout_seconds: float) -> None:
        """Drop a staging table. Other statements are logged only: the effect of plans on a table is
        tested with the emulator.
        """
        word = "DROP STAGING" if isinstance(statement, DropTable) else "AUTOCOMMIT"
        self.log.append(word)
        self.hook(word, statement)
        if isinstance(statement, DropTable):
            table = statement.element
            self.states[database].rows.pop((table.schema, table.name), None)

    def try_copy(
        self, database: str, trial: Any, timeout_seconds: float
    ) -> Sequence[LoadErrorLine]:
        """Return the prepared lines of `refused`."""
        self.log.append("TRIAL")
        assert trial.is_trial
        return self.refused

    def table(
        self, name: str, schema: str = "public", database: str = "dev"
    ) -> list[list[str]] | None:
        """Return the table's rows as text, or None if the table does not exist."""
        return self.states.setdefault(database, _State()).rows.get((schema, name))

    def ledger(self, name: str, database: str = "dev") -> list[dict[str, Any]]:
        """Return the rows of a ledger."""
        return self.states[database].ledgers.get(name, [])


@dataclass
class FakeTransaction:
    """One transaction. It changes `state`, which the warehouse keeps on commit."""

    warehouse: FakeWarehouse
    state: _State
    count: int = 0
    is_rolled_back: bool = False

    def roll_back(self) -> None:
        self.is_rolled_back = True
        self.warehouse.log.append("ROLLBACK")

    def execute(self, statement: Any) -> Sequence[Any]:
        word = self._note(statement)
        return getattr(self, f"_{word.lower().replace(' ', '_')}", lambda _: [])(statement)

    def change(self, statement: sa.Delete) -> int:
        table = statement.table
        count = len(self.state.rows.get((table.schema, table.name), []))
        self.execute(statement)
        return count - len(self.state.rows[table.schema, table.name])

    def _note(self, statement: Any) -> str:
        word = _word(statement)
        self.warehouse.log.append(word)
        self.warehouse.hook(word, statement)
        return word

    def lock(self, statement: LockTable) -> None:
        self._note(statement)
        if statement.table.name not in self.state.ledgers:
            raise MissingTableError(f'relation "{statement.table.name}" does not exist')

    def _read_ledger(self, statement: sa.Select[Any]) -> list[Any]:
        return [SimpleNamespace(_mapping=row) for row in self.state.ledgers[_of(statement).name]]

    def _read_catalog(self, statement: sa.Select[Any]) -> list[Any]:
        values = statement.compile().params
        # Other queries of the catalog, such as for late-binding views, find nothing.
        return self.state.catalog.get((values.get("nspname_1"), values.get("relname_1")), [])

    def _count(self, _: Any) -> list[Any]:
        return [(self.count,)]

    def _list_staging(self, _: Any) -> list[Any]:
        return [(name,) for schema, name in sorted(self.state.rows) if schema == LEDGER_SCHEMA]

    def _count_staging(self, statement: sa.Select[Any]) -> list[Any]:
        return [(len(self.state.rows[LEDGER_SCHEMA, _of(statement).name]),)]

    def _move(self, statement: sa.Insert) -> list[Any]:
        assert statement.select is not None
        table, source = statement.table, next(iter(statement.select.selected_columns)).table
        if (table.schema, table.name) not in self.state.rows:
            raise MissingTableError(f'relation "{table.schema}.{table.name}" does not exist')
        moved = self._matching(source, statement.select.whereclause)
        self.state.rows[table.schema, table.name] += copy.deepcopy(moved)
        return []

    def _matching(self, table: Any, condition: Any) -> list[list[str]]:
        """Return the rows of a table that have the key of a row of another table; all without a condition."""
        rows = self.state.rows[table.schema, table.name]
        if condition is None:
            return rows
        parts = list(getattr(condition, "clauses", [condition]))
        other = parts[0].right.table
        places = [
            [[column.name for column in each.columns].index(part.left.name) for part in parts]
            for each in (table, other)
        ]
        keys = {
            tuple(row[place] for place in places[1])
            for row in self.state.rows[other.schema, other.name]
        }
        return [row for row in rows if tuple(row[place] for place in places[0]) in keys]

    def _check_keys(self, statement: sa.Select[Any]) -> list[Any]:
        """Find an empty or a repeated key. The key is the first column."""
        table = _of(statement)
        keys = [row[0] for row in self.state.rows[table.schema, table.name]]
        if not statement._group_by_clauses:
            return [(key,) for key in keys if not key.rstrip()][:1]
        return sorted((key,) for key in set(keys) if keys.count(key) > 1)[:1]

    def _drop_table(self, statement: DropTable) -> list[Any]:
        table = statement.element
        del self.state.rows[table.schema, table.name]
        return []

    def _insert_ledger(self, statement: sa.Insert) -> list[Any]:
        names = [column.name for column in statement.table.columns]
        values = dict(statement.compile().params)
        for number in range(len(values) // len(names)):
            self.state.ledgers[statement.table.name].append(
                {name: values[f"{name}_m{number}"] for name in names}
            )
        return []

    def _create_table(self, statement: CreateTable) -> list[Any]:
        table = statement.element
        if table.schema == LEDGER_SCHEMA:
            self.state.ledgers.setdefault(table.name, [])
            self.state.catalog[table.schema, table.name] = catalog_rows(table)
        else:
            self.state.catalog[table.schema, table.name] = catalog_rows(table)
            self.state.rows[table.schema, table.name] = []
        return []

    def _add_column(self, statement: AddColumn) -> list[Any]:
        table = statement.table
        [added] = catalog_rows(sa.Table("added", sa.MetaData(), statement.column._copy()))
        catalog = self.state.catalog[table.schema, table.name]
        added._mapping["attnum"] = len(catalog) + 1
        catalog.append(added)
        if table.schema == LEDGER_SCHEMA:
            for row in self.state.ledgers[table.name]:
                row.setdefault(statement.column.name, None)
        return []

    def _delete(self, statement: sa.Delete) -> list[Any]:
        table = statement.table
        gone = self._matching(table, statement.whereclause)
        kept = [
            row
            for row in self.state.rows[table.schema, table.name]
            if not any(row is each for each in gone)
        ]
        self.state.rows[table.schema, table.name] = kept
        return []

    def _copy(self, statement: CopyCsv) -> list[Any]:
        self.warehouse.copies.append(statement)
        table, source = statement.table, statement.source
        if (table.schema, table.name) not in self.state.rows:
            raise MissingTableError(f'relation "{table.schema}.{table.name}" does not exist')
        self.count = 0
        for entry in json.loads(self.warehouse.store.current(source.manifest_url))["entries"]:
            content = b"".join(
                decompressed([self.warehouse.store.current(entry["url"])], source.compression)
            )
            text = io.StringIO(content.decode("utf-8-sig"))
            lines = csv.reader(text, delimiter=source.delimiter, quotechar=source.quote)
            # An empty line is a row of one column; in other tables, COPY skips it.
            counts_empty = len(statement.columns) == 1 or self.warehouse.counts_empty_lines
            rows = [row or [""] for row in lines if row or counts_empty][1:]
            self.state.rows[table.schema, table.name] += rows
            self.count += len(rows)
        return []


def _of(statement: Any) -> Any:
    return statement.get_final_froms()[0]


def _word(statement: Any) -> str:
    if isinstance(statement, sa.Select):
        froms = statement.get_final_froms()
        if not froms:
            return "COUNT"
        if staging_created_at(str(getattr(froms[0], "name", ""))):
            return "COUNT STAGING"
        if [column.name for column in statement.selected_columns] == ["relname"]:
            return "LIST STAGING"
        if getattr(froms[0], "name", "") == OWN:
            return "CHECK KEYS"
        return (
            "READ LEDGER" if getattr(froms[0], "schema", None) == LEDGER_SCHEMA else "READ CATALOG"
        )
    if isinstance(statement, sa.Insert):
        return "INSERT LEDGER" if statement.select is None else "MOVE"
    words = {
        "LockTable": "LOCK",
        "CopyCsv": "COPY",
        "Delete": "DELETE",
        "CreateTable": "CREATE TABLE",
        "DropTable": "DROP TABLE",
        "CreateSchema": "CREATE SCHEMA",
        "AddColumn": "ADD COLUMN",
    }
    return words.get(type(statement).__name__, "COMMENT")


def catalog_rows(table: sa.Table) -> list[Any]:
    """Return a table's rows in Redshift's catalog."""
    options = table.dialect_options["redshift"]
    names = [column.name for column in table.columns]
    sortkey = [str(name) for name in options.get("sortkey") or ()]
    key = [names.index(column.name) + 1 for column in table.primary_key.columns]
    style = {"EVEN": 0, "ALL": 8, "KEY": 1}.get(
        options.get("diststyle"), 1 if options.get("distkey") else 9
    )
    return [
        SimpleNamespace(
            _mapping={
                "attnum": number,
                "attname": column.name,
                "type_text": str(describe_type(column.type)),
                "attnotnull": not column.nullable,
                "default_text": default_text(column),
                "encoding": column.dialect_options["redshift"].get("encode") or "none",
                "attisdistkey": column.name == options.get("distkey"),
                "attsortkeyord": sortkey.index(column.name) + 1 if column.name in sortkey else 0,
                "reldiststyle": style,
                "primary_key": key or None,
                "primary_key_name": f"{table.name}_pkey" if key else None,
                "column_comment": column.comment or None,
                "table_comment": table.comment or None,
            }
        )
        for number, column in enumerate(table.columns, 1)
    ]


def default_text(column: sa.Column[Any]) -> str | None:
    """Return a default like pg_get_expr prints it."""
    identity = column.dialect_options["redshift"].get("identity")
    if identity:
        return f"\"identity\"(104321, 0, '{identity[0]},{identity[1]}'::text)"
    kind = describe_type(column.type)
    match parse_server_default(column.server_default, kind):
        case None:
            return None
        case bool(value):
            return str(value).lower()
        case DefaultFunction(function=function):
            return {
                "SYSDATE": "sysdate",
                "GETDATE": "getdate()",
                "CURRENT_DATE": "('now'::text)::date",
            }[function]
        case str(text) if kind.name not in ("numeric", "real", "double precision"):
            escaped = text.replace("\\", "\\\\").replace("'", "''")
            return f"'{escaped}'::{kind.name}"
        case number:
            return f"{number}"
