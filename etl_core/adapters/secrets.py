"""The warehouse's credentials in Secrets Manager, cached until the warehouse refuses them (a
managed password rotates).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from etl_core.adapters.messages import SECRET_INVALID
from etl_core.adapters.s3 import to_etl_error
from etl_core.model.errors import LoadFailedError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(frozen=True)
class Credentials:
    """A login. The password does not appear in the object's repr."""

    username: str
    password: str = field(repr=False)


class CredentialSource(Protocol):
    """The source of the warehouse's login."""

    def credentials(self) -> Credentials:
        """Return the login."""
        ...

    def forget(self) -> None:
        """Drop a cached login, because the warehouse refused it."""
        ...


class GivenCredentials:
    """A login that a person entered."""

    def __init__(self, username: str, password: str) -> None:
        self._credentials = Credentials(username, password)

    def credentials(self) -> Credentials:
        """Return the login."""
        return self._credentials

    def forget(self) -> None:
        """Do nothing: there is no other login."""


class SecretStore:
    """Reads the secret once, and once more after each `forget`."""

    def __init__(self, client: SecretsManagerClient, secret_arn: str) -> None:
        self._client, self._arn = client, secret_arn
        self._known: Credentials | None = None

    def credentials(self) -> Credentials:
        """Return the login.

        Raises ThrottledError if Secrets Manager fails temporarily, LoadFailedError if the secret is
        not a login.
        """
        if self._known is None:
            self._known = self._read()
        return self._known

    def forget(self) -> None:
        """Drop the cached login; the next call reads the secret again."""
        self._known = None

    def find(self) -> Credentials | None:
        """Return the login, None if the secret has no value yet. Raises as `credentials` does."""
        try:
            text = self._text()
        except ClientError as error:
            if error.response["Error"].get("Code") == "ResourceNotFoundException":
                return None
            raise to_etl_error(error, "Secrets Manager") from error
        except BotoCoreError as error:
            raise to_etl_error(error, "Secrets Manager") from error
        return None if text is None else self._parse(text)

    def write(self, login: Credentials) -> None:
        """Store the login as the secret's value. Raises ThrottledError or LoadFailedError."""
        text = json.dumps({"username": login.username, "password": login.password})
        try:
            self._client.put_secret_value(SecretId=self._arn, SecretString=text)
        except (BotoCoreError, ClientError) as error:
            raise to_etl_error(error, "Secrets Manager") from error
        self._known = login

    def _read(self) -> Credentials:
        try:
            text = self._text()
        except (BotoCoreError, ClientError) as error:
            raise to_etl_error(error, "Secrets Manager") from error
        return self._parse(text or "")

    def _text(self) -> str | None:
        return self._client.get_secret_value(SecretId=self._arn).get("SecretString")

    def _parse(self, text: str) -> Credentials:
        try:
            value = json.loads(text)
            return Credentials(str(value["username"]), str(value["password"]))
        except (ValueError, KeyError, TypeError):
            # No `from`: the error would carry the secret's text.
            raise LoadFailedError(SECRET_INVALID(secret=self._arn)) from None
