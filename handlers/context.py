"""What the handlers share: the runtime's context, and structured log lines."""

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
        """Milliseconds until the runtime ends the function."""
        ...


def log_line(step: str, upload: Upload, **fields: Any) -> None:
    """One JSON object per line on the standard output, which Lambda sends to the log group. Never a secret."""
    known = {name: value for name, value in fields.items() if value is not None}
    line = {"step": step, "upload_id": upload.upload_id, "s3_key": upload.key, **known}
    sys.stdout.write(json.dumps(line, ensure_ascii=True, default=str) + "\n")
    sys.stdout.flush()
