import importlib.util
import re

import pytest

from etl_core.model.function_settings import (
    LoadSettings,
    QuerySettings,
    ReconcileSettings,
    RecordSettings,
    WarehouseLogin,
)
from etl_core.model.retry_policies import LAMBDA_BUSY
from etl_core.model.table_filter import EVERY_TABLE, TableFilter
from infra import bundle
from infra.bundle import ROOT
from tests.infra.engine import Stack

FUNCTION = "aws:lambda/function:Function"
LOADER_ROLE = "redshift-lake-loader:infra:LoaderRole"
NOUNS = ("load", "record", "query", "tables", "reconcile")


def policy(stack: Stack, noun: str):
    statements = stack.one("aws:iam/rolePolicy:RolePolicy", f"-{noun}-role").json("policy")[
        "Statement"
    ]
    return {
        action
        for statement in statements
        for action in statement["Action"]
        if statement["Effect"] == "Allow"
    }


@pytest.mark.parametrize("noun", NOUNS)
def test_a_function_depends_on_its_log_group_and_on_the_policy_of_its_role(any_stack: Stack, noun):
    function = any_stack.one(FUNCTION, f"-{noun}")
    logs = any_stack.one("aws:cloudwatch/logGroup:LogGroup", f"-{noun}-logs")
    assert function.depends_on(logs)
    assert function.depends_on(any_stack.one("aws:iam/rolePolicy:RolePolicy", f"-{noun}-role"))
    is_shared = any_stack.has(LOADER_ROLE) and noun in ("load", "tables")
    role = "loader" if is_shared else noun
    assert function.depends_on(any_stack.one("aws:iam/role:Role", f"-{role}-role"))
    assert logs.inputs["retentionInDays"] == 30
    assert logs.inputs["name"].startswith("/aws/lambda/")


def test_another_key_is_another_layer_and_compiled_files_alone_change_nothing(plain: Stack):
    layer = plain.one("aws:lambda/layerVersion:LayerVersion")
    assert layer.name == f"redshift-lake-loader-dev-layer-{bundle.digest_of()[:12]}"
    assert layer.inputs["layerName"] == "redshift-lake-loader-dev-layer"
    assert layer.ignored_changes == ("code",)


def test_the_layer_has_every_service_that_a_function_calls():
    """botocore's description of a service that is missing in the layer is found nowhere on Lambda."""
    sources = [path.read_text() for path in (ROOT / "handlers").glob("*.py")]
    called = {name for text in sources for name in re.findall(r'make_client\(\s*"([\w-]+)"', text)}
    assert {"dynamodb", "lambda", "redshift-data", "s3", "stepfunctions"} <= called
    assert called <= bundle.AWS_SERVICES


@pytest.mark.parametrize("noun", NOUNS)
def test_a_function_has_the_runtime_and_architecture_of_its_layer(plain: Stack, noun):
    function, layer = (
        plain.one(FUNCTION, f"-{noun}").inputs,
        plain.one("aws:lambda/layerVersion:LayerVersion").inputs,
    )
    assert [function["runtime"]] == layer["compatibleRuntimes"] == ["python3.14"]
    assert function["architectures"] == layer["compatibleArchitectures"] == ["x86_64"]
    assert len(function["layers"]) == 1
    assert function["loggingConfig"]["logGroup"] == f"/aws/lambda/redshift-lake-loader-dev-{noun}"


@pytest.mark.parametrize("noun", NOUNS)
def test_the_handler_exists(plain: Stack, noun):
    module, _, name = plain.one(FUNCTION, f"-{noun}").inputs["handler"].rpartition(".")
    assert importlib.util.find_spec(module) is not None
    assert name == "handler"


def test_the_load_function_can_parse_its_environment(plain: Stack, everything: Stack):
    for stack in (plain, everything):
        variables = stack.one(FUNCTION, "-load").inputs["environment"]["variables"]
        settings = LoadSettings.from_environment({**variables, "AWS_REGION": "eu-central-1"})
        assert settings.lake_bucket == stack.outputs["lake_bucket"]
        assert settings.work_bucket == stack.outputs["work_bucket"]
        assert list(settings.databases) == stack.outputs["warehouse_databases"]
        assert settings.warehouse_host == stack.outputs["warehouse_host"]
        assert settings.warehouse_port == stack.outputs["warehouse_port"]
        assert settings.login == WarehouseLogin(stack.outputs["warehouse_secret_arn"])
        assert settings.copy_role_arn == stack.outputs["copy_role_arn"]
        assert settings.warehouse_ca_file is None


def test_the_query_function_gets_the_log_table_the_lake_and_no_origin(plain: Stack):
    variables = plain.one(FUNCTION, "-query").inputs["environment"]["variables"]
    assert set(variables) == {"LOG_TABLE", "LAKE_BUCKET", "CORS_ORIGIN", "FRESHNESS_HOURS"}
    settings = QuerySettings.from_environment(variables)
    assert settings.log_table == plain.outputs["log_table"]
    assert settings.lake_bucket == plain.outputs["lake_bucket"]
    assert settings.cors_origin is None


def test_the_record_function_gets_the_log_table_and_the_leases(plain: Stack, everything: Stack):
    for stack, parallel_loads in ((plain, 5), (everything, 3)):
        settings = RecordSettings.from_environment(
            stack.one(FUNCTION, "-record").inputs["environment"]["variables"]
        )
        assert settings.log_table == stack.outputs["log_table"]
        assert settings.leases is not None
        assert settings.leases.table == "redshift-lake-loader-dev-leases"
        assert settings.leases.parallel_loads == parallel_loads


def test_a_lease_expires_after_the_load_function_has_ended(plain: Stack):
    """The state machine may wait for a free function, and for the record function."""
    load = plain.one(FUNCTION, "-load").inputs
    record = plain.one(FUNCTION, "-record").inputs
    seconds = int(record["environment"]["variables"]["LEASE_SECONDS"])
    busy = sum(LAMBDA_BUSY.delay_seconds(retry, 1) for retry in range(LAMBDA_BUSY.max_attempts))
    assert seconds > load["timeout"] + busy + 2 * record["timeout"]


def test_only_functions_that_use_the_warehouse_are_in_the_network(plain: Stack):
    inside = {f.name.rsplit("-", 1)[1] for f in plain.of(FUNCTION) if "vpcConfig" in f.inputs}
    assert inside == {"load", "tables", "bootstrap"}
    for noun in inside:
        config = plain.one(FUNCTION, f"-{noun}").inputs["vpcConfig"]
        assert config["securityGroupIds"] == ["redshift-lake-loader-dev-network-load-id"]
        assert len(config["subnetIds"]) == 3


def test_the_tables_function_has_the_environment_of_load_but_not_its_reserved_concurrency(
    everything: Stack,
):
    load, tables = (everything.one(FUNCTION, f"-{noun}").inputs for noun in ("load", "tables"))
    assert tables["environment"] == load["environment"]
    assert tables["timeout"] == 900
    assert "reservedConcurrentExecutions" not in tables


def test_the_functions_that_load_know_the_tables_that_the_stack_serves(
    plain: Stack, everything: Stack
):
    for noun in ("load", "tables"):
        variables = everything.one(FUNCTION, f"-{noun}").inputs["environment"]["variables"]
        settings = LoadSettings.from_environment(variables | {"AWS_REGION": "eu-central-1"})
        assert settings.table_filter == TableFilter(("dev.*.*", "analytics.sales.order?"))
    variables = everything.one(FUNCTION, "-reconcile").inputs["environment"]["variables"]
    assert ReconcileSettings.from_environment(variables).table_filter == settings.table_filter
    load = plain.one(FUNCTION, "-load").inputs["environment"]["variables"]
    settings = LoadSettings.from_environment(load | {"AWS_REGION": "eu-central-1"})
    assert settings.table_filter == EVERY_TABLE


def test_the_reconcile_function_can_parse_its_environment(plain: Stack):
    variables = plain.one(FUNCTION, "-reconcile").inputs["environment"]["variables"]
    settings = ReconcileSettings.from_environment(variables)
    assert settings.lake_bucket == plain.outputs["lake_bucket"]
    assert settings.log_table == plain.outputs["log_table"]
    assert settings.state_machine_arn == plain.outputs["state_machine_arn"]
    assert settings.tables_function == plain.outputs["tables_function"]


def test_concurrency_is_reserved_for_load_and_record_when_configured(
    plain: Stack, everything: Stack
):
    reserved = "reservedConcurrentExecutions"
    assert not [f.name for f in plain.of(FUNCTION) if reserved in f.inputs]
    assert {
        f.name.rpartition("-")[2]: f.inputs[reserved]
        for f in everything.of(FUNCTION)
        if reserved in f.inputs
    } == {"load": 5, "record": 20}


def test_each_role_has_exactly_the_permissions_of_its_function(plain: Stack):
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert policy(plain, "query") == logs | {
        "dynamodb:Query",
        "s3:GetObject",
        "s3:GetObjectVersion",
    }
    assert policy(plain, "record") == logs | {
        "dynamodb:BatchGetItem",
        "dynamodb:DeleteItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    }
    assert policy(plain, "reconcile") == logs | {
        "s3:ListBucketVersions",
        "dynamodb:BatchGetItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        "lambda:InvokeFunction",
        "states:StartExecution",
        "states:DescribeExecution",
    }
    assert policy(plain, "tables") == policy(plain, "load") - {"dynamodb:UpdateItem"}
    load = {action for action in policy(plain, "load") if not action.startswith(("ec2:", "logs:"))}
    assert load == {
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:PutObject",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "secretsmanager:GetSecretValue",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    }


def test_only_the_record_function_can_use_the_leases(plain: Stack):
    leases = "arn:aws:dynamodb:eu-central-1:123456789012:Table/redshift-lake-loader-dev-leases"
    for noun in NOUNS:
        attached = plain.one("aws:iam/rolePolicy:RolePolicy", f"-{noun}-role").json("policy")
        resources = {arn for s in attached["Statement"] for arn in s.get("Resource", [])}
        assert (leases in resources) is (noun == "record")


def test_the_load_function_can_write_to_the_work_bucket_only(plain: Stack):
    statements = plain.one("aws:iam/rolePolicy:RolePolicy", "-load-role").json("policy")[
        "Statement"
    ]
    (writes,) = [s for s in statements if "s3:PutObject" in s["Action"]]
    assert [arn.rsplit("/", 2)[1] for arn in writes["Resource"]] == [
        "redshift-lake-loader-dev-lake-work"
    ]


def test_the_staging_function_knows_its_warehouse_and_runs_outside_the_network(
    plain: Stack, everything: Stack
) -> None:
    for stack, variable in ((plain, "WAREHOUSE_WORKGROUP"), (everything, "WAREHOUSE_CLUSTER")):
        function = stack.one("aws:lambda/function:Function", "-staging")
        variables = function.inputs["environment"]["variables"]
        assert set(variables) == {"WAREHOUSE_SECRET_ARN", variable}
        assert "vpcConfig" not in function.inputs
        assert function.inputs["handler"] == "handlers.long_copy.handler"


def test_the_staging_function_runs_statements_in_the_warehouse_of_the_stack_only(
    plain: Stack, everything: Stack
) -> None:
    for stack, arn in ((plain, "workgroup"), (everything, "cluster")):
        [policy] = [
            document for resource, _, document in stack.documents()
            if resource.name.endswith("-staging-role") and resource.typ.endswith("RolePolicy")
        ]  # fmt: skip
        by_sid = {statement["Sid"]: statement for statement in policy["Statement"]}
        assert set(by_sid) == {"WriteLogs", "RunStatements", "SeeOwnStatements", "ReadCredentials"}
        assert by_sid["RunStatements"]["Action"] == ["redshift-data:BatchExecuteStatement"]
        [resource_arn] = by_sid["RunStatements"]["Resource"]
        assert arn in resource_arn.lower()
        assert by_sid["SeeOwnStatements"]["Condition"] == {
            "StringEquals": {"redshift-data:statement-owner-iam-userid": "${aws:userid}"}
        }


def test_the_load_function_knows_which_files_are_long_loads(plain: Stack) -> None:
    load = plain.one("aws:lambda/function:Function", "-load")
    assert load.inputs["environment"]["variables"]["LONG_LOAD_BYTES"] == "2147483648"
