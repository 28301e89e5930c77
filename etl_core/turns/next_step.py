"""What an execution does next: load, wait, or end. The record function returns it to the state machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from etl_core.model.lake_key import Action, describe_key
from etl_core.model.leases import (
    FIRST_POLL_SECONDS,
    LEASE_KEY,
    LONGEST_POLL_SECONDS,
    LONGEST_SCHEMA_POLL_SECONDS,
)
from etl_core.model.retry_policies import may_have_committed, policy_for
from etl_core.model.status import SETTLED, Status
from etl_core.model.upload import Upload
from etl_core.turns.turn import Turn, failure_of
from etl_core.upload_log.entry import key_of
from etl_core.upload_log.failure_wording import outcome_of_failure, outcome_unknown

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
    if entry is None or status in (None, Status.UNKNOWN) or turn.long_copy is not None:
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
    return _wait(upload, turn.after_failure(policy.name, error), seconds, (lease,))


def ask_ledger(upload: Upload, failure: Any, turn: Turn, lease: str | None) -> Reply | None:
    """Return the reply of an execution whose last load may have changed the table without an answer:
    it asks the ledger. None if the failure is the answer, or if it has asked already.
    """
    ended = failure_of(failure)
    if lease is None or turn.failure is not None:
        return None
    if not turn.in_doubt and not may_have_committed(ended["Error"]):
        return None
    return _wait(upload, turn.asking(ended), FIRST_POLL_SECONDS, (lease,))


def outcome_of(state: Mapping[str, Any], turn: Turn, *, has_table: bool) -> Mapping[str, Any]:
    """Return the outcome of an execution that ends, from the state after Load.

    A load that gave no answer has failed if the ledger does not hold its upload. If the ledger could
    not be read, the status is UNKNOWN.
    """
    outcome = state.get("outcome")
    if isinstance(outcome, Mapping) and "status" in outcome:
        return outcome
    if isinstance(outcome, Mapping) and outcome.get("in_ledger") is False:
        return outcome_of_failure(turn.failure)
    failure = state.get("failure")
    if has_table and turn.failure is not None:
        return outcome_unknown(turn.failure, failure_of(failure))
    ended = failure_of(failure)
    if has_table and may_have_committed(ended["Error"]):
        return outcome_unknown(ended, None)
    return outcome_of_failure(failure)


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
        **find_entry(upload),
        "leases": [{LEASE_KEY: {"S": lease}} for lease in leases],
    }


def find_entry(upload: Upload) -> Reply:
    """Return the part of a reply with the key of the upload's log entry, in DynamoDB's JSON.

    The state machine reads the entry of an upload that waits, or that has a notice.
    """
    return {"entry": {name: {"S": value} for name, value in key_of(upload).items()}}


def _final_status(entry: Mapping[str, Any] | None) -> Status | None:
    """Return the entry's final status. One that this version does not know asks the ledger."""
    text = "" if entry is None else str(entry.get("status", ""))
    return Status(text) if text in tuple(Status) and text != Status.RECEIVED else None


def _attempts(entry: Mapping[str, Any] | None) -> int:
    return 0 if entry is None else int(entry.get("attempts", 0))
