"""The live pipeline: the load of schema files over a lake and a log in memory and a table of the emulator."""

from __future__ import annotations

from typing import Any

from etl_core.loading.load import load_upload
from etl_core.model.status import Status
from etl_core.upload_log.outcome import LoadOutcome
from tests.builders import NOON, a_schema_file, settings
from tests.etl_core.live import LiveTable
from tests.etl_core.live_warehouse import LiveWarehouse, live_ports
from tests.fakes import FakeBacklog, FakeStore


class LivePipeline:
    """A lake in memory, and the table `public.t` in the emulator. `settings`: fields of the load settings."""

    def __init__(self, live: LiveTable) -> None:
        """Drop the table and all ledgers."""
        live.transactional.rollback()
        live.run("DROP TABLE IF EXISTS public.t CASCADE")
        live.run("DROP SCHEMA IF EXISTS etl_ledger CASCADE")
        self.live, self.store, self.warehouse, self.upload_count = (
            live,
            FakeStore(),
            LiveWarehouse(live),
            0,
        )
        self.backlog = FakeBacklog()
        self.settings: dict[str, Any] = {}

    def drop(self, *columns: dict[str, Any], **more: Any) -> LoadOutcome:
        """Upload a schema file for t and load it."""
        self.upload_count += 1
        self.upload = self.store.put(
            "dev/schema/t/s.json",
            a_schema_file(*columns, **more),
            landed_at=NOON.replace(second=self.upload_count),
        )
        return self.again()

    def again(self) -> LoadOutcome:
        """Deliver the same upload again."""
        ports = live_ports(self.store, self.warehouse, self.backlog)
        outcome = load_upload(self.upload, settings(**self.settings), ports, 60)
        self.backlog.note(self.upload, outcome.status)
        return outcome

    def columns(self) -> str:
        """Return the columns of t."""
        return ", ".join(f"{column.name} {column.type}" for column in self.live.read().columns)


def refusal_of(outcome: LoadOutcome) -> str:
    """Return the message of a schema file that was refused."""
    assert outcome.status is Status.REJECTED
    assert outcome.error is not None
    assert outcome.error.type == "SchemaChangeRefusedError"
    return outcome.error.message
