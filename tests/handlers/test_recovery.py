"""The reconcile and tables functions pass each kind of request to its use case."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etl_core.model.errors import InvalidKeyError, TableNotServedError
from etl_core.model.table_filter import TableFilter
from etl_core.recovery.tables_requests import DamagedLedger
from etl_core.recovery.wire import InvalidRequestError
from handlers import reconcile, tables
from tests.builders import TABLE, a_schema_file, settings
from tests.etl_core.in_memory_pipeline import InMemoryPipeline
from tests.etl_core.model.test_object_versions import a_version
from tests.etl_core.recovery.in_memory_services import FakeLake, InMemoryServices
from tests.handlers.conftest import CONTEXT


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> InMemoryServices:
    """One version in the lake; the ledgers and the log are empty."""
    made = InMemoryServices(FakeLake([a_version()]))
    monkeypatch.setattr(reconcile, "_services", lambda: made.services)
    return made


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> InMemoryPipeline:
    """A table with one row."""
    made = InMemoryPipeline()
    made.drop("dev/schema/t/s.json", a_schema_file())
    made.drop("dev/append/t/x.csv", b"id,name\n1,a\n")
    ports = made.ports
    monkeypatch.setattr(tables, "wiring", lambda: (settings(), ports))
    return made


def ask(event: dict[str, Any]) -> Any:
    response = reconcile.handler(event, CONTEXT)
    assert json.loads(json.dumps(response)) == response
    return response


@pytest.mark.usefixtures("memory")
def test_a_page_a_key_and_the_lake_are_compared() -> None:
    assert ask({"kind": "page"})["counts"] == {"never seen": 1}
    assert [
        each["version"] for each in ask({"kind": "key", "key": a_version().key})["findings"]
    ] == ["v1"]
    assert ask({"kind": "lake", "dry_run": True})["sent"] == 0
    assert ask({"kind": "pending"})["findings"] == []
    assert ask({"kind": "refused_page"})["refused"] == []


def test_a_finding_is_sent_and_its_answer_read(memory: InMemoryServices) -> None:
    uploads = [finding["upload"] for finding in ask({"kind": "page"})["findings"]]
    [sent] = ask({"kind": "send", "uploads": uploads})["sent"]
    assert len(memory.workflow.started) == 1
    assert ask({"kind": "answers", "log_keys": [sent["log_key"]]}) == {"answers": []}


@pytest.mark.usefixtures("memory")
def test_the_log_is_rebuilt_page_by_page() -> None:
    assert ask({"kind": "log_page"}) == {
        "rows": 0,
        "missing": [],
        "ledger": None,
        "busy": [],
        "damaged": [],
        "marker": None,
    }


@pytest.mark.usefixtures("memory")
def test_every_request_writes_a_log_line_without_its_content(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ask({"kind": "page"})
    assert json.loads(capsys.readouterr().out) == {
        "step": "reconcile", "kind": "page", "findings": 1, "counts": {"never seen": 1}, "statuses": {}, "damaged": 0,
        "marker": None,
    }  # fmt: skip


@pytest.mark.parametrize("faults", [0, 2])
def test_the_scheduled_run_counts_the_faults_of_ledgers_for_the_alarm(
    memory: InMemoryServices,
    faults: int,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STACK", "loader-dev")
    if faults:
        memory.tables.damaged = [DamagedLedger("damaged", TABLE)]  # and the upload of its table
    ask({"kind": "lake", "dry_run": True})
    line = json.loads(capsys.readouterr().out)
    [metric] = line["_aws"]["CloudWatchMetrics"]
    assert {name: line[name] for [name] in metric["Dimensions"]} == {"Stack": "loader-dev"}
    assert [line[each["Name"]] for each in metric["Metrics"]] == [faults]


@pytest.mark.usefixtures("memory", "pipeline")
@pytest.mark.parametrize("kind", [None, "nonsense"])
def test_an_unknown_kind_is_refused_with_the_known_ones(kind: Any) -> None:
    with pytest.raises(
        InvalidRequestError, match="one of 'page', 'pending', 'waiting', 'lake', 'refused_page'"
    ):
        reconcile.handler({"kind": kind}, CONTEXT)
    with pytest.raises(InvalidRequestError, match="one of 'versions', 'ledger_page', 'replay'"):
        tables.handler({"kind": kind}, CONTEXT)


def a_replay(database: str, **fields: Any) -> dict[str, Any]:
    table = {"database": database, "schema": "public", "name": "t"}
    return {"kind": "replay", "table": table, **fields}


@pytest.mark.usefixtures("pipeline")
def test_a_table_is_rebuilt() -> None:
    assert tables.handler(a_replay("dev"), CONTEXT)["rows"] == 1
    assert tables.handler(a_replay("dev", dry_run=True), CONTEXT)["rows"] is None


def test_a_table_that_the_stack_does_not_serve_is_not_rebuilt(
    pipeline: InMemoryPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrowed = settings(table_filter=TableFilter(("dev.sales.*",)))
    monkeypatch.setattr(tables, "wiring", lambda: (narrowed, pipeline.ports))
    pipeline.warehouse.log.clear()
    for request in (a_replay("dev"), a_replay("dev", dry_run=True)):
        with pytest.raises(TableNotServedError, match=r"does not serve the table dev\.public\.t"):
            tables.handler(request, CONTEXT)
    assert pipeline.warehouse.log == []


@pytest.mark.usefixtures("pipeline")
def test_a_table_of_another_database_is_refused() -> None:
    with pytest.raises(InvalidKeyError, match="'other' is not one of this stack's"):
        tables.handler(a_replay("other"), CONTEXT)
