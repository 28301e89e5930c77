"""The services of the reconcile function in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from etl_core.model.object_versions import ObjectVersion
from etl_core.model.status import SETTLED
from etl_core.model.table_filter import EVERY_TABLE, TableFilter
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import Upload
from etl_core.recovery.reconcile import LedgerEvidence
from etl_core.recovery.reconcile_requests import Page, PageRequest
from etl_core.recovery.reconcile_run import reconcile_page
from etl_core.recovery.services import Services, VersionPage
from etl_core.recovery.tables_requests import (
    DamagedLedger,
    LedgerPage,
    LedgerPageRequest,
    LedgerRows,
    parse_tables_request,
)
from etl_core.recovery.wire import to_json
from etl_core.upload_log.entry import PARTITION_KEY, SORT_KEY, key_of, received_entry
from tests.builders import LAKE, NOON

LATER = NOON + timedelta(hours=1)


@dataclass
class FakeLake:
    versions: list[ObjectVersion] = field(default_factory=list)
    page: int = 500

    def read_page(self, marker: Mapping[str, Any] | None, limit: int) -> VersionPage:
        first = int((marker or {"KeyMarker": "0"})["KeyMarker"])
        last = first + min(limit, self.page)
        return VersionPage(
            self.versions[first:last],
            {"KeyMarker": str(last)} if last < len(self.versions) else None,
        )

    def read_versions(self, key: str) -> Sequence[ObjectVersion]:
        return [version for version in self.versions if version.key == key]


@dataclass
class FakeLog:
    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    completed: list[str] = field(default_factory=list)

    def read_entries(self, keys: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
        wanted = [(key[PARTITION_KEY], key[SORT_KEY]) for key in keys]
        return [self._item(key) for key in wanted if key in self.items]

    def read_between(self, table_name: str, first: str, last: str) -> Iterator[dict[str, Any]]:
        for table, sort in self.items:
            if table == table_name and first <= sort <= last + "~":
                yield self._item((table, sort))

    def read_pending_page(
        self, marker: Mapping[str, Any] | None
    ) -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
        """Return one entry per page."""
        pending = [key for key, item in self.items.items() if item["status"] == "received"]
        number = (marker or {"n": 0})["n"]
        page = [self._item(key) for key in pending[number : number + 1]]
        return page, {"n": number + 1} if number + 1 < len(pending) else None

    def write_final(
        self, key: Mapping[str, str], attributes: Mapping[str, Any], attempts: int
    ) -> bool:
        entry = self.items.setdefault((key[PARTITION_KEY], key[SORT_KEY]), {})
        if entry.get("status") in SETTLED:
            return False
        entry.update(attributes, attempts=entry.get("attempts", 0) + attempts)
        return True

    def complete_entries(self, entries: Iterable[Mapping[str, Any]]) -> int:
        """Note which entries lack the keys of the indexes."""
        found = [str(entry["s3_key"]) for entry in entries if "listed" not in entry]
        self.completed += found
        return len(found)

    def add(self, upload: Upload, **fields: Any) -> None:
        """Add an entry: pending, unless the fields say otherwise."""
        key = key_of(upload)
        entry = received_entry(upload, "arn:gone", NOON) | fields
        self.items[key[PARTITION_KEY], key[SORT_KEY]] = entry

    def _item(self, key: tuple[str, str]) -> dict[str, Any]:
        return {PARTITION_KEY: key[0], SORT_KEY: key[1], **self.items[key]}


@dataclass
class FakeTables:
    """The tables function. Every ledger contains the same rows."""

    rows: list[LedgerEvidence] = field(default_factory=list)
    busy: list[TableRef] = field(default_factory=list)
    damaged: list[DamagedLedger] = field(default_factory=list)
    requests: list[Mapping[str, Any]] = field(default_factory=list)

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.requests.append(request)
        if isinstance(parse_tables_request(request), LedgerPageRequest):
            return to_json(LedgerPage(rows=tuple(self.rows)))
        return to_json(LedgerRows(tuple(self.rows), tuple(self.busy), tuple(self.damaged)))


@dataclass
class FakeWorkflow:
    started: list[Upload] = field(default_factory=list)
    running: set[str] = field(default_factory=set)

    def start(self, event: Mapping[str, Any]) -> str:
        self.started.append(Upload.from_event(event))
        return f"arn:{len(self.started)}"

    def is_running(self, execution_arn: str) -> bool:
        return execution_arn in self.running


@dataclass
class InMemoryServices:
    """All services, an hour after noon."""

    lake: FakeLake = field(default_factory=FakeLake)
    log: FakeLog = field(default_factory=FakeLog)
    tables: FakeTables = field(default_factory=FakeTables)
    workflow: FakeWorkflow = field(default_factory=FakeWorkflow)
    table_filter: TableFilter = EVERY_TABLE

    @property
    def services(self) -> Services:
        return Services(
            LAKE,
            ("dev",),
            self.lake,
            self.log,
            self.tables,
            self.workflow,
            lambda: LATER,
            self.table_filter,
        )

    def page(self, **fields: Any) -> Page:
        return reconcile_page(PageRequest(**fields), self.services)
