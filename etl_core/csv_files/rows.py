"""The rows of a CSV file, split as COPY splits them.

Streamed: only one piece of the file and one row are in memory. Rules: COPY, "Data format
parameters" (CSV). A quoted field may contain delimiters and line ends, a quote inside it is
doubled, blanks between delimiter and quote are ignored. A quote anywhere else is a fault. Lines end
in LF or CRLF.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from etl_core.csv_files.messages import (
    QUOTE_MISPLACED,
    QUOTE_UNCLOSED,
    ROW_TOO_LONG,
    WRONG_ENCODING,
)
from etl_core.csv_files.text_encodings import CODECS
from etl_core.model.errors import InvalidDataFileError
from etl_core.schema_files.schema_file import CsvOptions

MAX_ROW_CHARACTERS = 4 << 20
"""The maximum of COPY: 4 MB."""


class CsvRow(NamedTuple):
    """A row and the number of its first line, counted from 1.

    `fault`: why the row cannot be split into fields.
    """

    line: int
    fields: list[str]
    fault: str | None = None


def read_rows(pieces: Iterable[bytes], options: CsvOptions) -> Iterator[CsvRow]:
    """Yield the rows after the header, if the files have one. An empty line is a row with one empty field.

    Bytes that are not UTF-8 become surrogates, so that a message can show the value. Raises
    InvalidDataFileError if a UTF-16 file has another encoding, or if a row is longer than COPY
    accepts.
    """
    lines = _lines(pieces, options)
    splitter = _Splitter(options.delimiter, options.quote)
    if options.header == "first_row":
        next(_rows(lines, splitter), None)
    yield from _rows(lines, splitter)


def _rows(lines: Iterator[tuple[int, str]], splitter: _Splitter) -> Iterator[CsvRow]:
    for number, whole in lines:
        line = whole.removesuffix("\r")
        if splitter.quote not in line:
            yield CsvRow(number, line.split(splitter.delimiter))
            continue
        fields = splitter.split(line)
        if fields is None and splitter.is_open:
            text, is_closed = _to_closing_quote(number, whole, lines, splitter.quote)
            fields = splitter.split(text) if is_closed else None
            if not is_closed:
                yield CsvRow(number, [], QUOTE_UNCLOSED())
                return
        yield CsvRow(number, [], QUOTE_MISPLACED()) if fields is None else CsvRow(number, fields)


def _to_closing_quote(
    number: int, line: str, lines: Iterator[tuple[int, str]], quote: str
) -> tuple[str, bool]:
    """Return the line with the lines that continue it, and whether the file has the closing quote."""
    parts, size = [line], len(line)
    for _, more in lines:
        parts.append(more)
        size += len(more) + 1
        if size > MAX_ROW_CHARACTERS:
            raise _too_long(number)
        if more.count(quote) % 2:
            return "\n".join(parts).removesuffix("\r"), True
    return "\n".join(parts), False


class _Splitter:
    """Splits a line with quotes into fields."""

    def __init__(self, delimiter: str, quote: str) -> None:
        self.delimiter, self.quote = delimiter, quote
        self.is_open = False
        blanks = "" if delimiter in " \t" else "[ \t]*+"
        d, q = re.escape(delimiter), re.escape(quote)
        self._bare = re.compile(f"([^{d}{q}]*+)({d}|\\Z)")
        self._opened = re.compile(f"{blanks}{q}((?:[^{q}]++|{q}{q})*+)")
        self._closing = re.compile(f"{q}{blanks}({d}|\\Z)")

    def split(self, line: str) -> list[str] | None:
        """Return the fields; None if a quote is misplaced, or if the last quoted field does not end (`is_open`)."""
        fields: list[str] = []
        position, self.is_open = 0, False
        while True:
            opened = self._opened.match(line, position)
            match = (
                self._closing.match(line, opened.end())
                if opened
                else self._bare.match(line, position)
            )
            if match is None:
                self.is_open = opened is not None and opened.end() == len(line)
                return None
            fields.append(opened[1].replace(self.quote * 2, self.quote) if opened else match[1])
            if not match[match.re.groups]:
                return fields
            position = match.end()


def _lines(pieces: Iterable[bytes], options: CsvOptions) -> Iterator[tuple[int, str]]:
    """Yield the lines with their numbers, without LF. A CR stays: within quotes it is part of the value."""
    number, rest = 0, ""
    for text in _decoded(pieces, options):
        *complete, rest = (rest + text).split("\n")
        for line in complete:
            number += 1
            yield number, line
        if len(rest) > MAX_ROW_CHARACTERS:
            raise _too_long(number + 1)
    if rest:
        yield number + 1, rest


def _decoded(pieces: Iterable[bytes], options: CsvOptions) -> Iterator[str]:
    errors = "surrogateescape" if options.encoding == "UTF8" else "strict"
    decoder = codecs.getincrementaldecoder(CODECS[options.encoding])(errors)
    try:
        for piece in pieces:
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise InvalidDataFileError(WRONG_ENCODING(encoding=options.encoding, error=error)) from None


def _too_long(line: int) -> InvalidDataFileError:
    return InvalidDataFileError(ROW_TOO_LONG(line=line))


def split_fields(row: str, options: CsvOptions) -> list[str] | None:
    """Return the fields of one row without its line break; None if a quote is misplaced or not closed."""
    if options.quote not in row:
        return row.split(options.delimiter)
    return _Splitter(options.delimiter, options.quote).split(row)
