"""Restore what an older version left behind, and run today's functions on it.

The lake's versions get their old ids and times again: S3 assigns new ones, and `Translation`
exchanges them in every call to S3 of this process.
"""

from __future__ import annotations

import base64
import importlib
import json
import uuid
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import botocore.client
import psycopg2
import pytest

from etl_cli.client import Client
from etl_core.adapters.log_table import from_item
from etl_core.model.errors import RetryableError
from etl_core.model.status import SETTLED
from etl_core.model.times import format_utc_time, parse_utc_time
from etl_core.model.upload import Upload
from etl_core.upload_log.entry import key_of
from tests.e2e.conftest import Lake

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = tuple(sorted(path.stem for path in FIXTURES.glob("*.json")))
LEDGER_SCHEMA = "etl_ledger"
_ATTEMPTS = 5
_WITH_VERSIONS = {"VersionId", "CopySource", "Delete"}
"""Parameters of S3 that have version ids."""


class Context:
    """Lambda's context object with a minute left."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@dataclass(frozen=True)
class Fixture:
    """One table as the old version left it."""

    stem: str
    raw: Mapping[str, Any]

    @classmethod
    def read(cls, name: str) -> Fixture:
        text = (FIXTURES / f"{name}.json").read_text("utf-8")
        return cls(name, json.loads(text, object_hook=_expanded))

    @property
    def bucket(self) -> str:
        return str(self.raw["bucket"])

    @property
    def database(self) -> str:
        return str(self.raw["table"]["database"])

    @property
    def target(self) -> str:
        table = self.raw["table"]
        return f'{table["schema"]}."{table["name"]}"'

    @property
    def ledger(self) -> str:
        return f"{LEDGER_SCHEMA}.{self.raw['ledger']['name']}"

    @cached_property
    def entries(self) -> list[dict[str, Any]]:
        """Return the log entries, oldest upload first."""
        return [
            {name: _number(from_item(value)) for name, value in item.items()}
            for item in self.raw["log"]
        ]

    @property
    def events(self) -> list[dict[str, Any]]:
        return deepcopy(self.raw["events"])

    def entry_of(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the old log entry of an event's upload."""
        stored = event["detail"]["object"]
        [entry] = [
            each
            for each in self.entries
            if each["s3_key"] == stored["key"]
            and each["landed_key"].split("#")[1] == stored["sequencer"]
        ]
        return entry

    def folder(self, action: str) -> str:
        """Return the lake's folder of the table for an action, in the spelling of its schema files."""
        database, _, name, _ = str(self.entries[0]["s3_key"]).split("/", 3)
        return f"{database}/{action}/{name}/"


def _expanded(value: dict[str, Any]) -> Any:
    """Return a text or bytes that the fixture has in compressed form."""
    if value.keys() == {"zlib_text"}:
        return zlib.decompress(base64.b64decode(value["zlib_text"])).decode()
    if value.keys() == {"zlib_bytes"}:
        return zlib.decompress(base64.b64decode(value["zlib_bytes"]))
    return value


def _number(value: Any) -> Any:
    return int(value) if type(value).__name__ == "Decimal" else value


@dataclass
class Translation:
    """Old version ids and times by the ids that S3 assigned, and the reverse."""

    old: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    new: dict[str, str] = field(default_factory=dict)

    def add(self, assigned: str, version_id: str, landed_at: str) -> None:
        self.old[assigned] = (version_id, parse_utc_time(landed_at))
        self.new[version_id] = assigned

    @contextmanager
    def applied(self) -> Iterator[None]:
        original = botocore.client.BaseClient._make_api_call

        def call(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
            if client.meta.service_model.service_name != "s3":
                return original(client, operation, parameters)
            return self._answer(original(client, operation, self._request(parameters)))

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(botocore.client.BaseClient, "_make_api_call", call)
            yield

    def _request(self, parameters: dict[str, Any]) -> dict[str, Any]:
        changed = deepcopy({name: parameters[name] for name in _WITH_VERSIONS & parameters.keys()})
        for part in (
            changed,
            changed.get("CopySource"),
            *changed.get("Delete", {}).get("Objects", ()),
        ):
            if isinstance(part, dict) and part.get("VersionId") in self.new:
                part["VersionId"] = self.new[part["VersionId"]]
        return parameters | changed

    def _answer(self, answer: dict[str, Any]) -> dict[str, Any]:
        for part in (answer, *answer.get("Versions", ())):
            if part.get("VersionId") in self.old:
                part["VersionId"], part["LastModified"] = self.old[part["VersionId"]]
        return answer


@dataclass
class Stack:
    """Today's functions in this process, over the local cloud, with the old lake bucket."""

    lake: Lake
    bucket: str
    translation: Translation

    @property
    def client(self) -> Client:
        return self.lake.client

    def handler(self, name: str, event: Mapping[str, Any]) -> Any:
        """Return what the function returns for the event."""
        return importlib.import_module(f"handlers.{name}").handler(event, Context())

    def restore(self, fixture: Fixture) -> Restored:
        """Restore the lake, the table, the ledger and the log of one table."""
        restored = Restored(self, fixture)
        restored.clear()
        self._empty_lake()
        self._restore_lake(fixture)
        self._restore_tables(fixture)
        for item in fixture.raw["log"]:
            self._dynamodb.put_item(TableName=self.client.outputs.log_table, Item=item)
        return restored

    def _empty_lake(self) -> None:
        s3 = self.client.aws.client("s3")
        versions = s3.list_object_versions(Bucket=self.bucket).get("Versions", ())
        objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in versions]
        if objects:
            s3.delete_objects(Bucket=self.bucket, Delete={"Objects": objects})
            assert "Versions" not in s3.list_object_versions(Bucket=self.bucket)

    def _restore_lake(self, fixture: Fixture) -> None:
        s3 = self.client.aws.client("s3")
        for each in fixture.raw["lake"]:
            content = each["content"]
            body = content.encode() if isinstance(content, str) else content
            put = s3.put_object(Bucket=self.bucket, Key=each["key"], Body=body)
            self.translation.add(put["VersionId"], each["version_id"], each["landed_at"])

    def _restore_tables(self, fixture: Fixture) -> None:
        schema = fixture.raw["table"]["schema"]
        with self.connection(fixture.database) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            for name in (schema, LEDGER_SCHEMA):
                cursor.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")
            for part, relation in (("target", fixture.target), ("ledger", fixture.ledger)):
                stored = fixture.raw[part]
                for statement in stored["ddl"]:
                    cursor.execute(statement)
                names = ", ".join(f'"{name}"' for name in stored["columns"])
                row = f"({', '.join(['%s'] * len(stored['columns']))})"
                rows = ", ".join([row] * len(stored["rows"]))
                values = [value for each in stored["rows"] for value in each]
                cursor.execute(f"INSERT INTO {relation} ({names}) VALUES {rows}", values)

    @contextmanager
    def connection(self, database: str) -> Iterator[Any]:
        """Open a connection like a load function's: a transaction that the test commits."""
        where = self.client.outputs.warehouse
        connection = psycopg2.connect(
            host=where.host, port=where.port, user=where.user, password=where.password,
            dbname=database, sslmode="require",
        )  # fmt: skip
        try:
            yield connection
        finally:
            connection.close()

    @property
    def _dynamodb(self) -> Any:
        return self.client.aws.client("dynamodb")


@dataclass
class Restored:
    """One restored table, with what a user, an operator and an old function do to it."""

    stack: Stack
    fixture: Fixture
    number: int = 0

    def clear(self) -> None:
        """Remove the table, its ledger and its log entries."""
        fixture = self.fixture
        for entry in self._items():
            self._log(
                "delete_item", Key={name: entry[name] for name in ("table_name", "landed_key")}
            )
        with self.connection() as connection, connection.cursor() as cursor:
            connection.autocommit = True
            for relation in (fixture.target, fixture.ledger):
                cursor.execute(f"DROP TABLE IF EXISTS {relation} CASCADE")

    def put(self, action: str, file: str, content: str, at: str = "", sequencer: str = "") -> Any:
        """Put a file and return its event; `at` and `sequencer` are its place in arrival order, now by default."""
        key, body = self.fixture.folder(action) + file, content.encode()
        s3 = self.stack.client.aws.client("s3")
        version = s3.put_object(Bucket=self.stack.bucket, Key=key, Body=body)["VersionId"]
        if at:
            self.stack.translation.add(version, f"late-{uuid.uuid4()}", at)
            version = self.stack.translation.old[version][0]
        self.number += 1
        event = self.stack.lake.s3_event(
            key,
            body,
            at or format_utc_time(datetime.now(UTC)),
            sequencer or f"00FF{self.number:012X}",
            version,
        )
        event["detail"]["bucket"]["name"] = self.stack.bucket
        return event

    def receive(self, event: Mapping[str, Any]) -> Any:
        """Call the record function as the old state machine does before a load."""
        request = {"phase": "received", "event": event, "execution_arn": self._arn(event)}
        return self.stack.handler("record", request)

    def load(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Call the load function as the old state machine does; return the state after it."""
        for retry_count in range(_ATTEMPTS):
            try:
                request = {"event": event, "retry_count": retry_count}
                return {"outcome": self.stack.handler("load", request)}
            except RetryableError as error:
                failure = {
                    "Error": type(error).__name__,
                    "Cause": json.dumps({"errorMessage": str(error)}),
                }
        return {"failure": failure}

    def finish(self, event: Mapping[str, Any], state: Mapping[str, Any]) -> Any:
        """Call the record function as the old state machine does after a load."""
        request = {"phase": "final", "state": {**event, **state}, "execution_arn": self._arn(event)}
        return self.stack.handler("record", request)

    def run(self, event: Mapping[str, Any]) -> str:
        """Run one execution of the old state machine with today's functions; return the status."""
        self.receive(event)
        return str(self.finish(event, self.load(event))["status"])

    def drop(self, action: str, file: str, content: str, **place: str) -> str:
        """Put a file and run its execution; return the status."""
        return self.run(self.put(action, file, content, **place))

    def reconcile(self, *, dry_run: bool) -> dict[str, str]:
        """Compare the whole lake; return the state of every file that needs attention."""
        request = {"kind": "page", "grace_seconds": 0, "dry_run": dry_run}
        page = self.stack.handler("reconcile", request)
        assert page["marker"] is None
        return {
            each["upload"]["key"].rpartition("/")[2]: each["state"] for each in page["findings"]
        }

    def replay(self) -> Any:
        """Rebuild the table from the lake."""
        table = self.fixture.raw["table"]
        return self.stack.handler("tables", {"kind": "replay", "table": dict(table)})

    def rebuild_log(self) -> None:
        """Write the log entries of every ledger row of the table."""
        table = self.fixture.raw["table"]
        scope = {"database": table["database"], "table": f"{table['schema']}.{table['name']}"}
        marker = None
        while True:
            page = self.stack.handler(
                "reconcile", {"kind": "log_page", "scope": scope, "marker": marker}
            )
            marker = page["marker"]
            if marker is None:
                return

    def newest_schema_file(self) -> dict[str, Any]:
        """Return the schema file in force."""
        rows = [row for row in self.ledger_rows() if row["action"] == "schema"]
        [content] = [
            each["content"]
            for each in self.fixture.raw["lake"]
            if each["version_id"] == rows[-1]["version_id"]
        ]
        return dict(json.loads(content))

    def entry(self, file: str) -> dict[str, Any]:
        """Return the only log entry of a file."""
        [entry] = [each for each in self.entries() if each["s3_key"].endswith(f"/{file}")]
        return entry

    def write_old_received_entry(self, event: Mapping[str, Any], since: str) -> None:
        """Write the entry that the old record function writes, with the attributes of a recorded one."""
        [pattern] = [item for item in self.fixture.raw["log"] if item["status"]["S"] == "received"]
        upload = Upload.from_event(event)
        key = key_of(upload)
        changed = {
            "landed_key": key["landed_key"],
            "landed_timestamp": upload.landed_timestamp,
            "s3_key": upload.key,
            "version_id": upload.version_id,
            "etag": upload.etag,
            "waiting_since": since,
        }
        item = {**pattern, **{name: {"S": value} for name, value in changed.items()}}
        item["file_size"] = {"N": str(upload.size)}
        self._log("put_item", Item=item)

    def old_ledger_rows(self) -> list[dict[str, Any]]:
        """Return the ledger that the old version left, in arrival order."""
        stored = self.fixture.raw["ledger"]
        rows = [dict(zip(stored["columns"], row, strict=True)) for row in stored["rows"]]
        return sorted(rows, key=lambda row: (row["landed_at"], row["sequencer"]))

    def _arn(self, event: Mapping[str, Any]) -> str:
        return f"arn:aws:states:us-east-1:000000000000:execution:new:{event['time']}"

    def rows(self) -> Counter[tuple[Any, ...]]:
        """Return the table's rows."""
        found = self.stack.client.sql(self.fixture.database, f"SELECT * FROM {self.fixture.target}")
        return Counter(tuple(map(_plain, row)) for row in found.rows)

    def old_rows(self) -> Counter[tuple[Any, ...]]:
        """Return the rows that the old version left."""
        return Counter(tuple(row) for row in self.fixture.raw["target"]["rows"])

    def ledger_rows(self) -> list[dict[str, Any]]:
        """Return the ledger in arrival order."""
        found = self.stack.client.sql(self.fixture.database, f"SELECT * FROM {self.fixture.ledger}")
        rows = [dict(zip(found.columns, map(_plain, row), strict=True)) for row in found.rows]
        return sorted(rows, key=lambda row: (row["landed_at"], row["sequencer"]))

    def entries(self) -> list[dict[str, Any]]:
        """Return the log entries of the table's uploads, oldest first."""
        found = (
            {name: _number(from_item(value)) for name, value in item.items()}
            for item in self._items()
        )
        return sorted(found, key=lambda entry: (entry["table_name"], entry["landed_key"]))

    def delete_entries(self) -> None:
        """Delete every log entry of the table's uploads."""
        for entry in self._items():
            self._log(
                "delete_item", Key={name: entry[name] for name in ("table_name", "landed_key")}
            )

    def _items(self) -> list[dict[str, Any]]:
        names = {entry["table_name"] for entry in self.fixture.entries}
        found = [item for name in sorted(names) for item in self._partition(name)]
        return [
            item
            for item in found
            if item["s3_bucket"]["S"] == self.stack.bucket and self._is_own(item)
        ]

    def _is_own(self, item: Mapping[str, Any]) -> bool:
        keys = {entry["s3_key"] for entry in self.fixture.entries}
        return item["table_name"]["S"] != "_unparsed" or item["s3_key"]["S"] in keys

    def _partition(self, name: str) -> list[dict[str, Any]]:
        pages = (
            self.stack.client.aws.client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=self.stack.client.outputs.log_table,
                KeyConditionExpression="table_name = :name",
                ExpressionAttributeValues={":name": {"S": name}},
                ConsistentRead=True,
            )
        )
        return [item for page in pages for item in page["Items"]]

    def _log(self, operation: str, **arguments: Any) -> Any:
        call = getattr(self.stack.client.aws.client("dynamodb"), operation)
        return call(TableName=self.stack.client.outputs.log_table, **arguments)

    def settled_events(self) -> list[dict[str, Any]]:
        """Return the old events whose uploads the ledger knows."""
        return [
            each for each in self.fixture.events if self.fixture.entry_of(each)["status"] in SETTLED
        ]

    def connection(self) -> AbstractContextManager[Any]:
        """Open a connection to the table's database."""
        return self.stack.connection(self.fixture.database)


def _plain(value: Any) -> Any:
    return value.isoformat(sep=" ") if hasattr(value, "isoformat") else value
