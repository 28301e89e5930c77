"""The outcome of a load that returned nothing: it raised, was killed, or ran out of time or memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from etl_core.model.errors import RejectedError
from etl_core.model.retry_policies import LAMBDA_DIED
from etl_core.model.status import Status
from etl_core.upload_log.outcome import Failure


def outcome_of_failure(failure: Any) -> dict[str, Any]:
    """The outcome of a load that gave no answer: it raised, was killed, or ran out of time or memory."""
    name = str(failure.get("Error", "unknown")) if isinstance(failure, Mapping) else "unknown"
    cause = str(failure.get("Cause", "")) if isinstance(failure, Mapping) else ""
    kind, message = _plain_words(name, cause)
    rejected = (
        kind in {error.__name__ for error in RejectedError.__subclasses__()}
        or name == "SchemaNotReadyError"
    )
    status = Status.REJECTED if rejected else Status.FAILED
    return {"status": str(status), "error": asdict(Failure(kind, message).cut())}


def _plain_words(name: str, cause: str) -> tuple[str, str]:
    if name in ("States.Timeout", "Sandbox.Timedout"):
        return name, (
            "the load function ran out of time; the transaction was rolled back, the table is as it was. "
            "Split the file, or raise loadTimeoutSeconds, and upload again"
        )
    message = _message(cause)
    if name in (*LAMBDA_DIED.errors, "Runtime.OutOfMemory") or not message:
        return name, (
            f"the load function ended without an answer ({name}: {message or 'no message'}); what it had not committed was rolled back. "
            "Send the upload again, which cannot load it twice (python -m etl_core replay --key ...); if that fails too, the "
            "function's log group tells more"
        )
    return name, message


def _message(cause: str) -> str:
    """A Lambda error's message; its stack trace is for the function's own log."""
    try:
        body = json.loads(cause)
    except (ValueError, RecursionError):
        return cause
    return str(body.get("errorMessage", cause)) if isinstance(body, dict) else cause
