"""Many uploads of one table at once, and schema files with their data files: micro-batches and arrival order."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2

from tests.e2e.conftest import Lake, columns

FILES = 12


def test_pending_uploads_are_loaded_by_one_transaction_and_only_the_bad_file_fails(
    lake: Lake,
) -> None:
    table = lake.table("burst")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER"), ("note", "VARCHAR(20)")))
    with _ledger_locked(lake, table):
        good = [
            lake.put(f"dev/append/{table}/{number}.csv", _rows(number)) for number in range(FILES)
        ]
        bad = lake.put(f"dev/append/{table}/bad.csv", "id,note\n1,a\nx7,b\n")
        _until_received(lake, table, FILES + 1)
    entries = [lake.entry(table, version, 90) for version in good]
    refused = lake.entry(table, bad, 90)

    assert [(entry["status"], entry["rows_loaded"]) for entry in entries] == [("loaded", 2)] * FILES
    assert refused["status"] == "failed"
    assert "line 3, column 'id' (int4), value 'x7'" in refused["error"]["message"]
    assert lake.rows(table, "id") == sorted(
        ((number,) for number in range(FILES) for _ in range(2)), key=repr
    )
    assert len(lake.rows(f"etl_ledger.public__{table}", "loaded_at")) == FILES + 1
    assert (
        len(set(lake.rows(f"etl_ledger.public__{table}", "date_trunc('second', loaded_at)")))
        < FILES
    )


def test_a_changed_schema_file_and_its_data_files_may_be_uploaded_at_once(lake: Lake) -> None:
    table = lake.table("both")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER")))
    before = lake.put(f"dev/append/{table}/before.csv", "id\n1\n")
    schema = lake.put(
        f"dev/schema/{table}/s2.json", columns(("id", "INTEGER"), ("note", "VARCHAR(20)"))
    )
    after = lake.put(f"dev/append/{table}/after.csv", "id,note\n2,new\n")

    assert [lake.entry(table, each, 90)["status"] for each in (before, schema, after)] == [
        "loaded",
        "applied",
        "loaded",
    ]
    assert lake.rows(table) == [(1, None), (2, "new")]


def _rows(number: int) -> str:
    return f"id,note\n{number},a\n{number},b\n"


@contextmanager
def _ledger_locked(lake: Lake, table: str) -> Iterator[None]:
    """Lock the table's ledger, like a slow load."""
    endpoint = lake.client.outputs.warehouse
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


def _until_received(lake: Lake, table: str, count: int) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if sum(entry["status"] == "received" for entry in lake.client.log_entries(table)) >= count:
            return
        time.sleep(0.3)
    raise AssertionError(f"{count} uploads of {table} were not received")


def test_data_files_of_several_schema_files_uploaded_at_once_are_each_read_by_their_own(
    lake: Lake,
) -> None:
    table, kinds = (
        lake.table("chain"),
        [("id", "INTEGER"), *((f"c{number}", "INTEGER") for number in range(1, 5))],
    )
    versions = []
    for count in range(1, 6):
        header = ",".join(name for name, _ in kinds[:count])
        versions.append(lake.put(f"dev/schema/{table}/v{count}.json", columns(*kinds[:count])))
        for number in range(2):
            versions.append(
                lake.put(
                    f"dev/append/{table}/v{count}_{number}.csv",
                    f"{header}\n{','.join('7' * count)}\n",
                )
            )
    entries = [lake.entry(table, version, 120) for version in versions]

    assert {(entry["action"], entry["status"]) for entry in entries} <= {
        ("schema", "applied"),
        ("schema", "superseded"),
        ("append", "loaded"),
    }
    assert lake.count(table) == 10
    assert lake.rows(table, "COUNT(c4)") == [(2,)]
