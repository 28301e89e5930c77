"""Temporary credentials of the warehouse for the caller's own role, cached until shortly before they expire.

GetCredentials (Redshift Serverless) and GetClusterCredentialsWithIAM return a user named after the
role, `IAMR:role`, and a password (API references of Redshift and Redshift Serverless).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from etl_core.adapters.s3 import to_etl_error
from etl_core.adapters.secrets import Credentials
from etl_core.model.times import utc_now

LIFETIME_SECONDS = 3600
"""The longest that AWS allows. A session that is open goes on after its credentials have expired."""
_MARGIN = timedelta(minutes=5)


@dataclass(frozen=True)
class Temporary:
    """Credentials and the time until which they allow a login."""

    credentials: Credentials
    expires_at: datetime


Ask = Callable[[], Temporary]


def workgroup_credentials(client: Any, workgroup: str) -> Ask:
    """Return the call for credentials of a workgroup of Redshift Serverless."""

    def ask() -> Temporary:
        reply = client.get_credentials(workgroupName=workgroup, durationSeconds=LIFETIME_SECONDS)
        return _temporary(reply, "dbUser", "dbPassword", "expiration")

    return ask


def cluster_credentials(client: Any, cluster: str) -> Ask:
    """Return the call for credentials of a provisioned cluster."""

    def ask() -> Temporary:
        reply = client.get_cluster_credentials_with_iam(
            ClusterIdentifier=cluster, DurationSeconds=LIFETIME_SECONDS
        )
        return _temporary(reply, "DbUser", "DbPassword", "Expiration")

    return ask


def _temporary(reply: Mapping[str, Any], user: str, password: str, expiration: str) -> Temporary:
    return Temporary(Credentials(str(reply[user]), str(reply[password])), reply[expiration])


class IamLogin:
    """Asks for credentials once, and again when they are about to expire or after `forget`."""

    def __init__(self, ask: Ask, now: Callable[[], datetime] = utc_now) -> None:
        self._ask, self._now = ask, now
        self._known: Temporary | None = None

    def credentials(self) -> Credentials:
        """Return the login. Raises ThrottledError or LoadFailedError."""
        if self._known is None or self._known.expires_at - _MARGIN <= self._now():
            try:
                self._known = self._ask()
            except (BotoCoreError, ClientError) as error:
                raise to_etl_error(error, "Redshift") from error
        return self._known.credentials

    def forget(self) -> None:
        """Drop the cached login; the next call asks for another one."""
        self._known = None
