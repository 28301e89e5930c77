"""CloudWatch alarms: what is broken in the pipeline. A refused upload is not: its owner is at fault.

The functions write the stack's own metrics into their log lines (handlers/metrics.py): one for each
final status, and the age of the oldest pending upload. `Failed` and `Unknown` have an alarm, `Rejected`
has none. The errors of the load function are no alarm, because a refused upload is one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.kms as kms
import pulumi_aws.sns as sns
from pulumi import Input, InvokeOptions, Output, ResourceOptions
from pulumi_aws.get_caller_identity import get_caller_identity_output
from pulumi_aws.get_partition import get_partition_output

from etl_core.model.names import (
    LEDGER_FAULTS,
    METRIC_DIMENSION,
    METRIC_NAMESPACE,
    OLDEST_PENDING,
)
from etl_core.model.status import Status
from infra import policies
from infra.api import MonitoringApi
from infra.component import Component, json_document
from infra.functions import LoaderFunction
from infra.schedule import LOOK_EVERY
from infra.stack_settings import StackSettings
from infra.workflow import LoadWorkflow

PERIOD_SECONDS = 300
THROTTLED_PERIODS = 3
"""Throttled calls are retried. They are an alarm if they go on for a quarter of an hour."""


@dataclass(frozen=True)
class WatchedMetric:
    """A metric that should stay at or below `most`. The alarm goes off when it is above in `periods`
    periods of `seconds` in a row.
    """

    noun: str
    description: str
    namespace: str
    metric: str
    statistic: str
    dimensions: Mapping[str, Input[str]]
    periods: int = 1
    most: int = 0
    seconds: int = PERIOD_SECONDS


@dataclass(frozen=True)
class Watched:
    """What the alarms watch. `rules`: names of rules, by noun. `load` and `record` are functions, too."""

    stack: str
    workflow: LoadWorkflow
    api: MonitoringApi
    load: LoaderFunction
    record: LoaderFunction
    others: Mapping[str, LoaderFunction]
    rules: Mapping[str, Input[str]]


def watched_metrics(watched: Watched, pending_minutes: int) -> Iterator[WatchedMetric]:
    """Yield the metrics that have an alarm. With 0 `pending_minutes`, pending uploads have none."""
    stack = {METRIC_DIMENSION: watched.stack}
    yield WatchedMetric(
        "dead-letters",
        "Events that started no execution; they are in the dead-letter queue",
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        "Maximum",
        {"QueueName": watched.workflow.dead_letter_queue_name},
    )
    yield WatchedMetric(
        "failed-loads",
        "Uploads that failed because of the pipeline or the warehouse; the log has the reason",
        METRIC_NAMESPACE,
        Status.FAILED.capitalize(),
        "Sum",
        stack,
    )
    yield WatchedMetric(
        "unknown-loads",
        "Uploads that may or may not be in their table; run etl reconcile",
        METRIC_NAMESPACE,
        Status.UNKNOWN.capitalize(),
        "Sum",
        stack,
    )
    if pending_minutes:
        yield WatchedMetric(
            "oldest-pending",
            f"An upload has been pending for more than {pending_minutes} minutes; run etl reconcile",
            METRIC_NAMESPACE,
            OLDEST_PENDING,
            "Maximum",
            stack,
            most=pending_minutes * 60,
            seconds=int(LOOK_EVERY.total_seconds()),
        )
    yield WatchedMetric(
        "aborted-loads",
        "Executions of the load workflow that were stopped by hand",
        "AWS/States",
        "ExecutionsAborted",
        "Sum",
        {"StateMachineArn": watched.workflow.state_machine_arn},
    )
    yield WatchedMetric(
        "api-errors",
        "Requests to the log API that ended with a server error",
        "AWS/ApiGateway",
        "5XXError",
        "Sum",
        {"ApiName": watched.api.api_name},
    )
    yield WatchedMetric(
        "ledger-faults",
        "Ledgers that are damaged or do not know uploads that were loaded; run etl reconcile",
        METRIC_NAMESPACE,
        LEDGER_FAULTS,
        "Maximum",
        stack,
    )
    for noun, rule in watched.rules.items():
        yield WatchedMetric(
            f"{noun}-invocations",
            f"Events of the rule {noun} that could not invoke their target",
            "AWS/Events",
            "FailedInvocations",
            "Sum",
            {"RuleName": rule},
        )
    yield from _functions(watched)


def _functions(watched: Watched) -> Iterator[WatchedMetric]:
    failing = {"record": watched.record, **watched.others}
    for noun, function in failing.items():
        yield WatchedMetric(
            f"{noun}-errors",
            f"Errors of the function {noun}; its log group has them",
            "AWS/Lambda",
            "Errors",
            "Sum",
            {"FunctionName": function.function_name},
        )
    for noun, function in {"load": watched.load, **failing}.items():
        yield WatchedMetric(
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
        actions = [self._topic(settings)] if settings.alarm_email else []
        for metric in watched_metrics(watched, settings.pending_alarm_minutes):
            self._alarm(metric, actions)
        self.register_outputs({})

    def _topic(self, settings: StackSettings) -> Output[str]:
        key = settings.kms_key_arn or self._key()
        topic = sns.Topic(self.name, kms_master_key_id=key, opts=self.child())
        sns.TopicSubscription(
            self.name,
            topic=topic.arn,
            protocol="email",
            endpoint=settings.alarm_email,
            opts=self.child(),
        )
        return topic.arn

    def _key(self) -> Output[str]:
        """Return a new key that CloudWatch may use: with AWS's own key it cannot publish (SNS developer
        guide, "Enable compatibility between event sources from AWS services and encrypted topics").
        """
        account = get_caller_identity_output(opts=InvokeOptions(parent=self)).account_id
        partition = get_partition_output(opts=InvokeOptions(parent=self)).partition
        return kms.Key(
            self.name,
            description="Encrypts the topic of the alarms",
            enable_key_rotation=True,
            deletion_window_in_days=7,
            policy=json_document(policies.alarm_key, partition, account),
            opts=self.child(),
        ).arn

    def _alarm(self, metric: WatchedMetric, actions: list[Output[str]]) -> None:
        cloudwatch.MetricAlarm(
            f"{self.name}-{metric.noun}",
            alarm_description=metric.description,
            namespace=metric.namespace,
            metric_name=metric.metric,
            dimensions=dict(metric.dimensions),
            statistic=metric.statistic,
            period=metric.seconds,
            evaluation_periods=metric.periods,
            datapoints_to_alarm=metric.periods,
            comparison_operator="GreaterThanThreshold",
            threshold=metric.most,
            treat_missing_data="notBreaching",
            alarm_actions=list(actions),
            opts=self.child(),
        )
