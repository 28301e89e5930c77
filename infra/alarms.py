"""The alarms: an event that started nothing, and an upload that was not loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.sns as sns
from pulumi import Input, Output, ResourceOptions

from infra.component import Component
from infra.stack_settings import StackSettings
from infra.workflow import LoadWorkflow

PERIOD_SECONDS = 300


@dataclass(frozen=True)
class Watch:
    """One metric that should stay at zero."""

    noun: str
    description: str
    namespace: str
    metric: str
    statistic: str
    dimensions: Mapping[str, Input[str]]


def watches(workflow: LoadWorkflow) -> tuple[Watch, ...]:
    machine = {"StateMachineArn": workflow.state_machine_arn}
    return (
        Watch(
            "dead-letters",
            "Uploads whose event started no load: they wait in the dead-letter queue",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            "Maximum",
            {"QueueName": workflow.dead_letter_queue_name},
        ),
        Watch(
            "failed-loads",
            "Uploads that were rejected or could not be loaded: the log says why",
            "AWS/States",
            "ExecutionsFailed",
            "Sum",
            machine,
        ),
        Watch(
            "timed-out-loads",
            "Load executions that timed out",
            "AWS/States",
            "ExecutionsTimedOut",
            "Sum",
            machine,
        ),
    )


class Alarms(Component):
    """One alarm per watch; with `alarmEmail`, also the topic that sends them there (AWS asks the address to confirm)."""

    def __init__(
        self, name: str, settings: StackSettings, workflow: LoadWorkflow, opts: ResourceOptions
    ) -> None:
        super().__init__(name, opts)
        actions = [self._topic(settings.alarm_email)] if settings.alarm_email else []
        for watch in watches(workflow):
            self._alarm(watch, actions)
        self.register_outputs({})

    def _topic(self, address: str) -> Output[str]:
        topic = sns.Topic(self.name, opts=self.child())
        sns.TopicSubscription(
            self.name, topic=topic.arn, protocol="email", endpoint=address, opts=self.child()
        )
        return topic.arn

    def _alarm(self, watch: Watch, actions: list[Output[str]]) -> None:
        cloudwatch.MetricAlarm(
            f"{self.name}-{watch.noun}",
            alarm_description=watch.description,
            namespace=watch.namespace,
            metric_name=watch.metric,
            dimensions=dict(watch.dimensions),
            statistic=watch.statistic,
            period=PERIOD_SECONDS,
            evaluation_periods=1,
            comparison_operator="GreaterThanThreshold",
            threshold=0,
            treat_missing_data="notBreaching",
            alarm_actions=list(actions),
            opts=self.child(),
        )
