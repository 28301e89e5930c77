"""Reads a whole file as its COPY does: how many rows it has, and what COPY cuts off or reads in one of two ways.

COPY does not report this. Most rows are skipped by one regular expression (unremarkable_rows.py), many
at a time; only the others are split and checked. Memory use does not grow with the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from etl_core.csv_files.findings import CountedFinding, Findings
from etl_core.csv_files.row_check import Finding, RowCheck
from etl_core.csv_files.rows import MAX_ROW_CHARACTERS, CsvRow, decoded, row_too_long, split_rows
from etl_core.csv_files.unremarkable_rows import unremarkable_rows
from etl_core.csv_files.values import Effect
from etl_core.schema_files.schema_file import CsvOptions, SchemaFile


@dataclass(frozen=True)
class Scan:
    """What is remarkable about a file that COPY accepts.

    `rows`: how many COPY will load; None if that is uncertain. `fault`: the first finding that refuses
    the file, `faults`: how many there are.
    """

    rows: int | None = None
    fault: Finding | None = None
    faults: int = 0
    warnings: tuple[CountedFinding, ...] = ()


def scan_file(
    pieces: Iterable[bytes], columns: Sequence[str], header: Sequence[str], spec: SchemaFile
) -> Scan:
    """Read the file and return what is remarkable about it.

    `columns` are the file's, in its order. Raises InvalidDataFileError if it cannot be read.
    """
    text = Utf8Text(as_utf8(pieces, spec.csv))
    rows = split_rows(text, spec.csv)
    if spec.csv.header == "first_row":
        next(rows, None)
    scanner = _Scanner(RowCheck(columns, spec, header), Findings(spec), len(columns))
    skipped = 0
    plain = unremarkable_rows(tuple(columns), tuple(header), spec)
    while True:
        skipped += text.skip(plain)
        row = next(rows, None)
        if row is None:
            return scanner.result(skipped)
        scanner.add(row)


def with_blank_lines(
    pieces: Iterable[bytes], columns: Sequence[str], header: Sequence[str], spec: SchemaFile
) -> Iterator[bytes]:
    """Yield the file as UTF-8, with an empty line for each row whose fields are all empty.

    COPY skips empty lines, and the other lines keep their numbers. Raises InvalidDataFileError.
    """
    text = Utf8Text(as_utf8(pieces, spec.csv), keeps=True)
    rows = split_rows(text, spec.csv)
    plain = unremarkable_rows(tuple(columns), tuple(header), spec)
    if spec.csv.header == "first_row":
        next(rows, None)
    while True:
        text.skip(plain)
        yield text.take()
        row = next(rows, None)
        if row is None:
            yield text.take()
            return
        line = text.take()
        yield b"\n" if is_empty_row(row, len(columns)) else line


def is_empty_row(row: CsvRow, width: int) -> bool:
    """Return whether all of several fields are empty."""
    return len(row.fields) == width > 1 and not any(row.fields)


class _Scanner:
    def __init__(self, check: RowCheck, findings: Findings, width: int) -> None:
        self._check, self._findings, self._width = check, findings, width
        self._rows, self._is_certain = 0, True
        self._skips_empty = check.options.empty_rows == "skip"
        self._fault: Finding | None = None
        self._faults = 0

    def add(self, row: CsvRow) -> None:
        """Count and check a row. What COPY refuses is left to COPY."""
        if row.fault is not None:
            self._is_certain = False
            return
        # Empty lines are not rows, except where a row has only one field (CopyCsv).
        if row.fields == [""] and self._width > 1:
            return
        self._rows += not (self._skips_empty and is_empty_row(row, self._width))
        for finding in self._check.of_row(row):
            if finding.issue.effect is Effect.REFUSED:
                continue
            if not self._findings.is_fault(finding):
                self._findings.note(finding)
                continue
            self._fault = self._fault or finding
            self._faults += 1

    def result(self, skipped: int) -> Scan:
        rows = self._rows + skipped if self._is_certain else None
        return Scan(rows, self._fault, self._faults, tuple(self._findings.warnings()))


class Utf8Text:
    """A file as UTF-8, consumed from its front: an iterator of numbered lines, without LF.

    `keeps`: what was consumed is kept until it is taken.
    """

    def __init__(self, pieces: Iterator[bytes], *, keeps: bool = False) -> None:
        self._pieces, self._keeps = pieces, keeps
        self._buffer, self._at, self._number = b"", 0, 0
        self._taken_until = self._dropped = 0

    @property
    def position(self) -> int:
        """How many bytes were consumed."""
        return self._dropped + self._at

    @property
    def line(self) -> int:
        """How many lines were consumed."""
        return self._number

    def forget(self) -> None:
        """Drop what was consumed since the last call of `take`."""
        self._taken_until = self._at

    def take(self) -> bytes:
        """Return what was consumed since the last call."""
        taken = self._buffer[self._taken_until : self._at]
        self._taken_until = self._at
        return taken

    def skip(self, rows: re.Pattern[bytes]) -> int:
        """Skip the rows at the front that the pattern matches, and return how many they are."""
        match = rows.match(self._buffer, self._at)
        end = self._at if match is None else match.end()
        count = self._buffer.count(b"\n", self._at, end)
        self._at = end
        self._number += count
        return count

    def __iter__(self) -> Iterator[tuple[int, str]]:
        return self

    def __next__(self) -> tuple[int, str]:
        searched = 0
        while (end := self._buffer.find(b"\n", self._at + searched)) < 0:
            searched = len(self._buffer) - self._at
            if not self._fill():
                return self._last_line()
        line = self._buffer[self._at : end]
        self._at = end + 1
        return self._numbered(line)

    def _fill(self) -> bool:
        piece = next(self._pieces, None)
        if piece is None:
            return False
        kept = self._taken_until if self._keeps else self._at
        self._buffer = self._buffer[kept:] + piece
        self._dropped += kept
        self._at, self._taken_until = self._at - kept, 0
        if len(self._buffer) > len(piece) + 4 * MAX_ROW_CHARACTERS:
            raise row_too_long(self._number + 1)
        return True

    def _last_line(self) -> tuple[int, str]:
        line = self._buffer[self._at :]
        if not line:
            raise StopIteration
        self._at = len(self._buffer)
        return self._numbered(line)

    def _numbered(self, line: bytes) -> tuple[int, str]:
        self._number += 1
        return self._number, line.decode("utf-8", "surrogateescape")


def as_utf8(pieces: Iterable[bytes], options: CsvOptions) -> Iterator[bytes]:
    """Yield the file as UTF-8. A byte order mark of UTF-8 stays."""
    if options.encoding == "UTF8":
        yield from pieces
        return
    for text in decoded(pieces, options):
        yield text.encode("utf-8", "surrogatepass")
