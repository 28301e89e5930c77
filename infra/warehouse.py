"""The warehouse: Redshift Serverless or a provisioned cluster in the network, or one that exists already.

AWS creates the administrator's password, keeps it in Secrets Manager and rotates it; this program
never sees it, and no load uses it. `config_parameters` stays unset: new warehouses require TLS by
default, and with one parameter set every `pulumi up` tries to remove the others
(terraform-provider-aws issue 33692).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import pulumi
import pulumi_aws.redshift as redshift
import pulumi_aws.redshiftserverless as redshiftserverless
import pulumi_aws.secretsmanager as secretsmanager
from pulumi import Input, InvokeOptions, Output, ResourceOptions
from pulumi_aws.get_caller_identity import get_caller_identity_output
from pulumi_aws.get_partition import get_partition_output
from pulumi_aws.get_region import get_region_output

from infra import policies
from infra.component import Component
from infra.network import AnyNetwork
from infra.policies import Statement
from infra.setting_kinds import WarehouseKind, WarehouseLogin
from infra.stack_settings import StackSettings

ADMINISTRATOR = "awsuser"
PORT = 5439


@dataclass(frozen=True)
class ExistingWarehouse:
    """A warehouse that exists already. The workgroup or the cluster is needed for a login with IAM and
    for long loads; at most one is set. Without a secret the login is by IAM.
    """

    host: Input[str]
    port: Input[int] = PORT
    secret_arn: Input[str] | None = None
    workgroup: Input[str] | None = None
    cluster: Input[str] | None = None
    copy_role_arn: Input[str] | None = None


@dataclass(frozen=True)
class Endpoint:
    """Address of a warehouse, its secrets and its ARN.

    At most one of workgroup and cluster is set; `arn` is that one's. Without `secret_arn` the loader
    logs in with IAM. A warehouse without `administrator_arn` was not created by the stack.
    """

    host: Output[str]
    port: Output[int]
    secret_arn: Output[str] | None = None
    administrator_arn: Output[str] | None = None
    arn: Output[str] | None = None
    workgroup: Output[str] | None = None
    cluster: Output[str] | None = None

    def login(self) -> Output[Statement]:
        """Return the permission to log in."""
        if self.secret_arn is not None:
            return self.secret_arn.apply(policies.read_secret)
        if self.arn is None:
            raise ValueError("a login with IAM needs the workgroup or the cluster")
        build: Callable[[str], Statement] = policies.log_in_to_cluster
        if self.workgroup is not None:
            build = policies.log_in_to_workgroup
        return self.arn.apply(build)


class Warehouse(Component):
    """A new warehouse in the network. Its default role is `copy_role_arn`."""

    def __init__(
        self,
        name: str,
        settings: StackSettings,
        network: AnyNetwork,
        copy_role_arn: Input[str],
        opts: ResourceOptions,
    ) -> None:
        super().__init__(name, opts)
        self._settings = settings
        self._copy_role_arn = copy_role_arn
        self._group = network.security_group("warehouse", "The warehouse")
        network.admit_functions("load-to-warehouse", self._group, PORT)
        network.allow_s3("warehouse-to-s3", self._group)
        self._admit_people(network)
        secret_arn = self._login_secret()
        self.namespace_arn: Output[str] | None = None
        match settings.warehouse_kind:
            case WarehouseKind.SERVERLESS:
                self.endpoint = self._serverless(network, secret_arn)
            case _:
                self.endpoint = self._provisioned(network, secret_arn)
        self.register_outputs({})

    def _admit_people(self, network: AnyNetwork) -> None:
        """Let tools of other networks connect: BI, dbt, administrators."""
        for cidr in self._settings.allowed_cidrs:
            noun = str(cidr).replace(".", "-").replace("/", "-")
            network.admit(f"allow-{noun}", self._group, PORT, cidr_ipv4=str(cidr))
        for group in self._settings.allowed_security_groups:
            network.admit(f"allow-{group}", self._group, PORT, referenced_security_group_id=group)

    def _login_secret(self) -> Output[str] | None:
        """Return the loader's secret, without a value: bootstrap writes it, so no state has the password."""
        if self._settings.warehouse_login is WarehouseLogin.IAM:
            return None
        return secretsmanager.Secret(
            f"{self.name}-loader",
            description="The login of the loader in the warehouse. Bootstrap writes it.",
            recovery_window_in_days=7,
            kms_key_id=self._settings.kms_key_arn,
            opts=self.child(),
        ).arn

    def _replaced_with(self, *properties: str) -> ResourceOptions:
        """Return options for a resource that AWS cannot change in place.

        Its name is fixed, so the old one goes first. With protectData, Pulumi refuses that.
        """
        return self.child(
            protect=self._settings.protect_data,
            replace_on_changes=list(properties),
            delete_before_replace=True,
        )

    def _serverless(self, network: AnyNetwork, secret_arn: Output[str] | None) -> Endpoint:
        namespace = redshiftserverless.Namespace(
            self.name,
            namespace_name=self.name,
            admin_username=ADMINISTRATOR,
            manage_admin_password=True,
            kms_key_id=self._settings.kms_key_arn,
            db_name=self._settings.databases[0],
            iam_roles=[self._copy_role_arn],
            default_iam_role_arn=self._copy_role_arn,
            opts=self._replaced_with("dbName", "adminUsername"),
        )
        self.namespace_arn = namespace.arn
        workgroup = redshiftserverless.Workgroup(
            self.name,
            workgroup_name=self.name,
            namespace_name=namespace.namespace_name,
            base_capacity=self._settings.warehouse_base_capacity,
            # Unset keeps what the workgroup has; only -1 lifts a limit (terraform-provider-aws issue 36032).
            max_capacity=self._settings.warehouse_max_capacity or None,
            port=PORT,
            subnet_ids=list(network.subnet_ids),
            security_group_ids=[self._group.id],
            publicly_accessible=False,
            enhanced_vpc_routing=True,
            # Subnets of another VPC are no change in place.
            opts=self.child(
                replace_on_changes=["subnetIds", "namespaceName"], delete_before_replace=True
            ),
        )
        self._limit_usage(workgroup)
        return Endpoint(
            host=workgroup.endpoints.apply(lambda endpoints: str(endpoints[0].address)),
            port=workgroup.endpoints.apply(lambda endpoints: int(endpoints[0].port or PORT)),
            secret_arn=secret_arn,
            administrator_arn=namespace.admin_password_secret_arn,
            arn=workgroup.arn,
            workgroup=workgroup.workgroup_name,
        )

    def _limit_usage(self, workgroup: redshiftserverless.Workgroup) -> None:
        settings = self._settings
        if settings.warehouse_rpu_hours_per_month:
            redshiftserverless.UsageLimit(
                self.name,
                resource_arn=workgroup.arn,
                usage_type="serverless-compute",
                period="monthly",
                amount=settings.warehouse_rpu_hours_per_month,
                breach_action=settings.warehouse_rpu_hours_action.value,
                opts=self.child(),
            )

    def _provisioned(self, network: AnyNetwork, secret_arn: Output[str] | None) -> Endpoint:
        settings = self._settings
        subnets = redshift.SubnetGroup(
            self.name,
            subnet_ids=list(network.subnet_ids),
            opts=self.child(replace_on_changes=["subnetIds"]),  # they may be of another VPC
        )
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
            kms_key_id=settings.kms_key_arn,
            automated_snapshot_retention_period=settings.snapshot_keep_days,
            skip_final_snapshot=not settings.final_snapshot,
            final_snapshot_identifier=self._final_snapshot(subnets),
            opts=self._replaced_with("databaseName", "masterUsername", "clusterSubnetGroupName"),
        )
        return Endpoint(
            host=cluster.dns_name,
            port=cluster.port.apply(lambda port: port or PORT),
            secret_arn=secret_arn,
            administrator_arn=cluster.master_password_secret_arn,
            arn=cluster.arn,
            cluster=cluster.cluster_identifier,
        )

    def _final_snapshot(self, subnets: redshift.SubnetGroup) -> Output[str] | None:
        """Return a name that no other stack's final snapshot has: the subnet group's name ends in a
        random suffix of Pulumi, and the digest changes with what replaces the cluster.
        """
        if not self._settings.final_snapshot:
            return None
        basis = f"{self._settings.databases[0]} {self._settings.vpc_cidr}"
        digest = hashlib.sha256(basis.encode()).hexdigest()[:6]
        return Output.concat(subnets.name, f"-final-{digest}")


def existing_endpoint(existing: ExistingWarehouse, parent: pulumi.Resource) -> Endpoint:
    """Return the endpoint of a warehouse that exists already. Nothing is created."""
    opts = InvokeOptions(parent=parent)
    arn: Output[str] | None = None
    if existing.workgroup is not None:
        name = existing.workgroup
        arn = redshiftserverless.get_workgroup_output(workgroup_name=name, opts=opts).arn
    elif existing.cluster is not None:
        arn = Output.format(
            "arn:{0}:redshift:{1}:{2}:cluster:{3}",
            get_partition_output(opts=opts).partition,
            get_region_output(opts=opts).region,
            get_caller_identity_output(opts=opts).account_id,
            existing.cluster,
        )
    return Endpoint(
        host=Output.from_input(existing.host),
        port=Output.from_input(existing.port),
        secret_arn=_output(existing.secret_arn),
        arn=arn,
        workgroup=_output(existing.workgroup),
        cluster=_output(existing.cluster),
    )


def _output(value: Input[str] | None) -> Output[str] | None:
    return None if value is None else Output.from_input(value)
