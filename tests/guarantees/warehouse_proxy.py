"""Faults between a worker and the warehouse: a TCP proxy that resets, delays, swallows or refuses connections."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from local_cloud.tcp_ports import LOOPBACK, free_port
from tests.guarantees.aws_proxy import reset_connection

Side = Literal["client", "server"]


@dataclass
class ConnectionFault:
    """A fault of the first `times` connections (None: all), once `side` has sent `after_bytes`.

    reset: the connection breaks. silent: data of this side no longer arrives. slow: each piece is
    delayed by `seconds`, from the start. `hits`: how many connections it applied to.
    """

    kind: Literal["reset", "silent", "slow"]
    after_bytes: int = 0
    side: Side = "server"
    times: int | None = 1
    seconds: float = 0.02
    hits: int = 0

    def applies(self) -> bool:
        """Return whether the fault applies to this connection, and count it."""
        if self.hits == self.times:
            return False
        self.hits += 1
        return True


@dataclass
class WarehouseProxy:
    """Accepts connections while it is open.

    `passed`: the bytes of the last connection, by sending side.
    """

    target: tuple[str, int]
    port: int = field(default_factory=free_port)
    fault: ConnectionFault | None = None
    passed: dict[Side, int] = field(default_factory=dict)
    _listener: socket.socket | None = None
    _open: list[socket.socket] = field(default_factory=list)

    def open(self) -> None:
        """Start to accept connections."""
        self._listener = socket.create_server((LOOPBACK, self.port), backlog=64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """Refuse new connections. Open connections continue."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def stop(self) -> None:
        """Refuse new connections and close the open ones."""
        self.close()
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            fault = self.fault if self.fault is not None and self.fault.applies() else None
            self._open += [client, server]
            self.passed = passed = {"client": 0, "server": 0}
            for side, source, sink in (("client", client, server), ("server", server, client)):
                threading.Thread(
                    target=self._pump, args=(fault, passed, side, source, sink), daemon=True
                ).start()

    def _pump(
        self,
        fault: ConnectionFault | None,
        passed: dict[Side, int],
        side: Side,
        source: socket.socket,
        sink: socket.socket,
    ) -> None:
        """Copy data until one side closes, then close the other side."""
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                if fault is not None and fault.kind == "slow":
                    time.sleep(fault.seconds)
                if (
                    fault is not None
                    and fault.side == side
                    and passed[side] + len(piece) > fault.after_bytes
                ):
                    if fault.kind == "reset":
                        reset_connection(source)
                        reset_connection(sink)
                        return
                    if fault.kind == "silent":
                        continue
                sink.sendall(piece)
                passed[side] += len(piece)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def warehouse_proxy(host: str, port: int) -> Iterator[WarehouseProxy]:
    """Return an open proxy that runs until the block ends."""
    proxy = WarehouseProxy((host, port))
    proxy.open()
    try:
        yield proxy
    finally:
        proxy.stop()
