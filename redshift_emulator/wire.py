"""Read and build frames (messages) of the PostgreSQL protocol, version 3. Does no I/O.

A frame is a type byte, a four-byte length that includes itself, and a body. The start-up packet has
no type byte. Source: PostgreSQL documentation, "Message Formats".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102
MAX_STARTUP = 10_000
MAX_FRAME = 1 << 30

_LENGTH = struct.Struct("!I")
_HEADER = struct.Struct("!cI")


@dataclass(frozen=True)
class StartUp:
    """The first packet of a client: the protocol or request code, the parameters, and the raw body."""

    code: int
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Frames:
    """Splits a byte stream into frames. The stream may arrive in pieces of any size."""

    def __init__(self) -> None:
        self._buffer: bytes | bytearray = b""
        self._start = 0

    def feed(self, data: bytes) -> None:
        """Add received bytes."""
        if self._start == len(self._buffer):
            self._buffer, self._start = data, 0  # the usual case; copies nothing
            return
        if isinstance(self._buffer, bytes):
            self._buffer = bytearray(self._buffer)
        del self._buffer[: self._start]
        self._start = 0
        self._buffer += data

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield (type, body) of every complete frame; an incomplete frame stays for the next `feed`.

        ValueError for an impossible length: the stream is not this protocol.
        """
        while len(self._buffer) - self._start >= 5:
            buffer, start = self._buffer, self._start
            kind, length = _HEADER.unpack_from(buffer, start)
            if not 4 <= length <= MAX_FRAME:
                raise ValueError(
                    f"frame of type {kind!r} has length {length}; the limit is {MAX_FRAME}"
                )
            end = start + length + 1
            if len(buffer) < end:
                return
            self._start = end
            yield kind, bytes(buffer[start + 5 : end])

    @property
    def rest(self) -> int:
        """How many bytes of an incomplete frame are buffered."""
        return len(self._buffer) - self._start


def frame(kind: bytes, body: bytes = b"") -> bytes:
    """Return one frame."""
    return _HEADER.pack(kind, len(body) + 4) + body


def raw(text: str) -> bytes:
    """Encode text for the protocol. Bytes that `cooked` could not decode as UTF-8 are restored."""
    return text.encode("utf-8", "surrogateescape")


def cooked(text: bytes) -> str:
    """Decode text of the protocol; the reverse of `raw`."""
    return text.decode("utf-8", "surrogateescape")


def cstring(text: str) -> bytes:
    """Encode text with a terminating zero byte."""
    return raw(text) + b"\0"


def text_of(body: bytes) -> str:
    """Return the first zero-terminated text of a body."""
    return cooked(body.split(b"\0", 1)[0])


def startup_packet(parameters: Mapping[str, str]) -> bytes:
    """Return a client's start-up packet of protocol 3.0."""
    pairs = b"".join(cstring(name) + cstring(value) for name, value in parameters.items())
    body = struct.pack("!I", 196608) + pairs + b"\0"
    return _LENGTH.pack(len(body) + 4) + body


def parse_startup(packet: bytes) -> StartUp:
    """Parse the body of a start-up packet (without its length). ValueError if it is too short."""
    if len(packet) < 4:
        raise ValueError(f"start-up packet has {len(packet)} bytes; at least 4 are required")
    code = _LENGTH.unpack_from(packet)[0]
    if code in (SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST):
        return StartUp(code, body=packet)
    words = [part.decode("utf-8", "replace") for part in packet[4:].split(b"\0")]
    return StartUp(code, dict(zip(words[::2], words[1::2], strict=False)), packet)


def fields_of(body: bytes) -> dict[str, str]:
    """Return the fields of an ErrorResponse or NoticeResponse by their one-letter code."""
    parts = body.split(b"\0")
    return {chr(part[0]): part[1:].decode("utf-8", "replace") for part in parts if part}


def _report(kind: bytes, fields: Mapping[str, str]) -> bytes:
    named = {"S": "ERROR", "C": "XX000", **fields}
    named.setdefault("V", named["S"])
    return frame(
        kind, b"".join(code.encode() + cstring(value) for code, value in named.items()) + b"\0"
    )


def error(fields: Mapping[str, str]) -> bytes:
    """Return an ErrorResponse. Defaults: S (severity) ERROR, C (SQLSTATE) XX000."""
    return _report(b"E", fields)


def notice(severity: str, message: str, sqlstate: str = "00000") -> bytes:
    """Return a NoticeResponse."""
    return _report(b"N", {"S": severity, "C": sqlstate, "M": message})


def ready(status: bytes) -> bytes:
    """Return ReadyForQuery with a transaction status byte."""
    return frame(b"Z", status)


def complete(tag: str) -> bytes:
    """Return CommandComplete."""
    return frame(b"C", cstring(tag))


def parameter(name: str, value: str) -> bytes:
    """Return ParameterStatus."""
    return frame(b"S", cstring(name) + cstring(value))


def query(text: bytes) -> bytes:
    """Return a simple Query."""
    return _HEADER.pack(b"Q", len(text) + 5) + text + b"\0"


def parse_row(body: bytes) -> tuple[str | None, ...]:
    """Return the text values of a DataRow."""
    count, offset, values = struct.unpack_from("!H", body)[0], 2, []
    for _ in range(count):
        length = struct.unpack_from("!i", body, offset)[0]
        offset += 4
        values.append(None if length < 0 else cooked(body[offset : offset + length]))
        offset += max(length, 0)
    return tuple(values)


def rows_of_tag(tag: str) -> int:
    """Return the row count of a command tag ("COPY 12"); 0 if it has none."""
    last = tag.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0
