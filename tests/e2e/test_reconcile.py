"""Recovery of a stack: missed uploads are loaded once, failed ones are replayed, and the log is
completed from the ledger.

The event rule is disabled where uploads must be missed. The tests run the commands that operators
run.
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
from etl_core.model.times import format_utc_time
from etl_core.upload_log.entry import key_of, received_entry
from tests.e2e.conftest import Lake, columns

SCHEMA = columns(("id", "INTEGER"))
FILES = 40


@dataclass(frozen=True)
class Operator:
    """Runs commands like an operator."""

    lake: Lake

    def run(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Run an `etl` command and return its exit code and JSON output."""
        options = ["--stack", str(self.lake.cloud.state.outputs), "--json"]
        done = CliRunner().invoke(main, [*arguments, *options], catch_exceptions=False)
        assert done.stdout, done.stderr
        return done.exit_code, json.loads(done.stdout)

    def reconcile(self, table: str, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Run `etl reconcile` for a table, including its newest uploads."""
        return self.run("reconcile", "--table", table, "--grace", "0", *arguments)

    def statuses(self, table: str) -> list[str]:
        """Return the statuses in the log, oldest upload first."""
        return [entry["status"] for entry in reversed(self.lake.client.log_entries(table))]

    def delete_log(self, table: str) -> int:
        """Delete all log entries of the table and return their number."""
        log = self.lake.client.aws.client("dynamodb")
        name = self.lake.client.outputs.log_table
        items = log.query(
            TableName=name,
            KeyConditionExpression="table_name = :table",
            ExpressionAttributeValues={":table": {"S": table}},
        )["Items"]
        for item in items:
            log.delete_item(
                TableName=name,
                Key={"table_name": item["table_name"], "landed_key": item["landed_key"]},
            )
        return len(items)


@pytest.fixture
def operator(lake: Lake) -> Operator:
    return Operator(lake)


def put_in_order(lake: Lake, *files: tuple[str, Any]) -> None:
    """Put files one second apart: S3 gives times to the second."""
    for key, content in files:
        lake.put(key, content)
        time.sleep(1.05)


@pytest.mark.usefixtures("rule_off")
def test_missed_uploads_are_reported_then_loaded_once_in_arrival_order(operator: Operator) -> None:
    lake, table = operator.lake, operator.lake.table("missed")
    put_in_order(
        lake,
        (f"dev/schema/{table}/s.json", SCHEMA),
        (f"dev/append/{table}/old.csv", "id\n1\n"),
        (f"dev/truncate/{table}/new.csv", "id\n2\n"),
        (f"dev/append/{table}/more.csv", "id\n3\n"),
    )
    code, output = operator.reconcile(table, "--dry-run")
    assert (code, output["counts"]) == (1, {"never seen": 4})
    assert lake.client.log_entries(table) == []

    code, output = operator.reconcile(table)

    assert code == 0, output
    assert lake.rows(table) == [(2,), (3,)]
    assert operator.statuses(table) == ["applied", "loaded", "loaded", "loaded"]
    assert [entry["s3_key"].split("/")[1] for entry in lake.client.log_entries(table)] == [
        "append", "truncate", "append", "schema",
    ]  # fmt: skip
    assert operator.reconcile(table) == (
        0,
        {
            "counts": {"recorded": 4},
            "statuses": {"applied": 1, "loaded": 3},
            "findings": [],
            "damaged": [],
            "answers": [],
            "unanswered": [],
        },
    )


@pytest.mark.usefixtures("rule_off")
def test_a_missed_invalid_upload_is_rejected(operator: Operator) -> None:
    table = operator.lake.table("upsert")
    operator.lake.put(f"dev/merge/{table}/x.csv", "id\n1\n")
    operator.lake.put(f"dev/append/{table}/", "")
    code, output = operator.reconcile(table)
    assert code == 1
    assert [(each["status"], each["error"]["type"]) for each in output["answers"]] == [
        ("rejected", "InvalidKeyError")
    ]
    assert operator.reconcile(table)[1]["counts"] == {"recorded": 1}


@pytest.mark.usefixtures("rule_off")
def test_a_recent_upload_is_skipped(operator: Operator) -> None:
    table = operator.lake.table("young")
    operator.lake.put(f"dev/append/{table}/x.csv", "id\n1\n")
    code, output = operator.run("reconcile", "--table", table)
    assert (code, output["counts"], output["answers"]) == (0, {"under way": 1}, [])


@pytest.mark.usefixtures("rule_off")
@pytest.mark.parametrize("has_version_id", [True, False])
def test_an_entry_whose_execution_ended_without_a_final_status_is_completed(
    operator: Operator, has_version_id: bool
) -> None:
    lake, table = operator.lake, operator.lake.table("stuck")
    put_in_order(lake, (f"dev/schema/{table}/s.json", SCHEMA))
    operator.reconcile(table)
    version = lake.put(f"dev/append/{table}/x.csv", "id\n1\n")
    write_received(lake, f"dev/append/{table}/x.csv", version, has_version_id=has_version_id)

    code, output = operator.reconcile(table)

    assert (code, output["counts"]) == (0, {"stuck": 1, "recorded": 1})
    assert lake.rows(table) == [(1,)]
    assert operator.statuses(table) == ["applied", "loaded"]


def write_received(lake: Lake, key: str, version: str, *, has_version_id: bool) -> None:
    """Write an entry like Receive, for an execution that no longer exists."""
    bucket = lake.client.outputs.lake_bucket
    [listed] = S3Lake(lake.client.aws.client("s3"), bucket).read_versions(key)
    upload = first_uploads(bucket, [listed])[key, version]
    upload = replace(
        upload,
        sequencer="00AB",
        version_id=version if has_version_id else None,
        landed_at=datetime.now(UTC).replace(microsecond=0),
    )
    state_machine = lake.client.outputs.state_machine_arn
    execution = state_machine.replace(":stateMachine:", ":execution:") + ":gone"
    log = LogTable(lake.client.aws.client("dynamodb"), lake.client.outputs.log_table)
    entry = received_entry(upload, execution, datetime.now(UTC))
    assert log.write_received(key_of(upload), entry) is None


@pytest.mark.usefixtures("rule_off")
def test_a_pending_entry_of_a_deleted_object_is_rejected(operator: Operator) -> None:
    lake, table = operator.lake, operator.lake.table("vanished")
    key = f"dev/append/{table}/x.csv"
    version = lake.put(key, "id\n1\n")
    write_received(lake, key, version, has_version_id=True)
    lake.client.aws.client("s3").delete_object(
        Bucket=lake.client.outputs.lake_bucket, Key=key, VersionId=version
    )
    code, output = operator.reconcile(table)
    assert (code, output["counts"]) == (1, {"stuck": 1})
    assert operator.statuses(table) == ["rejected"]


@pytest.mark.parametrize("command", ["reconcile", "rebuild-log"])
def test_deleted_log_entries_are_written_again_from_the_ledger(
    operator: Operator, command: str
) -> None:
    lake, table = operator.lake, operator.lake.table("forgotten")
    lake.drop(f"dev/schema/{table}/s.json", SCHEMA)
    lake.drop(f"dev/append/{table}/x.csv", "id\n1\n2\n")
    before = lake.client.log_entries(table)
    assert operator.delete_log(table) == 2
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


def test_a_rebuild_of_the_log_keeps_existing_entries(operator: Operator) -> None:
    lake, table = operator.lake, operator.lake.table("kept")
    lake.drop(f"dev/schema/{table}/s.json", SCHEMA)
    lake.drop(f"dev/append/{table}/x.csv", "id\n1\n")
    before = lake.client.log_entries(table)
    assert operator.run("rebuild-log", "--database", "dev", "--table", table) == (
        0,
        {"rows": 2, "missing": [], "busy": [], "damaged": []},
    )
    assert lake.client.log_entries(table) == before


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("rule_off")
def test_the_existing_files_of_a_bucket_are_loaded(operator: Operator) -> None:
    lake, stem = operator.lake, operator.lake.table("adopted")
    tables = [f"{stem}_{number}" for number in range(4)]
    since = datetime.now(UTC).replace(microsecond=0).isoformat()
    for table in tables:
        lake.put(f"dev/schema/{table}/s.json", SCHEMA)
    time.sleep(1.05)
    for number in range(FILES):
        lake.put(f"dev/append/{tables[number % 4]}/{number:03}.csv", f"id\n{number}\n")

    code, output = operator.run("reconcile", "--since", since, "--grace", "0")

    assert code == 0, output
    assert Counter(each["status"] for each in output["answers"]) == {"applied": 4, "loaded": FILES}
    for first, table in enumerate(tables):
        assert lake.rows(table) == sorted(
            ((number,) for number in range(first, FILES, 4)), key=repr
        )
    code, output = operator.run("reconcile", "--since", since, "--grace", "0")
    assert (code, output["counts"]) == (0, {"recorded": FILES + 4})


def test_a_failed_upload_is_loaded_by_a_replay_after_its_table_was_changed(
    operator: Operator,
) -> None:
    lake, table = operator.lake, operator.lake.table("changed")
    lake.drop(f"dev/schema/{table}/s.json", columns(("note", "VARCHAR(5)")))
    key = f"dev/append/{table}/x.csv"
    assert lake.drop(key, "note\nfar too long\n")["status"] == "rejected"
    lake.drop(f"dev/schema/{table}/s.json", columns(("note", "VARCHAR(50)")))

    code, output = operator.run("replay", "--key", key)

    assert code == 0, output
    assert lake.rows(table) == [("far too long",)]
    [entry] = [entry for entry in lake.client.log_entries(table) if entry["s3_key"] == key]
    assert (entry["status"], entry["attempts"], entry.get("error")) == ("loaded", 2, None)
    code, output = operator.run("replay", "--key", key)
    assert code == 1
    assert "would be a duplicate" in output["reason"]
    assert lake.count(table) == 1


@pytest.mark.usefixtures("rule_off")
def test_the_scheduled_request_loads_missed_uploads(operator: Operator) -> None:
    lake, table = operator.lake, operator.lake.table("hourly")
    put_in_order(
        lake, (f"dev/schema/{table}/s.json", SCHEMA), (f"dev/append/{table}/x.csv", "id\n1\n")
    )
    request = {"kind": "lake", "scope": {"table": table}, "grace_seconds": 0}
    response = lake.client.aws.client("lambda").invoke(
        FunctionName=lake.client.outputs.reconcile_function, Payload=json.dumps(request).encode()
    )
    assert json.load(response["Payload"]) == {
        "counts": {"never seen": 2},
        "statuses": {},
        "sent": 2,
        "marker": None,
        "damaged": [],
    }
    [version] = S3Lake(lake.client.aws.client("s3"), lake.client.outputs.lake_bucket).read_versions(
        f"dev/append/{table}/x.csv"
    )
    assert lake.entry(table, version.version_id)["status"] == "loaded"


def test_a_reader_sees_a_complete_table_while_it_is_rebuilt_from_the_lake(
    operator: Operator,
) -> None:
    lake, table = operator.lake, operator.lake.table("rebuilt")
    lake.drop(f"dev/schema/{table}/s.json", SCHEMA)
    for number in range(3):
        lake.drop(
            f"dev/append/{table}/{number}.csv",
            "id\n" + "".join(f"{id_}\n" for id_ in range(20_000)),
        )
    lake.client.sql("dev", f"DELETE FROM {table} WHERE id > 9999")
    named = ("--database", "dev", "--table", table)
    code, output = operator.run("replay", *named, "--dry-run")
    assert (code, output["files"], output["rows_expected"], output["rows"]) == (0, 3, 60_000, None)
    assert lake.count(table) == 30_000

    with reader(lake, table) as counts:
        for _ in range(5):
            code, output = operator.run("replay", *named)
            assert (code, output["rows"], output["copies"]) == (0, 60_000, 1), output

    assert set(counts) <= {30_000, 60_000}
    assert len(counts) > 5
    assert lake.count(table) == 60_000
    assert operator.statuses(table) == ["applied", "loaded", "loaded", "loaded"]


@contextmanager
def reader(lake: Lake, table: str) -> Iterator[list[int]]:
    """Count the table's rows repeatedly while the block runs. Yield the list of counts."""
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


def test_a_table_with_a_deleted_file_is_not_rebuilt(operator: Operator) -> None:
    lake, table = operator.lake, operator.lake.table("gone")
    lake.drop(f"dev/schema/{table}/s.json", SCHEMA)
    key = f"dev/append/{table}/x.csv"
    version = lake.drop(key, "id\n1\n")["version_id"]
    lake.client.aws.client("s3").delete_object(
        Bucket=lake.client.outputs.lake_bucket, Key=key, VersionId=version
    )
    code, output = operator.run("replay", "--database", "dev", "--table", table)
    assert code == 1
    assert key in output["reason"]
    assert lake.rows(table) == [(1,)]


@pytest.mark.usefixtures("rule_off")
def test_a_ledger_that_lost_its_rows_is_never_obeyed_and_adopts_them_again(
    operator: Operator,
) -> None:
    lake, table = operator.lake, operator.lake.table("forgotten")
    put_in_order(
        lake,
        (f"dev/schema/{table}/s.json", SCHEMA),
        (f"dev/append/{table}/1.csv", "id\n1\n2\n"),
        (f"dev/append/{table}/2.csv", "id\n3\n"),
    )
    assert operator.reconcile(table)[0] == 0
    replay = ("replay", "--database", "dev", "--table", table)
    ledger = f"etl_ledger.public__{table}"
    for loss in (f"DELETE FROM {ledger} WHERE s3_key LIKE '%/1.csv'", f"DROP TABLE {ledger}"):
        lake.client.sql("dev", loss)
        lost = 1 if loss.startswith("DELETE") else 3

        refused = CliRunner().invoke(
            main, [*replay, "--stack", str(lake.cloud.state.outputs)], catch_exceptions=False
        )
        assert refused.exit_code != 0, refused.output
        assert lake.count(table) == 3
        code, output = operator.reconcile(table)
        assert (code, output["counts"]["not in the ledger"]) == (1, lost)
        lake.client.sql("dev", f"DELETE FROM {table} WHERE id = 1")
        code, output = operator.reconcile(table, "--adopt")
        assert (code, output["adopted"]) == (1, 0)
        assert "has 2 rows" in output["not_adopted"][0]

        lake.client.sql("dev", f"INSERT INTO {table} VALUES (1)")
        code, output = operator.reconcile(table, "--adopt")
        assert (code, output["adopted"], output["counts"]) == (0, lost, {"recorded": 3})
        code, output = operator.run(*replay)
        assert (code, output["rows"], lake.count(table)) == (0, 3, 3)


@pytest.mark.usefixtures("rule_off")
def test_equal_files_of_one_second_are_known_to_the_ledger_without_the_log(
    operator: Operator,
) -> None:
    """Their events have no version id, so one etag names all three versions."""
    lake, table = operator.lake, operator.lake.table("equal")
    landed_at = format_utc_time(datetime.now(UTC).replace(microsecond=0))

    def put(key: str, content: str, sequencer: str) -> None:
        lake.put(key, content)
        event = lake.s3_event(key, content.encode(), landed_at, sequencer, None)
        assert lake.finish(lake.deliver(event))["status"] == "SUCCEEDED"

    put(f"dev/schema/{table}/s.json", json.dumps(SCHEMA), "01")
    for number in range(3):
        put(f"dev/append/{table}/same.csv", "id\n1\n", f"0{number + 2}")
    ledger = lake.client.sql("dev", f"SELECT version_id FROM etl_ledger.public__{table}").rows
    assert len(set(ledger)) == len(ledger) == 4

    operator.delete_log(table)
    code, output = operator.reconcile(table)

    assert (code, lake.count(table)) == (0, 3), output
    assert operator.statuses(table) == ["applied", "loaded", "loaded", "loaded"]

    # A ledger in which they have one version was written by an earlier release: it is named.
    same = f"dev/append/{table}/same.csv"
    rows = lake.client.sql(
        "dev",
        f"SELECT upload_id, version_id FROM etl_ledger.public__{table} WHERE s3_key = '{same}'",
    ).rows
    lake.client.sql(
        "dev",
        f"UPDATE etl_ledger.public__{table} SET version_id = '{rows[0][1]}' WHERE s3_key = '{same}'",
    )
    operator.delete_log(table)
    code, output = operator.reconcile(table)

    assert (code, lake.count(table)) == (1, 3), output
    assert output["counts"]["ledger damaged"] == 2
    [message] = output["damaged"]
    assert f"3 rows of the ledger etl_ledger.public__{table} in dev have the version" in message
    assert repr(same) in message

    for upload_id, version_id in rows:
        lake.client.sql(
            "dev",
            f"UPDATE etl_ledger.public__{table} SET version_id = '{version_id}' "
            f"WHERE upload_id = '{upload_id}'",
        )
    code, output = operator.reconcile(table)
    assert (code, lake.count(table)) == (0, 3), output
