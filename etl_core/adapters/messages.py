"""Messages of the adapters: what a failed call to S3, Redshift, DynamoDB, Lambda or Secrets Manager means."""

from __future__ import annotations

from etl_core.model.messages import Message

MISSING_VERSION = Message(
    id="upload.missing_version",
    when="The uploaded version no longer exists in S3.",
    text="the uploaded version of {key!r} ({version}) no longer exists in {bucket!r}: it was "
    "deleted before it was loaded",
    fix="Upload the file again",
    example={"key": "dev/append/orders/1.csv", "version": "3HL4kqtJvjVBH40N", "bucket": "my-lake"},
)

SERVICE_UNREACHABLE = Message(
    id="aws.unreachable",
    when="An AWS service could not be reached.",
    text="{service} could not be reached: {reason}",
    fix="Send the upload again when the cause is gone: etl replay --key KEY",
    example={"service": "S3", "reason": "Connect timeout on endpoint URL"},
)

READ_TOO_SHORT = Message(
    id="aws.read_too_short",
    when="S3 sent less of a file than was requested.",
    text="it sent {received} of {expected} bytes",
    fix="",
    example={"received": 1024, "expected": 65536},
)

SERVICE_ERROR = Message(
    id="aws.error",
    when="An AWS service returned an error.",
    text="{service} returned {code}: {reason}",
    fix="Send the upload again when the cause is gone: etl replay --key KEY",
    example={"service": "S3", "code": "SlowDown", "reason": "Reduce your request rate"},
)

SERVICE_DENIED = Message(
    id="aws.denied",
    when="An AWS service refused a call because the function's role lacks a permission.",
    text="{service} returned {code}: {reason}. The function's role lacks a permission that it needs",
    fix="Deploy the stack again, or check the policies of the deployment",
    example={"service": "S3", "code": "AccessDenied", "reason": "Access Denied"},
)

LOG_TABLE_UNREACHABLE = Message(
    id="log_table.unreachable",
    when="DynamoDB could not be reached.",
    text="the log table could not be reached: {reason}",
    fix="",
    example={"reason": "Connect timeout on endpoint URL"},
)

LOG_TABLE_ERROR = Message(
    id="log_table.error",
    when="DynamoDB returned an error.",
    text="the log table returned {code}: {reason}",
    fix="",
    example={"code": "ThrottlingException", "reason": "Rate exceeded"},
)

LEASE_TABLE_ERROR = Message(
    id="lease_table.error",
    when="DynamoDB refused a call to the lease table, or could not be reached. Only the functions' "
    "own log shows it: the load runs without a lease.",
    text="the lease table could not be used: {reason}",
    fix="",
    example={"reason": "ResourceNotFoundException"},
)

LOG_TABLE_NO_ENTRIES = Message(
    id="log_table.no_entries",
    when="DynamoDB processed none of the entries of a batch.",
    text="the log table returned none of the {count} entries that were requested",
    fix="",
    example={"count": 100},
)

FUNCTION_FAILED = Message(
    id="function.failed",
    when="A Lambda function that another one called ended with an error.",
    text="the function {function} failed: {reason}",
    fix="Read the log group of {function}",
    example={"function": "etl-dev-tables", "reason": "Task timed out after 900 seconds"},
)

FUNCTION_ERROR = Message(
    id="function.error",
    when="A Lambda function that another one called ended with a retryable error.",
    text="{reason}",
    fix="",
    example={"reason": "S3 returned SlowDown: Reduce your request rate"},
)

FUNCTION_NO_ANSWER = Message(
    id="function.no_answer",
    when="A Lambda function ended with an error that has no message.",
    text="it ended without an error message ({answer})",
    fix="",
    example={"answer": None},
)

SECRET_INVALID = Message(
    id="secret.invalid",
    when="The warehouse's secret is not a login.",
    text="the secret {secret} is not JSON with username and password",
    fix="Store a value like the one that Redshift writes for a managed password",
    example={"secret": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:warehouse"},
)

WAREHOUSE_ERROR = Message(
    id="warehouse.error",
    when="COPY refused rows, or a statement names a table that does not exist; the caller adds the details.",
    text="{reason}",
    fix="",
    example={"reason": 'relation "public.orders" does not exist'},
)

LOCK_CONFLICT = Message(
    id="warehouse.lock_conflict",
    when="Another transaction conflicts with the load's transaction.",
    text="another transaction conflicts with this load: {reason}",
    fix="Send the upload again when the other transaction has ended: etl replay --key KEY",
    example={"reason": "ERROR: 1023 DETAIL: Serializable isolation violation on table"},
)

LOAD_TIMEOUT = Message(
    id="warehouse.timeout",
    when="The load did not finish within the function's time limit.",
    text="the load did not finish within the function's time limit and was rolled back: {reason}",
    fix="Split the file or raise loadTimeoutSeconds, then upload the file again",
    example={"reason": "canceling statement due to statement timeout"},
)

LOCK_TIMEOUT = Message(
    id="warehouse.lock_timeout",
    when="Another session keeps a table's ledger locked for longer than a load waits.",
    text="another session has the lock of the table's ledger; the load waited {seconds} s for it and was rolled back",
    fix="Nothing to do: the load is tried again",
    example={"seconds": 10},
)

MISSING_DATABASE = Message(
    id="warehouse.missing_database",
    when="A database of the stack's configuration does not exist in the warehouse.",
    text="{reason}: the stack's configuration names this database",
    fix="Create it in the warehouse, then upload the file again",
    example={"reason": 'database "analytics" does not exist'},
)

LOGIN_REFUSED = Message(
    id="warehouse.login_refused",
    when="The warehouse refused the login; a managed password may just have been rotated.",
    text="the warehouse refused the login, a user name and a password: {reason}",
    fix="Check the secret of the stack (warehouse_secret_arn); with etl plan, check REDSHIFT_USER "
    "and REDSHIFT_PASSWORD",
    example={"reason": 'password authentication failed for user "etl"'},
)

CONNECTION_FAILED = Message(
    id="warehouse.connection_failed",
    when="The warehouse could not be reached, or the connection broke.",
    text="the connection to the warehouse failed: {reason}",
    fix="Check that the warehouse runs and can be reached, then send the upload again: etl replay --key KEY",
    example={"reason": "server closed the connection unexpectedly"},
)

WAREHOUSE_UNREACHABLE = Message(
    id="warehouse.unreachable",
    when="`etl doctor` had a function of the stack connect to the warehouse, and nothing answered.",
    text="nothing answers at {where}: {reason}",
    fix="Check that the warehouse runs, that its security group accepts connections from the "
    "functions' security groups, and that the functions' subnets have a route to it",
    example={"where": "wg.example:5439", "reason": "timed out"},
)

COPY_SOURCE_UNAVAILABLE = Message(
    id="warehouse.s3_unavailable",
    when="COPY could not read its files because S3 failed for a moment.",
    text="S3 failed while COPY read the files: {reason}. The load was rolled back",
    fix="Send the upload again when the cause is gone: etl replay --key KEY",
    example={
        "reason": "S3ServiceException:Please reduce your request rate.,Status 503,Error SlowDown"
    },
)

STATEMENT_REFUSED = Message(
    id="warehouse.statement_refused",
    when="The warehouse refused a statement.",
    text="the warehouse refused the statement: {reason}. Nothing was changed",
    fix="Correct the cause that the warehouse names, then upload the file again",
    example={"reason": "permission denied for schema public"},
)

WEBHOOK_SECRET_UNREADABLE = Message(
    id="webhook.secret_unreadable",
    when="The secret with the webhook's URL could not be read.",
    text="the secret {secret} could not be read: {reason}",
    fix="Check that the secret exists, has a value, and is in the stack's account and region (notifyWebhookSecretArn)",
    example={"secret": "arn:aws:secretsmanager:...", "reason": "ResourceNotFoundException"},
)

WEBHOOK_SECRET_INVALID = Message(
    id="webhook.secret_invalid",
    when="The value of the secret is not the URL of a webhook.",
    text="the value of the secret {secret} is no URL; it must be one that starts with https://, and nothing else",
    fix="Copy the webhook's URL into the secret",
    example={"secret": "arn:aws:secretsmanager:..."},
)

WEBHOOK_REFUSED = Message(
    id="webhook.refused",
    when="The chat service refused a message.",
    text="the webhook returned the status {status}; a message that arrived has a status from 200 to 299",
    fix="Check that the webhook still exists and that notifyWebhookKind names its service",
    example={"status": 404},
)

WEBHOOK_UNREACHABLE = Message(
    id="webhook.unreachable",
    when="The chat service could not be reached.",
    text="the webhook could not be reached: {reason}",
    fix="Check the host in the webhook's URL",
    example={"reason": "TimeoutError"},
)
