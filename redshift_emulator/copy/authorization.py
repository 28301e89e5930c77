"""How a COPY is authorized to read S3: roles or keys. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from redshift_emulator.errors import SqlError


@dataclass(frozen=True)
class Roles:
    """IAM_ROLE 'arn,arn': each role is assumed with the one before it."""

    arns: tuple[str, ...]


@dataclass(frozen=True)
class DefaultRole:
    """IAM_ROLE default."""


@dataclass(frozen=True)
class AccessKeys:
    """ACCESS_KEY_ID and SECRET_ACCESS_KEY, perhaps with SESSION_TOKEN."""

    key_id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


Authorization = Roles | DefaultRole | AccessKeys

_ROLE_ARN = re.compile(r"arn:[\w-]+:iam::\d{12}:role/[\w+=,.@/-]+")
_INVALID_CREDENTIALS = (
    "Invalid credentials. Must be of the format: credentials 'aws_iam_role=...' or "
    "'aws_access_key_id=...;aws_secret_access_key=...[;token=...]'"
)


def parse_roles(text: str) -> Roles:
    """Parse ``arn`` or a chain ``arn,arn`` (no blanks).

    Raises SqlError for anything that is not the ARN of a role.
    """
    arns = tuple(re.split(r",(?=arn:)", text))
    if not all(_ROLE_ARN.fullmatch(arn) for arn in arns):
        raise SqlError(
            "42601",
            f"Invalid IAM_ROLE '{text}': write the ARN of a role, or several joined by commas",
        )
    return Roles(arns)


def parse_credentials(text: str) -> Authorization:
    """Parse CREDENTIALS 'aws_iam_role=...' or keys.

    Names are case-sensitive; blanks are not allowed.
    """
    pairs = dict(part.split("=", 1) for part in text.split(";") if "=" in part)
    match pairs:
        case {"aws_iam_role": role} if len(pairs) == 1:
            return parse_roles(role)
        case {"aws_access_key_id": key_id, "aws_secret_access_key": secret}:
            return AccessKeys(key_id, secret, pairs.get("token"))
    raise SqlError("42601", _INVALID_CREDENTIALS)


def choose_authorization(given: Authorization | None, keys: Mapping[str, str]) -> Authorization:
    """Return the authorization of a COPY: ``given`` (IAM_ROLE or CREDENTIALS), or ``keys`` (ACCESS_KEY_ID and others).

    Raises SqlError when there is none, or more than one.
    """
    if given is not None and not keys:
        return given
    if given is not None or not {"access_key_id", "secret_access_key"} <= set(keys):
        raise SqlError("42601", _INVALID_CREDENTIALS)
    return AccessKeys(keys["access_key_id"], keys["secret_access_key"], keys.get("session_token"))
