"""A thread that notices when the other side of a socket has closed, whatever its session is doing.

Sessions block in plain reads and writes; the watcher costs a statement nothing. It needs epoll
(Linux). Without epoll a client that has gone away is noticed when its statement ends.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable

AVAILABLE = hasattr(select, "epoll")


class DisconnectWatcher:
    """Calls a function, once and in its own thread, when a watched socket is closed by the other side."""

    def __init__(self) -> None:
        self._callbacks: dict[int, Callable[[], None]] = {}
        if AVAILABLE:
            self._epoll = select.epoll()
            self._wake, self._waker = socket.socketpair()
            self._epoll.register(self._wake, select.EPOLLIN)
            self._thread = threading.Thread(
                target=self._run, name="redshift-disconnect-watcher", daemon=True
            )
            self._thread.start()

    def watch(self, connection: socket.socket, on_disconnect: Callable[[], None]) -> None:
        """Watch a socket until `unwatch`."""
        if AVAILABLE:
            self._callbacks[connection.fileno()] = on_disconnect
            self._epoll.register(connection, select.EPOLLRDHUP | select.EPOLLONESHOT)

    def unwatch(self, connection: socket.socket) -> None:
        """Stop watching a socket. Must be called before the socket is closed."""
        if AVAILABLE and connection.fileno() in self._callbacks:
            del self._callbacks[connection.fileno()]
            with contextlib.suppress(OSError):
                self._epoll.unregister(connection)

    def _run(self) -> None:
        while True:
            for descriptor, _ in self._epoll.poll():
                if descriptor == self._wake.fileno():
                    return
                if callback := self._callbacks.get(descriptor):
                    with contextlib.suppress(OSError, ValueError):
                        callback()

    def stop(self) -> None:
        """End the thread."""
        if AVAILABLE:
            self._waker.send(b"x")
            self._thread.join()
            for resource in (self._epoll, self._wake, self._waker):
                resource.close()
