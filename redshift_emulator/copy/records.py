"""Rows of files that are not delimited text: JSON, fixed width, Parquet. Pure.

Such a row is a record: one value for each column, None where the file has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from redshift_emulator.copy.load_errors import RowError


@dataclass(frozen=True)
class Record:
    """A row of a file: its line, its bytes, and its values or what is wrong with it."""

    line: int
    raw: bytes
    values: Sequence[bytes | None] | RowError


class RecordReader(Protocol):
    """Reads the records of one file. RowTooLongError if a record is too long to be kept."""

    def feed(self, data: bytes) -> Iterable[Record]:
        """Return the records that are complete."""
        ...

    def finish(self) -> Iterable[Record]:
        """Return the records at the end of the file."""
        ...


class RecordSplitter:
    """Hands every record of a file over. It has no fast path, so nothing is left to send."""

    fast_path = None

    def __init__(self, reader: RecordReader, on_record: Callable[[Record], None]) -> None:
        self._reader = reader
        self._on_record = on_record

    def feed(self, data: bytes) -> list[tuple[bytes, int]]:
        """Take the next data of the file."""
        for record in self._reader.feed(data):
            self._on_record(record)
        return []

    def finish(self) -> list[tuple[bytes, int]]:
        """End the file."""
        for record in self._reader.finish():
            self._on_record(record)
        return []
