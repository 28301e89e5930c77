"""What a person does with a running cloud: put a file into the lake, ask the log, ask the warehouse."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from local_cloud import aws_server
from local_cloud.aws import Aws
from local_cloud.outputs import Outputs

API_SECONDS = 30
BUSY = (429, 502, 503, 504)
BUSY_ATTEMPTS = 20
BUSY_SECONDS = 0.5


class ClientError(RuntimeError):
    """The API refused a request; the message is its own, `status` the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"the API answered {status}: {message}")
        self.status = status


@dataclass(frozen=True)
class Answer:
    """What a query returns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Client:
    """Speaks to a running cloud as any client of AWS and Redshift does."""

    outputs: Outputs
    aws: Aws

    @classmethod
    def of(cls, outputs: Outputs) -> Client:
        return cls(outputs, outputs.aws(aws_server.ACCOUNT_ID))

    def put(self, file: Path, key: str) -> str:
        """Upload a file; a key that ends in `/` is completed with the file's name. Returns the version's id."""
        return self.put_bytes(file.read_bytes(), f"{key}{file.name}" if key.endswith("/") else key)

    def put_bytes(self, content: bytes, key: str) -> str:
        """Upload content under a key. Returns the version's id."""
        made = self.aws.client("s3").put_object(
            Bucket=self.outputs.lake_bucket, Key=key, Body=content
        )
        return str(made["VersionId"])

    def log_page(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """One answer of the API, as it is; one that is too busy is asked again. Raises ClientError when it refuses."""
        for _ in range(BUSY_ATTEMPTS - 1):
            try:
                return self._ask_once(parameters)
            except ClientError as error:
                if error.status not in BUSY:
                    raise
            time.sleep(BUSY_SECONDS)
        return self._ask_once(parameters)

    def _ask_once(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - the address is our own
            self.log_url(parameters), headers={"x-api-key": self.outputs.api_key}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=API_SECONDS) as answer:
                page: dict[str, Any] = json.load(answer)
                return page
        except urllib.error.HTTPError as error:
            with error:
                raise ClientError(error.code, error.read().decode()) from error

    def log_url(self, parameters: Mapping[str, str]) -> str:
        return f"{self.outputs.api_url}/logs?{urllib.parse.urlencode(parameters)}"

    def log_entries(self, table_name: str, **filters: str) -> list[dict[str, Any]]:
        """All entries of a table that match, newest first, page after page."""
        parameters, entries = {"table_name": table_name, **filters}, list[dict[str, Any]]()
        while True:
            page = self.log_page(parameters)
            entries += page["items"]
            if not page.get("next_token"):
                return entries
            parameters["next_token"] = page["next_token"]

    def sql(self, database: str, statement: str, values: Sequence[Any] = ()) -> Answer:
        """Run one statement in the warehouse and commit it. Raises psycopg2.Error."""
        where = self.outputs.warehouse
        connection = psycopg2.connect(
            host=where.host,
            port=where.port,
            user=where.user,
            password=where.password,
            dbname=database,
            sslmode="require",
        )
        with closing(connection), connection, connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            if cursor.description is None:
                return Answer((), ())
            return Answer(
                tuple(column.name for column in cursor.description), tuple(cursor.fetchall())
            )

    def close(self) -> None:
        self.aws.close()
