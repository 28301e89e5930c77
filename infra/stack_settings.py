"""The settings of a stack, parsed from its Pulumi configuration. All faults are reported at once.

Pulumi passes every value as text (arrays as JSON). It ignores unknown keys; here an unknown key is
a fault. The defaults are the same as in Pulumi.yaml (a test compares them), because the local cloud
runs the program without the Pulumi engine, which fills them in.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from enum import Enum
from ipaddress import IPv4Network
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from etl_core.model.function_settings import (
    DEFAULT_MAINTENANCE_MIN_ROWS,
    DEFAULT_REBUILD_MAX_ROWS,
    MAX_LOAD_INTERVAL_SECONDS,
)
from etl_core.model.names import faults_of_name, fold

LOG_KEEP_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""CloudWatch Logs API reference, PutRetentionPolicy, `retentionInDays`."""

SYSTEM_DATABASES = frozenset(
    {"awsdatacatalog", "padb_harvest", "postgres", "template0", "template1"}
)
MAX_DATABASE_NAME = 64
"""Redshift database developer guide, CREATE DATABASE."""
MAX_ROWS = 1_000_000_000_000


class ConfigurationError(ValueError):
    """The configuration has faults. For each, the message has the value, the rule and the fix."""


class WarehouseKind(Enum):
    SERVERLESS = "serverless"
    PROVISIONED = "provisioned"


def _json_array(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError) as error:
        raise ValueError("it is not JSON") from error


def _database_names(names: tuple[str, ...]) -> tuple[str, ...]:
    faults = [fault for name in names for fault in faults_of_name(name, "database")]
    faults += [f"{name!r} has upper-case letters" for name in names if fold(name) != name]
    faults += [
        f"{name!r} is a system database of Redshift" for name in names if name in SYSTEM_DATABASES
    ]
    faults += [
        f"{name[:20]!r}... has {len(name)} characters; the limit is {MAX_DATABASE_NAME}"
        for name in names
        if len(name) > MAX_DATABASE_NAME
    ]
    faults += [f"{name!r} is listed twice" for name in sorted(set(names)) if names.count(name) > 1]
    if faults:
        raise ValueError("; ".join(faults))
    return names


def _log_keep_days(days: int) -> int:
    if days not in LOG_KEEP_DAYS:
        raise ValueError("CloudWatch Logs does not have this period")
    return days


def _network(network: IPv4Network) -> IPv4Network:
    if not network.is_private:
        raise ValueError("it is a public range")
    if not 16 <= network.prefixlen <= 24:
        raise ValueError(f"its prefix is /{network.prefixlen}")
    return network


def _blank_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


class StackSettings(BaseModel):
    """The settings of one stack.

    The description of a field is its rule, as error messages show it.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, hide_input_in_errors=True
    )

    databases: Annotated[
        tuple[str, ...],
        BeforeValidator(_json_array),
        Field(
            min_length=1,
            description="a JSON array of distinct database names in lower case, at least one",
        ),
        AfterValidator(_database_names),
    ] = ("dev",)
    warehouse_kind: Annotated[WarehouseKind, Field(description="serverless or provisioned")] = (
        WarehouseKind.SERVERLESS
    )
    warehouse_base_capacity: Annotated[
        int, Field(ge=8, le=512, multiple_of=8, description="a multiple of 8 from 8 to 512 (RPU)")
    ] = 8
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
    warehouse_ca_file: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]+\.(pem|crt)$")] | None,
        BeforeValidator(_blank_is_none),
        Field(description="the path of a PEM file (.pem or .crt), or empty"),
    ] = None
    work_keep_days: Annotated[
        int, Field(ge=1, le=365, description="a whole number of days from 1 to 365")
    ] = 7
    log_group_keep_days: Annotated[
        int,
        AfterValidator(_log_keep_days),
        Field(description=f"one of {', '.join(map(str, LOG_KEEP_DAYS))} (days)"),
    ] = 30
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
    ] = 0
    api_rate_limit: Annotated[
        int, Field(ge=1, le=10000, description="a whole number from 1 to 10000")
    ] = 20
    api_burst_limit: Annotated[
        int, Field(ge=1, le=5000, description="a whole number from 1 to 5000")
    ] = 40
    api_cors_origin: Annotated[
        Annotated[str, StringConstraints(pattern=r"^(\*|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)$")]
        | None,
        BeforeValidator(_blank_is_none),
        Field(description="an origin such as https://dash.example.com, or *, or empty (none)"),
    ] = None
    vpc_cidr: Annotated[
        IPv4Network,
        AfterValidator(_network),
        Field(
            description="a private IPv4 range from /16 to /24 without host bits, such as 10.42.0.0/16"
        ),
    ] = IPv4Network("10.42.0.0/16")
    protect_data: Annotated[bool, Field(description="true or false")] = False
    alarm_email: Annotated[
        Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")] | None,
        BeforeValidator(_blank_is_none),
        Field(description="an e-mail address, or empty"),
    ] = None


def parse_settings(values: Mapping[str, str]) -> StackSettings:
    """Return the settings from `values` (key without namespace -> text).

    Raises ConfigurationError with every fault.
    """
    try:
        return StackSettings.model_validate(dict(values))
    except ValidationError as error:
        faults = sorted({_describe(detail, values) for detail in error.errors(include_url=False)})
        lines = "\n".join(f"- {fault}" for fault in faults)
        raise ConfigurationError(
            f"the configuration of the stack has {len(faults)} fault(s):\n{lines}"
        ) from error


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
    return (
        f"{key} is {shown}{reason}; it must be {known[key]}. "
        f"Set it with: pulumi config set {key} <value>"
    )


def _describe_unknown_key(key: str, known: Iterable[str]) -> str:
    similar = difflib.get_close_matches(key, known, n=1)
    keys = f"did you mean {similar[0]}?" if similar else f"known keys: {', '.join(sorted(known))}."
    return f"{key!r} is not a configuration key; {keys} Remove it with: pulumi config rm {key}"
