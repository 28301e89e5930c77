"""The log table in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from etl_core.adapters.log_table import LogPage
from etl_core.model.status import SETTLED
from etl_core.upload_log.query import LogQuery
from handlers import query, record


@dataclass
class FakeLogTable:
    """etl_core.adapters.log_table.LogTable as the handlers use it."""

    entries: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    queries: list[LogQuery] = field(default_factory=list)
    error: Exception | None = None

    def write_received(self, key: Mapping[str, str], attributes: Mapping[str, Any]) -> bool:
        if self._entry(key).get("status"):
            return False
        self._entry(key).update(attributes, attempts=0)
        return True

    def write_final(
        self, key: Mapping[str, str], attributes: Mapping[str, Any], attempts: int
    ) -> bool:
        entry = self._entry(key)
        is_open = entry.get("status") not in SETTLED
        entry |= {
            **(attributes if is_open else {}),
            "attempts": entry.get("attempts", 0) + attempts,
        }
        return is_open

    def read_pages(self, asked: LogQuery) -> Iterator[LogPage]:
        """Pages of three entries, of which those with another status than the one asked for are left out."""
        found = list(self._read(asked))
        for first in range(0, max(1, len(found)), 3):
            page = found[first : first + 3]
            kept = [item for item in page if asked.status in (None, item.get("status"))]
            yield LogPage(kept, page[-1]["landed_key"] if first + 3 < len(found) else None)

    def _read(self, asked: LogQuery) -> Iterator[dict[str, Any]]:
        self.queries.append(asked)
        if self.error:
            raise self.error
        newest_first = sorted(self.entries.items(), reverse=True)
        for (table, key), entry in newest_first:
            if table == asked.table_name and (asked.after is None or key < asked.after):
                yield {"table_name": table, "landed_key": key} | entry

    def _entry(self, key: Mapping[str, str]) -> dict[str, Any]:
        return self.entries.setdefault((key["table_name"], key["landed_key"]), {})


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> FakeLogTable:
    """The log table behind record and query."""
    made = FakeLogTable()
    monkeypatch.setattr(record, "_log", lambda: made)
    monkeypatch.setattr(query, "_log", lambda: made)
    return made


class Context:
    """Lambda's context, with a minute left."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


CONTEXT = Context()
