"""Stacks for a warehouse and a network that exist already."""

import pytest

from etl_core.model.function_settings import LoadSettings, LongCopySettings, WarehouseLogin
from tests.infra.conftest import EXISTING, EXISTING_IAM
from tests.infra.engine import Stack

FUNCTION = "aws:lambda/function:Function"
SECRET = EXISTING["warehouseSecretArn"]


def environment(stack: Stack, noun: str) -> dict[str, str]:
    variables = stack.one(FUNCTION, f"-{noun}").inputs["environment"]["variables"]
    return {**variables, "AWS_REGION": "eu-central-1"}


def statements(stack: Stack, suffix: str) -> dict[str, dict[str, object]]:
    policy = stack.one("aws:iam/rolePolicy:RolePolicy", suffix).json("policy")
    return {statement["Sid"]: statement for statement in policy["Statement"]}


@pytest.fixture(params=["existing", "existing_iam"])
def stack(request: pytest.FixtureRequest) -> Stack:
    return request.getfixturevalue(request.param)


def test_nothing_is_created_in_redshift_or_in_the_network(stack: Stack):
    kinds = {resource.typ.split("/")[0] for resource in stack.resources}
    assert not kinds & {
        "aws:redshift",
        "aws:redshiftserverless",
        "aws:redshiftdata",
        "aws:ec2",
        "aws:vpc",
    }
    assert not kinds & {"aws:secretsmanager"}
    assert not [f.name for f in stack.of(FUNCTION) if f.name.endswith("bootstrap")]
    assert not stack.has("aws:lambda/invocation:Invocation")


def test_the_functions_run_in_the_given_network(stack: Stack):
    inside = {f.name.rsplit("-", 1)[1] for f in stack.of(FUNCTION) if "vpcConfig" in f.inputs}
    assert inside == {"load", "tables"}
    for noun in inside:
        config = stack.one(FUNCTION, f"-{noun}").inputs["vpcConfig"]
        assert config["subnetIds"] == ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
        assert config["securityGroupIds"] == ["sg-0123456789abcdef0"]


def test_the_loads_use_the_given_login(existing: Stack):
    settings = LoadSettings.from_environment(environment(existing, "load"))
    assert (settings.warehouse_host, settings.warehouse_port) == (EXISTING["warehouseHost"], 5440)
    assert settings.login == WarehouseLogin(secret_arn=SECRET)
    assert settings.databases == ("sales",)
    assert statements(existing, "-load-role")["ReadCredentials"]["Resource"] == [SECRET]
    assert existing.outputs["warehouse_secret_arn"] == SECRET
    assert existing.outputs["warehouse_administrator_secret_arn"] is None


def test_without_the_name_of_the_warehouse_there_are_no_long_loads(existing: Stack):
    assert LoadSettings.from_environment(environment(existing, "load")).long_load_bytes == 0
    assert set(statements(existing, "-staging-role")) == {"WriteLogs"}


def test_a_copy_role_is_created_unless_one_is_given(existing: Stack, existing_iam: Stack):
    assert existing.outputs["copy_role_arn"].endswith("-copy-role")
    assert not [
        r.name for r in existing_iam.of("aws:iam/role:Role") if r.name.endswith("-copy-role")
    ]
    given = EXISTING_IAM["copyRoleArn"]
    assert existing_iam.outputs["copy_role_arn"] == given
    assert environment(existing_iam, "load")["COPY_ROLE_ARN"] == given


def test_a_login_with_iam_is_the_same_role_for_all_functions_of_the_warehouse(
    existing_iam: Stack, iam: Stack
):
    """Redshift makes a user of each role, and only the owner of a table may drop it."""
    for stack in (existing_iam, iam):
        role = stack.one("aws:iam/role:Role", "-loader-role")
        for noun in ("load", "tables", "staging"):
            assert stack.one(FUNCTION, f"-{noun}").inputs["role"].endswith(role.name)
            policy = stack.one("aws:iam/rolePolicy:RolePolicy", f"-{noun}-role")
            assert policy.inputs["role"] == role.name
        assert stack.outputs["warehouse_loader"] == f"IAMR:{role.name}"
        assert stack.outputs["warehouse_secret_arn"] is None


def test_a_login_with_iam_may_ask_for_credentials_of_this_warehouse_only(
    existing_iam: Stack, iam: Stack
):
    cluster = statements(existing_iam, "-load-role")["LogIn"]
    assert cluster["Action"] == ["redshift:GetClusterCredentialsWithIAM"]
    assert cluster["Resource"] == ["arn:aws:redshift:eu-central-1:123456789012:dbname:main/*"]
    workgroup = statements(iam, "-load-role")["LogIn"]
    assert workgroup["Action"] == ["redshift-serverless:GetCredentials"]
    [arn] = workgroup["Resource"]
    assert arn == iam.one("aws:redshiftserverless/workgroup:Workgroup").name.join(
        ["arn:aws:redshiftserverless:eu-central-1:123456789012:Workgroup/", ""]
    )
    for stack in (existing_iam, iam):
        for noun in ("load", "tables", "staging"):
            assert "ReadCredentials" not in statements(stack, f"-{noun}-role")


def test_a_login_with_iam_needs_no_secret_in_the_functions(existing_iam: Stack):
    settings = LoadSettings.from_environment(environment(existing_iam, "load"))
    assert settings.login == WarehouseLogin(cluster="main")
    staging = LongCopySettings.from_environment(environment(existing_iam, "staging"))
    assert staging.login == WarehouseLogin(cluster="main")
    assert settings.long_load_bytes == 2 * 1024**3


def test_the_private_network_has_the_endpoint_of_the_login(iam: Stack, plain: Stack):
    def services(stack: Stack) -> set[str]:
        return {
            e.inputs["serviceName"].rsplit(".", 1)[1]
            for e in stack.of("aws:ec2/vpcEndpoint:VpcEndpoint")
        }

    assert services(iam) - services(plain) == {"redshift-serverless"}
    endpoint = iam.one("aws:ec2/vpcEndpoint:VpcEndpoint", "-login")
    [statement] = endpoint.json("policy")["Statement"]
    assert statement["Action"] == ["redshift-serverless:GetCredentials"]


def test_only_the_bootstrap_function_can_read_the_administrators_secret(plain: Stack, iam: Stack):
    for stack in (plain, iam):
        secret = stack.outputs["warehouse_administrator_secret_arn"]
        readers = {
            resource.name
            for resource, _, document in stack.documents()
            for statement in document["Statement"]
            if secret in statement.get("Resource", []) and resource.typ.endswith(":RolePolicy")
        }
        assert readers == {"redshift-lake-loader-dev-bootstrap-role"}
        role = stack.one(FUNCTION, "-bootstrap").inputs["role"]
        assert role.endswith("-bootstrap-role"), "never the role that loads share"


def test_a_new_warehouse_in_an_existing_network_lets_the_functions_in(joined: Stack):
    workgroup = joined.one("aws:redshiftserverless/workgroup:Workgroup").inputs
    assert workgroup["subnetIds"] == ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]
    group = joined.one("aws:ec2/securityGroup:SecurityGroup")
    assert group.inputs["vpcId"] == EXISTING["vpcId"]
    rule = joined.one("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule").inputs
    assert rule["securityGroupId"] == f"{group.name}-id"
    assert rule["referencedSecurityGroupId"] == "sg-0123456789abcdef0"
    egress = joined.one("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule").inputs
    assert egress["prefixListId"] == "pl-s3"
    assert not joined.has("aws:ec2/vpc:Vpc")
    assert not joined.has("aws:scheduler/schedule:Schedule") or not [
        s.name for s in joined.of("aws:scheduler/schedule:Schedule") if "snapshots" in s.name
    ]
