"""Pulumi's engine and the local cloud together: `up`, an upload, new code, another upload, `destroy`."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml

from etl_cli.client import Client
from infra import lake_loader
from infra.bundle import ROOT
from local_cloud import aws_server
from local_cloud.aws import Aws
from local_cloud.cloud import LocalCloud
from local_cloud.deploy import PROJECT, Deployment
from local_cloud.resources import Context
from tests.e2e.conftest import Lake
from tests.engine.conftest import LONG
from tests.engine.local_account import LocalAccount
from tests.engine.stack import Engine, LiveStack, Run, write_work_folder

PATIENT_SECONDS = 120.0
ROLE_PATH = "/data-platform/"
OLD, NEW = "such files are ignored", "the new code ignores such files"
SCHEMA = {"schema_version": "1", "columns": [{"name": "id", "type": "INTEGER"}]}


@dataclass
class Door:
    """The engine in front of the local cloud. `work` has the sources, which a test may change."""

    engine: Engine
    work: Path
    stack: LiveStack | None = None
    settings: Mapping[str, Any] | None = None
    before: Mapping[str, set[str]] | None = None
    context: Context | None = None

    def deploy(
        self, program: Callable[[], None], context: Context, stack: str, config: Mapping[str, str]
    ) -> Deployment:
        """Bring the stack up. The local cloud calls this in place of its own deployer."""
        boundary = create_boundary(context.aws)
        self.context, self.before = context, inventory(context.aws)
        self.engine.provider.account = LocalAccount(aws_server.ACCOUNT_ID, context=context)
        self.stack = self.engine.open(stack, work=self.work)
        self.settings = {
            **own_settings(config),
            "permissionsBoundaryArn": boundary,
            "rolePath": ROLE_PATH,
        }
        run = self.up()
        assert not run.error, run.error
        return Deployment({key: each.value for key, each in run.outputs.items()}, ())

    def up(self, **changes: Any) -> Run:
        assert self.stack is not None
        self.stack.configure({**(self.settings or {}), **changes}, region=aws_server.REGION)
        return self.stack.up()


def create_boundary(aws: Aws) -> str:
    """Return the ARN of a company's boundary, which the roles of the stack need."""
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    created = aws.client("iam").create_policy(PolicyName="boundary", PolicyDocument=policy)
    return str(created["Policy"]["Arn"])


def own_settings(config: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings as Pulumi.<stack>.yaml has them: lists and numbers, not their text."""
    return {
        key.removeprefix(f"{PROJECT}:"): yaml.safe_load(text)
        for key, text in config.items()
        if key.startswith(f"{PROJECT}:")
    }


def inventory(aws: Aws) -> dict[str, set[str]]:
    """Return what exists in the local AWS, by kind."""
    events, ec2, iam, lambda_ = (aws.client(name) for name in ("events", "ec2", "iam", "lambda"))
    api, sns = aws.client("apigateway"), aws.client("sns")
    alarms, secrets = aws.client("cloudwatch"), aws.client("secretsmanager")
    return {
        "alarms": ids(alarms.describe_alarms(MaxRecords=100)["MetricAlarms"], "AlarmName"),
        "api keys": ids(api.get_api_keys()["items"], "id"),
        "apis": ids(api.get_rest_apis()["items"], "id"),
        "buckets": ids(aws.client("s3").list_buckets()["Buckets"], "Name"),
        "dashboards": ids(alarms.list_dashboards()["DashboardEntries"], "DashboardName"),
        "endpoints": ids(ec2.describe_vpc_endpoints()["VpcEndpoints"], "VpcEndpointId"),
        "functions": ids(lambda_.list_functions(MaxItems=50)["Functions"], "FunctionName"),
        "layers": ids(lambda_.list_layers()["Layers"], "LayerName"),
        "log groups": ids(aws.client("logs").describe_log_groups()["logGroups"], "logGroupName"),
        "machines": ids(
            aws.client("stepfunctions").list_state_machines()["stateMachines"], "stateMachineArn"
        ),
        "queues": set(aws.client("sqs").list_queues().get("QueueUrls", [])),
        "roles": ids(iam.list_roles(MaxItems=1000)["Roles"], "RoleName"),
        "route tables": ids(ec2.describe_route_tables()["RouteTables"], "RouteTableId"),
        "rules": ids(events.list_rules()["Rules"], "Name"),
        "schedules": ids(aws.client("scheduler").list_schedules()["Schedules"], "Name"),
        "secrets": ids(secrets.list_secrets()["SecretList"], "ARN"),
        "security groups": ids(ec2.describe_security_groups()["SecurityGroups"], "GroupId"),
        "subnets": ids(ec2.describe_subnets()["Subnets"], "SubnetId"),
        "tables": set(aws.client("dynamodb").list_tables()["TableNames"]),
        "topics": ids(sns.list_topics()["Topics"], "TopicArn"),
        "usage plans": ids(api.get_usage_plans()["items"], "id"),
        "vpcs": ids(ec2.describe_vpcs()["Vpcs"], "VpcId"),
    }


def ids(items: list[dict[str, Any]], key: str) -> set[str]:
    return {str(item[key]) for item in items}


@contextmanager
def in_folder(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@pytest.fixture
def door(engine: Engine, tmp_path: Path) -> Iterator[Door]:
    """The engine, with a copy of the sources of the functions to deploy from."""
    work = tmp_path / "work"
    write_work_folder(work)
    for package in ("etl_core", "handlers"):
        (work / package).unlink()
        shutil.copytree(ROOT / package, work / package)
    with mock.patch.object(lake_loader, "ROOT", work), in_folder(work):
        yield Door(engine, work)


def every_role_has_the_boundary_and_the_path(door: Door) -> None:
    assert door.context is not None
    iam = door.context.aws.client("iam")
    names = [entry.id for entry in door.engine.provider.account.of("aws:iam/role:Role")]
    assert len(names) >= 11
    for name in names:
        role = iam.get_role(RoleName=name)["Role"]
        assert role["Path"] == ROLE_PATH, name
        assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith("/boundary"), name


# On an idle machine it takes a minute; the limit is for one that is busy.
@LONG
@pytest.mark.timeout(600)
def test_a_stack_lives_in_the_local_cloud(door: Door, tmp_path: Path):
    state = tmp_path / "cloud"
    with LocalCloud.start(state, deploy=door.deploy) as cloud:
        every_role_has_the_boundary_and_the_path(door)
        with closing(Client.of(cloud.outputs)) as client:
            uploads_run_the_new_code(door, Lake(cloud, client))
        destroy_leaves_nothing(door, cloud)


def uploads_run_the_new_code(door: Door, lake: Lake) -> None:
    table = lake.table("door")
    assert answer_of(lake, f"dev/schema/{table}/s.json", SCHEMA)["status"] == "applied"
    assert answer_of(lake, f"dev/append/{table}/a.csv", "id\n1\n")["status"] == "loaded"
    assert OLD in answer_of(lake, f"dev/append/{table}/_MARKER", "")["warnings"][0]["message"]
    assert door.up().changes == []

    code = door.work / "etl_core" / "loading" / "messages.py"
    text = code.read_text("utf-8")
    assert text.count(OLD) == 1
    code.write_text(text.replace(OLD, NEW), "utf-8")
    run = door.up(loadMemoryMb=640, tableFilter=[f"dev.public.{table}"])
    assert not run.error
    assert run.ops("aws:lambda/function:Function") == {"update"}
    assert {step.op for step in run.changes} == {"update"}
    assert NEW in answer_of(lake, f"dev/append/{table}/_OTHER", "")["warnings"][0]["message"]
    assert answer_of(lake, f"dev/append/{table}/b.csv", "id\n2\n")["status"] == "loaded"
    assert lake.rows(table) == [(1,), (2,)]
    refused = answer_of(lake, "dev/append/other/a.csv", "id\n1\n")
    assert (refused["status"], refused["error"]["type"]) == ("rejected", "TableNotServedError")
    functions = lake.client.aws.client("lambda").list_functions(MaxItems=50)["Functions"]
    assert 640 in {each["MemorySize"] for each in functions}


def answer_of(lake: Lake, key: str, content: bytes | str | Mapping[str, Any]) -> dict[str, Any]:
    """Return the log entry of an upload. The functions are new: a busy machine starts them slowly."""
    return lake.entry(key.split("/")[2], lake.put(key, content), PATIENT_SECONDS)


def destroy_leaves_nothing(door: Door, cloud: LocalCloud) -> None:
    assert door.stack is not None
    assert door.before is not None
    live = inventory(cloud.aws)
    unused = {kind for kind, found in live.items() if found == door.before[kind]}
    assert unused == set(), "the stack has none of these, so the test proves nothing about them"
    run = door.stack.destroy()
    assert not run.error, run.error
    left = {kind: found - door.before[kind] for kind, found in inventory(cloud.aws).items()}
    assert {kind: found for kind, found in left.items() if found} == {}
    assert door.engine.provider.account.entries == {}
