"""The webhook of a chat service: its URL is a secret, in Secrets Manager."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from http.client import HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from etl_core.adapters.messages import (
    WEBHOOK_REFUSED,
    WEBHOOK_SECRET_INVALID,
    WEBHOOK_SECRET_UNREADABLE,
    WEBHOOK_UNREACHABLE,
)
from etl_core.model.errors import NoticeError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

Post = Callable[[str, bytes], int]
"""Sends a body to a URL and returns the status of the response."""

_SECONDS = 10.0
_OK = range(200, 300)


def post_json(url: str, body: bytes, context: ssl.SSLContext | None = None) -> int:
    """Send JSON by HTTPS and return the status. Follows no redirect. Raises OSError or HTTPException."""
    parts = urlsplit(url)
    connection = HTTPSConnection(
        parts.hostname or "", parts.port, timeout=_SECONDS, context=context
    )
    try:
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection.request("POST", target, body, {"Content-Type": "application/json"})
        return connection.getresponse().status
    finally:
        connection.close()


class Webhook:
    """Sends messages. Each reads the secret again, so that a rotated one counts at once."""

    def __init__(
        self, client: SecretsManagerClient, secret_arn: str, post: Post = post_json
    ) -> None:
        self._client, self._arn, self._post = client, secret_arn, post

    def send(self, message: Mapping[str, Any]) -> None:
        """Send one message. Raises NoticeError, which never has the URL."""
        url = self._url()
        try:
            status = self._post(url, json.dumps(message).encode())
        except (OSError, HTTPException, ValueError) as error:
            # No `from`: some of these errors have the URL in their text.
            raise NoticeError(WEBHOOK_UNREACHABLE(reason=type(error).__name__)) from None
        if status not in _OK:
            raise NoticeError(WEBHOOK_REFUSED(status=status))

    def _url(self) -> str:
        try:
            text = self._client.get_secret_value(SecretId=self._arn).get("SecretString", "")
        except (BotoCoreError, ClientError) as error:
            raise NoticeError(
                WEBHOOK_SECRET_UNREADABLE(secret=self._arn, reason=str(error))
            ) from error
        url = text.strip()
        if not _is_https(url):
            raise NoticeError(WEBHOOK_SECRET_INVALID(secret=self._arn))
        return url


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_port = parts.port is None or parts.port > 0
    except ValueError:
        return False
    is_text = url.isascii() and url.isprintable() and " " not in url
    return is_text and is_port and parts.scheme == "https" and bool(parts.hostname)
