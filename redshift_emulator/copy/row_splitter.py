"""Splits a file into rows.

Fast-path rows are returned in pieces; each other row is handed over on its own. Pure. Line numbers
count the file's lines, from 1, header lines included. Memory is bounded by the longest row allowed,
4 MB. A row that spans many blocks is read again only after the buffer has doubled.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable

from redshift_emulator.copy.fast_path import FastPath
from redshift_emulator.copy.load_errors import RAW_BYTES
from redshift_emulator.copy.rows import MAX_ROW_BYTES, Row, RowReader

FastPathBuilder = Callable[[bytes], FastPath]
OnRow = Callable[[bytes, Row, int], None]


class LineMap:
    """Maps a line of the stream sent to PostgreSQL to its file and line. Lines count from 1."""

    def __init__(self) -> None:
        self._sent, self._file, self._line = array("q"), array("q"), array("q")

    def add(self, sent: int, file: int, line: int) -> None:
        """Record that from line ``sent`` of the stream on, the lines belong to ``file``, from its line ``line`` on."""
        self._sent.append(sent)
        self._file.append(file)
        self._line.append(line)

    def find(self, sent: int) -> tuple[int, int]:
        """Return file and line of a line of the stream; (0, 0) for a line before the first record."""
        at = bisect_right(self._sent, sent) - 1
        return (self._file[at], self._line[at] + sent - self._sent[at]) if at >= 0 else (0, 0)

    def __len__(self) -> int:
        return len(self._sent)


class RowTooLongError(Exception):
    """A row exceeds 4 MB and has not ended yet."""

    def __init__(self, line: int, start: bytes) -> None:
        super().__init__(f"the row at line {line} is longer than 4 MB")
        self.line = line
        self.start = start


class RowSplitter:
    """Splits one file.

    ``on_row`` gets each row that cannot take the fast path: the buffer, the row, its line.
    """

    def __init__(
        self, build_fast_path: FastPathBuilder, reader: RowReader, skip_lines: int, on_row: OnRow
    ) -> None:
        self._build_fast_path = build_fast_path
        self._reader = reader
        self._skip = skip_lines
        self._on_row = on_row
        self._rest = b""
        self._needed = 0
        self.fast_path: FastPath | None = None
        self.line = 1

    def feed(self, data: bytes) -> list[tuple[bytes, int]]:
        """Return the fast-path rows that are complete: pieces of whole rows, each with the line it begins at.

        Raises RowTooLongError, and what ``on_row`` raises.
        """
        self._rest = self._rest + data if self._rest else data
        if len(self._rest) < self._needed:
            return []
        return self._split(final=False)

    def finish(self) -> list[tuple[bytes, int]]:
        """Return the fast-path rows that are left at the end of the file.

        A missing last line ending is added.
        """
        if self._rest:
            crlf = self.fast_path is not None and self.fast_path.dialect.newline == b"\r\n"
            if not self._rest.endswith(b"\n"):
                self._rest += b"\r\n" if crlf and not self._rest.endswith(b"\r") else b"\n"
            return self._split(final=True)
        return []

    def _split(self, *, final: bool) -> list[tuple[bytes, int]]:
        buffer, self._rest, self._needed = self._rest, b"", 0
        pieces: list[tuple[bytes, int]] = []
        position = self._skip_header(buffer)
        while position < len(buffer):
            end = self._fast_path_end(buffer, position)
            if end > position:
                pieces.append((buffer[position:end], self.line))
                self.line += buffer.count(b"\n", position, end)
                position = end
                continue
            row = self._reader.read(buffer, position)
            if row is None and not final:
                self._keep(buffer, position)
                break
            row = row or self._reader.read_unclosed(buffer, position)
            self._on_row(buffer, row, self.line)
            self.line += buffer.count(b"\n", position, row.end)
            position = row.end
        return pieces

    def _fast_path_end(self, buffer: bytes, position: int) -> int:
        """Return the end of the fast-path rows.

        The first row of the file decides which line ending they must have.
        """
        if self.fast_path is None:
            first = self._reader.read(buffer, position)
            if first is None:
                return position
            self.fast_path = self._build_fast_path(
                b"\r\n" if buffer[first.end - 2 : first.end] == b"\r\n" else b"\n"
            )
        return self.fast_path.accept(buffer, position)

    def _keep(self, buffer: bytes, position: int) -> None:
        self._rest = buffer[position:]
        if len(self._rest) > MAX_ROW_BYTES:
            raise RowTooLongError(self.line, self._rest[:RAW_BYTES])
        self._needed = min(2 * len(self._rest), MAX_ROW_BYTES + 1)

    def _skip_header(self, buffer: bytes) -> int:
        position = 0
        while self._skip:
            end = buffer.find(b"\n", position)
            if end < 0:
                self._keep(buffer, position)
                return len(buffer)
            position = end + 1
            self._skip -= 1
            self.line += 1
        return position
