"""The two helpers of a running COPY: a thread that reads ahead, and one that sends. Their queues bound the memory."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

from redshift_emulator.backend import CopyIn

QUEUE_BLOCKS = 16
Item = TypeVar("Item")


class _End:
    """Behind the last item; holds what the iterator raised, if it did."""

    def __init__(self, failure: BaseException | None) -> None:
        self.failure = failure


class ReadAhead(Generic[Item]):
    """Runs an iterator in a thread of its own, at most 16 items ahead; what it raises is raised to whoever iterates here.
    As a context manager it leaves no thread behind."""

    def __init__(self, items: Iterator[Item]) -> None:
        self._items = items
        self._queue: queue.Queue[Item | _End] = queue.Queue(QUEUE_BLOCKS)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="copy-read", daemon=True)

    def __enter__(self) -> ReadAhead[Item]:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        while self._thread.is_alive():
            self._drain()
            self._thread.join(0.05)

    def __iter__(self) -> Iterator[Item]:
        while True:
            item = self._queue.get()
            if isinstance(item, _End):
                if item.failure is not None:
                    raise item.failure
                return
            yield item

    def _run(self) -> None:
        failure: BaseException | None = None
        try:
            for item in self._items:
                if self._stopped.is_set():
                    break
                self._queue.put(item)
        except BaseException as raised:
            failure = raised
        finally:
            close = getattr(self._items, "close", None)
            if close is not None:
                close()
        self._queue.put(_End(failure))

    def _drain(self) -> None:
        try:
            while True:
                self._queue.get_nowait()
        except queue.Empty:
            pass


class Sender:
    """Sends pieces to PostgreSQL in a thread of its own, so that reading rows and storing them overlap.

    ``send`` raises what sending raised; then, and in any case before the connection is used again, call ``finish`` or
    ``abort``: both end the thread and leave the connection in step.
    """

    def __init__(self, copy: CopyIn) -> None:
        self._copy = copy
        self._queue: queue.Queue[bytes | None] = queue.Queue(QUEUE_BLOCKS)
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="copy-send", daemon=True)
        self._thread.start()

    def send(self, data: bytes) -> None:
        """Queues a piece; waits while the queue is full. Raises BackendError when PostgreSQL has refused."""
        if self._failure is not None:
            raise self._failure
        self._queue.put(data)

    def finish(self) -> int:
        """Ends the COPY and returns the rows it stored. Raises BackendError."""
        self._join()
        if self._failure is not None:
            raise self._failure
        return self._copy.finish()

    def abort(self) -> None:
        """Gives the COPY up; nothing of it stays."""
        self._join()
        self._copy.abort("COPY ended with an error")

    def _join(self) -> None:
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (data := self._queue.get()) is not None:
            if self._failure is not None:
                continue
            try:
                self._copy.write(data)
                self._copy.poll()
            except Exception as failure:
                self._failure = failure
