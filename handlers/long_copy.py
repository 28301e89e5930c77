"""The long-copy function: submits the statements of a long copy, and looks whether they have ended.

It runs outside the private network, which has no endpoint for the Data API. The state machine waits
between two calls.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

from etl_core.adapters.aws_clients import DATA, make_client
from etl_core.adapters.data_api import DataApi, DataApiTarget
from etl_core.model.function_settings import LongCopySettings
from etl_core.model.long_copy import LongCopy, LongCopyResult, LongCopyStatus, pause_seconds
from etl_core.model.times import utc_now
from handlers.context import Context


def handler(event: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Submit or look at the copy of `{"long_copy": LongCopy}`; return `{"long_copy": LongCopy,
    "is_running": bool, "seconds": n}`: it ended if it has a result, else call again after the pause.

    Raises ThrottledError or LoadFailedError.
    """
    copy = LongCopy.parse(event.get("long_copy"))
    if copy is None:
        raise ValueError("the event has no long copy")
    copy = _next(copy)
    reply = {
        "long_copy": copy.to_state(),
        "is_running": copy.result is None,
        "seconds": pause_seconds(copy.planned_at, utc_now()),
    }
    _log(copy)
    return reply


def _next(copy: LongCopy) -> LongCopy:
    if copy.result is not None:
        return copy
    if not copy.tables:
        return copy.ended(LongCopyResult(LongCopyStatus.NOT_STARTED))
    if copy.statement_id is None:
        return _data_api().submit(copy)
    result = _data_api().look(copy)
    return copy if result is None else copy.ended(result)


def _log(copy: LongCopy) -> None:
    line = {
        "step": "long_copy",
        "tables": [table.name for table in copy.tables],
        "statement_id": copy.statement_id,
        "status": "running" if copy.result is None else str(copy.result.status),
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


@cache
def _data_api() -> DataApi:
    settings = LongCopySettings.from_environment(os.environ)
    return DataApi(make_client("redshift-data", DATA), DataApiTarget(settings.login))
