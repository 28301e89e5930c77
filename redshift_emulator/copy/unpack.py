"""Decompresses and decodes a stream of bytes, never more than one block at a time. Does no I/O."""

from __future__ import annotations

import bz2
import codecs
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from redshift_emulator.copy.options import Compression

if sys.version_info >= (3, 14):
    from compression.zstd import ZstdDecompressor, ZstdError
else:
    from backports.zstd import ZstdDecompressor, ZstdError

BLOCK_BYTES = 128 * 1024


class UnpackError(Exception):
    """The bytes do not have the compression or encoding that the COPY names."""


class _Decompressor(Protocol):
    eof: bool
    unused_data: bytes

    @property
    def needs_input(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Gunzip:
    """Gives zlib's object the interface of the bz2 and zstd decompressors."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


_MAKERS: dict[Compression, Callable[[], Any]] = {
    Compression.GZIP: _Gunzip,
    Compression.BZIP2: bz2.BZ2Decompressor,
    Compression.ZSTD: ZstdDecompressor,
}


def unpack(blocks: Iterable[bytes], compression: Compression) -> Iterator[bytes]:
    """Decompress, in blocks of at most 128 KiB.

    A file may have several members; an empty file is empty data. Raises UnpackError for a file that
    is damaged, truncated or compressed in another way.
    """
    make = _MAKERS.get(compression)
    if make is None:
        yield from blocks
        return
    try:
        yield from _decompress(blocks, make, compression.value)
    except (zlib.error, OSError, EOFError, ZstdError) as error:
        raise UnpackError(f"the file is not valid {compression.value} data: {error}") from error


def _decompress(
    blocks: Iterable[bytes], make: Callable[[], _Decompressor], name: str
) -> Iterator[bytes]:
    inner: _Decompressor | None = None
    members = 0
    for block in blocks:
        data = block
        while data or (inner is not None and not inner.needs_input):
            if inner is None:
                if members:
                    data = data.lstrip(b"\0")  # padding after the last member
                if not data:
                    break
                inner, members = make(), members + 1
            out = inner.decompress(data, BLOCK_BYTES)
            data = b""
            if out:
                yield out
            if inner.eof:
                data, inner = inner.unused_data, None
    if inner is not None:
        raise UnpackError(f"the file is not valid {name} data: it ends in the middle of its data")


def recode(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Convert to UTF-8.

    UTF-16 without LE or BE must begin with a byte order mark. Raises UnpackError for invalid data.
    """
    if encoding == "utf-8":
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    for block in blocks:
        yield _decode(decoder, block).encode()
    yield _decode(decoder, b"", final=True).encode()


def _decode(decoder: codecs.IncrementalDecoder, data: bytes, *, final: bool = False) -> str:
    try:
        return decoder.decode(data, final)
    except UnicodeError as error:
        raise UnpackError(
            f"the file's encoding is not the ENCODING of the COPY: {error}"
        ) from error
