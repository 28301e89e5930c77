"""Redshift: nothing is provisioned, because the emulator already runs.

The program gets its address.
"""

from __future__ import annotations

from typing import Any

from local_cloud.resources.registry import Context, Created, Resource, resource
from local_cloud.resources.secrets_manager import create_admin_secret

NO_SETTING = "the emulator has no such setting"
NO_NETWORK = "the local cloud has no network model"
ROLES = {
    "iamRoles": "the emulator uses the role that COPY names and checks that it trusts Redshift",
}


def _managed_secret(context: Context, item: Resource, wanted_key: str, owner: str) -> str | None:
    """Create the secret that Redshift creates when it manages the admin password.

    Return its ARN, or None when it does not.
    """
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
        raise ValueError(f"the emulator has no database {name!r}; its databases are {known}")


@resource(
    "aws:redshiftserverless/namespace:Namespace",
    {
        "adminUsername": "the emulator has one user",
        "adminPasswordSecretKmsKeyId": NO_SETTING,
        "kmsKeyId": NO_SETTING,
        "logExports": NO_SETTING,
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
            ("baseCapacity", "maxCapacity", "pricePerformanceTarget", "trackName"), NO_SETTING
        ),
        **dict.fromkeys(
            ("subnetIds", "securityGroupIds", "publiclyAccessible", "enhancedVpcRouting"),
            NO_NETWORK,
        ),
        "configParameters": NO_SETTING,
        "port": "the emulator has its own port",
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
        "the emulator costs nothing",
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
        **dict.fromkeys(CLUSTER_SETTINGS, NO_SETTING),
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
    {"subnetIds": NO_NETWORK, "description": NO_SETTING},
)
def subnet_group(context: Context, item: Resource) -> Created:
    name = item.physical_name()
    return Created(name, {"arn": context.aws.arn("redshift", f"subnetgroup:{name}"), "name": name})


@resource(
    "aws:redshift/parameterGroup:ParameterGroup",
    dict.fromkeys(("family", "parameters", "description"), NO_SETTING),
)
def parameter_group(context: Context, item: Resource) -> Created:
    name = item.physical_name()
    return Created(
        name, {"arn": context.aws.arn("redshift", f"parametergroup:{name}"), "name": name}
    )
