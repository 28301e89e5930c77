"""What one execution carries through the state machine while it waits and retries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from etl_core.model.leases import FIRST_POLL_SECONDS, LONGEST_POLL_SECONDS
from etl_core.model.retry_policies import attempts_of_task, may_have_committed, runs_alone
from etl_core.upload_log.failure_wording import error_message

_MAX_COUNT = 1_000_000
_MAX_ERROR, _MAX_CAUSE = 200, 4000


@dataclass(frozen=True)
class Turn:
    """`attempts`: what the log entry counted when the execution first read it, None if it could not.

    `retries` counts by the name of the policy; `retry_count` counts the attempts to load.
    `slot` is the slot that the execution holds. `poll` is its current pause between two looks.
    `long_copy` is for the load function (model.long_copy). `in_doubt`: an earlier load may have
    changed the table. `failure`: the last load's `Error` and `Cause`, if the next one only asks the
    ledger whether the upload was loaded.
    """

    attempts: int | None = None
    retries: Mapping[str, int] = field(default_factory=dict)
    retry_count: int = 0
    slot: int | None = None
    poll: int = FIRST_POLL_SECONDS
    long_copy: Mapping[str, Any] | None = None
    in_doubt: bool = False
    failure: Mapping[str, str] | None = None

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
            in_doubt=data.get("in_doubt") is True,
            failure=failure_of(data["failure"]) if data.get("failure") else None,
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
            "in_doubt": self.in_doubt or None,
            "failure": self.failure,
            "alone": runs_alone(self.retries) or None,
        }
        return {name: value for name, value in data.items() if value is not None}

    def with_long_copy(self, long_copy: Mapping[str, Any]) -> Turn:
        """Return the turn of an execution that makes a long copy, after it gave its slot back."""
        return replace(self, long_copy=long_copy, slot=None, poll=FIRST_POLL_SECONDS)

    def after_failure(self, policy_name: str, error: str) -> Turn:
        """Return the turn after one more failed load, which gave its slot back."""
        retries = {**self.retries, policy_name: self.retries.get(policy_name, 0) + 1}
        return replace(self._after(error), retries=retries)

    def asking(self, failure: Mapping[str, str]) -> Turn:
        """Return the turn of an execution that asks the ledger, after its last load ended like this."""
        return replace(self._after(failure["Error"]), retries={}, failure=failure)

    def _after(self, error: str) -> Turn:
        attempts = attempts_of_task(error) if self.failure is None else 0
        return replace(
            self,
            retry_count=self.retry_count + attempts,
            slot=None,
            poll=FIRST_POLL_SECONDS,
            in_doubt=self.in_doubt or may_have_committed(error),
        )


def failure_of(value: Any) -> dict[str, str]:
    """Return `Error` and `Cause` of what Step Functions caught, short enough to be carried on."""
    caught = value if isinstance(value, Mapping) else {}
    return {
        "Error": str(caught.get("Error") or "unknown")[:_MAX_ERROR],
        "Cause": error_message(str(caught.get("Cause") or ""))[:_MAX_CAUSE],
    }


def _count(value: Any) -> int | None:
    """Return a whole number that is not negative. JSON of the state machine may write it as 3.0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= _MAX_COUNT and value == int(value) else None
