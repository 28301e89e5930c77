"""The settings of a stack, parsed from its Pulumi configuration. All faults are reported at once.

Pulumi passes every value as text (arrays as JSON). It ignores unknown keys; here an unknown key is
a fault. The defaults are the same as in Pulumi.yaml (a test compares them), because the local cloud
runs the program without the Pulumi engine, which fills them in.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from etl_core.model.function_settings import (
    DEFAULT_FRESHNESS_HOURS,
    DEFAULT_MAINTENANCE_MIN_ROWS,
    DEFAULT_REBUILD_MAX_ROWS,
    MAX_FRESHNESS_HOURS,
    MAX_LOAD_INTERVAL_SECONDS,
)
from etl_core.model.notices import WebhookKind
from infra.combinations import faults_of_combination
from infra.setting_kinds import (
    AccessLog,
    ApiAuth,
    NetworkKind,
    UsageAction,
    WarehouseKind,
    WarehouseLogin,
)
from infra.setting_types import (
    Capacity,
    Databases,
    Keys,
    LogKeepDays,
    MaxCapacity,
    OptionalCaFile,
    OptionalEmail,
    OptionalHost,
    OptionalKey,
    OptionalName,
    OptionalOrigin,
    OptionalPolicy,
    OptionalRole,
    OptionalSecret,
    OptionalUser,
    OptionalVpc,
    OptionalWarehouse,
    PrivateRange,
    Producers,
    Ranges,
    RolePath,
    SecurityGroups,
    Subnets,
    TablePatterns,
    User,
    Zones,
)

MAX_ROWS = 1_000_000_000_000


class ConfigurationError(ValueError):
    """The configuration has faults. For each, the message has the value, the rule and the fix."""


class StackSettings(BaseModel):
    """The settings of one stack.

    The description of a field is its rule, as error messages show it.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, hide_input_in_errors=True
    )

    databases: Databases = ("dev",)
    table_filter: TablePatterns = ()
    producers: Producers = ()
    warehouse_kind: Annotated[
        WarehouseKind, Field(description="serverless, provisioned or existing")
    ] = WarehouseKind.SERVERLESS
    warehouse_host: OptionalHost = None
    warehouse_port: Annotated[int, Field(ge=1, le=65535, description="a port from 1 to 65535")] = (
        5439
    )
    warehouse_login: Annotated[WarehouseLogin, Field(description="secret or iam")] = (
        WarehouseLogin.SECRET
    )
    warehouse_secret_arn: OptionalSecret = None
    warehouse_workgroup: OptionalName = None
    warehouse_cluster: OptionalName = None
    copy_role_arn: OptionalRole = None
    loader_user: User = "lake_loader"
    reader_role: OptionalUser = "lake_reader"
    allowed_cidrs: Ranges = ()
    allowed_security_groups: SecurityGroups = ()
    warehouse_base_capacity: Capacity = 8
    warehouse_max_capacity: MaxCapacity = 0
    warehouse_rpu_hours_per_month: Annotated[
        int, Field(ge=0, le=10**6, description="a whole number from 0 (no limit) to 1000000")
    ] = 0
    warehouse_rpu_hours_action: Annotated[
        UsageAction, Field(description="log, emit-metric or deactivate")
    ] = UsageAction.DEACTIVATE
    warehouse_node_type: Annotated[
        str,
        Field(
            pattern=r"^[a-z]+[0-9]+\.[0-9]*[a-z]+$",
            description="a Redshift node type such as ra3.large",
        ),
    ] = "ra3.large"
    warehouse_node_count: Annotated[
        int, Field(ge=1, le=128, description="a whole number from 1 to 128")
    ] = 1
    warehouse_ca_file: OptionalCaFile = None
    work_keep_days: Annotated[
        int, Field(ge=1, le=365, description="a whole number of days from 1 to 365")
    ] = 7
    quarantine_keep_days: Annotated[
        int, Field(ge=1, le=3650, description="a whole number of days from 1 to 3650")
    ] = 30
    log_group_keep_days: LogKeepDays = 30
    load_timeout_seconds: Annotated[
        int, Field(ge=60, le=900, description="a whole number from 60 to 900")
    ] = 900
    load_memory_mb: Annotated[
        int, Field(ge=256, le=10240, description="a whole number from 256 to 10240")
    ] = 512
    load_concurrency: Annotated[
        int, Field(ge=0, le=1000, description="a whole number from 0 (none) to 1000")
    ] = 0
    long_load_bytes: Annotated[
        int,
        Field(ge=0, le=10**15, description="a whole number of bytes from 0 (never) to 10^15"),
    ] = 2 * 1024**3
    record_concurrency: Annotated[
        int, Field(ge=0, le=1000, description="a whole number from 0 (none) to 1000")
    ] = 0
    load_interval_seconds: Annotated[
        int,
        Field(
            ge=0,
            le=MAX_LOAD_INTERVAL_SECONDS,
            description=f"a whole number of seconds from 0 (none) to {MAX_LOAD_INTERVAL_SECONDS}",
        ),
    ] = 0
    maintenance_min_rows: Annotated[
        int, Field(ge=0, le=MAX_ROWS, description=f"a whole number from 0 (never) to {MAX_ROWS}")
    ] = DEFAULT_MAINTENANCE_MIN_ROWS
    rebuild_max_rows: Annotated[
        int, Field(ge=0, le=MAX_ROWS, description=f"a whole number from 0 (no limit) to {MAX_ROWS}")
    ] = DEFAULT_REBUILD_MAX_ROWS
    max_parallel_loads: Annotated[
        int, Field(ge=1, le=1000, description="a whole number from 1 to 1000")
    ] = 5
    reconcile_every_hours: Annotated[
        int, Field(ge=0, le=168, description="a whole number of hours from 0 (never) to 168")
    ] = 24
    freshness_hours: Annotated[
        int,
        Field(
            ge=0,
            le=MAX_FRESHNESS_HOURS,
            description=f"a whole number of hours from 0 (never stale) to {MAX_FRESHNESS_HOURS}",
        ),
    ] = DEFAULT_FRESHNESS_HOURS
    api_rate_limit: Annotated[
        int, Field(ge=1, le=10000, description="a whole number from 1 to 10000")
    ] = 20
    api_burst_limit: Annotated[
        int, Field(ge=1, le=5000, description="a whole number from 1 to 5000")
    ] = 40
    api_auth: Annotated[ApiAuth, Field(description="key or iam")] = ApiAuth.KEY
    api_cors_origin: OptionalOrigin = None
    api_access_log: Annotated[AccessLog, Field(description="off, on or with-role")] = AccessLog.OFF
    network: Annotated[NetworkKind, Field(description="create or existing")] = NetworkKind.CREATE
    vpc_id: OptionalVpc = None
    subnet_ids: Subnets = ()
    security_group_ids: SecurityGroups = ()
    zones: Zones = ()
    vpc_cidr: PrivateRange = IPv4Network("10.42.0.0/16")
    permissions_boundary_arn: OptionalPolicy = None
    role_path: RolePath = "/"
    kms_key_arn: OptionalKey = None
    upload_key_arns: Keys = ()
    protect_data: Annotated[bool, Field(description="true or false")] = False
    delete_warehouse: OptionalWarehouse = None
    final_snapshot: Annotated[bool, Field(description="true or false")] = False
    snapshot_keep_days: Annotated[
        int, Field(ge=0, le=35, description="a whole number of days from 0 (none) to 35")
    ] = 7
    alarm_email: OptionalEmail = None
    pending_alarm_minutes: Annotated[
        int,
        Field(ge=0, le=10080, description="a whole number of minutes from 0 (no alarm) to 10080"),
    ] = 60
    budget_per_month: Annotated[
        int,
        Field(ge=0, le=10**7, description="a whole number of US dollars from 0 (none) to 10000000"),
    ] = 0
    notify_email: OptionalEmail = None
    notify_webhook_secret_arn: OptionalSecret = None
    notify_webhook_kind: Annotated[WebhookKind, Field(description="slack or teams")] = (
        WebhookKind.SLACK
    )


def parse_settings(values: Mapping[str, str]) -> StackSettings:
    """Return the settings from `values` (key without namespace -> text).

    Raises ConfigurationError with every fault.
    """
    try:
        settings = StackSettings.model_validate(dict(values))
    except ValidationError as error:
        faults = sorted({_describe(detail, values) for detail in error.errors(include_url=False)})
        raise _error(faults) from error
    if faults := list(faults_of_combination(settings)):
        raise _error(faults)
    return settings


def _error(faults: list[str]) -> ConfigurationError:
    lines = "\n".join(f"- {fault}" for fault in faults)
    return ConfigurationError(
        f"the configuration of the stack has {len(faults)} fault(s):\n{lines}"
    )


def rules() -> dict[str, str]:
    """Return the rule of each configuration key."""
    return {
        to_camel(name): field.description or ""
        for name, field in StackSettings.model_fields.items()
    }


def _describe(detail: ErrorDetails, values: Mapping[str, str]) -> str:
    key, known = str(detail["loc"][0]), rules()
    if key not in known:
        return _describe_unknown_key(key[:60], known)
    value = repr(values[key])
    shown = value if len(value) <= 80 else f"{value[:80]}..."
    reason = f" ({detail['ctx']['error']})" if detail["type"] == "value_error" else ""
    path = f"--path '{key}[0]'" if "JSON array" in known[key] else key
    return (
        f"{key} is {shown}{reason}; it must be {known[key]}. "
        f"Set it with: pulumi config set {path} <value>"
    )


def _describe_unknown_key(key: str, known: Iterable[str]) -> str:
    similar = difflib.get_close_matches(key, known, n=1)
    keys = f"did you mean {similar[0]}?" if similar else f"known keys: {', '.join(sorted(known))}."
    return f"{key!r} is not a configuration key; {keys} Remove it with: pulumi config rm {key}"
