"""A schedule: invokes a function every N hours."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.lambda_ as lambda_
from pulumi import ResourceOptions

from infra.component import Component
from infra.functions import LoaderFunction


def render_rate(hours: int) -> str:
    """Return the rate expression.

    The unit is singular for 1 (EventBridge user guide, "Rate expressions").
    """
    return f"rate({hours} hour{'' if hours == 1 else 's'})"


class Schedule(Component):
    """A rule that invokes a function with a fixed request."""

    def __init__(
        self,
        name: str,
        hours: int,
        function: LoaderFunction,
        request: Mapping[str, str],
        opts: ResourceOptions,
    ) -> None:
        super().__init__(name, opts)
        rule = cloudwatch.EventRule(
            name,
            description=f"Invokes {function.name} every {hours} h",
            schedule_expression=render_rate(hours),
            opts=self.child(),
        )
        permission = lambda_.Permission(
            name,
            action="lambda:InvokeFunction",
            function=function.function_name,
            principal="events.amazonaws.com",
            source_arn=rule.arn,
            opts=self.child(),
        )
        cloudwatch.EventTarget(
            name,
            rule=rule.name,
            arn=function.arn,
            input=json.dumps(dict(request)),
            opts=self.child(depends_on=[permission]),
        )
        self.register_outputs({})
