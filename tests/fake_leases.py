"""The lease table in memory: a fake of etl_core.turns.leases.Leases. It passes the tests of the adapter."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from etl_core.model.errors import LeaseError


@dataclass
class FakeLeases:
    """`held` maps each lease to its holder and the time when it expires.

    `refuses(method, lease)` says which calls raise LeaseError. `calls` records the methods.
    """

    seconds: int = 60
    clock: Callable[[], float] = time.time
    held: dict[str, tuple[str, int]] = field(default_factory=dict)
    refuses: Callable[[str, str], bool] = field(default=lambda method, lease: False)
    calls: list[str] = field(default_factory=list)

    def take(self, lease: str, holder: str) -> bool:
        self._call("take", lease)
        now = int(self.clock())
        if self._holder(lease) not in (None, holder):
            return False
        self.held[lease] = holder, now + self.seconds
        return True

    def give_back(self, lease: str, holder: str, keep_seconds: int = 0) -> None:
        self._call("give_back", lease)
        if self.held.get(lease, ("", 0))[0] != holder:
            return
        if keep_seconds:
            self.held[lease] = holder, int(self.clock()) + keep_seconds
        else:
            del self.held[lease]

    def read_holders(self, leases: Sequence[str]) -> Mapping[str, str]:
        self._call("read_holders", "")
        holders = {lease: self._holder(lease) for lease in leases}
        return {lease: holder for lease, holder in holders.items() if holder is not None}

    def _holder(self, lease: str) -> str | None:
        holder, expires_at = self.held.get(lease, (None, 0))
        return holder if expires_at > int(self.clock()) else None

    def _call(self, method: str, lease: str) -> None:
        self.calls.append(method)
        if self.refuses(method, lease):
            raise LeaseError("the lease table could not be used: it is missing, says the test")
