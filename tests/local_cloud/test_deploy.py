"""The deployer: deploying the real program to the AWS server, and what it refuses."""

from __future__ import annotations

import json
import stat
import urllib.error
import urllib.request
from dataclasses import replace

import pulumi_aws as aws
import pytest

from local_cloud.aws import Aws
from local_cloud.deploy import DeploymentError, deploy, plain
from local_cloud.resources import REGISTRY, Context, Resource
from local_cloud.resources.s3 import without_tls_rule
from tests.infra.engine import OUTPUTS

FILE_KEYS = {
    "aws_endpoint_url",
    "region",
    "access_key_id",
    "secret_access_key",
    "lake_bucket",
    "log_table",
    "state_machine_arn",
    "reconcile_function",
    "tables_function",
    "api_url",
    "api_key",
    "warehouse",
}


@pytest.fixture
def context(cloud, tmp_path) -> Context:
    """The AWS server of the shared cloud, for a test's own small program."""
    return replace(cloud.context, working_directory=tmp_path)


def deploy_small(program, context):
    return deploy(program, context, "small", {"aws:region": context.aws.region})


def test_the_real_program_exports_every_output(cloud):
    assert set(cloud.deployment.outputs) == OUTPUTS
    assert all(cloud.deployment.outputs.values())


def test_the_outputs_file_has_all_fields_and_is_private(cloud):
    values = json.loads(cloud.state.outputs.read_text())
    assert set(values) == FILE_KEYS
    names = {"host", "port", "user", "password", "databases", "loader", "reader", "secret_arn"}
    assert set(values["warehouse"]) == names
    assert stat.S_IMODE(cloud.state.outputs.stat().st_mode) == 0o600


def test_the_managed_secret_contains_the_credentials_of_the_emulator(cloud):
    arn = cloud.deployment.outputs["warehouse_administrator_secret_arn"]
    secret = json.loads(
        cloud.aws.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    )
    warehouse = cloud.outputs.warehouse
    assert secret == {"username": warehouse.user, "password": warehouse.password}


def test_a_function_has_its_handler_and_timeout(cloud):
    for function in cloud.deployment.of_type("aws:lambda/function:Function"):
        configuration = cloud.aws.client("lambda").get_function_configuration(
            FunctionName=function.id
        )
        assert configuration["Handler"] == function.inputs["handler"]
        assert configuration["Timeout"] == function.inputs["timeout"]


def test_the_api_answers_only_with_the_key(cloud):
    url = f"{cloud.outputs.api_url}/logs?table_name=user_data"
    with urllib.request.urlopen(
        urllib.request.Request(url, headers={"x-api-key": cloud.outputs.api_key})
    ) as answer:
        assert json.load(answer)["items"] == []
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url)
    with refused.value as error:
        assert error.code == 403


def test_every_input_that_is_not_applied_has_a_reason(cloud):
    for item in cloud.deployment.resources:
        assert all(reason.strip() for reason in REGISTRY[item.type].not_applied.values())


def test_an_unapplied_input_is_an_error_with_type_and_logical_name(context):
    def program():
        lake = aws.s3.Bucket("lake")
        aws.s3.BucketVersioning(
            "lake", bucket=lake.bucket, mfa="1 2", versioning_configuration={"status": "Enabled"}
        )

    with pytest.raises(
        DeploymentError, match=r"aws:s3/bucketVersioning:BucketVersioning 'lake': .*mfa"
    ):
        deploy_small(program, context)


def test_a_type_without_a_function_is_an_error(context):
    def program():
        aws.athena.Workgroup("queries")

    with pytest.raises(
        DeploymentError, match=r"aws:athena/workgroup:Workgroup 'queries': .* cannot provision"
    ):
        deploy_small(program, context)


def test_a_misspelled_nested_key_is_an_error(context):
    def program():
        aws.cloudwatch.EventTarget(
            "target",
            rule="none",
            arn="arn:aws:sqs:us-east-1:000000000000:q",
            retry_policy={"maximum_retry_atempts": 3},
        )

    with pytest.raises(DeploymentError, match="maximum_retry_atempts"):
        deploy_small(program, context)


def test_all_errors_of_independent_resources_are_reported(context):
    def program():
        aws.athena.Workgroup("first")
        aws.glue.Registry("second", registry_name="second")

    with pytest.raises(DeploymentError) as error:
        deploy_small(program, context)
    assert "'first'" in str(error.value)
    assert "'second'" in str(error.value)


def test_an_error_of_aws_names_the_resource(context):
    def program():
        aws.iam.RolePolicy("policy", role="nobody", policy="{}")

    with pytest.raises(DeploymentError, match=r"aws:iam/rolePolicy:RolePolicy 'policy': .*nobody"):
        deploy_small(program, context)


def test_a_database_that_the_emulator_does_not_have_is_refused(context):
    def program():
        aws.redshiftserverless.Namespace("warehouse", namespace_name="warehouse", db_name="sales")

    with pytest.raises(DeploymentError, match="the emulator has no database 'sales'"):
        deploy_small(program, context)


def test_only_the_statement_that_requires_tls_is_removed_from_a_bucket_policy():
    tls = {
        "Effect": "Deny",
        "Action": "s3:*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    others = [
        {
            "Effect": "Deny",
            "Action": "s3:*",
            "Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}},
        },
        {
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Condition": {"Bool": {"aws:SecureTransport": "true"}},
        },
    ]
    assert (
        without_tls_rule({"Version": "2012-10-17", "Statement": [tls, *others]})["Statement"]
        == others
    )


def test_pulumis_wrapping_is_removed_from_inputs():
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "x"}
    assert plain({"a": 30.0, "b": 0.5, "c": [secret, {"d": None}], "e": None}) == {
        "a": 30,
        "b": 0.5,
        "c": ["x", {}],
    }


def test_an_input_counts_as_applied_only_when_it_was_taken():
    assert "aws:iam/role:Role" in REGISTRY
    item = Resource("aws:iam/role:Role", "role", {"name": "x", "description": "y"})
    assert item.take("name") == "x"
    assert item.rest() == {"description": "y"}
    assert item.rest() == {}


def test_the_repr_contains_no_secret():
    shown = repr(Aws("http://127.0.0.1:1", "us-east-1", "0", "key", "very-secret"))
    assert "very-secret" not in shown
