"""CloudWatch alarms: undelivered events, failed executions, executions that timed out, damaged ledgers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.sns as sns
from pulumi import Input, Output, ResourceOptions

from etl_core.model.names import LEDGER_FAULTS, METRIC_DIMENSION, METRIC_NAMESPACE
from infra.component import Component
from infra.functions import LoaderFunction
from infra.stack_settings import StackSettings
from infra.workflow import LoadWorkflow

PERIOD_SECONDS = 300


@dataclass(frozen=True)
class ZeroMetric:
    """A metric that should stay at zero. The alarm goes off when it is above."""

    noun: str
    description: str
    namespace: str
    metric: str
    statistic: str
    dimensions: Mapping[str, Input[str]]


def zero_metrics(workflow: LoadWorkflow, reconcile: LoaderFunction) -> tuple[ZeroMetric, ...]:
    """Return the metrics that have an alarm."""
    state_machine = {"StateMachineArn": workflow.state_machine_arn}
    return (
        ZeroMetric(
            "dead-letters",
            "Events that started no execution; they are in the dead-letter queue",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            "Maximum",
            {"QueueName": workflow.dead_letter_queue_name},
        ),
        ZeroMetric(
            "failed-loads",
            "Uploads that were rejected or failed; the log has the reason",
            "AWS/States",
            "ExecutionsFailed",
            "Sum",
            state_machine,
        ),
        ZeroMetric(
            "timed-out-loads",
            "Executions of the load workflow that timed out",
            "AWS/States",
            "ExecutionsTimedOut",
            "Sum",
            state_machine,
        ),
        ZeroMetric(
            "ledger-faults",
            "Ledgers that are damaged or do not know uploads that were loaded; run etl reconcile",
            METRIC_NAMESPACE,
            LEDGER_FAULTS,
            "Maximum",
            {METRIC_DIMENSION: reconcile.function_name},
        ),
    )


class Alarms(Component):
    """One alarm for each metric. With `alarmEmail`, an SNS topic sends them to that address.

    AWS first asks the address to confirm the subscription.
    """

    def __init__(
        self,
        name: str,
        settings: StackSettings,
        workflow: LoadWorkflow,
        reconcile: LoaderFunction,
        opts: ResourceOptions,
    ) -> None:
        super().__init__(name, opts)
        actions = [self._topic(settings.alarm_email)] if settings.alarm_email else []
        for metric in zero_metrics(workflow, reconcile):
            self._alarm(metric, actions)
        self.register_outputs({})

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
            evaluation_periods=1,
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            treat_missing_data="notBreaching",
            alarm_actions=list(actions),
            opts=self.child(),
        )
