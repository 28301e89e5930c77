"""Turns the authorization of a COPY into S3 clients, as the Redshift service would.

A role is assumed through STS with the credentials of this process. Its trust policy must name a
Redshift service principal, since Redshift itself would have to assume it. The S3 endpoint checks
what the role may read. Clients are kept for ten minutes.
"""

from __future__ import annotations

import fnmatch
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from redshift_emulator.context import AwsAccess
from redshift_emulator.copy.authorization import AccessKeys, Authorization, DefaultRole
from redshift_emulator.copy.service_errors import denied_role, failed_service
from redshift_emulator.errors import SqlError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SERVICES = ("redshift.amazonaws.com", "redshift-serverless.amazonaws.com")
KEEP_SECONDS = 600
_CONFIG = Config(
    connect_timeout=10,
    read_timeout=60,
    retries={"max_attempts": 3, "mode": "standard"},
    s3={"addressing_style": "path"},
    response_checksum_validation="when_required",
    request_checksum_calculation="when_required",
)


@dataclass(frozen=True)
class Caller:
    """The AWS endpoint, and who runs the COPY (for error messages)."""

    access: AwsAccess
    user: str
    database: str
    default_role: str | None = None


_clients: dict[object, tuple[float, S3Client]] = {}
_lock = threading.Lock()


def s3_client(authorization: Authorization, region: str | None, caller: Caller) -> S3Client:
    """Return a client with the permissions of the authorization.

    Raises SqlError when a role cannot be assumed.
    """
    region = region or caller.access.region
    key = (authorization, region, caller.access.endpoint_url, caller.default_role)
    with _lock:
        created, client = _clients.get(key, (0.0, None))
        if client is not None and time.monotonic() - created < KEEP_SECONDS:
            return client
        created_now: S3Client = _connect("s3", region, caller, _keys(authorization, caller))
        _clients[key] = (time.monotonic(), created_now)
    return created_now


def _connect(service: str, region: str, caller: Caller, keys: AccessKeys | None) -> Any:
    session = boto3.session.Session(
        aws_access_key_id=keys.key_id if keys else None,
        aws_secret_access_key=keys.secret if keys else None,
        aws_session_token=keys.token if keys else None,
        region_name=region,
    )
    endpoint_url = caller.access.endpoint_url
    return session.client(service, endpoint_url=endpoint_url, config=_CONFIG)  # type: ignore[call-overload]


def _keys(authorization: Authorization, caller: Caller) -> AccessKeys:
    if isinstance(authorization, AccessKeys):
        return authorization
    if isinstance(authorization, DefaultRole):
        if caller.default_role is None:
            raise SqlError(
                "XX000",
                "The default IAM role is not set: no role is attached to this warehouse as its default",
            )
        arns: tuple[str, ...] = (caller.default_role,)
    else:
        arns = authorization.arns
    keys: AccessKeys | None = None
    for number, arn in enumerate(arns):
        if number == 0:
            _check_trust(arn, caller)
        keys = _assume(arn, keys, caller)
    if keys is None:
        raise SqlError("42601", "IAM_ROLE names no role")
    return keys


def _check_trust(arn: str, caller: Caller) -> None:
    iam = _connect("iam", caller.access.region, caller, None)
    try:
        role = iam.get_role(RoleName=arn.rpartition("/")[2])["Role"]
    except ClientError as failure:
        raise denied_role(arn, caller.user, caller.database, str(failure)) from failure
    except BotoCoreError as failure:
        raise failed_service("IAM", failure) from failure
    if role["Arn"] != arn or not trusts_redshift(role["AssumeRolePolicyDocument"]):
        reason = f"its trust policy does not allow {' or '.join(SERVICES)} to assume it"
        raise denied_role(arn, caller.user, caller.database, reason)


def trusts_redshift(policy: Mapping[str, Any]) -> bool:
    """Return whether a trust policy lets a Redshift service principal assume the role.

    Deny wins. Pure.
    """
    statements = policy.get("Statement", [])
    effects = [
        statement.get("Effect")
        for statement in ([statements] if isinstance(statements, Mapping) else statements)
        if _names_redshift(statement.get("Principal")) and _covers_assume(statement.get("Action"))
    ]
    return "Allow" in effects and "Deny" not in effects


def _names_redshift(principal: object) -> bool:
    if principal == "*":
        return True
    services = principal.get("Service", []) if isinstance(principal, Mapping) else []
    return any(
        service in SERVICES for service in ([services] if isinstance(services, str) else services)
    )


def _covers_assume(action: object) -> bool:
    actions = [action] if isinstance(action, str) else action if isinstance(action, list) else []
    return any(fnmatch.fnmatchcase("sts:assumerole", str(name).lower()) for name in actions)


def _assume(arn: str, keys: AccessKeys | None, caller: Caller) -> AccessKeys:
    sts = _connect("sts", caller.access.region, caller, keys)
    try:
        credentials = sts.assume_role(RoleArn=arn, RoleSessionName="RedshiftIamRoleSession")[
            "Credentials"
        ]
    except ClientError as failure:
        raise denied_role(arn, caller.user, caller.database, str(failure)) from failure
    except BotoCoreError as failure:
        raise failed_service("STS", failure) from failure
    return AccessKeys(
        credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]
    )
