"""Metrics in log lines: every answered upload counts once, whichever function wrote the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from etl_core.loading.ports import Answers
from etl_core.model.status import Status
from etl_core.upload_log.outcome import LoadOutcome
from handlers.load import LoggedAnswers
from handlers.metrics import answer_metrics, embedded
from tests.builders import an_event, an_upload
from tests.handlers.conftest import FakeLogTable
from tests.handlers.test_record import final

pytestmark = pytest.mark.usefixtures("leases")

LOADED = LoadOutcome(Status.LOADED, rows_loaded=3, duration_ms=250)


def metrics_of(text: str) -> list[dict[str, Any]]:
    """Return the metrics of the log lines that have some."""
    lines = [json.loads(line) for line in text.splitlines()]
    return [
        {
            each["Name"]: line[each["Name"]]
            for each in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
        }
        for line in lines
        if "_aws" in line
    ]


class Log(Answers):
    """A log in which answers are new, or there already."""

    def __init__(self, *, is_new: bool) -> None:
        self.is_new = is_new

    def write_answer(self, upload: Any, outcome: LoadOutcome) -> bool:
        return self.is_new

    def write_totals(self) -> None: ...


def test_a_line_has_what_cloudwatch_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Specification: Embedded metric format."""
    monkeypatch.setenv("STACK", "loader-dev")
    line = embedded({"Rows": (3, "Count")})
    assert isinstance(line["_aws"]["Timestamp"], int)
    assert line["_aws"]["CloudWatchMetrics"] == [
        {
            "Namespace": "RedshiftLakeLoader",
            "Dimensions": [["Stack"]],
            "Metrics": [{"Name": "Rows", "Unit": "Count"}],
        }
    ]
    assert (line["Stack"], line["Rows"]) == ("loader-dev", 3)


@pytest.mark.parametrize("status", Status)
def test_rows_and_bytes_count_only_if_they_were_loaded(status: Status) -> None:
    """A duplicate reports the rows that were loaded before."""
    line = answer_metrics(an_upload(size=10), status, {"rows_loaded": 3, "duration_ms": 250})
    found = metrics_of(json.dumps(line))[0]
    expected = {status.capitalize(): 1, "Duration": 250}
    loaded = {"Rows": 3, "Bytes": 10} if status is Status.LOADED else {}
    assert found == expected | loaded


def test_what_is_not_known_is_no_metric() -> None:
    line = answer_metrics(an_upload(size=None), Status.LOADED, {"rows_loaded": None})
    assert metrics_of(json.dumps(line)) == [{"Loaded": 1}]


def test_a_recorded_upload_counts_with_its_reason(
    log: FakeLogTable, capsys: pytest.CaptureFixture[str]
) -> None:
    final(turn={"next": "load"}, failure={"Error": "MissingObjectError", "Cause": "gone"})
    out = capsys.readouterr().out
    assert metrics_of(out) == [{"Rejected": 1}]
    [line] = [json.loads(each) for each in out.splitlines() if "recorded" in each]
    assert (line["status"], line["reason"]) == ("rejected", "MissingObjectError")


@pytest.mark.parametrize("is_counted", [False, True])
def test_an_answer_that_the_load_has_counted_counts_once(
    log: FakeLogTable, capsys: pytest.CaptureFixture[str], is_counted: bool
) -> None:
    outcome = LOADED.to_task_output() | {"attempts": 1, "is_counted": is_counted}
    final(event=an_event(size=10), turn={"next": "load"}, outcome=outcome)
    counted = [{"Loaded": 1, "Rows": 3, "Bytes": 10, "Duration": 250}]
    assert metrics_of(capsys.readouterr().out) == ([] if is_counted else counted)


@pytest.mark.parametrize("is_new", [False, True])
def test_an_upload_that_another_load_answers_counts_if_it_was_pending(
    capsys: pytest.CaptureFixture[str], is_new: bool
) -> None:
    LoggedAnswers(Log(is_new=is_new)).write_answer(an_upload(size=10), LOADED)
    counted = [{"Loaded": 1, "Rows": 3, "Bytes": 10, "Duration": 250}]
    assert metrics_of(capsys.readouterr().out) == (counted if is_new else [])
