"""One CSV file of many small ones, so that COPY reads one object instead of hundreds.

Its bytes come from the uploads' versions, so nothing that happens to the objects matters any more:
COPY does not read them. Only files are combined whose rows mean the same in any place of a file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from etl_core.loading.data_file import Part, read_small
from etl_core.loading.rewritten_files import may_be_rewritten

MIN_FILES = 8
"""Fewer files are read by COPY itself: then no copy of their bytes is made."""
_MAX_TEXT_BYTES = 1 << 20
"""Of one file, uncompressed."""
_BOM = b"\xef\xbb\xbf"
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""What a control character means may depend on its place: a SUB at the end of a file, for example."""


def combine(parts: Sequence[Part]) -> bytes | None:
    """Return one file with the rows of all files, which share a shape. None if they cannot be combined.

    The text is not compressed, and its first line is the header, if the files have one.
    """
    if len(parts) < MIN_FILES or any(map(may_be_rewritten, parts)):
        return None
    texts = [_text(part) for part in parts]
    known = [text for text in texts if text is not None]
    if len(known) < len(parts) or len({_line_end(text) for text in known}) > 1:
        return None
    split = [_split_header(text, part) for text, part in zip(known, parts, strict=True)]
    if any(header is None for header, _ in split):
        return None
    return b"".join([split[0][0] or b"", *(rows for _, rows in split)])


def _text(part: Part) -> bytes | None:
    """Return the file's text with a line end at its end, or None if it is not at hand or not plain."""
    file, csv = part.file, part.shape.csv
    if csv.encoding != "UTF8" or not file.head.is_whole(file.version.size):
        return None
    pieces = read_small(file)
    if pieces is None:
        return None
    text = b"".join(pieces)
    plain = text.removeprefix(_BOM)
    if len(text) > _MAX_TEXT_BYTES or _CONTROL.search(plain) or plain.endswith(b"\r"):
        return None
    return plain if not plain or plain.endswith(b"\n") else plain + _line_end(plain)


def _line_end(text: bytes) -> bytes:
    """Return how the lines of the text end; empty if they end in several ways."""
    returns, pairs, feeds = (text.count(end) for end in (b"\r", b"\r\n", b"\n"))
    if not returns:
        return b"\n"
    return b"\r\n" if returns == pairs == feeds else b""


def _split_header(text: bytes, part: Part) -> tuple[bytes | None, bytes]:
    """Return the header line and the rows; None for a header with an open quote or unclear line ends.

    The header line is empty if the files have no header.
    """
    if part.shape.csv.header == "none":
        return (b"" if _line_end(text) else None), text
    header, end, rows = text.partition(b"\n")
    quote = part.shape.csv.quote.encode()
    if not _line_end(text) or header.count(quote) % 2:
        return None, b""
    return header + end, rows
