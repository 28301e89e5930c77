"""The load function: an event becomes an outcome, and retryable errors are raised unchanged."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etl_core.loading.ports import Ports
from etl_core.model.errors import InvalidEventError, LockConflictError, SchemaNotReadyError
from handlers import load
from tests.builders import NOON, a_schema_file, an_event, settings
from tests.fakes import FakeAnswers, FakeBacklog, FakeStore, FakeWarehouse
from tests.handlers.conftest import CONTEXT

KEY = "dev/schema/t/s.json"


@pytest.fixture
def warehouse(monkeypatch: pytest.MonkeyPatch) -> FakeWarehouse:
    """An empty warehouse, and a lake with one schema file."""
    store = FakeStore()
    store.put(KEY, a_schema_file())
    fake = FakeWarehouse(store)
    backlog = FakeBacklog()
    ports = Ports(store, fake, backlog, lambda: NOON, answers=FakeAnswers(backlog))
    monkeypatch.setattr(load, "wiring", lambda: (settings(), ports))
    return fake


def run(event: Any, **more: Any) -> Any:
    return load.handler({"event": event} | more, CONTEXT)


def test_the_outcome_is_returned_as_json_with_its_attempts(warehouse: FakeWarehouse) -> None:
    output = run(an_event(KEY), retry_count=2)

    assert json.loads(json.dumps(output)) == output
    assert (
        output.items()
        >= {
            "status": "applied",
            "attempts": 3,
            "loaded_at": "2026-11-22T12:00:00Z",
            "version_id": "v1",
        }.items()
    )


def test_a_rejection_is_returned_and_not_raised(warehouse: FakeWarehouse) -> None:
    output = run(an_event("dev/upsert/t/x.csv"))

    assert (output["status"], output["error"]["type"], output["attempts"]) == (
        "rejected",
        "InvalidKeyError",
        1,
    )


def test_a_retryable_error_is_raised_and_logged(
    warehouse: FakeWarehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    def raise_conflict(word: str, statement: Any) -> None:
        raise LockConflictError("another transaction conflicts with this load")

    warehouse.hook = raise_conflict
    with pytest.raises(LockConflictError):
        run(an_event(KEY))

    line = json.loads(capsys.readouterr().out)
    assert (line["error"], line["message"]) == (
        "LockConflictError",
        "another transaction conflicts with this load",
    )


def test_a_file_before_its_schema_is_raised_for_a_retry(warehouse: FakeWarehouse) -> None:
    warehouse.store.put("dev/append/t/x.csv", b"id,name\n1,a\n")

    with pytest.raises(SchemaNotReadyError):
        run(an_event("dev/append/t/x.csv"))


def test_an_invalid_event_is_refused(warehouse: FakeWarehouse) -> None:
    with pytest.raises(InvalidEventError):
        run({})
