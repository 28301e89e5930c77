"""Requests to the reconcile function, each after its response.

The command line and the function use these types. A marker starts a page; None starts the first
page, and ends the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from etl_core.model.status import Status
from etl_core.recovery.reconcile import WHOLE_LAKE, Scope, State
from etl_core.recovery.services import Marker
from etl_core.recovery.tables_requests import DamagedLedger, LedgerMarker
from etl_core.recovery.wire import (
    AnyUpload,
    PagedRequest,
    Request,
    SendableUpload,
    parse_request,
)
from etl_core.upload_log.entry import PARTITION_KEY, SORT_KEY
from etl_core.upload_log.outcome import Failure

GRACE_SECONDS = 300
"""Uploads that arrived or were loaded so recently are under way: their event or their final status is still to come."""
MAX_GRACE_SECONDS = 10**9
"""So that a hostile request cannot overflow the time arithmetic."""


@dataclass(frozen=True)
class FindingSummary:
    """A finding as it is reported.

    `version` is S3's id, also the `null` of an object from before versioning.
    """

    state: State
    status: Status | None
    version: str
    upload: AnyUpload


@dataclass(frozen=True, kw_only=True)
class Page:
    """The findings that need attention, the number of versions in each state, and damaged ledgers.

    `statuses`: how many versions have each status, in the ledger or else in the log. Versions that
    neither knows have none.
    """

    findings: tuple[FindingSummary, ...] = ()
    counts: Mapping[State, int]
    statuses: Mapping[Status, int] = field(default_factory=dict)
    damaged: tuple[DamagedLedger, ...] = ()
    marker: Marker | None = None


@dataclass(frozen=True, kw_only=True)
class _Comparison:
    """The fields of all requests that compare. `dry_run`: write and send nothing."""

    scope: Scope = WHOLE_LAKE
    marker: Marker | None = None
    grace_seconds: Annotated[int, Field(ge=0, le=MAX_GRACE_SECONDS)] = GRACE_SECONDS
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class PageRequest(_Comparison, PagedRequest[Page]):
    """Compare one page of the lake.

    Without `dry_run`, write the missing log entries of what is in the ledger.
    """

    response = Page
    kind: Literal["page"] = "page"


@dataclass(frozen=True, kw_only=True)
class PendingRequest(_Comparison, PagedRequest[Page]):
    """Find the pending uploads of one page of the log whose execution has ended, also if their
    object no longer exists.
    """

    response = Page
    kind: Literal["pending"] = "pending"


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """How many uploads are pending, and for how many seconds the oldest one has been (0 without one)."""

    count: int
    oldest_seconds: int


@dataclass(frozen=True, kw_only=True)
class WaitingRequest(Request[Waiting]):
    """Count the pending uploads of all tables. A schedule sends this request."""

    response = Waiting
    kind: Literal["waiting"] = "waiting"


@dataclass(frozen=True)
class LakeReport:
    """The result for the whole lake.

    `marker`: where the time ran out; None if every version was compared.
    """

    counts: Mapping[State, int]
    sent: int
    marker: Marker | None
    damaged: tuple[DamagedLedger, ...] = ()
    statuses: Mapping[Status, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LakeRequest(_Comparison, Request[LakeReport]):
    """Compare the whole lake and send what is missing, in arrival order.

    The schedule sends this request.
    """

    response = LakeReport
    kind: Literal["lake"] = "lake"


class Prospect(StrEnum):
    """Whether a refused upload can end otherwise if it is sent again."""

    MAY_LOAD = "its cause may be gone"
    SAME_FAULT = "its fault is in the file or its key"
    REPLACED = "a newer version of the object replaced it"


@dataclass(frozen=True)
class RefusedUpload:
    """An upload that was rejected or failed: its error in the log, and what a replay can change."""

    status: Status
    version: str
    upload: AnyUpload
    prospect: Prospect
    error: Failure


@dataclass(frozen=True, kw_only=True)
class RefusedPage:
    """The refused uploads of one page of the lake."""

    refused: tuple[RefusedUpload, ...] = ()
    marker: Marker | None = None


@dataclass(frozen=True, kw_only=True)
class RefusedRequest(PagedRequest[RefusedPage]):
    """Find the rejected and failed uploads of one page of the lake."""

    response = RefusedPage
    scope: Scope = WHOLE_LAKE
    marker: Marker | None = None
    kind: Literal["refused_page"] = "refused_page"


@dataclass(frozen=True)
class KeyFindings:
    """The findings of all versions of one key, the newest first, and its ledger if it is damaged."""

    findings: tuple[FindingSummary, ...]
    damaged: tuple[DamagedLedger, ...] = ()


@dataclass(frozen=True, kw_only=True)
class KeyRequest(Request[KeyFindings]):
    """Compare all versions of one key."""

    response = KeyFindings
    key: str
    kind: Literal["key"] = "key"


@dataclass(frozen=True)
class LogKey:
    """The primary key of a log entry."""

    table_name: str
    landed_key: str

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> LogKey:
        """Return the key that a log entry, or a DynamoDB key, contains."""
        return cls(item[PARTITION_KEY], item[SORT_KEY])

    def to_item(self) -> dict[str, str]:
        """Return the key as DynamoDB has it."""
        return {PARTITION_KEY: self.table_name, SORT_KEY: self.landed_key}


@dataclass(frozen=True)
class SentUpload:
    """An upload that was sent: its log entry and its execution."""

    key: str
    log_key: LogKey
    execution_arn: str


@dataclass(frozen=True)
class SentUploads:
    """In the order of the request."""

    sent: tuple[SentUpload, ...]


@dataclass(frozen=True, kw_only=True)
class SendRequest(Request[SentUploads]):
    """Send uploads through the pipeline, in this order."""

    response = SentUploads
    uploads: tuple[SendableUpload, ...]
    kind: Literal["send"] = "send"


ADOPTED_AT_ONCE = 500
"""Uploads of one table. They must be adopted by few requests: each counts the rows of the table."""


@dataclass(frozen=True)
class Adopted:
    """How many uploads the ledgers adopted, and why the others were not."""

    adopted: int
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AdoptRequest(Request[Adopted]):
    """Write the ledger rows of uploads that the log calls loaded."""

    response = Adopted
    uploads: tuple[AnyUpload, ...]
    kind: Literal["adopt"] = "adopt"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A log entry, as far as the command line shows it."""

    table_name: str
    landed_key: str
    s3_key: str
    status: Status
    rows_loaded: int | None = None
    error: Failure | None = None
    execution_arn: str | None = None

    @property
    def log_key(self) -> LogKey:
        """The primary key of the entry."""
        return LogKey(self.table_name, self.landed_key)


@dataclass(frozen=True)
class Answers:
    """The entries that exist, in no particular order."""

    answers: tuple[Answer, ...]


@dataclass(frozen=True, kw_only=True)
class AnswersRequest(Request[Answers]):
    """Return log entries."""

    response = Answers
    log_keys: tuple[LogKey, ...]
    kind: Literal["answers"] = "answers"


@dataclass(frozen=True)
class MissingEntry:
    """A ledger row whose result is missing in the log."""

    key: str
    version: str
    status: Status


@dataclass(frozen=True, kw_only=True)
class LogPage:
    """The number of ledger rows of one page, and the missing log entries.

    `busy` names a ledger that was locked, `damaged` one that is damaged.
    """

    rows: int
    missing: tuple[MissingEntry, ...] = ()
    ledger: str | None = None
    busy: tuple[str, ...] = ()
    damaged: tuple[DamagedLedger, ...] = ()
    marker: LedgerMarker | None = None


@dataclass(frozen=True, kw_only=True)
class LogPageRequest(PagedRequest[LogPage]):
    """Write the log entries that one page of ledger rows lacks. With `dry_run`, only find them."""

    response = LogPage
    scope: Scope = WHOLE_LAKE
    marker: LedgerMarker | None = None
    dry_run: bool = False
    kind: Literal["log_page"] = "log_page"


ReconcileRequest = (
    PageRequest
    | PendingRequest
    | WaitingRequest
    | LakeRequest
    | RefusedRequest
    | KeyRequest
    | SendRequest
    | AdoptRequest
    | AnswersRequest
    | LogPageRequest
)


_KINDS = Annotated[ReconcileRequest, Field(discriminator="kind")]


def parse_reconcile_request(value: object) -> ReconcileRequest:
    """Return the request that the JSON describes. Raises InvalidRequestError."""
    request: ReconcileRequest = parse_request(_KINDS, value)
    return request
