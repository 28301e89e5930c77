"""The load function: one upload into one Redshift table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from etl_core.loading.load import load_upload
from etl_core.loading.ports import Answers, Ports
from etl_core.loading.recall import recall
from etl_core.model.function_settings import LoadSettings
from etl_core.model.long_copy import LongCopy
from etl_core.model.upload import Upload
from etl_core.upload_log.outcome import LoadOutcome
from handlers.context import Context, log_line
from handlers.metrics import answer_metrics
from handlers.wiring import wiring

_RESERVE_SECONDS = 10.0
"""Reserved for the rollback, for reading the load errors, and for returning the outcome."""


def handler(event: Mapping[str, Any], context: Context) -> Mapping[str, Any]:
    """Load the upload of `{"event": the EventBridge event, "retry_count": n}`; return LoadOutcome
    as JSON. Raises RetryableError.

    With `"alone": true`, no other upload is loaded. With `"failure"`, an earlier load ended like this:
    nothing is loaded. The result is what the ledger decided, or `{"in_ledger": false}`.

    With `"long_copy"`, the caller can make a long copy: the result may be `{"long_copy": LongCopy}`,
    which the next call gets back with its result. The first call gets null.
    """
    upload = Upload.from_event(event["event"])
    settings, ports = wiring()
    seconds = context.get_remaining_time_in_millis() / 1000 - _RESERVE_SECONDS
    retry_count = int(event.get("retry_count", 0))
    if event.get("failure"):
        return _recalled(upload, settings, ports, seconds, retry_count)
    answers = LoggedAnswers(ports.answers)
    try:
        outcome = load_upload(
            upload,
            settings,
            replace(ports, answers=answers),
            seconds,
            retry_count,
            long_copy=LongCopy.parse(event.get("long_copy")),
            can_copy_long="long_copy" in event,
            alone=event.get("alone") is True,
        )
    except Exception as error:
        log_line("load", upload, error=type(error).__name__, message=str(error))
        raise
    finally:
        ports.warehouse.close()
    if isinstance(outcome, LongCopy):
        tables = [table.name for table in outcome.tables]
        log_line("load", upload, long_copy=tables, attempt=outcome.attempt)
        return {"long_copy": outcome.to_state()}
    _log_outcome("load", upload, outcome)
    # An answer counts one attempt in the log itself.
    is_counted = upload.upload_id in answers.written
    attempts = retry_count + 1 - is_counted
    return outcome.to_task_output() | {"attempts": attempts, "is_counted": is_counted}


def _recalled(
    upload: Upload, settings: LoadSettings, ports: Ports, seconds: float, retry_count: int
) -> Mapping[str, Any]:
    """Return what the ledger decided. It counts no attempt."""
    try:
        outcome = recall(upload, settings, ports, seconds)
    except Exception as error:
        log_line("recall", upload, error=type(error).__name__, message=str(error))
        raise
    finally:
        ports.warehouse.close()
    if outcome is None:
        log_line("recall", upload, in_ledger=False)
        return {"in_ledger": False}
    _log_outcome("recall", upload, outcome)
    return outcome.to_task_output() | {"attempts": retry_count}


@dataclass
class LoggedAnswers:
    """Answers that are also log lines with metrics. `written`: the ids of the answered uploads."""

    answers: Answers
    written: set[str] = field(default_factory=set)

    def write_answer(self, upload: Upload, outcome: LoadOutcome) -> bool:
        """Write the final status and a log line. Raises ThrottledError or LogError."""
        try:
            was_pending = self.answers.write_answer(upload, outcome)
        except Exception as error:
            log_line("answer", upload, error=type(error).__name__, message=str(error))
            raise
        if was_pending:
            self.written.add(upload.upload_id)
            metrics = answer_metrics(upload, outcome.status, outcome.to_task_output())
            _log_outcome("answer", upload, outcome, **metrics)
        return was_pending

    def write_totals(self) -> None:
        """Add the answers to the totals. Raises ThrottledError or LogError."""
        self.answers.write_totals()


def _log_outcome(step: str, upload: Upload, outcome: LoadOutcome, **more: Any) -> None:
    output = outcome.to_task_output()
    names = ("status", "rows_loaded", "rows_quarantined", "duration_ms", "warnings", "error")
    reason = None if outcome.error is None else outcome.error.type
    fields = {name: output.get(name) for name in names}
    log_line(step, upload, reason=reason, **fields, **more)
