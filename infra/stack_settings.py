"""The stack's configuration: parsed once, typed, every fault reported at once.

Pulumi hands every value over as text (arrays as JSON) and ignores keys that nobody reads; here a misspelt key is a fault.
The defaults are those of Pulumi.yaml, which a test compares: they also hold where no Pulumi engine fills them in.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
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

from etl_core.model.names import faults_of_name, fold

LOG_KEEP_DAYS = (
    1,
    3,
    5,
    7,
    14,
    30,
    60,
    90,
    120,
    150,
    180,
    365,
    400,
    545,
    731,
    1096,
    1827,
    2192,
    2557,
    2922,
    3288,
    3653,
)
"""CloudWatch Logs API reference, PutRetentionPolicy, `retentionInDays`."""

SYSTEM_DATABASES = frozenset(
    {"awsdatacatalog", "padb_harvest", "postgres", "template0", "template1"}
)
MAX_DATABASE_NAME = 64
"""Redshift database developer guide, CREATE DATABASE."""


class ConfigurationError(ValueError):
    """The stack's configuration has faults; the message lists each with what was given, the rule and the way out."""


class WarehouseKind(Enum):
    SERVERLESS = "serverless"
    PROVISIONED = "provisioned"


def _json_array(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError) as error:
        raise ValueError("not JSON") from error


def _database_names(names: tuple[str, ...]) -> tuple[str, ...]:
    faults = [fault for name in names for fault in faults_of_name(name, "database")]
    faults += [f"{name!r} is not in lower case" for name in names if fold(name) != name]
    faults += [f"{name!r} belongs to Redshift itself" for name in names if name in SYSTEM_DATABASES]
    faults += [
        f"{name[:20]!r}... is longer than {MAX_DATABASE_NAME}"
        for name in names
        if len(name) > MAX_DATABASE_NAME
    ]
    faults += [f"{name!r} is listed twice" for name in sorted(set(names)) if names.count(name) > 1]
    if faults:
        raise ValueError("; ".join(faults))
    return names


def _log_keep_days(days: int) -> int:
    if days not in LOG_KEEP_DAYS:
        raise ValueError("no such period")
    return days


def _network(network: IPv4Network) -> IPv4Network:
    if not network.is_private or not 16 <= network.prefixlen <= 24:
        raise ValueError("not a private range from /16 to /24")
    return network


def _blank_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


class StackSettings(BaseModel):
    """What one stack is made of. A field's description is the rule that a faulty value is answered with."""

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
    reconcile_every_hours: Annotated[
        int, Field(ge=0, le=168, description="a whole number of hours from 0 (never) to 168")
    ] = 0
    api_rate_limit: Annotated[
        int, Field(ge=1, le=10000, description="a whole number from 1 to 10000")
    ] = 20
    api_burst_limit: Annotated[
        int, Field(ge=1, le=5000, description="a whole number from 1 to 5000")
    ] = 40
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
    """The settings of `values` (key without namespace -> text). Raises ConfigurationError with every fault."""
    try:
        return StackSettings.model_validate(dict(values))
    except ValidationError as error:
        faults = sorted({_describe(detail, values) for detail in error.errors(include_url=False)})
        lines = "\n".join(f"- {fault}" for fault in faults)
        raise ConfigurationError(
            f"the stack's configuration has {len(faults)} fault(s):\n{lines}"
        ) from error


def _describe(detail: ErrorDetails, values: Mapping[str, str]) -> str:
    key = str(detail["loc"][0])
    rules = {
        to_camel(name): field.description for name, field in StackSettings.model_fields.items()
    }
    if key not in rules:
        near = difflib.get_close_matches(key, rules, n=1)
        known = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(sorted(rules))}."
        return f"{key[:60]!r} is not a configuration key; {known} Remove it with: pulumi config rm {key[:60]}"
    given = repr(values[key])
    shown = given if len(given) <= 80 else f"{given[:80]}..."
    why = f" ({detail['ctx']['error']})" if detail["type"] == "value_error" else ""
    return f"{key} is {shown}{why}; it must be {rules[key]}. Set it with: pulumi config set {key} <value>"
