"""Separates a file's rows: those that pass the gate go on as they are, the others one by one. Pure.

Line numbers are those of the file, from 1, headers counted. Memory is bounded by the longest row allowed, 4 MB, and a
row that spans many blocks is looked at again only when the buffer has doubled.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable

from redshift_emulator.copy.convert import RAW_BYTES
from redshift_emulator.copy.fast_path import Gate
from redshift_emulator.copy.rows import MAX_ROW_BYTES, Row, RowReader

GateBuilder = Callable[[bytes], Gate]
OnRow = Callable[[bytes, Row, int], None]


class LineMarks:
    """Which line of which file a line of the stream sent to PostgreSQL was. Lines count from 1."""

    def __init__(self) -> None:
        self._sent, self._file, self._line = array("q"), array("q"), array("q")

    def add(self, sent: int, file: int, line: int) -> None:
        """From line ``sent`` of the stream on, lines are those of ``file`` beginning with ``line``."""
        self._sent.append(sent)
        self._file.append(file)
        self._line.append(line)

    def find(self, sent: int) -> tuple[int, int]:
        """File and line of a line of the stream; (0, 0) when there is no mark before it."""
        at = bisect_right(self._sent, sent) - 1
        return (self._file[at], self._line[at] + sent - self._sent[at]) if at >= 0 else (0, 0)

    def __len__(self) -> int:
        return len(self._sent)


class RowTooLongError(Exception):
    """A row exceeds 4 MB and its end is not in sight."""

    def __init__(self, line: int, start: bytes) -> None:
        super().__init__(f"the row at line {line} is longer than 4 MB")
        self.line = line
        self.start = start


class Sieve:
    """One file. ``on_row`` gets each row that does not pass: the buffer, the row, its line."""

    def __init__(
        self, build_gate: GateBuilder, reader: RowReader, skip_lines: int, on_row: OnRow
    ) -> None:
        self._build_gate = build_gate
        self._reader = reader
        self._skip = skip_lines
        self._on_row = on_row
        self._carry = b""
        self._need = 0
        self.gate: Gate | None = None
        self.line = 1

    def feed(self, data: bytes) -> list[tuple[bytes, int]]:
        """What passes of the rows that are complete now: pieces of whole rows, each with the line it begins at.

        Raises RowTooLongError; whatever ``on_row`` raises passes through.
        """
        self._carry = self._carry + data if self._carry else data
        if len(self._carry) < self._need:
            return []
        return self._separate(final=False)

    def finish(self) -> list[tuple[bytes, int]]:
        """The same for what is left at the end of the file; a last line without its end gets one."""
        if self._carry:
            crlf = self.gate is not None and self.gate.dialect.newline == b"\r\n"
            if not self._carry.endswith(b"\n"):
                self._carry += b"\r\n" if crlf and not self._carry.endswith(b"\r") else b"\n"
            return self._separate(final=True)
        return []

    def _separate(self, *, final: bool) -> list[tuple[bytes, int]]:
        buffer, self._carry, self._need = self._carry, b"", 0
        pieces: list[tuple[bytes, int]] = []
        position = self._skip_header(buffer)
        while position < len(buffer):
            end = self._accept(buffer, position)
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

    def _accept(self, buffer: bytes, position: int) -> int:
        if self.gate is None:
            first = self._reader.read(buffer, position)
            if first is None:
                return position
            self.gate = self._build_gate(
                b"\r\n" if buffer[first.end - 2 : first.end] == b"\r\n" else b"\n"
            )
        return self.gate.accept(buffer, position)

    def _keep(self, buffer: bytes, position: int) -> None:
        self._carry = buffer[position:]
        if len(self._carry) > MAX_ROW_BYTES:
            raise RowTooLongError(self.line, self._carry[:RAW_BYTES])
        self._need = min(2 * len(self._carry), MAX_ROW_BYTES + 1)

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
