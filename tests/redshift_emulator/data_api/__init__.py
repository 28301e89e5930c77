"""Helpers for tests of the Data API."""

from __future__ import annotations

import time
from typing import Any

FINAL = ("FINISHED", "FAILED", "ABORTED")


def until_ended(client: Any, statement_id: str, seconds: float = 30.0) -> dict[str, Any]:
    """Return the description of a statement when its status is final."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        described: dict[str, Any] = client.describe_statement(Id=statement_id, WaitTimeSeconds=1)
        if described["Status"] in FINAL:
            return described
    raise AssertionError(f"{described['Status']} after {seconds:.0f} s")
