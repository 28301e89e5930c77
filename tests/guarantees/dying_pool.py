"""A pool whose calls of the load function die, so that the state machine never gets their answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.guarantees.worker_pool import CallResult, WorkerPool

FIRST_STEP = 1


class DyingPool(WorkerPool):
    """The given pool's workers. `kill_at` returns the step at which the next call of the load
    function is killed, 0 for none.

    Its argument is the number of such calls before this one. `calls` keeps their arguments.
    """

    def __init__(self, pool: WorkerPool, kill_at: Callable[[int], int]) -> None:
        self._pool, self._kill_at = pool, kill_at
        self.calls: list[Mapping[str, Any]] = []

    def call(self, handler: str, event: Mapping[str, Any], kill_at: int = 0) -> CallResult:
        """Run a handler like WorkerPool.call."""
        if not handler.startswith("handlers.load."):
            return self._pool.call(handler, event, kill_at)
        self.calls.append(event)
        return self._pool.call(handler, event, self._kill_at(len(self.calls) - 1))


def after_commit(steps: int, deaths: int) -> Callable[[int], int]:
    """Kill the first load after COMMIT, at its last step, and so many further calls at once."""
    return lambda number: steps if number == 0 else FIRST_STEP * (number <= deaths)
