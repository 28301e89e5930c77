"""The header of a CSV file: read from the first bytes, and matched to the table's columns.

COPY ignores the header and loads by position (database developer guide, "COPY"). The names read
here become COPY's column list. Names are compared without regard to case, to blanks around them and
to the encoding of accents. Names that the schema file lists in two spellings are told apart by them.
"""

from __future__ import annotations

import codecs
import difflib
import io
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence

from etl_core.csv_files.compression import decompressed, in_pieces
from etl_core.csv_files.messages import (
    BYTE_ORDER_MARK,
    COLUMN_GENERATED,
    COLUMN_MISSING,
    COLUMN_MISSPELT,
    COLUMN_REPEATED,
    COLUMN_UNKNOWN,
    COLUMN_UNNAMED,
    FILE_EMPTY,
    HEADER_FAULTS_LEFT_OUT,
    HEADER_INVALID,
    HEADER_LINE_BREAK,
    HEADER_MISMATCH,
    HEADER_NOT_FOUND,
    HEADER_TOO_LONG,
    HEADER_WRONG_ENCODING,
    QUOTE_MISPLACED,
)
from etl_core.csv_files.rows import split_fields
from etl_core.csv_files.text_encodings import CODECS
from etl_core.model.errors import HeaderMismatchError, InvalidDataFileError
from etl_core.model.names import MAX_IDENTIFIER_BYTES, header_key, header_spelling
from etl_core.model.texts import listed
from etl_core.schema_files.schema_file import ColumnSpec, CsvOptions, SchemaFile

MAX_HEADER_BYTES = 1 << 20
IGNORED = ""
"""Takes the place of a column whose values are not loaded."""
_MAX_READ_BYTES = 4 << 20
_MAX_FAULTS, _MAX_GUESSES = 100, 10


def read_header(
    chunks: Iterable[bytes], compression: str | None, options: CsvOptions
) -> tuple[str, ...]:
    """Return the names in the first row as they are written, without a byte order mark.

    Return () if the files have no header. Reads only as much as the row needs. Raises
    InvalidDataFileError if the file is empty, the header cannot be read, or the compression or the
    encoding is wrong.
    """
    pieces = decompressed(_beginning(chunks), compression)
    if options.header == "none":
        _refuse_byte_order_mark(pieces, options)
        return ()
    text = _first_row(pieces, options).rstrip("\r\n")
    if not text.strip():
        raise InvalidDataFileError(FILE_EMPTY())
    if "\r" in text or "\n" in text:
        raise InvalidDataFileError(HEADER_LINE_BREAK())
    names = split_fields(text, options)
    if names is None:
        reason = QUOTE_MISPLACED()
        raise InvalidDataFileError(HEADER_INVALID(reason=reason, beginning=text[:200]))
    return tuple(names)


def _refuse_byte_order_mark(pieces: Iterable[bytes], options: CsvOptions) -> None:
    """Raise InvalidDataFileError if COPY would read the mark as a part of the first value.

    Whether Redshift drops a mark that is not in a skipped header is not documented.
    """
    start = b""
    for piece in pieces:
        start += piece
        if len(start) >= len(codecs.BOM_UTF8):
            break
    if options.encoding == "UTF8" and start.startswith(codecs.BOM_UTF8):
        raise InvalidDataFileError(BYTE_ORDER_MARK())


def match_columns(header: Sequence[str], spec: SchemaFile) -> tuple[str, ...]:
    """Return the table's column for each field of a row, in the file's order; IGNORED for a field
    that is not loaded.

    Raises HeaderMismatchError with every missing, unknown and repeated column.
    """
    names = _Names(spec)
    if spec.csv.header == "none":
        return tuple(names.columns)
    columns = names.columns_of(header)
    faults = list(_faults(header, columns, names))
    if faults:
        message = HEADER_MISMATCH(faults=listed(faults), columns=listed(names.columns, ", "))
        raise HeaderMismatchError(message, _first(faults))
    return tuple(column for column in columns if column is not None)


class _Names:
    """The columns of a table that data files have, and the names that mean them in a header."""

    def __init__(self, spec: SchemaFile) -> None:
        loaded = [column for column in spec.columns if column.identity is None]
        self.columns = [column.name for column in loaded]
        self.generated = {header_key(each.name) for each in spec.columns if each.identity}
        fills_in = spec.csv.missing_columns == "default"
        self.optional = {each.name for each in loaded if fills_in and _can_be_missing(each)}
        listed = [(name, each.name) for each in loaded for name in each.header]
        self._spelled = {header_spelling(name): column for name, column in listed}
        meanings = {header_key(each.name): {each.name} for each in loaded if not each.header}
        others = {header_key(each.name): {each.name} for each in loaded if each.header}
        for name, column in listed:
            meanings.setdefault(header_key(name), set()).add(column)
        self._meanings = {
            key: columns.copy().pop()
            for key, columns in (others | meanings).items()
            if len(columns) == 1
        }
        self._unnamed = [each.name for each in loaded if not all(map(str.strip, each.header))]
        self._ignored = {header_key(name) for name in spec.csv.ignore_columns}

    def columns_of(self, header: Sequence[str]) -> list[str | None]:
        """Return the column that each name means; IGNORED, or None if it means nothing.

        Columns without a name in the header are told apart by their order.
        """
        unnamed = deque(self._unnamed)
        return [self._column(name, unnamed) for name in header]

    def _column(self, name: str, unnamed: deque[str]) -> str | None:
        key = header_key(name)
        if not key and unnamed:
            return unnamed.popleft()
        column = (
            (self._spelled.get(header_spelling(name)) or self._meanings.get(key)) if key else None
        )
        return IGNORED if column is None and key in self._ignored else column


def _can_be_missing(column: ColumnSpec) -> bool:
    return column.nullable or column.default is not None


def _first(faults: list[str]) -> list[str]:
    """Return the first faults, and how many more there are."""
    more = len(faults) - _MAX_FAULTS
    return [*faults[:_MAX_FAULTS], *([HEADER_FAULTS_LEFT_OUT(count=more)] if more > 0 else [])]


def _faults(header: Sequence[str], columns: Sequence[str | None], names: _Names) -> Iterator[str]:
    counts = Counter(column for column in columns if column)
    missing = [name for name in names.columns if name not in counts and name not in names.optional]
    for name, count in counts.items():
        if count > 1:
            yield COLUMN_REPEATED(name=_short(name), count=count)
    unknown = [
        (number, written)
        for number, (written, column) in enumerate(zip(header, columns, strict=True), 1)
        if column is None
    ]
    yield from _unknown_columns(unknown, missing, names)
    for name in missing:
        yield COLUMN_MISSING(name=name)


def _unknown_columns(
    unknown: Iterable[tuple[int, str]], missing: list[str], names: _Names
) -> Iterator[str]:
    written_as: dict[str, str] = {}
    repeated: Counter[str] = Counter()
    for number, written in unknown:
        if key := header_key(written):
            written_as.setdefault(key, written)
            repeated[key] += 1
        else:
            yield COLUMN_UNNAMED(number=number)
    for index, (key, written) in enumerate(written_as.items()):
        if key in names.generated:
            yield COLUMN_GENERATED(name=written)
            continue
        # A guess compares the name with every column: only for the first few names, and only if a
        # column can have the name.
        is_cheap = index < _MAX_GUESSES and len(key) <= MAX_IDENTIFIER_BYTES
        candidates = missing or names.columns
        guess = difflib.get_close_matches(key, candidates, n=1) if is_cheap else []
        if repeated[key] > 1:
            yield COLUMN_REPEATED(name=_short(written), count=repeated[key])
        if guess:
            yield COLUMN_MISSPELT(name=_short(written), guess=guess[0])
        else:
            yield COLUMN_UNKNOWN(name=_short(written))


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
