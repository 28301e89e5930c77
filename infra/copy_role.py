"""The role that the warehouse takes to read files: COPY runs as the warehouse, not as the load function."""

from __future__ import annotations

from pulumi import ResourceOptions

from infra import policies
from infra.component import Component, json_document
from infra.lake import Lake
from infra.role import create_role


class CopyRole(Component):
    """Read access to the two buckets, for Redshift of either kind."""

    def __init__(self, name: str, lake: Lake, opts: ResourceOptions) -> None:
        super().__init__(name, opts)
        policy = json_document(policies.copy_data, lake.lake.arn, lake.work.arn)
        self.arn = create_role(
            self, "role", ("redshift.amazonaws.com", "redshift-serverless.amazonaws.com"), policy
        )
        self.register_outputs({})
