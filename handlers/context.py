"""Shared by the handlers: the runtime's context object, and structured log lines."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any, Protocol

from etl_core.model.upload import Upload

logging.getLogger().setLevel(logging.WARNING)


class Context(Protocol):
    """The part of Lambda's context object that the handlers use."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the runtime stops the function."""
        ...


def log_line(step: str, upload: Upload, **fields: Any) -> None:
    """Write one JSON object to the standard output, which Lambda sends to the log group.

    Fields without a value are left out.
    """
    present = {name: value for name, value in fields.items() if value is not None}
    line = {"step": step, "upload_id": upload.upload_id, "s3_key": upload.key, **present}
    sys.stdout.write(json.dumps(line, ensure_ascii=True, default=str) + "\n")
    sys.stdout.flush()
