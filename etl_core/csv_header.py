"""The header of a CSV file: read from the first bytes, matched to the table's columns by folded name.

COPY never looks at a header: it is positional (database developer guide, "COPY"). The names found here become its column list.
"""

from __future__ import annotations

import bz2
import codecs
import csv
import difflib
import sys
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Protocol

from etl_core.errors import HeaderMismatchError, InvalidDataFileError
from etl_core.names import fold
from etl_core.schema_file import CsvOptions
from etl_core.sql import COMPRESSIONS

MAX_HEADER_BYTES = 1 << 20
_PIECE = 1 << 16
CODECS = {"UTF8": "utf-8-sig", "UTF16": "utf-16", "UTF16LE": "utf-16-le", "UTF16BE": "utf-16-be"}


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """zlib's decompressor with the interface of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


def compression_of(file: str) -> str | None:
    """COPY's compression keyword for a file name, None for a plain CSV. Raises InvalidDataFileError for any other file."""
    folded = file.lower()
    for suffix, keyword in COMPRESSIONS.items():
        if folded.endswith(f".csv{suffix}"):
            return keyword
    raise InvalidDataFileError(
        f"the file {file!r} has the wrong extension: data files end in .csv, .csv.gz, .csv.bz2 or .csv.zst; "
        "write the data as CSV and upload it under such a name"
    )


def read_header(chunks: Iterable[bytes], compression: str | None, options: CsvOptions) -> tuple[str, ...]:
    """The names in the first row, as written (a byte order mark is dropped). Reads no more than the row needs.

    Raises InvalidDataFileError: empty file, no readable header, damaged compression, wrong encoding.
    """
    text = _first_row(decompressed(chunks, compression), options)
    if not text.strip():
        raise InvalidDataFileError("the file is empty: its first row must name the table's columns")
    if "\r" in text.rstrip("\r\n") or "\n" in text.rstrip("\r\n"):
        raise InvalidDataFileError(
            "the header row holds a line break inside a name, or the file's lines end in bare CR; "
            "use LF or CRLF line ends and names in one line"
        )
    try:
        rows = list(csv.reader([text], delimiter=options.delimiter, quotechar=options.quote, strict=True))
    except csv.Error as error:
        raise InvalidDataFileError(f"the header row is not valid CSV: {error}; given {text[:200]!r}") from None
    return tuple(rows[0])


def match_header(header: Sequence[str], columns: Collection[str], optional: Collection[str] = ()) -> tuple[str, ...]:
    """The table's column for each name of the header, in the file's order.

    Names match when they fold to the same. `optional` columns may be absent. Raises HeaderMismatchError naming every
    missing, unknown and repeated column at once.
    """
    names = [fold(name.strip()) for name in header]
    faults = list(_faults(header, names, columns, optional))
    if faults:
        raise HeaderMismatchError(
            f"the header does not match the table's columns: {'; '.join(faults)}. "
            f"The columns are: {', '.join(columns)}. Correct the header, or upload a schema file that names these columns",
            faults,
        )
    return tuple(names)


def _faults(
    header: Sequence[str], names: list[str], columns: Collection[str], optional: Collection[str]
) -> Iterator[str]:
    missing = [name for name in columns if name not in names and name not in optional]
    for name, count in Counter(names).items():
        if count > 1:
            yield f"column {name!r} is there {count} times"
    for written, name in zip(header, names, strict=True):
        if name not in columns:
            guess = difflib.get_close_matches(name, missing or list(columns), n=1)
            yield f"column {written!r} is not in the table" + (f" (did you mean {guess[0]!r}?)" if guess else "")
    for name in missing:
        yield f"column {name!r} is missing"


def decompressed(chunks: Iterable[bytes], compression: str | None) -> Iterator[bytes]:
    """The bytes behind a compression, in pieces of bounded size whatever the ratio; also of several joined members."""
    if compression is None:
        yield from chunks
        return
    engine = _decompressor(compression)
    for chunk in chunks:
        data = chunk
        while data or not engine.needs_input:
            try:
                piece = engine.decompress(data, _PIECE)
            except Exception as error:  # each library has an error of its own
                raise InvalidDataFileError(
                    f"the file is not valid {compression}: {error}; its extension says it is. Compress it again, or name it .csv"
                ) from None
            data = b""
            if piece:
                yield piece
            if engine.eof:
                data = _rest(engine)
                engine = _decompressor(compression)
                if not data:
                    break


def _rest(engine: Any) -> bytes:
    inner = getattr(engine, "_inner", engine)
    return bytes(inner.unused_data)


def _decompressor(compression: str) -> _Decompressor:
    if compression == "GZIP":
        return _Gzip()
    if compression == "BZIP2":
        return bz2.BZ2Decompressor()
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    made: _Decompressor = zstd.ZstdDecompressor()
    return made


def _first_row(pieces: Iterable[bytes], options: CsvOptions) -> str:
    decoder = codecs.getincrementaldecoder(CODECS[options.encoding])()
    text, size = "", 0
    try:
        for piece in pieces:
            size += len(piece)
            text += decoder.decode(piece)
            end = _row_end(text, options.quote)
            if end:
                return text[:end].removeprefix("\ufeff")
            if size > MAX_HEADER_BYTES:
                raise InvalidDataFileError(
                    f"the header row does not end within {MAX_HEADER_BYTES} bytes; is a quote left open, or is the file no CSV?"
                )
        return (text + decoder.decode(b"", final=True)).removeprefix("\ufeff")
    except UnicodeError as error:
        raise InvalidDataFileError(
            f"the header row is not {options.encoding} text: {error}; save the file as {options.encoding}, "
            "or set csv.encoding in the schema file"
        ) from None


def _row_end(text: str, quote: str) -> int:
    """The position behind the first line break that is not inside quotes; 0 when there is none yet."""
    end = text.find("\n") + 1
    while end and text.count(quote, 0, end) % 2:
        end = text.find("\n", end) + 1
    return end
