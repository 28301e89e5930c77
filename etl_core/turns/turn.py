"""What one execution carries through the state machine while it waits and retries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from etl_core.model.leases import FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS

_MAX_COUNT = 1_000_000


@dataclass(frozen=True)
class Turn:
    """`attempts`: what the log entry counted when the execution first read it, None if it could not.

    `retries` counts by the name of the policy; `retry_count` counts the attempts to load.
    `slot` is the slot that the execution holds. `poll` is its current pause between two looks.
    `long_copy` is for the load function (model.long_copy).
    """

    attempts: int | None = None
    retries: Mapping[str, int] = field(default_factory=dict)
    retry_count: int = 0
    slot: int | None = None
    poll: int = FIRST_POLL_SECONDS
    long_copy: Mapping[str, Any] | None = None

    @classmethod
    def parse(cls, value: Any) -> Turn:
        """Read a turn from the state machine's data. What is missing or malformed has its default."""
        data = value if isinstance(value, Mapping) else {}
        retries = data.get("retries")
        counted = retries.items() if isinstance(retries, Mapping) else ()
        poll = _count(data.get("poll")) or FIRST_POLL_SECONDS
        long_copy = data.get("long_copy")
        return cls(
            attempts=_count(data.get("attempts")),
            retries={str(name): _count(count) or 0 for name, count in counted},
            retry_count=_count(data.get("retry_count")) or 0,
            slot=_count(data.get("slot")),
            poll=min(max(poll, FIRST_POLL_SECONDS), LONGEST_POLL_SECONDS),
            long_copy=long_copy if isinstance(long_copy, Mapping) else None,
        )

    def to_state(self) -> dict[str, Any]:
        """Return the turn as data of the state machine, without the fields that have no value."""
        data = {
            "attempts": self.attempts,
            "retries": dict(self.retries),
            "retry_count": self.retry_count,
            "slot": self.slot,
            "poll": self.poll,
            "long_copy": self.long_copy,
        }
        return {name: value for name, value in data.items() if value is not None}

    def with_long_copy(self, long_copy: Mapping[str, Any]) -> Turn:
        """Return the turn of an execution that makes a long copy, after it gave its slot back."""
        return replace(self, long_copy=long_copy, slot=None, poll=FIRST_POLL_SECONDS)

    def after_failure(self, policy_name: str, attempts: int) -> Turn:
        """Return the turn after one more failed load, which gave its slot back."""
        retries = {**self.retries, policy_name: self.retries.get(policy_name, 0) + 1}
        return replace(
            self,
            retries=retries,
            retry_count=self.retry_count + attempts,
            slot=None,
            poll=FIRST_POLL_SECONDS,
        )


def _count(value: Any) -> int | None:
    """Return a whole number that is not negative. JSON of the state machine may write it as 3.0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= _MAX_COUNT and value == int(value) else None
