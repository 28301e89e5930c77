"""A budget: AWS sends a message when Amazon Redshift costs more than planned. It stops nothing."""

from __future__ import annotations

import pulumi_aws.budgets as budgets
from pulumi import ResourceOptions

from infra.component import Component

SERVICE = "Amazon Redshift"
"""The warehouse is nearly all of the cost. Tags would count only after they are activated for billing, in
the management account (Billing guide, "Activating user-defined cost allocation tags")."""


class Budget(Component):
    """A monthly budget for Redshift in this account, with messages at 80 percent and by forecast."""

    def __init__(self, name: str, dollars: int, address: str, opts: ResourceOptions) -> None:
        super().__init__(name, opts)
        budgets.Budget(
            name,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(dollars),
            limit_unit="USD",
            cost_filters=[{"name": "Service", "values": [SERVICE]}],
            notifications=[
                {
                    "comparison_operator": "GREATER_THAN",
                    "notification_type": kind,
                    "threshold": percent,
                    "threshold_type": "PERCENTAGE",
                    "subscriber_email_addresses": [address],
                }
                for kind, percent in (("ACTUAL", 80), ("FORECASTED", 100))
            ],
            opts=self.child(),
        )
        self.register_outputs({})
