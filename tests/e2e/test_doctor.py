"""`etl doctor` against the local cloud: each link is broken for real, named, and mended."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from etl_cli import doctor_command, stack_outputs
from etl_cli.doctor.account_checks import check_account
from etl_cli.doctor.account_reader import AccountReader
from etl_cli.doctor.findings import Finding, State
from etl_cli.doctor.plan import StackPlan
from etl_cli.main import main
from infra import policies
from infra.notices import render_event_pattern
from infra.stack_settings import StackSettings
from local_cloud.archive import EXECUTABLE, Member, zip_bytes
from tests.e2e.conftest import Lake

Outputs = dict[str, Any]


@dataclass
class Patient:
    """The local cloud's stack, as doctor sees it."""

    lake: Lake
    folder: Path

    @cached_property
    def outputs(self) -> Outputs:
        values: Outputs = json.loads(self.lake.cloud.state.outputs.read_text())
        return values

    def client(self, service: str) -> Any:
        return self.lake.client.aws.client(service)

    @property
    def machine(self) -> Any:
        arn = self.outputs["state_machine_arn"]
        return self.client("stepfunctions").describe_state_machine(stateMachineArn=arn)

    @property
    def rule(self) -> str:
        arn = self.outputs["state_machine_arn"]
        [name] = self.client("events").list_rule_names_by_target(TargetArn=arn)["RuleNames"]
        return str(name)

    def function(self, noun: str) -> Any:
        """Return the configuration of a function by its handler's module."""
        found = self.client("lambda").list_functions()["Functions"]
        return next(each for each in found if each["Handler"] == f"handlers.{noun}.handler")

    def role_of(self, noun: str) -> str:
        return str(self.function(noun)["Role"].rpartition("/")[2])

    @property
    def copy_role(self) -> str:
        arn = self.function("load")["Environment"]["Variables"]["COPY_ROLE_ARN"]
        return str(arn.rpartition("/")[2])

    def examine(self, *options: str, **changes: str) -> tuple[int, list[Finding]]:
        """Run doctor, with other outputs if there are changes. Return the exit code and the findings."""
        path = self.folder / "outputs.json"
        path.write_text(json.dumps(self.outputs | changes))
        result = CliRunner().invoke(main, ["doctor", *options, "--json", "--stack", str(path)])
        assert result.stdout, result.output
        found = json.loads(result.stdout)["findings"]
        return result.exit_code, [
            Finding(**each | {"state": State(each["state"])}) for each in found
        ]

    def broken(self, **changes: str) -> set[str]:
        """Return the checks that are broken. Each has a detail and a fix, and the exit code says so."""
        code, findings = self.examine(**changes)
        broken = [each for each in findings if each.state is State.BROKEN]
        assert all(each.detail and each.fix for each in broken)
        assert code == (1 if broken else 0)
        return {each.check for each in broken}


_SESSION = cache(stack_outputs.session_of)


@pytest.fixture(autouse=True)
def one_session(monkeypatch: pytest.MonkeyPatch) -> None:
    """All runs share a session, which reads the descriptions of the services once."""
    monkeypatch.setattr(doctor_command, "session_of", _SESSION)
    monkeypatch.setattr(stack_outputs, "session_of", _SESSION)


@pytest.fixture
def patient(lake: Lake, tmp_path: Path) -> Patient:
    return Patient(lake, tmp_path)


Break = Callable[[Patient], AbstractContextManager[None]]


@contextmanager
def no_events(patient: Patient) -> Iterator[None]:
    bucket, s3 = patient.outputs["lake_bucket"], patient.client("s3")
    put = s3.put_bucket_notification_configuration
    put(Bucket=bucket, NotificationConfiguration={})
    try:
        yield
    finally:
        put(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})


@contextmanager
def disabled_rule(patient: Patient) -> Iterator[None]:
    patient.client("events").disable_rule(Name=patient.rule)
    try:
        yield
    finally:
        patient.client("events").enable_rule(Name=patient.rule)


@contextmanager
def no_target(patient: Patient) -> Iterator[None]:
    events, rule = patient.client("events"), patient.rule
    targets = events.list_targets_by_rule(Rule=rule)["Targets"]
    events.remove_targets(Rule=rule, Ids=[each["Id"] for each in targets])
    try:
        yield
    finally:
        events.put_targets(Rule=rule, Targets=targets)


NOTHING = {"Effect": "Allow", "Action": ["sts:GetCallerIdentity"], "Resource": ["*"]}
"""A policy has at least one statement."""


@contextmanager
def changed_policy(
    patient: Patient, role: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
) -> Iterator[None]:
    """Change the statements of the role's only policy."""
    iam = patient.client("iam")
    [name] = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    changed = {**document, "Statement": change(document["Statement"]) or [NOTHING]}
    put = iam.put_role_policy
    put(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(changed))
    try:
        yield
    finally:
        put(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(document))


def without(*actions: str) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    """Return the change that drops the statements with one of these actions."""
    return lambda statements: [
        each for each in statements if not set(actions).intersection(each["Action"])
    ]


@contextmanager
def distrusted(patient: Patient, role: str) -> Iterator[None]:
    iam = patient.client("iam")
    trust = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    other = json.loads(json.dumps(trust))
    other["Statement"][0]["Principal"] = {"Service": "ec2.amazonaws.com"}
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(other))
    try:
        yield
    finally:
        iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))


@contextmanager
def reserved(patient: Patient, noun: str, count: int) -> Iterator[None]:
    functions, name = patient.client("lambda"), patient.function(noun)["FunctionName"]
    functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=count)
    try:
        yield
    finally:
        functions.delete_function_concurrency(FunctionName=name)


@contextmanager
def wrong_password(patient: Patient) -> Iterator[None]:
    secrets, arn = patient.client("secretsmanager"), patient.outputs["warehouse"]["secret_arn"]
    known = secrets.get_secret_value(SecretId=arn)["SecretString"]
    other = json.dumps({**json.loads(known), "password": "Wrong1234"})
    secrets.put_secret_value(SecretId=arn, SecretString=other)
    try:
        yield
    finally:
        secrets.put_secret_value(SecretId=arn, SecretString=known)


@contextmanager
def other_port(patient: Patient) -> Iterator[None]:
    functions, tables = patient.client("lambda"), patient.function("tables")
    variables = tables["Environment"]["Variables"]
    update = functions.update_function_configuration
    name = tables["FunctionName"]
    update(FunctionName=name, Environment={"Variables": {**variables, "WAREHOUSE_PORT": "1"}})
    try:
        yield
    finally:
        update(FunctionName=name, Environment={"Variables": variables})


@contextmanager
def foreign_ledgers(patient: Patient) -> Iterator[None]:
    sql = patient.lake.client.sql
    sql("dev", "ALTER SCHEMA etl_ledger OWNER TO awsuser")
    try:
        yield
    finally:
        sql("dev", "ALTER SCHEMA etl_ledger OWNER TO lake_loader")


def tables_without(*actions: str) -> Break:
    return lambda patient: changed_policy(patient, patient.role_of("tables"), without(*actions))


BREAKS: dict[str, tuple[Break, set[str]]] = {
    "events are off": (no_events, {"bucket notification"}),
    "the rule is disabled": (disabled_rule, {"event rule"}),
    "the rule has no target": (no_target, {"event rule"}),
    "the target's role may not start loads": (
        lambda p: changed_policy(p, starter(p), without("states:StartExecution")),
        {"role of the rule's target"},
    ),
    "EventBridge may not assume its role": (
        lambda p: distrusted(p, starter(p)),
        {"role of the rule's target"},
    ),
    "the workflow may not call functions": (
        lambda p: changed_policy(p, machine_role(p), without("lambda:InvokeFunction")),
        {"role of the state machine"},
    ),
    "Step Functions may not assume its role": (
        lambda p: distrusted(p, machine_role(p)),
        {"role of the state machine"},
    ),
    "a function is switched off": (lambda p: reserved(p, "load", 0), {"function load"}),
    "a function may not write the log": (
        lambda p: changed_policy(p, p.role_of("record"), without("dynamodb:UpdateItem")),
        {"role of the function record"},
    ),
    "the lake cannot be read": (
        tables_without("s3:ListBucketVersions"),
        {"role of the function tables", "the lake, from a function"},
    ),
    "the log cannot be read": (
        tables_without("dynamodb:Query"),
        {"role of the function tables", "the log, from a function"},
    ),
    "the secret cannot be read": (
        tables_without("secretsmanager:GetSecretValue"),
        {"role of the function tables", "credentials of the loads"},
    ),
    "the warehouse cannot be reached": (other_port, {"connection to the warehouse"}),
    "the password is wrong": (wrong_password, {"login to the warehouse"}),
    "the ledgers are not the loader's": (foreign_ledgers, {"rights in the warehouse"}),
    "Redshift may not assume the role for COPY": (
        lambda p: distrusted(p, p.copy_role),
        {"role for COPY"},
    ),
    "the role for COPY may not read": (
        lambda p: changed_policy(p, p.copy_role, without("s3:GetObject")),
        {"role for COPY"},
    ),
    "too few functions are left": (
        lambda p: reserved(p, "query", 4),
        {"functions at the same time"},
    ),
}


@contextmanager
def no_topic(patient: Patient) -> Iterator[None]:
    """The workflow publishes to a topic that was deleted."""
    with renamed_in_the_workflow(patient, topic_of(patient), f"{topic_of(patient)}-gone"):
        yield


@contextmanager
def no_bus(patient: Patient) -> Iterator[None]:
    with renamed_in_the_workflow(patient, '"EventBusName": "default"', '"EventBusName": "gone"'):
        yield


@contextmanager
def renamed_in_the_workflow(patient: Patient, old: str, new: str) -> Iterator[None]:
    machine, update = patient.machine, patient.client("stepfunctions").update_state_machine
    definition = json.dumps(json.loads(machine["definition"]))
    assert old in definition
    update(stateMachineArn=machine["stateMachineArn"], definition=definition.replace(old, new))
    try:
        yield
    finally:
        update(stateMachineArn=machine["stateMachineArn"], definition=machine["definition"])


@contextmanager
def unconfirmed_address(patient: Patient) -> Iterator[None]:
    sns, topic = patient.client("sns"), topic_of(patient)
    # The local AWS takes an e-mail address for confirmed at once. Nobody answers at this URL.
    endpoint = "http://127.0.0.1:9/"
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=endpoint)
    try:
        yield
    finally:
        found = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        [made] = [each["SubscriptionArn"] for each in found if each["Endpoint"] == endpoint]
        sns.unsubscribe(SubscriptionArn=made)


def topic_of(patient: Patient) -> str:
    return str(patient.lake.cloud.deployment.outputs["notice_topic_arn"])


NOTICE_BREAKS: dict[str, tuple[Break, set[str]]] = {
    "the topic is gone": (no_topic, {"notice topic", "role of the state machine"}),
    "an address is not confirmed": (unconfirmed_address, {"subscriptions of the notice topic"}),
    "the event bus is gone": (no_bus, {"event bus of the notices"}),
    "the workflow may not publish": (
        lambda p: changed_policy(p, machine_role(p), without("sns:Publish")),
        {"role of the state machine"},
    ),
    "the workflow may not claim a notice": (
        lambda p: changed_policy(p, machine_role(p), without("dynamodb:UpdateItem")),
        {"role of the state machine"},
    ),
}
BREAKS |= NOTICE_BREAKS


@dataclass
class Webhook:
    """A webhook as infra/notice_topic.py makes it. The local stack has none."""

    function: str
    rule: str
    role: str
    secret: str
    permission: str


@pytest.fixture
def webhook(patient: Patient) -> Iterator[Webhook]:
    made = Webhook(*make_webhook(patient))
    yield made
    functions, events = patient.client("lambda"), patient.client("events")
    events.remove_targets(Rule=made.rule, Ids=["webhook"])
    events.delete_rule(Name=made.rule)
    functions.delete_function(FunctionName=made.function)
    patient.client("iam").delete_role_policy(RoleName=made.role, PolicyName=made.role)
    patient.client("iam").delete_role(RoleName=made.role)
    patient.client("secretsmanager").delete_secret(
        SecretId=made.secret, ForceDeleteWithoutRecovery=True
    )


def make_webhook(patient: Patient) -> tuple[str, str, str, str, str]:
    stack = patient.function("record")["Environment"]["Variables"]["STACK"]
    name = patient.lake.table(f"{stack}-notices-webhook").replace("_", "-")
    secrets, iam = patient.client("secretsmanager"), patient.client("iam")
    secret = secrets.create_secret(Name=name, SecretString="https://chat.example")["ARN"]
    trust = iam.get_role(RoleName=patient.role_of("record"))["Role"]["AssumeRolePolicyDocument"]
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    read = {"Version": "2012-10-17", "Statement": [policies.read_secret(secret)]}
    iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=json.dumps(read))
    function = patient.client("lambda").create_function(
        FunctionName=name,
        Runtime="provided.al2023",
        Handler="handlers.webhook.handler",
        Role=role["Arn"],
        Code={"ZipFile": zip_bytes({"bootstrap": Member("bootstrap", b"exit 1", EXECUTABLE)})},
        Environment={"Variables": {"WEBHOOK_SECRET_ARN": secret, "WEBHOOK_KIND": "slack"}},
    )
    events = patient.client("events")
    pattern = json.dumps(render_event_pattern(stack))
    events.put_rule(Name=name, EventPattern=pattern)
    events.put_targets(Rule=name, Targets=[{"Id": "webhook", "Arn": function["FunctionArn"]}])
    allow_events(patient, name)
    return name, name, name, secret, name


def allow_events(patient: Patient, name: str) -> None:
    patient.client("lambda").add_permission(
        FunctionName=name,
        StatementId=name,
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
    )


def test_each_link_of_the_webhook_is_named_when_it_is_broken(
    patient: Patient, webhook: Webhook
) -> None:
    """All at once: none hides another."""
    functions, name = patient.client("lambda"), webhook.function
    patient.client("events").disable_rule(Name=webhook.rule)
    functions.remove_permission(FunctionName=name, StatementId=webhook.permission)
    patient.client("secretsmanager").delete_secret(SecretId=webhook.secret)
    with changed_policy(patient, webhook.role, lambda _: []):
        assert patient.broken() == {
            "rule of the webhook",
            "permission of the webhook's rule",
            "secret of the webhook",
            "role of the function webhook",
        }

    patient.client("events").enable_rule(Name=webhook.rule)
    allow_events(patient, name)
    patient.client("secretsmanager").restore_secret(SecretId=webhook.secret)
    assert patient.broken() == set()


def starter(patient: Patient) -> str:
    [target] = patient.client("events").list_targets_by_rule(Rule=patient.rule)["Targets"]
    return str(target["RoleArn"].rpartition("/")[2])


def machine_role(patient: Patient) -> str:
    return str(patient.machine["roleArn"].rpartition("/")[2])


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_link_is_named_and_nothing_else(patient: Patient, name: str) -> None:
    break_it, expected = BREAKS[name]
    with break_it(patient):
        assert patient.broken() == expected


def test_a_stack_that_works_has_nothing_broken_and_the_command_changes_nothing(
    patient: Patient,
) -> None:
    """The last test of the broken links: everything is mended."""
    code, findings = patient.examine()
    unchecked = {each.check for each in findings if each.state is State.UNCHECKED}
    assert (code, unchecked) == (0, {"role for COPY in the warehouse"})
    assert [each.detail for each in findings if each.state is State.BROKEN] == []
    assert patient.outputs["api_key"] not in json.dumps([each.detail for each in findings])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"reconcile_function": "gone"}, {"function reconcile", "role of the function reconcile"}),
        ({"api_url": "http://127.0.0.1:9/v1"}, {"API"}),
        ({"api_key": "0123456789abcdef0123456789abcdef"}, {"API key"}),
        ({"lake_bucket": "no-such-lake-0a1b2c3"}, {"bucket notification", "event rule"}),
    ],
)
def test_what_the_outputs_name_and_does_not_exist_is_broken(
    patient: Patient, changes: dict[str, str], expected: set[str]
) -> None:
    assert patient.broken(**changes) & expected


def test_without_rights_nothing_is_called_broken_that_was_not_seen(patient: Patient) -> None:
    with a_user(patient, ["sts:GetCallerIdentity"]) as keys:
        code, findings = patient.examine(**keys)
    assert code == 0, [each for each in findings if each.state is State.BROKEN]
    states = {each.check: each.state for each in findings}
    assert states["account and region"] is State.OK
    assert states["API key"] is State.OK
    for check in ("bucket notification", "event rule", "state machine", "function tables"):
        assert states[check] is State.UNCHECKED


@contextmanager
def a_user(patient: Patient, actions: list[str]) -> Iterator[dict[str, str]]:
    """Yield the credentials of a new user with these rights, as fields of an outputs file."""
    iam, name = patient.client("iam"), patient.lake.table("deployer")
    iam.create_user(UserName=name)
    allow = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_user_policy(UserName=name, PolicyName="rights", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    try:
        yield {
            "access_key_id": key["AccessKeyId"],
            "secret_access_key": key["SecretAccessKey"],
        }
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName=name, PolicyName="rights")
        iam.delete_user(UserName=name)


def test_before_the_first_up_the_account_is_checked(patient: Patient) -> None:
    code, findings = patient.examine("--before")
    assert code == 0, findings
    states = {each.check: each.state for each in findings}
    unchecked = {check for check, state in states.items() if state is State.UNCHECKED}
    assert unchecked == {"availability zones", "quota of VPCs"}, "the local cloud has neither"
    assert states["quota of IAM roles"] is State.OK


def test_before_the_first_up_a_missing_right_is_named(patient: Patient) -> None:
    allowed = ["sts:*", "iam:*", "ec2:*", "lambda:*", "s3:*", "dynamodb:*", "states:*"]
    with a_user(patient, allowed) as keys:
        code, findings = patient.examine("--before", **keys)
    [rights] = [each for each in findings if each.check == "rights of the deployer"]
    assert (code, rights.state) == (1, State.BROKEN)
    assert "apigateway:POST" in rights.detail
    assert "s3:CreateBucket" not in rights.detail


def test_before_the_first_up_an_existing_network_is_checked(patient: Patient) -> None:
    [item] = patient.lake.cloud.deployment.of_type("aws:ec2/vpc:Vpc")
    subnets = patient.lake.cloud.deployment.of_type("aws:ec2/subnet:Subnet")
    groups = patient.lake.cloud.deployment.of_type("aws:ec2/securityGroup:SecurityGroup")
    settings = {
        "network": "existing",
        "vpcId": item.id,
        "subnetIds": tuple(each.id for each in subnets),
        "securityGroupIds": (groups[0].id,),
    }
    plan = StackPlan("loader-dev", "us-east-1", StackSettings.model_validate(settings))

    def states(checked: StackPlan) -> dict[str, State]:
        found = check_account(AccountReader(patient.client, checked).read())
        return {each.check: each.state for each in found}

    assert (states(plan)["subnets"], states(plan)["security groups"]) == (State.OK, State.OK)
    wrong = StackSettings.model_validate({**settings, "vpcId": "vpc-0123456789abcdef0"})
    elsewhere = states(replace(plan, settings=wrong))
    assert (elsewhere["subnets"], elsewhere["security groups"]) == (State.BROKEN, State.BROKEN)
