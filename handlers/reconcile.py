"""The reconcile function: compares the lake with the ledgers and the log, sends missing uploads, completes the log."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any, assert_never

from etl_core.adapters.aws_clients import DATA, FUNCTION, make_client
from etl_core.adapters.functions import Function, StateMachine
from etl_core.adapters.log_table import LogTable
from etl_core.adapters.s3 import S3Lake
from etl_core.model.function_settings import ReconcileSettings
from etl_core.model.names import LEDGER_FAULTS, OLDEST_PENDING, PENDING
from etl_core.recovery.adopt_uploads import adopt
from etl_core.recovery.rebuild_log import rebuild_page
from etl_core.recovery.reconcile import State
from etl_core.recovery.reconcile_requests import (
    AdoptRequest,
    AnswersRequest,
    KeyRequest,
    LakeRequest,
    LogPageRequest,
    PageRequest,
    PendingRequest,
    ReconcileRequest,
    RefusedRequest,
    SendRequest,
    WaitingRequest,
    parse_reconcile_request,
)
from etl_core.recovery.reconcile_run import (
    inspect_key,
    pending_page,
    read_answers,
    read_waiting,
    reconcile_lake,
    reconcile_page,
    refused_page,
    send,
)
from etl_core.recovery.services import Services
from etl_core.recovery.wire import to_json
from handlers.context import Context
from handlers.metrics import embedded

_RESERVE_SECONDS = 120.0
"""Part of the function's time that is kept for the current page and for sending."""


def handler(event: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Answer one request of etl_core.recovery.reconcile_requests.

    Raises RetryableError, LoadFailedError, or InvalidRequestError.
    """
    request = parse_reconcile_request(event)
    seconds = context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS
    response = to_json(_respond(request, _services(), seconds))
    counts = {
        name: len(value) if isinstance(value, list) else value for name, value in response.items()
    }
    line = {"step": "reconcile", "kind": request.kind, **counts, **_metrics(request, response)}
    sys.stdout.write(json.dumps(line) + "\n")
    return response


def _metrics(request: ReconcileRequest, report: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metrics of the requests that the schedules send."""
    if isinstance(request, WaitingRequest):
        age, count = report["oldest_seconds"], report["count"]
        return embedded({OLDEST_PENDING: (age, "Seconds"), PENDING: (count, "Count")})
    if isinstance(request, LakeRequest):
        states = (State.LEDGER_DAMAGED, State.NOT_IN_LEDGER)
        faults = len(report["damaged"]) + sum(report["counts"].get(each, 0) for each in states)
        return embedded({LEDGER_FAULTS: (faults, "Count")})
    return {}


def _respond(request: ReconcileRequest, services: Services, seconds: float) -> object:
    match request:
        case PageRequest():
            return reconcile_page(request, services)
        case PendingRequest():
            return pending_page(request, services)
        case LakeRequest():
            return reconcile_lake(request, services, seconds)
        case WaitingRequest():
            return read_waiting(services)
        case RefusedRequest():
            return refused_page(request, services)
        case KeyRequest():
            return inspect_key(request, services)
        case SendRequest():
            return send(request, services)
        case AdoptRequest():
            return adopt(request, services)
        case AnswersRequest():
            return read_answers(request, services)
        case LogPageRequest():
            return rebuild_page(request, services)
        case _:
            assert_never(request)


@cache
def _services() -> Services:
    settings = ReconcileSettings.from_environment(os.environ)
    return Services(
        bucket=settings.lake_bucket,
        databases=settings.databases,
        lake=S3Lake(make_client("s3", DATA), settings.lake_bucket),
        log=LogTable(make_client("dynamodb", DATA), settings.log_table),
        tables=Function(make_client("lambda", FUNCTION), settings.tables_function),
        workflow=StateMachine(make_client("stepfunctions", DATA), settings.state_machine_arn),
        table_filter=settings.table_filter,
    )
