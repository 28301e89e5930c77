"""CloudWatch alarms: what is broken in the pipeline. A refused upload is not: its owner is at fault.

The record function logs the final status of every upload in one line. Metric filters count the lines
with `failed` and with `rejected`: the first has an alarm, the second only a metric. The errors of the
load function are no alarm, because a refused upload is one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.sns as sns
from pulumi import Input, Output, ResourceOptions

from etl_core.model.names import LEDGER_FAULTS, METRIC_DIMENSION, METRIC_NAMESPACE
from infra.api import MonitoringApi
from infra.component import Component
from infra.functions import LoaderFunction
from infra.stack_settings import StackSettings
from infra.workflow import LoadWorkflow

PERIOD_SECONDS = 300
THROTTLED_PERIODS = 3
"""Throttled calls are retried. They are an alarm if they go on for a quarter of an hour."""


@dataclass(frozen=True)
class ZeroMetric:
    """A metric that should stay at zero. The alarm goes off when it is above in `periods` periods in a row."""

    noun: str
    description: str
    namespace: str
    metric: str
    statistic: str
    dimensions: Mapping[str, Input[str]]
    periods: int = 1


@dataclass(frozen=True)
class Watched:
    """What the alarms watch. `schedules`: names of rules, by noun. `load` and `record` are functions, too."""

    workflow: LoadWorkflow
    api: MonitoringApi
    load: LoaderFunction
    record: LoaderFunction
    others: Mapping[str, LoaderFunction]
    rules: Mapping[str, Input[str]]


def zero_metrics(watched: Watched, namespace: str) -> Iterator[ZeroMetric]:
    """Yield the metrics that have an alarm. `namespace` has the stack's own metrics."""
    yield ZeroMetric(
        "dead-letters",
        "Events that started no execution; they are in the dead-letter queue",
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        "Maximum",
        {"QueueName": watched.workflow.dead_letter_queue_name},
    )
    yield ZeroMetric(
        "failed-loads",
        "Uploads that failed because of the pipeline or the warehouse; the log has the reason",
        namespace,
        "failed",
        "Sum",
        {},
    )
    yield ZeroMetric(
        "aborted-loads",
        "Executions of the load workflow that were stopped by hand",
        "AWS/States",
        "ExecutionsAborted",
        "Sum",
        {"StateMachineArn": watched.workflow.state_machine_arn},
    )
    yield ZeroMetric(
        "api-errors",
        "Requests to the log API that ended with a server error",
        "AWS/ApiGateway",
        "5XXError",
        "Sum",
        {"ApiName": watched.api.api_name},
    )
    yield ZeroMetric(
        "ledger-faults",
        "Ledgers that are damaged or do not know uploads that were loaded; run etl reconcile",
        METRIC_NAMESPACE,
        LEDGER_FAULTS,
        "Maximum",
        {METRIC_DIMENSION: watched.others["reconcile"].function_name},
    )
    for noun, rule in watched.rules.items():
        yield ZeroMetric(
            f"{noun}-invocations",
            f"Events of the rule {noun} that could not invoke their target",
            "AWS/Events",
            "FailedInvocations",
            "Sum",
            {"RuleName": rule},
        )
    yield from _functions(watched)


def _functions(watched: Watched) -> Iterator[ZeroMetric]:
    failing = {"record": watched.record, **watched.others}
    for noun, function in failing.items():
        yield ZeroMetric(
            f"{noun}-errors",
            f"Errors of the function {noun}; its log group has them",
            "AWS/Lambda",
            "Errors",
            "Sum",
            {"FunctionName": function.function_name},
        )
    for noun, function in {"load": watched.load, **failing}.items():
        yield ZeroMetric(
            f"{noun}-throttles",
            f"Calls of the function {noun} that found no free function, for a quarter of an hour",
            "AWS/Lambda",
            "Throttles",
            "Sum",
            {"FunctionName": function.function_name},
            THROTTLED_PERIODS,
        )


class Alarms(Component):
    """One alarm for each metric. With `alarmEmail`, an SNS topic sends them to that address.

    AWS first asks the address to confirm the subscription.
    """

    def __init__(
        self,
        name: str,
        settings: StackSettings,
        watched: Watched,
        opts: ResourceOptions,
    ) -> None:
        super().__init__(name, opts)
        for status in ("failed", "rejected"):
            self._count(status, watched.record)
        actions = [self._topic(settings.alarm_email)] if settings.alarm_email else []
        for metric in zero_metrics(watched, name):
            self._alarm(metric, actions)
        self.register_outputs({})

    def _count(self, status: str, record: LoaderFunction) -> None:
        """Count the log lines with this final status, as a metric in the namespace of the stack's alarms."""
        cloudwatch.LogMetricFilter(
            f"{self.name}-{status}",
            log_group_name=record.log_group_name,
            pattern=f'{{ $.step = "recorded" && $.status = "{status}" }}',
            metric_transformation={
                "name": status,
                "namespace": self.name,
                "value": "1",
                "unit": "Count",
            },
            opts=self.child(),
        )

    def _topic(self, address: str) -> Output[str]:
        topic = sns.Topic(self.name, opts=self.child())
        sns.TopicSubscription(
            self.name, topic=topic.arn, protocol="email", endpoint=address, opts=self.child()
        )
        return topic.arn

    def _alarm(self, metric: ZeroMetric, actions: list[Output[str]]) -> None:
        cloudwatch.MetricAlarm(
            f"{self.name}-{metric.noun}",
            alarm_description=metric.description,
            namespace=metric.namespace,
            metric_name=metric.metric,
            dimensions=dict(metric.dimensions),
            statistic=metric.statistic,
            period=PERIOD_SECONDS,
            evaluation_periods=metric.periods,
            datapoints_to_alarm=metric.periods,
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            treat_missing_data="notBreaching",
            alarm_actions=list(actions),
            opts=self.child(),
        )
