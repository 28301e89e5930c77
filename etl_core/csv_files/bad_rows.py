"""Finds the rows of a file that do not fit their table, so that the others can be loaded without them.

The rows before and after a bad row are not affected by it: a file is refused if that is not certain.
Memory use grows only with the bad rows, and these have a limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from etl_core.csv_files.findings import CountedFinding, Findings
from etl_core.csv_files.loadable_rows import loadable_rows
from etl_core.csv_files.row_check import Finding, RowCheck
from etl_core.csv_files.rows import CsvRow, split_rows
from etl_core.csv_files.scan import Utf8Text, as_utf8, is_empty_row
from etl_core.csv_files.written_rows import RowWriter
from etl_core.schema_files.schema_file import CsvOptions, SchemaFile

MOST_BAD_ROWS = 100_000
MOST_BAD_BYTES = 32 << 20
"""Of the bad rows and their reasons together: they are kept in memory."""
_MOST_REASONS = 20
"""Of one row."""
_MOST_CHARACTERS = 1000
_BOM = b"\xef\xbb\xbf"
_REASONS_HEADER = ("line", "column", "value", "reason")


class BadRowsError(Exception):
    """The bad rows of the file cannot be set aside. `first` is the first that shows this."""

    def __init__(self, first: Finding) -> None:
        super().__init__(str(first))
        self.first = first


class TooManyBadRowsError(BadRowsError):
    """There are more than can be set aside."""


class UncertainRowsError(BadRowsError):
    """A quote that is misplaced or not closed may have hidden the beginnings of other rows."""


@dataclass(frozen=True)
class Extent:
    """A bad row's place: its bytes in the file as UTF-8, and its lines. The first line is 1."""

    start: int
    end: int
    line: int
    lines: int


@dataclass(frozen=True)
class BadRows:
    """The bad rows of a file, and what is known about the others.

    `good`: how many rows COPY will load. `header` and `rows` are lines of the file as UTF-8,
    `reasons` is CSV. `warnings` are about the good rows.
    """

    extents: tuple[Extent, ...]
    good: int
    first: Finding | None
    warnings: tuple[CountedFinding, ...]
    header: bytes
    rows: bytes
    reasons: bytes

    @property
    def count(self) -> int:
        """How many rows are bad."""
        return len(self.extents)

    def removed_from(self, pieces: Iterable[bytes], *, keeps_lines: bool) -> Iterator[bytes]:
        """Yield a UTF-8 file without its bad rows.

        `keeps_lines`: with an empty line for each of their lines, so that the other lines keep
        their numbers.
        """
        position, extents = 0, iter(self.extents)
        extent = next(extents, None)
        for piece in pieces:
            start, end = 0, position + len(piece)
            while extent is not None and extent.start < end:
                yield piece[start : max(start, extent.start - position)]
                if extent.end > end:
                    start = len(piece)
                    break
                start = extent.end - position
                yield b"\n" * (extent.lines if keeps_lines else 0)
                extent = next(extents, None)
            yield piece[start:]
            position = end

    def line_before(self, line: int) -> int:
        """Return the number that a line had in the file, by its number without the bad rows' lines.

        A number below 1 means that the line is not known, and stays.
        """
        if line < 1:
            return line
        for extent in self.extents:
            if extent.line > line:
                break
            line += extent.lines
        return line


def find_bad_rows(
    pieces: Iterable[bytes], columns: Sequence[str], header: Sequence[str], spec: SchemaFile
) -> BadRows:
    """Read the file and return its bad rows. `columns` are the file's, in its order.

    Raises InvalidDataFileError if it cannot be read, and BadRowsError.
    """
    text = Utf8Text(as_utf8(pieces, spec.csv), keeps=True)
    rows = split_rows(text, spec.csv)
    first_line = b""
    if spec.csv.header == "first_row":
        next(rows, None)
        first_line = text.take().removeprefix(_BOM)
    finder = _Finder(RowCheck(columns, spec, header), Findings(spec), len(columns))
    plain = loadable_rows(tuple(columns), tuple(header), spec)
    skipped = 0
    while True:
        skipped += text.skip(plain)
        text.forget()
        start, line = text.position, text.line
        row = next(rows, None)
        if row is None:
            return finder.result(first_line, skipped)
        if finder.is_bad(row):
            extent = Extent(start, text.position, line + 1, text.line - line)
            finder.add(extent, row, text.take())


class _Finder:
    def __init__(self, check: RowCheck, findings: Findings, width: int) -> None:
        self._check, self._findings, self._width = check, findings, width
        self._skips_empty = check.options.empty_rows == "skip"
        self._extents: list[Extent] = []
        self._good = 0
        self._first: Finding | None = None
        self._faults: list[Finding] = []
        self._rows, self._reasons = bytearray(), bytearray()
        # Plain CSV, whatever the file's own delimiter and quote are.
        self._writer = RowWriter(CsvOptions())
        self._write_reason(_REASONS_HEADER)

    def is_bad(self, row: CsvRow) -> bool:
        """Check a row, and count it if it is not bad."""
        # Empty lines are not rows, except where a row has only one field (CopyCsv).
        if row.fault is None and row.fields == [""] and self._width > 1:
            return False
        found = list(self._check.of_row(row))
        is_skipped = self._skips_empty and is_empty_row(row, self._width)
        if is_skipped:  # the row is noted, and its values do not matter
            found = [each for each in found if each.column is None]
        self._faults = [each for each in found if self._findings.is_fault(each)]
        if self._faults:
            return True
        self._good += not is_skipped
        for each in found:
            self._findings.note(each)
        return False

    def add(self, extent: Extent, row: CsvRow, lines: bytes) -> None:
        """Set the row aside that was found to be bad. Raises BadRowsError."""
        first = self._faults[0]
        if row.fault is not None and extent.lines > 1:
            raise UncertainRowsError(first)
        self._first = self._first or first
        self._extents.append(extent)
        self._rows += lines if lines.endswith(b"\n") else lines + b"\n"
        for each in self._faults[:_MOST_REASONS]:
            self._write_reason(_reason_of(each))
        size = len(self._rows) + len(self._reasons)
        if len(self._extents) > MOST_BAD_ROWS or size > MOST_BAD_BYTES:
            raise TooManyBadRowsError(self._first)

    def _write_reason(self, fields: Sequence[str]) -> None:
        text = self._writer.line(fields).encode("utf-8", "surrogateescape")
        # A value that is not UTF-8 would make a file that nobody can read; rows.csv has its bytes.
        self._reasons += text.decode("utf-8", "replace").encode()

    def result(self, header: bytes, skipped: int) -> BadRows:
        return BadRows(
            tuple(self._extents),
            self._good + skipped,
            self._first,
            tuple(self._findings.warnings()),
            header,
            bytes(self._rows),
            bytes(self._reasons),
        )


def _reason_of(finding: Finding) -> tuple[str, str, str, str]:
    hint = finding.issue.hint
    reason = f"{finding.issue.reason}. {hint}" if hint else str(finding.issue.reason)
    value = finding.value[:_MOST_CHARACTERS].replace("\0", "\ufffd")
    return str(finding.line), finding.column or "", value, reason
