"""Errors of S3, STS and IAM, worded as Redshift words them. Pure."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError

from redshift_emulator.errors import SqlError

_RULE = "-----------------------------------------------"


def service_error(message: str, context: str = "", code: int = 8001) -> SqlError:
    """Return an internal error (XX000) with the DETAIL block that Redshift prints below such errors."""
    lines = (
        _RULE,
        f"error:  {message}",
        f"code:      {code}",
        f"context:   {context}",
        "process:   padbmaster",
        _RULE,
    )
    return SqlError("XX000", message, detail="\n  " + "\n  ".join(lines) + "\n")


class CorruptFileError(SqlError):
    """A file that cannot be decompressed.

    Code and context are from snowplow #1265; the wording has no source.
    """

    def __init__(self, url: str, reason: str) -> None:
        error = service_error(
            f"Failed to read file {url}: {reason}", f"S3 key being read : {url}", 9001
        )
        super().__init__(error.sqlstate, error.message, error.detail)
        self.url = url


def s3_text(failure: ClientError) -> str:
    """Return ``S3ServiceException:Access Denied,Status 403,Error AccessDenied,Rid ...,ExtRid ...,CanRetry 1``."""
    error = failure.response.get("Error", {})
    metadata = failure.response.get("ResponseMetadata", {})
    code = error.get("Code", "Unknown")
    status = metadata.get("HTTPStatusCode", 0)
    message = error.get("Message") or code
    if code in ("404", "NoSuchKey", "NotFound"):
        code, message = "NoSuchKey", "The specified key does not exist."
    if code in ("403", "AccessDenied"):
        code, message = "AccessDenied", "Access Denied"
    request, extended = metadata.get("RequestId", ""), metadata.get("HostId", "")
    return f"S3ServiceException:{message},Status {status},Error {code},Rid {request},ExtRid {extended},CanRetry 1"


def failed_s3(failure: ClientError | BotoCoreError, context: str, prefix: str = "") -> SqlError:
    """Return the error for a failed S3 request.

    ``prefix`` goes before the message ("Problem reading manifest file - ").
    """
    if isinstance(failure, ClientError):
        return service_error(prefix + s3_text(failure), f"{context}: {failure}")
    return service_error(
        f"{prefix}S3ServiceException:{failure},Status 0,Error {type(failure).__name__}", context
    )


def failed_service(service: str, failure: BotoCoreError) -> SqlError:
    """Return the error for a request to STS or IAM that got no response."""
    return service_error(f"{service} could not be reached: {failure}")


def denied_role(arn: str, user: str, database: str, reason: str) -> SqlError:
    """Return the error for a role that cannot be assumed: missing, not trusting Redshift, or denied by STS."""
    return service_error(
        f"User arn:aws:redshift:dbuser:{database}/{user} is not authorized to assume IAM Role {arn}",
        f"IAM Role={arn}: {reason}",
    )
