"""Client of a running cloud: upload files, read the log, query the warehouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from etl_cli.api_client import PAGE_ENTRIES, ApiClient
from etl_cli.sql_command import Answer, run_statement
from local_cloud import aws_server
from local_cloud.aws import Aws
from local_cloud.outputs import Outputs


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

        Repeat the request while the API is busy. Raises ApiError when the API refuses it.
        """
        return self.api.get("/logs", parameters)

    @property
    def api(self) -> ApiClient:
        """The client of the cloud's API."""
        return ApiClient(self.outputs.api_url, self.outputs.api_key)

    def log_url(self, parameters: Mapping[str, str]) -> str:
        return self.api.url_of("/logs", parameters)

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
        login = {
            "host": where.host,
            "port": where.port,
            "user": where.user,
            "password": where.password,
            "sslmode": "require",
        }
        return run_statement(login, database, statement, values)

    def close(self) -> None:
        self.aws.close()
