"""The use cases of the reconcile function, over its ports: one page of the lake compared, uploads sent, answers told, the log completed."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from etl_core.model.errors import InvalidKeyError
from etl_core.model.lake_key import LakeKey
from etl_core.model.object_versions import (
    ObjectVersion,
    VersionKey,
    event_of,
    parse_moment,
    upload_from_json,
)
from etl_core.model.status import SETTLED, Status
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import Upload
from etl_core.recovery.reconcile import (
    TO_SEND,
    Evidence,
    Finding,
    LedgerEvidence,
    Scope,
    State,
    compare,
)
from etl_core.recovery.reconcile_log import entry_key, match_entries, settled_entry, windows_of
from etl_core.recovery.services import Services
from etl_core.upload_log.entry import (
    PARTITION_KEY,
    SORT_KEY,
    WAITING_SINCE,
    key_of,
    upload_of_entry,
)

PAGE = 500
GRACE_SECONDS = 300
"""What landed or was loaded so recently is left alone: its event, or its answer, is on its way."""
MOST_AT_ONCE = 500
"""So that the executions of one run do not wait for each other longer than their retries last."""


@dataclass(frozen=True)
class PageRequest:
    """One page of the lake. `writes` is off for a dry run."""

    scope: Scope
    marker: Mapping[str, Any] | None
    grace: timedelta
    writes: bool

    @classmethod
    def parse(cls, request: Mapping[str, Any]) -> PageRequest:
        """`{"scope", "marker", "grace_seconds", "dry_run"}`, each optional. Raises ValueError."""
        return cls(
            scope=Scope.from_request(request.get("scope") or {}),
            marker=request.get("marker"),
            grace=timedelta(seconds=int(request.get("grace_seconds", GRACE_SECONDS))),
            writes=not request.get("dry_run"),
        )


@dataclass(frozen=True)
class Page:
    """One page compared: what needs attention, how many versions are in which state, and where the next page begins."""

    findings: Sequence[Finding]
    counts: Mapping[State, int]
    marker: Mapping[str, Any] | None

    def to_json(self) -> dict[str, Any]:
        """As the function answers it."""
        return {
            "findings": [finding.to_json() for finding in self.findings],
            "counts": {str(state): count for state, count in self.counts.items()},
            "marker": self.marker,
        }


def reconcile_page(request: PageRequest, services: Services) -> Page:
    """Compares one page of the lake. Writes the missing entries of what is in the ledger; sends nothing: that wants landed order."""
    request.scope.check(services.databases)
    listed = services.lake.read_page(request.marker, PAGE)
    versions = [version for version in listed.versions if request.scope.holds(version)]
    found = find(services, versions, request.grace)
    if request.writes:
        _write_entries(services, (finding for finding in found if finding.state is State.UNLOGGED))
    shown = [finding for finding in found if finding.state not in (State.FINE, State.UNDER_WAY)]
    return Page(shown, Counter(finding.state for finding in found), listed.marker)


def waiting_page(request: PageRequest, services: Services) -> Page:
    """Entries without an answer whose execution is over, of one page of them: also of objects that the lake does not list any more."""
    request.scope.check(services.databases)
    entries, marker = services.log.read_unanswered(request.marker)
    young_since = services.now() - request.grace
    found = [
        finding
        for entry in entries
        for finding in _stuck(services, entry, request.scope, young_since)
    ]
    return Page(found, Counter(finding.state for finding in found), marker)


def _stuck(
    services: Services, entry: Mapping[str, Any], scope: Scope, young_since: datetime
) -> Iterator[Finding]:
    upload = upload_of_entry(entry)
    if upload is None or parse_moment(str(entry[WAITING_SINCE])) > young_since:
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
    if scope.holds(version) and _look_at_execution(services, finding).state is State.STUCK:
        yield finding


def find(services: Services, versions: Sequence[ObjectVersion], grace: timedelta) -> list[Finding]:
    """What ledger and log say of these versions. An entry whose execution still runs is under way, however old."""
    facts, busy = _read_facts(services, versions)
    logged = _read_logged(services, facts.values())
    others = [version for version in versions if version.id not in facts]
    entries = [
        entry
        for window in windows_of(others)
        for entry in services.log.read_between(window.table_name, window.first, window.last)
    ]
    evidence = Evidence(facts, logged, match_entries(others, entries), busy)
    found = compare(services.bucket, versions, evidence, services.now(), grace)
    return [_look_at_execution(services, finding) for finding in found]


def send(services: Services, uploads: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sends uploads (as Finding.to_json has them) through the normal path, in the order given; where each one's answer will be."""
    sent = []
    for value in uploads:
        upload = upload_from_json(services.bucket, value)
        arn = services.workflow.start(event_of(upload))
        sent.append({"key": upload.key, "log_key": key_of(upload), "execution_arn": arn})
    return sent


def inspect_key(services: Services, key: str) -> list[dict[str, Any]]:
    """What ledger and log say of all versions of one key, the newest first; none is too young to tell."""
    return [
        finding.to_json()
        for finding in find(services, services.lake.read_versions(key), timedelta(0))
    ]


def reconcile_lake(request: PageRequest, services: Services, seconds: float) -> dict[str, Any]:
    """The whole lake at once, as the schedule asks for it: what is to be sent is sent, in landed order.

    At most MOST_AT_ONCE are sent, the rest is found again next time. What lies behind the page at which the time was up is not looked
    at: `marker` tells the place; None when the whole lake was seen.
    """
    ends_at = time.monotonic() + seconds
    counts: Counter[State] = Counter()
    first: list[Finding] = []
    known: set[Upload] = set()
    marker = request.marker
    for page in _pages(reconcile_page, request, services, ends_at):
        counts.update(page.counts)
        known |= {finding.upload for finding in page.findings if finding.entry is not None}
        first, marker = _earliest([*first, *page.findings]), page.marker
    for page in _pages(waiting_page, request, services, ends_at) if marker is None else ():
        new = [finding for finding in page.findings if finding.upload not in known]
        counts.update(finding.state for finding in new)
        first = _earliest([*first, *new])
    sent = (
        [services.workflow.start(event_of(finding.upload)) for finding in first]
        if request.writes
        else []
    )
    return {
        "counts": {str(state): count for state, count in counts.items()},
        "sent": len(sent),
        "marker": marker,
    }


def _pages(
    look: Callable[[PageRequest, Services], Page],
    request: PageRequest,
    services: Services,
    ends_at: float,
) -> Iterator[Page]:
    """Page after page until the end or until the time is up, at least one."""
    while True:
        page = look(request, services)
        yield page
        if page.marker is None or time.monotonic() > ends_at:
            return
        request = replace(request, marker=page.marker)


def _earliest(findings: Iterable[Finding]) -> list[Finding]:
    """The first of what is to be sent, in landed order, as many as one run sends."""
    to_send = (finding for finding in findings if finding.state in TO_SEND)
    return sorted(to_send, key=lambda finding: finding.upload.order)[:MOST_AT_ONCE]


def read_answers(services: Services, log_keys: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """The log's entries under these keys, each as far as the command line shows it."""
    shown = (PARTITION_KEY, SORT_KEY, "s3_key", "status", "rows_loaded", "error", "execution_arn")
    return [
        {name: entry[name] for name in shown if name in entry}
        for entry in services.log.read_entries(log_keys)
    ]


def rebuild_page(services: Services, request: Mapping[str, Any]) -> dict[str, Any]:
    """Writes the entries that one page of the ledgers lacks in the log: `{"scope", "marker", "dry_run"}`."""
    scope = request.get("scope") or {}
    answer = services.tables.ask(
        {"kind": "ledger_page", "scope": scope, "marker": request.get("marker")}
    )
    facts = [LedgerEvidence.from_json(value) for value in answer["facts"]]
    logged = _read_logged(services, facts)
    missing = [fact for fact in facts if not _is_settled(logged.get(fact.upload_id))]
    if not request.get("dry_run"):
        for fact in missing:
            _write_entry(services, fact, logged.get(fact.upload_id))
    return {
        "rows": len(facts),
        "missing": [
            {"key": fact.s3_key, "version": fact.version_id, "status": str(fact.status)}
            for fact in missing
        ],
        "ledger": answer.get("ledger"),
        "busy": answer.get("busy", []),
        "marker": answer.get("marker"),
    }


def _read_facts(
    services: Services, versions: Iterable[ObjectVersion]
) -> tuple[dict[VersionKey, LedgerEvidence], set[VersionKey]]:
    """What the ledgers hold of the versions, and the versions whose ledger is locked by a load right now."""
    groups: dict[TableRef, list[ObjectVersion]] = defaultdict(list)
    for version in versions:
        try:
            key = LakeKey.parse(version.key, services.databases)
        except InvalidKeyError:
            continue
        groups[key.table].append(version)
    if not groups:
        return {}, set()
    asks = [_ask(table, group) for table, group in groups.items()]
    answer = services.tables.ask({"kind": "facts", "asks": asks})
    facts = (LedgerEvidence.from_json(value) for value in answer["facts"])
    busy = {TableRef(*target) for target in answer["busy"]}
    return {fact.id: fact for fact in facts}, {
        version.id for table, group in groups.items() if table in busy for version in group
    }


def _ask(table: TableRef, group: Sequence[ObjectVersion]) -> dict[str, Any]:
    unversioned = [version.key for version in group if version.version_id == "null"]
    ids = [version.version_id for version in group if version.version_id != "null"]
    return {"target": list(astuple(table)), "version_ids": ids, "unversioned_keys": unversioned}


def _read_logged(
    services: Services, facts: Iterable[LedgerEvidence]
) -> dict[str, Mapping[str, Any]]:
    """The log's entries of ledger rows, by upload id."""
    by_key = {
        (key[PARTITION_KEY], key[SORT_KEY]): fact for fact in facts for key in [entry_key(fact)]
    }
    keys = [{PARTITION_KEY: partition, SORT_KEY: sort} for partition, sort in by_key]
    entries = services.log.read_entries(keys) if keys else []
    return {by_key[entry[PARTITION_KEY], entry[SORT_KEY]].upload_id: entry for entry in entries}


def _look_at_execution(services: Services, finding: Finding) -> Finding:
    if finding.state is not State.STUCK or finding.entry is None:
        return finding
    runs = services.workflow.is_running(str(finding.entry.get("execution_arn", "")))
    return replace(finding, state=State.UNDER_WAY) if runs else finding


def _write_entries(services: Services, findings: Iterable[Finding]) -> None:
    for finding in findings:
        if finding.fact is not None:
            _write_entry(services, finding.fact, finding.entry, finding.version)


def _write_entry(
    services: Services,
    fact: LedgerEvidence,
    entry: Mapping[str, Any] | None,
    version: ObjectVersion | None = None,
) -> None:
    etag, size = (version.etag, version.size) if version is not None else (None, None)
    attributes = settled_entry(fact, services.bucket, etag, size)
    is_first_answer = entry is None or entry.get("status") == Status.RECEIVED
    services.log.write_final(entry_key(fact), attributes, 1 if is_first_answer else 0)


def _is_settled(entry: Mapping[str, Any] | None) -> bool:
    return entry is not None and entry.get("status") in SETTLED
