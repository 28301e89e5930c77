"""The API's contract as values: the resources are built from it, the OpenAPI document is written from it."""

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
    """One parameter of the query string."""

    name: str
    need: Need
    description: str


PARAMETERS = (
    Parameter(
        "table_name",
        Need.REQUIRED,
        "The table, as `table` or `schema.table`; `_unparsed` for keys that name none.",
    ),
    Parameter(
        "landed_timestamp",
        Need.OPTIONAL,
        "Any beginning of the UTC time at which the upload landed: 2026-11-22.",
    ),
    Parameter(
        "from", Need.OPTIONAL, "Uploads that landed at or after this UTC time, or beginning of one."
    ),
    Parameter(
        "to",
        Need.OPTIONAL,
        "Uploads that landed up to this UTC time; the whole day when it is a day.",
    ),
    Parameter("status", Need.OPTIONAL, "Only uploads with this status."),
    Parameter("database", Need.OPTIONAL, "Only uploads to this database."),
    Parameter(
        "action", Need.OPTIONAL, "Only uploads with this action: append, truncate or schema."
    ),
    Parameter(
        "limit",
        Need.OPTIONAL,
        "How many entries to answer with at most, from 1 to 500; 50 if not given.",
    ),
    Parameter(
        "next_token",
        Need.OPTIONAL,
        "The `next_token` of the answer before, to go on behind its last entry.",
    ),
)


@dataclass(frozen=True)
class GatewayAnswer:
    """What API Gateway answers by itself, before the function is asked; shaped like the function's own errors."""

    response_type: str
    status: int
    error: Mapping[str, str]

    @property
    def template(self) -> str:
        return json.dumps({"error": dict(self.error)})


GATEWAY_ANSWERS = (
    GatewayAnswer(
        "BAD_REQUEST_PARAMETERS",
        400,
        {
            "type": "InvalidQuery",
            "parameter": "table_name",
            "message": "the parameter table_name is missing; write ?table_name=user_data",
        },
    ),
    GatewayAnswer(
        "INVALID_API_KEY",
        403,
        {
            "type": "InvalidApiKey",
            "message": f"the request has no valid API key; send the stack's api_key in the header {KEY_HEADER}",
        },
    ),
    GatewayAnswer(
        "MISSING_AUTHENTICATION_TOKEN",
        404,
        {
            "type": "NotFound",
            "message": f"there is nothing here; ask for {METHOD} /{PATH}?table_name=user_data",
        },
    ),
    GatewayAnswer(
        "THROTTLED",
        429,
        {"type": "Throttled", "message": "too many requests; try again in a second"},
    ),
    GatewayAnswer(
        "DEFAULT_5XX",
        500,
        {
            "type": "InternalError",
            "message": "the log could not be read; try again, then look at the query function's log",
        },
    ),
)
"""API Gateway answers a path that does not exist with MISSING_AUTHENTICATION_TOKEN. The only required parameter is
table_name, so that a bad request can only be about it."""

STATUS_CODES = {
    200: "Entries of the log, newest first.",
    400: "A parameter is missing or malformed; the body names it.",
    403: "The API key is missing or unknown.",
    429: "Too many requests.",
    500: "The function failed.",
    503: "The log could not be read for the moment.",
}
"""What GET /logs answers with: 200, 400 and 503 by the function; 400, 403, 429 and 500 by the gateway."""
