"""The load workflow: each object created in the lake starts one execution of the state machine.

Events that cannot be delivered go to a dead-letter queue, which has an alarm.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.sfn as sfn
import pulumi_aws.sqs as sqs
from pulumi import Input, Output, ResourceOptions

from infra import policies
from infra.component import Component, json_document
from infra.functions import LoaderFunction
from infra.lease_table import LeaseTable
from infra.log_table import LogTable
from infra.notice_topic import Notices
from infra.roles import create_role
from infra.workflow_definition import WorkflowParts, render_event_pattern, render_workflow

DAY_SECONDS = 86_400
KEEP_DEAD_LETTERS_SECONDS = 14 * DAY_SECONDS
"""The maximum of SQS."""

DELIVERY_ATTEMPTS = 185
"""The maximum of EventBridge, over one day, with exponential backoff."""


@dataclass(frozen=True)
class WorkflowSpec:
    """The resources that the workflow connects, and its limits."""

    lake_bucket: Input[str]
    load: LoaderFunction
    record: LoaderFunction
    long_copy: LoaderFunction
    log_table: LogTable
    lease_table: LeaseTable
    notices: Notices
    api_url: Input[str]
    stack: str
    load_seconds: int
    record_seconds: int
    copy_seconds: int
    log_keep_days: int
    key_arn: str | None


class LoadWorkflow(Component):
    """The state machine, the rule that starts it, and the dead-letter queue of the rule."""

    def __init__(self, name: str, spec: WorkflowSpec, opts: ResourceOptions) -> None:
        super().__init__(name, opts)
        machine = self._state_machine(spec)
        self.state_machine_arn = machine.arn
        rule = cloudwatch.EventRule(
            name,
            description="Starts the load workflow for each object created in the lake",
            event_pattern=json_document(render_event_pattern, spec.lake_bucket),
            opts=self.child(),
        )
        dead_letters = self._dead_letter_queue(rule)
        self.dead_letter_queue_url = dead_letters.url
        self.dead_letter_queue_name = dead_letters.name
        self.rule_name = rule.name
        self._target(rule, machine, dead_letters)
        self.register_outputs({})

    def _state_machine(self, spec: WorkflowSpec) -> sfn.StateMachine:
        logs = cloudwatch.LogGroup(
            f"{self.name}-logs",
            name=f"/aws/vendedlogs/states/{self.name}",
            retention_in_days=spec.log_keep_days,
            kms_key_id=spec.key_arn,
            opts=self.child(),
        )
        function_arns = Output.all(spec.load.arn, spec.record.arn, spec.long_copy.arn)
        table_arns = Output.all(spec.log_table.arn, spec.lease_table.arn)
        notices = Output.all(spec.log_table.arn, spec.notices.topic_arn, spec.notices.bus_arn)
        keys = policies.use_keys(spec.key_arn, (), ["dynamodb", "sns"])
        sending = notices.apply(lambda known: [*policies.send_notices(*known), *keys])
        policy = json_document(policies.run_loads, function_arns, table_arns, sending)
        return sfn.StateMachine(
            self.name,
            type="STANDARD",
            role_arn=create_role(self, "machine", ("states.amazonaws.com",), policy),
            definition=json_document(
                lambda *known: render_workflow(WorkflowParts(*known)),
                spec.load.arn,
                spec.record.arn,
                spec.long_copy.arn,
                spec.log_table.table_name,
                spec.lease_table.table_name,
                spec.load_seconds,
                spec.record_seconds,
                spec.copy_seconds,
                spec.notices.topic_arn,
                spec.api_url,
                spec.stack,
            ),
            logging_configuration={
                "level": "ERROR",
                "include_execution_data": False,
                "log_destination": Output.concat(logs.arn, ":*"),
            },
            opts=self.child(),
        )

    def _dead_letter_queue(self, rule: cloudwatch.EventRule) -> sqs.Queue:
        name = f"{self.name}-dead-letters"
        queue = sqs.Queue(
            name,
            message_retention_seconds=KEEP_DEAD_LETTERS_SECONDS,
            sqs_managed_sse_enabled=True,
            opts=self.child(),
        )
        policy = json_document(policies.accept_dead_letters, queue.arn, rule.arn)
        sqs.QueuePolicy(name, queue_url=queue.url, policy=policy, opts=self.child())
        return queue

    def _target(
        self, rule: cloudwatch.EventRule, machine: sfn.StateMachine, dead_letters: sqs.Queue
    ) -> None:
        policy = json_document(policies.start_loads, machine.arn)
        cloudwatch.EventTarget(
            self.name,
            rule=rule.name,
            arn=machine.arn,
            role_arn=create_role(self, "starter", ("events.amazonaws.com",), policy),
            retry_policy={
                "maximum_event_age_in_seconds": DAY_SECONDS,
                "maximum_retry_attempts": DELIVERY_ATTEMPTS,
            },
            dead_letter_config={"arn": dead_letters.arn},
            opts=self.child(),
        )
