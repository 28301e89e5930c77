from infra.warehouse import render_create_database
from tests.infra.engine import Stack

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


def test_a_protected_cluster_leaves_a_final_snapshot(everything: Stack):
    inputs = everything.one(CLUSTER).inputs
    assert inputs["skipFinalSnapshot"] is False
    assert inputs["finalSnapshotIdentifier"] == f"{inputs['clusterIdentifier']}-final"


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


def test_the_first_database_comes_with_the_warehouse_and_a_statement_creates_the_others(
    plain: Stack, everything: Stack
):
    assert not plain.has(STATEMENT)
    statement = everything.one(STATEMENT)
    assert statement.inputs["sql"] == "CREATE DATABASE analytics"
    assert statement.inputs["database"] == "dev"
    assert (
        statement.inputs["clusterIdentifier"] == everything.one(CLUSTER).inputs["clusterIdentifier"]
    )
    assert "workgroupName" not in statement.inputs


def test_a_database_name_that_is_a_keyword_is_quoted():
    assert render_create_database("order") == 'CREATE DATABASE "order"'
