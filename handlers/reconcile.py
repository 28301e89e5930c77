"""The reconcile function: compares the lake with ledger and log, sends what was missed, completes the log."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from etl_core.adapters.aws_clients import DATA, FUNCTION, make_client
from etl_core.adapters.functions import Function, StateMachine
from etl_core.adapters.log_table import LogTable
from etl_core.adapters.s3 import S3Lake
from etl_core.model.function_settings import ReconcileSettings
from etl_core.recovery.reconcile_run import (
    PageRequest,
    inspect_key,
    read_answers,
    rebuild_page,
    reconcile_lake,
    reconcile_page,
    send,
    waiting_page,
)
from etl_core.recovery.services import Services
from handlers.context import Context

_RESERVE_SECONDS = 120.0
"""Kept of the function's time for the page under way and for sending."""


def handler(event: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """`{"kind": "page" | "waiting" | "key" | "send" | "answers" | "log_page" | "lake", ...}`.

    What each does is told by etl_core.recovery.reconcile_run.

    Raises RetryableError, LoadFailedError, or ValueError for a request that is none of these.
    """
    services, kind = _services(), event.get("kind")
    match kind:
        case "page":
            answer = reconcile_page(PageRequest.parse(event), services).to_json()
        case "waiting":
            answer = waiting_page(PageRequest.parse(event), services).to_json()
        case "key":
            answer = {"findings": inspect_key(services, str(event["key"]))}
        case "send":
            answer = {"sent": send(services, event["uploads"])}
        case "answers":
            answer = {"entries": read_answers(services, event["log_keys"])}
        case "log_page":
            answer = rebuild_page(services, event)
        case "lake":
            seconds = context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS
            answer = reconcile_lake(PageRequest.parse(event), services, seconds)
        case _:
            raise ValueError(
                f"the request's kind is {kind!r}; it is one of page, waiting, key, send, answers, log_page, lake"
            )
    counts = {
        name: len(value) if isinstance(value, list) else value for name, value in answer.items()
    }
    sys.stdout.write(json.dumps({"step": "reconcile", "kind": kind, **counts}) + "\n")
    return answer


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
    )
