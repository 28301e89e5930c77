"""The query function: serves the API from the log table. etl_core/model/api.py lists its operations."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, cast

from etl_core.adapters.aws_clients import DATA, LOG_READ, make_client
from etl_core.adapters.log_table import LogTable
from etl_core.adapters.upload_lists import UploadLists
from etl_core.model.api import METHODS, OPERATIONS, TABLE_PATH
from etl_core.model.api_types import Entry, Page, SchemaVersion, Tables, TableSchema, UploadPage
from etl_core.model.errors import EtlError, LogError
from etl_core.model.function_settings import QuerySettings
from etl_core.model.names import fold
from etl_core.model.table_ref import TableRef
from etl_core.model.times import utc_now
from etl_core.upload_log.entry import INTERNAL_FIELDS, SORT_KEY
from etl_core.upload_log.messages import (
    DEPLOYMENT_AT_FAULT,
    METHOD_NOT_ALLOWED,
    PARAMETER_REPEATED,
    PATH_UNKNOWN,
    SCHEMA_UNKNOWN,
    TABLE_PART_INVALID,
    TABLE_UNKNOWN,
    TRY_AGAIN,
    UPLOAD_ID_INVALID,
    UPLOAD_UNKNOWN,
)
from etl_core.upload_log.parameters import MAX_SHOWN, InvalidQueryError, check_names, encode_token
from etl_core.upload_log.query import LogQuery
from etl_core.upload_log.tables_query import TablesQuery, tables_token
from etl_core.upload_log.totals import sum_hours, summarize
from etl_core.upload_log.upload_query import UploadQuery
from handlers.context import Context
from handlers.page import page_response
from handlers.responses import (
    Response,
    finish,
    json_response,
    options_response,
    problem_response,
)

_MAX_BODY_BYTES = 5_000_000
"""Below the 6 MB limit of a function's response. The body is a JSON string in it, so quotes and
backslashes count twice."""

_MAX_PAGES = 25
"""Reads of the log table per request. If a filter matches few entries, the caller continues with the next token."""
_MAX_SCHEMA_BYTES = 1_000_000


class _NotFoundError(Exception):
    """There is no such resource."""


def handler(event: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Return the proxy response for an API Gateway proxy event. Errors name the parameter."""
    return finish(_respond(event), event, _settings().cors_origin)


def _respond(event: Mapping[str, Any]) -> Response:
    method = event.get("httpMethod", "GET")
    serve = _ROUTES.get(event.get("resource", "/logs"))
    if serve is None:
        paths = ", ".join(operation.path for operation in OPERATIONS)
        return _problem(404, "NotFound", PATH_UNKNOWN(paths=paths))
    if method == "OPTIONS":
        return options_response()
    if method not in ("GET", "HEAD"):
        message = METHOD_NOT_ALLOWED(method=method, methods=METHODS)
        response = _problem(405, "MethodNotAllowed", message)
        response["headers"]["Allow"] = METHODS
        return response
    return _serve(serve, event)


def _serve(serve: Callable[[Mapping[str, Any]], Response], event: Mapping[str, Any]) -> Response:
    try:
        return serve(event)
    except InvalidQueryError as error:
        return problem_response(
            400,
            {"type": "InvalidQuery", "parameter": error.parameter, "message": str(error)},
        )
    except _NotFoundError as error:
        return _problem(404, "NotFound", str(error))
    except LogError as error:
        return _problem(500, "LogError", DEPLOYMENT_AT_FAULT(reason=error))
    except EtlError as error:
        return _problem(503, type(error).__name__, TRY_AGAIN(reason=error))


def _problem(status: int, kind: str, message: str) -> Response:
    return problem_response(status, {"type": kind, "message": message})


def _parameters(event: Mapping[str, Any]) -> dict[str, str]:
    all_values = event.get("multiValueQueryStringParameters") or {}
    for name, values in all_values.items():
        if len(values or ()) > 1:
            raise InvalidQueryError(name, PARAMETER_REPEATED(name=name, count=len(values)))
    return dict(event.get("queryStringParameters") or {})


def _path_part(event: Mapping[str, Any], name: str) -> str:
    return str((event.get("pathParameters") or {}).get(name, ""))


def _take(
    reads: Iterator[tuple[list[dict[str, Any]], str | None]], limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Return entries up to the limits of a page, and the sort key after which the next page begins (None: no more).

    `reads`: entries, and the sort key up to which they were read.
    """
    items: list[dict[str, Any]] = []
    size, end = 0, None
    for read, read_to in islice(reads, _MAX_PAGES):
        for item in read:
            size += _size(item)
            if len(items) == limit or size > _MAX_BODY_BYTES:
                return items, items[-1][SORT_KEY]
            items.append(item)
        end = read_to
        if len(items) == limit:
            break
    return items, end


def _logs(event: Mapping[str, Any]) -> Response:
    query = LogQuery.parse(_parameters(event))
    pages = ((page.items, page.ends_at) for page in _log().read_pages(query))
    items, ends_at = _take(pages, query.limit)
    token = None if ends_at is None else encode_token(ends_at)
    page: Page = {"items": list(map(_public, items)), "count": len(items), "next_token": token}
    return json_response(page)


def _uploads(event: Mapping[str, Any]) -> Response:
    query = UploadQuery.parse(_parameters(event), utc_now())
    rounds = ((read.items, read.before) for read in _lists().read_rounds(query))
    items, before = _take(rounds, query.limit)
    page: UploadPage = {
        "items": list(map(_listed, items)),
        "count": len(items),
        "next_token": None if before is None else encode_token(before),
        "from": query.first,
    }
    return json_response(page)


def _upload(event: Mapping[str, Any]) -> Response:
    check_names(_parameters(event), ())
    upload_id = _path_part(event, "upload_id")
    if not re.fullmatch("[0-9a-f]{32}", upload_id):
        message = UPLOAD_ID_INVALID(value=upload_id[:MAX_SHOWN])
        raise InvalidQueryError("upload_id", message)
    entry = _lists().find(upload_id)
    if entry is None:
        raise _NotFoundError(UPLOAD_UNKNOWN(upload_id=upload_id))
    return json_response(_public(entry))


def _tables(event: Mapping[str, Any]) -> Response:
    query, now = TablesQuery.parse(_parameters(event)), utc_now()
    hours: list[dict[str, Any]] = []

    def rounds() -> Iterator[tuple[list[dict[str, Any]], str | None]]:
        for read in _lists().read_totals(query.after, query.limit):
            hours.extend(read.hours)
            yield read.items, read.ends_at

    items, ends_at = _take(rounds(), query.limit)
    tables: Tables = {
        "items": [summarize(item, now, _settings().freshness_hours) for item in items],
        "count": len(items),
        "next_token": None if ends_at is None else tables_token(ends_at),
        "hours": list(sum_hours(hours, now)),
    }
    return json_response(tables)


def _table(event: Mapping[str, Any]) -> Response:
    check_names(_parameters(event), ())
    table = TableRef(*_table_parts(event))
    item = _lists().find_totals(table)
    if item is None:
        raise _NotFoundError(TABLE_UNKNOWN(table=table, database=table.database))
    return json_response(summarize(item, utc_now(), _settings().freshness_hours))


def _table_schema(event: Mapping[str, Any]) -> Response:
    check_names(_parameters(event), ())
    table = TableRef(*_table_parts(event))
    entries = _lists().schema_files(table)
    if not entries:
        raise _NotFoundError(SCHEMA_UNKNOWN(table=table, database=table.database))
    history = [_schema_version(entry) for entry in entries]
    answer: TableSchema = {
        "in_force": history[0],
        "document": _read_schema(history[0]),
        "history": history,
    }
    return json_response(answer)


def _table_parts(event: Mapping[str, Any]) -> Iterator[str]:
    for parameter in TABLE_PATH:
        value = _path_part(event, parameter.name)
        is_name = re.fullmatch(str(parameter.schema["pattern"]), value) and len(value) <= 127
        if not is_name:
            message = TABLE_PART_INVALID(name=parameter.name, value=value[:MAX_SHOWN])
            raise InvalidQueryError(parameter.name, message)
        yield fold(value)


def _read_schema(version: SchemaVersion) -> dict[str, Any] | None:
    """Return the schema file's content, None if the object is gone or cannot be read."""
    from botocore.exceptions import BotoCoreError, ClientError

    wanted = {"Bucket": _settings().lake_bucket, "Key": version["s3_key"]}
    if "version_id" in version:
        wanted["VersionId"] = version["version_id"]
    try:
        body = _s3().get_object(**wanted)["Body"].read(_MAX_SCHEMA_BYTES)
        document = json.loads(body)
    except (BotoCoreError, ClientError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _schema_version(entry: Mapping[str, Any]) -> SchemaVersion:
    names = ("upload_id", "s3_key", "version_id", "landed_timestamp", "status", "schema_version")
    known = {name: entry[name] for name in names if name in entry}
    return cast(SchemaVersion, known)


def _health(event: Mapping[str, Any]) -> Response:
    check_names(_parameters(event), ())
    return json_response({"status": "ok"})


def _page(event: Mapping[str, Any]) -> Response:
    return page_response()


def _public(item: Mapping[str, Any]) -> Entry:
    public = {name: value for name, value in item.items() if name not in INTERNAL_FIELDS}
    return cast(Entry, public)


def _listed(item: Mapping[str, Any]) -> Entry:
    return cast(
        Entry, {name: value for name, value in _public(item).items() if name != "statements"}
    )


def _size(item: Mapping[str, Any]) -> int:
    return len(json.dumps(json.dumps(item, ensure_ascii=False)))


_ROUTES: Mapping[str, Callable[[Mapping[str, Any]], Response]] = {
    "/logs": _logs,
    "/uploads": _uploads,
    "/uploads/{upload_id}": _upload,
    "/tables": _tables,
    "/tables/{database}/{schema}/{table}": _table,
    "/tables/{database}/{schema}/{table}/schema": _table_schema,
    "/health": _health,
    "/": _page,
}


@cache
def _settings() -> QuerySettings:
    return QuerySettings.from_environment(os.environ)


@cache
def _dynamodb() -> Any:
    return make_client("dynamodb", LOG_READ)


@cache
def _log() -> LogTable:
    return LogTable(_dynamodb(), _settings().log_table)


@cache
def _lists() -> UploadLists:
    return UploadLists(_dynamodb(), _settings().log_table)


@cache
def _s3() -> Any:
    return make_client("s3", DATA)
