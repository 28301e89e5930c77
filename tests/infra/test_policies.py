"""Least privilege, asserted on every document of the whole program rather than on the functions that write them."""

import pytest

from tests.infra.engine import Stack

ANY_RESOURCE = {
    "AttachToNetwork": "Lambda's network interfaces: EC2 offers no narrower resource for describing them",
    "NotFromTheCode": "a refusal, which should be wide",
    "DeliverLogs": "log deliveries of Step Functions take no resource",
}
ANY_ACTION = {"TlsOnly": "a refusal, which should be wide"}
ANYBODY = {
    "TlsOnly": "a refusal",
    "Objects": "an endpoint's policy: who it is, is decided by the callers' roles",
    "Buckets": "an endpoint's policy",
    "LogTable": "an endpoint's policy",
}


def statements(stack: Stack):
    found = [
        (resource, s) for resource, _, document in stack.documents() for s in document["Statement"]
    ]
    assert len(found) > 15
    return found


def as_list(value):
    return value if isinstance(value, list) else [value]


@pytest.fixture(params=["plain", "everything"])
def deployed(request) -> Stack:
    return request.getfixturevalue(request.param)


def test_no_action_is_a_wildcard(deployed):
    for resource, statement in statements(deployed):
        if any("*" in action for action in as_list(statement["Action"])):
            assert statement["Sid"] in ANY_ACTION, (resource.name, statement)
            assert statement["Effect"] == "Deny"


def test_no_resource_is_a_wildcard_but_where_aws_offers_nothing_narrower(deployed):
    for resource, statement in statements(deployed):
        if "*" in as_list(statement.get("Resource", [])):
            assert statement["Sid"] in ANY_RESOURCE, (resource.name, statement)


def test_wildcards_within_a_resource_stay_below_one_bucket_or_log_group(deployed):
    for resource, statement in statements(deployed):
        for arn in as_list(statement.get("Resource", [])):
            if arn != "*":
                assert "*" not in arn.removesuffix("/*").removesuffix(":*"), (resource.name, arn)


def test_nothing_is_allowed_to_everybody(deployed):
    for resource, statement in statements(deployed):
        if statement.get("Principal") == "*":
            assert statement["Sid"] in ANYBODY, (resource.name, statement)
            assert (
                statement["Effect"] == "Deny" or resource.typ == "aws:ec2/vpcEndpoint:VpcEndpoint"
            )


def test_every_role_is_trusted_to_services_alone(deployed):
    roles = deployed.of("aws:iam/role:Role")
    assert len(roles) == 8
    for role in roles:
        for statement in role.json("assumeRolePolicy")["Statement"]:
            assert set(statement["Principal"]) == {"Service"}
            assert statement["Action"] == "sts:AssumeRole"


def test_every_role_has_one_inline_policy_and_no_other(deployed):
    attached = [policy.inputs["role"] for policy in deployed.of("aws:iam/rolePolicy:RolePolicy")]
    assert sorted(attached) == [role.name for role in deployed.of("aws:iam/role:Role")]
    for role in deployed.of("aws:iam/role:Role"):
        assert not {"managedPolicyArns", "inlinePolicies"} & set(role.inputs)


def test_network_interfaces_are_refused_to_the_code_of_the_function(deployed):
    found = deployed.one("aws:iam/rolePolicy:RolePolicy", "-load-role").json("policy")["Statement"]
    by_sid = {s["Sid"]: s for s in found}
    assert by_sid["NotFromTheCode"]["Effect"] == "Deny"
    assert by_sid["NotFromTheCode"]["Action"] == by_sid["AttachToNetwork"]["Action"]
    assert "lambda:SourceFunctionArn" in by_sid["NotFromTheCode"]["Condition"]["ArnLike"]
