"""Passes PostgreSQL's answers to the client: whole buffers, in which only the frames that must change are replaced."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from redshift_emulator import wire
from redshift_emulator.backend import Backend
from redshift_emulator.client import Client
from redshift_emulator.errors import BackendError, translate

_READY, _ERROR, _PARAMETER, _COPY_IN, _ROWS, _COMPLETE, _ROW = (
    b"Z"[0],
    b"E"[0],
    b"S"[0],
    b"G"[0],
    b"T"[0],
    b"C"[0],
    b"D"[0],
)
_ALWAYS = frozenset((_READY, _ERROR, _PARAMETER, _COPY_IN, _ROWS))
# The types of frame to inspect, by (have the rows VARBYTE columns, are completions dropped).
_INSPECTED = {
    (False, False): _ALWAYS,
    (False, True): _ALWAYS | {_COMPLETE},
    (True, False): _ALWAYS | {_ROW},
    (True, True): _ALWAYS | {_ROW, _COMPLETE},
}
_VARBYTE = struct.pack("!I", 6551)
_INT32 = struct.Struct("!i")
_HEADER = struct.Struct("!BI")
_NOTHING: frozenset[int] = frozenset()
HIDDEN_PARAMETERS = frozenset(
    {
        "standard_conforming_strings",
        "search_path",
        "in_hot_standby",
        "default_transaction_read_only",
        "scram_iterations",
    }
)


class Proxy:
    """Passes one session's answers from PostgreSQL to its client.

    `failed`: the last answer contained an error.
    """

    def __init__(self, backend: Backend, client: Client, long_names: Mapping[str, str]) -> None:
        self.backend = backend
        self.client = client
        self.failed = False
        self._long_names = long_names
        self._rest = b""
        self._skip = 0
        self._drop: frozenset[int] = _NOTHING
        self._completed = 0
        self._varbytes: tuple[int, ...] = ()

    def until_ready(self, *, hold_ready: bool = False, drop: frozenset[int] = _NOTHING) -> bool:
        """Forward everything up to ReadyForQuery. Return whether there was no error.

        `hold_ready`: do not forward ReadyForQuery itself. `drop`: the numbers (from 0) of the
        commands whose CommandComplete the client must not see. BackendError if the connection to
        PostgreSQL is lost.
        """
        self.failed, self._drop, self._completed = False, drop, 0
        while not self._forward_buffer(hold_ready=hold_ready):
            pass
        self._drop = _NOTHING
        return not self.failed

    def forward_available(self) -> None:
        """Forward what has arrived without waiting for ReadyForQuery (notices, answers in the extended protocol)."""
        self._forward_buffer(hold_ready=False)

    def push(self, data: bytes) -> None:
        """Send to PostgreSQL.

        Forward its answers while the socket is full: it reads nothing while its answers are not
        read.
        """
        rest = memoryview(data)
        while rest:
            rest = rest[self.backend.send_some(rest) :]
            if rest and self.backend.await_room_or_answer():
                self.forward_available()

    def _forward_buffer(self, *, hold_ready: bool) -> bool:
        """Forward one received buffer. Return whether it contained ReadyForQuery."""
        data = self._rest + self.backend.receive() if self._rest else self.backend.receive()
        size, position, sent, ready = len(data), min(self._skip, len(data)), 0, False
        self._skip -= position
        inspected = _INSPECTED[bool(self._varbytes), bool(self._drop)]
        out: list[bytes] = []
        while size - position >= 5:
            kind, length = _HEADER.unpack_from(data, position)
            end = position + 1 + length
            if kind in inspected:
                if end > size:
                    break
                if kind == _READY:
                    ready, self.backend.status = True, data[end - 1 : end]
                    if not hold_ready:
                        position = end
                        continue
                replacement = self._replacement(kind, data[position:end])
                if kind == _ROWS:
                    inspected = _INSPECTED[bool(self._varbytes), bool(self._drop)]
                if replacement is not None:
                    out += (data[sent:position], replacement)
                    sent = end
            elif end > size:
                self._skip = end - size
                end = size
            position = end
        self._rest = data[position:]
        if sent or position < size:
            out.append(data[sent:position])
            data = b"".join(out)
        if data:
            self.client.send(data)
        return ready

    def _replacement(self, kind: int, frame: bytes) -> bytes | None:
        """Return what the client gets instead of a frame; None if it gets the frame itself."""
        if kind == _READY:
            return b""
        if kind == _COMPLETE:
            self._completed += 1
            return b"" if self._completed - 1 in self._drop else None
        if kind == _ERROR:
            return self._error(frame)
        if kind == _COPY_IN:
            self.backend.send(wire.frame(b"f", wire.cstring("COPY FROM STDIN is not supported")))
            return b""
        if kind == _ROWS:
            self._varbytes = varbyte_columns(frame) if _VARBYTE in frame else ()
            return rename_columns(frame, self._long_names) if self._long_names else None
        if kind == _ROW:
            return with_plain_hex(frame, self._varbytes)
        name = wire.text_of(frame[5:])
        return b"" if name in HIDDEN_PARAMETERS or name == "server_version" else None

    def _error(self, frame: bytes) -> bytes:
        fields = wire.fields_of(frame[5:])
        if fields.get("V") in ("FATAL", "PANIC"):
            raise BackendError(fields)
        self.failed = True
        return wire.error(translate(fields))


def varbyte_columns(frame: bytes) -> tuple[int, ...]:
    """Return the numbers of the columns of a RowDescription whose type is VARBYTE."""
    count, position = struct.unpack_from("!H", frame, 5)[0], 7
    numbers = []
    for number in range(count):
        end = frame.index(b"\0", position)
        if frame[end + 7 : end + 11] == _VARBYTE:
            numbers.append(number)
        position = end + 19
    return tuple(numbers)


def with_plain_hex(frame: bytes, numbers: tuple[int, ...]) -> bytes:
    """Return a DataRow whose VARBYTE columns are hexadecimal digits without PostgreSQL's prefix."""
    count, position = struct.unpack_from("!H", frame, 5)[0], 7
    row = bytearray(frame[5:7])
    for number in range(count):
        (length,) = _INT32.unpack_from(frame, position)
        value = frame[position + 4 : position + 4 + max(length, 0)]
        position += 4 + len(value)
        if number in numbers and value.startswith(b"\\x"):
            value = value[2:]
            length = len(value)
        row += _INT32.pack(length) + value
    return wire.frame(b"D", bytes(row))


def rename_columns(frame: bytes, long_names: Mapping[str, str]) -> bytes:
    """Return a RowDescription in which shortened names are replaced by their full names."""
    count, position = struct.unpack_from("!H", frame, 5)[0], 7
    columns = bytearray(frame[5:7])
    for _ in range(count):
        end = frame.index(b"\0", position)
        name = frame[position:end].decode("utf-8", "replace")
        columns += wire.cstring(long_names.get(name, name)) + frame[end + 1 : end + 19]
        position = end + 19
    return wire.frame(b"T", bytes(columns))
