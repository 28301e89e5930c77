"""Reads the objects and arrays of a JSON file, one row each (copy-parameters-data-format). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from redshift_emulator.copy.load_errors import RAW_BYTES, RowError
from redshift_emulator.copy.records import Record
from redshift_emulator.copy.row_splitter import RowTooLongError
from redshift_emulator.copy.rows import MAX_ROW_BYTES

Shred = Callable[[str], Sequence[bytes | None]]
"""Returns the values of an object or array. Raises ValueError for malformed JSON, or RowError."""

# A string, a bracket, or the quote of a string that has not ended.
_STRUCTURE = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]"]', re.DOTALL)
_SPACE = re.compile(rb"[ \t\r\n]*+")
_START = re.compile(rb"[{\[]")
_HEADER = re.compile(rb"[^\n]*\n")


class JsonReader:
    """Reads one file. Memory is bounded by the longest object allowed, 4 MB."""

    def __init__(self, shred: Shred, skip_lines: int) -> None:
        self._shred = shred
        self._skip = skip_lines
        self._rest = b""
        self._needed = 0
        self._line = 1

    def feed(self, data: bytes) -> Iterable[Record]:
        """Return the objects that are complete. Raises RowTooLongError."""
        self._rest += data
        return self._records(final=False) if len(self._rest) >= self._needed else ()

    def finish(self) -> Iterable[Record]:
        """Return what is left at the end of the file."""
        return self._records(final=True)

    def _records(self, *, final: bool) -> Iterator[Record]:
        buffer, self._rest, self._needed = self._rest, b"", 0
        at = self._skip_header(buffer, final=final)
        while (start := self._skip_space(buffer, at)) < len(buffer):
            at = _object_end(buffer, start)
            if at < 0 and not final:
                self._keep(buffer, start)
                return
            is_whole = at > 0
            at = at if is_whole else len(buffer)
            raw = buffer[start:at]
            self._line += raw.count(b"\n")
            yield self._record(raw) if is_whole and raw[:1] in b"{[" else self._unusable(raw)

    def _skip_header(self, buffer: bytes, *, final: bool) -> int:
        at = 0
        while self._skip:
            header = _HEADER.match(buffer, at)
            if header is None:
                if not final:
                    self._keep(buffer, at)
                return len(buffer)
            at = header.end()
            self._skip, self._line = self._skip - 1, self._line + 1
        return at

    def _skip_space(self, buffer: bytes, at: int) -> int:
        space = _SPACE.match(buffer, at)
        end = space.end() if space else at
        self._line += buffer.count(b"\n", at, end)
        return end

    def _keep(self, buffer: bytes, start: int) -> None:
        self._rest = buffer[start:]
        if len(self._rest) > MAX_ROW_BYTES:
            raise RowTooLongError(self._line, self._rest[:RAW_BYTES])
        self._needed = min(2 * len(self._rest), MAX_ROW_BYTES + 1)

    def _record(self, raw: bytes) -> Record:
        try:
            if len(raw) > MAX_ROW_BYTES:
                raise RowTooLongError(self._line, raw[:RAW_BYTES])
            return Record(self._line, raw, self._shred(raw.decode(errors="surrogateescape")))
        except RowError as error:
            return Record(self._line, raw, error)
        except (ValueError, IndexError, RecursionError):
            return self._unusable(raw)

    def _unusable(self, raw: bytes) -> Record:
        return Record(self._line, raw, RowError(1224, "Invalid JSON format", value=raw))


def _object_end(buffer: bytes, start: int) -> int:
    """Return the end of the object, of the array, or of what stands before the next one; -1 if it does not end."""
    if buffer[start : start + 1] not in b"{[":
        following = _START.search(buffer, start)
        return following.start() if following else -1
    depth = 0
    for match in _STRUCTURE.finditer(buffer, start):
        sign = match[0]
        if sign == b'"':
            return -1
        depth += (sign in b"{[") - (sign in b"}]")
        if depth == 0 and sign in b"}]":
            return match.end()
    return -1
