"""Metrics as fields of a log line, from which CloudWatch extracts them.

Source: CloudWatch user guide, "Specification: Embedded metric format". A library for it would cost
more import time than these fields.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

from etl_core.model.names import METRIC_DIMENSION, METRIC_NAMESPACE
from etl_core.model.status import Status
from etl_core.model.upload import Upload

Measured = tuple[float, str]
"""A value and its unit, as CloudWatch names it."""


def embedded(metrics: Mapping[str, Measured]) -> dict[str, Any]:
    """Return the fields that make the log line carry these metrics of the stack."""
    directive = {
        "Namespace": METRIC_NAMESPACE,
        "Dimensions": [[METRIC_DIMENSION]],
        "Metrics": [{"Name": name, "Unit": unit} for name, (_, unit) in metrics.items()],
    }
    values = {name: value for name, (value, _) in metrics.items()}
    return {
        "_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]},
        METRIC_DIMENSION: os.environ.get("STACK", ""),
        **values,
    }


def answer_metrics(upload: Upload, status: Status, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that count one answered upload: its status, rows, bytes and duration.

    `result` is a log entry or an outcome. Rows and bytes count only if they were loaded.
    """
    metrics: dict[str, Measured] = {status.capitalize(): (1, "Count")}
    if status is Status.LOADED:
        metrics |= _known("Rows", result.get("rows_loaded"), "Count")
        metrics |= _known("Bytes", upload.size, "Bytes")
    metrics |= _known("Duration", result.get("duration_ms"), "Milliseconds")
    return embedded(metrics)


def _known(name: str, value: Any, unit: str) -> dict[str, Measured]:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {name: (value, unit)} if is_number else {}
