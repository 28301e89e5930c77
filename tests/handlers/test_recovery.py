"""The reconcile and tables functions translate: each kind of request to its use case, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etl_core.loading.load_context import Ports
from etl_core.model.errors import InvalidKeyError
from handlers import reconcile, tables
from tests.builders import NOON, a_schema_file, settings
from tests.etl_core.in_memory_pipeline import InMemoryPipeline
from tests.etl_core.recovery.test_reconcile_run import Office, a_version
from tests.handlers.conftest import CONTEXT


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    made = Office()
    made.lake.versions.append(a_version())
    monkeypatch.setattr(reconcile, "_services", lambda: made.services)
    return made


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> InMemoryPipeline:
    made = InMemoryPipeline()
    made.drop("dev/schema/t/s.json", a_schema_file())
    made.drop("dev/append/t/x.csv", b"id,name\n1,a\n")
    ports = Ports(made.store, made.warehouse, made.backlog, lambda: NOON)
    monkeypatch.setattr(tables, "wiring", lambda: (settings(), ports))
    return made


def ask(event: dict[str, Any]) -> Any:
    answer = reconcile.handler(event, CONTEXT)
    assert json.loads(json.dumps(answer)) == answer
    return answer


def test_a_page_a_key_and_the_lake_are_compared(office: Office) -> None:
    assert ask({"kind": "page"})["counts"] == {"never seen": 1}
    assert [
        each["version"] for each in ask({"kind": "key", "key": a_version().key})["findings"]
    ] == ["v1"]
    assert ask({"kind": "lake", "dry_run": True})["sent"] == 0
    assert ask({"kind": "waiting"})["findings"] == []


def test_what_was_found_is_sent_and_its_answer_asked_for(office: Office) -> None:
    [sent] = ask({"kind": "send", "uploads": ask({"kind": "page"})["findings"]})["sent"]
    assert len(office.workflow.started) == 1
    assert ask({"kind": "answers", "log_keys": [sent["log_key"]]}) == {"entries": []}


def test_the_log_is_rebuilt_page_by_page(office: Office) -> None:
    assert ask({"kind": "log_page"}) == {
        "rows": 0,
        "missing": [],
        "ledger": None,
        "busy": [],
        "marker": None,
    }


def test_every_request_leaves_a_line_without_its_content(
    office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    ask({"kind": "page"})
    assert json.loads(capsys.readouterr().out) == {
        "step": "reconcile", "kind": "page", "findings": 1, "counts": {"never seen": 1}, "marker": None,
    }  # fmt: skip


@pytest.mark.parametrize("kind", [None, "nonsense"])
def test_what_is_no_request_is_refused_with_the_kinds_that_there_are(
    office: Office, world: InMemoryPipeline, kind: Any
) -> None:
    with pytest.raises(ValueError, match="one of page, waiting, key, send"):
        reconcile.handler({"kind": kind}, CONTEXT)
    with pytest.raises(ValueError, match="one of facts, ledger_page, replay"):
        tables.handler({"kind": kind}, CONTEXT)


def test_a_table_is_rebuilt(world: InMemoryPipeline) -> None:
    request = {"kind": "replay", "database": "dev", "table": "public.t"}
    assert tables.handler(request, CONTEXT)["rows"] == 1
    assert tables.handler(request | {"dry_run": True}, CONTEXT)["rows"] is None


def test_a_table_of_another_database_is_refused(world: InMemoryPipeline) -> None:
    with pytest.raises(InvalidKeyError, match="'other' is not one of this stack's"):
        tables.handler({"kind": "replay", "database": "other", "table": "t"}, CONTEXT)
