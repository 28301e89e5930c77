"""Operating a stack: what was missed is found and loaded once, what was refused is sent again, the log is completed from the ledger.

The event rule is off where uploads are to be missed. The commands are those that operators type.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner

from etl_cli.main import main
from etl_core.adapters.log_table import LogTable
from etl_core.adapters.s3 import S3Lake
from etl_core.model.object_versions import first_uploads
from etl_core.upload_log.entry import key_of, received_entry
from tests.e2e.conftest import Lake, columns

SCHEMA = columns(("id", "INTEGER"))
FILES = 40


@dataclass(frozen=True)
class Operator:
    """Types commands."""

    lake: Lake

    def run(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Exit code and JSON of `python -m etl_core ...`."""
        where = ["--stack", str(self.lake.cloud.state.outputs), "--json"]
        done = CliRunner().invoke(main, [*arguments, *where], catch_exceptions=False)
        assert done.stdout, done.stderr
        return done.exit_code, json.loads(done.stdout)

    def reconcile(self, table: str, *arguments: str) -> tuple[int, dict[str, Any]]:
        return self.run("reconcile", "--table", table, "--grace", "0", *arguments)

    def statuses(self, table: str) -> list[str]:
        """The log's, oldest upload first."""
        return [entry["status"] for entry in reversed(self.lake.client.log_entries(table))]

    def forget(self, table: str) -> int:
        """Deletes all log entries of the table; how many."""
        log = self.lake.client.aws.client("dynamodb")
        name = self.lake.client.outputs.log_table
        found = log.query(
            TableName=name,
            KeyConditionExpression="table_name = :table",
            ExpressionAttributeValues={":table": {"S": table}},
        )["Items"]
        for item in found:
            log.delete_item(
                TableName=name,
                Key={"table_name": item["table_name"], "landed_key": item["landed_key"]},
            )
        return len(found)


@pytest.fixture
def operator(lake: Lake) -> Operator:
    return Operator(lake)


@pytest.fixture
def rule_off(lake: Lake) -> Iterator[None]:
    events = lake.client.aws.client("events")
    [rule] = [
        rule["Name"]
        for rule in events.list_rules()["Rules"]
        if "aws.s3" in rule.get("EventPattern", "")
    ]
    events.disable_rule(Name=rule)
    yield
    events.enable_rule(Name=rule)


def put_in_order(lake: Lake, *files: tuple[str, Any]) -> None:
    """One second after the other: S3 gives time to the second."""
    for key, content in files:
        lake.put(key, content)
        time.sleep(1.05)


@pytest.mark.usefixtures("rule_off")
def test_what_was_missed_is_named_then_loaded_once_in_landed_order(operator: Operator) -> None:
    lake, table = operator.lake, operator.lake.table("missed")
    put_in_order(
        lake,
        (f"dev/schema/{table}/s.json", SCHEMA),
        (f"dev/append/{table}/old.csv", "id\n1\n"),
        (f"dev/truncate/{table}/new.csv", "id\n2\n"),
        (f"dev/append/{table}/more.csv", "id\n3\n"),
    )
    code, told = operator.reconcile(table, "--dry-run")
    assert (code, told["counts"]) == (1, {"never seen": 4})
    assert lake.client.log_entries(table) == []

    code, told = operator.reconcile(table)

    assert code == 0, told
    assert lake.rows(table) == [(2,), (3,)]
    assert operator.statuses(table) == ["applied", "loaded", "loaded", "loaded"]
    assert [entry["s3_key"].split("/")[1] for entry in lake.client.log_entries(table)] == [
        "append", "truncate", "append", "schema",
    ]  # fmt: skip
    assert operator.reconcile(table) == (
        0,
        {"counts": {"recorded": 4}, "findings": [], "answers": [], "unanswered": []},
    )


@pytest.mark.usefixtures("rule_off")
def test_what_is_no_valid_upload_gets_its_answer_too(operator: Operator) -> None:
    table = operator.lake.table("upsert")
    operator.lake.put(f"dev/upsert/{table}/x.csv", "id\n1\n")
    operator.lake.put(f"dev/append/{table}/", "")
    code, told = operator.reconcile(table)
    assert code == 1
    assert [(each["status"], each["error"]["type"]) for each in told["answers"]] == [
        ("rejected", "InvalidKeyError")
    ]
    assert operator.reconcile(table)[1]["counts"] == {"recorded": 1}


@pytest.mark.usefixtures("rule_off")
def test_a_young_upload_is_left_alone(operator: Operator) -> None:
    table = operator.lake.table("young")
    operator.lake.put(f"dev/append/{table}/x.csv", "id\n1\n")
    code, told = operator.run("reconcile", "--table", table)
    assert (code, told["counts"], told["answers"]) == (0, {"under way": 1}, [])


@pytest.mark.usefixtures("rule_off")
@pytest.mark.parametrize("tells_version", [True, False])
def test_an_entry_whose_execution_ended_without_an_answer_gets_its_answer(
    operator: Operator, tells_version: bool
) -> None:
    lake, table = operator.lake, operator.lake.table("stuck")
    put_in_order(lake, (f"dev/schema/{table}/s.json", SCHEMA))
    operator.reconcile(table)
    version = lake.put(f"dev/append/{table}/x.csv", "id\n1\n")
    write_received(lake, f"dev/append/{table}/x.csv", version, tells_version=tells_version)

    code, told = operator.reconcile(table)

    assert (code, told["counts"]) == (0, {"stuck": 1, "recorded": 1})
    assert lake.rows(table) == [(1,)]
    assert operator.statuses(table) == ["applied", "loaded"]


def write_received(lake: Lake, key: str, version: str, *, tells_version: bool) -> None:
    """An entry as Receive writes it, of an execution that is gone. The local cloud's own events tell no version."""
    bucket = lake.client.outputs.lake_bucket
    [listed] = S3Lake(lake.client.aws.client("s3"), bucket).read_versions(key)
    upload = first_uploads(bucket, [listed])[key, version]
    upload = replace(
        upload,
        sequencer="00AB",
        version_id=version if tells_version else None,
        landed_at=datetime.now(UTC).replace(microsecond=0),
    )
    machine = lake.client.outputs.state_machine_arn
    gone = machine.replace(":stateMachine:", ":execution:") + ":gone"
    log = LogTable(lake.client.aws.client("dynamodb"), lake.client.outputs.log_table)
    assert log.write_received(key_of(upload), received_entry(upload, gone, datetime.now(UTC)))


@pytest.mark.usefixtures("rule_off")
def test_an_entry_without_answer_whose_object_is_gone_gets_its_answer(operator: Operator) -> None:
    lake, table = operator.lake, operator.lake.table("vanished")
    key = f"dev/append/{table}/x.csv"
    version = lake.put(key, "id\n1\n")
    write_received(lake, key, version, tells_version=True)
    lake.client.aws.client("s3").delete_object(
        Bucket=lake.client.outputs.lake_bucket, Key=key, VersionId=version
    )
    code, told = operator.reconcile(table)
    assert (code, told["counts"]) == (1, {"stuck": 1})
    assert operator.statuses(table) == ["rejected"]


@pytest.mark.parametrize("command", ["reconcile", "rebuild-log"])
def test_deleted_log_entries_are_written_again_from_the_ledger(
    operator: Operator, command: str
) -> None:
    lake, table = operator.lake, operator.lake.table("forgotten")
    lake.drop(f"dev/schema/{table}/s.json", SCHEMA)
    lake.drop(f"dev/append/{table}/x.csv", "id\n1\n2\n")
    before = lake.client.log_entries(table)
    assert operator.forget(table) == 2
    arguments = [command, "--table", table, *(["--grace", "0"] if command == "reconcile" else [])]

    assert operator.run(*arguments, "--dry-run")[0] == 1
    assert lake.client.log_entries(table) == []
    assert operator.run(*arguments)[0] == 0

    kept = (
        "landed_timestamp",
        "status",
        "rows_loaded",
        "loaded_timestamp",
        "version_id",
        "s3_key",
        "action",
    )
    after = lake.client.log_entries(table)
    assert [[each.get(name) for name in kept] for each in after] == [
        [each.get(name) for name in kept] for each in before
    ]
    assert operator.run(*arguments, "--dry-run")[0] == 0


def test_an_answer_is_not_overwritten_when_the_log_is_rebuilt(operator: Operator) -> None:
    lake, table = operator.lake, operator.lake.table("kept")
    lake.drop(f"dev/schema/{table}/s.json", SCHEMA)
    lake.drop(f"dev/append/{table}/x.csv", "id\n1\n")
    before = lake.client.log_entries(table)
    assert operator.run("rebuild-log", "--database", "dev", "--table", table) == (
        0,
        {"rows": 2, "missing": [], "busy": []},
    )
    assert lake.client.log_entries(table) == before


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("rule_off")
def test_a_bucket_that_already_has_files_is_adopted(operator: Operator) -> None:
    lake, stem = operator.lake, operator.lake.table("adopted")
    tables = [f"{stem}_{number}" for number in range(4)]
    since = datetime.now(UTC).replace(microsecond=0).isoformat()
    for table in tables:
        lake.put(f"dev/schema/{table}/s.json", SCHEMA)
    time.sleep(1.05)
    for number in range(FILES):
        lake.put(f"dev/append/{tables[number % 4]}/{number:03}.csv", f"id\n{number}\n")

    code, told = operator.run("reconcile", "--since", since, "--grace", "0")

    assert code == 0, told["counts"]
    assert Counter(each["status"] for each in told["answers"]) == {"applied": 4, "loaded": FILES}
    for first, table in enumerate(tables):
        assert lake.rows(table) == sorted(
            ((number,) for number in range(first, FILES, 4)), key=repr
        )
    code, told = operator.run("reconcile", "--since", since, "--grace", "0")
    assert (code, told["counts"]) == (0, {"recorded": FILES + 4})


def test_a_failed_upload_is_loaded_by_a_replay_after_its_table_was_mended(
    operator: Operator,
) -> None:
    lake, table = operator.lake, operator.lake.table("mended")
    lake.drop(f"dev/schema/{table}/s.json", columns(("note", "VARCHAR(5)")))
    key = f"dev/append/{table}/x.csv"
    assert lake.drop(key, "note\nfar too long\n")["status"] == "failed"
    lake.drop(f"dev/schema/{table}/s.json", columns(("note", "VARCHAR(50)")))

    code, told = operator.run("replay", "--key", key)

    assert code == 0, told
    assert lake.rows(table) == [("far too long",)]
    [entry] = [entry for entry in lake.client.log_entries(table) if entry["s3_key"] == key]
    assert (entry["status"], entry["attempts"], entry.get("error")) == ("loaded", 2, None)
    code, told = operator.run("replay", "--key", key)
    assert code == 1
    assert "would be a duplicate" in told["reason"]
    assert lake.count(table) == 1


@pytest.mark.usefixtures("rule_off")
def test_the_schedule_s_request_loads_what_was_missed(operator: Operator) -> None:
    lake, table = operator.lake, operator.lake.table("hourly")
    put_in_order(
        lake, (f"dev/schema/{table}/s.json", SCHEMA), (f"dev/append/{table}/x.csv", "id\n1\n")
    )
    request = {"kind": "lake", "scope": {"table": table}, "grace_seconds": 0}
    made = lake.client.aws.client("lambda").invoke(
        FunctionName=lake.client.outputs.reconcile_function, Payload=json.dumps(request).encode()
    )
    assert json.load(made["Payload"]) == {"counts": {"never seen": 2}, "sent": 2, "marker": None}
    [version] = S3Lake(lake.client.aws.client("s3"), lake.client.outputs.lake_bucket).read_versions(
        f"dev/append/{table}/x.csv"
    )
    assert lake.entry(table, version.version_id)["status"] == "loaded"


def test_a_table_is_rebuilt_from_the_lake_while_a_reader_sees_it_whole(operator: Operator) -> None:
    lake, table = operator.lake, operator.lake.table("rebuilt")
    lake.drop(f"dev/schema/{table}/s.json", SCHEMA)
    for number in range(3):
        lake.drop(
            f"dev/append/{table}/{number}.csv",
            "id\n" + "".join(f"{id_}\n" for id_ in range(20_000)),
        )
    lake.client.sql("dev", f"DELETE FROM {table} WHERE id > 9999")
    named = ("--database", "dev", "--table", table)
    code, told = operator.run("replay", *named, "--dry-run")
    assert (code, told["files"], told["rows_expected"], told["rows"]) == (0, 3, 60_000, None)
    assert lake.count(table) == 30_000

    with reader(lake, table) as counts:
        for _ in range(5):
            code, told = operator.run("replay", *named)
            assert (code, told["rows"], told["copies"]) == (0, 60_000, 1), told

    assert set(counts) <= {30_000, 60_000}
    assert len(counts) > 5
    assert lake.count(table) == 60_000
    assert operator.statuses(table) == ["applied", "loaded", "loaded", "loaded"]


@contextmanager
def reader(lake: Lake, table: str) -> Iterator[list[int]]:
    """Counts the table's rows without pause; the counts."""
    counts: list[int] = []
    done = threading.Event()

    def count() -> None:
        while not done.is_set():
            counts.append(lake.count(table))

    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield counts
    finally:
        done.set()
        thread.join()


def test_a_table_whose_file_is_gone_stays_as_it_is(operator: Operator) -> None:
    lake, table = operator.lake, operator.lake.table("gone")
    lake.drop(f"dev/schema/{table}/s.json", SCHEMA)
    key = f"dev/append/{table}/x.csv"
    version = lake.drop(key, "id\n1\n")["version_id"]
    lake.client.aws.client("s3").delete_object(
        Bucket=lake.client.outputs.lake_bucket, Key=key, VersionId=version
    )
    code, told = operator.run("replay", "--database", "dev", "--table", table)
    assert code == 1
    assert key in told["reason"]
    assert lake.rows(table) == [(1,)]
