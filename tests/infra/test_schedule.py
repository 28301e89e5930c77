"""The reconcile schedule, which is off by default."""

import json

import pytest

from infra.schedule import render_rate
from tests.infra.engine import Stack

RULE, TARGET = "aws:cloudwatch/eventRule:EventRule", "aws:cloudwatch/eventTarget:EventTarget"
PERMISSION = "aws:lambda/permission:Permission"
SCHEDULE = "-reconcile-schedule"


def test_there_is_no_schedule_by_default(plain: Stack):
    assert not [r.name for r in plain.resources if r.name.endswith(SCHEDULE)]


def test_the_schedule_invokes_the_reconcile_function_for_the_whole_lake(everything: Stack):
    rule, target = everything.one(RULE, SCHEDULE), everything.one(TARGET, SCHEDULE)
    function = everything.one("aws:lambda/function:Function", "-reconcile")
    assert rule.inputs["scheduleExpression"] == "rate(6 hours)"
    assert json.loads(target.inputs["input"]) == {"kind": "lake"}
    assert target.depends_on(function)
    assert target.depends_on(rule)


def test_only_this_rule_can_invoke_the_function(everything: Stack):
    permission = everything.one(PERMISSION, SCHEDULE)
    assert permission.inputs["principal"] == "events.amazonaws.com"
    assert permission.inputs["sourceArn"].endswith(everything.one(RULE, SCHEDULE).name)
    assert everything.one(TARGET, SCHEDULE).depends_on(permission)


@pytest.mark.parametrize(("hours", "rate"), [(1, "rate(1 hour)"), (24, "rate(24 hours)")])
def test_a_rate_of_one_hour_is_singular(hours, rate):
    assert render_rate(hours) == rate
