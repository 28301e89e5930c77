"""What the reconcile function does, over its services: compare one page or the whole lake, send
uploads, read log entries.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from etl_core.model.errors import (
    InvalidArrivalError,
    InvalidKeyError,
    InvalidSchemaFileError,
    RejectedError,
)
from etl_core.model.lake_key import LakeKey
from etl_core.model.object_versions import ObjectVersion, VersionKey
from etl_core.model.status import Status
from etl_core.model.table_ref import TableRef
from etl_core.model.times import parse_utc_time
from etl_core.model.upload import Upload
from etl_core.recovery.messages import REQUEST_BUCKET
from etl_core.recovery.rebuild_log import read_logged, write_entries
from etl_core.recovery.reconcile import (
    TO_SEND,
    Evidence,
    Finding,
    LedgerEvidence,
    Scope,
    State,
    compare,
    log_ranges,
    match_entries,
)
from etl_core.recovery.reconcile_requests import (
    Answer,
    Answers,
    AnswersRequest,
    FindingSummary,
    KeyFindings,
    KeyRequest,
    LakeReport,
    LakeRequest,
    LogKey,
    Page,
    PageRequest,
    PendingRequest,
    Prospect,
    RefusedPage,
    RefusedRequest,
    RefusedUpload,
    SendRequest,
    SentUpload,
    SentUploads,
    Waiting,
)
from etl_core.recovery.services import Entry, Marker, Services
from etl_core.recovery.tables_requests import (
    DamagedLedger,
    LedgerRows,
    VersionQuery,
    VersionsRequest,
)
from etl_core.recovery.wire import InvalidRequestError, ask, from_json
from etl_core.turns.next_step import REPLAY
from etl_core.upload_log.entry import WAITING_SINCE, key_of, upload_of_entry
from etl_core.upload_log.outcome import Failure

PAGE = 500
_REFUSED = (Status.REJECTED, Status.FAILED)
_FAULTS_OF_FILE = (InvalidSchemaFileError.__name__, InvalidArrivalError.__name__)
"""These do not depend on the table, its schema or the warehouse. All other causes can go away."""
_SHOWN_MESSAGE = 1000
MAX_SENT = 500
"""The most uploads that one run over the lake sends. The next run finds the rest."""


def reconcile_page(request: PageRequest, services: Services) -> Page:
    """Compare one page of the lake and write the missing log entries.

    Nothing is sent, because that needs arrival order.
    """
    request.scope.check(services.databases)
    listed = services.lake.read_page(request.marker, PAGE)
    versions = [version for version in listed.versions if request.scope.includes(version)]
    findings, damaged = find(services, versions, timedelta(seconds=request.grace_seconds))
    if not request.dry_run:
        write_entries(services, (each for each in findings if each.state is State.UNLOGGED))
        services.log.complete_entries(
            each.entry
            for each in findings
            if each.entry is not None and each.state is not State.UNLOGGED
        )
    return _page(findings, listed.marker, damaged)


def pending_page(request: PendingRequest, services: Services) -> Page:
    """Find the uploads of one page of pending log entries whose execution has ended."""
    request.scope.check(services.databases)
    entries, marker = services.log.read_pending_page(request.marker)
    grace_start = services.now() - timedelta(seconds=request.grace_seconds)
    findings = [
        finding
        for entry in entries
        for finding in _stuck(services, entry, request.scope, grace_start)
    ]
    return _page(findings, marker)


def read_waiting(services: Services) -> Waiting:
    """Return how many uploads are pending, and the age of the oldest one."""
    count, oldest, marker = 0, services.now(), None
    while True:
        entries, marker = services.log.read_pending_page(marker)
        count += len(entries)
        oldest = min([oldest, *(parse_utc_time(str(entry[WAITING_SINCE])) for entry in entries)])
        if marker is None:
            return Waiting(
                count=count, oldest_seconds=int((services.now() - oldest).total_seconds())
            )


def _stuck(
    services: Services, entry: Entry, scope: Scope, grace_start: datetime
) -> Iterator[Finding]:
    upload = upload_of_entry(entry)
    if upload is None or parse_utc_time(str(entry[WAITING_SINCE])) > grace_start:
        return
    version = ObjectVersion(
        upload.key,
        upload.version_id or "",
        upload.etag,
        upload.size or 0,
        upload.landed_at,
        is_latest=False,
    )
    finding = Finding(version, State.STUCK, upload, entry)
    if scope.includes(version) and _check_execution(services, finding).state is State.STUCK:
        yield finding


def refused_page(request: RefusedRequest, services: Services) -> RefusedPage:
    """Find the rejected and failed uploads of one page of the lake."""
    request.scope.check(services.databases)
    listed = services.lake.read_page(request.marker, PAGE)
    versions = [version for version in listed.versions if request.scope.includes(version)]
    findings, _ = find(services, versions, timedelta(0))
    refused = [
        _refused(services, each, each.entry)
        for each in findings
        if each.entry is not None and each.state is State.RECORDED and each.status in _REFUSED
    ]
    return RefusedPage(refused=tuple(refused), marker=listed.marker)


def _refused(services: Services, finding: Finding, entry: Entry) -> RefusedUpload:
    error = _short_failure(entry.get("error"))
    prospect = _prospect(services, finding, error)
    return RefusedUpload(
        Status(entry["status"]), finding.version.version_id, finding.upload, prospect, error
    )


def _short_failure(error: Any) -> Failure:
    """Return the error without its details: a page of them could exceed a function's response."""
    known = error if isinstance(error, Mapping) else {}
    message = str(known.get("message", ""))
    return Failure(str(known.get("type", "unknown")), message[:_SHOWN_MESSAGE])


def _prospect(services: Services, finding: Finding, error: Failure) -> Prospect:
    if not finding.version.is_latest:
        return Prospect.REPLACED
    try:
        services.table_filter.check(LakeKey.parse(finding.upload.key, services.databases).table)
    except RejectedError:
        return Prospect.SAME_FAULT
    return Prospect.SAME_FAULT if error.type in _FAULTS_OF_FILE else Prospect.MAY_LOAD


def _page(
    findings: Sequence[Finding], marker: Marker | None, damaged: Sequence[DamagedLedger] = ()
) -> Page:
    hidden = (State.RECORDED, State.UNDER_WAY)
    return Page(
        findings=tuple(_summary(each) for each in findings if each.state not in hidden),
        counts=Counter(each.state for each in findings),
        statuses=Counter(each.status for each in findings if each.status is not None),
        damaged=tuple(damaged),
        marker=marker,
    )


def _summary(finding: Finding) -> FindingSummary:
    return FindingSummary(finding.state, finding.status, finding.version.version_id, finding.upload)


def find(
    services: Services, versions: Sequence[ObjectVersion], grace: timedelta
) -> tuple[list[Finding], Sequence[DamagedLedger]]:
    """Return a finding per version, and the damaged ledgers of their tables.

    A pending upload whose execution is running is under way, however old it is.
    """
    findings, damaged = _find(services, versions, grace)
    # The ledger was read before the log. What was loaded in between is in the ledger by now.
    doubtful = [each.version for each in findings if each.state is State.NOT_IN_LEDGER]
    if doubtful:
        second = {each.version.id: each for each in _find(services, doubtful, grace)[0]}
        findings = [second.get(each.version.id, each) for each in findings]
    return [_check_execution(services, finding) for finding in findings], damaged


def _find(
    services: Services, versions: Sequence[ObjectVersion], grace: timedelta
) -> tuple[list[Finding], Sequence[DamagedLedger]]:
    ledgers = _read_ledgers(services, versions)
    unknown = [version for version in versions if version.id not in ledgers.rows]
    entries = [
        entry
        for span in log_ranges(unknown)
        for entry in services.log.read_between(span.table_name, span.first, span.last)
    ]
    evidence = Evidence(
        ledgers.rows,
        read_logged(services, ledgers.rows.values()),
        match_entries(unknown, entries),
        busy=ledgers.of_tables(ledgers.found.busy),
        damaged=ledgers.damaged,
        without_table=ledgers.without_table,
    )
    findings = compare(services.bucket, versions, evidence, services.now(), grace)
    return findings, ledgers.found.damaged


@dataclass(frozen=True)
class _Ledgers:
    """What the ledgers say about versions.

    `by_table` has the versions of each table; `without_table` those whose key names none.
    """

    found: LedgerRows
    by_table: Mapping[TableRef, Sequence[ObjectVersion]]
    without_table: Collection[VersionKey]

    @cached_property
    def rows(self) -> Mapping[VersionKey, LedgerEvidence]:
        return {row.id: row for row in self.found.rows}

    @property
    def damaged(self) -> Collection[VersionKey]:
        """The versions whose ledger rows cannot be relied on."""
        damaged = self.found.damaged
        whole = self.of_tables(each.table for each in damaged if each.table and not each.key)
        keys = {each.key for each in damaged if each.key}
        of_keys = (
            each.id for group in self.by_table.values() for each in group if each.key in keys
        )
        return {*whole, *of_keys}

    def of_tables(self, tables: Iterable[TableRef]) -> Collection[VersionKey]:
        return {version.id for table in tables for version in self.by_table[table]}


def _read_ledgers(services: Services, versions: Iterable[ObjectVersion]) -> _Ledgers:
    groups: dict[TableRef, list[ObjectVersion]] = defaultdict(list)
    without_table = set()
    for version in versions:
        try:
            key = LakeKey.parse(version.key, services.databases)
        except InvalidKeyError:
            without_table.add(version.id)
            continue
        groups[key.table].append(version)
    queries = tuple(_query(table, group) for table, group in groups.items())
    found = ask(services.tables, VersionsRequest(queries=queries)) if queries else LedgerRows()
    return _Ledgers(found, groups, without_table)


def _query(table: TableRef, group: Sequence[ObjectVersion]) -> VersionQuery:
    versioned = [each for each in group if each.version_id != "null"]
    return VersionQuery(
        table,
        version_ids=tuple(each.version_id for each in versioned),
        unversioned_keys=tuple(each.key for each in group if each.version_id == "null"),
        keys=tuple(each.key for each in versioned),
    )


def _check_execution(services: Services, finding: Finding) -> Finding:
    if finding.state is not State.STUCK or finding.entry is None:
        return finding
    is_running = services.workflow.is_running(str(finding.entry.get("execution_arn", "")))
    return replace(finding, state=State.UNDER_WAY) if is_running else finding


def send(request: SendRequest, services: Services) -> SentUploads:
    """Start an execution per upload, in the order given.

    Raises InvalidRequestError for an upload of another bucket.
    """
    for upload in request.uploads:
        if upload.bucket != services.bucket:
            raise InvalidRequestError(
                REQUEST_BUCKET(key=upload.key, bucket=upload.bucket, lake=services.bucket)
            )
    return SentUploads(
        tuple(
            SentUpload(
                upload.key, LogKey.of(key_of(upload)), services.workflow.start(event_of(upload))
            )
            for upload in request.uploads
        )
    )


def event_of(upload: Upload) -> dict[str, Any]:
    """Return the state machine's input: the event that EventBridge would deliver, marked as a replay.

    Upload.from_event reads it. The mark makes the execution ask the ledger, whatever the log says.
    """
    stored = {
        "key": upload.key,
        "size": upload.size,
        "etag": upload.etag,
        "version-id": upload.version_id,
        "sequencer": upload.sequencer,
    }
    return {
        REPLAY: True,
        "version": "0",
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": upload.landed_timestamp,
        "detail": {
            "version": "0",
            "bucket": {"name": upload.bucket},
            "object": {name: value for name, value in stored.items() if value is not None},
            "reason": "Reconcile",
        },
    }


def inspect_key(request: KeyRequest, services: Services) -> KeyFindings:
    """Compare all versions of one key, also those that have just arrived."""
    findings, damaged = find(services, services.lake.read_versions(request.key), timedelta(0))
    return KeyFindings(tuple(map(_summary, findings)), tuple(damaged))


def reconcile_lake(request: LakeRequest, services: Services, seconds: float) -> LakeReport:
    """Compare the whole lake and send what is missing, in arrival order.

    At most MAX_SENT uploads are sent; the next run finds the rest. When the time is up, the
    report's marker says where.
    """
    ends_at = time.monotonic() + seconds
    counts: Counter[State] = Counter()
    statuses: Counter[Status] = Counter()
    earliest: list[FindingSummary] = []
    damaged: dict[DamagedLedger, None] = {}
    known: set[Upload] = set()
    marker = request.marker
    for page in _pages(lambda at: _compare_page(request, at, services), marker, ends_at):
        counts.update(page.counts)
        statuses.update(page.statuses)
        damaged |= dict.fromkeys(page.damaged)
        known |= {each.upload for each in page.findings}
        earliest, marker = _earliest([*earliest, *page.findings]), page.marker
    if marker is None:
        for page in _pages(lambda at: _compare_pending(request, at, services), None, ends_at):
            new = [each for each in page.findings if each.upload not in known]
            counts.update(each.state for each in new)
            statuses.update(each.status for each in new if each.status is not None)
            earliest = _earliest([*earliest, *new])
    if request.dry_run:
        earliest = []
    for each in earliest:
        services.workflow.start(event_of(each.upload))
    return LakeReport(counts, len(earliest), marker, tuple(damaged), statuses)


def _compare_page(request: LakeRequest, marker: Marker | None, services: Services) -> Page:
    page = PageRequest(
        scope=request.scope,
        marker=marker,
        grace_seconds=request.grace_seconds,
        dry_run=request.dry_run,
    )
    return reconcile_page(page, services)


def _compare_pending(request: LakeRequest, marker: Marker | None, services: Services) -> Page:
    page = PendingRequest(scope=request.scope, marker=marker, grace_seconds=request.grace_seconds)
    return pending_page(page, services)


def _pages(
    read: Callable[[Marker | None], Page], marker: Marker | None, ends_at: float
) -> Iterator[Page]:
    """Yield at least one page, until the last one or until the time is up."""
    while True:
        page = read(marker)
        yield page
        marker = page.marker
        if marker is None or time.monotonic() > ends_at:
            return


def _earliest(findings: Iterable[FindingSummary]) -> list[FindingSummary]:
    """Return the uploads to send, in arrival order, at most MAX_SENT."""
    to_send = (each for each in findings if each.state in TO_SEND)
    return sorted(to_send, key=lambda each: each.upload.order)[:MAX_SENT]


def read_answers(request: AnswersRequest, services: Services) -> Answers:
    """Return the log entries that exist under these keys."""
    entries = services.log.read_entries([key.to_item() for key in request.log_keys])
    return Answers(tuple(from_json(Answer, entry) for entry in entries))
