"""The two threads of a running COPY: one reads ahead, one sends. Their queues bound the memory."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

from redshift_emulator.backend import CopyIn

QUEUE_BLOCKS = 16
Item = TypeVar("Item")


class _End:
    """Marks the end of the items; holds what the iterator raised, if anything."""

    def __init__(self, failure: BaseException | None) -> None:
        self.failure = failure


class ReadAhead(Generic[Item]):
    """Runs an iterator in its own thread, at most 16 items ahead, and raises here what it raises.

    Leaving the context ends the thread.
    """

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
    """Sends data to PostgreSQL in its own thread, so that reading and storing rows overlap.

    Call ``finish`` or ``abort`` at the end, also after an error and before the connection is used
    again. Both end the thread and leave the connection ready for the next statement.
    """

    def __init__(self, copy: CopyIn) -> None:
        self._copy = copy
        self._queue: queue.Queue[bytes | None] = queue.Queue(QUEUE_BLOCKS)
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="copy-send", daemon=True)
        self._thread.start()

    def send(self, data: bytes) -> None:
        """Queue a piece of data; wait while the queue is full.

        Raises BackendError if an earlier piece failed.
        """
        if self._failure is not None:
            raise self._failure
        self._queue.put(data)

    def finish(self) -> int:
        """End the COPY and return the number of rows stored. Raises BackendError."""
        self._join()
        if self._failure is not None:
            raise self._failure
        return self._copy.finish()

    def abort(self) -> None:
        """Abort the COPY; none of its rows are stored."""
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
