"""The AWS services that have an interface endpoint in the stack's own network. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from infra.setting_kinds import WarehouseKind, WarehouseLogin
from infra.stack_settings import StackSettings


def login_service(settings: StackSettings) -> str | None:
    """Return the service that gives temporary credentials, None for a login with a secret."""
    if settings.warehouse_login is WarehouseLogin.SECRET:
        return None
    is_serverless = settings.warehouse_kind is WarehouseKind.SERVERLESS
    return "redshift-serverless" if is_serverless else "redshift"


def endpoint_services(settings: StackSettings) -> Mapping[str, str]:
    """Return the services with an interface endpoint in the stack's own network, by noun."""
    login = login_service(settings)
    return {"secrets": "secretsmanager"} | ({} if login is None else {"login": login})
