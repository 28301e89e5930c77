"""The lease table: a DynamoDB table that says which execution loads into a table now.

It holds nothing that must be kept: without it, loads wait for each other in the warehouse.
"""

from __future__ import annotations

import pulumi_aws.dynamodb as dynamodb
from pulumi import ResourceOptions

from etl_core.model.leases import EXPIRES_AT, LEASE_KEY
from infra.component import Component
from infra.log_table import table_encryption
from infra.stack_settings import StackSettings


class LeaseTable(Component):
    """A DynamoDB table, billed on demand. DynamoDB deletes leases that nobody gave back."""

    def __init__(self, name: str, settings: StackSettings, opts: ResourceOptions) -> None:
        super().__init__(name, opts)
        table = dynamodb.Table(
            name,
            billing_mode="PAY_PER_REQUEST",
            hash_key=LEASE_KEY,
            attributes=[{"name": LEASE_KEY, "type": "S"}],
            ttl={"attribute_name": EXPIRES_AT, "enabled": True},
            server_side_encryption=table_encryption(settings),
            opts=self.child(),
        )
        self.arn = table.arn
        self.table_name = table.name
        self.register_outputs({})
