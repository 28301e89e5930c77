"""The warehouse: Redshift Serverless or a provisioned cluster, in the private subnets.

AWS creates the administrator's password, keeps it in Secrets Manager and rotates it; this program
never sees it. `config_parameters` stays unset: new warehouses require TLS by default, and with one
parameter set every `pulumi up` tries to remove the others (terraform-provider-aws issue 33692).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi_aws.redshift as redshift
import pulumi_aws.redshiftdata as redshiftdata
import pulumi_aws.redshiftserverless as redshiftserverless
from pulumi import Input, Output, ResourceOptions
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler
from sqlalchemy_redshift.dialect import RedshiftDialect

from infra.component import Component
from infra.network import Network
from infra.stack_settings import StackSettings, WarehouseKind

ADMINISTRATOR = "awsuser"
PORT = 5439


@dataclass(frozen=True)
class Endpoint:
    """Address of a warehouse, its ARN and the ARN of its administrator's secret.

    Either the workgroup or the cluster is set. `arn` is that one's.
    """

    host: Output[str]
    port: Output[int]
    secret_arn: Output[str]
    arn: Output[str]
    workgroup_name: Output[str] | None = None
    cluster_identifier: Output[str] | None = None


class CreateDatabase(ExecutableDDLElement):
    """CREATE DATABASE. The owner is the administrator, who runs it."""

    inherit_cache = False

    def __init__(self, name: str) -> None:
        self.name = name


@compiles(CreateDatabase)
def _create_database(element: CreateDatabase, compiler: DDLCompiler, **_: Any) -> str:
    return f"CREATE DATABASE {compiler.preparer.quote(element.name)}"


def render_create_database(name: str) -> str:
    """Return the CREATE DATABASE statement.

    The Redshift dialect quotes the name where necessary.
    """
    return str(CreateDatabase(name).compile(dialect=RedshiftDialect()))


class Warehouse(Component):
    """One warehouse with the databases of the stack. Its default role is `copy_role_arn`."""

    def __init__(
        self,
        name: str,
        settings: StackSettings,
        network: Network,
        copy_role_arn: Input[str],
        opts: ResourceOptions,
    ) -> None:
        super().__init__(name, opts)
        self._settings = settings
        self._protected = self.child(protect=settings.protect_data)
        self._copy_role_arn = copy_role_arn
        self._group = network.security_group("warehouse", "The warehouse")
        network.connect("load-to-warehouse", network.load_group, self._group, PORT)
        network.allow_s3("warehouse-to-s3", self._group)
        match settings.warehouse_kind:
            case WarehouseKind.SERVERLESS:
                endpoint = self._serverless(network)
            case WarehouseKind.PROVISIONED:
                endpoint = self._provisioned(network)
        self.host = endpoint.host
        self.port = endpoint.port
        self.secret_arn = endpoint.secret_arn
        self.arn = endpoint.arn
        self.workgroup_name = endpoint.workgroup_name
        self.cluster_identifier = endpoint.cluster_identifier
        for database in settings.databases[1:]:
            self._create_database(database, endpoint)
        self.register_outputs({})

    def _serverless(self, network: Network) -> Endpoint:
        namespace = redshiftserverless.Namespace(
            self.name,
            namespace_name=self.name,
            admin_username=ADMINISTRATOR,
            manage_admin_password=True,
            db_name=self._settings.databases[0],
            iam_roles=[self._copy_role_arn],
            default_iam_role_arn=self._copy_role_arn,
            opts=self._protected,
        )
        workgroup = redshiftserverless.Workgroup(
            self.name,
            workgroup_name=self.name,
            namespace_name=namespace.namespace_name,
            base_capacity=self._settings.warehouse_base_capacity,
            port=PORT,
            subnet_ids=network.subnet_ids,
            security_group_ids=[self._group.id],
            publicly_accessible=False,
            enhanced_vpc_routing=True,
            opts=self.child(),
        )
        return Endpoint(
            host=workgroup.endpoints.apply(lambda endpoints: str(endpoints[0].address)),
            port=workgroup.endpoints.apply(lambda endpoints: int(endpoints[0].port or PORT)),
            secret_arn=namespace.admin_password_secret_arn,
            arn=workgroup.arn,
            workgroup_name=workgroup.workgroup_name,
        )

    def _provisioned(self, network: Network) -> Endpoint:
        settings = self._settings
        subnets = redshift.SubnetGroup(self.name, subnet_ids=network.subnet_ids, opts=self.child())
        cluster = redshift.Cluster(
            self.name,
            cluster_identifier=self.name,
            node_type=settings.warehouse_node_type,
            cluster_type="single-node" if settings.warehouse_node_count == 1 else "multi-node",
            number_of_nodes=settings.warehouse_node_count,
            database_name=settings.databases[0],
            master_username=ADMINISTRATOR,
            manage_master_password=True,
            iam_roles=[self._copy_role_arn],
            default_iam_role_arn=self._copy_role_arn,
            cluster_subnet_group_name=subnets.name,
            vpc_security_group_ids=[self._group.id],
            port=PORT,
            publicly_accessible=False,
            enhanced_vpc_routing=True,
            encrypted="true",
            skip_final_snapshot=not settings.protect_data,
            final_snapshot_identifier=f"{self.name}-final" if settings.protect_data else None,
            opts=self._protected,
        )
        return Endpoint(
            host=cluster.dns_name,
            port=cluster.port.apply(lambda port: port or PORT),
            secret_arn=cluster.master_password_secret_arn,
            arn=cluster.arn,
            cluster_identifier=cluster.cluster_identifier,
        )

    def _create_database(self, database: str, endpoint: Endpoint) -> None:
        """Create a database through the Redshift Data API.

        Removing it from the settings does not drop it.
        """
        redshiftdata.Statement(
            f"{self.name}-{database}",
            database=self._settings.databases[0],
            sql=render_create_database(database),
            workgroup_name=endpoint.workgroup_name,
            cluster_identifier=endpoint.cluster_identifier,
            secret_arn=endpoint.secret_arn,
            opts=self.child(),
        )
