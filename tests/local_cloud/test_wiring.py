"""What the stand-in for AWS does not enforce, checked on what was deployed: service roles, trust, logs, permissions.

It lets a state machine call a function that its role may not call, and a rule start a machine without any role; AWS does
not. So the policies themselves are asked: `iam:SimulatePrincipalPolicy` with the action that the service would take.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from local_cloud.cloud import LocalCloud
from local_cloud.deploy import Deployed, Deployment

FUNCTION = "aws:lambda/function:Function"
MACHINE = "aws:sfn/stateMachine:StateMachine"
TARGET = "aws:cloudwatch/eventTarget:EventTarget"
ROLE = "aws:iam/role:Role"


@dataclass(frozen=True)
class Deed:
    """What a service does in a role."""

    role_arn: str
    action: str
    resource: str

    def __str__(self) -> str:
        return (
            f"{self.role_arn.rpartition('/')[2]} {self.action} {self.resource.rpartition(':')[2]}"
        )


def deeds(deployment: Deployment) -> Iterator[Deed]:
    """Everything that services do for the program, derived from what was deployed."""
    for machine in deployment.of_type(MACHINE):
        for state in tasks(json.loads(machine.inputs["definition"])):
            yield Deed(machine.inputs["roleArn"], "lambda:InvokeFunction", state["Resource"])
    for target in deployment.of_type(TARGET):
        if ":states:" in target.inputs["arn"]:
            yield Deed(target.inputs["roleArn"], "states:StartExecution", target.inputs["arn"])
    for function in deployment.of_type(FUNCTION):
        stream = (
            f"arn:aws:logs:us-east-1:000000000000:log-group:{log_group_name(function)}:log-stream:x"
        )
        yield Deed(function.inputs["role"], "logs:CreateLogStream", stream)
        yield Deed(function.inputs["role"], "logs:PutLogEvents", stream)


def tasks(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (state for state in definition["States"].values() if state["Type"] == "Task")


def log_group_name(function: Deployed) -> str:
    configured = function.inputs.get("loggingConfig", {}).get("logGroup")
    return str(configured or f"/aws/lambda/{function.outputs['name']}")


def is_allowed(cloud: LocalCloud, deed: Deed) -> bool:
    answer = cloud.aws.client("iam").simulate_principal_policy(
        PolicySourceArn=deed.role_arn, ActionNames=[deed.action], ResourceArns=[deed.resource]
    )
    return answer["EvaluationResults"][0]["EvalDecision"] == "allowed"


def trusted_services(cloud: LocalCloud, role_arn: str) -> set[str]:
    name = role_arn.rpartition("/")[2]
    document = cloud.aws.client("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    services = [statement["Principal"]["Service"] for statement in document["Statement"]]
    return {name for entry in services for name in ([entry] if isinstance(entry, str) else entry)}


def test_every_service_may_do_what_the_program_has_it_do(cloud):
    refused = [str(deed) for deed in deeds(cloud.deployment) if not is_allowed(cloud, deed)]
    assert refused == []


def test_there_is_something_to_check(cloud):
    actions = [deed.action for deed in deeds(cloud.deployment)]
    assert actions.count("lambda:InvokeFunction") == 3
    assert actions.count("states:StartExecution") == 1
    assert actions.count("logs:PutLogEvents") == 5


@pytest.mark.parametrize(
    ("type_token", "key", "service"),
    [
        (MACHINE, "roleArn", "states.amazonaws.com"),
        (FUNCTION, "role", "lambda.amazonaws.com"),
        (TARGET, "roleArn", "events.amazonaws.com"),
    ],
)
def test_roles_trust_the_service_that_takes_them_and_no_other(cloud, type_token, key, service):
    for item in cloud.deployment.of_type(type_token):
        if key in item.inputs:
            assert trusted_services(cloud, item.inputs[key]) == {service}, item.name


def test_only_redshift_may_take_the_role_of_copy(cloud):
    arn = cloud.deployment.outputs["copy_role_arn"]
    assert trusted_services(cloud, arn) <= {
        "redshift.amazonaws.com",
        "redshift-serverless.amazonaws.com",
    }


def test_a_function_in_the_vpc_may_make_its_network_interfaces(cloud):
    in_vpc = [
        item
        for item in cloud.deployment.of_type(FUNCTION)
        if item.inputs.get("vpcConfig", {}).get("subnetIds")
    ]
    assert in_vpc
    for function in in_vpc:
        for action in (
            "CreateNetworkInterface",
            "DescribeNetworkInterfaces",
            "DeleteNetworkInterface",
        ):
            assert is_allowed(cloud, Deed(function.inputs["role"], f"ec2:{action}", "*")), (
                function.name,
                action,
            )


def test_functions_may_not_do_what_only_others_need(cloud):
    table = f"arn:aws:dynamodb:us-east-1:000000000000:table/{cloud.outputs.log_table}"
    lake = f"arn:aws:s3:::{cloud.outputs.lake_bucket}/dev/append/t/x.csv"
    secret = cloud.deployment.outputs["warehouse_secret_arn"]
    roles = {
        item.inputs["handler"].split(".")[1]: item.inputs["role"]
        for item in cloud.deployment.of_type(FUNCTION)
    }
    forbidden = [
        Deed(roles["query"], "dynamodb:UpdateItem", table),
        Deed(roles["query"], "dynamodb:DeleteItem", table),
        Deed(roles["query"], "secretsmanager:GetSecretValue", secret),
        Deed(roles["record"], "secretsmanager:GetSecretValue", secret),
        Deed(roles["record"], "s3:GetObject", lake),
        Deed(roles["reconcile"], "dynamodb:DeleteItem", table),
        Deed(roles["reconcile"], "secretsmanager:GetSecretValue", secret),
        Deed(roles["reconcile"], "s3:GetObject", lake),
        Deed(roles["tables"], "dynamodb:UpdateItem", table),
        Deed(roles["tables"], "s3:DeleteObject", lake),
        Deed(roles["load"], "dynamodb:UpdateItem", table),
        Deed(roles["load"], "s3:PutObject", lake),
        Deed(roles["load"], "s3:DeleteObject", lake),
    ]
    assert [str(deed) for deed in forbidden if is_allowed(cloud, deed)] == []


def test_no_policy_allows_everything_on_everything(cloud):
    for item in cloud.deployment.of_type("aws:iam/rolePolicy:RolePolicy"):
        for statement in json.loads(item.inputs["policy"])["Statement"]:
            actions = (
                statement["Action"]
                if isinstance(statement["Action"], list)
                else [statement["Action"]]
            )
            assert not any(
                action == "*" or action.endswith(":*")
                for action in actions
                if statement["Effect"] == "Allow"
            )


def test_the_dead_letter_queue_takes_what_the_rule_sends_and_nothing_else(cloud):
    (target,) = cloud.deployment.of_type(TARGET)
    queue_arn = target.inputs["deadLetterConfig"]["arn"]
    (policy,) = cloud.deployment.of_type("aws:sqs/queuePolicy:QueuePolicy")
    (statement,) = json.loads(policy.inputs["policy"])["Statement"]
    (rule,) = cloud.deployment.of_type("aws:cloudwatch/eventRule:EventRule")
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] in ("sqs:SendMessage", ["sqs:SendMessage"])
    assert statement["Resource"] in (queue_arn, [queue_arn])
    assert rule.outputs["arn"] in json.dumps(statement["Condition"])


def test_the_api_may_call_the_function_that_answers_it(cloud):
    (permission,) = cloud.deployment.of_type("aws:lambda/permission:Permission")
    (query,) = [
        f
        for f in cloud.deployment.of_type(FUNCTION)
        if f.inputs["handler"] == "handlers.query.handler"
    ]
    (api,) = cloud.deployment.of_type("aws:apigateway/restApi:RestApi")
    assert permission.inputs["function"] in (query.outputs["name"], query.outputs["arn"])
    assert permission.inputs["principal"] == "apigateway.amazonaws.com"
    assert permission.inputs["sourceArn"].startswith(api.outputs["executionArn"])


def test_the_simulation_notices_a_missing_right(cloud):
    (machine,) = cloud.deployment.of_type(MACHINE)
    assert not is_allowed(
        cloud,
        Deed(
            machine.inputs["roleArn"],
            "lambda:InvokeFunction",
            "arn:aws:lambda:us-east-1:0:function:x",
        ),
    )
