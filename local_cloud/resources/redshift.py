"""Redshift: nothing is provisioned, the stand-in is there already. What the program learns is where it listens."""

from __future__ import annotations

from typing import Any

from local_cloud.resources.registry import Context, Created, Resource, resource
from local_cloud.resources.secrets_manager import create_admin_secret

STAND_IN = "the stand-in for Redshift has no such setting"
NO_NETWORK = "the local cloud has no network model"
ROLES = {
    "iamRoles": "the stand-in takes the role that COPY names, and checks that the role trusts Redshift",
}


def _managed_secret(context: Context, item: Resource, wanted_key: str, owner: str) -> str | None:
    """The secret that Redshift makes when it is asked to manage the admin's password."""
    if not item.take(wanted_key):
        return None
    user, password = context.warehouse.user, context.warehouse.password
    return create_admin_secret(context.aws, f"redshift!{owner}-{user}", user, password)


def _attach_default_role(context: Context, item: Resource) -> None:
    if arn := item.take("defaultIamRoleArn"):
        context.warehouse.attach_default_role(arn)


def _refuse_unknown_database(context: Context, name: str | None) -> None:
    if name and name not in context.warehouse.databases:
        known = ", ".join(context.warehouse.databases)
        raise ValueError(f"the database {name!r} is not one of the stand-in's ({known})")


@resource(
    "aws:redshiftserverless/namespace:Namespace",
    {
        "adminUsername": "the stand-in has one user",
        "adminPasswordSecretKmsKeyId": STAND_IN,
        "kmsKeyId": STAND_IN,
        "logExports": STAND_IN,
        **ROLES,
    },
)
def namespace(context: Context, item: Resource) -> Created:
    name = item.need("namespaceName")
    _refuse_unknown_database(context, item.take("dbName"))
    _attach_default_role(context, item)
    secret_arn = _managed_secret(context, item, "manageAdminPassword", name)
    outputs: dict[str, Any] = {
        "arn": context.aws.arn("redshift-serverless", f"namespace/{name}"),
        "namespaceId": name,
        "adminPasswordSecretArn": secret_arn,
    }
    return Created(name, outputs)


@resource(
    "aws:redshiftserverless/workgroup:Workgroup",
    {
        **dict.fromkeys(
            ("baseCapacity", "maxCapacity", "pricePerformanceTarget", "trackName"), STAND_IN
        ),
        **dict.fromkeys(
            ("subnetIds", "securityGroupIds", "publiclyAccessible", "enhancedVpcRouting"),
            NO_NETWORK,
        ),
        "configParameters": STAND_IN,
        "port": "the stand-in listens on a port of its own",
    },
)
def workgroup(context: Context, item: Resource) -> Created:
    name = item.need("workgroupName")
    item.need("namespaceName")
    where = context.warehouse
    outputs: dict[str, Any] = {
        "arn": context.aws.arn("redshift-serverless", f"workgroup/{name}"),
        "workgroupId": name,
        "endpoints": [{"address": where.host, "port": where.port, "vpcEndpoints": []}],
        "port": where.port,
    }
    return Created(name, outputs)


@resource(
    "aws:redshiftserverless/usageLimit:UsageLimit",
    dict.fromkeys(
        ("resourceArn", "usageType", "amount", "period", "breachAction"),
        "the stand-in costs nothing",
    ),
)
def usage_limit(context: Context, item: Resource) -> Created:
    return Created(
        item.name, {"arn": context.aws.arn("redshift-serverless", f"usagelimit/{item.name}")}
    )


CLUSTER_SETTINGS = (
    "nodeType",
    "numberOfNodes",
    "clusterType",
    "masterUsername",
    "encrypted",
    "kmsKeyId",
    "skipFinalSnapshot",
    "finalSnapshotIdentifier",
    "automatedSnapshotRetentionPeriod",
    "clusterParameterGroupName",
    "port",
    "applyImmediately",
    "allowVersionUpgrade",
    "preferredMaintenanceWindow",
    "multiAz",
)
CLUSTER_NETWORK = (
    "clusterSubnetGroupName",
    "vpcSecurityGroupIds",
    "publiclyAccessible",
    "enhancedVpcRouting",
    "availabilityZoneRelocationEnabled",
    "availabilityZone",
)


@resource(
    "aws:redshift/cluster:Cluster",
    {
        **dict.fromkeys(CLUSTER_SETTINGS, STAND_IN),
        **dict.fromkeys(CLUSTER_NETWORK, NO_NETWORK),
        **ROLES,
    },
)
def cluster(context: Context, item: Resource) -> Created:
    name = item.need("clusterIdentifier")
    _refuse_unknown_database(context, item.take("databaseName"))
    _attach_default_role(context, item)
    secret_arn = _managed_secret(context, item, "manageMasterPassword", name)
    where = context.warehouse
    outputs: dict[str, Any] = {
        "arn": context.aws.arn("redshift", f"cluster:{name}"),
        "dnsName": where.host,
        "endpoint": f"{where.host}:{where.port}",
        "port": where.port,
        "masterPasswordSecretArn": secret_arn,
        "clusterNamespaceArn": context.aws.arn("redshift", f"namespace:{name}"),
    }
    return Created(name, outputs)


@resource(
    "aws:redshift/subnetGroup:SubnetGroup",
    {"subnetIds": NO_NETWORK, "description": STAND_IN},
)
def subnet_group(context: Context, item: Resource) -> Created:
    name = item.physical_name()
    return Created(name, {"arn": context.aws.arn("redshift", f"subnetgroup:{name}"), "name": name})


@resource(
    "aws:redshift/parameterGroup:ParameterGroup",
    dict.fromkeys(("family", "parameters", "description"), STAND_IN),
)
def parameter_group(context: Context, item: Resource) -> Created:
    name = item.physical_name()
    return Created(
        name, {"arn": context.aws.arn("redshift", f"parametergroup:{name}"), "name": name}
    )


@resource(
    "aws:redshiftdata/statement:Statement",
    dict.fromkeys(("workgroupName", "clusterIdentifier"), STAND_IN),
)
def statement(context: Context, item: Resource) -> Created:
    """Only what the program needs it for: databases, all of which the stand-in has from its start."""
    _refuse_unknown_database(context, item.need("database"))
    item.need("secretArn")
    words = str(item.need("sql")).split()
    if len(words) != 3 or [word.upper() for word in words[:2]] != ["CREATE", "DATABASE"]:
        raise ValueError(f"the local cloud runs CREATE DATABASE only, not {' '.join(words)!r}")
    _refuse_unknown_database(context, words[2].strip('"'))
    return Created(f"statement-{item.name}")
