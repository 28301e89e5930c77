"""A data file ready for COPY: its version, its first bytes, and the URL under which COPY finds exactly these bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from etl_core.csv_files.compression import decompressed
from etl_core.csv_files.header import match_columns, read_header
from etl_core.csv_files.rows import read_rows
from etl_core.loading.ledger import LedgerRow
from etl_core.loading.ports import ObjectStore
from etl_core.model.errors import HeaderMismatchError, InvalidDataFileError
from etl_core.model.object_versions import StoredVersion
from etl_core.schema_files.schema_file import CsvOptions, SchemaFile

MAX_COUNTED_BYTES = 32 << 20
"""Of uncompressed text: what is larger is loaded by a COPY of its own, which counts it."""

_THREADS = 16
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


class Head:
    """The file's first bytes, read before the transaction opens, and the rest on demand; what was read once is kept."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._read = [next(chunks, b"")]

    def __iter__(self) -> Iterator[bytes]:
        yield from self._read
        for chunk in self._chunks:
            self._read.append(chunk)
            yield chunk


@dataclass(frozen=True)
class DataFile:
    """One object ready for COPY. `is_pinned`: the URL is that of a copy that nobody overwrites."""

    upload_id: str
    version: StoredVersion
    compression: str | None
    head: Head
    url: str
    is_pinned: bool


@dataclass(frozen=True)
class CopyShape:
    """What files must have in common to be loaded by one COPY. `columns` are the table's, in the order of the files."""

    columns: tuple[str, ...]
    compression: str | None
    csv: CsvOptions


def open_file(
    store: ObjectStore,
    upload_id: str,
    version: StoredVersion,
    compression: str | None,
    *,
    pin: bool = False,
) -> DataFile:
    """Reads the first bytes, and copies the version to where nobody overwrites it, if it is not the current one or `pin` says so."""
    is_pinned = pin or not version.is_current
    url = (
        store.pin(version, f"pinned/{upload_id}")
        if is_pinned
        else f"s3://{version.bucket}/{version.key}"
    )
    return DataFile(upload_id, version, compression, Head(store.read(version)), url, is_pinned)


def in_threads(function: Callable[[_Given], _Made], items: Sequence[_Given]) -> list[_Made]:
    """The function's results in order; its calls wait for S3 most of their time."""
    if not items:
        return []
    with ThreadPoolExecutor(min(_THREADS, len(items))) as pool:
        return list(pool.map(function, items))


def shape_of(file: DataFile, history: Sequence[LedgerRow]) -> CopyShape:
    """How COPY reads the file: by the schema that was in force when it landed, into the columns as they are called now.

    `history` as in ledger.Proceed, not empty. Raises InvalidDataFileError, HeaderMismatchError.
    """
    specs = [row.schema_file for row in history if row.schema_file is not None]
    governing = specs[0]
    columns = match_columns(read_header(file.head, file.compression, governing.csv), governing)
    names = _names_now(specs)
    if gone := [name for name in columns if name not in names]:
        raise HeaderMismatchError(
            f"the file names {', '.join(map(repr, gone))}, which a later schema file has dropped before this file was loaded. "
            "Upload the file again without it",
            [f"column {name!r} was dropped after the file had landed" for name in gone],
        )
    return CopyShape(tuple(names[name] for name in columns), file.compression, governing.csv)


def _names_now(specs: Sequence[SchemaFile]) -> dict[str, str]:
    """What the columns of the first schema are called in the last; those that were dropped on the way are missing."""
    names = {column.name: column.name for column in specs[0].columns}
    for before, after in pairwise(specs):
        there = {column.name for column in before.columns}
        renamed = {
            column.renamed_from: column.name for column in after.columns if column.name not in there
        }
        kept = {column.name: column.name for column in after.columns}
        # A column keeps its name, or takes the one that a new column says it had; else it was dropped.
        names = {
            first: now
            for first, name in names.items()
            if (now := kept.get(name) or renamed.get(name)) is not None
        }
    return names


def count_rows(file: DataFile, shape: CopyShape) -> int | None:
    """The rows that COPY will load from the file; None when it is too large to count, or not certain.

    Empty lines are no rows, except where a row is one field (CopyCsv).
    """
    count = 0
    try:
        for row in read_rows(_bounded(decompressed(file.head, shape.compression)), shape.csv):
            if row.fault is not None:
                return None
            count += len(shape.columns) == 1 or row.fields != [""]
    except (InvalidDataFileError, _TooLargeError):
        return None
    return count


class _TooLargeError(Exception):
    pass


def _bounded(pieces: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > MAX_COUNTED_BYTES:
            raise _TooLargeError
        yield piece
