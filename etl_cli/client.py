"""Client of a running cloud: upload files, read the log, query the warehouse."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg2

from local_cloud import aws_server
from local_cloud.aws import Aws
from local_cloud.outputs import Outputs

API_SECONDS = 30
PAGE_ENTRIES = 500
"""The most entries that the API returns in one response."""
BUSY = (429, 502, 503, 504)
BUSY_ATTEMPTS = 20
BUSY_SECONDS = 0.5


class ClientError(RuntimeError):
    """The API refused a request. `status` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"the API answered {status}: {message}")
        self.status = status


@dataclass(frozen=True)
class Answer:
    """The result of a query."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Client:
    """Uses a running cloud as any client of AWS and Redshift does."""

    outputs: Outputs
    aws: Aws

    @classmethod
    def of(cls, outputs: Outputs) -> Client:
        return cls(outputs, outputs.aws(aws_server.ACCOUNT_ID))

    def put_bytes(self, content: bytes, key: str) -> str:
        """Upload content under a key. Return the id of the new object version."""
        response = self.aws.client("s3").put_object(
            Bucket=self.outputs.lake_bucket, Key=key, Body=content
        )
        return str(response["VersionId"])

    def log_page(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Return one page of the log.

        Repeat the request while the API is busy. Raises ClientError when the API refuses it.
        """
        for _ in range(BUSY_ATTEMPTS - 1):
            try:
                return self._request_once(parameters)
            except ClientError as error:
                if error.status not in BUSY:
                    raise
            time.sleep(BUSY_SECONDS)
        return self._request_once(parameters)

    def _request_once(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - our own address
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

    def log_entries(
        self, table_name: str, *, limit: int | None = None, **filters: str
    ) -> list[dict[str, Any]]:
        """Return the matching entries of a table, newest first: all of them, or the first `limit`."""
        entries: list[dict[str, Any]] = []
        parameters = {"table_name": table_name, **filters}
        while limit is None or len(entries) < limit:
            wanted = PAGE_ENTRIES if limit is None else min(PAGE_ENTRIES, limit - len(entries))
            page = self.log_page({**parameters, "limit": str(wanted)})
            entries += page["items"]
            if not page.get("next_token"):
                break
            parameters["next_token"] = page["next_token"]
        return entries

    def sql(self, database: str, statement: str, values: Sequence[Any] = ()) -> Answer:
        """Run one statement in the warehouse, commit it, and return its result.

        Raises psycopg2.Error.
        """
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
