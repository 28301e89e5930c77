"""The header of a CSV file: read from the first bytes, and matched to the table's columns by folded name.

COPY ignores the header and loads by position (database developer guide, "COPY"). The names read
here become COPY's column list.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import io
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence

from etl_core.csv_files.compression import decompressed, in_pieces
from etl_core.csv_files.messages import (
    COLUMN_GENERATED,
    COLUMN_MISSING,
    COLUMN_MISSPELT,
    COLUMN_REPEATED,
    COLUMN_UNKNOWN,
    FILE_EMPTY,
    HEADER_FAULTS_LEFT_OUT,
    HEADER_INVALID,
    HEADER_LINE_BREAK,
    HEADER_MISMATCH,
    HEADER_NOT_FOUND,
    HEADER_TOO_LONG,
    HEADER_WRONG_ENCODING,
)
from etl_core.model.errors import HeaderMismatchError, InvalidDataFileError
from etl_core.model.names import MAX_IDENTIFIER_BYTES, fold
from etl_core.model.texts import listed
from etl_core.schema_files.schema_file import CsvOptions, SchemaFile

MAX_HEADER_BYTES = 1 << 20
_MAX_READ_BYTES = 4 << 20
_MAX_FAULTS, _MAX_GUESSES = 100, 10
CODECS = {"UTF8": "utf-8-sig", "UTF16": "utf-16", "UTF16LE": "utf-16-le", "UTF16BE": "utf-16-be"}


def read_header(
    chunks: Iterable[bytes], compression: str | None, options: CsvOptions
) -> tuple[str, ...]:
    """Return the names in the first row as they are written, without a byte order mark.

    Reads only as much as the row needs. Raises InvalidDataFileError if the file is empty, the
    header cannot be read, or the compression or the encoding is wrong.
    """
    text = _first_row(decompressed(_beginning(chunks), compression), options)
    if not text.strip():
        raise InvalidDataFileError(FILE_EMPTY())
    if "\r" in text.rstrip("\r\n") or "\n" in text.rstrip("\r\n"):
        raise InvalidDataFileError(HEADER_LINE_BREAK())
    try:
        rows = list(
            csv.reader([text], delimiter=options.delimiter, quotechar=options.quote, strict=True)
        )
    except csv.Error as error:
        raise InvalidDataFileError(HEADER_INVALID(error=error, beginning=text[:200])) from None
    return tuple(rows[0])


def match_header(
    header: Sequence[str],
    columns: Collection[str],
    optional: Collection[str] = (),
    generated: Collection[str] = (),
) -> tuple[str, ...]:
    """Return the table's column for each name of the header, in the file's order.

    Names match if they fold to the same text. `optional` columns may be absent, `generated` ones
    must be absent. Raises HeaderMismatchError with every missing, unknown and repeated column.
    """
    names = [fold(name.strip()) for name in header]
    faults = list(_faults(header, names, columns, optional, generated))
    if faults:
        message = HEADER_MISMATCH(faults=listed(faults), columns=listed(columns, ", "))
        raise HeaderMismatchError(message, _first(faults))
    return tuple(names)


def _first(faults: list[str]) -> list[str]:
    """Return the first faults, and how many more there are."""
    more = len(faults) - _MAX_FAULTS
    return [*faults[:_MAX_FAULTS], *([HEADER_FAULTS_LEFT_OUT(count=more)] if more > 0 else [])]


def match_columns(header: Sequence[str], spec: SchemaFile) -> tuple[str, ...]:
    """Return the table's column for each name of the header. Raises HeaderMismatchError."""
    expected = [column.name for column in spec.columns if column.identity is None]
    generated = [column.name for column in spec.columns if column.identity is not None]
    optional = []
    if spec.csv.missing_columns == "default":
        optional = [
            column.name for column in spec.columns if column.nullable or column.default is not None
        ]
    return match_header(header, expected, optional, generated)


def _faults(
    header: Sequence[str],
    names: list[str],
    columns: Collection[str],
    optional: Collection[str],
    generated: Collection[str],
) -> Iterator[str]:
    counts, known = Counter(names), set(columns)
    missing = [name for name in columns if name not in counts and name not in optional]
    for name, count in counts.items():
        if count > 1:
            yield COLUMN_REPEATED(name=_short(name), count=count)
    unknown = {
        name: written for written, name in zip(header, names, strict=True) if name not in known
    }
    for index, (name, written) in enumerate(unknown.items()):
        if name in generated:
            yield COLUMN_GENERATED(name=written)
            continue
        # A guess compares the name with every column: only for the first few names, and only if a
        # column can have the name.
        is_cheap = index < _MAX_GUESSES and len(name) <= MAX_IDENTIFIER_BYTES
        guess = difflib.get_close_matches(name, missing or list(columns), n=1) if is_cheap else []
        if guess:
            yield COLUMN_MISSPELT(name=_short(written), guess=guess[0])
        else:
            yield COLUMN_UNKNOWN(name=_short(written))
    for name in missing:
        yield COLUMN_MISSING(name=name)


def _short(name: str) -> str:
    return (
        repr(name) if len(name) <= MAX_IDENTIFIER_BYTES else f"{name[:MAX_IDENTIFIER_BYTES]!r}..."
    )


def _beginning(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield as much of the file as a header can need.

    Compressed data may be endless and still decompress to nothing.
    """
    size = 0
    for part in in_pieces(chunks):
        if size > _MAX_READ_BYTES:
            raise InvalidDataFileError(HEADER_NOT_FOUND(size=_MAX_READ_BYTES))
        size += len(part)
        yield part


def _first_row(pieces: Iterable[bytes], options: CsvOptions) -> str:
    """Return the text up to the first line break outside quotes.

    The rest is not decoded: COPY reports faults there.
    """
    decoder = codecs.getincrementaldecoder(CODECS[options.encoding])()
    row: list[str] = []
    size = quotes = 0
    try:
        for line in (line for piece in pieces for line in io.BytesIO(piece)):
            size += len(line)
            # A line of bytes decodes to at most one line break; in UTF-16 it may come first.
            head, newline, rest = decoder.decode(line).partition("\n")
            quotes += head.count(options.quote)
            row += head, newline
            if newline and quotes % 2 == 0:
                break
            quotes += rest.count(options.quote)
            row.append(rest)
            if size > MAX_HEADER_BYTES:
                raise InvalidDataFileError(HEADER_TOO_LONG(limit=MAX_HEADER_BYTES))
        else:
            row.append(decoder.decode(b"", final=True))
    except UnicodeError as error:
        message = HEADER_WRONG_ENCODING(encoding=options.encoding, error=error)
        raise InvalidDataFileError(message) from None
    return "".join(row).removeprefix("\ufeff")
