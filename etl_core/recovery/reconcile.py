"""Compare the versions in the lake with the ledgers and the log. Pure.

An upload that neither the ledger nor the log knows goes through the normal pipeline. An upload in
the ledger without a final status in the log gets its log entry. The ledger decides: an upload that
was sent without need ends as a duplicate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from etl_core.model.errors import LoadFailedError
from etl_core.model.lake_key import describe_key, is_folder_marker
from etl_core.model.names import fold
from etl_core.model.object_versions import ObjectVersion, VersionKey, first_uploads
from etl_core.model.status import SETTLED, TOOK_EFFECT, UNSETTLED, Status, parse_status
from etl_core.model.table_ref import TableRef
from etl_core.model.times import format_utc_time, parse_utc_time
from etl_core.model.upload import Upload
from etl_core.recovery.messages import UNKNOWN_DATABASE
from etl_core.recovery.services import Entry
from etl_core.recovery.wire import UtcTime
from etl_core.upload_log.entry import SORT_KEY, upload_of_entry

_BEFORE = timedelta(minutes=1)
_AFTER = timedelta(hours=1)
_AFTER_MULTIPART = timedelta(days=7)
"""S3 dates a multipart upload by its start, its event by its end. The lake removes unfinished ones after this time."""


class State(StrEnum):
    """The result of the comparison for one version."""

    NEVER_SEEN = "never seen"
    STUCK = "stuck"
    UNLOGGED = "unlogged"
    UNDER_WAY = "under way"
    NOT_COMPARED = "not compared"
    LEDGER_DAMAGED = "ledger damaged"
    NOT_IN_LEDGER = "not in the ledger"
    RECORDED = "recorded"


TO_SEND = (State.NEVER_SEEN, State.STUCK)
_NEEDS_LEDGER = (*TO_SEND, State.NOT_IN_LEDGER)
"""These follow from a row that the ledger does not have, so all of it must have been read."""


@dataclass(frozen=True)
class Scope:
    """Which versions to compare; all by default.

    `table` is `table` or `schema.table`; names in any case. With a database or a table, keys that
    are no valid upload are left out.
    """

    since: UtcTime | None = None
    database: str | None = None
    table: str | None = None
    current_only: bool = False

    def check(self, databases: Collection[str]) -> None:
        """Raises LoadFailedError for a database that the stack does not have, because "nothing
        found" would be misleading.
        """
        if self.database is not None and fold(self.database) not in databases:
            raise LoadFailedError(
                UNKNOWN_DATABASE(database=self.database, databases=", ".join(sorted(databases)))
            )

    def includes(self, version: ObjectVersion) -> bool:
        """Return whether to compare the version; never for folder markers."""
        if is_folder_marker(version.key) or (self.current_only and not version.is_latest):
            return False
        if self.since is not None and version.landed_at < self.since:
            return False
        if self.database is None and self.table is None:
            return True
        parts = describe_key(version.key)
        return bool(parts.database and parts.schema) and self.includes_table(
            TableRef(parts.database or "", parts.schema or "", parts.table_name)
        )

    def includes_database(self, database: str) -> bool:
        """Return whether to compare uploads into the database."""
        return self.database is None or fold(self.database) == database

    def includes_table(self, table: TableRef) -> bool:
        """Return whether to compare uploads into the table."""
        return self.includes_database(table.database) and self.table_in(table.database) in (
            None,
            table,
        )

    def table_in(self, database: str) -> TableRef | None:
        """Return the table, as one of this database; None for all tables."""
        return None if self.table is None else TableRef.parse(database, self.table)


WHOLE_LAKE = Scope()


@dataclass(frozen=True)
class LedgerEvidence:
    """A ledger row, without the columns that only a load needs. Times are UTC."""

    upload_id: str
    landed_at: UtcTime
    sequencer: str
    s3_key: str
    version_id: str
    status: Status
    rows_loaded: int | None
    loaded_at: UtcTime
    schema_version: str | None = None
    rows_quarantined: int | None = None
    freshness_hours: int | None = None

    @property
    def id(self) -> VersionKey:
        """The version that took effect."""
        return self.s3_key, self.version_id


@dataclass(frozen=True)
class Evidence:
    """What the ledgers and the log say about versions.

    `logged` are the log entries of ledger rows, by upload id; `entries` are the log entries of
    other versions. `busy` names the versions whose ledger was locked by a load, `damaged` those
    whose ledger could not be read, `without_table` those whose key names no table of the stack.
    """

    ledger: Mapping[VersionKey, LedgerEvidence]
    logged: Mapping[str, Entry]
    entries: Mapping[VersionKey, Entry]
    busy: Collection[VersionKey] = ()
    damaged: Collection[VersionKey] = ()
    without_table: Collection[VersionKey] = ()


@dataclass(frozen=True)
class Finding:
    """The result for one version: its state, the upload to send, and its evidence."""

    version: ObjectVersion
    state: State
    upload: Upload
    entry: Entry | None = None
    ledger: LedgerEvidence | None = None

    @property
    def status(self) -> Status | None:
        """The upload's status: the ledger's, else the log's."""
        if self.ledger is not None:
            return self.ledger.status
        return None if self.entry is None else parse_status(self.entry.get("status"))


def compare(
    bucket: str,
    versions: Sequence[ObjectVersion],
    evidence: Evidence,
    now: datetime,
    grace: timedelta,
) -> list[Finding]:
    """Return a finding per version.

    A version that arrived or was loaded within `grace` is under way.
    """
    uploads = first_uploads(bucket, versions)
    return [_compare(version, uploads[version.id], evidence, now - grace) for version in versions]


def _compare(
    version: ObjectVersion, listed: Upload, evidence: Evidence, grace_start: datetime
) -> Finding:
    ledger = evidence.ledger.get(version.id)
    entry = (
        evidence.entries.get(version.id)
        if ledger is None
        else evidence.logged.get(ledger.upload_id)
    )
    # Sending the upload of the existing entry completes that entry instead of adding a second one.
    upload = (None if entry is None else upload_of_entry(entry)) or listed
    state = _state(version, ledger, entry, grace_start)
    return Finding(version, _if_read(state, version, evidence), upload, entry, ledger)


def _if_read(state: State, version: ObjectVersion, evidence: Evidence) -> State:
    """Return the state, or why the ledger cannot confirm it."""
    if state is State.NOT_IN_LEDGER and version.id in evidence.without_table:
        return State.RECORDED
    if state in _NEEDS_LEDGER and version.id in evidence.damaged:
        return State.LEDGER_DAMAGED
    if state in _NEEDS_LEDGER and version.id in evidence.busy:
        return State.NOT_COMPARED
    return state


def _state(
    version: ObjectVersion,
    ledger: LedgerEvidence | None,
    entry: Entry | None,
    grace_start: datetime,
) -> State:
    status = None if entry is None else parse_status(entry.get("status"))
    if ledger is not None:
        if status in SETTLED:
            return State.RECORDED
        return State.UNDER_WAY if ledger.loaded_at > grace_start else State.UNLOGGED
    if entry is None:
        return State.UNDER_WAY if version.landed_at > grace_start else State.NEVER_SEEN
    if status in TOOK_EFFECT and entry.get("version_id") == version.version_id:
        loaded_at = parse_utc_time(str(entry.get("loaded_timestamp", entry["landed_timestamp"])))
        return State.UNDER_WAY if loaded_at > grace_start else State.NOT_IN_LEDGER
    if status not in UNSETTLED:
        return State.RECORDED
    arrived_at = parse_utc_time(str(entry["landed_timestamp"]))
    return State.UNDER_WAY if arrived_at > grace_start else State.STUCK


@dataclass(frozen=True)
class LogRange:
    """A range of one table's log; both ends are prefixes of sort keys, inclusive."""

    table_name: str
    first: str
    last: str


def log_ranges(versions: Iterable[ObjectVersion]) -> Iterator[LogRange]:
    """Yield the ranges of the log that can hold entries of these versions; ranges of one table do not overlap."""
    spans = defaultdict(list)
    for version in versions:
        after = _AFTER_MULTIPART if "-" in version.etag else _AFTER
        spans[describe_key(version.key).table_name].append(
            (version.landed_at - _BEFORE, version.landed_at + after)
        )
    for table_name, times in spans.items():
        first, last = min(times)
        for start, end in sorted(times):
            if start > last:
                yield _log_range(table_name, first, last)
                first, last = start, end
            last = max(last, end)
        yield _log_range(table_name, first, last)


def _log_range(table_name: str, first: datetime, last: datetime) -> LogRange:
    return LogRange(table_name, format_utc_time(first), format_utc_time(last))


def match_entries(
    versions: Iterable[ObjectVersion], entries: Iterable[Entry]
) -> dict[VersionKey, Entry]:
    """Return the log entry of each version that has one: by version id, or by etag if the event had no version id."""
    by_version: dict[VersionKey, Entry] = {}
    by_etag: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in sorted(entries, key=_final_first):
        version_key = (str(entry.get("s3_key")), str(entry.get("version_id")))
        if entry.get("version_id") is not None and version_key not in by_version:
            by_version[version_key] = entry
        elif (upload := upload_of_entry(entry)) is not None and upload.version_id is None:
            by_etag[upload.key, upload.etag].append(entry)
    matched = {}
    for version in sorted(versions, key=lambda version: version.landed_at):
        same_etag = by_etag[version.key, version.etag]
        match = by_version.get(version.id) or (same_etag.pop(0) if same_etag else None)
        if match is not None:
            matched[version.id] = match
    return matched


def _final_first(entry: Entry) -> tuple[bool, str]:
    return entry.get("status") == Status.RECEIVED, entry[SORT_KEY]
