"""Take a turn and give it back: a table's lease, and one of the slots for loads that run at the same time.

Leases only save work. If they cannot be used, the load runs anyway: the ledger's lock decides.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from etl_core.model.errors import LeaseError
from etl_core.model.leases import slot_lease, table_lease

_SLOTS_READ = 99
"""One BatchGetItem reads at most 100 items (DynamoDB API reference). A waiting execution also reads its log entry."""
_SLOTS_TRIED = 3
_BUSY_SECONDS = 1.0
_TABLES_KNOWN = 1000


class Leases(Protocol):
    """The lease table. Every method may raise LeaseError."""

    def take(self, lease: str, holder: str) -> bool:
        """Take a lease that is free, has expired, or is the holder's already. Return whether it was taken."""
        ...

    def give_back(self, lease: str, holder: str, keep_seconds: int = 0) -> None:
        """Give a lease back, if the holder has it. With `keep_seconds`, it stays taken that long."""
        ...

    def read_holders(self, leases: Sequence[str]) -> Mapping[str, str]:
        """Return the holder of each lease that is taken and has not expired."""
        ...


@dataclass(frozen=True)
class Granted:
    """The load may run now.

    `slot` is None if the load needs none, or if the leases cannot be used: `problem` says why.
    """

    slot: int | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Busy:
    """The load has to wait until one of these leases is free."""

    leases: tuple[str, ...]


def take_turn(leases: Leases, table: str, holder: str, slots: int) -> Granted | Busy:
    """Take the lease of `table` (`database/schema.table`) and one of the slots."""
    own = table_lease(table)
    try:
        if not leases.take(own, holder):
            return Busy((own,))
        slot = _take_slot(leases, holder, slots)
        if slot is None:
            leases.give_back(own, holder)
            return Busy(tuple(map(slot_lease, _slots_in_order(holder, slots))))
        return Granted(slot)
    except LeaseError as error:
        return Granted(problem=error.message)


@dataclass
class BusyTables:
    """The tables that had a load a moment ago, as one warm function knows them.

    In a burst, new uploads of these tables wait without asking for the lease: one request less for
    each upload. Only a first try may wait for this reason.
    """

    clock: Callable[[], float] = time.monotonic
    _until: dict[str, float] = field(default_factory=dict)

    def note(self, table: str, busy: Busy) -> None:
        """Remember for a second that another execution had the table's lease."""
        if busy.leases != (table_lease(table),):
            return
        if len(self._until) >= _TABLES_KNOWN:
            self._until.clear()
        self._until[table] = self.clock() + _BUSY_SECONDS

    def find(self, table: str) -> Busy | None:
        """Return the leases to wait for, None if the table has to be asked about."""
        return Busy((table_lease(table),)) if self.clock() < self._until.get(table, 0.0) else None


def end_turn(
    leases: Leases, table: str, holder: str, slot: int | None, keep_seconds: int = 0
) -> str | None:
    """Give the table's lease and the slot back. Return why that failed, None if it did not.

    With `keep_seconds`, the next load of the table starts that much later.
    """
    try:
        leases.give_back(table_lease(table), holder, keep_seconds)
        if slot is not None:
            leases.give_back(slot_lease(slot), holder)
    except LeaseError as error:
        return error.message
    return None


def _take_slot(leases: Leases, holder: str, slots: int) -> int | None:
    """Return the slot that was taken, None if none is free.

    Each execution tries its own first slot, so that a repeated call finds the slot that it already
    has. If that slot is taken, one read shows which ones are free.
    """
    first, *others = _slots_in_order(holder, slots)
    if leases.take(slot_lease(first), holder):
        return first
    if not others:
        return None
    holders = leases.read_holders([slot_lease(slot) for slot in others])
    candidates = _candidates(others, holders, holder)
    return next((slot for slot in candidates if leases.take(slot_lease(slot), holder)), None)


def _candidates(slots: Sequence[int], holders: Mapping[str, str], holder: str) -> Iterator[int]:
    """Yield the slots to try: those that the holder already has, then a few that are free."""
    yield from (slot for slot in slots if holders.get(slot_lease(slot)) == holder)
    free = [slot for slot in slots if slot_lease(slot) not in holders]
    yield from free[:_SLOTS_TRIED]


def _slots_in_order(holder: str, slots: int) -> list[int]:
    """Return the slots that this execution tries and waits for, its own first slot at the front."""
    first = zlib.crc32(holder.encode()) % slots
    return [(first + step) % slots for step in range(min(slots, _SLOTS_READ))]
