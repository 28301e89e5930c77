import json

import boto3

from infra.bootstrap import code_digest
from infra.program import main
from tests.infra.engine import Mode, Stack, run

NAMESPACE = "aws:redshiftserverless/namespace:Namespace"
WORKGROUP = "aws:redshiftserverless/workgroup:Workgroup"
CLUSTER = "aws:redshift/cluster:Cluster"
STATEMENT = "aws:redshiftdata/statement:Statement"


def test_serverless_is_private_and_aws_manages_its_password(plain: Stack):
    namespace, workgroup = plain.one(NAMESPACE), plain.one(WORKGROUP)
    assert not plain.has(CLUSTER)
    assert namespace.inputs["manageAdminPassword"] is True
    assert "adminUserPassword" not in namespace.inputs
    assert namespace.inputs["dbName"] == "dev"
    assert workgroup.inputs["publiclyAccessible"] is False
    assert workgroup.inputs["enhancedVpcRouting"] is True
    assert len(workgroup.inputs["subnetIds"]) == 3
    assert workgroup.inputs["baseCapacity"] == 8
    assert workgroup.inputs["namespaceName"] == namespace.inputs["namespaceName"]


def test_the_cluster_is_private_and_encrypted_and_aws_manages_its_password(everything: Stack):
    cluster = everything.one(CLUSTER)
    assert not everything.has(NAMESPACE)
    assert not everything.has(WORKGROUP)
    assert cluster.inputs["manageMasterPassword"] is True
    assert cluster.inputs["publiclyAccessible"] is False
    assert cluster.inputs["enhancedVpcRouting"] is True
    assert cluster.inputs["encrypted"] == "true"
    assert cluster.inputs["clusterType"] == "multi-node"
    assert cluster.inputs["numberOfNodes"] == 2


def test_a_final_snapshot_has_a_name_that_no_other_stack_has_used(everything: Stack):
    """The name of the subnet group ends in a suffix of Pulumi, which is new for each new cluster."""
    inputs = everything.one(CLUSTER).inputs
    group = everything.one("aws:redshift/subnetGroup:SubnetGroup")
    assert inputs["skipFinalSnapshot"] is False
    assert inputs["finalSnapshotIdentifier"].startswith(f"{group.name}-final-")
    assert group.replaced_on == ("subnetIds",)
    assert inputs["clusterSubnetGroupName"] == group.name
    assert inputs["automatedSnapshotRetentionPeriod"] == 14


def test_protect_data_decides_nothing_about_the_final_snapshot():
    config = {"warehouseKind": "provisioned", "protectData": "true"}
    cluster = run(main, Mode.DEPLOY, config=config).one(CLUSTER)
    assert cluster.protect
    assert cluster.inputs["skipFinalSnapshot"] is True
    assert "finalSnapshotIdentifier" not in cluster.inputs


def test_a_serverless_namespace_has_daily_snapshots_that_outlive_it(plain: Stack):
    schedule = plain.one("aws:scheduler/schedule:Schedule", "-snapshots").inputs
    namespace = plain.one(NAMESPACE).inputs["namespaceName"]
    assert schedule["scheduleExpression"] == "rate(1 days)"
    request = json.loads(schedule["target"]["input"])
    assert request["NamespaceName"] == namespace
    assert request["RetentionPeriod"] == 7
    assert request["SnapshotName"].endswith("<aws.scheduler.execution-id>")
    # Universal targets use the names of the API, with an upper-case first letter.
    model = boto3.session.Session().client("redshift-serverless", "us-east-1").meta.service_model
    members = model.operation_model("CreateSnapshot").input_shape.members
    assert {name[0].lower() + name[1:] for name in request} <= set(members)
    policy = plain.one("aws:iam/rolePolicy:RolePolicy", "-snapshots-role").json("policy")
    [statement] = policy["Statement"]
    assert statement["Action"] == ["redshift-serverless:CreateSnapshot"]


def test_what_aws_cannot_change_in_place_is_replaced_after_the_old_one_is_gone(
    plain: Stack, everything: Stack
):
    """The names are fixed: a second namespace or workgroup under the same name would be refused."""
    namespace, workgroup = plain.one(NAMESPACE), plain.one(WORKGROUP)
    cluster = everything.one(CLUSTER)
    assert "dbName" in namespace.replaced_on
    assert "subnetIds" in workgroup.replaced_on
    assert "databaseName" in cluster.replaced_on
    assert all(each.delete_before_replace for each in (namespace, workgroup, cluster))


def test_another_address_range_keeps_the_data_of_a_serverless_warehouse(plain: Stack):
    """Only the workgroup is in the network; the namespace has the data."""
    namespace = plain.one(NAMESPACE)
    assert not namespace.depends_on(plain.one("aws:ec2/vpc:Vpc"))
    assert not [s for s in plain.of("aws:ec2/subnet:Subnet") if namespace.depends_on(s)]


def test_bootstrap_creates_the_databases_and_runs_again_when_something_changes(
    plain: Stack, everything: Stack
):
    for stack, databases in ((plain, ["dev"]), (everything, ["dev", "analytics"])):
        invocation = stack.one("aws:lambda/invocation:Invocation")
        request = json.loads(invocation.inputs["input"])
        assert request == {"databases": databases, "loader": "lake_loader", "reader": "lake_reader"}
        assert set(invocation.inputs["triggers"]) == {"warehouse", "code"}
        assert invocation.inputs["functionName"].endswith("-bootstrap")
        assert not stack.has("aws:redshiftdata/statement:Statement")


def test_bootstrap_runs_after_the_warehouse_can_be_reached(plain: Stack):
    invocation = plain.one("aws:lambda/invocation:Invocation")
    assert invocation.depends_on(plain.one(WORKGROUP))
    for typ in (
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
    ):
        for resource in plain.of(typ):
            assert invocation.depends_on(resource), resource.name


def test_the_code_of_bootstrap_is_part_of_its_triggers(tmp_path):
    for name in ("etl_core/access/a.py", "handlers/bootstrap.py", "etl_core/sql.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1")
    before = code_digest(tmp_path)
    (tmp_path / "etl_core/sql.py").write_text("2")
    assert code_digest(tmp_path) == before
    (tmp_path / "etl_core/access/a.py").write_text("2")
    assert code_digest(tmp_path) != before


def test_the_secret_of_the_loader_has_no_value_in_the_state(plain: Stack, everything: Stack):
    """Bootstrap writes it."""
    for stack in (plain, everything):
        secret = stack.one("aws:secretsmanager/secret:Secret")
        assert stack.outputs["warehouse_secret_arn"].endswith(secret.name)
        assert not stack.has("aws:secretsmanager/secretVersion:SecretVersion")


def test_the_copy_role_is_the_default_role_and_gets_its_policy_before_the_warehouse(
    plain: Stack, everything: Stack
):
    for stack, kind in ((plain, NAMESPACE), (everything, CLUSTER)):
        warehouse = stack.one(kind)
        assert (
            warehouse.inputs["iamRoles"]
            == [warehouse.inputs["defaultIamRoleArn"]]
            == [stack.outputs["copy_role_arn"]]
        )
        assert warehouse.depends_on(stack.one("aws:iam/rolePolicy:RolePolicy", "-copy-role"))


def test_the_warehouse_has_its_own_security_group_only(plain: Stack, everything: Stack):
    group = "redshift-lake-loader-dev-network-warehouse-id"
    assert plain.one(WORKGROUP).inputs["securityGroupIds"] == [group]
    assert everything.one(CLUSTER).inputs["vpcSecurityGroupIds"] == [group]


def test_the_copy_role_can_only_read_the_two_buckets(plain: Stack):
    role = plain.one("aws:iam/role:Role", "-copy-role")
    (trust,) = role.json("assumeRolePolicy")["Statement"]
    assert trust["Principal"]["Service"] == [
        "redshift.amazonaws.com",
        "redshift-serverless.amazonaws.com",
    ]
    policy = plain.one("aws:iam/rolePolicy:RolePolicy", "-copy-role").json("policy")["Statement"]
    assert {action for s in policy for action in s["Action"]} == {
        "s3:GetObject",
        "s3:GetBucketLocation",
        "s3:ListBucket",
    }
    assert {arn.removesuffix("/*").rsplit("/")[-1] for s in policy for arn in s["Resource"]} == {
        "redshift-lake-loader-dev-lake",
        "redshift-lake-loader-dev-lake-work",
    }
