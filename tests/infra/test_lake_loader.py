"""The public component in another program."""

from __future__ import annotations

import runpy
from functools import cache
from pathlib import Path

import pulumi
import pulumi_aws as aws
import pytest
from pulumi import Output, ResourceOptions

from infra.bundle import ROOT
from infra.lake_loader import LakeLoader, LakeLoaderArgs
from infra.network import ExistingNetwork
from infra.stack_settings import ConfigurationError, StackSettings
from infra.warehouse import ExistingWarehouse
from tests.infra.engine import OUTPUTS, Mode, Stack, run

NETWORK = ExistingNetwork("vpc-1", ["subnet-1"], ["sg-1"])


def loaders() -> None:
    """Declare a loader with the defaults, and one with another provider and resources of the program."""
    LakeLoader("lake-a", LakeLoaderArgs())
    group = aws.ec2.SecurityGroup("company")
    bucket = aws.s3.Bucket("company")
    provider = aws.Provider("company", region="eu-west-1")
    b = LakeLoader(
        "lake-b",
        LakeLoaderArgs(
            StackSettings(databases=("sales",), readerRole="analysts"),
            ExistingWarehouse(host=bucket.bucket, secret_arn=bucket.arn, workgroup="main"),
            ExistingNetwork("vpc-1", [Output.from_input("subnet-1")], [group.id]),
        ),
        ResourceOptions(providers=[provider]),
    )
    for key, value in b.outputs.items():
        pulumi.export(key, value)


@cache
def recorded(mode: Mode) -> Stack:
    """Return what the program declares. Each mode is recorded once."""
    return run(loaders, mode)


@pytest.fixture(params=Mode, ids=lambda mode: mode.value)
def two(request: pytest.FixtureRequest) -> Stack:
    return recorded(request.param)


def test_two_loaders_in_one_program_share_no_name(two: Stack):
    """The engine refuses a resource that is registered twice."""
    of_a = {r.name for r in two.resources if r.name.startswith("lake-a")}
    of_b = {r.name for r in two.resources if r.name.startswith("lake-b")}
    assert len(of_a) > 60
    assert len(of_b) > 40
    fixed = [
        r.inputs[key]
        for r in two.resources
        for key in ("namespaceName", "workgroupName", "layerName")
        if r.typ != "aws:redshiftserverless/workgroup:Workgroup" and key in r.inputs
    ] + [r.inputs["name"] for r in two.of("aws:cloudwatch/logGroup:LogGroup")]
    assert len(fixed) == len(set(fixed))


def test_the_provider_is_that_of_the_options_else_the_default_one(two: Stack):
    assert [p.name for p in two.of("pulumi:providers:aws")] == ["company"]
    for resource in two.resources:
        if resource.typ.startswith("aws:") and resource.name != "company":
            given = "::company::" in resource.provider
            assert given is resource.name.startswith("lake-b"), resource.name


def test_values_of_the_program_may_be_outputs(two: Stack):
    function = two.one("aws:lambda/function:Function", "lake-b-load")
    assert function.depends_on(two.one("aws:ec2/securityGroup:SecurityGroup", "company"))
    assert function.depends_on(two.one("aws:s3/bucket:Bucket", "company"))


def test_the_outputs_are_those_of_a_stack():
    stack = recorded(Mode.DEPLOY)
    assert set(stack.outputs) == OUTPUTS
    assert stack.outputs["warehouse_databases"] == ["sales"]
    assert stack.outputs["warehouse_reader"] == "analysts"
    assert stack.secret_outputs == {"api_key"}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (LakeLoaderArgs(warehouse=ExistingWarehouse("wg.example", cluster="c")), "and no network"),
        (
            LakeLoaderArgs(warehouse=ExistingWarehouse("wg.example"), network=NETWORK),
            "one of workgroup and cluster",
        ),
        (LakeLoaderArgs(StackSettings(finalSnapshot=True)), "warehouseKind is serverless"),
    ],
)
def test_args_that_cannot_work_are_refused(args: LakeLoaderArgs, message: str):
    with pytest.raises(ConfigurationError, match=message):
        args.effective_settings()


def test_the_example_program_declares_two_loaders(monkeypatch):
    monkeypatch.chdir(ROOT)
    path = Path("examples/component/__main__.py")
    config = {"company:vpcName": "main", "company:cluster": "main"}
    stack = run(lambda: runpy.run_path(str(path)) and None, Mode.DEPLOY, config=config)
    hosts = {
        f.inputs["environment"]["variables"]["WAREHOUSE_HOST"]
        for f in stack.of("aws:lambda/function:Function")
        if f.name.endswith("-load")
    }
    assert hosts == {"main.redshift.example"}
    assert {key.partition("_")[0] for key in stack.outputs} == {"sales", "finance"}
