"""How a data file is compressed, and its bytes decompressed in pieces of bounded size."""

from __future__ import annotations

import bz2
import sys
import zlib
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from etl_core.model.errors import InvalidDataFileError

_PIECE = 1 << 16
COMPRESSIONS = {"": None, ".gz": "GZIP", ".bz2": "BZIP2", ".zst": "ZSTD"}
"""A data file's suffix behind `.csv`, and COPY's keyword for it."""


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


def decompressed(chunks: Iterable[bytes], compression: str | None) -> Iterator[bytes]:
    """The bytes behind a compression, in pieces of bounded size whatever the ratio; also of several joined members."""
    if compression is None:
        yield from chunks
        return
    engine = _decompressor(compression)
    inside = False
    for part in in_pieces(chunks):
        data = part
        while data or not engine.needs_input:
            try:
                piece = engine.decompress(data, _PIECE)
            except Exception as error:  # each library has an error of its own
                raise InvalidDataFileError(
                    f"the file is not valid {compression}: {error}. Compress it again; if it is not compressed at all, name it .csv"
                ) from None
            data, inside = b"", not engine.eof
            if piece:
                yield piece
            if engine.eof:
                data = _rest(engine)
                engine = _decompressor(compression)
                if not data:
                    break
    if inside:
        raise InvalidDataFileError(
            f"the file ends in the middle of its {compression} data: it was cut on its way. Upload the whole file again"
        )


def in_pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in small parts: what a decompressor did not take yet is copied at each of its calls."""
    for chunk in chunks:
        for start in range(0, len(chunk), _PIECE):
            yield chunk[start : start + _PIECE]


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
