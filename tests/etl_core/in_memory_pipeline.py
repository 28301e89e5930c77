"""The in-memory pipeline: the use case of the load function over a lake, a warehouse and a log in memory."""

from __future__ import annotations

from typing import Any

from etl_core.loading.load import load_upload
from etl_core.loading.ports import Ports
from etl_core.model.upload import Upload
from etl_core.upload_log.outcome import LoadOutcome
from tests.builders import NOON, settings
from tests.fakes import FakeAnswers, FakeBacklog, FakeStore, FakeWarehouse

ROWS = [["1", "a"], ["2", "b"]]
"""The rows of table t in the fixture `pipeline`."""


class InMemoryPipeline:
    """A lake, a warehouse and a log. Each upload arrives a second after the one before it.

    `seconds`: the time that a load has. The default is too short to load other uploads after its own.
    `settings`: fields of the loads' settings.
    """

    def __init__(self) -> None:
        self.store = FakeStore()
        self.warehouse = FakeWarehouse(self.store)
        self.backlog = FakeBacklog()
        self.answers = FakeAnswers(self.backlog)
        self.upload_count = 0
        self.seconds = 20.0
        self.settings: dict[str, Any] = {}

    def load(self, upload: Upload, retry_count: int = 0) -> LoadOutcome:
        """Load the upload like the state machine: the log has it as received before, and with its
        final status after.
        """
        self.warehouse.log.clear()
        if upload.upload_id not in self.backlog.logged:
            self.backlog.note(upload)
        outcome = load_upload(
            upload, settings(**self.settings), self.ports, self.seconds, retry_count
        )
        self.backlog.note(upload, outcome.settled or outcome.status)
        return outcome

    @property
    def ports(self) -> Ports:
        """The ports of a load."""
        return Ports(self.store, self.warehouse, self.backlog, lambda: NOON, answers=self.answers)

    def put(self, key: str, content: bytes, **fields: Any) -> Upload:
        """Store an object and return its upload, without loading it."""
        self.upload_count += 1
        return self.store.put(
            key, content, **({"landed_at": NOON.replace(second=self.upload_count)} | fields)
        )

    def drop(self, key: str, content: bytes, **fields: Any) -> LoadOutcome:
        """Store an object and load it."""
        return self.load(self.put(key, content, **fields))

    def on(self, word: str, action: Any) -> None:
        """Call `action` once before the next statement of this kind, or raise it if it is an error."""

        def hook(statement_word: str, _: Any) -> None:
            if statement_word == word:
                self.warehouse.hook = lambda word, statement: None
                if isinstance(action, Exception):
                    raise action
                action()

        self.warehouse.hook = hook
