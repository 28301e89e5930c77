"""What the API answers, as types. The query function returns them; the OpenAPI document is generated from them.

`Annotated[type, "description", {more of the JSON Schema}]`. Only `typing` is imported, because the
query function imports this.
"""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, Required, TypedDict

_TIME: dict[str, Any] = {"format": "date-time"}
_COUNT: dict[str, Any] = {"minimum": 0}

Time = Annotated[str, "A UTC time.", _TIME]
Count = Annotated[int, "A number.", _COUNT]


class UploadError(TypedDict, total=False):
    """Why an upload was not loaded, and how to fix it. Fields that do not apply are absent."""

    type: Required[Annotated[str, "The class of the error, such as `InvalidHeaderError`."]]
    message: Required[Annotated[str, "What happened, the rule, and the fix."]]
    details: Annotated[list[str], "One line for each fault."]
    code: Annotated[str, "The id of the message."]
    line: Annotated[int, "The line of the file, from 1.", _COUNT]
    column: Annotated[str, "The column of the value."]
    value: Annotated[str, "The value that was refused."]
    hint: Annotated[str, "How to fix it."]
    faults: Annotated[int, "How many faults there are; `details` lists the first.", _COUNT]


class UploadWarning(TypedDict, total=False):
    """What you should know about an upload although it has its status."""

    kind: Required[Annotated[str, "The id of the message."]]
    message: Required[Annotated[str, "The warning."]]
    count: Annotated[int, "How many values or rows of the file it is about.", _COUNT]
    line: Annotated[int, "The line of the file, from 1.", _COUNT]
    column: Annotated[str, "The column of the value."]
    value: Annotated[str, "The value."]
    hint: Annotated[str, "What to do."]


class Entry(TypedDict, total=False):
    """One upload. An entry omits the fields that do not apply."""

    table_name: Required[Annotated[str, "The table without its schema, in lower case."]]
    database: Annotated[str, "The first part of the key."]
    schema: Annotated[str, "The table's schema."]
    action: Annotated[str, "The second part of the key: append, truncate, upsert or schema."]
    landed_timestamp: Required[
        Annotated[str, "When the upload arrived: the time of its S3 event.", _TIME]
    ]
    loaded_timestamp: Annotated[str, "When it took effect in the table.", _TIME]
    status: Required[Annotated[str, "The result of the upload."]]
    upload_id: Annotated[str, "The id of the upload.", {"pattern": "^[0-9a-f]{32}$"}]
    s3_bucket: Annotated[str, "The bucket of the object."]
    s3_key: Annotated[str, "The key of the object."]
    version_id: Annotated[str, "The version of the object."]
    etag: Annotated[str, "The etag of the object."]
    file_size: Annotated[int, "The size of the object in bytes.", _COUNT]
    schema_version: Annotated[str, "The `schema_version` of the schema file that applied."]
    rows_loaded: Annotated[int, "The number of rows that were loaded.", _COUNT]
    rows_quarantined: Annotated[
        int, "The number of rows that do not fit the table and were not loaded.", _COUNT
    ]
    quarantine_prefix: Annotated[
        str, "Where these rows are: rows.csv and reasons.csv in the work bucket."
    ]
    duration_ms: Annotated[int, "The duration of the load in milliseconds.", _COUNT]
    redshift_table_exists: Annotated[bool, "Whether the table existed at the end of the load."]
    statements: Annotated[list[str], "The SQL statements that were run for the upload."]
    warnings: Annotated[
        list[UploadWarning | str],
        "What you should know about the upload. Warnings do not change its status. Entries of older "
        "versions have texts.",
    ]
    error: UploadError
    attempts: Annotated[int, "How often a load was attempted.", _COUNT]
    execution_arn: Annotated[str, "The execution that processed the upload last."]


class Page(TypedDict):
    """A page of uploads, newest first."""

    items: list[Entry]
    count: Annotated[int, "The number of entries in `items`.", _COUNT]
    next_token: Annotated[str | None, "The token of the next page; null if there is none."]


UploadPage = TypedDict(
    "UploadPage",
    {
        "items": list[Entry],
        "count": Annotated[int, "The number of entries in `items`.", _COUNT],
        "next_token": Annotated[str | None, "The token of the next page; null if there is none."],
        "from": Annotated[str, "Earlier uploads are not listed.", _TIME],
    },
)
UploadPage.__doc__ = (
    "Uploads to all tables, newest first, without `statements`: `/uploads/{upload_id}` has them."
)


class LastUpload(TypedDict, total=False):
    """The upload of a table that was answered last, or that succeeded last."""

    upload_id: str
    s3_key: Required[str]
    status: Required[str]
    landed_timestamp: Required[Annotated[str, "When it arrived.", _TIME]]
    loaded_timestamp: Annotated[str, "When it took effect.", _TIME]


class Totals(TypedDict):
    """Sums over uploads."""

    rows: Annotated[int, "Rows that were loaded.", _COUNT]
    bytes: Annotated[int, "Size of the files that were loaded.", _COUNT]
    succeeded: Annotated[int, "Uploads that succeeded.", _COUNT]
    rejected: Annotated[int, "Uploads that were rejected.", _COUNT]
    failed: Annotated[int, "Uploads that failed, or whose result is unknown.", _COUNT]


class Day(Totals):
    """The totals of the uploads that arrived on one day."""

    date: Annotated[str, "The day, in UTC.", {"format": "date"}]


class Hour(TypedDict):
    """The uploads that arrived in one hour, of all tables."""

    hour: Annotated[str, "The beginning of the hour, in UTC.", _TIME]
    succeeded: Annotated[int, "Uploads that succeeded.", _COUNT]
    rejected: Annotated[int, "Uploads that were rejected.", _COUNT]
    failed: Annotated[int, "Uploads that failed, or whose result is unknown.", _COUNT]


class TableSummary(TypedDict):
    """One table, as the log knows it."""

    database: str
    schema: str
    table_name: str
    schema_version: Annotated[str | None, "The version of the schema file that applied last."]
    last_upload: Annotated[LastUpload | None, "The upload that was answered last."]
    last_success: Annotated[LastUpload | None, "The upload that succeeded last."]
    last_load: Annotated[LastUpload | None, "The data file that was loaded last."]
    freshness: Annotated[
        str,
        "`stale` if the last load is longer ago than `freshness_hours`.",
        {"enum": ["fresh", "stale", "never_loaded"]},
    ]
    freshness_hours: Annotated[
        int | None,
        "As the schema file says, else the stack. Null: the table is never stale.",
        _COUNT,
    ]
    today: Totals
    last_30_days: Totals
    days: Annotated[list[Day], "The days of the last 30 that have uploads, oldest first."]


class Tables(TypedDict):
    """A page of the tables that had an upload, by name, and the uploads of the last 48 hours."""

    items: list[TableSummary]
    count: Annotated[int, "The number of tables in `items`.", _COUNT]
    next_token: Annotated[str | None, "The token of the next page; null if there is none."]
    hours: Annotated[
        list[Hour],
        "The hours of the last 48 that have uploads, of all tables, oldest first. Only the first page has them.",
    ]


class SchemaVersion(TypedDict):
    """A schema file that took effect, or that the table already matched."""

    upload_id: str
    s3_key: str
    version_id: NotRequired[str]
    landed_timestamp: Annotated[str, "When it arrived.", _TIME]
    status: str
    schema_version: NotRequired[str]


class TableSchema(TypedDict):
    """The schema file in force, and the ones before it."""

    in_force: SchemaVersion
    document: Annotated[dict[str, Any] | None, "The schema file; null if it cannot be read."]
    history: Annotated[list[SchemaVersion], "The schema files, newest first: at most 100."]


class Health(TypedDict):
    """The API answers."""

    status: Annotated[str, "Always `ok`.", {"enum": ["ok"]}]


class ErrorDetail(TypedDict, total=False):
    """The fault, for programs."""

    type: Required[str]
    message: Required[str]
    parameter: Annotated[str, "The parameter at fault."]


class Problem(TypedDict):
    """An error as RFC 9457 defines it, with the member `error`."""

    type: Annotated[str, "Always `about:blank`: `status` and `error.type` name the problem."]
    title: Annotated[str, "The name of the HTTP status."]
    status: Annotated[int, "The HTTP status.", {"minimum": 400, "maximum": 599}]
    detail: Annotated[str, "The message of `error`."]
    error: ErrorDetail
