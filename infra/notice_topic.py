"""Where notices go: the event bus of the account, an SNS topic with its subscriber, and a webhook.

The state machine sends them (infra/notices.py). Companies add rules of their own on the bus, or
subscriptions of the topic with a filter on its attributes.
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.sns as sns
from pulumi import Input, InvokeOptions, Output, ResourceOptions
from pulumi_aws.get_caller_identity import get_caller_identity_output
from pulumi_aws.get_partition import get_partition_output
from pulumi_aws.get_region import get_region_output

from infra.component import Component
from infra.function_specs import webhook_spec
from infra.functions import Code, LoaderFunction, invoke_by_rule
from infra.notices import BUS, render_event_pattern
from infra.stack_settings import StackSettings

SNS_KEY = "alias/aws/sns"
"""AWS's own key. Roles of the account may publish to a topic with it, which AWS's services may not
(SNS developer guide, "Key management")."""


class Notices(Component):
    """The topic, with `notifyEmail` as its subscriber, and the function that calls a webhook.

    `rules` and `functions` are what the alarms watch; both are empty without a webhook.
    """

    def __init__(
        self, name: str, settings: StackSettings, stack: str, code: Code, opts: ResourceOptions
    ) -> None:
        super().__init__(name, opts)
        key = settings.kms_key_arn or SNS_KEY
        topic = sns.Topic(name, kms_master_key_id=key, opts=self.child())
        self.topic_arn = topic.arn
        self.bus_arn = self._bus_arn()
        if settings.notify_email is not None:
            sns.TopicSubscription(
                name,
                topic=topic.arn,
                protocol="email",
                endpoint=settings.notify_email,
                opts=self.child(),
            )
        self.rules: Mapping[str, Input[str]] = {}
        self.functions: Mapping[str, LoaderFunction] = {}
        if settings.notify_webhook_secret_arn is not None:
            spec = webhook_spec(settings.notify_webhook_secret_arn, settings.notify_webhook_kind)
            function = LoaderFunction(f"{name}-webhook", spec, code, self.child())
            self.functions = {"webhook": function}
            self.rules = {"webhook": self._rule(function, stack)}
        self.register_outputs({})

    def _bus_arn(self) -> Output[str]:
        invoke = InvokeOptions(parent=self)
        return Output.format(
            "arn:{0}:events:{1}:{2}:event-bus/{3}",
            get_partition_output(opts=invoke).partition,
            get_region_output(opts=invoke).region,
            get_caller_identity_output(opts=invoke).account_id,
            BUS,
        )

    def _rule(self, function: LoaderFunction, stack: str) -> Output[str]:
        """Invoke the function with each notice of this stack. Lambda retries it twice."""
        name = f"{self.name}-webhook"
        rule = cloudwatch.EventRule(
            name,
            description="Sends each notice of a refused upload to the webhook",
            event_pattern=Output.json_dumps(render_event_pattern(stack)),
            opts=self.child(),
        )
        invoke_by_rule(self, rule, name, function)
        return rule.name
