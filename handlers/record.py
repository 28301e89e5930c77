"""The record function: writes an upload's log entry before the load, and its final status after it.

Before the load it also asks for the execution's turn, and after it gives the turn back. Its reply
says what the state machine does next.
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from etl_core.adapters.aws_clients import LEASE, LOG_WRITE, make_client
from etl_core.adapters.lease_table import LeaseTable
from etl_core.adapters.log_table import LogTable
from etl_core.model.function_settings import RecordSettings
from etl_core.model.leases import table_lease
from etl_core.model.status import Status
from etl_core.model.times import utc_now
from etl_core.model.upload import Upload
from etl_core.turns.leases import Busy, BusyTables, Granted, Leases, end_turn, take_turn
from etl_core.turns.next_step import (
    REPLAY,
    Reply,
    answered,
    ask_ledger,
    copy_now,
    find_answer,
    find_entry,
    first_seen,
    load_now,
    outcome_of,
    wait_for_lease,
    wait_for_retry,
)
from etl_core.turns.turn import Turn
from etl_core.upload_log.entry import (
    attempts_of,
    can_take_effect,
    final_entry,
    interval_of,
    key_of,
    received_entry,
    table_of,
)
from handlers.context import Context, log_line
from handlers.metrics import answer_metrics


def handler(event: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Write the entry for `{"phase": "received", "event": ..., "turn": ...}` or `{"phase": "final",
    "state": ...}`, each with `execution_arn`, and return the next step.

    A call without a turn comes from a state machine of an older version, which cannot wait: it
    retries a load by itself, and reads only `succeeded`, `error` and `cause` of a reply.
    """
    arn = str(event.get("execution_arn", ""))
    if event["phase"] == "received":
        turn = Turn.parse(event["turn"]) if "turn" in event else None
        upload = Upload.from_event(event["event"])
        reply = _received(upload, event["event"], arn, turn)
    else:
        upload = Upload.from_event(event["state"])
        reply = _final(upload, event["state"], arn)
    return reply | find_entry(upload) if reply.get("next") == "failed" else reply


def _received(upload: Upload, event: Mapping[str, Any], arn: str, turn: Turn | None) -> Reply:
    entry = _log().write_received(key_of(upload), received_entry(upload, arn, utc_now()))
    known = {"upload_id": upload.upload_id, "is_new": entry is None}
    if turn is None:
        log_line("received", upload, is_new=entry is None)
        return known
    reply = find_answer(entry, turn, is_replay=event.get(REPLAY) is True)
    if reply is None:
        seen = replace(turn, attempts=first_seen(entry, turn))
        reply = _ask_for_turn(upload, arn, seen, is_new=entry is None)
    log_line("received", upload, is_new=entry is None, next=reply["next"])
    return known | reply


def _ask_for_turn(upload: Upload, arn: str, turn: Turn, *, is_new: bool) -> Reply:
    table, leases = table_of(upload), _leases()
    if table is None or leases is None or not can_take_effect(upload, utc_now()):
        return load_now(turn)
    match _take_turn(leases, table, arn, is_new=is_new):
        case Busy(leases_awaited):
            return wait_for_lease(upload, turn, leases_awaited)
        case Granted(slot, problem):
            if problem is not None:
                log_line("turn", upload, problem=problem)
            return load_now(replace(turn, slot=slot))


def _take_turn(leases: Leases, table: str, arn: str, *, is_new: bool) -> Granted | Busy:
    """Take the turn. A new upload whose table had a load a moment ago waits without asking."""
    if is_new and (busy := _BUSY_TABLES.find(table)) is not None:
        return busy
    taken = take_turn(leases, table, arn, _parallel_loads())
    if isinstance(taken, Busy):
        _BUSY_TABLES.note(table, taken)
    return taken


def _final(upload: Upload, state: Mapping[str, Any], arn: str) -> Reply:
    turn = Turn.parse(state.get("turn"))
    if "turn" not in state:
        return _write_answer(upload, state, arn, turn)
    # The answer comes first: an execution of the same upload that gets the next turn finds it.
    try:
        return _continue(upload, state, turn) or _write_answer(upload, state, arn, turn)
    finally:
        _end_turn(upload, arn, turn, interval_of(state))


def _continue(upload: Upload, state: Mapping[str, Any], turn: Turn) -> Reply | None:
    """Return the reply of an execution that goes on, None if the load is final."""
    copy = copy_now(state.get("outcome"), turn)
    if copy is None:
        return _retry_later(upload, state, turn)
    log_line("copy", upload)
    return copy


def _retry_later(upload: Upload, state: Mapping[str, Any], turn: Turn) -> Reply | None:
    """Return the reply of an execution that retries later, or asks the ledger whether its load had
    an effect; None if the load is final.
    """
    table, failure = table_of(upload), state.get("failure")
    if table is None or "outcome" in state:
        return None
    jitter, lease = random.random(), table_lease(table)  # noqa: S311 - no secret
    reply = wait_for_retry(upload, failure, turn, lease, jitter)
    if reply is not None:
        log_line("retry", upload, failure=failure, seconds=reply["seconds"])
        return reply
    reply = ask_ledger(upload, failure, turn, lease)
    if reply is not None:
        log_line("ask ledger", upload, failure=failure)
    return reply


def _write_answer(upload: Upload, state: Mapping[str, Any], arn: str, turn: Turn) -> Reply:
    outcome = outcome_of(state, turn, has_table=table_of(upload) is not None)
    entry = final_entry(upload, {"outcome": outcome}, arn)
    attempts = turn.retry_count if turn.failure else attempts_of(state, turn.retry_count)
    written = _log().write_final(key_of(upload), entry, attempts)
    status, error = Status(entry["status"]), entry.get("error")
    # A load that wrote the answer itself has counted it.
    is_counted = not written or outcome.get("is_counted") is True
    metrics = {} if is_counted else answer_metrics(upload, status, entry)
    reason = error.get("type") if isinstance(error, Mapping) else None
    log_line("recorded", upload, status=status, written=written, reason=reason, **metrics)
    return answered(status, error)


def _end_turn(upload: Upload, arn: str, turn: Turn, keep_seconds: int) -> None:
    table, leases = table_of(upload), _leases()
    if table is None or leases is None:
        return
    problem = end_turn(leases, table, arn, turn.slot, keep_seconds)
    if problem is not None:
        log_line("turn", upload, problem=problem)


_BUSY_TABLES = BusyTables()


@cache
def _settings() -> RecordSettings:
    return RecordSettings.from_environment(os.environ)


@cache
def _log() -> LogTable:
    return LogTable(make_client("dynamodb", LOG_WRITE), _settings().log_table)


@cache
def _leases() -> Leases | None:
    settings = _settings().leases
    if settings is None:
        return None
    return LeaseTable(make_client("dynamodb", LEASE), settings.table, settings.seconds)


def _parallel_loads() -> int:
    settings = _settings().leases
    return settings.parallel_loads if settings is not None else 1
