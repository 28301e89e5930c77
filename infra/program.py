"""The program: reads the stack's configuration and wires the components. `pulumi up` runs `deploy()`."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi.runtime.config import CONFIG, get_config_env
from pulumi_aws.provider import Provider

from etl_core.model import function_settings as env
from infra import policies
from infra.alarms import Alarms
from infra.api import MonitoringApi
from infra.bundle import BundleError, check_layer
from infra.code import CA_FILE, code_archive
from infra.copy_role import CopyRole
from infra.functions import Code, FunctionSpec, Layer, LoaderFunction, VpcAttachment
from infra.lake import Lake
from infra.log_table import LogTable
from infra.names import Names
from infra.network import Network
from infra.runtime import LAYER, ROOT
from infra.schedule import Schedule
from infra.stack_settings import ConfigurationError, StackSettings, parse_settings
from infra.warehouse import Warehouse
from infra.workflow import LoadWorkflow, WorkflowSpec

RECORD_SECONDS = 30
QUERY_SECONDS = 20
OPERATE_SECONDS = 900
"""Lambda's limit: reconciling a large lake and rebuilding a large table take their time."""

SMALL_MEMORY_MB = 256
RECONCILE_MEMORY_MB = 512


def deploy() -> None:
    """What `pulumi up` runs: `main()`, once the layer is there. Raises pulumi.RunError when it is not."""
    try:
        check_layer()
    except BundleError as error:
        raise pulumi.RunError(str(error)) from error
    main()


def main() -> None:
    """Declares the stack. Raises pulumi.RunError, with every fault, when its configuration is not usable."""
    project, stack = pulumi.get_project(), pulumi.get_stack()
    try:
        settings = parse_settings(read_configuration(project))
        declare(Names(project, stack), settings)
    except ConfigurationError as error:
        raise pulumi.RunError(str(error)) from error


def read_configuration(project: str) -> dict[str, str]:
    """Every key that is set in the project's namespace, known or not: Pulumi itself would not mention a misspelt one."""
    full_keys = {**get_config_env(), **CONFIG.get()}
    names = [key.removeprefix(f"{project}:") for key in full_keys if key.startswith(f"{project}:")]
    config = pulumi.Config(project)
    return {name: config.get(name) or "" for name in names}


@dataclass(frozen=True)
class Store:
    """What holds data: the buckets, the log, the warehouse and the role in which it reads."""

    lake: Lake
    log_table: LogTable
    network: Network
    copy_role: CopyRole
    warehouse: Warehouse


@dataclass(frozen=True)
class Functions:
    load: LoaderFunction
    record: LoaderFunction
    query: LoaderFunction
    tables: LoaderFunction


def declare(names: Names, settings: StackSettings) -> None:
    """All components of one stack, and its outputs."""
    archive = code_archive(ROOT, settings.warehouse_ca_file)
    provider = Provider(
        names.prefix, region=pulumi.Config("aws").get("region"), default_tags={"tags": names.tags}
    )
    opts = ResourceOptions(providers=[provider])
    store = declare_store(names, settings, opts)
    layer = Layer(names.of("layer"), os.path.relpath(LAYER), opts)
    code = Code(archive, layer.arn, settings.log_group_keep_days)
    functions = declare_functions(names, settings, store, code, opts)
    workflow_spec = WorkflowSpec(
        lake_bucket=store.lake.lake.bucket_name,
        load=functions.load,
        record=functions.record,
        load_seconds=settings.load_timeout_seconds,
        record_seconds=RECORD_SECONDS,
        log_keep_days=settings.log_group_keep_days,
    )
    workflow = LoadWorkflow(names.of("workflow"), workflow_spec, opts)
    Alarms(names.of("alarms"), settings, workflow, opts)
    api = MonitoringApi(names.of("api"), settings, functions.query, opts)
    spec = reconcile_spec(settings, store, workflow, functions.tables)
    reconcile = LoaderFunction(names.of("reconcile"), spec, code, opts)
    if settings.reconcile_every_hours:
        name = names.of("reconcile-schedule")
        Schedule(name, settings.reconcile_every_hours, reconcile, {"kind": "lake"}, opts)
    export(settings, store, workflow, api)
    pulumi.export("reconcile_function", reconcile.function_name)
    pulumi.export("tables_function", functions.tables.function_name)


def declare_store(names: Names, settings: StackSettings, opts: ResourceOptions) -> Store:
    lake = Lake(names.of("lake"), settings, opts)
    log_table = LogTable(names.of("log"), settings, opts)
    network = Network(names.of("network"), settings, lake, log_table.arn, opts)
    copy_role = CopyRole(names.of("copy"), lake, opts)
    warehouse = Warehouse(names.of("warehouse"), settings, network, copy_role.arn, opts)
    return Store(lake, log_table, network, copy_role, warehouse)


def declare_functions(
    names: Names, settings: StackSettings, store: Store, code: Code, opts: ResourceOptions
) -> Functions:
    log_environment = {env.LOG_TABLE: store.log_table.table_name}
    record = FunctionSpec(
        handler="handlers.record.handler",
        timeout_seconds=RECORD_SECONDS,
        memory_mb=SMALL_MEMORY_MB,
        environment=log_environment,
        statements=store.log_table.arn.apply(policies.write_log_entries),
    )
    query = FunctionSpec(
        handler="handlers.query.handler",
        timeout_seconds=QUERY_SECONDS,
        memory_mb=SMALL_MEMORY_MB,
        environment=log_environment,
        statements=store.log_table.arn.apply(policies.query_log_entries),
    )
    return Functions(
        load=LoaderFunction(names.of("load"), load_spec(settings, store), code, opts),
        record=LoaderFunction(names.of("record"), record, code, opts),
        query=LoaderFunction(names.of("query"), query, code, opts),
        tables=LoaderFunction(names.of("tables"), tables_spec(settings, store), code, opts),
    )


def load_spec(settings: StackSettings, store: Store) -> FunctionSpec:
    lake, warehouse = store.lake, store.warehouse
    environment: dict[str, Input[str]] = {
        env.LAKE_BUCKET: lake.lake.bucket_name,
        env.WORK_BUCKET: lake.work.bucket_name,
        env.DATABASES: ",".join(settings.databases),
        env.WAREHOUSE_HOST: warehouse.host,
        env.WAREHOUSE_PORT: warehouse.port.apply(str),
        env.WAREHOUSE_SECRET_ARN: warehouse.secret_arn,
        env.COPY_ROLE_ARN: store.copy_role.arn,
        env.LOG_TABLE: store.log_table.table_name,
    }
    if settings.warehouse_ca_file is not None:
        environment[env.WAREHOUSE_CA_FILE] = CA_FILE
    arns = Output.all(lake.lake.arn, lake.work.arn, warehouse.secret_arn, store.log_table.arn)
    return FunctionSpec(
        handler="handlers.load.handler",
        timeout_seconds=settings.load_timeout_seconds,
        memory_mb=settings.load_memory_mb,
        environment=environment,
        statements=arns.apply(lambda known: policies.load_uploads(*known)),
        concurrency=settings.load_concurrency or None,
        reach=VpcAttachment(store.network.subnet_ids, store.network.load_group.id),
    )


def tables_spec(settings: StackSettings, store: Store) -> FunctionSpec:
    """Like the load function, but beside it: loads that wait must not keep an operator waiting."""
    load = load_spec(settings, store)
    return replace(
        load, handler="handlers.tables.handler", timeout_seconds=OPERATE_SECONDS, concurrency=None
    )


def reconcile_spec(
    settings: StackSettings, store: Store, workflow: LoadWorkflow, tables: LoaderFunction
) -> FunctionSpec:
    """Outside of the private network, in which there is no way to Step Functions; the ledgers are read by `tables`."""
    environment: dict[str, Input[str]] = {
        env.LAKE_BUCKET: store.lake.lake.bucket_name,
        env.DATABASES: ",".join(settings.databases),
        env.LOG_TABLE: store.log_table.table_name,
        env.STATE_MACHINE_ARN: workflow.state_machine_arn,
        env.TABLES_FUNCTION: tables.function_name,
    }
    arns = Output.all(
        store.lake.lake.arn, store.log_table.arn, workflow.state_machine_arn, tables.arn
    )
    return FunctionSpec(
        handler="handlers.reconcile.handler",
        timeout_seconds=OPERATE_SECONDS,
        memory_mb=RECONCILE_MEMORY_MB,
        environment=environment,
        statements=arns.apply(lambda known: policies.reconcile_uploads(*known)),
    )


def export(
    settings: StackSettings, store: Store, workflow: LoadWorkflow, api: MonitoringApi
) -> None:
    """The stack's outputs."""
    pulumi.export("lake_bucket", store.lake.lake.bucket_name)
    pulumi.export("work_bucket", store.lake.work.bucket_name)
    pulumi.export("log_table", store.log_table.table_name)
    pulumi.export("state_machine_arn", workflow.state_machine_arn)
    pulumi.export("api_url", api.url)
    pulumi.export("api_key", api.key)
    pulumi.export("warehouse_host", store.warehouse.host)
    pulumi.export("warehouse_port", store.warehouse.port)
    pulumi.export("warehouse_databases", list(settings.databases))
    pulumi.export("warehouse_secret_arn", store.warehouse.secret_arn)
    pulumi.export("copy_role_arn", store.copy_role.arn)
    pulumi.export("dead_letter_queue_url", workflow.dead_letter_queue_url)
