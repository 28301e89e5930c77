"""Files in S3 and a connection to the emulator for the tests of COPY."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg2

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from psycopg2.extensions import connection

BUCKET = "copy-lake"
SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:admin"
REDSHIFT = ("redshift.amazonaws.com", "redshift-serverless.amazonaws.com")
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class LoadError:
    """A row of sys_load_error_detail, with the raw value that only stl_load_errors shows."""

    code: int
    line: int
    column: str
    value: str
    reason: str
    file: str


@dataclass
class Lake:
    """Files to load, a role that may read them, and a connection (autocommit) to load them with."""

    s3: S3Client
    iam: Any
    open_connection: Callable[[], connection]
    connection: connection
    role: str = ""
    attach_default_role: Callable[[str], None] = lambda _: None
    data_api: Any = None
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @contextlib.contextmanager
    def connect(self) -> Iterator[Lake]:
        """Yield the same lake with its own connection."""
        with contextlib.closing(self.open_connection()) as connection:
            yield dataclasses.replace(self, connection=connection)

    def sql(self, text: str) -> Rows:
        """Run one statement and return its rows, if it has any."""
        with self.connection.cursor() as cursor:
            cursor.execute(text)
            return cursor.fetchall() if cursor.description else []

    def table(self, columns: str) -> str:
        """Create a table with these columns and return its name."""
        name = f"t{next(self.numbers)}"
        self.sql(f"CREATE TABLE {name} ({columns})")
        return name

    def put(self, body: bytes, key: str | None = None) -> str:
        """Store an object and return its URL. Generated keys never share a prefix."""
        key = key or f"file-{next(self.numbers)}/data.csv"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"

    def manifest(self, *entries: str | Mapping[str, Any]) -> str:
        """Store a manifest of these URLs (mandatory) or entries and return its URL."""
        listed = [
            {"url": entry, "mandatory": True} if isinstance(entry, str) else entry
            for entry in entries
        ]
        return self.put(json.dumps({"entries": listed}).encode())

    def copy(self, target: str, url: str, parameters: str = "csv", role: str | None = None) -> None:
        """Run a COPY. Raises psycopg2.Error when it fails."""
        self.sql(f"COPY {target} FROM '{url}' IAM_ROLE '{role or self.role}' {parameters}")

    def refusal(
        self, target: str, url: str, parameters: str = "csv", role: str | None = None
    ) -> psycopg2.Error:
        """Run a COPY that must fail and return its error."""
        try:
            self.copy(target, url, parameters, role)
        except psycopg2.Error as error:
            return error
        raise AssertionError(f"COPY {target} FROM {url} {parameters} did not fail")

    def rows(self, table: str) -> Rows:
        rows = self.sql(f"SELECT * FROM {table} ORDER BY 1")
        return [
            tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)
            for row in rows
        ]

    def count(self, table: str) -> int:
        return int(self.sql(f"SELECT count(*) FROM {table}")[0][0])

    def errors(self, url: str) -> list[LoadError]:
        """Return the load errors of a file, in the order of its lines."""
        rows = self.sql(
            "SELECT error_code, d.line_number, trim(column_name), trim(raw_field_value), "
            "trim(error_message), trim(file_name)"
            " FROM sys_load_error_detail d JOIN stl_load_errors s ON s.query = d.query_id AND "
            "s.line_number = d.line_number"
            f" WHERE trim(file_name) = '{url}' ORDER BY 2"
        )
        return [LoadError(*row) for row in rows]

    def add_role(
        self, name: str, services: Sequence[str] = REDSHIFT, actions: Sequence[str] = ("s3:*",)
    ) -> str:
        """Create a role that these services may assume, with these permissions on the bucket; return its ARN."""
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": list(services)},
            "Action": "sts:AssumeRole",
        }
        created = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
        resources = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
        permissions = {"Effect": "Allow", "Action": list(actions), "Resource": resources}
        if actions:
            self.iam.put_role_policy(
                RoleName=name, PolicyName="permissions", PolicyDocument=_policy(permissions)
            )
        return str(created["Role"]["Arn"])


def _policy(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
