"""The warehouse: Redshift Serverless or a provisioned cluster, in the private subnets, for the load function only.

AWS makes the administrator's password, keeps it in Secrets Manager and rotates it: no program ever writes one. New
warehouses demand TLS by default, and `config_parameters` stays unset: naming one parameter makes every `pulumi up` want
to remove the others (terraform-provider-aws issue 33692).
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi_aws.redshift as redshift
import pulumi_aws.redshiftdata as redshiftdata
import pulumi_aws.redshiftserverless as redshiftserverless
from pulumi import Input, Output, ResourceOptions

from infra.component import Component
from infra.database_ddl import render_create_database
from infra.network import Network
from infra.stack_settings import StackSettings, WarehouseKind

ADMINISTRATOR = "awsuser"
PORT = 5439


@dataclass(frozen=True)
class Endpoint:
    """Where a warehouse listens and where its administrator's credentials are; one of the two ids names it."""

    host: Output[str]
    port: Output[int]
    secret_arn: Output[str]
    workgroup_name: Output[str] | None = None
    cluster_identifier: Output[str] | None = None


class Warehouse(Component):
    """One warehouse with the stack's databases; `copy_role_arn` is attached as its default role."""

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
        network.let_out_to_s3("warehouse-to-s3", self._group)
        match settings.warehouse_kind:
            case WarehouseKind.SERVERLESS:
                endpoint = self._serverless(network)
            case WarehouseKind.PROVISIONED:
                endpoint = self._provisioned(network)
        self.host = endpoint.host
        self.port = endpoint.port
        self.secret_arn = endpoint.secret_arn
        for database in settings.databases[1:]:
            self._further_database(database, endpoint)
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
            cluster_identifier=cluster.cluster_identifier,
        )

    def _further_database(self, database: str, endpoint: Endpoint) -> None:
        """Created once through the Redshift Data API. Taking it off the list drops nothing."""
        redshiftdata.Statement(
            f"{self.name}-{database}",
            database=self._settings.databases[0],
            sql=render_create_database(database),
            workgroup_name=endpoint.workgroup_name,
            cluster_identifier=endpoint.cluster_identifier,
            secret_arn=endpoint.secret_arn,
            opts=self.child(),
        )
