"""The contract of the API as values. The resources and the OpenAPI document are built from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

STAGE = "v1"
PATH = "logs"
METHOD = "GET"
KEY_HEADER = "x-api-key"


class Need(Enum):
    REQUIRED = "required"
    OPTIONAL = "optional"


@dataclass(frozen=True)
class Parameter:
    """A parameter of the query string."""

    name: str
    need: Need
    description: str


PARAMETERS = (
    Parameter(
        "table_name",
        Need.REQUIRED,
        "The table, as `table` or `schema.table`. `_unparsed` for uploads whose key names no table.",
    ),
    Parameter(
        "landed_timestamp",
        Need.OPTIONAL,
        "Uploads that arrived at this UTC time. Any prefix of a timestamp, at least the year: 2026-11-22.",
    ),
    Parameter(
        "from",
        Need.OPTIONAL,
        "Uploads that arrived at or after this UTC time, given as a timestamp or a prefix of one.",
    ),
    Parameter(
        "to",
        Need.OPTIONAL,
        "Uploads that arrived at or before this UTC time. A prefix includes all of its period: a "
        "date includes the whole day.",
    ),
    Parameter("status", Need.OPTIONAL, "Only uploads with this status."),
    Parameter("database", Need.OPTIONAL, "Only uploads to this database."),
    Parameter(
        "action", Need.OPTIONAL, "Only uploads with this action: append, truncate or schema."
    ),
    Parameter(
        "limit",
        Need.OPTIONAL,
        "Maximum number of entries in the response, from 1 to 500. Default: 50.",
    ),
    Parameter(
        "next_token",
        Need.OPTIONAL,
        "The `next_token` of the previous response. Returns the entries that follow it.",
    ),
)


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
        return json.dumps({"error": dict(self.error)})


GATEWAY_RESPONSES = (
    GatewayResponse(
        "BAD_REQUEST_PARAMETERS",
        400,
        {
            "type": "InvalidQuery",
            "parameter": "table_name",
            "message": "the parameter table_name is missing; it is required. Add it: ?table_name=user_data",
        },
    ),
    GatewayResponse(
        "INVALID_API_KEY",
        403,
        {
            "type": "InvalidApiKey",
            "message": "the request has no valid API key; every request needs one. "
            f"Send the stack's api_key in the header {KEY_HEADER}",
        },
    ),
    GatewayResponse(
        "MISSING_AUTHENTICATION_TOKEN",
        404,
        {
            "type": "NotFound",
            "message": f"this path does not exist; the API has one, {METHOD} /{PATH}. "
            f"Request /{PATH}?table_name=user_data",
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
        "DEFAULT_5XX",
        500,
        {
            "type": "InternalError",
            "message": "the query function failed; the log could not be read. "
            "Try again; if it fails again, see the function's log group",
        },
    ),
)
"""API Gateway uses MISSING_AUTHENTICATION_TOKEN for a path that does not exist. `table_name` is the
only required parameter, so BAD_REQUEST_PARAMETERS always means that it is missing."""

STATUS_CODES = {
    200: "Log entries, newest first.",
    400: "A parameter is missing or invalid. The body names it.",
    403: "The API key is missing or unknown.",
    429: "Too many requests.",
    500: "The function failed.",
    503: "The log cannot be read at the moment.",
}
"""The status codes of GET /logs. The function returns 200, 400, 500 and 503; API Gateway returns
400, 403, 429 and 500."""
