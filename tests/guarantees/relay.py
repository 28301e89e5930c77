"""Faults on the way between a worker and the warehouse: a TCP relay that breaks, slows down, falls silent, or is not there."""

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
from tests.guarantees.proxy import break_off

Side = Literal["client", "server"]


@dataclass
class Line:
    """What happens to the first `times` connections (None: to all) once `side` has sent `after_bytes`.

    reset: it breaks. silent: nothing that this side sends arrives any more. slow: each piece waits for `seconds`, from the beginning.
    """

    kind: Literal["reset", "silent", "slow"]
    after_bytes: int = 0
    side: Side = "server"
    times: int | None = 1
    seconds: float = 0.02
    met: int = 0

    def meets(self) -> bool:
        if self.met == self.times:
            return False
        self.met += 1
        return True


@dataclass
class Relay:
    """Listens only while it is open. `passed`: the bytes of the last connection, by the side that sent them."""

    target: tuple[str, int]
    port: int = field(default_factory=free_port)
    line: Line | None = None
    passed: dict[Side, int] = field(default_factory=dict)
    _listener: socket.socket | None = None
    _open: list[socket.socket] = field(default_factory=list)

    def open(self) -> None:
        self._listener = socket.create_server((LOOPBACK, self.port), backlog=64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        """From now on connections are refused; those that are there go on."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None

    def stop(self) -> None:
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
            line = self.line if self.line is not None and self.line.meets() else None
            self._open += [client, server]
            self.passed = passed = {"client": 0, "server": 0}
            for side, source, sink in (("client", client, server), ("server", server, client)):
                threading.Thread(
                    target=self._pump, args=(line, passed, side, source, sink), daemon=True
                ).start()

    def _pump(
        self,
        line: Line | None,
        passed: dict[Side, int],
        side: Side,
        source: socket.socket,
        sink: socket.socket,
    ) -> None:
        """Until one side ends; then the other side is told."""
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                if line is not None and line.kind == "slow":
                    time.sleep(line.seconds)
                if (
                    line is not None
                    and line.side == side
                    and passed[side] + len(piece) > line.after_bytes
                ):
                    if line.kind == "reset":
                        break_off(source)
                        break_off(sink)
                        return
                    if line.kind == "silent":
                        continue
                sink.sendall(piece)
                passed[side] += len(piece)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)


@contextmanager
def relay(host: str, port: int) -> Iterator[Relay]:
    """A relay for as long as the block lasts; open at first."""
    made = Relay((host, port))
    made.open()
    try:
        yield made
    finally:
        made.stop()
