"""The operations of the API as values: the query function serves them, the deployment declares
them, and the OpenAPI document describes them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from etl_core.model import api_types
from etl_core.model.lake_key import Action
from etl_core.model.status import Status

DEFAULT_LIMIT, MAX_LIMIT = 50, 500
DEFAULT_TABLES = 100
MAX_TABLE_NAME, MAX_DATABASE, MAX_KEY = 512, 127, 1024
"""A table name is a partition key, which holds 2,048 bytes (DynamoDB developer guide, "Quotas"); a
character has at most four."""
METHODS = "GET, HEAD, OPTIONS"


def _time_pattern() -> str:
    """Return a pattern of the UTC times from year 1 to 9999 that exist, and of their beginnings."""
    year = r"(000[1-9]|00[1-9][0-9]|0[1-9][0-9][0-9]|[1-9][0-9]{3})"
    leap_year = r"([0-9][0-9](0[48]|[2468][048]|[13579][26])|(0[48]|[2468][048]|[13579][26])00)"
    long, short = "(0[13578]|1[02])", "(0[469]|11)"
    dates = (
        rf"{year}-{long}-(0[1-9]|[12][0-9]|3[01])",
        rf"{year}-{short}-(0[1-9]|[12][0-9]|30)",
        rf"{year}-02-(0[1-9]|1[0-9]|2[0-8])",
        f"{leap_year}-02-29",
    )
    beginning = rf"{year}(-([01]|(0[1-9]|1[0-2])(-[0-2]?)?|({long}|{short})-3)?)?"
    hour = r"([0-2]|([01][0-9]|2[0-3])(:([0-5]([0-9](:([0-5]([0-9]Z?)?)?)?)?)?)?)"
    return f"({beginning}|({'|'.join(dates)})([T ]{hour}?)?)"


_TIME_TEXT = _time_pattern()
TIME_PATTERN = f"^{_TIME_TEXT}$"
"""A UTC time, or the beginning of one."""
TOKEN_PATTERN = rf"^{_TIME_TEXT}(\.([0-9a-f]{{2}}){{1,270}})?$"
"""A place in arrival order: a time or the beginning of one, and what follows it in hexadecimal digits."""
TABLES_TOKEN_PATTERN = "^([0-9a-f]{2}){1,500}$"  # noqa: S105 - a pattern
"""A place among the tables, in hexadecimal digits."""
CONTROL_CHARACTERS = r"\u0000-\u001f\u007f-\u009f"


def any_of(words: Iterable[str]) -> str:
    """Return a pattern of JSON Schema (which has no flags) for one of the words, in any case."""
    return "|".join("".join(f"[{c.upper()}{c}]" if c.isalpha() else c for c in w) for w in words)


@dataclass(frozen=True)
class Parameter:
    """A parameter of the query string or of the path. `schema`: its JSON Schema, besides the type."""

    name: str
    description: str
    example: str
    schema: Mapping[str, Any] = field(default_factory=dict)
    is_required: bool = False


@dataclass(frozen=True)
class Operation:
    """A GET. `answer` is the type of its response, None for a page of HTML.

    `errors` are the statuses of its own errors, besides those that every operation has.
    """

    name: str
    path: str
    tag: str
    summary: str
    answer: type | None
    parameters: tuple[Parameter, ...] = ()
    path_parameters: tuple[Parameter, ...] = ()
    errors: tuple[int, ...] = ()
    needs_key: bool = True


_TIME: Mapping[str, Any] = {"minLength": 4, "maxLength": 20, "pattern": TIME_PATTERN}
_ACTIONS = tuple(Action)
_STATUSES = any_of(Status)

FROM = Parameter(
    "from",
    "Uploads that arrived at or after this UTC time, given as a timestamp or a prefix of one.",
    "2026-11-22",
    _TIME,
)
TO = Parameter(
    "to",
    "Uploads that arrived at or before this UTC time. A prefix includes all of its period: a date "
    "includes the whole day.",
    "2026-11-22",
    _TIME,
)
DATABASE = Parameter(
    "database",
    "Only uploads to this database.",
    "dev",
    {"minLength": 1, "maxLength": MAX_DATABASE, "pattern": r"\S"},
)
ACTION = Parameter(
    "action",
    f"Only uploads with this action: {', '.join(_ACTIONS[:-1])} or {_ACTIONS[-1]}. "
    "Upper and lower case do not matter.",
    "append",
    {"pattern": f"^({any_of(_ACTIONS)})$"},
)
LIMIT = Parameter(
    "limit",
    f"Maximum number of entries in the response, from 1 to {MAX_LIMIT}. Default: {DEFAULT_LIMIT}.",
    "20",
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
)
NEXT_TOKEN = Parameter(
    "next_token",
    "The `next_token` of the previous response: a place in arrival order. Returns the entries that "
    "follow it, which are older.",
    "2026-11-22T09:30:00Z.23303123303132333435363738396162",
    {"minLength": 4, "maxLength": 561, "pattern": TOKEN_PATTERN},
)
_ONE_NAME = "[A-Za-z_][A-Za-z0-9_]*"
_TABLE_NAME: Mapping[str, Any] = {
    "minLength": 1,
    "maxLength": MAX_TABLE_NAME,
    # Not * and /, not only blanks, and not database.schema.table.
    "pattern": rf"^(?!\s*{_ONE_NAME}\.{_ONE_NAME}\.{_ONE_NAME}\s*$)"
    rf"[^*/{CONTROL_CHARACTERS}]*[^*/\s{CONTROL_CHARACTERS}][^*/{CONTROL_CHARACTERS}]*$",
}
LOG_PARAMETERS = (
    Parameter(
        "table_name",
        "The table, as `table` or `schema.table`. `_unparsed` for uploads whose key names no table.",
        "user_data",
        _TABLE_NAME,
        is_required=True,
    ),
    Parameter(
        "landed_timestamp",
        "Uploads that arrived at this UTC time. Any prefix of a timestamp, at least the year: 2026-11-22.",
        "2026-11-22",
        _TIME,
    ),
    FROM,
    TO,
    Parameter(
        "status",
        "Only uploads with this status. Upper and lower case do not matter.",
        "loaded",
        {"pattern": f"^({_STATUSES})$"},
    ),
    DATABASE,
    ACTION,
    LIMIT,
    NEXT_TOKEN,
)
UPLOAD_PARAMETERS = (
    Parameter(
        "status",
        "Only uploads with one of these statuses, separated by commas.",
        "failed,rejected",
        {"pattern": f"^({_STATUSES})(,({_STATUSES}))*$"},
    ),
    Parameter(
        FROM.name, FROM.description + " Default: seven days before `to`.", FROM.example, _TIME
    ),
    TO,
    ACTION,
    DATABASE,
    Parameter(
        "table",
        "Only uploads to this table, as `table` or `schema.table`.",
        "user_data",
        _TABLE_NAME,
    ),
    Parameter(
        "s3_key",
        "Only uploads whose key begins with this text.",
        "dev/append/user_data/users.csv",
        {"minLength": 1, "maxLength": MAX_KEY},
    ),
    LIMIT,
    NEXT_TOKEN,
)
TABLES_PARAMETERS = (
    Parameter(
        LIMIT.name,
        f"Maximum number of tables in the response, from 1 to {MAX_LIMIT}. Default: {DEFAULT_TABLES}.",
        "20",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_TABLES},
    ),
    Parameter(
        NEXT_TOKEN.name,
        "The `next_token` of the previous response. Returns the tables that follow it by name.",
        "6465762f7075626c69632f757365725f64617461",
        {"minLength": 2, "maxLength": 1000, "pattern": TABLES_TOKEN_PATTERN},
    ),
)
UPLOAD_ID = Parameter(
    "upload_id",
    "The 32 hexadecimal digits of the upload, as `upload_id` and the ledger have them.",
    "9f2c1d1e3b5a47d08e6f1a2b3c4d5e6f",
    {"pattern": "^[0-9a-f]{32}$"},
    is_required=True,
)
_NAME: Mapping[str, Any] = {"minLength": 1, "maxLength": 127, "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}
TABLE_PATH = (
    Parameter("database", "The database.", "dev", _NAME, is_required=True),
    Parameter("schema", "The schema of the table.", "public", _NAME, is_required=True),
    Parameter("table", "The table.", "user_data", _NAME, is_required=True),
)

OPERATIONS = (
    Operation(
        "queryLog",
        "/logs",
        "Log",
        "Return the log entries of one table, newest first",
        api_types.Page,
        LOG_PARAMETERS,
    ),
    Operation(
        "listUploads",
        "/uploads",
        "Log",
        "Return the uploads to all tables, newest first",
        api_types.UploadPage,
        UPLOAD_PARAMETERS,
    ),
    Operation(
        "getUpload",
        "/uploads/{upload_id}",
        "Log",
        "Return one upload with its statements, warnings and error",
        api_types.Entry,
        path_parameters=(UPLOAD_ID,),
        errors=(404,),
    ),
    Operation(
        "listTables",
        "/tables",
        "Tables",
        "Return every table with its last uploads, its freshness and its totals, by name",
        api_types.Tables,
        TABLES_PARAMETERS,
    ),
    Operation(
        "getTable",
        "/tables/{database}/{schema}/{table}",
        "Tables",
        "Return one table with its last uploads, its freshness and its totals",
        api_types.TableSummary,
        path_parameters=TABLE_PATH,
        errors=(404,),
    ),
    Operation(
        "getTableSchema",
        "/tables/{database}/{schema}/{table}/schema",
        "Tables",
        "Return the schema file in force and the ones before it",
        api_types.TableSchema,
        path_parameters=TABLE_PATH,
        errors=(404,),
    ),
    Operation(
        "getHealth",
        "/health",
        "Service",
        "Return whether the API answers; it needs no key and has no data",
        api_types.Health,
        needs_key=False,
    ),
    Operation(
        "getPage",
        "/",
        "Service",
        "Return the page for people; it needs no key and has no data",
        None,
        needs_key=False,
    ),
)
