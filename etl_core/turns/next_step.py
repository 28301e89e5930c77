"""What an execution does next: load, wait, or end. The record function returns it to the state machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from etl_core.model.lake_key import Action, describe_key
from etl_core.model.leases import (
    LEASE_KEY,
    LONGEST_POLL_SECONDS,
    LONGEST_SCHEMA_POLL_SECONDS,
)
from etl_core.model.retry_policies import attempts_of_task, policy_for
from etl_core.model.status import SETTLED, Status
from etl_core.model.upload import Upload
from etl_core.turns.turn import Turn
from etl_core.upload_log.entry import key_of

Reply = dict[str, Any]
"""The result of the record function. `next` is `load`, `copy`, `wait`, `succeeded` or `failed`."""

REPLAY = "replay"
"""A top-level field of the execution's input: ask the ledger even if the log has an answer."""


def find_answer(entry: Mapping[str, Any] | None, turn: Turn, *, is_replay: bool) -> Reply | None:
    """Return the answer that the log entry already has for this execution, None if it must load.

    A settled entry answers at once, except a replay. Any final entry answers if it was written
    while this execution waited: it then counts more attempts than the execution saw first. Nothing
    answers an execution that made a long copy: its load drops the staging tables.
    """
    status = _final_status(entry)
    if entry is None or status is None or turn.long_copy is not None:
        return None
    is_newer = turn.attempts is not None and _attempts(entry) > turn.attempts
    if is_newer or (status in SETTLED and not is_replay):
        return answered(status, entry.get("error"))
    return None


def answered(status: Status, error: Any) -> Reply:
    """Return the reply that ends the execution."""
    failure = error if isinstance(error, Mapping) else {}
    return {
        "next": "succeeded" if status.succeeded else "failed",
        "status": str(status),
        "succeeded": status.succeeded,
        "error": str(failure.get("type", "")),
        "cause": str(failure.get("message", "")),
    }


def first_seen(entry: Mapping[str, Any] | None, turn: Turn) -> int:
    """Return the attempts that the entry counted when the execution first read it."""
    return _attempts(entry) if turn.attempts is None else turn.attempts


def load_now(turn: Turn) -> Reply:
    """Return the reply that starts the load."""
    return {"next": "load"} | turn.to_state()


def copy_now(outcome: Any, turn: Turn) -> Reply | None:
    """Return the reply that starts the long copy for which a load asks, None if it does not."""
    long_copy = outcome.get("long_copy") if isinstance(outcome, Mapping) else None
    if not isinstance(long_copy, Mapping):
        return None
    return {"next": "copy"} | turn.with_long_copy(long_copy).to_state()


def wait_for_lease(upload: Upload, turn: Turn, leases: Sequence[str]) -> Reply:
    """Return the reply of an execution that waits until one of the leases is free."""
    return _wait(upload, turn, turn.poll, leases)


def wait_for_retry(
    upload: Upload, failure: Any, turn: Turn, lease: str | None, jitter: float
) -> Reply | None:
    """Return the reply of an execution that retries its load later, None if the error is final.

    `failure` is what Step Functions caught: a mapping of `Error` and `Cause`. `jitter` is from 0 to
    1. A key that names no table has no lease, and its errors are final.
    """
    error = str(failure.get("Error")) if isinstance(failure, Mapping) else ""
    policy = policy_for(error)
    if policy is None or lease is None:
        return None
    retries = turn.retries.get(policy.name, 0)
    if retries >= policy.max_attempts:
        return None
    seconds = policy.delay_seconds(retries, jitter)
    return _wait(
        upload, turn.after_failure(policy.name, attempts_of_task(error)), seconds, (lease,)
    )


def _wait(upload: Upload, turn: Turn, seconds: int, leases: Sequence[str]) -> Reply:
    """Return the reply with the keys, in DynamoDB's JSON, of the items at which the state machine looks."""
    is_schema = describe_key(upload.key).action == Action.SCHEMA
    state = turn.to_state()
    if turn.long_copy is not None:
        # Another execution's answer does not end this one: its load drops its staging tables.
        state.pop("attempts", None)
    return state | {
        "next": "wait",
        "seconds": max(seconds, 1),
        "longest": LONGEST_SCHEMA_POLL_SECONDS if is_schema else LONGEST_POLL_SECONDS,
        "entry": {name: {"S": value} for name, value in key_of(upload).items()},
        "leases": [{LEASE_KEY: {"S": lease}} for lease in leases],
    }


def _final_status(entry: Mapping[str, Any] | None) -> Status | None:
    """Return the entry's final status. One that this version does not know asks the ledger."""
    text = "" if entry is None else str(entry.get("status", ""))
    return Status(text) if text in tuple(Status) and text != Status.RECEIVED else None


def _attempts(entry: Mapping[str, Any] | None) -> int:
    return 0 if entry is None else int(entry.get("attempts", 0))
