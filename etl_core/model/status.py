"""The statuses of an upload."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What became of an upload."""

    RECEIVED = "received"
    LOADED = "loaded"
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    FAILED = "failed"

    @property
    def succeeded(self) -> bool:
        """Whether the upload's owner has nothing to do."""
        return self in _SUCCEEDED


_SUCCEEDED = (Status.LOADED, Status.APPLIED, Status.UNCHANGED, Status.DUPLICATE, Status.SUPERSEDED)

SETTLED = (Status.LOADED, Status.APPLIED, Status.UNCHANGED, Status.SUPERSEDED)
"""Statuses that no later delivery of the same upload changes. A rejected or failed upload may still be loaded by a replay."""
