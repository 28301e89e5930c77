"""Load one upload in one transaction, together with its micro-batch. Errors of the upload become its outcome."""

from __future__ import annotations

import time
from dataclasses import replace

from etl_core.loading.load_context import LoadContext, LoadResult, failure_of
from etl_core.loading.load_data import DataLoad
from etl_core.loading.load_schema import SchemaLoad
from etl_core.model.errors import EtlError, LoadFailedError, RejectedError
from etl_core.model.lake_key import Action
from etl_core.model.long_copy import LongCopy
from etl_core.model.status import Status


def load_one(load: LoadContext) -> LoadResult | LongCopy:
    """Load the upload, or return the long copy that must come first.

    Raises RetryableError if it may succeed later.
    """
    started = time.monotonic()
    attempt = SchemaLoad(load) if load.key.action is Action.SCHEMA else DataLoad(load)
    try:
        result = attempt.run()
    except RejectedError as error:
        result = _refused(attempt, Status.REJECTED, error)
    except LoadFailedError as error:
        result = _refused(attempt, Status.FAILED, error)
    if isinstance(result, LongCopy):
        return result
    if isinstance(attempt, DataLoad):
        result = attempt.with_found(result)
    duration = _duration_ms(load, started)
    others = ((each, replace(outcome, duration_ms=duration)) for each, outcome in result.others)
    own = replace(result.outcome, duration_ms=duration)
    return replace(result, outcome=own, others=tuple(others))


def _duration_ms(load: LoadContext, started: float) -> int:
    """Return how long the load took, with its long copy."""
    if load.long_copy is None:
        return round((time.monotonic() - started) * 1000)
    return max(0, round((load.ports.now() - load.long_copy.planned_at).total_seconds() * 1000))


def _refused(attempt: DataLoad | SchemaLoad, status: Status, error: EtlError) -> LoadResult:
    return LoadResult(attempt.trace.refusal(status, failure_of(error)))
