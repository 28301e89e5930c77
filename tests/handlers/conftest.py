"""A log table in memory, and a Lambda context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from etl_core.adapters.log_table import LogPage
from etl_core.model.function_settings import QuerySettings
from etl_core.model.status import SETTLED
from etl_core.turns.leases import BusyTables
from etl_core.upload_log.query import LogQuery
from handlers import query as query_handler
from handlers import record
from tests.fake_leases import FakeLeases


@dataclass
class FakeLogTable:
    """The methods of etl_core.adapters.log_table.LogTable that the handlers use."""

    entries: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    queries: list[LogQuery] = field(default_factory=list)
    pages: int = 0
    error: Exception | None = None

    def write_received(
        self, key: Mapping[str, str], attributes: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        entry = self._entry(key)
        if entry.get("status"):
            return dict(entry)
        entry.update(attributes, attempts=0)
        return None

    def write_final(
        self, key: Mapping[str, str], attributes: Mapping[str, Any], attempts: int
    ) -> bool:
        entry = self._entry(key)
        is_pending = entry.get("status") not in SETTLED
        entry |= {
            **(attributes if is_pending else {}),
            "attempts": entry.get("attempts", 0) + attempts,
        }
        return is_pending

    def read_pages(self, query: LogQuery) -> Iterator[LogPage]:
        """Yield pages of three entries, without the entries that the query's status filter excludes.

        Without a filter a page is no larger than the query's limit. Like DynamoDB, a last page
        of that size does not know that it is the last.
        """
        entries = list(self._read(query))
        size = 3 if query.status else min(3, query.limit)
        for first in range(0, max(1, len(entries)), size):
            self.pages += 1
            page = entries[first : first + size]
            kept = [item for item in page if query.status in (None, item.get("status"))]
            more = first + size < len(entries) or len(page) == query.limit
            yield LogPage(kept, page[-1]["landed_key"] if more else None)

    def _read(self, query: LogQuery) -> Iterator[dict[str, Any]]:
        self.queries.append(query)
        if self.error:
            raise self.error
        newest_first = sorted(self.entries.items(), reverse=True)
        for (table, key), entry in newest_first:
            if table == query.table_name and (query.after is None or key < query.after):
                yield {"table_name": table, "landed_key": key} | entry

    def _entry(self, key: Mapping[str, str]) -> dict[str, Any]:
        return self.entries.setdefault((key["table_name"], key["landed_key"]), {})


@pytest.fixture
def leases(monkeypatch: pytest.MonkeyPatch) -> FakeLeases:
    """The lease table of the record function, with two slots."""
    table = FakeLeases()
    monkeypatch.setattr(record, "_leases", lambda: table)
    monkeypatch.setattr(record, "_parallel_loads", lambda: 2)
    monkeypatch.setattr(record, "_BUSY_TABLES", BusyTables(table.clock))
    return table


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> FakeLogTable:
    """The log table of the record and query functions."""
    table = FakeLogTable()
    monkeypatch.setattr(record, "_log", lambda: table)
    monkeypatch.setattr(query_handler, "_log", lambda: table)
    settings = QuerySettings("log", "lake")
    monkeypatch.setattr(query_handler, "_settings", lambda: settings)
    return table


class Context:
    """Lambda's context object with one minute left."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


CONTEXT = Context()
