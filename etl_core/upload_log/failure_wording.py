"""The outcome of a load that returned nothing: it raised an error, was killed, or ran out of time or memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from etl_core.model.errors import RejectedError, SchemaNotReadyError
from etl_core.model.retry_policies import LAMBDA_DIED
from etl_core.model.status import Status
from etl_core.upload_log.messages import LOAD_FUNCTION_DIED, LOAD_TIMED_OUT, LOAD_UNKNOWN
from etl_core.upload_log.outcome import Failure, code_of, hint_of

_TIMEOUTS = ("States.Timeout", "Sandbox.Timedout")
_BRIEF = 300
_DEATHS = (*LAMBDA_DIED.errors, "Runtime.OutOfMemory")


def outcome_of_failure(failure: Any) -> dict[str, Any]:
    """Return the outcome for the log.

    `failure` is what Step Functions caught: a mapping of `Error` and `Cause`.
    """
    caught = failure if isinstance(failure, Mapping) else {}
    error = str(caught.get("Error", "unknown"))
    message = _describe(error, str(caught.get("Cause", "")))
    failure = Failure(error, message, code=code_of(message), hint=hint_of(message))
    status = Status.REJECTED if _is_rejection(error) else Status.FAILED
    return {"status": str(status), "error": failure.to_output()}


def outcome_unknown(failure: Mapping[str, str], asked: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the outcome of an upload that may be in its table.

    `failure` is how its load ended; `asked` how the attempt to read the ledger ended, None if nobody
    could try. Both are mappings of `Error` and `Cause`.
    """
    why = "nobody asked" if asked is None else _brief(asked)
    message = LOAD_UNKNOWN(reason=_brief(failure), why=why)
    error = Failure(failure["Error"], message, code=code_of(message), hint=hint_of(message))
    return {"status": str(Status.UNKNOWN), "error": error.to_output()}


def _brief(failure: Mapping[str, str]) -> str:
    return f"{failure['Error']}: {error_message(failure['Cause'])[:_BRIEF]}"


def _is_rejection(error: str) -> bool:
    """Whether the upload is at fault. That includes waiting in vain for a schema file."""
    rejections = (*RejectedError.__subclasses__(), SchemaNotReadyError)
    return error in {rejection.__name__ for rejection in rejections}


def _describe(error: str, cause: str) -> str:
    if error in _TIMEOUTS:
        return LOAD_TIMED_OUT()
    message = error_message(cause)
    if error in _DEATHS or not message:
        return LOAD_FUNCTION_DIED(error=error, cause=message or "no message")
    return message


def error_message(cause: str) -> str:
    """Return the message of a Lambda error, without its stack trace, which is in the function's own log."""
    try:
        body = json.loads(cause)
    except (ValueError, RecursionError):
        return cause
    return str(body.get("errorMessage", cause)) if isinstance(body, dict) else cause
