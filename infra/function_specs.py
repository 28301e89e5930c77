"""The properties of the functions: handler, limits, environment and permissions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pulumi_aws.iam as iam
from pulumi import Input, Output

from etl_core.model import function_settings as env
from etl_core.model.leases import MARGIN_SECONDS
from etl_core.model.notices import WebhookKind
from infra import policies
from infra.code import CA_FILE
from infra.functions import FunctionSpec, LoaderFunction, VpcAttachment
from infra.lake import Lake
from infra.lease_table import LeaseTable
from infra.log_table import LogTable
from infra.network import AnyNetwork
from infra.roles import LoaderRole
from infra.stack_settings import StackSettings
from infra.warehouse import Endpoint

RECORD_SECONDS = 30
QUERY_SECONDS = 20
LONG_COPY_SECONDS = 60
WEBHOOK_SECONDS = 30
RECOVERY_SECONDS = 900
"""The maximum of Lambda: to reconcile a large lake or to rebuild a large table takes long."""

SMALL_MEMORY_MB = 256
RECONCILE_MEMORY_MB = 512


@dataclass(frozen=True)
class Surroundings:
    """What the functions use: the stack's name, data, network, warehouse, and the role that COPY assumes.

    `loader_role` is None unless the functions log in to the warehouse with IAM.
    """

    stack: str
    lake: Lake
    log_table: LogTable
    lease_table: LeaseTable
    network: AnyNetwork
    warehouse: Endpoint
    copy_role_arn: Input[str]
    loader_role: LoaderRole | None


def query_spec(settings: StackSettings, around: Surroundings) -> FunctionSpec:
    return FunctionSpec(
        handler="handlers.query.handler",
        timeout_seconds=QUERY_SECONDS,
        memory_mb=SMALL_MEMORY_MB,
        environment={
            env.LOG_TABLE: around.log_table.table_name,
            env.LAKE_BUCKET: around.lake.lake.bucket_name,
            env.CORS_ORIGIN: settings.api_cors_origin or "",
            env.FRESHNESS_HOURS: str(settings.freshness_hours),
        },
        statements=Output.all(around.log_table.arn, around.lake.lake.arn).apply(
            lambda known: [
                *policies.query_log_entries(*known),
                *_keys(settings, "dynamodb", "s3"),
            ]
        ),
    )


def record_spec(settings: StackSettings, around: Surroundings) -> FunctionSpec:
    arns = Output.all(around.log_table.arn, around.lease_table.arn)
    return FunctionSpec(
        handler="handlers.record.handler",
        timeout_seconds=RECORD_SECONDS,
        memory_mb=SMALL_MEMORY_MB,
        environment={
            env.STACK: around.stack,
            env.LOG_TABLE: around.log_table.table_name,
            env.LEASE_TABLE: around.lease_table.table_name,
            env.LEASE_SECONDS: str(settings.load_timeout_seconds + MARGIN_SECONDS),
            env.PARALLEL_LOADS: str(settings.max_parallel_loads),
        },
        concurrency=settings.record_concurrency or None,
        statements=arns.apply(
            lambda known: [
                *policies.write_log_entries(known[0]),
                *policies.take_turns(known[1]),
                *_keys(settings, "dynamodb"),
            ]
        ),
    )


def load_spec(settings: StackSettings, around: Surroundings) -> FunctionSpec:
    return FunctionSpec(
        handler="handlers.load.handler",
        timeout_seconds=settings.load_timeout_seconds,
        memory_mb=settings.load_memory_mb,
        environment=_load_environment(settings, around),
        statements=Output.all(_load_permissions(settings, around), around.log_table.arn).apply(
            lambda known: [*known[0], *policies.answer_uploads(known[1])]
        ),
        concurrency=settings.load_concurrency or None,
        vpc=_attachment(around),
        role=_role(around),
    )


def _load_environment(settings: StackSettings, around: Surroundings) -> dict[str, Input[str]]:
    warehouse = around.warehouse
    environment: dict[str, Input[str]] = {
        env.STACK: around.stack,
        env.LAKE_BUCKET: around.lake.lake.bucket_name,
        env.WORK_BUCKET: around.lake.work.bucket_name,
        env.DATABASES: ",".join(settings.databases),
        env.TABLE_FILTER: ",".join(settings.table_filter),
        env.WAREHOUSE_HOST: warehouse.host,
        env.WAREHOUSE_PORT: warehouse.port.apply(str),
        env.COPY_ROLE_ARN: around.copy_role_arn,
        env.LOG_TABLE: around.log_table.table_name,
        env.LONG_LOAD_BYTES: str(_long_load_bytes(settings, around)),
        env.LOAD_INTERVAL_SECONDS: str(settings.load_interval_seconds),
        env.MAINTENANCE_MIN_ROWS: str(settings.maintenance_min_rows),
        env.REBUILD_MAX_ROWS: str(settings.rebuild_max_rows),
    }
    if settings.warehouse_ca_file is not None:
        environment[env.WAREHOUSE_CA_FILE] = CA_FILE
    if warehouse.secret_arn is not None:
        return environment | {env.WAREHOUSE_SECRET_ARN: warehouse.secret_arn}
    return environment | _names(warehouse)


def _long_load_bytes(settings: StackSettings, around: Surroundings) -> int:
    """Return 0, which turns long loads off, where the Data API would not find the warehouse."""
    return settings.long_load_bytes if _names(around.warehouse) else 0


def _names(warehouse: Endpoint) -> dict[str, Input[str]]:
    named = {env.WAREHOUSE_WORKGROUP: warehouse.workgroup, env.WAREHOUSE_CLUSTER: warehouse.cluster}
    return {variable: name for variable, name in named.items() if name is not None}


def long_copy_spec(settings: StackSettings, around: Surroundings) -> FunctionSpec:
    """Return the properties of the long-copy function.

    It runs outside the private network, which has no endpoint for the Data API. Without the name of
    a workgroup or a cluster no load calls it.
    """
    warehouse = around.warehouse
    environment = _names(warehouse)
    if warehouse.secret_arn is not None:
        environment[env.WAREHOUSE_SECRET_ARN] = warehouse.secret_arn
    statements: Output[list[policies.Statement]] = Output.from_input([])
    if warehouse.arn is not None:
        known = Output.all(warehouse.arn, warehouse.login())
        keys = _keys(settings, "secretsmanager")
        statements = known.apply(lambda each: [*policies.copy_long(*each), *keys])
    return FunctionSpec(
        handler="handlers.long_copy.handler",
        timeout_seconds=LONG_COPY_SECONDS,
        memory_mb=SMALL_MEMORY_MB,
        environment=environment,
        statements=statements,
        role=_role(around),
    )


def tables_spec(settings: StackSettings, around: Surroundings) -> FunctionSpec:
    """Return the load function's properties, without its reserved concurrency and its right to
    write answers.

    Pending loads must not delay the recovery commands.
    """
    return replace(
        load_spec(settings, around),
        handler="handlers.tables.handler",
        timeout_seconds=RECOVERY_SECONDS,
        concurrency=None,
        statements=_load_permissions(settings, around),
    )


def bootstrap_spec(settings: StackSettings, around: Surroundings) -> FunctionSpec:
    """Return the properties of the function that prepares a new warehouse.

    Only it can read the administrator's secret. It has a role of its own in every stack.
    """
    warehouse = around.warehouse
    if warehouse.administrator_arn is None:
        raise ValueError("only a warehouse that the stack creates is prepared by a function")
    environment: dict[str, Input[str]] = {
        env.WAREHOUSE_HOST: warehouse.host,
        env.WAREHOUSE_PORT: warehouse.port.apply(str),
        env.ADMINISTRATOR_SECRET_ARN: warehouse.administrator_arn,
    }
    if warehouse.secret_arn is not None:
        environment[env.WAREHOUSE_SECRET_ARN] = warehouse.secret_arn
    if settings.warehouse_ca_file is not None:
        environment[env.WAREHOUSE_CA_FILE] = CA_FILE
    arns = Output.all(warehouse.administrator_arn, warehouse.secret_arn)
    return FunctionSpec(
        handler="handlers.bootstrap.handler",
        timeout_seconds=RECOVERY_SECONDS,
        memory_mb=settings.load_memory_mb,
        environment=environment,
        statements=arns.apply(
            lambda known: [
                *policies.prepare_warehouse(*known),
                *_keys(settings, "secretsmanager"),
            ]
        ),
        vpc=_attachment(around),
    )


def webhook_spec(secret_arn: str, kind: WebhookKind) -> FunctionSpec:
    """Return the properties of the function that sends notices to a chat service.

    It runs outside the private network, which has no way to the internet.
    """
    return FunctionSpec(
        handler="handlers.webhook.handler",
        timeout_seconds=WEBHOOK_SECONDS,
        memory_mb=SMALL_MEMORY_MB,
        environment={env.WEBHOOK_SECRET_ARN: secret_arn, env.WEBHOOK_KIND: str(kind)},
        statements=Output.from_input([policies.read_secret(secret_arn)]),
    )


def reconcile_spec(
    settings: StackSettings, around: Surroundings, machine_arn: Input[str], tables: LoaderFunction
) -> FunctionSpec:
    """Return the properties of the reconcile function.

    It runs outside the private network, which has no endpoint for Step Functions. The tables
    function reads the ledgers for it.
    """
    environment: dict[str, Input[str]] = {
        env.STACK: around.stack,
        env.LAKE_BUCKET: around.lake.lake.bucket_name,
        env.DATABASES: ",".join(settings.databases),
        env.TABLE_FILTER: ",".join(settings.table_filter),
        env.LOG_TABLE: around.log_table.table_name,
        env.STATE_MACHINE_ARN: machine_arn,
        env.TABLES_FUNCTION: tables.function_name,
    }
    arns = Output.all(around.lake.lake.arn, around.log_table.arn, machine_arn, tables.arn)
    return FunctionSpec(
        handler="handlers.reconcile.handler",
        timeout_seconds=RECOVERY_SECONDS,
        memory_mb=RECONCILE_MEMORY_MB,
        environment=environment,
        statements=arns.apply(
            lambda known: [*policies.reconcile_uploads(*known), *_keys(settings, "dynamodb")]
        ),
    )


def _load_permissions(
    settings: StackSettings, around: Surroundings
) -> Output[list[policies.Statement]]:
    keys = _keys(settings, "dynamodb", "s3", "secretsmanager")
    return Output.all(
        around.lake.lake.arn,
        around.lake.work.arn,
        around.log_table.arn,
        around.warehouse.login(),
    ).apply(lambda known: [*policies.load_uploads(*known), *keys])


def _keys(settings: StackSettings, *services: str) -> list[policies.Statement]:
    """Return the permissions to use the customer's keys; keys of uploads only with S3."""
    uploads = settings.upload_key_arns if "s3" in services else ()
    return policies.use_keys(settings.kms_key_arn, uploads, services)


def _attachment(around: Surroundings) -> VpcAttachment:
    return VpcAttachment(around.network.subnet_ids, around.network.load_group_ids)


def _role(around: Surroundings) -> iam.Role | None:
    return None if around.loader_role is None else around.loader_role.role
