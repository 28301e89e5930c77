"""What a person does with a running cloud: put a file into the lake, ask the log, ask the warehouse."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2

from local import aws_server
from local.aws import Aws
from local.outputs import Outputs

API_SECONDS = 30
POLL_SECONDS = 0.3
UNDER_WAY = "received"


class ClientError(RuntimeError):
    """A request was refused; the message is the service's own."""


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
        made = self.aws.client("s3").put_object(Bucket=self.outputs.lake_bucket, Key=key, Body=content)
        return str(made["VersionId"])

    def log_page(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """One answer of the API, as it is. Raises ClientError with the API's own message when it refuses."""
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
                raise ClientError(f"the API answered {error.code}: {error.read().decode()}") from error

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

    def wait_for(self, table_names: Iterable[str], uploads: int, seconds: float) -> list[dict[str, Any]]:
        """The entries of these tables as soon as there are that many and all have their final status, or what there is by then."""
        deadline = time.monotonic() + seconds
        while True:
            entries = [entry for name in table_names for entry in self.log_entries(name)]
            final = [entry for entry in entries if entry["status"] != UNDER_WAY]
            if len(final) >= uploads or time.monotonic() > deadline:
                return entries
            time.sleep(POLL_SECONDS)

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
            return Answer(tuple(column.name for column in cursor.description), tuple(cursor.fetchall()))

    def close(self) -> None:
        self.aws.close()
