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
