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


class LongContext:
    """Lambda's context object with five minutes left."""

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


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
    output = run(an_event("dev/merge/t/x.csv"))

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


def test_the_connection_is_closed_at_the_end(warehouse: FakeWarehouse) -> None:
    run(an_event(KEY))
    with pytest.raises(InvalidEventError):
        run({})

    assert warehouse.closed == 1


def test_the_connection_is_closed_after_an_error(warehouse: FakeWarehouse) -> None:
    def fail(word: str, statement: Any) -> None:
        raise LockConflictError("conflict")

    warehouse.hook = fail
    with pytest.raises(LockConflictError):
        run(an_event(KEY))

    assert warehouse.closed == 1


def test_other_uploads_that_are_loaded_are_answered_and_logged(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The own upload is answered too: this counts its attempt, so the output counts none."""
    store, backlog = FakeStore(), FakeBacklog()
    answers = FakeAnswers(backlog)
    ports = Ports(store, FakeWarehouse(store), backlog, lambda: NOON, answers=answers)
    monkeypatch.setattr(load, "wiring", lambda: (settings(), ports))
    store.put(KEY, a_schema_file())
    run(an_event(KEY))
    for name in ("a", "b"):
        backlog.note(store.put(f"dev/append/t/{name}.csv", b"id,name\n1,a\n"))
    event = an_event("dev/append/t/a.csv", etag=store.put("x", b"").etag)
    capsys.readouterr()

    output = load.handler({"event": event}, LongContext())

    assert (output["status"], output["attempts"]) == ("loaded", 0)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted((line["step"], line["s3_key"], line["status"]) for line in lines) == [
        ("answer", "dev/append/t/a.csv", "loaded"),
        ("answer", "dev/append/t/b.csv", "loaded"),
        ("load", "dev/append/t/a.csv", "loaded"),
    ]
