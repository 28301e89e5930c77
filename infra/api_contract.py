"""What API Gateway adds to the operations of etl_core/model/api.py: the stage, the key, and its own answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from etl_core.model.api import OPERATIONS

STAGE = "v1"
KEY_HEADER = "x-api-key"


@dataclass(frozen=True)
class GatewayResponse:
    """A response that API Gateway creates without the function.

    It has the form of the function's own errors.
    """

    response_type: str
    status: int
    error: Mapping[str, str]

    @property
    def template(self) -> str:
        return json.dumps(
            {
                "type": "about:blank",
                "title": HTTPStatus(self.status).phrase,
                "status": self.status,
                "detail": self.error["message"],
                "error": dict(self.error),
            }
        )


GATEWAY_RESPONSES = (
    GatewayResponse(
        "INVALID_API_KEY",
        403,
        {
            "type": "InvalidApiKey",
            "message": "the request has no valid API key; every request for data needs one. "
            f"Send the stack's api_key in the header {KEY_HEADER}",
        },
    ),
    GatewayResponse(
        "MISSING_AUTHENTICATION_TOKEN",
        404,
        {
            "type": "NotFound",
            "message": "this path does not exist; the API has "
            f"{', '.join(operation.path for operation in OPERATIONS)}",
        },
    ),
    GatewayResponse(
        "THROTTLED",
        429,
        {
            "type": "Throttled",
            "message": "too many requests; the stack limits requests per second. Try again in a second",
        },
    ),
    GatewayResponse(
        "REQUEST_TOO_LARGE",
        413,
        {
            "type": "RequestTooLarge",
            "message": "the request is larger than API Gateway accepts; the API reads no body. Send none",
        },
    ),
    GatewayResponse(
        "DEFAULT_5XX",
        500,
        {
            "type": "InternalError",
            "message": "the query function failed; the log could not be read. "
            "Try again; if it fails again, see the function's log group",
        },
    ),
)
"""API Gateway uses MISSING_AUTHENTICATION_TOKEN for a path that does not exist."""

STATUS_CODES = {
    200: "The answer.",
    304: "The answer has not changed since the one with the ETag of If-None-Match.",
    400: "A parameter is missing or invalid. The body names it.",
    403: "The API key is missing or unknown.",
    404: "There is no such resource.",
    405: "The method is not GET, HEAD or OPTIONS.",
    429: "Too many requests.",
    500: "The function failed.",
    503: "The log cannot be read at the moment.",
}
"""The function returns 200, 304, 400, 404, 405, 500 and 503; API Gateway returns 403, 404, 429 and 500."""
