"""The tables function: what is asked of whole tables, in the network of the warehouse. People and the reconcile function ask it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from etl_core.model.errors import InvalidKeyError
from etl_core.model.function_settings import LoadSettings
from etl_core.model.table_ref import TableRef, faults_of_table
from etl_core.recovery.ledger_read import Ask, read_facts, read_page
from etl_core.recovery.reconcile import Scope
from etl_core.recovery.replay import ReplayRequest, replay_table
from handlers.context import Context
from handlers.wiring import wiring

_RESERVE_SECONDS = 10.0
"""Kept of the function's time for the rollback and the answer."""


def handler(event: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """`{"kind": "facts", "asks"}`: ledger rows of versions. `{"kind": "ledger_page", "scope", "marker"}`: ledgers row by row.
    `{"kind": "replay", "database", "table", "dry_run", "accept_counts"}`: a table rebuilt from the lake.

    Raises RetryableError, LoadFailedError, or ValueError for a request that is none of these.
    """
    settings, ports = wiring()
    seconds = context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS
    match event.get("kind"):
        case "facts":
            return read_facts(map(Ask.from_json, event["asks"]), ports.warehouse, seconds).to_json()
        case "ledger_page":
            scope = Scope.from_request(event.get("scope") or {})
            return read_page(
                scope, event.get("marker"), settings.databases, ports.warehouse, seconds
            )
        case "replay":
            return replay_table(
                _replay_request(event, settings), settings, ports, seconds
            ).to_json()
        case other:
            raise ValueError(
                f"the request's kind is {other!r}; it is one of facts, ledger_page, replay"
            )


def _replay_request(event: Mapping[str, Any], settings: LoadSettings) -> ReplayRequest:
    """Raises InvalidKeyError for names that no upload could have."""
    table = TableRef.parse(str(event["database"]), str(event["table"]))
    if faults := tuple(faults_of_table(table, settings.databases)):
        raise InvalidKeyError(f"the table cannot be rebuilt: {'; '.join(faults)}", faults)
    return ReplayRequest(
        table, dry_run=bool(event.get("dry_run")), accept_counts=bool(event.get("accept_counts"))
    )
