"""The query function: serves GET /logs from the log table."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from itertools import islice
from typing import Any

from etl_core.adapters.aws_clients import LOG_READ, make_client
from etl_core.adapters.log_table import LogTable
from etl_core.model.errors import EtlError, LogError
from etl_core.model.function_settings import LogSettings
from etl_core.upload_log.entry import INTERNAL_FIELDS, SORT_KEY
from etl_core.upload_log.messages import PARAMETER_REPEATED
from etl_core.upload_log.query import InvalidQueryError, LogQuery, next_token
from handlers.context import Context

_MAX_BODY_BYTES = 5_000_000
"""Below the 6 MB limit of a function's response. The body is a JSON string in it, so quotes and
backslashes count twice."""

_MAX_PAGES = 25
"""Pages of the log table per request. If a filter matches few entries, the caller continues with the next token."""


def handler(event: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Return the proxy response, with a JSON body, for an API Gateway proxy event.

    Errors name the parameter.
    """
    try:
        query = LogQuery.parse(_parameters(event))
    except InvalidQueryError as error:
        return _response(
            400,
            {
                "error": {
                    "type": "InvalidQuery",
                    "parameter": error.parameter,
                    "message": str(error),
                }
            },
        )
    try:
        return _response(200, _read_entries(query))
    except LogError as error:
        return _response(
            500,
            {
                "error": {
                    "type": "LogError",
                    "message": f"{error}; the deployment is at fault, not the request",
                }
            },
        )
    except EtlError as error:
        return _response(
            503,
            {"error": {"type": type(error).__name__, "message": f"{error}; try again in a moment"}},
        )


def _parameters(event: Mapping[str, Any]) -> dict[str, str]:
    all_values = event.get("multiValueQueryStringParameters") or {}
    for name, values in all_values.items():
        if len(values or ()) > 1:
            raise InvalidQueryError(name, PARAMETER_REPEATED(name=name, count=len(values)))
    return dict(event.get("queryStringParameters") or {})


def _read_entries(query: LogQuery) -> dict[str, Any]:
    items: list[dict[str, Any]] = []
    size, ends_at = 0, None
    for page in islice(_log().read_pages(query), _MAX_PAGES):
        for item in page.items:
            size += len(json.dumps(json.dumps(item, ensure_ascii=False)))
            if len(items) == query.limit or size > _MAX_BODY_BYTES:
                return _page(query, items, items[-1][SORT_KEY])
            items.append(item)
        ends_at = page.ends_at
        if len(items) == query.limit:
            break
    return _page(query, items, ends_at)


def _page(query: LogQuery, items: list[dict[str, Any]], ends_at: str | None) -> dict[str, Any]:
    token = None if ends_at is None else next_token(query.table_name, ends_at)
    public = [
        {name: value for name, value in item.items() if name not in INTERNAL_FIELDS}
        for item in items
    ]
    return {"items": public, "count": len(public), "next_token": token}


def _response(status: int, body: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", "Cache-Control": "no-store"},
        "body": json.dumps(body, ensure_ascii=False),
    }


@cache
def _log() -> LogTable:
    return LogTable(
        make_client("dynamodb", LOG_READ), LogSettings.from_environment(os.environ).log_table
    )
