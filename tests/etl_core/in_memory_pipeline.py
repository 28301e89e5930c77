"""A lake, a warehouse and a log in memory, and the load function's use case over them."""

from __future__ import annotations

from typing import Any

from etl_core.loading.load import load_upload
from etl_core.loading.ports import Ports
from etl_core.model.upload import Upload
from etl_core.upload_log.outcome import LoadOutcome
from tests.builders import NOON, settings
from tests.fakes import FakeBacklog, FakeStore, FakeWarehouse

ROWS = [["1", "a"], ["2", "b"]]
"""What the table t of the fixture `world` holds."""


class InMemoryPipeline:
    """A lake and a warehouse; `put` is an upload with its event, `seconds` moves the time on."""

    def __init__(self) -> None:
        self.store = FakeStore()
        self.warehouse = FakeWarehouse(self.store)
        self.backlog = FakeBacklog()
        self.landed = 0

    def load(self, upload: Upload, retry_count: int = 0) -> LoadOutcome:
        """As the state machine does it: the log knows of the upload before, and of its answer after."""
        self.warehouse.log.clear()
        if upload.upload_id not in self.backlog.logged:
            self.backlog.note(upload)
        ports = Ports(self.store, self.warehouse, self.backlog, lambda: NOON)
        outcome = load_upload(upload, settings(), ports, 60, retry_count)
        self.backlog.note(upload, outcome.settled or outcome.status)
        return outcome

    def put(self, key: str, content: bytes, **fields: Any) -> Upload:
        self.landed += 1
        return self.store.put(
            key, content, **({"landed_at": NOON.replace(second=self.landed)} | fields)
        )

    def drop(self, key: str, content: bytes, **fields: Any) -> LoadOutcome:
        return self.load(self.put(key, content, **fields))

    def on(self, word: str, action: Any) -> None:
        """Runs `action` once, before the next statement of this kind; an error is raised."""

        def hook(happening: str, _: Any) -> None:
            if happening == word:
                self.warehouse.hook = lambda word, statement: None
                if isinstance(action, Exception):
                    raise action
                action()

        self.warehouse.hook = hook
