"""What goes wrong half way, and what the next command makes of it."""

from __future__ import annotations

import pytest

from tests.engine import aws
from tests.engine.conftest import LONG
from tests.engine.stack import Engine

PLACES = 20


@LONG
def test_an_up_that_fails_at_twenty_places_is_finished_by_the_next(engine: Engine):
    """Each `up` goes on where the one before failed; nothing is created twice, nothing is left over."""
    stack = engine.open()
    stack.configure({})
    account = engine.provider.account
    failures = 0
    for _ in range(PLACES):
        account.faults = aws.Faults(creates=frozenset({account.calls.get("create", 0) + 6}))
        run = stack.up()
        failures += "InternalFailure" in run.error
        if not run.error:
            break
    assert failures >= 15
    account.faults = aws.Faults()
    assert not stack.up().error
    assert stack.up().changes == []
    in_state = {
        (resource["type"], resource["id"])
        for resource in stack.state().deployment["resources"]
        if resource.get("custom") and resource["type"].startswith("aws:")
    }
    assert in_state == set(account.entries)


@LONG
def test_a_destroy_that_fails_is_finished_by_the_next(engine: Engine):
    stack = engine.open()
    stack.configure({})
    assert not stack.up().error
    account = engine.provider.account
    account.faults = aws.Faults(deletes=frozenset({1, 30, 60, 90}))
    failures = 0
    while (run := stack.destroy()).error:
        assert "InternalFailure" in run.error
        failures += 1
    assert failures >= 2
    assert account.entries == {}


@LONG
def test_an_up_after_a_destroy_that_failed_restores_the_stack(engine: Engine):
    stack = engine.open()
    stack.configure({})
    assert not stack.up().error
    account = engine.provider.account
    whole = len(account.entries)
    account.faults = aws.Faults(deletes=frozenset({40}))
    assert stack.destroy().error
    account.faults = aws.Faults()
    assert not stack.up().error
    assert len(account.entries) == whole


@LONG
def test_what_changed_outside_is_set_back(engine: Engine):
    """`pulumi up --refresh` finds a changed and a deleted resource."""
    stack = engine.open()
    stack.configure({})
    assert not stack.up().error
    account = engine.provider.account
    group = account.of("aws:cloudwatch/logGroup:LogGroup")[0]
    group.inputs = {**group.inputs, "retentionInDays": 1}
    group.outputs = {**group.outputs, "retentionInDays": 1}
    alarm = account.of("aws:cloudwatch/metricAlarm:MetricAlarm")[0]
    del account.entries[alarm.type, alarm.id]
    run = stack.up(refresh=True)
    assert not run.error
    assert {(step.op, step.type) for step in run.changes} >= {
        ("update", group.type),
        ("create", alarm.type),
    }
    assert account.entries[group.type, group.id].inputs["retentionInDays"] == 30
    assert len(account.of(alarm.type)) > 1


@LONG
def test_two_stacks_in_one_account_do_not_touch_each_other(engine: Engine):
    first, second = engine.open("dev"), engine.open("prod")
    for stack in (first, second):
        stack.configure({})
        assert not stack.up().error
    account = engine.provider.account
    both = len(account.entries)
    assert not first.destroy().error
    assert len(account.entries) == both // 2
    assert second.up().changes == []


@LONG
def test_another_account_than_the_allowed_one_is_refused(engine: Engine):
    stack = engine.open()
    stack.configure({}, allowedAccountIds=["999999999999"])
    run = stack.up()
    assert "AWS account ID not allowed: 123456789012" in run.error
    assert engine.provider.account.entries == {}


@LONG
def test_a_name_that_is_taken_stops_the_up_and_deletes_nothing(engine: Engine):
    """The workgroup's and the namespace's names are fixed; somebody else's stay."""
    account = engine.provider.account
    name = "redshift-lake-loader-dev-warehouse"
    account.create(aws.NAMESPACE, "other", {"namespaceName": name, "dbName": "theirs"})
    account.fill()
    stack = engine.open()
    stack.configure({})
    run = stack.up()
    assert f"the name {name} is taken" in run.error
    assert not stack.destroy().error
    assert [entry.inputs["dbName"] for entry in account.of(aws.NAMESPACE)] == ["theirs"]
    assert account.lost == []


@LONG
@pytest.mark.parametrize("kind", ["serverless", "provisioned"])
def test_a_protected_stack_keeps_everything(engine: Engine, kind: str):
    stack = engine.open()
    stack.configure({"protectData": True, "warehouseKind": kind})
    assert not stack.up().error
    engine.provider.account.fill()
    account = engine.provider.account
    before = set(account.entries)
    assert "protect" in stack.destroy().error
    assert set(account.entries) == before

    # Without the preview the engine deletes the others first. The data stay.
    assert "protect" in stack.destroy_without_preview().error
    assert set(account.contents) <= set(account.entries)
    assert account.lost == []


@LONG
def test_other_zones_of_aws_do_not_move_a_cluster(engine: Engine):
    stack = engine.open()
    stack.configure({"warehouseKind": "provisioned"})
    assert not stack.up().error
    engine.provider.account.fill()
    engine.provider.account.zones = aws.ALL_ZONES[1:]
    stack.configure({"warehouseKind": "provisioned", "warehouseNodeType": "ra3.xlplus"})
    run = stack.up()
    assert not run.error
    assert run.ops(aws.SUBNET) == set()
    assert run.ops(aws.CLUSTER) == {"update"}
    assert engine.provider.account.lost == []
