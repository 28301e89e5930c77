"""Signatures for an API that authorizes with IAM. Imports the AWS library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError

from etl_cli.stack_outputs import Outputs, StackSource, region_of, session_of
from etl_core.model.errors import StackError
from etl_core.recovery.messages import STACK_AWS_UNUSABLE

SERVICE = "execute-api"


def signer_of(outputs: Outputs, source: StackSource) -> Callable[[str], Mapping[str, str]]:
    """Return what signs a GET of a URL: with the keys of a local cloud, else the usual credentials.

    Credentials that expire are renewed. Raises StackError without credentials.
    """
    credentials, region = _credentials(outputs), region_of(outputs, source)

    def sign(url: str) -> Mapping[str, str]:
        request = AWSRequest("GET", url)
        try:
            frozen = credentials.get_frozen_credentials()
        except BotoCoreError as error:
            raise StackError(STACK_AWS_UNUSABLE(reason=error)) from None
        SigV4Auth(frozen, SERVICE, region).add_auth(request)
        return dict(request.headers.items())

    return sign


def _credentials(outputs: Outputs) -> Any:
    key, secret = outputs.get("access_key_id"), outputs.get("secret_access_key")
    if key is not None and secret is not None:
        return Credentials(str(key), str(secret))
    try:
        found = session_of().get_credentials()
    except BotoCoreError as error:
        raise StackError(STACK_AWS_UNUSABLE(reason=error)) from None
    if found is None:
        raise StackError(STACK_AWS_UNUSABLE(reason="no credentials were found"))
    return found
