"""Reads lines whose fields have a fixed width (copy-parameters-data-format, FIXEDWIDTH). Pure.

Not confirmed: widths count bytes; blanks after a value are dropped; a line that is too short or too long is 1214 or
1216, in the words that users report for delimited files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from redshift_emulator.copy.columns import Column
from redshift_emulator.copy.load_errors import RAW_BYTES, RowError
from redshift_emulator.copy.options import CopyOptions
from redshift_emulator.copy.records import Record
from redshift_emulator.copy.row_splitter import RowTooLongError
from redshift_emulator.copy.rows import MAX_ROW_BYTES
from redshift_emulator.errors import SqlError

_PAIR = re.compile(r"\s*+[^:,\s]++\s*+:\s*+(\d{1,6})\s*+")


def parse_widths(text: str) -> tuple[int, ...]:
    """Return the widths of 'label:width, label:width, ...'. The labels mean nothing. SqlError for anything else."""
    pairs = [_PAIR.fullmatch(pair) for pair in text.split(",")]
    widths = tuple(int(pair[1]) for pair in pairs if pair)
    if len(widths) != len(pairs) or not all(widths):
        raise SqlError(
            "42601", f"COPY FIXEDWIDTH '{text}' is not valid: write 'label:width,label:width'"
        )
    return widths


class FixedWidthReader:
    """Reads one file."""

    def __init__(
        self, widths: Sequence[int], columns: Sequence[Column], options: CopyOptions
    ) -> None:
        if len(widths) != len(columns):
            raise SqlError(
                "42601", f"COPY FIXEDWIDTH has {len(widths)} columns; the table has {len(columns)}"
            )
        ends = [sum(widths[: place + 1]) for place in range(len(widths))]
        self._slices = [slice(*pair) for pair in zip([0, *ends], ends, strict=False)]
        self._columns = columns
        self._options = options
        self._rest = b""
        self._line = 0

    def feed(self, data: bytes) -> Iterable[Record]:
        """Return the lines that are complete. Raises RowTooLongError."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_ROW_BYTES:
            raise RowTooLongError(self._line + len(lines) + 1, self._rest[:RAW_BYTES])
        return self._records(lines)

    def finish(self) -> Iterable[Record]:
        """Return the last line if it has no line ending."""
        lines, self._rest = [self._rest] if self._rest else [], b""
        return self._records(lines)

    def _records(self, lines: Iterable[bytes]) -> Iterator[Record]:
        for line in lines:
            self._line += 1
            raw = line.removesuffix(b"\r")
            is_blank = self._options.ignore_blank_lines and not raw.strip()
            if self._line > self._options.ignore_header and not is_blank:
                yield Record(self._line, raw, self._values(raw))

    def _values(self, raw: bytes) -> Sequence[bytes | None] | RowError:
        size, filled = self._slices[-1].stop, self._options.fill_record
        if len(raw) > size and raw[size:].strip(b" "):
            reason = (
                f"Missing newline: Unexpected character 0x{raw[size]:02x} found at location {size}"
            )
            return RowError(1216, reason, self._columns[-1], size, raw[size:])
        values = [raw[field].rstrip(b" ") for field in self._slices]
        if len(raw) <= self._slices[-1].start and len(self._slices) > 1 and not filled:
            place = next(at for at, field in enumerate(self._slices) if field.stop >= len(raw))
            return RowError(
                1214,
                "Delimiter not found",
                self._columns[place],
                self._slices[place].start,
                values[place],
            )
        return values
