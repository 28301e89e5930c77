"""A load of the old version, as far as the ledger sees it: its recorded statements with other values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from etl_core.model.upload import Upload
from tests.upgrade.restored import Restored

OLD_ACTIONS = ("append", "truncate", "schema")
OLD_STATUSES = (
    "received", "loaded", "applied", "unchanged", "duplicate", "superseded", "rejected", "failed",
)  # fmt: skip
"""The old functions refuse a ledger row with any other action or status."""


@dataclass
class OldLoad:
    """One transaction of the old load function."""

    table: Restored
    connection: Any

    def begin(self) -> None:
        """Lock the ledger: the first statement of every load."""
        self._execute(self._recorded("LOCK")["sql"])

    def read(self) -> list[dict[str, Any]]:
        """Return all rows of the ledger as the old SELECT names them."""
        recorded = self._recorded("SELECT")
        everything = {name: self._past(value) for name, value in recorded["values"].items()}
        cursor = self._execute(recorded["sql"], everything)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def is_duplicate(self, event: Mapping[str, Any]) -> bool:
        """Return whether the old function finds the event's upload in the ledger."""
        upload_id = Upload.from_event(event).upload_id
        return upload_id in {row["upload_id"] for row in self.read()}

    def load(self, event: Mapping[str, Any], number: int) -> None:
        """Lock, read, load one row with this id, write the ledger row, commit."""
        self.begin()
        assert not self.is_duplicate(event)
        self.insert(event, number)
        self.connection.commit()

    def insert(self, event: Mapping[str, Any], number: int) -> None:
        """Write the row and the ledger row of an append, which the old function would have copied."""
        fixture, upload = self.table.fixture, Upload.from_event(event)
        self._execute(f"INSERT INTO {fixture.target} (id) VALUES (%s)", [number])
        recorded = self._recorded("INSERT")
        now = datetime.now(UTC).replace(tzinfo=None)
        values = {
            "upload_id": upload.upload_id,
            "action": "append",
            "landed_at": upload.landed_at.replace(tzinfo=None),
            "sequencer": upload.sequencer,
            "s3_key": upload.key,
            "version_id": upload.version_id,
            "status": "loaded",
            "rows_loaded": 1,
            "loaded_at": now,
            "schema_file": None,
        }
        assert {name.removesuffix("_m0") for name in recorded["values"]} == set(values)
        self._execute(recorded["sql"], {f"{name}_m0": value for name, value in values.items()})

    def _recorded(self, verb: str) -> Mapping[str, Any]:
        """Return the first recorded statement with this verb."""
        recorded = self.table.fixture.raw["statements"]
        return next(each for each in recorded if each["sql"].startswith(verb))

    def _past(self, value: Any) -> Any:
        """Return an earlier time instead of a recorded time, so that the SELECT finds every row."""
        return "2000-01-01 00:00:00" if str(value)[:4].isdigit() and ":" in str(value) else value

    def _execute(self, sql: str, values: Any = None) -> Any:
        cursor = self.connection.cursor()
        cursor.execute(sql, values)
        return cursor
