"""The log: one item per upload."""

from __future__ import annotations

import pulumi_aws.dynamodb as dynamodb
from pulumi import ResourceOptions

from infra.component import Component
from infra.settings import StackSettings

HASH_KEY = "table_name"
RANGE_KEY = "landed_key"


class LogTable(Component):
    """A DynamoDB table: on demand, restorable to any point of the last 35 days."""

    def __init__(self, name: str, settings: StackSettings, opts: ResourceOptions) -> None:
        super().__init__(name, opts)
        table = dynamodb.Table(
            name,
            billing_mode="PAY_PER_REQUEST",
            hash_key=HASH_KEY,
            range_key=RANGE_KEY,
            attributes=[{"name": HASH_KEY, "type": "S"}, {"name": RANGE_KEY, "type": "S"}],
            point_in_time_recovery={"enabled": True},
            server_side_encryption={"enabled": True},
            deletion_protection_enabled=settings.protect_data,
            opts=self.child(protect=settings.protect_data),
        )
        self.arn = table.arn
        self.table_name = table.name
        self.register_outputs({})
