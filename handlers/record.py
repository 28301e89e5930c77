"""The record function: writes an upload's log entry before the load, and its final status after it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from etl_core.adapters.aws_clients import LOG_WRITE, make_client
from etl_core.adapters.log_table import LogTable
from etl_core.model.function_settings import LogSettings
from etl_core.model.status import Status
from etl_core.model.times import utc_now
from etl_core.model.upload import Upload
from etl_core.upload_log.entry import attempts_of, final_entry, key_of, received_entry
from handlers.context import Context, log_line


def handler(event: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Write the entry for `{"phase": "received", "event": ...}` or `{"phase": "final", "state":
    ...}`, each with `execution_arn`.
    """
    arn = str(event.get("execution_arn", ""))
    if event["phase"] == "received":
        return _received(Upload.from_event(event["event"]), arn)
    return _final(event["state"], arn)


def _received(upload: Upload, arn: str) -> Mapping[str, Any]:
    is_new = _log().write_received(key_of(upload), received_entry(upload, arn, utc_now()))
    log_line("received", upload, is_new=is_new)
    return {"upload_id": upload.upload_id, "is_new": is_new}


def _final(state: Mapping[str, Any], arn: str) -> Mapping[str, Any]:
    upload = Upload.from_event(state)
    entry = final_entry(upload, state, arn)
    written = _log().write_final(key_of(upload), entry, attempts_of(state))
    log_line("recorded", upload, status=entry["status"], written=written)
    status, error = Status(entry["status"]), entry.get("error") or {}
    return {
        "status": str(status),
        "succeeded": status.succeeded,
        "error": error.get("type", ""),
        "cause": error.get("message", ""),
    }


@cache
def _log() -> LogTable:
    return LogTable(
        make_client("dynamodb", LOG_WRITE), LogSettings.from_environment(os.environ).log_table
    )
