"""What end-to-end tests see of the local cloud; every test works in tables of its own."""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from etl_cli.client import Client
from local_cloud.cloud import LocalCloud

SECONDS = 30.0


@dataclass(frozen=True)
class Lake:
    """What a person does, and what they see: a file in, log and table out."""

    cloud: LocalCloud
    client: Client

    def table(self, stem: str) -> str:
        """A table name that no other test uses."""
        return f"{stem}_{uuid.uuid4().hex[:8]}"

    def put(self, key: str, content: bytes | str | Mapping[str, Any]) -> str:
        """The version's id."""
        if isinstance(content, Mapping):
            content = json.dumps(content)
        return self.client.put_bytes(content.encode() if isinstance(content, str) else content, key)

    def entry(self, table: str, version_id: str, seconds: float = SECONDS) -> dict[str, Any]:
        """The upload's log entry, once it has its final status."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for entry in self.client.log_entries(table):
                if entry.get("version_id") == version_id and entry["status"] != "received":
                    return entry
            time.sleep(0.1)
        raise AssertionError(
            f"no final entry for {table} {version_id}: {self.client.log_entries(table)}"
        )

    def drop(
        self, key: str, content: bytes | str | Mapping[str, Any], table: str | None = None
    ) -> dict[str, Any]:
        """Puts a file and returns its final log entry."""
        name = table if table is not None else key.split("/")[2].lower()
        return self.entry(name, self.put(key, content))

    def rows(self, table: str, columns: str = "*", database: str = "dev") -> list[tuple[Any, ...]]:
        """The table's rows, sorted."""
        return sorted(self.client.sql(database, f"SELECT {columns} FROM {table}").rows, key=repr)

    def count(self, table: str, database: str = "dev") -> int:
        return int(self.client.sql(database, f"SELECT COUNT(*) FROM {table}").rows[0][0])

    def s3_event(
        self, key: str, content: bytes, landed_at: str, sequencer: str, version_id: str
    ) -> dict[str, Any]:
        """An event as EventBridge delivers it from AWS, with a version id and a time of our choice."""
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
                    "version-id": version_id,
                    "sequencer": sequencer,
                },
                "reason": "PutObject",
            },
        }

    def deliver(self, event: Mapping[str, Any]) -> str:
        """Starts the state machine with an event, as EventBridge does; the execution's ARN."""
        started = self.client.aws.client("stepfunctions").start_execution(
            stateMachineArn=self.client.outputs.state_machine_arn, input=json.dumps(event)
        )
        return str(started["executionArn"])

    def finish(self, execution_arn: str, seconds: float = SECONDS) -> dict[str, Any]:
        """The state that the execution ended with: `status`, and `output` parsed when there is one."""
        deadline = time.monotonic() + seconds
        states = self.client.aws.client("stepfunctions")
        while time.monotonic() < deadline:
            found = states.describe_execution(executionArn=execution_arn)
            if found["status"] != "RUNNING":
                return {
                    "status": found["status"],
                    "output": json.loads(found.get("output") or "{}"),
                }
            time.sleep(0.1)
        raise AssertionError(f"{execution_arn} did not end in {seconds} s")


def columns(*pairs: tuple[str, str], **properties: Any) -> dict[str, Any]:
    """A schema file of nullable columns."""
    made = {
        "schema_version": "1",
        "columns": [{"name": name, "type": kind} for name, kind in pairs],
    }
    return {**made, **properties}
