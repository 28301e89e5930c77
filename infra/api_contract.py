"""The API's contract as values: the resources are built from it, the OpenAPI document is written from it."""

from __future__ import annotations

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
    Parameter("table_name", Need.REQUIRED, "The table, as `table` (schema public) or `schema.table`."),
    Parameter(
        "landed_timestamp",
        Need.OPTIONAL,
        "Any prefix of the time at which the upload landed (UTC), such as 2026-11-22.",
    ),
    Parameter("from", Need.OPTIONAL, "Uploads that landed at or after this time (UTC)."),
    Parameter("to", Need.OPTIONAL, "Uploads that landed at or before this time (UTC)."),
    Parameter("status", Need.OPTIONAL, "Only uploads with this status."),
    Parameter("database", Need.OPTIONAL, "Only uploads to this database."),
    Parameter("action", Need.OPTIONAL, "Only uploads with this action."),
    Parameter("limit", Need.OPTIONAL, "How many entries to answer with at most."),
    Parameter("next_token", Need.OPTIONAL, "Where the answer before ended; taken from its `next_token`."),
)


@dataclass(frozen=True)
class GatewayAnswer:
    """What API Gateway itself answers, before the function is asked. `message` is a JSON string in its template."""

    response_type: str
    status: int
    error_type: str
    message: str

    @property
    def template(self) -> str:
        return f'{{"error": {{"type": "{self.error_type}", "message": {self.message}, "details": []}}}}'


_KEY_NEEDED = f'"the request has no valid API key; send the stack\'s key in the header {KEY_HEADER}"'
GATEWAY_ANSWERS = (
    GatewayAnswer("BAD_REQUEST_PARAMETERS", 400, "BadRequest", "$context.error.messageString"),
    GatewayAnswer("INVALID_API_KEY", 403, "Forbidden", _KEY_NEEDED),
    GatewayAnswer(
        "MISSING_AUTHENTICATION_TOKEN", 404, "NotFound", f'"there is nothing here; the log is at {METHOD} /{PATH}"'
    ),
    GatewayAnswer("THROTTLED", 429, "TooManyRequests", '"too many requests; try again in a second"'),
    GatewayAnswer(
        "DEFAULT_5XX",
        500,
        "InternalError",
        '"the log could not be read; try again, then look at the function\'s own log"',
    ),
)
STATUS_CODES = (200, 400, 403, 429, 500)
"""What GET /logs answers with: the function's 200, 400 and 500, and the gateway's."""
