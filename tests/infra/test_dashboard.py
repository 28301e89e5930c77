"""The dashboard shows metrics that exist, and the queries use fields that the log lines have."""

from __future__ import annotations

import json
import re

import pytest

from etl_core.model.names import OLDEST_PENDING, PENDING
from etl_core.model.status import Status
from etl_core.upload_log.outcome import Failure, LoadOutcome
from handlers.context import log_line
from handlers.load import LoggedAnswers
from handlers.metrics import answer_metrics
from infra.dashboard import QUERIES
from tests.builders import an_upload
from tests.handlers.test_metrics import Log
from tests.infra.engine import Stack

DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
QUERY = "aws:cloudwatch/queryDefinition:QueryDefinition"


def shown(stack: Stack) -> list[list[str]]:
    """Return the metrics of the graphs, without their options."""
    widgets = stack.one(DASHBOARD).json("dashboardBody")["widgets"]
    found = [each for w in widgets for each in w["properties"].get("metrics", [])]
    return [[part for part in each if isinstance(part, str)] for each in found]


def test_the_dashboard_has_every_subject_and_fits_the_grid(everything: Stack):
    widgets = everything.one(DASHBOARD).json("dashboardBody")["widgets"]
    assert len(widgets) == 9
    places = {(widget["x"], widget["y"]) for widget in widgets}
    assert len(places) == 9
    assert all(widget["x"] + widget["width"] <= 24 for widget in widgets)
    assert {widget["properties"]["region"] for widget in widgets} == {"eu-central-1"}


def test_the_own_metrics_are_those_that_the_functions_write(plain: Stack):
    written = {OLDEST_PENDING, PENDING}
    for status in Status:
        line = answer_metrics(an_upload(size=1), status, {"rows_loaded": 1, "duration_ms": 1})
        [directive] = line["_aws"]["CloudWatchMetrics"]
        written |= {metric["Name"] for metric in directive["Metrics"]}
    own = [metric for metric in shown(plain) if metric[0] == "RedshiftLakeLoader"]
    assert len(own) == 11
    for _, name, dimension, value in own:
        assert name in written
        assert (dimension, value) == ("Stack", "redshift-lake-loader-dev")


def test_duration_has_its_percentiles(plain: Stack):
    widgets = plain.one(DASHBOARD).json("dashboardBody")["widgets"]
    [metrics] = [
        w["properties"]["metrics"]
        for w in widgets
        if w["properties"]["title"].startswith("Duration")
    ]
    assert [metric[-1]["stat"] for metric in metrics] == ["p50", "p95"]


def test_throttles_of_every_function_and_the_queue_are_shown(plain: Stack):
    functions = {f.name for f in plain.of("aws:lambda/function:Function")}
    throttled = {metric[3] for metric in shown(plain) if metric[1] == "Throttles"}
    assert throttled == functions - {"redshift-lake-loader-dev-bootstrap"}
    assert ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName",
            plain.one("aws:sqs/queue:Queue").name] in shown(plain)  # fmt: skip


def test_every_query_reads_the_log_groups_of_the_uploads(plain: Stack):
    assert {query.inputs["name"] for query in plain.of(QUERY)} == {
        f"redshift-lake-loader-dev/{title}" for title in QUERIES
    }
    for query in plain.of(QUERY):
        assert query.inputs["logGroupNames"] == [
            "/aws/lambda/redshift-lake-loader-dev-record",
            "/aws/lambda/redshift-lake-loader-dev-load",
        ]


@pytest.mark.parametrize("title", QUERIES)
def test_the_fields_of_a_query_are_fields_of_the_log_lines(
    title: str, capsys: pytest.CaptureFixture[str]
):
    upload, refused = an_upload(size=1), LoadOutcome(Status.REJECTED, error=Failure("E", "m"))
    metrics = answer_metrics(upload, Status.LOADED, {"rows_loaded": 1, "duration_ms": 1})
    log_line("recorded", upload, status="loaded", reason="E", **metrics)
    log_line("retry", upload, failure={"Error": "E"}, seconds=3)
    LoggedAnswers(Log(is_new=True)).write_answer(upload, refused)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    known = {name for line in lines for name in line} | {"failure.Error", "uploads", "example"}
    words = re.findall(
        r"(?<![\w@.\"])[a-zA-Z_][\w.]*(?![\w(\"])", re.sub('"[^"]*"', '""', QUERIES[title])
    )
    syntax = {
        "fields",
        "filter",
        "stats",
        "sort",
        "limit",
        "by",
        "as",
        "or",
        "and",
        "in",
        "desc",
        "asc",
    }
    functions = {"count", "latest", "ispresent"}
    assert set(words) - syntax - functions <= known
