"""Limits of the cost: the capacity, the RPU hours of a month, a budget. Everything has the stack's tags."""

from __future__ import annotations

import pytest

from infra.stack_settings import ConfigurationError, parse_settings
from tests.infra.engine import Stack

WORKGROUP = "aws:redshiftserverless/workgroup:Workgroup"
LIMIT = "aws:redshiftserverless/usageLimit:UsageLimit"
BUDGET = "aws:budgets/budget:Budget"


def test_without_settings_there_is_no_limit(plain: Stack):
    assert "maxCapacity" not in plain.one(WORKGROUP).inputs
    assert not plain.has(LIMIT)
    assert not plain.has(BUDGET)


def test_a_serverless_warehouse_has_its_limits(iam: Stack):
    workgroup, limit = iam.one(WORKGROUP), iam.one(LIMIT).inputs
    assert workgroup.inputs["maxCapacity"] == 64
    assert limit["resourceArn"].endswith(workgroup.name)
    assert (limit["usageType"], limit["period"]) == ("serverless-compute", "monthly")
    assert (limit["amount"], limit["breachAction"]) == (200, "deactivate")


def test_the_budget_sends_its_messages_to_the_address_of_the_alarms(everything: Stack):
    budget = everything.one(BUDGET).inputs
    assert (budget["limitAmount"], budget["limitUnit"]) == ("500", "USD")
    assert {n["notificationType"] for n in budget["notifications"]} == {"ACTUAL", "FORECASTED"}
    for notification in budget["notifications"]:
        assert notification["subscriberEmailAddresses"] == ["oncall@example.com"]


@pytest.mark.parametrize("value", ["-2", "4", "12", "5640"])
def test_a_capacity_that_redshift_does_not_have_is_refused(value: str):
    with pytest.raises(ConfigurationError, match="warehouseMaxCapacity"):
        parse_settings({"warehouseMaxCapacity": value})


@pytest.mark.parametrize("value", ["-1", "0", "8", "5632"])
def test_a_limit_can_be_set_and_lifted(value: str):
    assert parse_settings({"warehouseMaxCapacity": value}).warehouse_max_capacity == int(value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"budgetPerMonth": "5"}, "alarmEmail is empty"),
        (
            {"warehouseMaxCapacity": "8", "warehouseBaseCapacity": "16"},
            "at least the base capacity",
        ),
        ({"warehouseKind": "provisioned", "warehouseMaxCapacity": "8"}, "rm warehouseMaxCapacity"),
        (
            {"warehouseKind": "provisioned", "warehouseRpuHoursPerMonth": "1"},
            "rm warehouseRpuHours",
        ),
    ],
)
def test_limits_that_cannot_work_are_refused(settings: dict[str, str], says: str):
    with pytest.raises(ConfigurationError, match=says):
        parse_settings(settings)


def test_every_resource_gets_the_tags_from_the_provider(any_stack: Stack):
    """AWS's own resources that have tags get the provider's default ones."""
    [provider] = any_stack.of("pulumi:providers:aws")
    tags = provider.json("defaultTags")["tags"]
    assert {"project", "stack"} <= set(tags)
    ours = [r for r in any_stack.resources if r.typ.startswith("aws:")]
    assert ours
    assert all(resource.provider.split("::")[-2] == provider.name for resource in ours)
