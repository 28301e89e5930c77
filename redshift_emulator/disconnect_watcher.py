"""One thread that notices when a socket's other side has closed, whatever the sessions are busy with.

Sessions block in plain reads and writes; this costs a statement nothing. Needs epoll (Linux): elsewhere a client that goes
away is noticed when its statement is over.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable

AVAILABLE = hasattr(select, "epoll")


class Hangups:
    """Calls back, once and from its own thread, when a watched socket hangs up."""

    def __init__(self) -> None:
        self._calls: dict[int, Callable[[], None]] = {}
        if AVAILABLE:
            self._epoll = select.epoll()
            self._wake, self._waker = socket.socketpair()
            self._epoll.register(self._wake, select.EPOLLIN)
            self._thread = threading.Thread(target=self._run, name="redshift-hangups", daemon=True)
            self._thread.start()

    def watch(self, connection: socket.socket, on_hangup: Callable[[], None]) -> None:
        """Watches a socket until `forget`."""
        if AVAILABLE:
            self._calls[connection.fileno()] = on_hangup
            self._epoll.register(connection, select.EPOLLRDHUP | select.EPOLLONESHOT)

    def forget(self, connection: socket.socket) -> None:
        """To be called before the socket is closed."""
        if AVAILABLE and connection.fileno() in self._calls:
            del self._calls[connection.fileno()]
            with contextlib.suppress(OSError):
                self._epoll.unregister(connection)

    def _run(self) -> None:
        while True:
            for descriptor, _ in self._epoll.poll():
                if descriptor == self._wake.fileno():
                    return
                if call := self._calls.get(descriptor):
                    with contextlib.suppress(OSError, ValueError):
                        call()

    def stop(self) -> None:
        """Ends the thread."""
        if AVAILABLE:
            self._waker.send(b"x")
            self._thread.join()
            for thing in (self._epoll, self._wake, self._waker):
                thing.close()
