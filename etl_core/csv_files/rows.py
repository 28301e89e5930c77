"""The rows of a CSV file as COPY takes them apart, streamed: a piece of the file and one row are all that is held.

Rules: COPY, "Data format parameters" (CSV): a quoted field may hold delimiters and line ends, its quote is doubled, blanks between
delimiter and quote are ignored; a quote anywhere else is a fault. Lines end in LF or CRLF.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from etl_core.csv_files.header import CODECS
from etl_core.model.errors import InvalidDataFileError
from etl_core.schema_files.schema_file import CsvOptions

MAX_ROW_CHARACTERS = 4 << 20
"""COPY takes rows of up to 4 MB."""

_MISPLACED = "a quote stands where none may be: write a quote inside a quoted field twice, and quote the whole field"
_UNCLOSED = "a quote is opened and never closed"


class CsvRow(NamedTuple):
    """A row and the line it begins in (the first line is 1). `fault` tells why its fields cannot be told apart."""

    line: int
    fields: list[str]
    fault: str | None = None


def read_rows(pieces: Iterable[bytes], options: CsvOptions) -> Iterator[CsvRow]:
    """The rows behind the header, without empty lines' sense: an empty line is a row with one empty field.

    Bytes that are no UTF-8 come as surrogates, for the value to be named. Raises InvalidDataFileError: text of another encoding, a row
    longer than COPY takes.
    """
    lines = _lines(pieces, options)
    split = _Splitter(options.delimiter, options.quote)
    next(_joined(lines, split), None)
    yield from _joined(lines, split)


def _joined(lines: Iterator[tuple[int, str]], split: _Splitter) -> Iterator[CsvRow]:
    for number, line in lines:
        if split.quote not in line:
            yield CsvRow(number, line.split(split.delimiter))
            continue
        fields = split.fields(line)
        if fields is None and split.is_open:
            text, closed = _to_closing_quote(number, line, lines, split.quote)
            fields = split.fields(text) if closed else None
            if not closed:
                yield CsvRow(number, [], _UNCLOSED)
                return
        yield CsvRow(number, [], _MISPLACED) if fields is None else CsvRow(number, fields)


def _to_closing_quote(
    number: int, line: str, lines: Iterator[tuple[int, str]], quote: str
) -> tuple[str, bool]:
    """The line and those that belong to it; whether the file has the closing quote."""
    parts, size = [line], len(line)
    for _, more in lines:
        parts.append(more)
        size += len(more) + 1
        if size > MAX_ROW_CHARACTERS:
            raise _too_long(number)
        if more.count(quote) % 2:
            return "\n".join(parts), True
    return "\n".join(parts), False


class _Splitter:
    """Takes a line with quotes apart."""

    def __init__(self, delimiter: str, quote: str) -> None:
        self.delimiter, self.quote = delimiter, quote
        self.is_open = False
        blanks = "" if delimiter in " \t" else "[ \t]*+"
        d, q = re.escape(delimiter), re.escape(quote)
        self._bare = re.compile(f"([^{d}{q}]*+)({d}|\\Z)")
        self._opened = re.compile(f"{blanks}{q}((?:[^{q}]++|{q}{q})*+)")
        self._closing = re.compile(f"{q}{blanks}({d}|\\Z)")

    def fields(self, line: str) -> list[str] | None:
        """The fields; None when a quote is misplaced, or the last quoted field does not end (`is_open`)."""
        found: list[str] = []
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
            found.append(opened[1].replace(self.quote * 2, self.quote) if opened else match[1])
            if not match[match.re.groups]:
                return found
            position = match.end()


def _lines(pieces: Iterable[bytes], options: CsvOptions) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, without LF or CRLF."""
    number, rest = 0, ""
    for text in _decoded(pieces, options):
        *whole, rest = (rest + text).split("\n")
        for line in whole:
            number += 1
            yield number, line.removesuffix("\r")
        if len(rest) > MAX_ROW_CHARACTERS:
            raise _too_long(number + 1)
    if rest:
        yield number + 1, rest.removesuffix("\r")


def _decoded(pieces: Iterable[bytes], options: CsvOptions) -> Iterator[str]:
    errors = "surrogateescape" if options.encoding == "UTF8" else "strict"
    decoder = codecs.getincrementaldecoder(CODECS[options.encoding])(errors)
    try:
        for piece in pieces:
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise InvalidDataFileError(
            f"the file is not {options.encoding} text: {error}; save it as {options.encoding}, or set csv.encoding in the schema file"
        ) from None


def _too_long(line: int) -> InvalidDataFileError:
    return InvalidDataFileError(
        f"the row in line {line} is longer than 4 MB, which COPY does not take; is a quote left open, or do the lines end in bare CR?"
    )
