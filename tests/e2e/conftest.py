"""The client of the end-to-end tests. Every test uses its own tables."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg2

from etl_cli.client import Client
from local_cloud.cloud import LocalCloud

SECONDS = 30.0


@dataclass(frozen=True)
class Lake:
    """A user's view of the local cloud: put a file, then read its log entry and its table."""

    cloud: LocalCloud
    client: Client

    def table(self, stem: str) -> str:
        """Return a table name that no other test uses."""
        return f"{stem}_{uuid.uuid4().hex[:8]}"

    def put(self, key: str, content: bytes | str | Mapping[str, Any]) -> str:
        """Put a file and return its version id."""
        if isinstance(content, Mapping):
            content = json.dumps(content)
        return self.client.put_bytes(content.encode() if isinstance(content, str) else content, key)

    def entry(self, table: str, version_id: str, seconds: float = SECONDS) -> dict[str, Any]:
        """Wait for the upload's final status and return its log entry, as the API shows it."""
        deadline = time.monotonic() + seconds
        while not self._is_final(table, version_id):
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"no final entry for {table} {version_id}: {self.client.log_entries(table)}"
                )
            time.sleep(0.1)
        [entry] = [
            each
            for each in self.client.log_entries(table)
            if each.get("version_id") == version_id and each["status"] != "received"
        ]
        return entry

    def _is_final(self, table: str, version_id: str) -> bool:
        """Ask the log's table itself: each request to the API costs the call of a function."""
        pages = (
            self.client.aws.client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=self.client.outputs.log_table,
                KeyConditionExpression="table_name = :table",
                FilterExpression="version_id = :version AND #status <> :received",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":table": {"S": table},
                    ":version": {"S": version_id},
                    ":received": {"S": "received"},
                },
                Select="COUNT",
            )
        )
        return any(page["Count"] for page in pages)

    def drop(
        self, key: str, content: bytes | str | Mapping[str, Any], table: str | None = None
    ) -> dict[str, Any]:
        """Put a file, wait for its final status and return its log entry."""
        name = table if table is not None else key.split("/")[2].lower()
        return self.entry(name, self.put(key, content))

    def rows(self, table: str, columns: str = "*", database: str = "dev") -> list[tuple[Any, ...]]:
        """Return the table's rows, sorted."""
        return sorted(self.client.sql(database, f"SELECT {columns} FROM {table}").rows, key=repr)

    def count(self, table: str, database: str = "dev") -> int:
        """Return the number of the table's rows."""
        return int(self.client.sql(database, f"SELECT COUNT(*) FROM {table}").rows[0][0])

    @contextmanager
    def ledger_locked(self, table: str) -> Iterator[None]:
        """Lock the table's ledger, like a slow load."""
        endpoint = self.client.outputs.warehouse
        connection = psycopg2.connect(
            host=endpoint.host,
            port=endpoint.port,
            user=endpoint.user,
            password=endpoint.password,
            dbname="dev",
            sslmode="require",
        )
        with closing(connection), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE etl_ledger.public__{table}")
            yield
            connection.rollback()

    def function_variables(self) -> dict[str, str]:
        """Return the environment variables of all deployed functions, with credentials, to run them elsewhere."""
        outputs = self.client.outputs
        variables = {
            "AWS_ENDPOINT_URL": outputs.aws_endpoint_url,
            "AWS_REGION": outputs.region,
            "AWS_DEFAULT_REGION": outputs.region,
            "AWS_ACCESS_KEY_ID": outputs.access_key_id,
            "AWS_SECRET_ACCESS_KEY": outputs.secret_access_key,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        functions: Any = self.client.aws.client("lambda")
        for page in functions.get_paginator("list_functions").paginate():
            for function in page["Functions"]:
                variables |= function.get("Environment", {}).get("Variables", {})
        return variables | {"WAREHOUSE_CA_FILE": str(self.cloud.state.secrets / "ca.pem")}

    def s3_event(
        self, key: str, content: bytes, landed_at: str, sequencer: str, version_id: str | None
    ) -> dict[str, Any]:
        """Return an event like EventBridge delivers it on AWS, with the given version id and time.

        Without a version id it is an event of an older version of the local cloud.
        """
        version = {} if version_id is None else {"version-id": version_id}
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "source": "aws.s3",
            "detail-type": "Object Created",
            "time": landed_at,
            "detail": {
                "version": "0",
                "bucket": {"name": self.client.outputs.lake_bucket},
                "object": {
                    "key": key,
                    "size": len(content),
                    "etag": hashlib.md5(content).hexdigest(),
                    "sequencer": sequencer,
                    **version,
                },
                "reason": "PutObject",
            },
        }

    def deliver(self, event: Mapping[str, Any]) -> str:
        """Start an execution with an event, like EventBridge, and return its ARN."""
        started = self.client.aws.client("stepfunctions").start_execution(
            stateMachineArn=self.client.outputs.state_machine_arn, input=json.dumps(event)
        )
        return str(started["executionArn"])

    def finish(self, execution_arn: str, seconds: float = SECONDS) -> dict[str, Any]:
        """Wait for the execution's end and return its `status` and its parsed `output`."""
        deadline = time.monotonic() + seconds
        states = self.client.aws.client("stepfunctions")
        while time.monotonic() < deadline:
            execution = states.describe_execution(executionArn=execution_arn)
            if execution["status"] != "RUNNING":
                return {
                    "status": execution["status"],
                    "output": json.loads(execution.get("output") or "{}"),
                }
            time.sleep(0.1)
        raise AssertionError(f"{execution_arn} did not end in {seconds} s")


def columns(*pairs: tuple[str, str], **properties: Any) -> dict[str, Any]:
    """Return a schema file with nullable columns."""
    schema_file = {
        "schema_version": "1",
        "columns": [{"name": name, "type": kind} for name, kind in pairs],
    }
    return {**schema_file, **properties}
