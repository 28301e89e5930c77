"""A data file ready for COPY: its version, its first bytes, the URL from which COPY reads exactly
this version, and its columns.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from typing import TypeVar

from etl_core.csv_files.bad_rows import BadRows
from etl_core.csv_files.compression import decompressed
from etl_core.csv_files.header import IGNORED
from etl_core.csv_files.messages import COMPRESSION_CUT
from etl_core.csv_files.opening import open_csv
from etl_core.loading.ledger import LedgerRow
from etl_core.loading.messages import COLUMN_DROPPED_LATER, DROPPED_COLUMN
from etl_core.loading.ports import ObjectStore
from etl_core.model.errors import HeaderMismatchError, InvalidDataFileError
from etl_core.model.lake_key import Action
from etl_core.model.object_versions import OpenedVersion, StoredVersion
from etl_core.model.work_bucket import PINNED
from etl_core.schema_files.schema_file import CsvOptions, SchemaFile

MAX_FILE_BYTES = 4 << 20
"""Of the object in S3. A larger file gets its own COPY."""
MAX_COUNTED_BYTES = 32 << 20
"""Of uncompressed text. A larger file gets its own COPY, which counts its rows."""

_THREADS = 16
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Head:
    """The file's bytes: the first ones are at hand, the rest is read on demand.

    Bytes that were read are kept.
    """

    def __init__(self, first_bytes: bytes, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._read = [first_bytes]

    def is_whole(self, size: int) -> bool:
        """Return whether all bytes of a file of this size are at hand."""
        return sum(map(len, self._read)) == size

    def __iter__(self) -> Iterator[bytes]:
        yield from self._read
        for chunk in self._chunks:
            self._read.append(chunk)
            yield chunk


@dataclass(frozen=True)
class DataFile:
    """One object ready for COPY.

    `is_pinned`: the URL names a copy in the work bucket, which nothing overwrites.
    """

    upload_id: str
    version: StoredVersion
    compression: str | None
    head: Head
    url: str
    is_pinned: bool


@dataclass(frozen=True)
class CopyShape:
    """The properties that files must share to be loaded by one COPY.

    `columns` are the table's columns in the files' order.
    """

    columns: tuple[str, ...]
    compression: str | None
    csv: CsvOptions
    header: tuple[str, ...] = field(default=(), compare=False)
    """The first row of the file; empty if it has no header."""
    arrival_columns: tuple[str, ...] = field(default=(), compare=False)
    """The columns under the names that they had when the file arrived."""


@dataclass(frozen=True)
class Part:
    """A file with its shape. `rows` is None if the number of rows is not known before COPY.

    `key`: the columns by which the rows of an upsert replace others; none for other actions.
    `bad` are rows that are not loaded: COPY reads a copy without them.
    """

    file: DataFile
    shape: CopyShape
    rows: int | None
    key: tuple[str, ...] = ()
    bad: BadRows | None = None


def open_file(
    store: ObjectStore,
    upload_id: str,
    opened: OpenedVersion,
    compression: str | None,
    *,
    pin: bool = False,
) -> DataFile:
    """Return the file, ready for COPY.

    Copy the version to the work bucket if it is not the current one or `pin` is true.
    """
    version = opened.version
    is_pinned = pin or not version.is_current
    url = (
        store.pin(version, f"{PINNED}{upload_id}")
        if is_pinned
        else f"s3://{version.bucket}/{version.key}"
    )
    head = Head(opened.first_bytes, store.read(version, len(opened.first_bytes)))
    return DataFile(upload_id, version, compression, head, url, is_pinned)


def in_threads(function: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
    """Call the function for every item in threads, and return the results in order.

    Its calls mostly wait for S3.
    """
    if not items:
        return []
    with ThreadPoolExecutor(min(_THREADS, len(items))) as pool:
        return list(pool.map(function, items))


def shape_of(file: DataFile, history: Sequence[LedgerRow]) -> CopyShape:
    """Return how COPY reads the file: by the schema in force when it arrived, into the columns
    under their current names.

    `history` is not empty; see ledger_view.Proceed. Raises InvalidDataFileError, HeaderMismatchError.
    """
    specs = [row.schema_file for row in history if row.schema_file is not None]
    at_arrival = specs[0]
    header, columns = open_csv(file.head, file.compression, at_arrival)
    names = _current_names(specs)
    if dropped := [name for name in columns if name not in {IGNORED, *names}]:
        raise HeaderMismatchError(
            COLUMN_DROPPED_LATER(columns=", ".join(map(repr, dropped))),
            [DROPPED_COLUMN(column=name) for name in dropped],
        )
    return CopyShape(
        tuple(names.get(name, IGNORED) for name in columns),
        file.compression,
        at_arrival.csv,
        header,
        columns,
    )


def key_of(action: Action, history: Sequence[LedgerRow]) -> tuple[str, ...]:
    """Return the key of an upload's rows: for an upsert, the primary key of the schema in force when it
    arrived, under the current names. Empty for other actions.

    `history`: see shape_of. Raises HeaderMismatchError if a column of the key was dropped since.
    """
    if action is not Action.UPSERT:
        return ()
    specs = [row.schema_file for row in history if row.schema_file is not None]
    names = _current_names(specs)
    key = specs[0].primary_key
    if dropped := [name for name in key if name not in names]:
        raise HeaderMismatchError(
            COLUMN_DROPPED_LATER(columns=", ".join(map(repr, dropped))),
            [DROPPED_COLUMN(column=name) for name in dropped],
        )
    return tuple(names[name] for name in key)


def _current_names(specs: Sequence[SchemaFile]) -> dict[str, str]:
    """Return the current name of each column of the first schema.

    Columns that were dropped since are missing, unless they were added again.
    """
    first_names = [column.name for column in specs[0].columns]
    names = {name: name for name in first_names}
    for before, after in pairwise(specs):
        existing = {column.name for column in before.columns}
        renamed = {
            column.renamed_from: column.name
            for column in after.columns
            if column.name not in existing and column.renamed_from in existing
        }
        kept = {column.name: column.name for column in after.columns}
        # A column keeps its name, or a new column says that it had this name before; otherwise it
        # was dropped.
        names = {
            first: now
            for first, name in names.items()
            if (now := kept.get(name) or renamed.get(name)) is not None
        }
        # The file's sender knows only the name: the column that has it now is the one that is meant.
        added = kept.keys() - existing - set(renamed.values())
        names |= {name: name for name in first_names if name not in names and name in added}
    return names


def decompressed_before(deadline: float, file: DataFile, store: ObjectStore) -> Iterator[bytes]:
    """Yield the decompressed content, and end at the deadline: what follows looks cut off then."""
    is_read = file.head.is_whole(file.version.size)
    chunks = takewhile(
        lambda _: time.monotonic() < deadline, file.head if is_read else store.read(file.version)
    )
    return decompressed(chunks, file.compression)


def read_small(file: DataFile) -> list[bytes] | None:
    """Return the uncompressed bytes of a small file; None for a larger one or a damaged one.

    Raises InvalidDataFileError if its compressed data ends too early.
    """
    if file.version.size > MAX_FILE_BYTES:
        return None
    try:
        return list(_bounded(decompressed(file.head, file.compression)))
    except _TooLargeError:
        return None
    except InvalidDataFileError as error:
        if file.compression and error.message == COMPRESSION_CUT(compression=file.compression):
            raise
        return None  # COPY decides


class _TooLargeError(Exception):
    pass


def _bounded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_COUNTED_BYTES:
            raise _TooLargeError
        yield piece
