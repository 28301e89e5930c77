"""The reconcile function: compares the lake with ledger and log, sends what was missed, completes the log."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

from etl_core.adapters.dynamodb import LogTable
from etl_core.adapters.functions import Function, StateMachine
from etl_core.adapters.lake_listing import LakeLister
from etl_core.operating.ports import Desk
from etl_core.operating.reconcile_run import (
    PageRequest,
    inspect_key,
    read_answers,
    rebuild_page,
    reconcile_lake,
    reconcile_page,
    send,
    waiting_page,
)
from etl_core.settings import ReconcileSettings
from handlers.context import Context

_RESERVE_SECONDS = 120.0
"""Kept of the function's time for the page under way and for sending."""


def handler(event: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """`{"kind": "page" | "waiting" | "key" | "send" | "answers" | "log_page" | "lake", ...}`.

    What each does is told by etl_core.operating.reconcile_run.

    Raises RetryableError, LoadFailedError, or ValueError for a request that is none of these.
    """
    desk, kind = _desk(), event.get("kind")
    match kind:
        case "page":
            answer = reconcile_page(PageRequest.parse(event), desk).to_json()
        case "waiting":
            answer = waiting_page(PageRequest.parse(event), desk).to_json()
        case "key":
            answer = {"findings": inspect_key(desk, str(event["key"]))}
        case "send":
            answer = {"sent": send(desk, event["uploads"])}
        case "answers":
            answer = {"entries": read_answers(desk, event["log_keys"])}
        case "log_page":
            answer = rebuild_page(desk, event)
        case "lake":
            seconds = context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS
            answer = reconcile_lake(PageRequest.parse(event), desk, seconds)
        case _:
            raise ValueError(
                f"the request's kind is {kind!r}; it is one of page, waiting, key, send, answers, log_page, lake"
            )
    counts = {name: len(value) if isinstance(value, list) else value for name, value in answer.items()}
    sys.stdout.write(json.dumps({"step": "reconcile", "kind": kind, **counts}) + "\n")
    return answer


@cache
def _desk() -> Desk:
    settings = ReconcileSettings.from_environment(os.environ)
    config = Config(connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 4})
    # Nobody asks the tables function twice for one answer; it may take its time.
    patient = Config(connect_timeout=5, read_timeout=890, retries={"mode": "standard", "total_max_attempts": 1})
    return Desk(
        bucket=settings.lake_bucket,
        databases=settings.databases,
        lake=LakeLister(boto3.client("s3", config=config), settings.lake_bucket),
        log=LogTable(boto3.client("dynamodb", config=config), settings.log_table),
        tables=Function(boto3.client("lambda", config=patient), settings.tables_function),
        workflow=StateMachine(boto3.client("stepfunctions", config=config), settings.state_machine_arn),
    )
