"""Carries PostgreSQL's answer to the client: whole buffers, in which only the frames that must change are touched."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from redshift_emulator import wire
from redshift_emulator.backend import Backend
from redshift_emulator.client import Client
from redshift_emulator.errors import BackendError
from redshift_emulator.translate import translate

_READY, _ERROR, _PARAMETER, _COPY_IN, _ROWS, _COMPLETE = (
    b"Z"[0],
    b"E"[0],
    b"S"[0],
    b"G"[0],
    b"T"[0],
    b"C"[0],
)
_ALWAYS = frozenset((_READY, _ERROR, _PARAMETER, _COPY_IN))
# The frames to look into, by whether there are long names, and whether completions are dropped.
_CAREFUL = {
    (False, False): _ALWAYS,
    (False, True): _ALWAYS | {_COMPLETE},
    (True, False): _ALWAYS | {_ROWS},
    (True, True): _ALWAYS | {_ROWS, _COMPLETE},
}
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


class Relay:
    """One session's way from PostgreSQL to its client. `failed` says whether the last answer held an error."""

    def __init__(self, backend: Backend, client: Client, long_names: Mapping[str, str]) -> None:
        self.backend = backend
        self.client = client
        self.failed = False
        self._long_names = long_names
        self._rest = b""
        self._skip = 0
        self._drop: frozenset[int] = _NOTHING
        self._completed = 0

    def until_ready(self, *, hold_ready: bool = False, drop: frozenset[int] = _NOTHING) -> bool:
        """Relays up to ReadyForQuery, which is kept back on demand. True when there was no error. `drop` numbers (from 0)
        the commands whose completion the client must not see. BackendError when the connection to PostgreSQL is lost."""
        self.failed, self._drop, self._completed = False, drop, 0
        while not self._carry(hold_ready=hold_ready):
            pass
        self._drop = _NOTHING
        return not self.failed

    def available(self) -> None:
        """Relays what has arrived while nothing was asked (notices, answers in the extended protocol)."""
        self._carry(hold_ready=False)

    def push(self, data: bytes) -> None:
        """Sends to PostgreSQL, and relays what it answers meanwhile: it takes no more while nobody takes its answers."""
        rest = memoryview(data)
        while rest:
            rest = rest[self.backend.send_some(rest) :]
            if rest and self.backend.await_room_or_answer():
                self.available()

    def _carry(self, *, hold_ready: bool) -> bool:
        """Relays one received buffer. True when ReadyForQuery was in it."""
        data = self._rest + self.backend.receive() if self._rest else self.backend.receive()
        size, position, sent, ready = len(data), min(self._skip, len(data)), 0, False
        self._skip -= position
        careful = _CAREFUL[bool(self._long_names), bool(self._drop)]
        out: list[bytes] = []
        while size - position >= 5:
            kind, length = _HEADER.unpack_from(data, position)
            end = position + 1 + length
            if kind in careful:
                if end > size:
                    break
                if kind == _READY:
                    ready, self.backend.status = True, data[end - 1 : end]
                    if not hold_ready:
                        position = end
                        continue
                changed = self._changed(kind, data[position:end])
                if changed is not None:
                    out += (data[sent:position], changed)
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

    def _changed(self, kind: int, frame: bytes) -> bytes | None:
        """What the client gets in place of a frame; None for the frame itself."""
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
            return rename_columns(frame, self._long_names)
        name = wire.text_of(frame[5:])
        return b"" if name in HIDDEN_PARAMETERS or name == "server_version" else None

    def _error(self, frame: bytes) -> bytes:
        fields = wire.fields_of(frame[5:])
        if fields.get("V") in ("FATAL", "PANIC"):
            raise BackendError(fields)
        self.failed = True
        return wire.error(translate(fields))


def rename_columns(frame: bytes, long_names: Mapping[str, str]) -> bytes:
    """A RowDescription in which names that are stored short are whole again."""
    count, position = struct.unpack_from("!H", frame, 5)[0], 7
    columns = bytearray(frame[5:7])
    for _ in range(count):
        end = frame.index(b"\0", position)
        name = frame[position:end].decode("utf-8", "replace")
        columns += wire.cstring(long_names.get(name, name)) + frame[end + 1 : end + 19]
        position = end + 19
    return wire.frame(b"T", bytes(columns))
