"""Daily snapshots of a serverless namespace, which keeps recovery points for one day only.

They outlive the namespace: after `pulumi destroy`, the last ones stay until their days are over.
"""

from __future__ import annotations

import json

import pulumi_aws.scheduler as scheduler
from pulumi import Input, ResourceOptions

from infra import policies
from infra.component import Component, json_document
from infra.roles import create_role

TARGET = "arn:aws:scheduler:::aws-sdk:redshiftserverless:createSnapshot"


class DailySnapshots(Component):
    """A schedule that calls CreateSnapshot once a day (EventBridge Scheduler user guide, "Universal targets")."""

    def __init__(
        self,
        name: str,
        namespace_name: str,
        namespace_arn: Input[str],
        keep_days: int,
        opts: ResourceOptions,
    ) -> None:
        super().__init__(name, opts)
        policy = json_document(policies.make_snapshots, namespace_arn)
        request = {
            "NamespaceName": namespace_name,
            "SnapshotName": f"{namespace_name}-<aws.scheduler.execution-id>",
            "RetentionPeriod": keep_days,
        }
        scheduler.Schedule(
            name,
            description=f"A snapshot of {namespace_name} every day",
            schedule_expression="rate(1 days)",
            flexible_time_window={"mode": "FLEXIBLE", "maximum_window_in_minutes": 60},
            target={
                "arn": TARGET,
                "role_arn": create_role(self, "role", ("scheduler.amazonaws.com",), policy),
                "input": json.dumps(request),
            },
            opts=self.child(),
        )
        self.register_outputs({})
