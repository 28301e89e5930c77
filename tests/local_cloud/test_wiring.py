"""Service roles, trust policies, logs and permissions of the deployed program.

The AWS server does not enforce them. It lets a state machine call a function that its role may not
call, and a rule start a state machine without a role. AWS does not. These tests therefore simulate
the policies: `iam:SimulatePrincipalPolicy` with the action of the service.
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
TABLES = "arn:aws:dynamodb:us-east-1:000000000000:table/"


@dataclass(frozen=True)
class ServiceCall:
    """An action that a service performs with a role."""

    role_arn: str
    action: str
    resource: str

    def __str__(self) -> str:
        return (
            f"{self.role_arn.rpartition('/')[2]} {self.action} {self.resource.rpartition(':')[2]}"
        )


def service_calls(deployment: Deployment) -> Iterator[ServiceCall]:
    """Yield every action of a service for the program, derived from the deployed resources."""
    for machine in deployment.of_type(MACHINE):
        for state in tasks(json.loads(machine.inputs["definition"])):
            yield from machine_calls(machine.inputs["roleArn"], state)
    for target in deployment.of_type(TARGET):
        if ":states:" in target.inputs["arn"]:
            yield ServiceCall(
                target.inputs["roleArn"], "states:StartExecution", target.inputs["arn"]
            )
    for function in deployment.of_type(FUNCTION):
        stream = (
            f"arn:aws:logs:us-east-1:000000000000:log-group:{log_group_name(function)}:log-stream:x"
        )
        yield ServiceCall(function.inputs["role"], "logs:CreateLogStream", stream)
        yield ServiceCall(function.inputs["role"], "logs:PutLogEvents", stream)


def machine_calls(role_arn: str, state: dict[str, Any]) -> Iterator[ServiceCall]:
    """Yield the calls of one task. The simulation knows no conditions, so events:PutEvents is left to tests/infra."""
    if ":lambda:" in state["Resource"]:
        yield ServiceCall(role_arn, "lambda:InvokeFunction", state["Resource"])
    arguments = state["Arguments"]
    for table in arguments.get("RequestItems", ()):
        yield ServiceCall(role_arn, "dynamodb:BatchGetItem", f"{TABLES}{table}")
    if state["Resource"].endswith("dynamodb:updateItem"):
        yield ServiceCall(role_arn, "dynamodb:UpdateItem", f"{TABLES}{arguments['TableName']}")
    if "TopicArn" in arguments:
        yield ServiceCall(role_arn, "sns:Publish", arguments["TopicArn"])


def tasks(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (state for state in definition["States"].values() if state["Type"] == "Task")


def log_group_name(function: Deployed) -> str:
    configured = function.inputs.get("loggingConfig", {}).get("logGroup")
    return str(configured or f"/aws/lambda/{function.outputs['name']}")


def is_allowed(cloud: LocalCloud, call: ServiceCall) -> bool:
    answer = cloud.aws.client("iam").simulate_principal_policy(
        PolicySourceArn=call.role_arn, ActionNames=[call.action], ResourceArns=[call.resource]
    )
    return answer["EvaluationResults"][0]["EvalDecision"] == "allowed"


def trusted_services(cloud: LocalCloud, role_arn: str) -> set[str]:
    name = role_arn.rpartition("/")[2]
    document = cloud.aws.client("iam").get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    services = [statement["Principal"]["Service"] for statement in document["Statement"]]
    return {name for entry in services for name in ([entry] if isinstance(entry, str) else entry)}


def test_every_service_has_the_permissions_that_it_needs(cloud):
    refused = [str(call) for call in service_calls(cloud.deployment) if not is_allowed(cloud, call)]
    assert refused == []


def test_the_expected_number_of_service_calls_is_checked(cloud):
    actions = [call.action for call in service_calls(cloud.deployment)]
    assert actions.count("lambda:InvokeFunction") == 4
    assert actions.count("dynamodb:BatchGetItem") == 2
    assert actions.count("states:StartExecution") == 1
    assert actions.count("logs:PutLogEvents") == 7
    assert actions.count("sns:Publish") == 1
    assert actions.count("dynamodb:UpdateItem") == 1


@pytest.mark.parametrize(
    ("type_token", "key", "service"),
    [
        (MACHINE, "roleArn", "states.amazonaws.com"),
        (FUNCTION, "role", "lambda.amazonaws.com"),
        (TARGET, "roleArn", "events.amazonaws.com"),
    ],
)
def test_a_role_trusts_only_the_service_that_assumes_it(cloud, type_token, key, service):
    for item in cloud.deployment.of_type(type_token):
        if key in item.inputs:
            assert trusted_services(cloud, item.inputs[key]) == {service}, item.name


def test_only_redshift_may_assume_the_copy_role(cloud):
    arn = cloud.deployment.outputs["copy_role_arn"]
    assert trusted_services(cloud, arn) <= {
        "redshift.amazonaws.com",
        "redshift-serverless.amazonaws.com",
    }


def test_a_function_in_the_vpc_may_create_its_network_interfaces(cloud):
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
            assert is_allowed(cloud, ServiceCall(function.inputs["role"], f"ec2:{action}", "*")), (
                function.name,
                action,
            )


def test_functions_do_not_have_permissions_that_only_others_need(cloud):
    table = f"{TABLES}{cloud.outputs.log_table}"
    (leases,) = [
        item.outputs["arn"]
        for item in cloud.deployment.of_type("aws:dynamodb/table:Table")
        if item.name.endswith("-leases")
    ]
    lake = f"arn:aws:s3:::{cloud.outputs.lake_bucket}/dev/append/t/x.csv"
    secret = cloud.deployment.outputs["warehouse_secret_arn"]
    administrator = cloud.deployment.outputs["warehouse_administrator_secret_arn"]
    roles = {
        item.inputs["handler"].split(".")[1]: item.inputs["role"]
        for item in cloud.deployment.of_type(FUNCTION)
    }
    forbidden = [
        ServiceCall(roles["query"], "dynamodb:UpdateItem", table),
        ServiceCall(roles["query"], "dynamodb:DeleteItem", table),
        *(
            ServiceCall(role, "secretsmanager:GetSecretValue", administrator)
            for noun, role in roles.items()
            if noun != "bootstrap"
        ),
        ServiceCall(roles["load"], "secretsmanager:PutSecretValue", secret),
        ServiceCall(roles["bootstrap"], "s3:GetObject", lake),
        ServiceCall(roles["bootstrap"], "dynamodb:Query", table),
        ServiceCall(roles["bootstrap"], "secretsmanager:PutSecretValue", administrator),
        ServiceCall(roles["query"], "secretsmanager:GetSecretValue", secret),
        ServiceCall(roles["record"], "secretsmanager:GetSecretValue", secret),
        ServiceCall(roles["record"], "s3:GetObject", lake),
        ServiceCall(roles["reconcile"], "dynamodb:DeleteItem", table),
        ServiceCall(roles["reconcile"], "secretsmanager:GetSecretValue", secret),
        ServiceCall(roles["reconcile"], "s3:GetObject", lake),
        ServiceCall(roles["tables"], "dynamodb:UpdateItem", table),
        ServiceCall(roles["tables"], "s3:DeleteObject", lake),
        ServiceCall(roles["load"], "dynamodb:DeleteItem", table),
        ServiceCall(roles["load"], "dynamodb:PutItem", leases),
        ServiceCall(roles["query"], "dynamodb:PutItem", leases),
        ServiceCall(roles["record"], "dynamodb:DeleteItem", table),
        ServiceCall(roles["load"], "s3:PutObject", lake),
        ServiceCall(roles["load"], "s3:DeleteObject", lake),
    ]
    assert [str(call) for call in forbidden if is_allowed(cloud, call)] == []


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


def test_the_dead_letter_queue_accepts_messages_of_the_rule_only(cloud):
    [target] = [t for t in cloud.deployment.of_type(TARGET) if "deadLetterConfig" in t.inputs]
    queue_arn = target.inputs["deadLetterConfig"]["arn"]
    (policy,) = cloud.deployment.of_type("aws:sqs/queuePolicy:QueuePolicy")
    (statement,) = json.loads(policy.inputs["policy"])["Statement"]
    [rule] = [
        r
        for r in cloud.deployment.of_type("aws:cloudwatch/eventRule:EventRule")
        if "eventPattern" in r.inputs
    ]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] in ("sqs:SendMessage", ["sqs:SendMessage"])
    assert statement["Resource"] in (queue_arn, [queue_arn])
    assert rule.outputs["arn"] in json.dumps(statement["Condition"])


def test_the_api_may_call_its_function(cloud):
    [permission] = [
        p
        for p in cloud.deployment.of_type("aws:lambda/permission:Permission")
        if p.inputs["principal"] == "apigateway.amazonaws.com"
    ]
    (query,) = [
        f
        for f in cloud.deployment.of_type(FUNCTION)
        if f.inputs["handler"] == "handlers.query.handler"
    ]
    (api,) = cloud.deployment.of_type("aws:apigateway/restApi:RestApi")
    assert permission.inputs["function"] in (query.outputs["name"], query.outputs["arn"])
    assert permission.inputs["principal"] == "apigateway.amazonaws.com"
    assert permission.inputs["sourceArn"].startswith(api.outputs["executionArn"])


def test_the_simulation_detects_a_missing_permission(cloud):
    (machine,) = cloud.deployment.of_type(MACHINE)
    assert not is_allowed(
        cloud,
        ServiceCall(
            machine.inputs["roleArn"],
            "lambda:InvokeFunction",
            "arn:aws:lambda:us-east-1:0:function:x",
        ),
    )
