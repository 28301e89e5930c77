"""The types of the settings of a stack: how each is read from text, and its rule."""

from __future__ import annotations

import json
from ipaddress import IPv4Network
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from etl_core.model.names import faults_of_name, fold
from etl_core.model.table_filter import PATTERN

MAX_PATH = 512
"""IAM API reference, CreateRole, `Path`."""
MAX_PATTERN = 128
MAX_FILTER = 1000
"""The patterns are a variable of the functions, of which Lambda allows 4 KB in all."""

LOG_KEEP_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
)  # fmt: skip
"""CloudWatch Logs API reference, PutRetentionPolicy, `retentionInDays`."""

CAPACITIES = (4, *range(8, 513, 8), 1024)
"""Redshift management guide, "Compute capacity for Amazon Redshift Serverless"."""

MAX_CAPACITY = 5632
"""Redshift Serverless API reference, `maxCapacity`."""

SYSTEM_DATABASES = frozenset(
    {"awsdatacatalog", "padb_harvest", "postgres", "template0", "template1"}
)
MAX_DATABASE_NAME = 64
"""Redshift database developer guide, CREATE DATABASE."""


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


def _capacity(rpu: int) -> int:
    if rpu not in CAPACITIES:
        raise ValueError("Redshift Serverless does not have this capacity")
    return rpu


def _max_capacity(rpu: int) -> int:
    if rpu not in (-1, 0) and (rpu % 8 or not 8 <= rpu <= MAX_CAPACITY):
        raise ValueError("Redshift Serverless does not have this capacity")
    return rpu


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


def _ranges(ranges: tuple[IPv4Network, ...]) -> tuple[IPv4Network, ...]:
    if any(each.prefixlen == 0 for each in ranges):
        raise ValueError("0.0.0.0/0 is every address")
    return ranges


def _short_filter(patterns: tuple[str, ...]) -> tuple[str, ...]:
    size = len(",".join(patterns))
    if size > MAX_FILTER:
        raise ValueError(f"its patterns have {size} characters; the limit is {MAX_FILTER}")
    return patterns


_ARN = r"^arn:aws[a-z-]*:{service}:{region}:[0-9]{{12}}:{resource}$"
_USER = r"^[a-z][a-z0-9_]{0,62}$"
_WAREHOUSE_NAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"

_Host = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$")
]
_SecretArn = Annotated[
    str,
    StringConstraints(
        pattern=_ARN.format(
            service="secretsmanager", region="[a-z0-9-]+", resource="secret:[A-Za-z0-9/_+=.@-]+"
        )
    ),
]
_KeyArn = Annotated[
    str,
    StringConstraints(
        pattern=_ARN.format(service="kms", region="[a-z0-9-]+", resource="key/[A-Za-z0-9-]+")
    ),
]
_RoleArn = Annotated[
    str,
    StringConstraints(
        pattern=_ARN.format(service="iam", region="", resource="role/[A-Za-z0-9+=,.@_/-]+")
    ),
]
_PolicyArn = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]{1,640}$"
    ),
]
_RolePath = Annotated[
    str, StringConstraints(pattern=r"^/([A-Za-z0-9+=,.@_-]+/)*$", max_length=MAX_PATH)
]
_Producer = Annotated[
    str,
    StringConstraints(
        pattern=r"^([0-9]{12}|arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[A-Za-z0-9+=,.@_/-]{1,576})$"
    ),
]
_TablePattern = Annotated[str, StringConstraints(pattern=PATTERN, max_length=MAX_PATTERN)]
_Name = Annotated[str, StringConstraints(pattern=_WAREHOUSE_NAME)]
_User = Annotated[str, StringConstraints(pattern=_USER)]
_Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
_CaFile = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f]+\.(pem|crt)$")]
_Origin = Annotated[str, StringConstraints(pattern=r"^(\*|https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?)$")]
_VpcId = Annotated[str, StringConstraints(pattern=r"^vpc-[0-9a-f]{8,17}$")]
_SubnetId = Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]{8,17}$")]
_GroupId = Annotated[str, StringConstraints(pattern=r"^sg-[0-9a-f]{8,17}$")]
_Zone = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}[a-z0-9-]*-[0-9][a-z]$")]

_Warehouse = Annotated[str, StringConstraints(pattern=r"^(serverless|provisioned):\S{1,64}$")]

_blank = BeforeValidator(_blank_is_none)
_array = BeforeValidator(_json_array)

Databases = Annotated[
    tuple[str, ...],
    _array,
    Field(
        min_length=1,
        description="a JSON array of distinct database names in lower case, at least one",
    ),
    AfterValidator(_database_names),
]
Capacity = Annotated[
    int,
    AfterValidator(_capacity),
    Field(description="4, a multiple of 8 from 8 to 512, or 1024 (RPU)"),
]
MaxCapacity = Annotated[
    int,
    AfterValidator(_max_capacity),
    Field(
        description="-1 (no limit any more), 0 (not set), or a multiple of 8 from 8 to 5632 (RPU)"
    ),
]
OptionalHost = Annotated[_Host | None, _blank, Field(description="a host name, or empty")]
OptionalSecret = Annotated[
    _SecretArn | None, _blank, Field(description="the ARN of a secret, or empty")
]
OptionalRole = Annotated[_RoleArn | None, _blank, Field(description="the ARN of a role, or empty")]
OptionalPolicy = Annotated[
    _PolicyArn | None, _blank, Field(description="the ARN of a managed policy, or empty")
]
RolePath = Annotated[
    _RolePath,
    Field(description="a path that begins and ends with a slash, such as /data-platform/"),
]
Producers = Annotated[
    tuple[_Producer, ...],
    _array,
    Field(
        description="a JSON array of account ids (12 digits) and ARNs of roles and users, without wildcards"
    ),
]
TablePatterns = Annotated[
    tuple[_TablePattern, ...],
    _array,
    AfterValidator(_short_filter),
    Field(
        description="a JSON array of patterns of database.schema.table in lower case, such as dev.sales.*"
    ),
]
OptionalKey = Annotated[_KeyArn | None, _blank, Field(description="the ARN of a KMS key, or empty")]
Keys = Annotated[tuple[_KeyArn, ...], _array, Field(description="a JSON array of ARNs of KMS keys")]
OptionalName = Annotated[
    _Name | None,
    _blank,
    Field(description="a name of lower-case letters, digits and hyphens, or empty"),
]
User = Annotated[_User, Field(description="a name of lower-case letters, digits and underscores")]
OptionalUser = Annotated[
    _User | None,
    _blank,
    Field(description="a name of lower-case letters, digits and underscores, or empty"),
]
OptionalEmail = Annotated[_Email | None, _blank, Field(description="an e-mail address, or empty")]
OptionalOrigin = Annotated[
    _Origin | None,
    _blank,
    Field(description="an origin such as https://dash.example.com, or *, or empty (none)"),
]
OptionalCaFile = Annotated[
    _CaFile | None, _blank, Field(description="the path of a PEM file (.pem or .crt), or empty")
]
OptionalVpc = Annotated[_VpcId | None, _blank, Field(description="the id of a VPC, or empty")]
OptionalWarehouse = Annotated[
    _Warehouse | None,
    _blank,
    Field(description="kind and first database of a warehouse, such as serverless:dev, or empty"),
]
Subnets = Annotated[
    tuple[_SubnetId, ...], _array, Field(description="a JSON array of ids of subnets")
]
SecurityGroups = Annotated[
    tuple[_GroupId, ...], _array, Field(description="a JSON array of ids of security groups")
]
Zones = Annotated[
    tuple[_Zone, ...], _array, Field(description="a JSON array of names of availability zones")
]
Ranges = Annotated[
    tuple[IPv4Network, ...],
    _array,
    AfterValidator(_ranges),
    Field(description="a JSON array of IPv4 ranges without host bits, such as 10.8.0.0/16"),
]
LogKeepDays = Annotated[
    int,
    AfterValidator(_log_keep_days),
    Field(description=f"one of {', '.join(map(str, LOG_KEEP_DAYS))} (days)"),
]
PrivateRange = Annotated[
    IPv4Network,
    AfterValidator(_network),
    Field(
        description="a private IPv4 range from /16 to /24 without host bits, such as 10.42.0.0/16"
    ),
]
