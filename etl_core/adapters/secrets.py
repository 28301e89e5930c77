"""The warehouse's credentials in Secrets Manager, kept until the warehouse refuses them (a managed password rotates)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from etl_core.adapters.s3 import to_etl_error
from etl_core.model.errors import LoadFailedError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(frozen=True)
class Credentials:
    """A login; the password never appears in a text form of this object."""

    username: str
    password: str = field(repr=False)


class CredentialSource(Protocol):
    """Where a warehouse's login comes from."""

    def credentials(self) -> Credentials:
        """The login."""
        ...

    def forget(self) -> None:
        """The login was refused: do not keep it."""
        ...


class GivenCredentials:
    """A login that a person gave; asking again would give the same."""

    def __init__(self, username: str, password: str) -> None:
        self._credentials = Credentials(username, password)

    def credentials(self) -> Credentials:
        """The login as given."""
        return self._credentials

    def forget(self) -> None:
        """Nothing: there is no other."""


class SecretStore:
    """Reads the secret once and again after `forget`."""

    def __init__(self, client: SecretsManagerClient, secret_arn: str) -> None:
        self._client, self._arn = client, secret_arn
        self._known: Credentials | None = None

    def credentials(self) -> Credentials:
        """Raises ThrottledError when Secrets Manager cannot answer, LoadFailedError when the secret is not a login."""
        if self._known is None:
            self._known = self._read()
        return self._known

    def forget(self) -> None:
        """The next call reads the secret anew."""
        self._known = None

    def _read(self) -> Credentials:
        try:
            text = self._client.get_secret_value(SecretId=self._arn)["SecretString"]
        except (BotoCoreError, ClientError) as error:
            raise to_etl_error(error, "Secrets Manager") from error
        try:
            value = json.loads(text)
            return Credentials(str(value["username"]), str(value["password"]))
        except (ValueError, KeyError, TypeError):
            # No `from`: the error would carry the secret's text.
            raise LoadFailedError(
                f"the secret {self._arn} is not JSON with username and password; set it as Redshift's managed password does"
            ) from None
