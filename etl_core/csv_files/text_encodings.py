"""The encodings of a data file's text."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

CODECS = {"UTF8": "utf-8-sig", "UTF16": "utf-16", "UTF16LE": "utf-16-le", "UTF16BE": "utf-16-be"}
"""Python's codec for each value of `csv.encoding`."""


def encoded(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Yield UTF-8 text in the encoding of `csv.encoding`, with the byte order mark that it needs."""
    if encoding == "UTF8":
        yield from pieces
        return
    decoder = codecs.getincrementaldecoder("utf-8")("surrogatepass")
    encoder = codecs.getincrementalencoder(CODECS[encoding])("surrogatepass")
    for piece in pieces:
        yield encoder.encode(decoder.decode(piece))
