"""One connection to the embedded PostgreSQL over its Unix socket.

    backend = Backend.connect(socket_path, {"user": "awsuser", "database": "dev"})
    backend.query("select 1")                       # [("1",)]
    with backend.copy_in("COPY t FROM STDIN") as copy:
        copy.write(data)
        rows = copy.finish()

When a method returns or raises a BackendError that is not fatal, ReadyForQuery has been read: the
connection can be used.
"""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType

from redshift_emulator import wire
from redshift_emulator.errors import CONNECTION_LOST, BackendError

# Allocated for every read. A much larger buffer would come from mmap, which costs more than it saves.
RECEIVE_BYTES = 32 * 1024


class Backend:
    """A connection to PostgreSQL.

    status     the byte of the last ReadyForQuery: b"I" idle, b"T" in a block, b"E" in a failed
    block pid        the PostgreSQL process that serves the connection greeting   what PostgreSQL
    sent at start-up (ParameterStatus, BackendKeyData) notices    the notices of the last query
    """

    def __init__(self, connection: socket.socket, address: Path) -> None:
        self.socket = connection
        self.status = b"I"
        self.pid = 0
        self.greeting: list[tuple[bytes, bytes]] = []
        self.notices: list[dict[str, str]] = []
        self._address = address
        self._key = b""
        self._frames = wire.Frames()

    @classmethod
    def connect(cls, address: Path, parameters: Mapping[str, str]) -> Backend:
        """Connect and wait until PostgreSQL is ready.

        BackendError if it refuses (no such database, role, ...); OSError if nothing listens on the
        socket.
        """
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(address))
        except BaseException:
            connection.close()
            raise
        return cls.log_in(connection, address, parameters)

    @classmethod
    def log_in(
        cls, connection: socket.socket, address: Path, parameters: Mapping[str, str]
    ) -> Backend:
        """Log in on an open connection and wait until the other side is ready.

        `address` is PostgreSQL's socket, which takes cancel requests. BackendError if it refuses.
        """
        backend = cls(connection, address)
        try:
            connection.sendall(wire.startup_packet(parameters))
            backend._start()
        except BaseException:
            connection.close()
            raise
        return backend

    def _start(self) -> None:
        for kind, body in self.frames():
            if kind == b"K":
                self.pid, self._key = struct.unpack_from("!I", body)[0], body
            if kind in (b"S", b"K"):
                self.greeting.append((kind, body))

    def send(self, data: bytes | memoryview) -> None:
        """Send bytes. BackendError (fatal) if the connection is lost."""
        try:
            self.socket.sendall(data)
        except OSError as failure:
            raise self.lost() from failure

    def send_some(self, data: memoryview) -> int:
        """Send what the socket accepts without blocking; return the number of bytes.

        BackendError (fatal) if the connection is lost.
        """
        try:
            return self.socket.send(data, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0
        except OSError as failure:
            raise self.lost() from failure

    def await_room_or_answer(self) -> bool:
        """Wait until PostgreSQL accepts more data or has sent some.

        Return whether it has sent some.
        """
        waiting = select.poll()
        waiting.register(self.socket, select.POLLIN | select.POLLOUT)
        return any(event & select.POLLIN for _, event in waiting.poll())

    def lost(self) -> BackendError:
        """Return the error of a lost connection: PostgreSQL's last error message, if it sent one."""
        try:
            self._frames.feed(self.socket.recv(RECEIVE_BYTES, socket.MSG_DONTWAIT))
        except OSError:
            return BackendError(CONNECTION_LOST)
        errors = [wire.fields_of(body) for kind, body in self._frames if kind == b"E"]
        return BackendError(errors[-1] if errors else CONNECTION_LOST)

    def receive(self) -> bytes:
        """Wait for data and return it, at least one byte.

        BackendError (fatal) if the connection is lost.
        """
        try:
            data = self.socket.recv(RECEIVE_BYTES)
        except OSError as failure:
            raise BackendError(CONNECTION_LOST) from failure
        if not data:
            raise BackendError(CONNECTION_LOST)
        return data

    def frames(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield the frames up to ReadyForQuery, which sets `status` and ends the iteration.

        An ErrorResponse is raised as BackendError after ReadyForQuery has been read; a fatal one at
        once.
        """
        failure: BackendError | None = None
        while True:
            for kind, body in self._frames:
                if kind == b"Z":
                    self.status = body
                    if failure:
                        raise failure
                    return
                if kind == b"E":
                    failure = failure or BackendError(wire.fields_of(body))
                    if failure.fatal:
                        raise failure
                elif kind == b"N":
                    self.notices.append(wire.fields_of(body))
                else:
                    yield kind, body
            self._frames.feed(self.receive())

    def query(self, sql: str) -> list[tuple[str | None, ...]]:
        """Run a simple query; return the rows of its last result as text. Raises BackendError."""
        self.notices.clear()
        self.send(wire.query(wire.raw(sql)))
        rows: list[tuple[str | None, ...]] = []
        for kind, body in self.frames():
            if kind == b"T":
                rows = []
            elif kind == b"D":
                rows.append(wire.parse_row(body))
        return rows

    def run(self, sql: str) -> str:
        """Run a simple query; return the tag of its first command ("CREATE TABLE").

        Raises BackendError.
        """
        self.notices.clear()
        self.send(wire.query(wire.raw(sql)))
        tags = [wire.text_of(body) for kind, body in self.frames() if kind == b"C"]
        return tags[0] if tags else ""

    def copy_in(self, sql: str) -> CopyIn:
        """Send COPY ...

        FROM STDIN; return the open stream. BackendError if PostgreSQL does not accept it.
        """
        self.notices.clear()
        self.send(wire.query(wire.raw(sql)))
        failure: BackendError | None = None
        while True:
            for kind, body in self._frames:
                if kind == b"G":
                    return CopyIn(self)
                if kind == b"E":
                    failure = BackendError(wire.fields_of(body))
                    if failure.fatal:
                        raise failure
                if kind == b"Z":
                    self.status = body
                    raise failure or BackendError(
                        {"C": "XX000", "M": f"not a COPY FROM STDIN: {sql[:80]}"}
                    )
            self._frames.feed(self.receive())

    def cancel(self) -> None:
        """Ask PostgreSQL to cancel the running statement, which then fails with 57014.

        Returns at once.
        """
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(str(self._address))
            body = struct.pack("!I", wire.CANCEL_REQUEST) + self._key
            other.sendall(struct.pack("!I", len(body) + 4) + body)
            other.recv(1)

    def close(self) -> None:
        """Close the connection. An open transaction is rolled back."""
        try:
            self.socket.sendall(wire.frame(b"X"))
        except OSError:
            pass
        finally:
            self.socket.close()

    def __enter__(self) -> Backend:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class CopyIn:
    """An open COPY FROM STDIN.

    As a context manager it aborts the COPY if `finish` was not called or an exception was raised.
    The connection can be used afterwards in every case.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._open = True
        self.tag = ""

    def write(self, data: bytes | memoryview) -> None:
        """Send a piece of the data, which may end in the middle of a line.

        BackendError if the connection is lost.
        """
        if len(data):
            self._backend.send(b"d" + struct.pack("!I", len(data) + 4))
            self._backend.send(data)

    def poll(self) -> None:
        """Raise BackendError if PostgreSQL has already reported an error, which ends the COPY.

        Costs one system call. Also collects notices.
        """
        while self._open and select.select([self._backend.socket], [], [], 0)[0]:
            self._backend._frames.feed(self._backend.receive())
            for kind, body in self._backend._frames:
                if kind == b"N":
                    self._backend.notices.append(wire.fields_of(body))
                if kind == b"E":
                    self._fail(BackendError(wire.fields_of(body)))

    def _fail(self, failure: BackendError) -> None:
        """End a COPY that PostgreSQL has ended with an error.

        PostgreSQL ignores further data and the CopyDone or CopyFail after it. It has already sent
        ReadyForQuery.
        """
        self._open = False
        if not failure.fatal:
            self._drain()
        raise failure

    def _drain(self) -> None:
        for kind, body in self._backend.frames():
            if kind == b"C":
                self.tag = wire.text_of(body)

    def finish(self) -> int:
        """End the data; return the number of rows that PostgreSQL loaded. Raises BackendError."""
        self._open = False
        self._backend.send(wire.frame(b"c"))
        self._drain()
        return wire.rows_of_tag(self.tag)

    def abort(self, message: str) -> None:
        """Abort the COPY: no row is kept, and an open block fails.

        Does nothing if the COPY has ended.
        """
        if not self._open:
            return
        self._open = False
        try:
            self._backend.send(wire.frame(b"f", wire.cstring(message)))
            self._drain()
        except BackendError as expected:
            if expected.fatal:
                raise

    def __enter__(self) -> CopyIn:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, _: TracebackType | None
    ) -> None:
        try:
            self.abort("the COPY was aborted" if value is None else f"{type(value).__name__}")
        except BackendError:
            if value is None:
                raise
