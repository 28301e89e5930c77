"""The statuses of an upload."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The result of an upload, as the log shows it. RECEIVED: not processed yet."""

    RECEIVED = "received"
    LOADED = "loaded"
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    IGNORED = "ignored"
    REJECTED = "rejected"
    FAILED = "failed"

    @property
    def succeeded(self) -> bool:
        """Whether the person who uploaded the file has nothing to do."""
        return self in _SUCCEEDED


_SUCCEEDED = (
    Status.LOADED,
    Status.APPLIED,
    Status.UNCHANGED,
    Status.DUPLICATE,
    Status.SUPERSEDED,
    Status.IGNORED,
)

SETTLED = (Status.LOADED, Status.APPLIED, Status.UNCHANGED, Status.SUPERSEDED, Status.IGNORED)
"""The statuses that a later delivery of the same upload does not change. A replay may still load a
rejected or failed upload."""
