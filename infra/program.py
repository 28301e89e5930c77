"""The Pulumi program: reads the configuration of the stack and creates its components."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi.runtime.config import CONFIG, get_config_env
from pulumi_aws.provider import Provider

from etl_core.model import function_settings as env
from etl_core.model.leases import MARGIN_SECONDS
from infra import policies
from infra.alarms import Alarms
from infra.api import MonitoringApi
from infra.bundle import (
    LAYER,
    NOT_COMPILED,
    REQUIREMENTS,
    ROOT,
    BundleError,
    check_layer,
    digest_of,
    has_compiled_files,
)
from infra.code import CA_FILE, code_archive
from infra.functions import Code, FunctionSpec, Layer, LoaderFunction, VpcAttachment
from infra.lake import Lake
from infra.lease_table import LeaseTable
from infra.log_table import LogTable
from infra.names import Names
from infra.network import Network
from infra.roles import CopyRole
from infra.schedule import Schedule
from infra.stack_settings import ConfigurationError, StackSettings, parse_settings
from infra.warehouse import Warehouse
from infra.workflow import LoadWorkflow, WorkflowSpec

RECORD_SECONDS = 30
QUERY_SECONDS = 20
LONG_COPY_SECONDS = 60
RECOVERY_SECONDS = 900
"""The maximum of Lambda: to reconcile a large lake or to rebuild a large table takes long."""

SMALL_MEMORY_MB = 256
RECONCILE_MEMORY_MB = 512


def deploy() -> None:
    """Check the layer, then run `main()`.

    `pulumi up` runs this. Raises pulumi.RunError if the layer is missing or outdated.
    """
    try:
        check_layer()
    except BundleError as error:
        raise pulumi.RunError(str(error)) from error
    if not has_compiled_files():
        pulumi.log.warn(NOT_COMPILED)
    main()


def main() -> None:
    """Declare the stack. Raises pulumi.RunError with every fault of its configuration."""
    project, stack = pulumi.get_project(), pulumi.get_stack()
    try:
        settings = parse_settings(read_configuration(project))
        declare(Names(project, stack), settings)
    except ConfigurationError as error:
        raise pulumi.RunError(str(error)) from error


def read_configuration(project: str) -> dict[str, str]:
    """Return all keys in the namespace of the project, also unknown ones: Pulumi does not report a misspelled key."""
    full_keys = {**get_config_env(), **CONFIG.get()}
    names = [key.removeprefix(f"{project}:") for key in full_keys if key.startswith(f"{project}:")]
    config = pulumi.Config(project)
    return {name: config.get(name) or "" for name in names}


@dataclass(frozen=True)
class Storage:
    """The components that hold data, their network, and the COPY role."""

    lake: Lake
    log_table: LogTable
    lease_table: LeaseTable
    network: Network
    copy_role: CopyRole
    warehouse: Warehouse


@dataclass(frozen=True)
class Functions:
    """The functions that do not depend on the workflow."""

    load: LoaderFunction
    record: LoaderFunction
    query: LoaderFunction
    tables: LoaderFunction
    long_copy: LoaderFunction


def declare(names: Names, settings: StackSettings) -> None:
    """Declare all components of a stack, and its outputs."""
    archive = code_archive(ROOT, settings.warehouse_ca_file)
    provider = Provider(
        names.prefix, region=pulumi.Config("aws").get("region"), default_tags={"tags": names.tags}
    )
    opts = ResourceOptions(providers=[provider])
    storage = declare_storage(names, settings, opts)
    # An installed command has no lock file: it deploys into the local cloud only, where the layer is
    # not mounted.
    key = digest_of() if REQUIREMENTS.exists() else "local"
    layer = Layer(names.of("layer"), os.path.relpath(LAYER), key, opts)
    code = Code(archive, layer.arn, settings.log_group_keep_days)
    functions = declare_functions(names, settings, storage, code, opts)
    workflow_spec = WorkflowSpec(
        lake_bucket=storage.lake.lake.bucket_name,
        load=functions.load,
        record=functions.record,
        long_copy=functions.long_copy,
        log_table=storage.log_table,
        lease_table=storage.lease_table,
        load_seconds=settings.load_timeout_seconds,
        record_seconds=RECORD_SECONDS,
        copy_seconds=LONG_COPY_SECONDS,
        log_keep_days=settings.log_group_keep_days,
    )
    workflow = LoadWorkflow(names.of("workflow"), workflow_spec, opts)
    api = MonitoringApi(names.of("api"), settings, functions.query, opts)
    spec = reconcile_spec(settings, storage, workflow, functions.tables)
    reconcile = LoaderFunction(names.of("reconcile"), spec, code, opts)
    Alarms(names.of("alarms"), settings, workflow, reconcile, opts)
    if settings.reconcile_every_hours:
        name = names.of("reconcile-schedule")
        Schedule(name, settings.reconcile_every_hours, reconcile, {"kind": "lake"}, opts)
    export(settings, storage, workflow, api)
    pulumi.export("reconcile_function", reconcile.function_name)
    pulumi.export("tables_function", functions.tables.function_name)


def declare_storage(names: Names, settings: StackSettings, opts: ResourceOptions) -> Storage:
    lake = Lake(names.of("lake"), settings, opts)
    log_table = LogTable(names.of("log"), settings, opts)
    lease_table = LeaseTable(names.of("leases"), opts)
    network = Network(names.of("network"), settings, lake, log_table.arn, opts)
    copy_role = CopyRole(names.of("copy"), lake, opts)
    warehouse = Warehouse(names.of("warehouse"), settings, network, copy_role.arn, opts)
    return Storage(lake, log_table, lease_table, network, copy_role, warehouse)


def declare_functions(
    names: Names, settings: StackSettings, storage: Storage, code: Code, opts: ResourceOptions
) -> Functions:
    query = FunctionSpec(
        handler="handlers.query.handler",
        timeout_seconds=QUERY_SECONDS,
        memory_mb=SMALL_MEMORY_MB,
        environment={
            env.LOG_TABLE: storage.log_table.table_name,
            env.LAKE_BUCKET: storage.lake.lake.bucket_name,
            env.CORS_ORIGIN: settings.api_cors_origin or "",
        },
        statements=Output.all(storage.log_table.arn, storage.lake.lake.arn).apply(
            lambda known: policies.query_log_entries(*known)
        ),
    )
    return Functions(
        load=LoaderFunction(names.of("load"), load_spec(settings, storage), code, opts),
        record=LoaderFunction(names.of("record"), record_spec(settings, storage), code, opts),
        query=LoaderFunction(names.of("query"), query, code, opts),
        tables=LoaderFunction(names.of("tables"), tables_spec(settings, storage), code, opts),
        long_copy=LoaderFunction(names.of("staging"), long_copy_spec(storage), code, opts),
    )


def record_spec(settings: StackSettings, storage: Storage) -> FunctionSpec:
    arns = Output.all(storage.log_table.arn, storage.lease_table.arn)
    return FunctionSpec(
        handler="handlers.record.handler",
        timeout_seconds=RECORD_SECONDS,
        memory_mb=SMALL_MEMORY_MB,
        environment={
            env.LOG_TABLE: storage.log_table.table_name,
            env.LEASE_TABLE: storage.lease_table.table_name,
            env.LEASE_SECONDS: str(settings.load_timeout_seconds + MARGIN_SECONDS),
            env.PARALLEL_LOADS: str(settings.max_parallel_loads),
        },
        concurrency=settings.record_concurrency or None,
        statements=arns.apply(
            lambda known: [
                *policies.write_log_entries(known[0]),
                *policies.take_turns(known[1]),
            ]
        ),
    )


def load_spec(settings: StackSettings, storage: Storage) -> FunctionSpec:
    lake, warehouse = storage.lake, storage.warehouse
    environment: dict[str, Input[str]] = {
        env.LAKE_BUCKET: lake.lake.bucket_name,
        env.WORK_BUCKET: lake.work.bucket_name,
        env.DATABASES: ",".join(settings.databases),
        env.WAREHOUSE_HOST: warehouse.host,
        env.WAREHOUSE_PORT: warehouse.port.apply(str),
        env.WAREHOUSE_SECRET_ARN: warehouse.secret_arn,
        env.COPY_ROLE_ARN: storage.copy_role.arn,
        env.LOG_TABLE: storage.log_table.table_name,
        env.LONG_LOAD_BYTES: str(settings.long_load_bytes),
        env.LOAD_INTERVAL_SECONDS: str(settings.load_interval_seconds),
        env.MAINTENANCE_MIN_ROWS: str(settings.maintenance_min_rows),
        env.REBUILD_MAX_ROWS: str(settings.rebuild_max_rows),
    }
    if settings.warehouse_ca_file is not None:
        environment[env.WAREHOUSE_CA_FILE] = CA_FILE
    return FunctionSpec(
        handler="handlers.load.handler",
        timeout_seconds=settings.load_timeout_seconds,
        memory_mb=settings.load_memory_mb,
        environment=environment,
        statements=load_arns(storage).apply(
            lambda known: [*policies.load_uploads(*known), *policies.answer_uploads(known[-1])]
        ),
        concurrency=settings.load_concurrency or None,
        vpc=VpcAttachment(storage.network.subnet_ids, storage.network.load_group.id),
    )


def long_copy_spec(storage: Storage) -> FunctionSpec:
    """Return the properties of the long-copy function.

    It runs outside the private network, which has no endpoint for the Data API.
    """
    warehouse = storage.warehouse
    environment: dict[str, Input[str]] = {env.WAREHOUSE_SECRET_ARN: warehouse.secret_arn}
    if warehouse.workgroup_name is not None:
        environment[env.WAREHOUSE_WORKGROUP] = warehouse.workgroup_name
    if warehouse.cluster_identifier is not None:
        environment[env.WAREHOUSE_CLUSTER] = warehouse.cluster_identifier
    arns = Output.all(warehouse.arn, warehouse.secret_arn)
    return FunctionSpec(
        handler="handlers.long_copy.handler",
        timeout_seconds=LONG_COPY_SECONDS,
        memory_mb=SMALL_MEMORY_MB,
        environment=environment,
        statements=arns.apply(lambda known: policies.copy_long(*known)),
    )


def tables_spec(settings: StackSettings, storage: Storage) -> FunctionSpec:
    """Return the load function's properties, without its reserved concurrency and its right to
    write answers.

    Pending loads must not delay the recovery commands.
    """
    return replace(
        load_spec(settings, storage),
        handler="handlers.tables.handler",
        timeout_seconds=RECOVERY_SECONDS,
        concurrency=None,
        statements=load_arns(storage).apply(lambda known: policies.load_uploads(*known)),
    )


def load_arns(storage: Storage) -> Output[list[str]]:
    """Return the ARNs that the load function needs: lake, work bucket, secret, log table."""
    return Output.all(
        storage.lake.lake.arn,
        storage.lake.work.arn,
        storage.warehouse.secret_arn,
        storage.log_table.arn,
    )


def reconcile_spec(
    settings: StackSettings, storage: Storage, workflow: LoadWorkflow, tables: LoaderFunction
) -> FunctionSpec:
    """Return the properties of the reconcile function.

    It runs outside the private network, which has no endpoint for Step Functions. The tables
    function reads the ledgers for it.
    """
    environment: dict[str, Input[str]] = {
        env.LAKE_BUCKET: storage.lake.lake.bucket_name,
        env.DATABASES: ",".join(settings.databases),
        env.LOG_TABLE: storage.log_table.table_name,
        env.STATE_MACHINE_ARN: workflow.state_machine_arn,
        env.TABLES_FUNCTION: tables.function_name,
    }
    arns = Output.all(
        storage.lake.lake.arn, storage.log_table.arn, workflow.state_machine_arn, tables.arn
    )
    return FunctionSpec(
        handler="handlers.reconcile.handler",
        timeout_seconds=RECOVERY_SECONDS,
        memory_mb=RECONCILE_MEMORY_MB,
        environment=environment,
        statements=arns.apply(lambda known: policies.reconcile_uploads(*known)),
    )


def export(
    settings: StackSettings, storage: Storage, workflow: LoadWorkflow, api: MonitoringApi
) -> None:
    """Export the outputs of the stack."""
    pulumi.export("lake_bucket", storage.lake.lake.bucket_name)
    pulumi.export("work_bucket", storage.lake.work.bucket_name)
    pulumi.export("log_table", storage.log_table.table_name)
    pulumi.export("state_machine_arn", workflow.state_machine_arn)
    pulumi.export("api_url", api.url)
    pulumi.export("api_key", api.key)
    pulumi.export("warehouse_host", storage.warehouse.host)
    pulumi.export("warehouse_port", storage.warehouse.port)
    pulumi.export("warehouse_databases", list(settings.databases))
    pulumi.export("warehouse_secret_arn", storage.warehouse.secret_arn)
    pulumi.export("copy_role_arn", storage.copy_role.arn)
    pulumi.export("dead_letter_queue_url", workflow.dead_letter_queue_url)
