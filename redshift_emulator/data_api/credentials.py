"""Logins with IAM: GetCredentials of Redshift Serverless, GetClusterCredentialsWithIAM of Redshift.

The service makes a database user of the caller's role. The emulator cannot know the caller, so every
caller is one user: the one that the file of logins has under the empty name, else `IAMR:caller`.
Source: the service models `redshift-serverless` and `redshift` in botocore.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

from redshift_emulator.data_api.errors import UnknownOperationError

SERVERLESS = "RedshiftServerless.GetCredentials"
CLUSTER = "GetClusterCredentialsWithIAM"
LIFETIME = timedelta(hours=1)

SetPassword = Callable[[str, str], None]
"""Sets the password of a user, who is created if there is none."""


class IamLogins:
    """Gives the caller's user a new password at each call. The password does not expire."""

    def __init__(self, user: Callable[[], str], set_password: SetPassword) -> None:
        self._user, self._set_password = user, set_password

    def json(self) -> dict[str, Any]:
        """Return the response of GetCredentials."""
        user, password, expiration = self._give()
        at = expiration.timestamp()
        return {"dbUser": user, "dbPassword": password, "expiration": at, "nextRefreshTime": at}

    def xml(self, action: str) -> str:
        """Return the response of GetClusterCredentialsWithIAM."""
        if action != CLUSTER:
            raise UnknownOperationError(f"Action is {action[:80]!r}; it must be {CLUSTER}")
        user, password, expiration = self._give()
        members = {"DbUser": user, "DbPassword": password, "Expiration": expiration.isoformat()}
        inner = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in members.items())
        return f"<{CLUSTER}Response><{CLUSTER}Result>{inner}</{CLUSTER}Result></{CLUSTER}Response>"

    def _give(self) -> tuple[str, str, datetime]:
        user, password = self._user(), f"Aa1{secrets.token_hex(16)}"
        self._set_password(user, password)
        return user, password, datetime.now(UTC).replace(microsecond=0) + LIFETIME
