"""Least privilege, asserted on every policy document that the program declares."""

import re

import pytest

from tests.infra.conftest import BOUNDARY
from tests.infra.engine import Stack

ANY_RESOURCE = {
    "AttachToNetwork": "network interfaces of Lambda: EC2 supports no narrower resource to describe them",
    "NotFromTheCode": "a denial, which should be wide",
    "FindLogGroup": "VPC flow logs: the action supports no resource",
    "DeliverLogs": "log delivery of Step Functions supports no resource",
    "PushApiLogs": "the role of the account with which API Gateway logs: it serves every API",
    "AdministerKey": "the policy of a key: the resource is the key itself",
    "CloudWatchAlarms": "the policy of a key",
    "SeeOwnStatements": "statements of the Data API have no ARN; the condition restricts their owner",
}
ANY_ACTION = {
    "TlsOnly": "a denial, which should be wide",
    "AdministerKey": "the policy of a key: without the account, nobody could change it",
}
ANY_PRINCIPAL = {
    "TlsOnly": "a denial",
    "Objects": "an endpoint policy: the roles of the callers restrict the principal",
    "Buckets": "an endpoint policy",
    "LogTable": "an endpoint policy",
    "LoaderSecret": "an endpoint policy",
    "AdministratorSecret": "an endpoint policy",
    "LogIn": "an endpoint policy",
}


def statements(stack: Stack):
    all_statements = [
        (resource, s) for resource, _, document in stack.documents() for s in document["Statement"]
    ]
    assert len(all_statements) > 15
    return all_statements


def as_list(value):
    return value if isinstance(value, list) else [value]


@pytest.fixture(params=["plain", "everything", "iam"])
def deployed(request) -> Stack:
    return request.getfixturevalue(request.param)


def test_no_action_is_a_wildcard(deployed):
    for resource, statement in statements(deployed):
        if any("*" in action for action in as_list(statement["Action"])):
            assert statement["Sid"] in ANY_ACTION, (resource.name, statement)
            assert statement["Effect"] == "Deny" or resource.typ == "aws:kms/key:Key"


def test_no_resource_is_a_wildcard_unless_aws_supports_nothing_narrower(deployed):
    for resource, statement in statements(deployed):
        if "*" in as_list(statement.get("Resource", [])):
            assert statement["Sid"] in ANY_RESOURCE, (resource.name, statement)


def test_a_wildcard_in_a_resource_stays_within_one_bucket_or_log_group(deployed):
    for resource, statement in statements(deployed):
        for arn in as_list(statement.get("Resource", [])):
            if arn != "*":
                name = re.sub(r"/\*/(schema|Schema|SCHEMA)/\*$", "", arn)
                assert "*" not in name.removesuffix("/*").removesuffix(":*"), (resource.name, arn)


def test_no_statement_allows_every_principal(deployed):
    for resource, statement in statements(deployed):
        if statement.get("Principal") == "*":
            assert statement["Sid"] in ANY_PRINCIPAL, (resource.name, statement)
            assert (
                statement["Effect"] == "Deny" or resource.typ == "aws:ec2/vpcEndpoint:VpcEndpoint"
            )


def test_only_services_can_assume_a_role_and_only_for_this_account(deployed):
    roles = deployed.of("aws:iam/role:Role")
    assert len(roles) >= 11
    for role in roles:
        for statement in role.json("assumeRolePolicy")["Statement"]:
            assert set(statement["Principal"]) == {"Service"}
            assert statement["Action"] == "sts:AssumeRole"
            if role.name.endswith("-copy-role"):
                assert "Condition" not in statement, (
                    "Redshift does not say that it sends the account"
                )
            else:
                same_account = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
                assert statement["Condition"] == same_account


@pytest.mark.parametrize("deployed", ["plain", "everything"], indirect=True)
def test_every_role_has_exactly_one_inline_policy(deployed):
    """With a login by IAM, functions share a role, and each attaches its own policy."""
    attached = [policy.inputs["role"] for policy in deployed.of("aws:iam/rolePolicy:RolePolicy")]
    assert sorted(attached) == [role.name for role in deployed.of("aws:iam/role:Role")]
    for role in deployed.of("aws:iam/role:Role"):
        assert not {"managedPolicyArns", "inlinePolicies"} & set(role.inputs)


def test_every_role_has_the_boundary_and_the_path_of_the_settings(everything: Stack, iam: Stack):
    roles = everything.of("aws:iam/role:Role")
    assert len(roles) >= 11
    for role in roles:
        assert role.inputs["permissionsBoundary"] == BOUNDARY, role.name
        assert role.inputs["path"] == "/data-platform/", role.name
    for role in iam.of("aws:iam/role:Role"):
        assert not {"permissionsBoundary", "path"} & set(role.inputs), role.name


def test_the_code_of_a_function_cannot_manage_network_interfaces(deployed):
    policy = deployed.one("aws:iam/rolePolicy:RolePolicy", "-load-role").json("policy")["Statement"]
    by_sid = {s["Sid"]: s for s in policy}
    assert by_sid["NotFromTheCode"]["Effect"] == "Deny"
    assert by_sid["NotFromTheCode"]["Action"] == by_sid["AttachToNetwork"]["Action"]
    assert "lambda:SourceFunctionArn" in by_sid["NotFromTheCode"]["Condition"]["ArnLike"]
