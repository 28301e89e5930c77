"""The statuses of an upload."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """The result of an upload, as the log shows it.

    RECEIVED: not processed yet. UNKNOWN: nobody could find out whether it was loaded; reconcile does.
    """

    RECEIVED = "received"
    LOADED = "loaded"
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    SUPERSEDED = "superseded"
    IGNORED = "ignored"
    REJECTED = "rejected"
    FAILED = "failed"
    UNKNOWN = "unknown"

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

TOOK_EFFECT = (Status.LOADED, Status.APPLIED, Status.UNCHANGED)
"""An upload gets these statuses in the transaction that writes its ledger row."""

REFUSED = (Status.REJECTED, Status.FAILED, Status.UNKNOWN)
"""The statuses that somebody has to act on. Each has a notice."""

UNSETTLED = (Status.RECEIVED, Status.UNKNOWN)
"""The statuses that reconcile ends."""


def parse_status(text: object) -> Status:
    """Return the status of a log entry; UNKNOWN for a text that this version does not know.

    A damaged entry of one upload must not stop the others.
    """
    return Status(str(text)) if text in tuple(Status) else Status.UNKNOWN
