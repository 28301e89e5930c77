"""The judgement of doctor over what was read: every link that can be broken, and what could not be read."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest

from etl_cli.doctor.account_checks import check_account
from etl_cli.doctor.account_evidence import AccountEvidence, Caller, Quota, Subnet
from etl_cli.doctor.account_reader import AccountReader
from etl_cli.doctor.aws_reader import AwsReader, attempt
from etl_cli.doctor.deployer_rights import rights_of
from etl_cli.doctor.evidence import (
    ApiAnswers,
    Concurrency,
    FunctionState,
    Machine,
    NoticeLinks,
    Permission,
    Rule,
    StackEvidence,
    StackNames,
    Subscribers,
    Target,
    Trust,
    WebhookLinks,
)
from etl_cli.doctor.findings import Finding, Missing, State, Unread
from etl_cli.doctor.plan import StackPlan
from etl_cli.doctor.stack_checks import check_stack
from etl_core.access.probe import Link, Probe, ProbeAnswer, run_probes
from etl_core.adapters.messages import CONNECTION_FAILED
from etl_core.model.errors import ConnectionLostError
from etl_core.recovery.tables_requests import ProbeResult
from infra.stack_settings import StackSettings

ACCOUNT, REGION = "123456789012", "eu-central-1"
MACHINE = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:w"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/everything"
NAMES = StackNames("lake", MACHINE, "reconcile", "tables", "https://api.example/v1")
SERVICES = ["states", "events", "lambda", "redshift"]
TRUST = Trust(
    {
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": [f"{name}.amazonaws.com" for name in SERVICES]},
                "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
            }
        ]
    }
)
NOUNS = ("record", "load", "long copy", "tables", "reconcile", "query")
RULE = Rule(
    "uploads",
    is_enabled=True,
    pattern={"source": ["aws.s3"], "detail": {"bucket": {"name": ["lake"]}}},
    targets=(Target(MACHINE, ROLE),),
)


def a_function(noun: str = "load", **fields: Any) -> FunctionState:
    variables = {"COPY_ROLE_ARN": ROLE, "PARALLEL_LOADS": "5"}
    given = {"state": "Active", "reason": "", "is_in_network": True, "reserved": None, **fields}
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{noun}"
    return FunctionState(
        arn=arn, role_arn=ROLE, handler=f"handlers.{noun}.handler", variables=variables, **given
    )


WEBHOOK = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:webhook"
SECRET = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:chat"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:notices"
NOTICE_RULE = replace(
    RULE,
    name="webhook",
    pattern={"source": ["redshift-lake-loader"], "detail": {"stack": ["dev"]}},
    targets=(Target(WEBHOOK, None),),
)
CHAT = WebhookLinks(WEBHOOK, (NOTICE_RULE,), may_invoke=True, secret_arn=SECRET, has_value=True)
NOTICES = NoticeLinks(
    TOPIC,
    "default",
    Subscribers(1, 0),
    "arn:aws:events:bus",
    CHAT,
)


def links(**fields: Any) -> dict[str, Any]:
    return {"notices": replace(NOTICES, **fields)}


def chat(**fields: Any) -> dict[str, Any]:
    return links(webhook=replace(CHAT, **fields))


HEALTHY = StackEvidence(
    names=NAMES,
    account=ACCOUNT,
    region=REGION,
    events_on=True,
    rules=(RULE,),
    machine=Machine("ACTIVE", ROLE, {}),
    functions={noun: a_function(noun) for noun in NOUNS},
    trusts={ROLE: TRUST},
    permissions={Permission(ROLE, "s3:GetObject", "*"): True},
    probes=ProbeResult((ProbeAnswer(Link.LOGIN, "dev"),)),
    warehouse_roles=frozenset({ROLE}),
    notices=NOTICES,
    api=ApiAnswers(200, 200, 403),
    concurrency=Concurrency(1000, 900),
)


def broken(findings: list[Finding]) -> set[str]:
    return {each.check for each in findings if each.state is State.BROKEN}


def test_nothing_is_broken_in_a_stack_that_works() -> None:
    assert {each.state for each in check_stack(HEALTHY)} == {State.OK}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"account": "210987654321"}, "account and region"),
        ({"region": "us-east-1"}, "account and region"),
        ({"events_on": False}, "bucket notification"),
        ({"events_on": Missing()}, "bucket notification"),
        ({"rules": ()}, "event rule"),
        ({"rules": (replace(RULE, pattern={"source": ["aws.s3"]}),)}, "event rule"),
        ({"rules": (replace(RULE, is_enabled=False),)}, "event rule"),
        (
            {"rules": (replace(RULE, targets=(Target(MACHINE, None),)),)},
            "role of the rule's target",
        ),
        ({"machine": Missing()}, "state machine"),
        ({"machine": Machine("DELETING", ROLE, {})}, "state machine"),
        ({"functions": {**HEALTHY.functions, "load": Missing()}}, "function load"),
        (
            {"functions": {**HEALTHY.functions, "load": a_function(state="Failed", reason="x")}},
            "function load",
        ),
        ({"functions": {**HEALTHY.functions, "load": a_function(reserved=0)}}, "function load"),
        ({"probes": Unread("Task timed out")}, "answer of the tables function"),
        (
            {"probes": ProbeResult((ProbeAnswer(Link.RIGHTS, "dev", "no right"),))},
            "rights in the warehouse",
        ),
        ({"warehouse_roles": frozenset()}, "role for COPY in the warehouse"),
        ({"warehouse_roles": Missing()}, "role for COPY in the warehouse"),
        (links(subscribers=Missing()), "notice topic"),
        (links(subscribers=Subscribers(1, 1)), "subscriptions of the notice topic"),
        (links(subscribers=Subscribers(0, 1, ("a@b.c",))), "subscriptions of the notice topic"),
        (links(bus_found=Missing()), "event bus of the notices"),
        (chat(rules=()), "rule of the webhook"),
        (chat(rules=(RULE,)), "rule of the webhook"),
        (chat(rules=(replace(NOTICE_RULE, is_enabled=False),)), "rule of the webhook"),
        (chat(may_invoke=False), "permission of the webhook's rule"),
        (chat(may_invoke=Missing()), "permission of the webhook's rule"),
        (chat(has_value=False), "secret of the webhook"),
        (chat(has_value=Missing()), "secret of the webhook"),
        ({"api": Unread("refused")}, "API"),
        ({"api": ApiAnswers(502, 200, 403)}, "API"),
        ({"api": ApiAnswers(200, 403, 403)}, "API key"),
        ({"api": ApiAnswers(200, 200, 200)}, "API key"),
        ({"concurrency": Concurrency(10, 5)}, "functions at the same time"),
    ],
)
def test_each_broken_link_is_named_with_a_fix(changes: dict[str, Any], expected: str) -> None:
    findings = list(check_stack(replace(HEALTHY, **changes)))
    assert broken(findings) == {expected}
    assert all(each.fix for each in findings if each.state is State.BROKEN)


@pytest.mark.parametrize(
    "changes",
    [
        {"trusts": {ROLE: Missing()}},
        {"trusts": {ROLE: Trust({"Statement": []})}},
        {"permissions": {Permission(ROLE, "s3:GetObject", "*"): False}},
    ],
)
def test_a_role_that_is_gone_distrusted_or_without_a_right_is_broken(
    changes: dict[str, Any],
) -> None:
    found = broken(list(check_stack(replace(HEALTHY, **changes))))
    assert {"role of the state machine", "role of the function load", "role for COPY"} <= found


def test_another_account_in_the_trust_policy_is_no_trust() -> None:
    assert TRUST.admits("states.amazonaws.com", ACCOUNT)
    assert not TRUST.admits("states.amazonaws.com", "210987654321")
    assert not TRUST.admits("ec2.amazonaws.com", ACCOUNT)


def test_what_cannot_be_read_is_not_called_broken() -> None:
    nothing = Unread("AccessDenied")
    unread = replace(
        HEALTHY,
        account=nothing,
        events_on=nothing,
        rules=nothing,
        machine=nothing,
        functions=dict.fromkeys(NOUNS, nothing),
        trusts={},
        permissions={},
        probes=nothing,
        warehouse_roles=nothing,
        notices=nothing,
        concurrency=nothing,
    )
    findings = list(check_stack(unread))
    assert broken(findings) == set()
    assert all(each.detail for each in findings if each.state is State.UNCHECKED)


@pytest.mark.parametrize(
    "changes",
    [
        links(subscribers=Unread("AccessDenied")),
        links(bus_found=Unread("AccessDenied")),
        chat(rules=Unread("AccessDenied")),
        chat(may_invoke=Unread("AccessDenied")),
        chat(has_value=Unread("AccessDenied")),
        links(topic_arn=None),
    ],
)
def test_a_link_of_the_notices_that_cannot_be_read_is_not_called_broken(
    changes: dict[str, Any],
) -> None:
    findings = list(check_stack(replace(HEALTHY, **changes)))
    assert broken(findings) == set()
    assert [each for each in findings if each.state is State.UNCHECKED]


def test_a_stack_without_webhook_and_subscribers_is_whole() -> None:
    quiet = replace(HEALTHY, **links(subscribers=Subscribers(0, 0), webhook=None))
    assert {each.state for each in check_stack(quiet)} == {State.OK}


def test_a_stack_of_an_older_version_is_asked_to_be_updated() -> None:
    older = Unread("tables failed: the kind 'probe' is not one of 'versions', 'replay'")
    findings = list(check_stack(replace(HEALTHY, probes=older)))
    [found] = [each for each in findings if each.check == "answer of the tables function"]
    assert (found.state, "pulumi up" in found.detail) == (State.UNCHECKED, True)


def test_a_function_that_is_being_changed_is_not_called_broken() -> None:
    functions = {**HEALTHY.functions, "load": a_function(state="Pending")}
    [found] = [
        each
        for each in check_stack(replace(HEALTHY, functions=functions))
        if each.check == "function load"
    ]
    assert found.state is State.UNCHECKED


def test_probes_after_a_broken_link_are_not_tried() -> None:
    def fail() -> None:
        raise ConnectionLostError(CONNECTION_FAILED(reason="refused"))

    before = ((Link.CONNECTION, "wg:5439"),)
    probes = [
        Probe(Link.OBJECTS, "lake", lambda: None),
        Probe(Link.CONNECTION, "wg:5439", fail),
        Probe(Link.LOGIN, "dev", fail, before),
        Probe(Link.RIGHTS, "dev", fail, ((Link.LOGIN, "dev"),)),
    ]
    answers = list(run_probes(probes))
    assert [each.was_tried for each in answers] == [True, True, False, False]
    assert [each.problem is None for each in answers] == [True, False, True, True]


class Redshift:
    """Answers as Redshift and Redshift Serverless do, with one role."""

    def get_workgroup(self, **_: str) -> dict[str, Any]:
        return {"workgroup": {"namespaceName": "ns"}}

    def get_namespace(self, **_: str) -> dict[str, Any]:
        return {"namespace": {"iamRoles": [f"IamRole(applyStatus=in-sync, iamRoleArn={ROLE})"]}}

    def describe_clusters(self, **_: str) -> dict[str, Any]:
        roles = [
            {"IamRoleArn": ROLE, "ApplyStatus": "in-sync"},
            {"IamRoleArn": f"{ROLE}-2", "ApplyStatus": "removing"},
        ]
        return {"Clusters": [{"IamRoles": roles}]}


@pytest.mark.parametrize(
    "variables",
    [
        {"WAREHOUSE_WORKGROUP": "wg"},
        {"WAREHOUSE_CLUSTER": "main"},
        {"WAREHOUSE_HOST": f"wg.{ACCOUNT}.{REGION}.redshift-serverless.amazonaws.com"},
        {"WAREHOUSE_HOST": f"main.abc123.{REGION}.redshift.amazonaws.com"},
    ],
)
def test_the_roles_of_the_warehouse_are_read_by_its_name_or_its_host(
    variables: dict[str, str],
) -> None:
    reader = AwsReader(lambda _: Redshift(), NAMES, lambda _: {})
    assert reader._warehouse_roles(variables) == frozenset({ROLE})


def test_a_warehouse_behind_another_host_name_is_not_guessed() -> None:
    reader = AwsReader(lambda _: Redshift(), NAMES, lambda _: {})
    assert isinstance(reader._warehouse_roles({"WAREHOUSE_HOST": "dwh.example"}), Unread)


def test_an_answer_without_what_was_expected_is_unread() -> None:
    assert isinstance(attempt(lambda: {}["Account"]), Unread)  # type: ignore[misc]


ZONES = frozenset({"a", "b", "c"})
PLAN = StackPlan("loader-dev", REGION, StackSettings())
ROOM = AccountEvidence(
    plan=PLAN,
    caller=Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/me"),
    zones={"the region": ZONES, "secretsmanager": ZONES, "redshift-serverless": ZONES},
    networks={"vpc-1": "172.31.0.0/16"},
    network_limit=5,
    roles=Quota(100, 1000),
    concurrency=Concurrency(1000, 1000),
    subnets=Unread(""),
    groups=Unread(""),
    service_role=Missing(),
    permissions={"iam:CreateServiceLinkedRole": True, "s3:CreateBucket": True},
)
VPC = "vpc-0123456789abcdef0"
JOINED = StackSettings.model_validate(
    {
        "network": "existing",
        "vpcId": VPC,
        "subnetIds": [f"subnet-0123456789abcdef{number}" for number in range(3)],
        "securityGroupIds": ["sg-0123456789abcdef0"],
    }
)
SUBNETS = tuple(
    Subnet(each, VPC, zone, 200) for each, zone in zip(JOINED.subnet_ids, "abc", strict=True)
)
ROOM_THERE = replace(
    ROOM,
    plan=replace(PLAN, settings=JOINED),
    subnets=SUBNETS,
    groups={"sg-0123456789abcdef0": VPC},
)


@pytest.mark.parametrize("evidence", [ROOM, ROOM_THERE], ids=["own network", "existing network"])
def test_an_account_with_room_has_nothing_broken(evidence: AccountEvidence) -> None:
    assert {each.state for each in check_account(evidence)} == {State.OK}


def with_settings(**fields: Any) -> StackPlan:
    return replace(PLAN, settings=StackSettings().model_copy(update=fields))


@pytest.mark.parametrize(
    ("evidence", "changes", "expected"),
    [
        (ROOM, {"plan": replace(PLAN, allowed_accounts=("1",))}, "account and region"),
        (
            ROOM,
            {"zones": {**ROOM.zones, "redshift-serverless": frozenset({"a", "b"})}},
            "availability zones",
        ),
        (ROOM, {"zones": {**ROOM.zones, "secretsmanager": Missing()}}, "availability zones"),
        (ROOM, {"plan": with_settings(zones=("a", "b", "x"))}, "availability zones"),
        (ROOM, {"network_limit": 1}, "quota of VPCs"),
        (ROOM, {"roles": Quota(990, 1000)}, "quota of IAM roles"),
        (ROOM, {"concurrency": Concurrency(10, 5)}, "functions at the same time"),
        (
            ROOM,
            {"plan": with_settings(load_concurrency=5), "concurrency": Concurrency(100, 100)},
            "functions at the same time",
        ),
        (
            ROOM,
            {"permissions": {"s3:CreateBucket": False}},
            "rights of the deployer",
        ),
        (ROOM_THERE, {"subnets": SUBNETS[:2]}, "subnets"),
        (ROOM_THERE, {"subnets": (*SUBNETS[:2], replace(SUBNETS[2], vpc="vpc-2"))}, "subnets"),
        (ROOM_THERE, {"subnets": (*SUBNETS[:2], replace(SUBNETS[2], zone="a"))}, "subnets"),
        (ROOM_THERE, {"subnets": (*SUBNETS[:2], replace(SUBNETS[2], free_addresses=9))}, "subnets"),
        (ROOM_THERE, {"groups": {}}, "security groups"),
    ],
)
def test_each_obstacle_to_the_first_up_is_named_with_a_fix(
    evidence: AccountEvidence, changes: dict[str, Any], expected: str
) -> None:
    findings = list(check_account(replace(evidence, **changes)))
    assert broken(findings) == {expected}
    assert all(each.fix for each in findings if each.state is State.BROKEN)


def test_without_the_service_linked_role_the_right_to_create_it_decides() -> None:
    denied = replace(ROOM, permissions={"iam:CreateServiceLinkedRole": False})
    assert "service-linked role of Redshift" in broken(list(check_account(denied)))
    there = replace(denied, service_role="arn:aws:iam::1:role/x")
    assert broken(list(check_account(there))) == {"rights of the deployer"}


def test_an_overlapping_range_is_said_and_not_broken() -> None:
    overlapping = replace(ROOM, networks={"vpc-9": "10.42.8.0/24"})
    [found] = [each for each in check_account(overlapping) if each.check == "address range"]
    assert (found.state, "vpc-9" in found.detail) == (State.OK, True)
    assert PLAN.settings.vpc_cidr == IPv4Network("10.42.0.0/16")


def test_the_rights_depend_on_what_the_stack_creates() -> None:
    def actions(**fields: Any) -> set[str]:
        settings = StackSettings().model_copy(update=fields)
        return {action for right in rights_of(settings) for action in right.actions}

    assert "redshift-serverless:CreateWorkgroup" in actions()
    assert "sns:Subscribe" not in actions()
    assert "sns:Subscribe" in actions(alarm_email="a@example.com")
    assert not {each for each in actions(**dict(JOINED)) if each == "ec2:CreateVpc"}


class Iam:
    """Allows everything, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def simulate_principal_policy(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        allowed = [
            {"EvalActionName": name, "EvalDecision": "allowed"} for name in asked["ActionNames"]
        ]
        return {"EvaluationResults": allowed}

    def about(self, action: str) -> dict[str, Any]:
        [found] = [each for each in self.asked if action in each["ActionNames"]]
        return found


def permissions_asked(settings: dict[str, str]) -> Iam:
    iam = Iam()
    plan = StackPlan("loader-dev", REGION, StackSettings.model_validate(settings))
    reader = AccountReader(lambda _: iam, plan)
    caller = Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/deployer")
    assert set(reader._permissions(caller).values()) == {True}
    return iam


def test_the_rights_to_create_roles_are_asked_with_their_path_and_boundary() -> None:
    boundary = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
    iam = permissions_asked({"rolePath": "/data/", "permissionsBoundaryArn": boundary})
    for action in ("iam:CreateRole", "iam:PutRolePermissionsBoundary"):
        asked = iam.about(action)
        [resource], [key] = asked["ResourceArns"], asked["ContextEntries"]
        assert ":role/data/loader-dev-load-role-" in resource
        assert (key["ContextKeyName"], key["ContextKeyValues"]) == (
            "iam:PermissionsBoundary",
            [boundary],
        )


def test_without_a_boundary_its_right_is_not_asked() -> None:
    iam = permissions_asked({})
    assert ":role/loader-dev-load-role-" in iam.about("iam:CreateRole")["ResourceArns"][0]
    actions = {action for each in iam.asked for action in each["ActionNames"]}
    assert "iam:PutRolePermissionsBoundary" not in actions
    assert not any(each["ContextEntries"] for each in iam.asked)
