"""The load function: one upload into one Redshift table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from etl_core.loading.load import load_upload
from etl_core.model.upload import Upload
from handlers.context import Context, log_line
from handlers.wiring import wiring

_RESERVE_SECONDS = 10.0
"""Reserved for the rollback, for reading the load errors, and for returning the outcome."""


def handler(event: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Load the upload of `{"event": the EventBridge event, "retry_count": n}`; return LoadOutcome
    as JSON. Raises RetryableError.
    """
    upload = Upload.from_event(event["event"])
    settings, ports = wiring()
    seconds = context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS
    retry_count = int(event.get("retry_count", 0))
    try:
        outcome = load_upload(upload, settings, ports, seconds, retry_count)
    except Exception as error:
        log_line("load", upload, error=type(error).__name__, message=str(error))
        raise
    output = outcome.to_task_output() | {"attempts": retry_count + 1}
    log_line(
        "load",
        upload,
        **{
            name: output.get(name)
            for name in ("status", "rows_loaded", "duration_ms", "warnings", "error")
        },
    )
    return output
