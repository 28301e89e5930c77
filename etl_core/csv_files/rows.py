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
    BACKSLASH_BEFORE_QUOTE,
    QUOTE_MISPLACED,
    QUOTE_UNCLOSED,
    QUOTED_OVER_LINES,
    ROW_TOO_LONG,
    WRONG_ENCODING,
)
from etl_core.csv_files.text_encodings import CODECS
from etl_core.model.errors import InvalidDataFileError
from etl_core.model.messages import MessageText
from etl_core.schema_files.schema_file import CsvOptions

MAX_ROW_CHARACTERS = 4 << 20
"""The maximum of COPY: 4 MB."""


class CsvRow(NamedTuple):
    """A row and the number of its first line, counted from 1.

    `fault`: why the row cannot be split into fields; `hint`: what probably cures that.
    """

    line: int
    fields: list[str]
    fault: MessageText | None = None
    hint: str = ""


def read_rows(pieces: Iterable[bytes], options: CsvOptions) -> Iterator[CsvRow]:
    """Yield the rows after the header, if the files have one. An empty line is a row with one empty field.

    Bytes that are not UTF-8 become surrogates, so that a message can show the value. Raises
    InvalidDataFileError if a UTF-16 file has another encoding, or if a row is longer than COPY
    accepts.
    """
    lines = _lines(decoded(pieces, options))
    splitter = _Splitter(options.delimiter, options.quote)
    if options.header == "first_row":
        next(_rows(lines, splitter), None)
    yield from _rows(lines, splitter)


def read_rows_from(pieces: Iterable[bytes], options: CsvOptions, first: int) -> Iterator[CsvRow]:
    """Yield the rows from the one that begins in line `first`. Lines before it are only counted.

    Raises InvalidDataFileError like read_rows.
    """
    splitter = _Splitter(options.delimiter, options.quote)
    yield from _rows(_lines(decoded(pieces, options), first), splitter)


def split_rows(lines: Iterator[tuple[int, str]], options: CsvOptions) -> Iterator[CsvRow]:
    """Yield the rows of numbered lines. After each row, the next unread line is at the front of `lines`."""
    yield from _rows(lines, _Splitter(options.delimiter, options.quote))


def _rows(lines: Iterator[tuple[int, str]], splitter: _Splitter) -> Iterator[CsvRow]:
    for number, whole in lines:
        line = whole.removesuffix("\r")
        if splitter.quote not in line:
            yield CsvRow(number, line.split(splitter.delimiter))
            continue
        fields, text = splitter.split(line), line
        if fields is None and splitter.is_open:
            text, is_closed = _to_closing_quote(number, whole, lines, splitter.quote)
            fields = splitter.split(text) if is_closed else None
            if not is_closed:
                yield CsvRow(number, [], QUOTE_UNCLOSED(), _quote_hint(line, splitter.quote))
                return
        if fields is None:
            yield CsvRow(number, [], QUOTE_MISPLACED(), _quote_hint(text, splitter.quote))
        else:
            yield CsvRow(number, fields)


def _quote_hint(text: str, quote: str) -> str:
    if f"\\{quote}" in text:
        return BACKSLASH_BEFORE_QUOTE(quote=quote)
    return QUOTED_OVER_LINES(count=text.count("\n") + 1) if "\n" in text else ""


def _to_closing_quote(
    number: int, line: str, lines: Iterator[tuple[int, str]], quote: str
) -> tuple[str, bool]:
    """Return the line with the lines that continue it, and whether the file has the closing quote."""
    parts, size = [line], len(line)
    for _, more in lines:
        parts.append(more)
        size += len(more) + 1
        if size > MAX_ROW_CHARACTERS:
            raise row_too_long(number)
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


def _lines(texts: Iterable[str], first: int = 1) -> Iterator[tuple[int, str]]:
    """Yield the lines from number `first` with their numbers, without LF.

    A CR stays: within quotes it is part of the value.
    """
    number, rest = 0, ""
    for text in texts:
        skipped = text.count("\n") if number + 1 < first else 0
        if skipped and number + skipped + 1 < first:
            number, rest = number + skipped, text[text.rindex("\n") + 1 :]
            continue
        *complete, rest = (rest + text).split("\n")
        for line in complete:
            number += 1
            if number >= first:
                yield number, line
        if len(rest) > MAX_ROW_CHARACTERS:
            raise row_too_long(number + 1)
    if rest and number + 1 >= first:
        yield number + 1, rest


def decoded(pieces: Iterable[bytes], options: CsvOptions) -> Iterator[str]:
    """Yield the text of a file. Bytes that are not UTF-8 become surrogates.

    Raises InvalidDataFileError if a UTF-16 file has another encoding.
    """
    errors = "surrogateescape" if options.encoding == "UTF8" else "strict"
    decoder = codecs.getincrementaldecoder(CODECS[options.encoding])(errors)
    try:
        for piece in pieces:
            yield decoder.decode(piece)
        yield decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise InvalidDataFileError(WRONG_ENCODING(encoding=options.encoding, error=error)) from None


def row_too_long(line: int) -> InvalidDataFileError:
    """Return the error for a row that is longer than COPY accepts."""
    return InvalidDataFileError(ROW_TOO_LONG(line=line))


def split_fields(row: str, options: CsvOptions) -> list[str] | None:
    """Return the fields of one row without its line break; None if a quote is misplaced or not closed."""
    if options.quote not in row:
        return row.split(options.delimiter)
    return _Splitter(options.delimiter, options.quote).split(row)
