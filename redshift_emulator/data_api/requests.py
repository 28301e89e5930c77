"""Parse and check the requests of the Data API. Everything in a request may be wrong."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from redshift_emulator.data_api.errors import ValidationError

MAX_SQL_BYTES = 100 * 1024
MAX_STATEMENTS = 40
MAX_WAIT_SECONDS = 30
MAX_NAME = 2048
MAX_TOKEN = 64
MAX_LISTED = 100

_ID = re.compile(r"([a-z0-9]{8}(?:-[a-z0-9]{4}){3}-[a-z0-9]{12})(?::(\d{1,2}))?", re.ASCII)
_CLUSTER = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_STATUSES = ("SUBMITTED", "PICKED", "STARTED", "FINISHED", "FAILED", "ABORTED", "ALL")

# What the service has and the emulator lacks: the reason, as the error says it.
_MISSING = {
    "Parameters": "parameters are not supported by this emulator: write the values into the SQL",
    "SessionId": "sessions are not kept by this emulator: use BatchExecuteStatement",
    "SessionKeepAliveSeconds": "sessions are not kept by this emulator: use BatchExecuteStatement",
    "WithEvent": "this emulator sends no events: call DescribeStatement",
}

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """Where a statement runs, and as whom. Either the cluster or the workgroup is set."""

    database: str
    cluster: str | None
    workgroup: str | None
    secret: str | None
    user: str | None

    def members(self) -> dict[str, str]:
        """Return the members of a response that repeat the target."""
        named = {
            "Database": self.database,
            "ClusterIdentifier": self.cluster,
            "WorkgroupName": self.workgroup,
            "SecretArn": self.secret,
            "DbUser": self.user,
        }
        return {name: value for name, value in named.items() if value is not None}


@dataclass(frozen=True)
class Submission:
    """A request to run SQL. Two with the same client token must be equal."""

    sqls: tuple[str, ...]
    is_batch: bool
    target: Target
    name: str
    token: str | None = field(compare=False)
    wait_seconds: float = field(compare=False)


@dataclass(frozen=True)
class StatementId:
    """The id of a request, and the number of one of its statements (from 1), if it is given."""

    run: str
    number: int | None

    def __str__(self) -> str:
        return self.run if self.number is None else f"{self.run}:{self.number}"


@dataclass(frozen=True)
class Listing:
    """Which statements to list. `before` is the place in the list where the last page ended."""

    status: str
    name_prefix: str
    database: str | None
    cluster: str | None
    workgroup: str | None
    most: int
    before: int | None


def parse_submission(body: Body, *, is_batch: bool) -> Submission:
    """Return the request of ExecuteStatement or BatchExecuteStatement. Raises ValidationError."""
    for name, reason in _MISSING.items():
        if body.get(name) not in (None, False, 0, []):
            raise ValidationError(f"{name}: {reason}")
    if body.get("ResultFormat", "JSON") != "JSON":
        raise ValidationError("ResultFormat must be JSON: this emulator has no other format")
    if body.get("ExecutionMode", "TRANSACTION") != "TRANSACTION":
        raise ValidationError("ExecutionMode must be TRANSACTION: this emulator has no other mode")
    return Submission(
        sqls=_sqls(body) if is_batch else (_sql(_required(body, "Sql"), "Sql"),),
        is_batch=is_batch,
        target=_target(body),
        name=_text(body, "StatementName", MAX_NAME) or "",
        token=_text(body, "ClientToken", MAX_TOKEN),
        wait_seconds=wait_seconds(body),
    )


def _sqls(body: Body) -> tuple[str, ...]:
    given = _required(body, "Sqls")
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_STATEMENTS:
        raise ValidationError(f"Sqls must be a list of 1 to {MAX_STATEMENTS} statements")
    return tuple(_sql(sql, f"Sqls[{place}]") for place, sql in enumerate(given))


def _sql(value: object, name: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValidationError(f"{name} must be the text of a statement")
    try:
        size = len(value.encode())
    except UnicodeEncodeError as failure:
        raise ValidationError(f"{name} is not valid Unicode") from failure
    if size > MAX_SQL_BYTES:
        raise ValidationError(f"{name} has {size} bytes; the limit is {MAX_SQL_BYTES} (100 KB)")
    if "\0" in value:
        raise ValidationError(f"{name} contains a NUL character")
    return value


def _target(body: Body) -> Target:
    cluster, workgroup = _text(body, "ClusterIdentifier", 63), _text(body, "WorkgroupName", 128)
    if (cluster is None) == (workgroup is None):
        raise ValidationError("give either ClusterIdentifier or WorkgroupName")
    if cluster is not None and not _CLUSTER.fullmatch(cluster):
        raise ValidationError(f"ClusterIdentifier {cluster!r} is not a cluster identifier")
    secret, user = _text(body, "SecretArn", MAX_NAME), _text(body, "DbUser", 128)
    if secret is not None and user is not None:
        raise ValidationError("give either SecretArn or DbUser")
    if user is not None and cluster is None:
        raise ValidationError("DbUser needs a ClusterIdentifier")
    database = _text(body, "Database", 127)
    if database is None:
        raise ValidationError("Database is missing")
    return Target(database, cluster, workgroup, secret, user)


def parse_id(body: Body) -> StatementId:
    """Return the member Id. Raises ValidationError."""
    given = _required(body, "Id")
    match = _ID.fullmatch(given) if isinstance(given, str) else None
    if match is None:
        raise ValidationError(
            "Id must be the id that ExecuteStatement or BatchExecuteStatement returned"
        )
    return StatementId(match[1], None if match[2] is None else int(match[2]))


def wait_seconds(body: Body) -> int:
    """Return the member WaitTimeSeconds; 0 if it is missing. Raises ValidationError."""
    return _whole_number(body, "WaitTimeSeconds", 1, MAX_WAIT_SECONDS) or 0


def page_start(body: Body) -> int | None:
    """Return the member NextToken, which is a place in a list. Raises ValidationError."""
    token = _text(body, "NextToken", 20)
    if token is None:
        return None
    if not (token.isascii() and token.isdigit()):
        raise ValidationError("NextToken must be the token that the previous page returned")
    return int(token)


def parse_listing(body: Body) -> Listing:
    """Return the request of ListStatements. Raises ValidationError."""
    status = body.get("Status", "FINISHED")
    if status not in _STATUSES:
        raise ValidationError(f"Status must be one of {', '.join(_STATUSES)}")
    return Listing(
        status=status,
        name_prefix=_text(body, "StatementName", MAX_NAME) or "",
        database=_text(body, "Database", 127),
        cluster=_text(body, "ClusterIdentifier", 63),
        workgroup=_text(body, "WorkgroupName", 128),
        most=_whole_number(body, "MaxResults", 0, MAX_LISTED) or MAX_LISTED,
        before=page_start(body),
    )


def _required(body: Body, name: str) -> object:
    if body.get(name) is None:
        raise ValidationError(f"{name} is missing")
    return body[name]


def _text(body: Body, name: str, limit: int) -> str | None:
    value = body.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > limit or not value.isprintable():
        raise ValidationError(f"{name} must be a text of at most {limit} printable characters")
    return value


def _whole_number(body: Body, name: str, least: int, most: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if type(value) is not int or not least <= value <= most:
        raise ValidationError(f"{name} must be a whole number from {least} to {most}")
    return value
