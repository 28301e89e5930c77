"""Reconciling: what lies in the lake, beside what the ledger decided and the log told. Pure.

A version that the ledger does not hold and the log does not answer for is sent through the normal path; one that is in the ledger
without an answer in the log gets its entry. The ledger stays the judge: what is sent twice is found to be a duplicate.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from etl_core.model.errors import LoadFailedError
from etl_core.model.lake_key import describe_key, is_folder_marker
from etl_core.model.names import fold
from etl_core.model.object_versions import (
    ObjectVersion,
    VersionKey,
    first_uploads,
    parse_moment,
    upload_to_json,
)
from etl_core.model.status import SETTLED, Status
from etl_core.model.table_ref import split_table_name
from etl_core.model.upload import TIMESTAMP_FORMAT, Upload
from etl_core.upload_log.entry import upload_of_entry


class State(StrEnum):
    """What reconciling finds out about one version."""

    NEVER_SEEN = "never seen"
    STUCK = "stuck"
    UNLOGGED = "unlogged"
    UNDER_WAY = "under way"
    NOT_COMPARED = "not compared"
    FINE = "fine"


TO_SEND = (State.NEVER_SEEN, State.STUCK)


@dataclass(frozen=True)
class Scope:
    """Which versions are meant. Names are folded; with a database or a table, keys that are no valid upload are left out."""

    since: datetime | None = None
    database: str | None = None
    schema: str | None = None
    table: str | None = None
    current_only: bool = False

    @classmethod
    def from_request(cls, request: Mapping[str, Any]) -> Scope:
        """`{"since", "database", "table", "current_only"}`, each optional; `table` may be `schema.table`. Raises ValueError."""
        since, database, name = request.get("since"), request.get("database"), request.get("table")
        schema, table = split_table_name(str(name)) if name else (None, None)
        return cls(
            since=None if not since else parse_moment(str(since)),
            database=fold(str(database)) if database else None,
            schema=schema,
            table=table,
            current_only=bool(request.get("current_only")),
        )

    def check(self, databases: Collection[str]) -> None:
        """Raises LoadFailedError for a database that the stack does not have: nothing found in it would be no good news."""
        if self.database is not None and self.database not in databases:
            raise LoadFailedError(
                f"the database {self.database!r} is not one of this stack's: {', '.join(sorted(databases))}"
            )

    def holds(self, version: ObjectVersion) -> bool:
        """Whether the version is meant; folder markers never are."""
        if is_folder_marker(version.key) or (self.current_only and not version.is_latest):
            return False
        if self.since is not None and version.landed_at < self.since:
            return False
        if self.database is None and self.table is None:
            return True
        facts = describe_key(version.key)
        return facts.schema is not None and self.holds_table(
            facts.database, facts.schema, facts.table_name
        )

    def holds_table(self, database: str | None, schema: str | None, table: str) -> bool:
        """Whether the table is meant."""
        if self.database is not None and self.database != database:
            return False
        return self.table is None or (self.schema, self.table) == (schema, table)


@dataclass(frozen=True)
class LedgerEvidence:
    """A row of a ledger, without what only a load needs. Times are UTC."""

    upload_id: str
    landed_at: datetime
    sequencer: str
    s3_key: str
    version_id: str
    status: Status
    rows_loaded: int | None
    loaded_at: datetime
    schema_version: str | None = None

    @property
    def id(self) -> VersionKey:
        """The version that took effect."""
        return self.s3_key, self.version_id

    def to_json(self) -> dict[str, Any]:
        """As the tables function answers it."""
        times = {"landed_at": self.landed_at, "loaded_at": self.loaded_at}
        made = {name: moment.strftime(TIMESTAMP_FORMAT) for name, moment in times.items()}
        return {**vars(self), **made, "status": str(self.status)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> LedgerEvidence:
        """What to_json made."""
        times = {name: parse_moment(value[name]) for name in ("landed_at", "loaded_at")}
        return cls(**(dict(value) | times | {"status": Status(value["status"])}))


@dataclass(frozen=True)
class Finding:
    """What was found out about one version. `upload` is what would be sent; `entry` the log's word, `fact` the ledger's."""

    version: ObjectVersion
    state: State
    upload: Upload
    entry: Mapping[str, Any] | None = None
    fact: LedgerEvidence | None = None

    def to_json(self) -> dict[str, Any]:
        """As the reconcile function answers it."""
        status = self.fact.status if self.fact is not None else (self.entry or {}).get("status")
        return {
            "state": str(self.state),
            "status": status and str(status),
            "version": self.version.version_id,
        } | (upload_to_json(self.upload))


@dataclass(frozen=True)
class Evidence:
    """What ledger and log say. `entries` are the log's items; `busy` are versions whose ledger could not be read."""

    facts: Mapping[VersionKey, LedgerEvidence]
    logged: Mapping[str, Mapping[str, Any]]
    """Entries of facts, by upload id."""
    entries: Mapping[VersionKey, Mapping[str, Any]]
    """Entries of other versions."""
    busy: Collection[VersionKey] = ()


def compare(
    bucket: str,
    versions: Sequence[ObjectVersion],
    evidence: Evidence,
    now: datetime,
    grace: timedelta,
) -> list[Finding]:
    """A finding per version. What landed or was loaded within `grace` is under way: its event or its answer is to come."""
    uploads = first_uploads(bucket, versions)
    return [_compare(version, uploads[version.id], evidence, now - grace) for version in versions]


def _compare(
    version: ObjectVersion, listed: Upload, evidence: Evidence, young_since: datetime
) -> Finding:
    fact = evidence.facts.get(version.id)
    entry = (
        evidence.entries.get(version.id) if fact is None else evidence.logged.get(fact.upload_id)
    )
    # What is sent again is the very upload that the log has an entry of.
    upload = (None if entry is None else upload_of_entry(entry)) or listed
    state = _state(version, fact, entry, young_since)
    if state in TO_SEND and version.id in evidence.busy:
        state = State.NOT_COMPARED
    return Finding(version, state, upload, entry, fact)


def _state(
    version: ObjectVersion,
    fact: LedgerEvidence | None,
    entry: Mapping[str, Any] | None,
    young_since: datetime,
) -> State:
    status = None if entry is None else entry.get("status")
    if fact is not None:
        if status in SETTLED:
            return State.FINE
        return State.UNDER_WAY if fact.loaded_at > young_since else State.UNLOGGED
    if entry is None:
        return State.UNDER_WAY if version.landed_at > young_since else State.NEVER_SEEN
    if status != Status.RECEIVED:
        return State.FINE
    return (
        State.UNDER_WAY
        if parse_moment(str(entry["landed_timestamp"])) > young_since
        else State.STUCK
    )
