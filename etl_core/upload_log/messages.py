"""Messages of the log: loads that ended without a result, and queries that the API refuses."""

from __future__ import annotations

from etl_core.model.messages import Message

LOAD_TIMED_OUT = Message(
    id="load.timed_out",
    when="The load function ran for longer than loadTimeoutSeconds and was stopped.",
    text="the load function ran out of time; the transaction was rolled back and the file is not loaded",
    fix="Split the file, or raise loadTimeoutSeconds, and upload again",
    example={},
)
LOAD_FUNCTION_DIED = Message(
    id="load.function_died",
    when="The load function was killed, ran out of memory or crashed.",
    text="the load function ended without a result ({error}: {cause}); the file is not loaded",
    fix="Send the upload again (etl replay --key ...); it cannot be loaded twice. If that fails "
    "too, read the function's "
    "log group",
    example={"error": "Runtime.OutOfMemory", "cause": "out of memory"},
)
LOAD_UNKNOWN = Message(
    id="load.unknown",
    when="A load ended without an answer, and the ledger could not be read afterwards.",
    text="the file may be loaded: its load ended without an answer ({reason}), and the table's ledger "
    "could not be read afterwards ({why})",
    fix="Do not upload the file again. Reconcile settles the upload from the ledger: wait for its "
    "next scheduled run, or run `etl reconcile`",
    example={
        "reason": "Runtime.ExitError: signal: killed",
        "why": "ConnectionLostError: the warehouse cannot be reached",
    },
)
LINES_LEFT_OUT = Message(
    id="log.lines_left_out",
    when="A log entry has more details or statements than it can store.",
    text="... and {count} more",
    fix="",
    example={"count": 12},
)

PARAMETER_UNKNOWN = Message(
    id="query.parameter_unknown",
    when="A query of the log has a parameter that does not exist.",
    text="{name!r} is not a parameter; the parameters are {parameters}",
    fix="",
    example={"name": "tabel_name", "parameters": "table_name, landed_timestamp, from, to"},
)
PARAMETER_REPEATED = Message(
    id="query.parameter_repeated",
    when="The query string has a parameter more than once.",
    text="{name} is given {count} times; each parameter can be given once",
    fix="Keep one {name}",
    example={"name": "status", "count": 2},
)

TABLE_NAME_MISSING = Message(
    id="query.table_name_missing",
    when="A query of the log names no table.",
    text="the parameter {name} is missing; it is required",
    fix="Add it: ?{name}=user_data",
    example={"name": "table_name"},
)
TABLE_NAME_UNREADABLE = Message(
    id="query.table_name_unreadable",
    when="The table name of a query is very long or has control characters.",
    text="{name} has more than {limit} characters, or has control characters; write the name of a table",
    fix="",
    example={"name": "table_name", "limit": 1024},
)
TABLE_NAME_NOT_ONE = Message(
    id="query.table_name_not_one",
    when="The table name of a query has * or /, which no table name has.",
    text="{name} is {value!r}; it must be the name of one table",
    fix="For the uploads to all tables, request /uploads",
    example={"name": "table_name", "value": "*"},
)
TABLE_NAME_WITH_DATABASE = Message(
    id="query.table_name_with_database",
    when="The table name of a query has three parts.",
    text="{name} is {value!r}; it must be table or schema.table, and the database is a parameter of its own",
    fix="Write {name}={table}&database={database}",
    example={
        "name": "table_name",
        "value": "dev.public.user_data",
        "table": "public.user_data",
        "database": "dev",
    },
)
TIME_INVALID = Message(
    id="query.time_invalid",
    when="A time of a query is not a time.",
    text="{name} is {value!r}; it must be a UTC time such as 2026-11-22T09:30:00Z, or the "
    "beginning of one such as 2026-11-22",
    fix="",
    example={"name": "landed_timestamp", "value": "22.11.2026"},
)
CHOICE_INVALID = Message(
    id="query.choice_invalid",
    when="The status or the action of a query does not exist.",
    text="{name} is {value!r}; it must be one of {choices}",
    fix="",
    example={"name": "action", "value": "copy", "choices": "append, truncate, upsert, schema"},
)
DATABASE_INVALID = Message(
    id="query.database_invalid",
    when="The database name of a query is empty or very long.",
    text="database is {value!r}; it must be a name of at most {limit} characters",
    fix="",
    example={"value": " ", "limit": 127},
)
LIMIT_INVALID = Message(
    id="query.limit_invalid",
    when="The limit of a query is not a number in the allowed range.",
    text="limit is {value!r}; it must be a whole number from 1 to {limit}",
    fix="",
    example={"value": "ten", "limit": 500},
)
TOKEN_INVALID = Message(
    id="query.token_invalid",
    when="The next_token of a query was not returned by the API.",
    text="next_token is not one that this API returned; repeat the query without it",
    fix="",
    example={},
)
KEY_PREFIX_INVALID = Message(
    id="query.key_prefix_invalid",
    when="The s3_key of a query is empty or very long.",
    text="s3_key is {value!r}; it must be the beginning of a key, of at most {limit} characters",
    fix="",
    example={"value": "", "limit": 1024},
)
UPLOAD_ID_INVALID = Message(
    id="query.upload_id_invalid",
    when="The upload id of a request is not an upload id.",
    text="upload_id is {value!r}; it must be 32 hexadecimal digits in lower case",
    fix="Take it from the field upload_id of /logs or /uploads",
    example={"value": "users.csv"},
)
UPLOAD_UNKNOWN = Message(
    id="query.upload_unknown",
    when="The log has no upload with the id of a request.",
    text="the log has no upload {upload_id}; an upload that arrived in the last seconds can be missing",
    fix="If it is older, run etl reconcile, which completes the index of older entries",
    example={"upload_id": "9f2c1d1e3b5a47d08e6f1a2b3c4d5e6f"},
)
TABLE_PART_INVALID = Message(
    id="query.table_part_invalid",
    when="The path of a request for a schema has a part that is not a name.",
    text="{name} is {value!r}; it must be a name of letters, digits and underscores",
    fix="Request /tables/dev/public/user_data/schema",
    example={"name": "table", "value": "user data"},
)
TABLE_UNKNOWN = Message(
    id="query.table_unknown",
    when="No upload to the table of a request was answered.",
    text="the log has no answered upload to {table} in {database}",
    fix="GET /tables lists the tables. For uploads from before an upgrade, run etl reconcile, "
    "which completes the totals",
    example={"table": "public.user_data", "database": "dev"},
)
SCHEMA_UNKNOWN = Message(
    id="query.schema_unknown",
    when="No schema file has taken effect for the table of a request.",
    text="no schema file of {table} in {database} has taken effect",
    fix="GET /tables lists the tables. For schema files from before an upgrade, run etl reconcile, "
    "which completes the index",
    example={"table": "public.user_data", "database": "dev"},
)
METHOD_NOT_ALLOWED = Message(
    id="query.method_not_allowed",
    when="A request has another method than GET, HEAD or OPTIONS.",
    text="the method {method} is not allowed; the API reads only, with {methods}",
    fix="Upload files to the lake instead",
    example={"method": "POST", "methods": "GET, HEAD, OPTIONS"},
)
PATH_UNKNOWN = Message(
    id="query.path_unknown",
    when="A request has a path that the API does not have.",
    text="this path does not exist; the API has {paths}",
    fix="",
    example={"paths": "/logs, /uploads, /tables"},
)
DEPLOYMENT_AT_FAULT = Message(
    id="query.deployment_at_fault",
    when="The query function cannot read the log because of its configuration or its permissions.",
    text="{reason}; the deployment is at fault, not the request",
    fix="",
    example={"reason": "the log table returned AccessDeniedException"},
)
TRY_AGAIN = Message(
    id="query.try_again",
    when="The log cannot be read at the moment.",
    text="{reason}; try again in a moment",
    fix="",
    example={"reason": "the log table returned ThrottlingException"},
)

NOTICE_WITHOUT_TEXT = Message(
    id="notice.without_text",
    when="The webhook function got an event that is no notice of the loader.",
    text="the event has no detail.text; the notice of a refused upload has one",
    fix="Send only events of the source redshift-lake-loader to this function",
    example={},
)
