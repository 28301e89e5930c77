"""The dashboard of a stack and its saved queries, as values and as resources.

Sources: CloudWatch API reference, "Dashboard body structure and syntax"; CloudWatch Logs user guide,
"CloudWatch Logs Insights query syntax".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi_aws.cloudwatch as cloudwatch
from pulumi import Input, InvokeOptions, Output, ResourceOptions
from pulumi_aws.get_region import get_region_output

from etl_core.model.names import (
    METRIC_DIMENSION,
    METRIC_NAMESPACE,
    OLDEST_PENDING,
    PENDING,
)
from infra.component import Component, json_document
from infra.functions import LoaderFunction

Widget = dict[str, Any]

PERIOD_SECONDS = 300
WIDTH, HEIGHT = 8, 6
"""Three widgets in a row: a dashboard is 24 wide."""

_ANSWERED = 'filter step = "recorded" or (step = "answer" and ispresent(status))'
_REFUSED = 'filter status in ["rejected", "failed", "unknown"]'

QUERIES = {
    "refusals by reason": f"fields @timestamp\n| {_ANSWERED}\n| {_REFUSED}\n"
    "| stats count() as uploads, latest(s3_key) as example by status, reason\n| sort uploads desc",
    "refused uploads": f"fields @timestamp, status, reason, s3_key, upload_id\n| {_ANSWERED}\n"
    f"| {_REFUSED}\n| sort @timestamp desc\n| limit 200",
    "one upload": "fields @timestamp, step, status, reason, @message\n"
    '| filter upload_id = "PUT THE UPLOAD ID HERE"\n| sort @timestamp asc',
    "slow loads": "fields @timestamp, Duration, Rows, Bytes, s3_key, upload_id\n"
    '| filter step = "recorded" or step = "answer"\n| sort Duration desc\n| limit 50',
    "retries": 'fields @timestamp, s3_key, failure.Error, seconds\n| filter step = "retry"\n'
    "| sort @timestamp desc\n| limit 200",
}
"""By name. The log lines of the functions are JSON, so their fields have these names."""


@dataclass(frozen=True)
class Shown:
    """What the dashboard shows: names of functions and of the queue, and the log groups of the uploads."""

    region: str
    stack: str
    queue: str
    functions: Sequence[str]
    log_groups: Sequence[str]


def render_dashboard(shown: Shown) -> dict[str, Any]:
    """Return the dashboard's body."""
    stack = {METRIC_DIMENSION: shown.stack}

    def own(*names: str, **options: Any) -> list[list[Any]]:
        return [_metric(METRIC_NAMESPACE, name, stack, options) for name in names]

    throttles = [
        _metric("AWS/Lambda", "Throttles", {"FunctionName": name}) for name in shown.functions
    ]
    dead_letters = _metric(
        "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": shown.queue}
    )
    durations = [
        *own("Duration", stat="p50", label="p50"),
        *own("Duration", stat="p95", label="p95"),
    ]
    graphs = [
        ("Uploads by status", own("Loaded", "Applied", "Rejected", "Failed", "Unknown"), "Sum"),
        ("Rows loaded", own("Rows"), "Sum"),
        ("Bytes loaded", own("Bytes"), "Sum"),
        ("Age of the oldest pending upload (s)", own(OLDEST_PENDING), "Maximum"),
        ("Pending uploads", own(PENDING), "Maximum"),
        ("Duration of a load (ms)", durations, "p50"),
        ("Throttled calls", throttles, "Sum"),
        ("Dead letters", [dead_letters], "Maximum"),
    ]
    widgets = [_graph(shown.region, *graph) for graph in graphs]
    widgets.append(_table(shown, "Refusals by reason", QUERIES["refusals by reason"]))
    return {"widgets": [_placed(number, widget) for number, widget in enumerate(widgets)]}


def _metric(
    namespace: str,
    name: str,
    dimensions: Mapping[str, str],
    options: Mapping[str, Any] | None = None,
) -> list[Any]:
    pairs = [part for pair in dimensions.items() for part in pair]
    return [namespace, name, *pairs, *([dict(options)] if options else [])]


def _graph(region: str, title: str, metrics: list[list[Any]], stat: str) -> Widget:
    return {
        "type": "metric",
        "properties": {
            "title": title,
            "region": region,
            "metrics": metrics,
            "stat": stat,
            "period": PERIOD_SECONDS,
            "view": "timeSeries",
            "yAxis": {"left": {"min": 0}},
        },
    }


def _table(shown: Shown, title: str, query: str) -> Widget:
    sources = " | ".join(f"SOURCE '{group}'" for group in shown.log_groups)
    return {
        "type": "log",
        "properties": {
            "title": title,
            "region": shown.region,
            "query": f"{sources} | {query}",
            "view": "table",
        },
    }


def _placed(number: int, widget: Widget) -> Widget:
    row, column = divmod(number, 24 // WIDTH)
    return widget | {"x": column * WIDTH, "y": row * HEIGHT, "width": WIDTH, "height": HEIGHT}


class Dashboard(Component):
    """The dashboard, under the stack's name, and the saved queries, in a folder of that name."""

    def __init__(
        self,
        name: str,
        stack: str,
        queue: Input[str],
        functions: Mapping[str, LoaderFunction],
        opts: ResourceOptions,
    ) -> None:
        super().__init__(name, opts)
        groups = [functions[noun].log_group_name for noun in ("record", "load")]
        names = [function.function_name for function in functions.values()]
        region = get_region_output(opts=InvokeOptions(parent=self)).region
        cloudwatch.Dashboard(
            name,
            dashboard_name=stack,
            dashboard_body=json_document(
                lambda *known: render_dashboard(Shown(*known)),
                region,
                stack,
                queue,
                Output.all(*names),
                Output.all(*groups),
            ),
            opts=self.child(),
        )
        for title, query in QUERIES.items():
            cloudwatch.QueryDefinition(
                f"{name}-{title.replace(' ', '-')}",
                name=f"{stack}/{title}",
                log_group_names=groups,
                query_string=query,
                opts=self.child(),
            )
        self.register_outputs({})
