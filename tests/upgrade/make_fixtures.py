"""Make the fixtures of this folder with the code of an older commit. README.md has the commands.

Run it with an older checkout as working directory. It starts that checkout's local cloud, sends
uploads through that checkout's record and load functions, and writes one JSON file per table: the
lake's files, the events, the statements, the ledger, the table and the log entries.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import importlib
import json
import os
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

LEDGER_SCHEMA = "etl_ledger"
TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:loader"
KILLED = {"Error": "Lambda.Unknown", "Cause": "The function was killed"}
IDS = ["id", "INTEGER"]
LONG = 2000
"""A longer text is compressed in the fixture."""
DAY = "2026-11-23"
"""The day of the old commit replaces the day on which the fixtures are made: they are older than every later upload."""


def schema_file(*columns: Sequence[str], version: str = "1", **more: Any) -> str:
    """Return a schema file; the first column is not nullable."""
    listed = [{"name": column[0], "type": column[1]} for column in columns]
    listed[0]["nullable"] = False
    return json.dumps({"schema_version": version, "columns": listed} | more)


class Context:
    """Lambda's context object with ten minutes left."""

    def get_remaining_time_in_millis(self) -> int:
        return 600_000


@dataclass
class Recorder:
    """The statements that the load function sends, with their values."""

    statements: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, _: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        self.statements.append({"sql": statement, "values": plain(dict(parameters or {}))})


@dataclass
class OldTable:
    """One table: its uploads go through the old functions one by one, as the state machine runs them."""

    cloud: Any
    client: Any
    name: str
    database: str = "dev"
    schema: str = "public"
    path: str = ""
    recorder: Recorder = field(default_factory=Recorder)
    events: list[dict[str, Any]] = field(default_factory=list)
    numbers: int = 0

    @property
    def bucket(self) -> str:
        return str(self.client.outputs.lake_bucket)

    def put(self, action: str, file: str, content: str | bytes, version: bool = True) -> Any:
        """Put a file and return its event. Events arrive in the order of the calls."""
        body = content.encode() if isinstance(content, str) else content
        key = f"{self.database}/{action}/{self.path or self.name}/{file}"
        s3 = self.client.aws.client("s3")
        version_id = s3.put_object(Bucket=self.bucket, Key=key, Body=body)["VersionId"]
        head = s3.head_object(Bucket=self.bucket, Key=key, VersionId=version_id)
        self.numbers += 1
        stored = {
            "key": key,
            "size": len(body),
            "etag": hashlib.md5(body).hexdigest(),
            "version-id": version_id if version else None,
            "sequencer": f"{self.numbers:018X}",
        }
        event = {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "time": head["LastModified"].strftime(TIME_FORMAT),
            "detail": {
                "bucket": {"name": self.bucket},
                "object": {name: value for name, value in stored.items() if value is not None},
            },
        }
        self.events.append(event)
        return event

    def receive(self, event: Mapping[str, Any]) -> None:
        """Write the entry `received`."""
        record = importlib.import_module("handlers.record").handler
        record({"phase": "received", "event": event, "execution_arn": self.arn(event)}, Context())

    def load(self, event: Mapping[str, Any], retry_count: int = 0) -> dict[str, Any]:
        """Run the load function and return the state: an outcome, or the failure after the last retry."""
        load = importlib.import_module("handlers.load").handler
        sa.event.listen(sa.Engine, "before_cursor_execute", self.recorder)
        try:
            return {"outcome": load({"event": event, "retry_count": retry_count}, Context())}
        except Exception as error:
            cause = json.dumps({"errorMessage": str(error)})
            return {"failure": {"Error": type(error).__name__, "Cause": cause}}
        finally:
            sa.event.remove(sa.Engine, "before_cursor_execute", self.recorder)

    def finish(self, event: Mapping[str, Any], state: Mapping[str, Any]) -> str:
        """Write the final entry and return its status."""
        record = importlib.import_module("handlers.record").handler
        state = {**event, **state}
        request = {"phase": "final", "state": state, "execution_arn": self.arn(event)}
        return str(record(request, Context())["status"])

    def run(self, event: Mapping[str, Any], expected: str, retry_count: int = 0) -> None:
        """Run one execution. Raises AssertionError if it ends with another status."""
        self.receive(event)
        state = self.load(event, retry_count)
        status = self.finish(event, state)
        assert status == expected, (self.name, event, state, status)

    def drop(self, action: str, file: str, content: str | bytes, expected: str) -> None:
        """Put a file and run its execution."""
        self.run(self.put(action, file, content), expected)

    def arn(self, event: Mapping[str, Any]) -> str:
        return f"{EXECUTION}:{event['detail']['object']['sequencer']}"


def appends(table: OldTable) -> None:
    """Appends: several versions of one key, a compressed file, refused files, a second delivery."""
    columns = (IDS, ["name", "VARCHAR(20)"], ["at", "TIMESTAMP"])
    spec = schema_file(*columns, csv={"missing_columns": "default"})
    table.drop("schema", "schema.json", spec, "applied")
    first = table.put("append", "a.csv", "id,name,at\n1,one,2026-11-01 08:00:00\n2,two,\n")
    table.run(first, "loaded")
    compressed = gzip.compress(b"name,id\nthree,3\n", mtime=0)
    table.drop("append", "b.csv.gz", compressed, "loaded")
    table.drop("append", "a.csv", "id,name\n4,four\n", "loaded")
    table.drop("append", "année 2026 +%20.csv", "id,name\n5,cinq\n", "loaded")
    table.drop("append", "header.csv", "id,nmae\n6,six\n", "rejected")
    table.drop("append", "value.csv", "id,name\nseven,7\n", "failed")
    table.drop("append", "empty.csv", "", "rejected")
    table.drop("schema", "schema.json", spec, "unchanged")
    table.run(first, "loaded")


def truncates(table: OldTable) -> None:
    """Truncates: in time, late with an append to load again, and late ones that are void."""
    table.drop("schema", "s.json", schema_file(IDS, ["file", "VARCHAR(9)"]), "applied")
    void = table.put("truncate", "0.csv", "id,file\n90,void\n")
    table.drop("append", "1.csv", "id,file\n1,first\n", "loaded")
    late_append = table.put("append", "2.csv", "id,file\n91,void\n")
    table.drop("truncate", "3.csv", "id,file\n3,truncate\n", "loaded")
    table.drop("append", "4.csv", "id,file\n4,a\n", "loaded")
    late_truncate = table.put("truncate", "5.csv", "id,file\n5,late\n")
    table.drop("append", "6.csv", "id,file\n6,b\n60,b\n", "loaded")
    table.run(late_append, "superseded")
    table.run(late_truncate, "loaded")
    table.run(void, "superseded")
    table.drop("append", "7.csv", "id,file\n7,c\n", "loaded")


def renames(table: OldTable) -> None:
    """Schema changes: widened, renamed, added and dropped columns, and a schema file that came late."""
    csv = {"missing_columns": "default"}
    first = schema_file(IDS, ["label", "VARCHAR(8)"], ["old", "DATE"], csv=csv)
    table.drop("schema", "1.json", first, "applied")
    table.drop("append", "1.csv", "id,label,old\n1,one,2026-01-01\n", "loaded")
    columns = (IDS, ["label", "VARCHAR(12)"], ["old", "DATE"])
    between = table.put("schema", "2.json", schema_file(*columns, version="2", csv=csv))
    dropped_column = table.put("append", "2.csv", "id,label,old\n91,void,2026-01-02\n")
    read_by_it = table.put("append", "3.csv", "label,id\ntwo,2\n")
    third = json.loads(schema_file(IDS, ["title", "VARCHAR(40)"], version="3"))
    third["columns"][1]["renamed_from"] = "label"
    third |= {"allowed_changes": ["drop"], "description": "Renamed, and a column dropped"}
    # As many retries as a schema file waits for one whose event does not come.
    table.run(table.put("schema", "3.json", json.dumps(third)), "applied", retry_count=20)
    table.run(between, "superseded")
    table.drop("append", "4.csv", "id,title\n3,a title that is longer than before\n", "loaded")
    table.run(dropped_column, "rejected")
    table.run(read_by_it, "loaded")


def adopted(table: OldTable) -> None:
    """A table that existed before its first schema file."""
    for statement in (
        f'CREATE TABLE public."{table.name}" (id INTEGER NOT NULL, name VARCHAR(20))',
        f"INSERT INTO public.\"{table.name}\" VALUES (1, 'by hand'), (2, NULL)",
    ):
        table.client.sql(table.database, statement)
        table.recorder(None, None, statement, {})
    table.drop("schema", "s.json", schema_file(IDS, ["name", "VARCHAR(20)"]), "unchanged")
    table.drop("append", "a.csv", "id,name\n3,three\n", "loaded")


def batch(table: OldTable) -> None:
    """A micro-batch of four files; the execution of the last one ended before its final entry."""
    table.drop("schema", "s.json", schema_file(IDS, ["name", "VARCHAR(20)"]), "applied")
    events = [table.put("append", f"{n}.csv", f"id,name\n{n},f{n}\n") for n in range(1, 5)]
    for event in events:
        table.receive(event)
    time.sleep(0.5)  # the index of pending entries may lag behind
    states = [table.load(event) for event in events[:3]]
    statuses = [state["outcome"]["status"] for state in states]
    assert statuses == ["loaded", "duplicate", "duplicate"], states
    for event, state in zip(events[:3], states, strict=True):
        assert table.finish(event, state) == "loaded"


def packed(table: OldTable) -> None:
    """A schema file that the ledger keeps compressed."""
    text = "The quick brown fox jumps over the lazy dog, and the ledger keeps all of it. " * 50
    spec = json.loads(schema_file(IDS, *([f"c{n}", "VARCHAR(10)"] for n in range(1, 20))))
    for column in spec["columns"]:
        column["description"] = f"{column['name']}: {text}"[:3900]
    spec["csv"] = {"missing_columns": "default"}
    table.drop("schema", "s.json", json.dumps(spec), "applied")
    table.drop("append", "a.csv", "id,c1,c19\n1,first,last\n", "loaded")


def odd(table: OldTable) -> None:
    """A table of another database and schema, in mixed case, whose ledger's name has a digest."""
    table.client.sql(table.database, f"CREATE SCHEMA IF NOT EXISTS {table.schema}")
    table.drop("Schema", "S.JSON", schema_file(IDS, ["First name", "VARCHAR(20)"]), "applied")
    table.drop("TRUNCATE", "a.CSV", "id,First name\n1,Ada\n", "loaded")
    table.drop("append", "b.csv", "id,First name\n2,Grace\n", "loaded")


def unversioned(table: OldTable) -> None:
    """Events without a version id, and one version reported by two different events."""
    table.run(table.put("schema", "s.json", schema_file(IDS), version=False), "applied")
    first = table.put("append", "a.csv", "id\n1\n", version=False)
    table.run(first, "loaded")
    table.run(table.put("append", "b.csv", "id\n2\n", version=False), "loaded")
    other = json.loads(json.dumps(first))
    found = table.client.aws.client("s3").head_object(
        Bucket=table.bucket, Key=first["detail"]["object"]["key"]
    )
    other["detail"]["object"] |= {"version-id": found["VersionId"], "sequencer": "00FF"}
    table.events.append(other)
    table.run(other, "duplicate")


def failures(table: OldTable) -> None:
    """An upload that failed, one whose execution ended early, one without a table, one without a place."""
    table.drop("schema", "s.json", schema_file(IDS, ["name", "VARCHAR(20)"]), "applied")
    table.drop("append", "1.csv", "id,name\n1,one\n", "loaded")
    failed = table.put("append", "2.csv", "id,name\n2,two\n")
    table.receive(failed)
    assert table.finish(failed, {"failure": KILLED}) == "failed"
    table.receive(table.put("append", "3.csv", "id,name\n3,three\n"))
    table.drop("apend", "4.csv", "id,name\n4,four\n", "rejected")
    table.path = f"{table.name}_absent"
    table.drop("append", "5.csv", "id,name\n5,five\n", "rejected")


SCENARIOS = (
    (appends, {}),
    (truncates, {}),
    (renames, {}),
    (adopted, {}),
    (batch, {}),
    (packed, {}),
    (odd, {"database": "analytics", "schema": "sales", "path": "Sales.Old__Odd"}),
    (unversioned, {}),
    (failures, {}),
)


def export(table: OldTable) -> dict[str, Any]:
    """Return everything that the old code left behind for one table."""
    statements = table.recorder.statements
    changes = [each["sql"].replace("%%", "%") for each in statements if is_ddl(each["sql"])]
    ledger = ledger_of(statements)
    target = f'{table.schema}."{table.name}"'
    return {
        "table": {"database": table.database, "schema": table.schema, "name": table.name},
        "bucket": table.bucket,
        "events": table.events,
        "lake": list(lake_of(table)),
        "target": {
            "ddl": [sql for sql in changes if LEDGER_SCHEMA not in sql],
            **rows_of(table, target),
        },
        "ledger": {
            "name": ledger,
            "ddl": [sql for sql in changes if LEDGER_SCHEMA in sql],
            **rows_of(table, f"{LEDGER_SCHEMA}.{ledger}"),
        },
        "log": sorted(
            log_of(table), key=lambda item: (item["table_name"]["S"], item["landed_key"]["S"])
        ),
        "statements": list(of_the_ledger(statements)),
    }


def of_the_ledger(statements: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield one statement of each kind that the load function sends to the ledger."""
    seen = set()
    for each in statements:
        if LEDGER_SCHEMA in each["sql"] and not is_ddl(each["sql"]) and each["sql"] not in seen:
            seen.add(each["sql"])
            yield each


def is_ddl(sql: str) -> bool:
    return sql.lstrip().startswith(("CREATE", "ALTER", "COMMENT"))


def ledger_of(statements: Sequence[Mapping[str, Any]]) -> str:
    """Return the name of the ledger that these statements lock."""
    names = {
        str(each["sql"]).split(".")[-1].strip().strip('"')
        for each in statements
        if str(each["sql"]).startswith("LOCK")
    }
    [name] = [name for name in names if "absent" not in name]
    return name


def rows_of(table: OldTable, relation: str) -> dict[str, Any]:
    answer = table.client.sql(table.database, f"SELECT * FROM {relation}")
    rows = sorted((plain(list(row)) for row in answer.rows), key=repr)
    return {"columns": list(answer.columns), "rows": rows}


def lake_of(table: OldTable) -> Iterator[dict[str, Any]]:
    """Yield the table's versions, oldest first."""
    s3 = table.client.aws.client("s3")
    keys = sorted({event["detail"]["object"]["key"] for event in table.events})
    for key in keys:
        versions = s3.list_object_versions(Bucket=table.bucket, Prefix=key)["Versions"]
        for version in reversed([each for each in versions if each["Key"] == key]):
            body = s3.get_object(Bucket=table.bucket, Key=key, VersionId=version["VersionId"])[
                "Body"
            ].read()
            yield {
                "key": key,
                "version_id": version["VersionId"],
                "landed_at": version["LastModified"].strftime(TIME_FORMAT),
                "content": content_of(body),
            }


def content_of(body: bytes) -> Any:
    """Return the content as text, or compressed if it is no text."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return {"zlib_bytes": packed_text(body)}


def packed_text(body: bytes) -> str:
    return base64.b64encode(zlib.compress(body, 9)).decode()


def without_long_texts(value: Any) -> Any:
    """Return the value with every long text compressed, so that the file stays small and readable."""
    if isinstance(value, dict):
        return {name: without_long_texts(each) for name, each in value.items()}
    if isinstance(value, list):
        return [without_long_texts(each) for each in value]
    if isinstance(value, str) and len(value) > LONG:
        return {"zlib_text": packed_text(value.encode())}
    return value


def log_of(table: OldTable) -> Iterator[dict[str, Any]]:
    """Yield the DynamoDB items of the table's uploads."""
    pages = (
        table.client.aws.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=table.client.outputs.log_table)
    )
    keys = {event["detail"]["object"]["key"] for event in table.events}
    for page in pages:
        yield from (item for item in page["Items"] if item["s3_key"]["S"] in keys)


def plain(value: Any) -> Any:
    """Return the value as JSON has it; times as text."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.isoformat(sep=" ") if hasattr(value, "isoformat") else value


def render(value: Mapping[str, Any]) -> str:
    """Return JSON with one line per entry of a list, so that a change is a change of few lines."""
    lines = []
    for name, member in value.items():
        lines.append(f" {json.dumps(name)}: {_member(member)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _member(value: Any, indent: str = "  ") -> str:
    if isinstance(value, list) and value:
        listed = ",\n".join(indent + json.dumps(each, ensure_ascii=False) for each in value)
        return f"[\n{listed}\n{indent[:-1]}]"
    if isinstance(value, dict) and any(isinstance(each, list) for each in value.values()):
        members = (
            f"{indent}{json.dumps(name)}: {_member(each, indent + ' ')}"
            for name, each in value.items()
        )
        return "{\n" + ",\n".join(members) + f"\n{indent[:-1]}}}"
    return json.dumps(value, ensure_ascii=False)


@contextmanager
def old_cloud() -> Iterator[tuple[Any, Any]]:
    """Start the older checkout's local cloud. The functions in this process get the deployed functions' variables."""
    cloud_class = importlib.import_module("local.cloud").LocalCloud
    client_class = importlib.import_module("local.client").Client
    with (
        tempfile.TemporaryDirectory() as folder,
        cloud_class.start(Path(folder) / "cloud") as cloud,
    ):
        client = client_class.of(cloud.outputs)
        functions = client.aws.client("lambda")
        for function in functions.list_functions()["Functions"]:
            os.environ.update(function.get("Environment", {}).get("Variables", {}))
        outputs = cloud.outputs
        os.environ.update(
            AWS_ENDPOINT_URL=outputs.aws_endpoint_url,
            AWS_REGION=outputs.region,
            AWS_DEFAULT_REGION=outputs.region,
            AWS_ACCESS_KEY_ID=outputs.access_key_id,
            AWS_SECRET_ACCESS_KEY=outputs.secret_access_key,
            AWS_EC2_METADATA_DISABLED="true",
            WAREHOUSE_CA_FILE=str(cloud.state.secrets / "ca.pem"),
        )
        events = client.aws.client("events")
        for rule in events.list_rules()["Rules"]:
            if "aws.s3" in rule.get("EventPattern", ""):
                events.disable_rule(Name=rule["Name"])
        yield cloud, client
        client.close()


def main(target: Path) -> None:
    """Make all fixtures."""
    with old_cloud() as (cloud, client):
        for scenario, fields in SCENARIOS:
            table = OldTable(cloud, client, f"old_{scenario.__name__}", **fields)
            if "path" in fields:
                table.name = str(fields["path"]).lower().rpartition(".")[2]
            scenario(table)
            text = render(without_long_texts(export(table)))
            text = text.replace(f"{datetime.now(UTC):%Y-%m-%d}", DAY)
            (target / f"{scenario.__name__}.json").write_text(text, "utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(Path.cwd()))
    main(Path(sys.argv[1]).resolve())
