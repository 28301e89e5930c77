"""The mapping of the driver's errors."""

from __future__ import annotations

import psycopg2
import pytest

from etl_core.adapters.redshift import to_etl_error
from etl_core.model.errors import (
    ConnectionLostError,
    CopyRefusedError,
    EtlError,
    LoadFailedError,
    LockConflictError,
    MissingTableError,
    ThrottledError,
)


def internal_error(message: str, code: int, context: str = "") -> str:
    """Return the text of an internal error as Redshift prints it."""
    rule = "-----------------------------------------------"
    return (
        f"{message}\nDETAIL:  \n  {rule}\n  error:  {message}\n  code:      {code}\n"
        f"  context:   {context}\n  query:     15067689\n  location:  dory_util.cpp:844\n"
        f"  process:   query1_555_15067689 [pid=42951]\n  {rule}\n"
    )


def s3_error(message: str, status: int, code: str) -> str:
    """Return the message of a failed request to S3 as COPY words it (databricks/spark-redshift#136)."""
    return (
        f"S3ServiceException:{message},Status {status},Error {code},Rid 5AB,ExtRid x/y=,CanRetry 1"
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Cannot COPY into nonexistent table user_data", MissingTableError),
        ('relation "etl_ledger.public__user_data" does not exist', MissingTableError),
        ('FATAL:  database "analytics" does not exist', LoadFailedError),
        (
            "Load into table 'user_data' failed.  Check 'sys_load_error_detail' system table for details.",
            CopyRefusedError,
        ),
        ("could not open relation with OID 12345", LockConflictError),
        ("1023 DETAIL: Serializable isolation violation on table", LockConflictError),
        ("server closed the connection unexpectedly", ConnectionLostError),
        (
            'could not translate host name "wh" to address: Name or service not known',
            ConnectionLostError,
        ),
        ('column "v" of relation "user_data" is of another type', LoadFailedError),
    ],
)
def test_an_error_without_a_specific_sqlstate_is_recognised_by_its_text(
    text: str, kind: type[EtlError]
) -> None:
    assert type(to_etl_error(psycopg2.Error(text))) is kind


@pytest.mark.parametrize(
    "text",
    [
        internal_error(s3_error("Please reduce your request rate.", 503, "SlowDown"), 8001),
        internal_error(s3_error("Service Unavailable", 503, "ServiceUnavailable"), 8001),
        internal_error(
            s3_error("We encountered an internal error. Please try again.", 500, "InternalError"),
            8001,
        ),
        internal_error(
            "Problem reading manifest file - " + s3_error("Slow down", 503, "SlowDown"), 8001
        ),
        internal_error(
            s3_error("Your socket connection to the server was not read", 400, "RequestTimeout"),
            8001,
        ),
        # harrystech/arthur-redshift-etl#134
        internal_error("S3Query Exception Connection failed, retries exceeded.", 15005),
        internal_error(
            "S3 Query Exception (Execute)",
            15001,
            "boost::thread_resource_error: Resource temporarily unavailable",
        ),
        internal_error(
            "S3 Query Exception (Fetch)",
            15001,
            "boost::thread_resource_error: Resource temporarily unavailable",
        ),
        internal_error("Spectrum Scan Error", 15001, "S3 is busy"),
        internal_error(
            "S3CurlException: Connection timed out after 50001 milliseconds, CurlError 28", 9001
        ),
    ],
)
def test_a_failure_of_s3_inside_copy_is_retried(text: str) -> None:
    error = to_etl_error(psycopg2.InternalError(text))

    assert type(error) is ThrottledError
    assert error.message.startswith("S3 failed while COPY read the files: ")
    assert text.splitlines()[0].rstrip(".") in error.message


@pytest.mark.parametrize(
    "text",
    [
        internal_error(s3_error("Access Denied", 403, "AccessDenied"), 8001),
        internal_error(
            s3_error(
                "The AWS Access Key Id you provided does not exist in our records.",
                403,
                "InvalidAccessKeyId",
            ),
            8001,
        ),
        internal_error(s3_error("The specified key does not exist.", 404, "NoSuchKey"), 8001),
        internal_error("S3 Query Exception (Fetch)", 15001, "Access Denied"),
        internal_error(
            "S3 Query Exception (Fetch)",
            15001,
            "Task failed due to an internal error. Unmatched number of columns between table and file.",
        ),
        internal_error("Mandatory url is not present in manifest file: s3://b/k", 8001),
        internal_error("Disk Full", 1016, "node: 3"),
        'column "slowdown" of relation "internalerror" is of another type',
    ],
)
def test_what_s3_or_redshift_refuses_is_not_retried(text: str) -> None:
    assert type(to_etl_error(psycopg2.InternalError(text))) is LoadFailedError


def test_a_refused_row_whose_text_names_s3_is_a_refused_row() -> None:
    text = "Load into table 'slow' failed.  Check 'sys_load_error_detail' for S3 Query Exception"

    assert type(to_etl_error(psycopg2.InternalError(text))) is CopyRefusedError
