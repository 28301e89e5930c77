"""The public component: one complete loader, for a program of its own or as a part of another one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pulumi
from pulumi import Alias, Input, Output, ResourceOptions

from infra import policies
from infra.alarms import Alarms, Watched
from infra.api import MonitoringApi
from infra.bootstrap import Bootstrap, code_digest
from infra.budget import Budget
from infra.bundle import LAYER, REQUIREMENTS, ROOT, digest_of
from infra.code import code_archive
from infra.combinations import faults_of_combination
from infra.component import json_document
from infra.dashboard import Dashboard
from infra.endpoints import endpoint_services
from infra.function_specs import (
    LONG_COPY_SECONDS,
    RECORD_SECONDS,
    Surroundings,
    bootstrap_spec,
    load_spec,
    long_copy_spec,
    query_spec,
    reconcile_spec,
    record_spec,
    tables_spec,
)
from infra.functions import Code, Layer, LoaderFunction
from infra.lake import Lake
from infra.lease_table import LeaseTable
from infra.log_table import LogTable
from infra.network import AnyNetwork, ExistingNetwork, JoinedNetwork, Network
from infra.notice_topic import Notices
from infra.roles import CopyRole, LoaderRole, rules_of_roles
from infra.schedule import LOOK_EVERY, FirstRun, Schedule
from infra.setting_kinds import NetworkKind, WarehouseKind, WarehouseLogin
from infra.snapshots import DailySnapshots
from infra.stack_settings import ConfigurationError, StackSettings
from infra.warehouse import Endpoint, ExistingWarehouse, Warehouse, existing_endpoint
from infra.workflow import LoadWorkflow, WorkflowSpec

TYPE = "redshift-lake-loader:index:LakeLoader"
LAKE_REQUEST = {"kind": "lake"}
WAITING_REQUEST = {"kind": "waiting"}


@dataclass(frozen=True)
class LakeLoaderArgs:
    """What a loader is made of.

    `settings`: the same settings that a stack has, with their defaults. `warehouse` and `network`:
    resources of the surrounding program, in place of the settings of the same names; each value may
    be an output.
    """

    settings: StackSettings = field(default_factory=StackSettings)
    warehouse: ExistingWarehouse | None = None
    network: ExistingNetwork | None = None

    @classmethod
    def of(cls, settings: StackSettings) -> LakeLoaderArgs:
        """Return the args of a stack whose settings name everything."""
        warehouse = network = None
        if settings.warehouse_kind is WarehouseKind.EXISTING:
            warehouse = ExistingWarehouse(
                host=settings.warehouse_host or "",
                port=settings.warehouse_port,
                secret_arn=settings.warehouse_secret_arn,
                workgroup=settings.warehouse_workgroup,
                cluster=settings.warehouse_cluster,
                copy_role_arn=settings.copy_role_arn,
            )
        if settings.network is NetworkKind.EXISTING:
            network = ExistingNetwork(
                settings.vpc_id or "", settings.subnet_ids, settings.security_group_ids
            )
        return cls(settings, warehouse, network)

    def effective_settings(self) -> StackSettings:
        """Return the settings with what `warehouse` and `network` say. Raises ConfigurationError."""
        changes: dict[str, object] = {}
        if self.warehouse is not None:
            login = (
                WarehouseLogin.IAM if self.warehouse.secret_arn is None else WarehouseLogin.SECRET
            )
            changes |= {"warehouse_kind": WarehouseKind.EXISTING, "warehouse_login": login}
            if self.network is None:
                raise ConfigurationError(
                    "LakeLoaderArgs has a warehouse and no network; the functions need one with a route to "
                    "the warehouse. Give network=ExistingNetwork(...)"
                )
            names = (self.warehouse.workgroup, self.warehouse.cluster)
            if all(names) or (login is WarehouseLogin.IAM and not any(names)):
                raise ConfigurationError(
                    "ExistingWarehouse needs one of workgroup and cluster for a login with IAM, and never both. "
                    "Give one, or secret_arn"
                )
        if self.network is not None:
            changes |= {"network": NetworkKind.EXISTING, "zones": ()}
        settings = self.settings.model_copy(update=changes)
        is_given = self.warehouse is not None or self.network is not None
        if not is_given and (faults := list(faults_of_combination(settings))):
            raise ConfigurationError("\n".join(faults))
        return settings


class LakeLoader(pulumi.ComponentResource):
    """A loader from S3 into Amazon Redshift: buckets, network, warehouse, functions, workflow, log, API.

    `name` is the prefix of all names, at most 32 lower-case letters, digits and hyphens. The
    provider comes from `opts`, else it is the default one. Several loaders may be in one program.
    """

    lake_bucket: Output[str]
    work_bucket: Output[str]
    log_table: Output[str]
    state_machine_arn: Output[str]
    reconcile_function: Output[str]
    tables_function: Output[str]
    api_url: Output[str]
    api_key: Output[str]
    """Empty if the API authorizes with IAM."""
    api_auth: Output[str]
    warehouse_host: Output[str]
    warehouse_port: Output[int]
    warehouse_databases: Output[list[str]]
    warehouse_loader: Output[str]
    """The user that the loads log in as."""
    warehouse_reader: Output[str | None]
    """The role that may read the tables."""
    warehouse_secret_arn: Output[str | None]
    """The login of the loader; None for a login with IAM."""
    warehouse_administrator_secret_arn: Output[str | None]
    """The login of the administrator; None for a warehouse that the stack did not create."""
    copy_role_arn: Output[str]
    dead_letter_queue_url: Output[str]
    notice_topic_arn: Output[str]
    """The topic with one message for each refused upload."""

    def __init__(
        self,
        name: str,
        args: LakeLoaderArgs | None = None,
        opts: ResourceOptions | None = None,
    ) -> None:
        args = args or LakeLoaderArgs()
        self._name, self._settings = name, args.effective_settings()
        rules = ResourceOptions(transformations=[rules_of_roles(self._settings)])
        super().__init__(TYPE, name, None, ResourceOptions.merge(opts, rules))
        # Stacks of a version before had these components at the top.
        self._opts = ResourceOptions(
            parent=self, aliases=[Alias(parent=pulumi.ROOT_STACK_RESOURCE)]
        )
        around = self._declare_surroundings(args)
        code = self._code()
        self._bootstrap(around, code)
        self._export(around, self._declare_pipeline(around, code))
        self.register_outputs(dict(self.outputs))

    @property
    def outputs(self) -> Mapping[str, Output[object]]:
        """All outputs by name."""
        return {key: getattr(self, key) for key in LakeLoader.__annotations__}

    def _of(self, noun: str) -> str:
        return f"{self._name}-{noun}"

    def _code(self) -> Code:
        settings = self._settings
        archive = code_archive(ROOT, settings.warehouse_ca_file)
        # An installed command has no lock file: it deploys into the local cloud only, where the layer
        # is not mounted.
        key = digest_of() if REQUIREMENTS.exists() else "local"
        layer = Layer(self._of("layer"), os.path.relpath(LAYER), key, self._opts)
        return Code(archive, layer.arn, settings.log_group_keep_days, settings.kms_key_arn)

    def _declare_surroundings(self, args: LakeLoaderArgs) -> Surroundings:
        settings, opts = self._settings, self._opts
        lake = Lake(self._of("lake"), settings, opts)
        log_table = LogTable(self._of("log"), settings, opts)
        lease_table = LeaseTable(self._of("leases"), settings, opts)
        network: AnyNetwork
        if args.network is not None:
            network = JoinedNetwork(self._of("network"), args.network, settings, opts)
        else:
            network = Network(self._of("network"), settings, lake, log_table.arn, opts)
        copy_role_arn = args.warehouse.copy_role_arn if args.warehouse is not None else None
        if copy_role_arn is None:
            copy_role_arn = CopyRole(self._of("copy"), settings, lake, opts).arn
        endpoint = self._endpoint(args, network, copy_role_arn)
        loader_role = None
        if settings.warehouse_login is WarehouseLogin.IAM:
            loader_role = LoaderRole(self._of("loader"), opts)
        return Surroundings(
            self._name, lake, log_table, lease_table, network, endpoint, copy_role_arn, loader_role
        )

    def _endpoint(
        self, args: LakeLoaderArgs, network: AnyNetwork, copy_role_arn: Input[str]
    ) -> Endpoint:
        settings = self._settings
        if args.warehouse is not None:
            return existing_endpoint(args.warehouse, self)
        warehouse = Warehouse(self._of("warehouse"), settings, network, copy_role_arn, self._opts)
        if warehouse.namespace_arn is not None and settings.snapshot_keep_days:
            DailySnapshots(
                self._of("snapshots"),
                warehouse.name,
                warehouse.namespace_arn,
                settings.snapshot_keep_days,
                self._opts,
            )
        if isinstance(network, Network):
            _add_endpoints(network, settings, warehouse.endpoint)
        return warehouse.endpoint

    def _bootstrap(self, around: Surroundings, code: Code) -> None:
        """Prepare a warehouse that the stack creates. For another one its administrator runs `etl bootstrap`."""
        warehouse = around.warehouse
        if warehouse.administrator_arn is None:
            return
        request: dict[str, Input[object]] = {
            "databases": list(self._settings.databases),
            "loader": self._loader(around),
            "reader": self._settings.reader_role,
        }
        triggers: dict[str, Input[str]] = {
            "warehouse": warehouse.arn or warehouse.host,
            "code": code_digest(ROOT),
        }
        spec = bootstrap_spec(self._settings, around)
        Bootstrap(
            self._of("bootstrap"), spec, code, request, triggers, [around.network], self._opts
        )

    def _loader(self, around: Surroundings) -> Input[str]:
        return self._settings.loader_user if around.loader_role is None else around.loader_role.user

    def _declare_pipeline(self, around: Surroundings, code: Code) -> _Pipeline:
        settings, opts = self._settings, self._opts
        load = LoaderFunction(self._of("load"), load_spec(settings, around), code, opts)
        record = LoaderFunction(self._of("record"), record_spec(settings, around), code, opts)
        query = LoaderFunction(self._of("query"), query_spec(settings, around), code, opts)
        tables = LoaderFunction(self._of("tables"), tables_spec(settings, around), code, opts)
        long_copy = LoaderFunction(
            self._of("staging"), long_copy_spec(settings, around), code, opts
        )
        api = MonitoringApi(self._of("api"), settings, query, opts)
        notices = Notices(self._of("notices"), settings, self._name, code, opts)
        workflow_spec = WorkflowSpec(
            lake_bucket=around.lake.lake.bucket_name,
            load=load,
            record=record,
            long_copy=long_copy,
            log_table=around.log_table,
            lease_table=around.lease_table,
            notices=notices,
            api_url=api.url,
            stack=self._name,
            load_seconds=settings.load_timeout_seconds,
            record_seconds=RECORD_SECONDS,
            copy_seconds=LONG_COPY_SECONDS,
            log_keep_days=settings.log_group_keep_days,
            key_arn=settings.kms_key_arn,
        )
        workflow = LoadWorkflow(self._of("workflow"), workflow_spec, opts)
        spec = reconcile_spec(settings, around, workflow.state_machine_arn, tables)
        reconcile = LoaderFunction(self._of("reconcile"), spec, code, opts)
        schedules = self._schedule(reconcile, around.lake)
        rules = {"uploads": workflow.rule_name, **notices.rules, **schedules}
        others = {
            "query": query, "tables": tables, "staging": long_copy, "reconcile": reconcile,
            **notices.functions,
        }  # fmt: skip
        watched = Watched(self._name, workflow, api, load, record, others, rules)
        Alarms(self._of("alarms"), settings, watched, opts)
        if settings.budget_per_month and settings.alarm_email is not None:
            Budget(self._of("budget"), settings.budget_per_month, settings.alarm_email, opts)
        functions = {"load": load, "record": record, **others}
        queue = workflow.dead_letter_queue_name
        Dashboard(self._of("dashboard"), self._name, queue, functions, opts)
        return _Pipeline(workflow, api, reconcile, tables, notices)

    def _schedule(self, reconcile: LoaderFunction, lake: Lake) -> dict[str, Input[str]]:
        """Run reconcile by schedule; return the rules of the schedules."""
        name = self._of("reconcile")
        pending = Schedule(f"{name}-pending", LOOK_EVERY, reconcile, WAITING_REQUEST, self._opts)
        rules: dict[str, Input[str]] = {"pending": pending.rule_name}
        FirstRun(f"{name}-first", reconcile, LAKE_REQUEST, lake.notification, self._opts)
        hours = self._settings.reconcile_every_hours
        if hours:
            every = timedelta(hours=hours)
            schedule = Schedule(f"{name}-schedule", every, reconcile, LAKE_REQUEST, self._opts)
            rules["reconcile"] = schedule.rule_name
        return rules

    def _export(self, around: Surroundings, pipeline: _Pipeline) -> None:
        warehouse, lake = around.warehouse, around.lake
        self.lake_bucket = lake.lake.bucket_name
        self.work_bucket = lake.work.bucket_name
        self.log_table = around.log_table.table_name
        self.state_machine_arn = pipeline.workflow.state_machine_arn
        self.reconcile_function = pipeline.reconcile.function_name
        self.tables_function = pipeline.tables.function_name
        self.api_url = pipeline.api.url
        self.api_key = pipeline.api.key
        self.api_auth = Output.from_input(self._settings.api_auth.value)
        self.warehouse_host = warehouse.host
        self.warehouse_port = warehouse.port
        self.warehouse_databases = Output.from_input(list(self._settings.databases))
        self.warehouse_loader = Output.from_input(self._loader(around))
        self.warehouse_reader = Output.from_input(self._settings.reader_role)
        self.warehouse_secret_arn = Output.from_input(warehouse.secret_arn)
        self.warehouse_administrator_secret_arn = Output.from_input(warehouse.administrator_arn)
        self.copy_role_arn = Output.from_input(around.copy_role_arn)
        self.dead_letter_queue_url = pipeline.workflow.dead_letter_queue_url
        self.notice_topic_arn = pipeline.notices.topic_arn


@dataclass(frozen=True)
class _Pipeline:
    """The parts that have outputs."""

    workflow: LoadWorkflow
    api: MonitoringApi
    reconcile: LoaderFunction
    tables: LoaderFunction
    notices: Notices


def _add_endpoints(network: Network, settings: StackSettings, warehouse: Endpoint) -> None:
    """Create the interface endpoints of the stack's own network.

    Their policies name the secrets, which a cluster has only after its network.
    """
    services = endpoint_services(settings)
    loader = [arn for arn in (warehouse.secret_arn,) if arn is not None]
    administrator = [arn for arn in (warehouse.administrator_arn,) if arn is not None]
    policy = json_document(
        policies.secrets_endpoint, Output.all(*loader), Output.all(*administrator)
    )
    network.interface_endpoint("secrets", services["secrets"], policy)
    if "login" in services:
        login_policy = json_document(policies.login_endpoint, warehouse.login())
        network.interface_endpoint("login", services["login"], login_policy)
