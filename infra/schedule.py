"""When the reconcile function runs: every N hours, once soon after the first `up`, and often to count
the pending uploads.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import pulumi
import pulumi_aws.cloudwatch as cloudwatch
import pulumi_aws.scheduler as scheduler
from pulumi import Output, ResourceOptions

from infra import policies
from infra.component import Component, after, json_document
from infra.functions import LoaderFunction, invoke_by_rule
from infra.roles import create_role

FIRST_RUN = timedelta(minutes=10)
"""S3 needs about five minutes until it sends events for a bucket (S3 user guide, "Enabling Amazon
EventBridge"). What was uploaded before is found by this run."""


LOOK_EVERY = timedelta(minutes=15)
"""How often the pending uploads are counted, for the alarm and the dashboard."""


def render_rate(every: timedelta) -> str:
    """Return the rate expression of whole hours, or of whole minutes.

    The unit is singular for 1 (EventBridge user guide, "Rate expressions").
    """
    minutes = int(every.total_seconds()) // 60
    count, unit = (minutes, "minute") if minutes % 60 else (minutes // 60, "hour")
    return f"rate({count} {unit}{'' if count == 1 else 's'})"


def render_time(at: datetime) -> str:
    """Return the expression of a time in UTC (EventBridge Scheduler user guide, "One-time schedules")."""
    return f"at({at.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%S')})"


def utc_now() -> datetime:
    """Return the current time."""
    return datetime.now(UTC)


class FirstRun(Component):
    """One invocation of a function, ten minutes after the resources `since` exist.

    Later ups keep the time of the first one.
    """

    def __init__(
        self,
        name: str,
        function: LoaderFunction,
        request: Mapping[str, str],
        since: pulumi.Resource,
        opts: ResourceOptions,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(name, opts)
        policy = json_document(policies.invoke, function.arn)
        ready: Output[str] = after(function.arn, since)
        scheduler.Schedule(
            name,
            description=f"Invokes {function.name} once, after S3 has begun to send events",
            schedule_expression=ready.apply(lambda _: render_time(now() + FIRST_RUN)),
            flexible_time_window={"mode": "OFF"},
            target={
                "arn": function.arn,
                "role_arn": create_role(self, "role", ("scheduler.amazonaws.com",), policy),
                "input": json.dumps(dict(request)),
            },
            opts=self.child(ignore_changes=["scheduleExpression"]),
        )
        self.register_outputs({})


class Schedule(Component):
    """A rule that invokes a function with a fixed request, again and again."""

    def __init__(
        self,
        name: str,
        every: timedelta,
        function: LoaderFunction,
        request: Mapping[str, str],
        opts: ResourceOptions,
    ) -> None:
        super().__init__(name, opts)
        rule = cloudwatch.EventRule(
            name,
            description=f"Invokes {function.name} at a {render_rate(every)}",
            schedule_expression=render_rate(every),
            opts=self.child(),
        )
        self.rule_name = rule.name
        invoke_by_rule(self, rule, name, function, json.dumps(dict(request)))
        self.register_outputs({})
