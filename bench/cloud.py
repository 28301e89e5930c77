"""A local cloud for measurements: uploads and their answers, executions, connections, processes."""

from __future__ import annotations

import contextlib
import json
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import psutil
import psycopg2

from bench import workload
from etl_cli.client import Client
from etl_core.upload_log.entry import WAITING_INDEX
from local_cloud.archive import EXECUTABLE, Member, zip_bytes
from local_cloud.cloud import LocalCloud
from local_cloud.function_environment import FUNCTION_INTERPRETER
from local_cloud.resources.functions import BOOTSTRAP, BOOTSTRAP_MEMBER

Connection = Any
DATABASE = "dev"
FUNCTION = "aws:lambda/function:Function"
LOAD_HANDLER, RECORD_HANDLER = "handlers.load.handler", "handlers.record.handler"
RECEIVED = "received"
ANSWER_SECONDS = 900.0
SMALL_ROWS = 100

TRIVIAL_FUNCTION = '''
"""Answers every request of the state machine at once."""


def handler(event, context):
    if event.get("phase") == "received":
        return {"upload_id": "0", "is_new": True, "next": "load"}
    if event.get("phase") == "final":
        done = {"status": "loaded", "succeeded": True, "error": "", "cause": ""}
        return done | {"next": "succeeded"}
    return {"status": "loaded", "attempts": 1}
'''


class BenchError(RuntimeError):
    """The measured program did not do what is measured."""


@dataclass(frozen=True)
class BenchCloud:
    """A running local cloud, and what the measurements need of it."""

    cloud: LocalCloud
    client: Client

    # Uploads

    def create_table(
        self, table: str, database: str = DATABASE, schema: bytes | None = None
    ) -> None:
        """Upload a schema file, by default that of the workload, and wait until it is applied."""
        self.load(f"{database}/schema/{table}/{table}.json", schema or workload.schema_file())

    def load(self, key: str, content: bytes | IO[bytes]) -> tuple[float, dict[str, Any]]:
        """Upload a file. Return the seconds until its answer is in the log, and the log entry.

        Raises BenchError unless it was loaded.
        """
        started = time.perf_counter()
        version = self.put(key, content)
        entry = self.wait_for_entry(key.split("/")[2], version, started)
        seconds = time.perf_counter() - started
        if entry["status"] not in ("loaded", "applied"):
            raise BenchError(f"{key} was not loaded: {json.dumps(entry, indent=1, default=str)}")
        return seconds, entry

    def load_small(self, table: str, database: str = DATABASE) -> tuple[float, float]:
        """Load a file of SMALL_ROWS rows.

        Return the seconds until its answer, and the seconds of its load in the function.
        """
        key = f"{database}/append/{table}/{uuid.uuid4().hex}.csv"
        seconds, entry = self.load(key, workload.content(SMALL_ROWS))
        return seconds, float(entry["duration_ms"]) / 1000

    def put(self, key: str, content: bytes | IO[bytes], bucket: str | None = None) -> str:
        """Upload a file into the lake, or another bucket. Return its version id, if it has one."""
        response = self.client.aws.client("s3").put_object(
            Bucket=bucket or self.client.outputs.lake_bucket, Key=key, Body=content
        )
        return str(response.get("VersionId", ""))

    def wait_for_entry(self, table: str, version: str, started: float) -> dict[str, Any]:
        """Poll the log table itself, without a function.

        The interval is a hundredth of the time waited so far, so that polling neither costs much
        nor blurs the result by more than one percent.
        """
        while (waited := time.perf_counter() - started) < ANSWER_SECONDS:
            for entry in self.newest_entries(table):
                if entry.get("version_id") == version and entry["status"] != RECEIVED:
                    return entry
            time.sleep(max(0.005, waited / 100))
        raise BenchError(f"no answer for version {version} of {table} in {ANSWER_SECONDS:.0f} s")

    def newest_entries(self, table: str) -> list[dict[str, Any]]:
        return [
            {name: _plain(value) for name, value in item.items()}
            for item in self.raw_entries(table)
        ]

    def raw_entries(self, table: str) -> list[dict[str, Any]]:
        """Return the table's newest entries in DynamoDB's notation."""
        page = self._log_query(table, Limit=10, ScanIndexForward=False)
        return list(page["Items"])

    def statuses(self, table: str) -> Counter[str]:
        """Return how many uploads of the table have each status in the log."""
        counts, more = Counter[str](), dict[str, Any]()
        while True:
            page = self._log_query(
                table,
                ProjectionExpression="#status",
                ExpressionAttributeNames={"#status": "status"},
                **more,
            )
            counts.update(item["status"]["S"] for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return counts
            more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _log_query(self, table: str, **arguments: Any) -> Any:
        return self.client.aws.client("dynamodb").query(
            TableName=self.client.outputs.log_table,
            KeyConditionExpression="table_name = :table",
            ExpressionAttributeValues={":table": {"S": table}},
            **arguments,
        )

    def has_pending(self) -> bool:
        """Return whether the log has an upload without a final status."""
        page = self.client.aws.client("dynamodb").scan(
            TableName=self.client.outputs.log_table, IndexName=WAITING_INDEX, Limit=1
        )
        return bool(page["Items"])

    # Executions

    def is_running(self) -> bool:
        """Return whether an execution of the state machine has not ended."""
        return bool(self._executions(statusFilter="RUNNING", maxResults=1)["executions"])

    def execution_statuses(self) -> Counter[str]:
        """Return how many executions have each status. Raises BenchError if one has failed."""
        counts, more = Counter[str](), dict[str, Any]()
        while True:
            page = self._executions(**more)
            counts.update(each["status"] for each in page["executions"])
            for each in page["executions"]:
                if each["status"] not in ("RUNNING", "SUCCEEDED"):
                    self._raise_failed(each["executionArn"])
            if "nextToken" not in page:
                return counts
            more = {"nextToken": page["nextToken"]}

    def _executions(self, **arguments: Any) -> Any:
        return self.client.aws.client("stepfunctions").list_executions(
            stateMachineArn=self.client.outputs.state_machine_arn, **arguments
        )

    def _raise_failed(self, arn: str) -> None:
        failed = self.client.aws.client("stepfunctions").describe_execution(executionArn=arn)
        raise BenchError(f"{failed['status']}: {failed.get('error')}: {failed.get('cause')}")

    def empty_bucket(self, bucket: str) -> None:
        """Delete all versions, because the AWS server keeps objects in memory."""
        s3 = self.client.aws.client("s3")
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for version in page.get("Versions", []):
                s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])

    # Connections

    @property
    def work_bucket(self) -> str:
        return str(self.cloud.deployment.outputs["work_bucket"])

    @property
    def copy_role(self) -> str:
        return str(self.cloud.deployment.outputs["copy_role_arn"])

    @property
    def ca_file(self) -> Path:
        """The certificate authority of the emulator's certificate."""
        return self.cloud.context.warehouse.ca_file

    def connect(self, database: str = DATABASE, sslmode: str = "require") -> Connection:
        """Connect to the emulator, as any client of Redshift does."""
        where = self.client.outputs.warehouse
        connection = psycopg2.connect(
            host=where.host,
            port=where.port,
            user=where.user,
            password=where.password,
            dbname=database,
            sslmode=sslmode,
        )
        connection.autocommit = True
        return connection

    def connect_to_postgres(self, database: str = DATABASE) -> Connection:
        """Connect to the PostgreSQL server behind the emulator, through its Unix socket."""
        record = next(self.cloud.state.warehouse_data.rglob("postmaster.pid"))
        folder = record.read_text().splitlines()[4]
        connection = psycopg2.connect(host=folder, dbname=database, user="rdsdb")
        connection.autocommit = True
        return connection

    # Processes

    @cached_property
    def emulator(self) -> psutil.Process:
        return self._process("emulator")

    @cached_property
    def aws_server(self) -> psutil.Process:
        return self._process("AWS server")

    def _process(self, name: str) -> psutil.Process:
        return next(
            psutil.Process(child.record.pid)
            for child in self.cloud.children
            if child.record.name == name
        )

    def function_name(self, handler: str) -> str:
        return next(
            str(each.outputs["name"])
            for each in self.cloud.deployment.of_type(FUNCTION)
            if each.inputs["handler"] == handler
        )

    def make_functions_trivial(self) -> None:
        """Replace the code of the load and record functions. The rest of the stack is unchanged."""
        functions = self.client.aws.client("lambda")
        for handler in (LOAD_HANDLER, RECORD_HANDLER):
            functions.update_function_code(
                FunctionName=self.function_name(handler), ZipFile=_trivial_archive(handler)
            )


@contextlib.contextmanager
def bench_cloud(config: Mapping[str, str] | None = None) -> Iterator[BenchCloud]:
    """Start a local cloud for the block."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        cloud = LocalCloud.start(Path(folder) / "state", config=config)
        with cloud, contextlib.closing(Client.of(cloud.outputs)) as client:
            yield BenchCloud(cloud, client)


def _trivial_archive(handler: str) -> bytes:
    module = handler.rpartition(".")[0].replace(".", "/") + ".py"
    start = f'#!/bin/sh\nexec "{FUNCTION_INTERPRETER}" -u "$LAMBDA_TASK_ROOT/{BOOTSTRAP_MEMBER}"\n'
    members = (
        Member("bootstrap", start.encode(), EXECUTABLE),
        Member(BOOTSTRAP_MEMBER, BOOTSTRAP.read_bytes()),
        Member(module, TRIVIAL_FUNCTION.encode()),
    )
    return zip_bytes({member.name: member for member in members})


def _plain(value: Mapping[str, Any]) -> Any:
    """Return a DynamoDB text or number; other types do not matter here."""
    kind, content = next(iter(value.items()))
    return float(content) if kind == "N" else content
