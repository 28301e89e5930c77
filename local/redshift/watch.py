"""Watching a client while something runs that does not read from it."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable

from local.redshift.client import GONE, Client

PERIOD_MS = 100


class Watch:
    """A thread that waits for the client to close its connection, and for the end of the watch."""

    def __init__(self, client: Client, on_gone: Callable[[], None]) -> None:
        self._client = client
        self._on_gone = on_gone
        self._end = threading.Event()

    def __enter__(self) -> None:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._client.socket, GONE)
        while not self._end.is_set():
            if poll.poll(PERIOD_MS):
                self._client.gone = True
                self._on_gone()
                return

    def __exit__(self, *_: object) -> None:
        self._end.set()
