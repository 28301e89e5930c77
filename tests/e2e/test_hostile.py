"""Hostile names and times through the real door: each is rejected by name, and its neighbours load."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from etl_core.adapters.s3 import S3Lake
from etl_core.model.times import format_utc_time
from tests.e2e.conftest import Lake, columns
from tests.e2e.test_reconcile import Operator, put_in_order
from tests.etl_cli.test_hostile_text import CSI, ROOT, faults_of, in_pipe, in_terminal

SCHEMA = columns(("id", "INTEGER"))
CONTROL = ("\0", "\n", "\x1b", "\x7f", "\x85")


@pytest.fixture
def operator(lake: Lake) -> Operator:
    return Operator(lake)


def entry_of_key(lake: Lake, table: str, key: str) -> dict[str, Any]:
    """Wait for the final status of the only upload with this key.

    The local server finds no version of a key with a line feed, so its entry has no version id.
    """
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for entry in lake.client.log_entries(table):
            if entry["s3_key"] == key and entry["status"] != "received":
                return entry
        time.sleep(0.1)
    raise AssertionError(f"no final entry of {key!r}")


def test_a_key_with_a_control_character_is_rejected_by_name_and_its_neighbours_load(
    lake: Lake,
) -> None:
    table = lake.table("control")
    lake.drop(f"dev/schema/{table}/s.json", SCHEMA)
    keys = [f"dev/append/{table}/a{character}[2Jb.csv" for character in CONTROL]
    for key in keys:
        lake.put(key, "id\n7\n")
    good = [lake.put(f"dev/append/{table}/{n}.csv", f"id\n{n}\n") for n in range(3)]
    position = len(f"dev/append/{table}/a") + 1

    for key in keys:
        entry = entry_of_key(lake, table, key)
        assert (entry["status"], entry["error"]["type"]) == ("rejected", "InvalidKeyError")
        character = f"U+{ord(key[position - 1]):04X}"
        found = f"the key contains the control character {character} at position {position}"
        assert found in entry["error"]["message"]
    assert [lake.entry(table, version)["status"] for version in good] == ["loaded"] * 3
    assert lake.rows(table) == [(0,), (1,), (2,)]


@pytest.mark.usefixtures("rule_off")
def test_a_key_with_a_control_character_does_not_stop_reconcile(operator: Operator) -> None:
    lake, table = operator.lake, operator.lake.table("listed")
    keys = [f"dev/append/{table}/x{character}<&>é%20.csv" for character in CONTROL]
    for key in keys:
        lake.put(key, "id\n7\n")
    listing = S3Lake(lake.client.aws.client("s3"), lake.client.outputs.lake_bucket)
    listed = listing.list_versions(f"dev/append/{table}/")
    assert sorted(version.key for version in listed) == sorted(keys)

    code, output = operator.run("reconcile", "--grace", "0")

    answers = {answer["s3_key"]: answer for answer in output["answers"]}
    assert code == 1
    assert {answers[key]["status"] for key in keys} == {"rejected"}


@pytest.mark.usefixtures("rule_off")
@pytest.mark.parametrize(
    "landed_at",
    ["0001-01-01T00:00:01Z", "1970-01-01T00:00:00Z", "tomorrow", "9999-12-31T23:59:59Z"],
)
def test_an_impossible_arrival_time_is_rejected_and_the_neighbours_load(
    lake: Lake, landed_at: str
) -> None:
    if landed_at == "tomorrow":
        landed_at = format_utc_time(datetime.now(UTC) + timedelta(days=1, minutes=1))
    table, content = lake.table("times"), b"id\n1\n"
    now = format_utc_time(datetime.now(UTC))
    for key, sent, at in (
        (f"dev/schema/{table}/s.json", b'{"columns": [{"name": "id", "type": "INTEGER"}]}', now),
        (f"dev/append/{table}/bad.csv", content, landed_at),
        (f"dev/append/{table}/good.csv", content, now),
    ):
        arn = lake.deliver(lake.s3_event(key, sent, at, "01", lake.put(key, sent)))
        lake.finish(arn)

    by_file = {entry["s3_key"].split("/")[-1]: entry for entry in lake.client.log_entries(table)}
    bad = by_file["bad.csv"]
    assert (bad["status"], bad["error"]["type"]) == ("rejected", "InvalidArrivalError")
    assert bad["landed_timestamp"] == landed_at
    assert landed_at in bad["error"]["message"]
    assert by_file["good.csv"]["status"] == "loaded"
    assert lake.count(table) == 1
    assert lake.client.log_entries(table, to="2005")[-1:] == ([bad] if landed_at < "2006" else [])


@pytest.fixture
def damaged_table(lake: Lake) -> Iterator[str]:
    """A table with one row whose ledger has garbage for its schema file, and a foreign table among
    the ledgers.
    """
    table = lake.table("damaged")
    ledger, foreign = f"etl_ledger.public__{table}", f"etl_ledger.foreign_{table}"
    lake.drop(f"dev/schema/{table}/s.json", SCHEMA)
    lake.drop(f"dev/append/{table}/first.csv", "id\n1\n")
    lake.client.sql("dev", f"UPDATE {ledger} SET schema_file = '{{garbage' WHERE action = 'schema'")
    lake.client.sql("dev", f"CREATE TABLE {foreign} (x INTEGER)")
    yield table
    lake.client.sql("dev", f"DROP TABLE IF EXISTS {foreign}")
    lake.client.sql("dev", f"DROP TABLE IF EXISTS {ledger}")


def test_a_damaged_ledger_is_named_and_stops_no_other_table(
    operator: Operator,
    damaged_table: str,
    rule_off: None,  # after the table was made
) -> None:
    lake, other = operator.lake, operator.lake.table("other")
    lake.put(f"dev/append/{damaged_table}/late.csv", "id\n2\n")
    put_in_order(
        lake, (f"dev/schema/{other}/s.json", SCHEMA), (f"dev/append/{other}/x.csv", "id\n1\n")
    )

    code, output = operator.run("reconcile", "--database", "dev", "--grace", "0")

    assert code == 1
    assert lake.rows(other) == [(1,)]
    [named] = [message for message in output["damaged"] if f"public__{damaged_table} " in message]
    assert "schema_file is '{garbage'" in named
    states = {each["key"]: each["state"] for each in output["findings"]}
    assert states[f"dev/append/{damaged_table}/late.csv"] == "ledger damaged"

    code, output = operator.run("rebuild-log", "--dry-run")

    assert code == 1
    named = "".join(output["damaged"])
    assert f"public__{damaged_table} " in named
    assert f"foreign_{damaged_table} " in named


def test_an_upload_to_a_damaged_ledger_fails_without_blaming_the_file_and_is_sent_again_later(
    operator: Operator, damaged_table: str
) -> None:
    lake = operator.lake
    keys = [f"dev/append/{damaged_table}/{n}.csv" for n in (2, 3)]
    for key in keys:
        entry = lake.drop(key, f"id\n{key[-5]}\n")
        assert (entry["status"], entry["error"]["type"]) == ("failed", "DamagedLedgerError")
        assert "the file is not at fault" in entry["error"]["message"]
        assert f"'dev/schema/{damaged_table}/s.json'" in entry["error"]["message"]
    schema = json.dumps({"columns": [{"name": "id", "type": "integer"}]})
    ledger = f"etl_ledger.public__{damaged_table}"
    lake.client.sql(
        "dev", f"UPDATE {ledger} SET schema_file = %s WHERE action = 'schema'", [schema]
    )
    command = ("replay", "--failed", "--table", damaged_table)

    code, output = operator.run(*command, "--dry-run")
    assert code == 1
    [reason] = output["reasons"]
    assert (reason["error"], reason["sent"]) == ("DamagedLedgerError", True)
    assert [each["key"] for each in reason["uploads"]] == keys
    assert lake.rows(damaged_table) == [(1,)]

    code, output = operator.run(*command)
    assert code == 0, output
    assert lake.rows(damaged_table) == [(1,), (2,), (3,)]
    assert operator.run(*command) == (0, {"reasons": [], "answers": []})


def test_an_upload_that_only_the_log_calls_loaded_is_named_and_not_loaded_again(
    operator: Operator,
) -> None:
    lake, table = operator.lake, operator.lake.table("unknown")
    lake.drop(f"dev/schema/{table}/s.json", SCHEMA)
    lake.drop(f"dev/append/{table}/x.csv", "id\n1\n")
    lake.client.sql("dev", f"DELETE FROM etl_ledger.public__{table} WHERE action = 'append'")
    time.sleep(1.1)

    code, output = operator.reconcile(table)

    assert code == 1
    [finding] = output["findings"]
    assert (finding["key"], finding["state"]) == (f"dev/append/{table}/x.csv", "not in the ledger")
    assert output["answers"] == []
    code, output = operator.run("replay", "--key", f"dev/append/{table}/x.csv")
    assert (code, "has no row for it" in output["reason"]) == (1, True)
    assert lake.rows(table) == [(1,)]


def test_the_log_shows_a_hostile_key_escaped(lake: Lake) -> None:
    table = lake.table("shown")
    key = f"dev/append/{table}/a\x1b[2J\u202e[red]b.csv"
    lake.put(key, "id\n1\n")
    assert entry_of_key(lake, table, key)["status"] == "rejected"
    program = [sys.executable, "-m", "etl_cli", "logs", table]
    command = [*program, "--stack", str(lake.cloud.state.outputs)]

    for output in (in_terminal(command, ROOT), in_pipe(command, ROOT)):
        shown = CSI.sub("", output).replace("\r", "")
        assert faults_of(shown) == []
        assert r"a\x1b[2J\u202e[red]" in shown.replace("\n", "")
    assert r"a\u001b[2J\u202e[red]b.csv" in in_pipe([*command, "--json"], ROOT)
