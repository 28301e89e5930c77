"""The schedule's rule, permission and request in the AWS server."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from pulumi import ResourceOptions

from infra.schedule import Schedule
from local_cloud.deploy import deploy


def test_a_schedule_calls_the_function_with_its_request(cloud, tmp_path) -> None:
    name = cloud.outputs.reconcile_function
    arn = cloud.aws.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
    function: Any = SimpleNamespace(name=name, arn=arn, function_name=name)

    def program() -> None:
        Schedule("every-day", timedelta(hours=24), function, {"kind": "lake"}, ResourceOptions())

    context = replace(cloud.context, working_directory=tmp_path)
    result = deploy(program, context, "small", {"aws:region": cloud.aws.region})

    events = cloud.aws.client("events")
    [rule] = result.of_type("aws:cloudwatch/eventRule:EventRule")
    assert events.describe_rule(Name=rule.id)["ScheduleExpression"] == "rate(24 hours)"
    [target] = events.list_targets_by_rule(Rule=rule.id)["Targets"]
    assert (target["Arn"], json.loads(target["Input"])) == (arn, {"kind": "lake"})
    policy = json.loads(cloud.aws.client("lambda").get_policy(FunctionName=name)["Policy"])
    rule_arn = events.describe_rule(Name=rule.id)["Arn"]
    [statement] = [
        each for each in policy["Statement"] if rule_arn in json.dumps(each.get("Condition"))
    ]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] == "lambda:InvokeFunction"
    events.remove_targets(Rule=rule.id, Ids=[target["Id"]])
    events.delete_rule(Name=rule.id)
