"""What API Gateway adds to the operations of etl_core/model/api.py: the stage, the key, and its own answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from etl_core.model.api import OPERATIONS
from infra.setting_kinds import ApiAuth

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


_PATHS = ", ".join(operation.path for operation in OPERATIONS)
_WITH_KEY = (
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
            "message": f"this path does not exist; the API has {_PATHS}",
        },
    ),
)
_WITH_IAM = (
    GatewayResponse(
        "MISSING_AUTHENTICATION_TOKEN",
        403,
        {
            "type": "NotSigned",
            "message": "the request has no AWS signature, or its path does not exist; every request for data "
            "is signed with Signature Version 4 for the service execute-api. "
            f"Sign it, or let etl do it. The API has {_PATHS}",
        },
    ),
    GatewayResponse(
        "ACCESS_DENIED",
        403,
        {
            "type": "AccessDenied",
            "message": "no policy of the caller allows the request; it needs execute-api:Invoke on the stage of "
            "the API. Ask the owner of the account for it",
        },
    ),
    GatewayResponse(
        "INVALID_SIGNATURE",
        403,
        {
            "type": "InvalidSignature",
            "message": "the AWS signature does not fit the request; secret, region, clock or path differ. "
            "Check the credentials and the clock",
        },
    ),
    GatewayResponse(
        "EXPIRED_TOKEN",
        403,
        {
            "type": "ExpiredToken",
            "message": "the credentials of the signature have expired. Log in to AWS again",
        },
    ),
)
_ALWAYS = (
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


def gateway_responses(auth: ApiAuth) -> tuple[GatewayResponse, ...]:
    """Return the responses of an API with this kind of authorization.

    API Gateway uses MISSING_AUTHENTICATION_TOKEN for a path that does not exist and for a request
    without a signature (developer guide, "Gateway response types").
    """
    return (*(_WITH_IAM if auth is ApiAuth.IAM else _WITH_KEY), *_ALWAYS)


STATUS_CODES = {
    200: "The answer.",
    304: "The answer has not changed since the one with the ETag of If-None-Match.",
    400: "A parameter is missing or invalid. The body names it.",
    403: "The API key is missing or unknown; or, with IAM, the signature is missing, or not allowed.",
    404: "There is no such resource.",
    405: "The method is not GET, HEAD or OPTIONS.",
    429: "Too many requests.",
    500: "The function failed.",
    503: "The log cannot be read at the moment.",
}
"""The function returns 200, 304, 400, 404, 405, 500 and 503; API Gateway returns 403, 404, 429 and 500."""
