"""The header of a CSV file: read from the first bytes, matched to the table's columns by folded name.

COPY never looks at a header: it is positional (database developer guide, "COPY"). The names found here become its column list.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import io
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from etl_core.csv_files.compression import decompressed, in_pieces
from etl_core.model.errors import HeaderMismatchError, InvalidDataFileError
from etl_core.model.names import MAX_IDENTIFIER_BYTES, fold
from etl_core.schema_files.schema_file import CsvOptions, SchemaFile

MAX_HEADER_BYTES = 1 << 20
_MAX_READ_BYTES = 4 << 20
_MAX_FAULTS, _MAX_GUESSES = 100, 10
CODECS = {"UTF8": "utf-8-sig", "UTF16": "utf-16", "UTF16LE": "utf-16-le", "UTF16BE": "utf-16-be"}


def read_header(
    chunks: Iterable[bytes], compression: str | None, options: CsvOptions
) -> tuple[str, ...]:
    """The names in the first row, as written (a byte order mark is dropped). Reads no more than the row needs.

    Raises InvalidDataFileError: empty file, no readable header, damaged compression, wrong encoding.
    """
    text = _first_row(decompressed(_beginning(chunks), compression), options)
    if not text.strip():
        raise InvalidDataFileError(
            "the file is empty, or its first row is: the first row must name the table's columns"
        )
    if "\r" in text.rstrip("\r\n") or "\n" in text.rstrip("\r\n"):
        raise InvalidDataFileError(
            "the header row holds a line break inside a name, or the file's lines end in bare CR; "
            "use LF or CRLF line ends and names in one line"
        )
    try:
        rows = list(
            csv.reader([text], delimiter=options.delimiter, quotechar=options.quote, strict=True)
        )
    except csv.Error as error:
        raise InvalidDataFileError(
            f"the header row is not valid CSV: {error}; given {text[:200]!r}"
        ) from None
    return tuple(rows[0])


def match_header(
    header: Sequence[str],
    columns: Collection[str],
    optional: Collection[str] = (),
    generated: Collection[str] = (),
) -> tuple[str, ...]:
    """The table's column for each name of the header, in the file's order.

    Names match when they fold to the same. `optional` columns may be absent, `generated` ones must be.
    Raises HeaderMismatchError naming every missing, unknown and repeated column at once.
    """
    names = [fold(name.strip()) for name in header]
    faults = list(islice(_faults(header, names, columns, optional, generated), _MAX_FAULTS))
    if faults:
        raise HeaderMismatchError(
            f"the header does not match the table's columns: {'; '.join(faults)}. Correct the header, or upload a schema file "
            f"that names these columns. The table's columns are: {', '.join(columns)}",
            faults,
        )
    return tuple(names)


def match_columns(header: Sequence[str], spec: SchemaFile) -> tuple[str, ...]:
    """The table's column for each name of the header. Raises HeaderMismatchError."""
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
            yield f"column {_short(name)} is there {count} times"
    unknown = {
        name: written for written, name in zip(header, names, strict=True) if name not in known
    }
    for index, (name, written) in enumerate(unknown.items()):
        if name in generated:
            yield f"column {written!r} is filled by the warehouse (identity); leave it out"
            continue
        # Each guess compares with every column: for the first few names only, and none that cannot be a column's.
        could_be_meant = index < _MAX_GUESSES and len(name) <= MAX_IDENTIFIER_BYTES
        guess = (
            difflib.get_close_matches(name, missing or list(columns), n=1) if could_be_meant else []
        )
        yield f"column {_short(written)} is not in the table" + (
            f" (did you mean {guess[0]!r}?)" if guess else ""
        )
    for name in missing:
        yield f"column {name!r} is missing"


def _short(name: str) -> str:
    return (
        repr(name) if len(name) <= MAX_IDENTIFIER_BYTES else f"{name[:MAX_IDENTIFIER_BYTES]!r}..."
    )


def _beginning(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """As much of a file as any header needs; compressed data may go on for ever without saying anything."""
    size = 0
    for part in in_pieces(chunks):
        if size > _MAX_READ_BYTES:
            raise InvalidDataFileError(
                f"the first {_MAX_READ_BYTES} bytes of the file hold no header row; is the file damaged, or no CSV?"
            )
        size += len(part)
        yield part


def _first_row(pieces: Iterable[bytes], options: CsvOptions) -> str:
    """The text up to the first line break outside quotes. What follows is not decoded: a fault there is COPY's to tell."""
    decoder = codecs.getincrementaldecoder(CODECS[options.encoding])()
    row: list[str] = []
    size = quotes = 0
    try:
        for line in (line for piece in pieces for line in io.BytesIO(piece)):
            size += len(line)
            # One line of bytes gives at most one line break of text, in UTF-16 at its beginning.
            head, newline, rest = decoder.decode(line).partition("\n")
            quotes += head.count(options.quote)
            row += head, newline
            if newline and quotes % 2 == 0:
                break
            quotes += rest.count(options.quote)
            row.append(rest)
            if size > MAX_HEADER_BYTES:
                raise InvalidDataFileError(
                    f"the header row does not end within {MAX_HEADER_BYTES} bytes; is a quote left open, do the lines end in "
                    "bare CR, or is the file no CSV?"
                )
        else:
            row.append(decoder.decode(b"", final=True))
    except UnicodeError as error:
        raise InvalidDataFileError(
            f"the header row is not {options.encoding} text: {error}; save the file as {options.encoding}, "
            "or set csv.encoding in the schema file"
        ) from None
    return "".join(row).removeprefix("\ufeff")
