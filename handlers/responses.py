"""Responses of the query function in API Gateway's form: JSON, problems (RFC 9457), ETag, HEAD and CORS."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from etl_core.model.api import METHODS
from etl_core.model.api_types import ErrorDetail, Problem

JSON, PROBLEM_JSON = "application/json", "application/problem+json"
Response = dict[str, Any]


def json_response(body: object) -> Response:
    """Return a response with a JSON body and its ETag."""
    text = json.dumps(body, ensure_ascii=False)
    return _response(200, JSON, text) | {"etag": _etag(text)}


def html_response(text: str, headers: Mapping[str, str]) -> Response:
    """Return a response with a page and its ETag."""
    response = _response(200, "text/html; charset=utf-8", text) | {"etag": _etag(text)}
    response["headers"] |= headers
    return response


def problem_response(status: int, error: ErrorDetail) -> Response:
    """Return an error as a problem with the member `error`."""
    problem: Problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": error["message"],
        "error": error,
    }
    return _response(status, PROBLEM_JSON, json.dumps(problem, ensure_ascii=False))


def options_response() -> Response:
    """Return the methods of a path. With CORS, also a preflight's answer."""
    response = _response(204, JSON, "")
    del response["headers"]["Content-Type"]
    response["headers"]["Allow"] = METHODS
    return response


def finish(response: Response, event: Mapping[str, Any], cors_origin: str | None) -> Response:
    """Return the response for this request: 304 if its ETag is known, no body for HEAD, CORS headers."""
    etag, headers = response.pop("etag", None), response["headers"]
    if etag is not None:
        headers["ETag"] = etag
        if etag in _known_etags(event):
            response |= {"statusCode": 304, "body": ""}
    if event.get("httpMethod") == "HEAD":
        response["body"] = ""
    if cors_origin is not None:
        headers |= {
            "Access-Control-Allow-Origin": cors_origin,
            "Access-Control-Allow-Methods": METHODS,
            "Access-Control-Allow-Headers": "x-api-key, authorization, x-amz-date, "
            "x-amz-security-token, if-none-match",
            "Access-Control-Expose-Headers": "ETag",
            "Vary": "Origin",
        }
    return response


def _known_etags(event: Mapping[str, Any]) -> list[str]:
    for name, value in (event.get("headers") or {}).items():
        if name.lower() == "if-none-match":
            return [each.strip().removeprefix("W/") for each in str(value).split(",")]
    return []


def _etag(text: str) -> str:
    return f'"{hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]}"'


def _response(status: int, content_type: str, body: str) -> Response:
    return {
        "statusCode": status,
        # What has changed must not be shown from a cache; the ETag saves the transfer.
        "headers": {
            "Content-Type": content_type,
            "Cache-Control": "private, no-cache" if status == 200 else "no-store",
            "X-Content-Type-Options": "nosniff",
        },
        "body": body,
    }
