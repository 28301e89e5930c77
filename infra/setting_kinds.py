"""The closed sets of values among the settings."""

from __future__ import annotations

from enum import Enum


class WarehouseKind(Enum):
    """Which warehouse the stack loads into."""

    SERVERLESS = "serverless"
    PROVISIONED = "provisioned"
    EXISTING = "existing"


class WarehouseLogin(Enum):
    """How the functions log in to the warehouse."""

    SECRET = "secret"  # noqa: S105 - the name of a method
    IAM = "iam"


class NetworkKind(Enum):
    """Which network the functions run in."""

    CREATE = "create"
    EXISTING = "existing"


class ApiAuth(Enum):
    """How requests of the API prove that they are allowed."""

    KEY = "key"
    IAM = "iam"


class AccessLog(Enum):
    """Whether API Gateway logs each request, and who gives it the role for that."""

    OFF = "off"
    ON = "on"
    WITH_ROLE = "with-role"


class UsageAction(Enum):
    """What happens when a serverless warehouse has used up the RPU hours of a month."""

    LOG = "log"
    EMIT_METRIC = "emit-metric"
    DEACTIVATE = "deactivate"
