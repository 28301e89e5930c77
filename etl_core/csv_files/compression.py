"""The compression of a data file, and decompression in pieces of bounded size."""

from __future__ import annotations

import bz2
import sys
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from etl_core.csv_files.messages import (
    ARCHIVE_EXTENSION,
    COMPRESSION_CUT,
    COMPRESSION_INVALID,
    SPREADSHEET_EXTENSION,
    TEXT_EXTENSION,
    WRONG_EXTENSION,
)
from etl_core.model.errors import InvalidDataFileError
from etl_core.model.lake_key import DATA_SUFFIXES
from etl_core.model.messages import MessageText

_PIECE_BYTES = 1 << 16
COMPRESSIONS = dict(
    zip(
        (suffix.removeprefix(".csv") for suffix in DATA_SUFFIXES),
        (None, "GZIP", "BZIP2", "ZSTD"),
        strict=True,
    )
)
"""COPY's keyword for each suffix that may follow `.csv`."""
_TEXTS = ("tsv", "tab", "txt", "psv", "dat")
_SPREADSHEETS = ("xlsx", "xls", "xlsm", "xlsb", "ods")
_ARCHIVES = ("zip", "7z", "rar", "tar", "tgz")


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """zlib's decompressor, with the interface of the others."""

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
    """Return COPY's compression keyword for a file name; None for plain CSV.

    Raises InvalidDataFileError for another extension.
    """
    folded = file.lower()
    for suffix, keyword in COMPRESSIONS.items():
        if folded.endswith(f".csv{suffix}"):
            return keyword
    raise InvalidDataFileError(_wrong_extension(file))


def _wrong_extension(file: str) -> MessageText:
    """Return the message with what probably cures it."""
    name = file.lower()
    suffix = next((each for each in COMPRESSIONS if each and name.endswith(each)), "")
    extension = name.removesuffix(suffix).rpartition(".")[2]
    if extension in _TEXTS:
        return TEXT_EXTENSION(file=file, extension=f".csv{suffix}")
    if extension in _SPREADSHEETS:
        return SPREADSHEET_EXTENSION(file=file)
    if extension in _ARCHIVES:
        return ARCHIVE_EXTENSION(file=file)
    return WRONG_EXTENSION(file=file)


def decompressed(chunks: Iterable[bytes], compression: str | None) -> Iterator[bytes]:
    """Yield the decompressed bytes in pieces of bounded size, whatever the ratio.

    A file may be several members in a row. Raises InvalidDataFileError if the data is damaged or
    incomplete.
    """
    if compression is None:
        yield from chunks
        return
    engine = _decompressor(compression)
    is_incomplete = False
    for part in in_pieces(chunks):
        data = part
        while data or not engine.needs_input:
            try:
                piece = engine.decompress(data, _PIECE_BYTES)
            except Exception as error:  # each library has its own error class
                message = COMPRESSION_INVALID(compression=compression, error=error)
                raise InvalidDataFileError(message) from None
            data, is_incomplete = b"", not engine.eof
            if piece:
                yield piece
            if engine.eof:
                data = _unused_data(engine)
                engine = _decompressor(compression)
                if not data:
                    break
    if is_incomplete:
        raise InvalidDataFileError(COMPRESSION_CUT(compression=compression))


def in_pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in small pieces.

    A decompressor copies its unread input at every call.
    """
    for chunk in chunks:
        for start in range(0, len(chunk), _PIECE_BYTES):
            yield chunk[start : start + _PIECE_BYTES]


def _unused_data(engine: Any) -> bytes:
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
    decompressor: _Decompressor = zstd.ZstdDecompressor()
    return decompressor
