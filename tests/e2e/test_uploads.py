"""The four actions, from the file in the lake to the table and the log."""

from __future__ import annotations

import bz2
import gzip
from datetime import date
from typing import Any

import pytest

from tests.builders import SEED
from tests.e2e.conftest import Lake, columns

USERS = "Username,Identifier,First name,Last name\nbooker12,9012,Rachel,Booker\ngrey07,2070,Laura,Grey\n"


def test_the_seed_example_is_created_appended_and_replaced(lake: Lake) -> None:
    table = lake.table("user_data")
    created = lake.drop(f"dev/schema/{table}/schema.json", SEED)
    assert (created["status"], created["redshift_table_exists"]) == ("applied", True)
    assert created["statements"][0].startswith(f'CREATE TABLE "public"."{table}"')

    appended = lake.drop(f"dev/append/{table}/users.csv", USERS)
    assert (appended["status"], appended["rows_loaded"], appended["schema_version"]) == (
        "loaded",
        2,
        "1",
    )
    assert lake.rows(table) == [
        ("booker12", 9012, "Rachel", "Booker"),
        ("grey07", 2070, "Laura", "Grey"),
    ]

    repeated = lake.drop(f"dev/append/{table}/users.csv", USERS)
    assert (repeated["status"], lake.count(table)) == ("loaded", 4)

    replacement = "Identifier,Last name,First name,Username\n1,B,A,x\n"
    for _ in range(2):
        replaced = lake.drop(f"dev/truncate/{table}/all.csv", replacement)
        assert (replaced["status"], replaced["rows_loaded"]) == ("loaded", 1)
        assert lake.rows(table) == [("x", 1, "A", "B")]


def test_an_upsert_replaces_the_rows_with_its_keys(lake: Lake) -> None:
    table = lake.table("upserts")
    spec: dict[str, Any] = {
        "columns": [
            {"name": "Code", "type": "VARCHAR(10)"},
            {"name": "day", "type": "DATE"},
            {"name": "data", "type": "SUPER"},
            {"name": "state", "type": "VARCHAR(9)", "default": "new"},
            {"name": "row", "type": "BIGINT", "identity": [1, 1]},
        ],
        "primary_key": ["day", "code"],
        "distkey": "code",
        "allowed_operations": ["append", "upsert"],
        "csv": {"missing_columns": "default"},
    }
    lake.drop(f"dev/schema/{table}/s.json", spec)
    old = "state,data,day,code\nold,1,2026-01-02,a\nold,1,2026-01-02,A\nold,2,2026-01-02,a\n"
    lake.drop(f"dev/append/{table}/1.csv", old)

    upsert = 'CODE,Day,data\na,2026-01-02,"{""n"": [1]}"\nb,2026-01-02,\n'
    entry = lake.drop(f"dev/Upsert/{table}/2.csv", upsert)

    assert (entry["status"], entry["rows_loaded"], entry["action"]) == ("loaded", 2, "upsert")
    rows = [
        ("A", date(2026, 1, 2), "1", "old"),
        ("a", date(2026, 1, 2), '{"n":[1]}', "new"),
        ("b", date(2026, 1, 2), None, "new"),
    ]
    shown = "code, day, json_serialize(data), state"
    assert lake.rows(table, shown) == rows
    assert [each.split()[0] for each in entry["statements"]] == [
        "CREATE", "COPY", "SELECT", "SELECT", "DELETE", "INSERT", "DROP",
    ]  # fmt: skip

    twice = lake.drop(f"dev/upsert/{table}/3.csv", "code,day\nx,2026-01-01\nx,2026-01-01\n")
    empty = lake.drop(f"dev/upsert/{table}/4.csv", "code,day\n,2026-01-01\n")
    null = lake.drop(f"dev/upsert/{table}/5.csv", "code,day\nx,\n")
    absent = lake.drop(f"dev/upsert/{table}/6.csv", "code,state\nx,y\n")
    wrong = lake.drop(f"dev/upsert/{table}/7.csv", "code,day\nx,tomorrow\n")

    refused = [twice, empty, null, absent, wrong]
    assert {each["status"] for each in refused} == {"rejected"}
    assert (twice["error"]["code"], twice["error"]["line"]) == ("upsert.key_repeated_at", 3)
    assert (empty["error"]["code"], empty["error"]["line"]) == ("upsert.key_empty_at", 2)
    assert (null["error"]["line"], null["error"]["column"]) == (2, "day")
    assert absent["error"]["code"] == "upsert.key_not_in_file"
    assert (wrong["error"]["line"], wrong["error"]["value"]) == (2, "tomorrow")
    assert lake.rows(table, shown) == rows


def test_a_log_entry_has_every_field_of_the_contract(lake: Lake) -> None:
    table = lake.table("fields")
    lake.drop(f"dev/schema/{table}/s.json", columns(("a", "INTEGER")))
    entry = lake.drop(f"dev/append/{table}/x.csv", "a\n1\n")
    assert {
        "table_name", "database", "schema", "action", "landed_timestamp", "loaded_timestamp", "status", "s3_bucket",
        "s3_key", "version_id", "etag", "file_size", "schema_version", "rows_loaded", "duration_ms",
        "redshift_table_exists", "statements", "attempts", "execution_arn",
    } <= set(entry)  # fmt: skip
    assert (entry["table_name"], entry["database"], entry["schema"], entry["action"]) == (
        table,
        "dev",
        "public",
        "append",
    )
    assert entry["attempts"] == 1
    assert entry["file_size"] == 4


@pytest.mark.parametrize(
    ("file", "pack"),
    [
        ("x.csv.gz", gzip.compress),
        ("x.CSV.BZ2", bz2.compress),
        ("sub folder/ä+b %41.csv", bytes),
        ("crlf.csv", bytes),
    ],
)
def test_compressed_files_and_unusual_names_are_loaded(lake: Lake, file: str, pack: object) -> None:
    table = lake.table("odd")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "BIGINT"), ("note", "VARCHAR(20)")))
    end = "\r\n" if file == "crlf.csv" else "\n"
    content = end.join(["Note,ID", '"a, ""b""",1', "ü,2", "", ""]).encode()
    entry = lake.drop(f"dev/append/{table}/{file}", pack(content))  # type: ignore[operator]
    assert (entry["status"], entry["rows_loaded"]) == ("loaded", 2)
    assert lake.rows(table) == [(1, 'a, "b"'), (2, "ü")]


def test_a_zstandard_file_is_loaded(lake: Lake) -> None:
    zstd = (
        pytest.importorskip("compression.zstd", exc_type=ImportError)
        if _has_zstd()
        else pytest.importorskip("backports.zstd")
    )
    table = lake.table("zst")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "BIGINT")))
    assert (
        lake.drop(f"dev/append/{table}/x.csv.zst", zstd.compress(b"id\n7\n"))["status"] == "loaded"
    )
    assert lake.rows(table) == [(7,)]


def _has_zstd() -> bool:
    import sys

    return sys.version_info >= (3, 14)


def test_a_table_of_another_schema_and_database_is_loaded(lake: Lake) -> None:
    table = lake.table("orders")
    schema = columns(("id", "BIGINT"))
    assert (
        lake.drop(f"Analytics/Schema/Sales.{table}/s.json", schema, table=f"sales.{table}")[
            "status"
        ]
        == "applied"
    )
    entry = lake.drop(f"analytics/APPEND/sales.{table}/x.csv", "id\n1\n", table=f"sales.{table}")
    assert (entry["status"], entry["schema"], entry["table_name"]) == ("loaded", "sales", table)
    assert lake.rows(f"sales.{table}", database="analytics") == [(1,)]


def test_a_data_file_that_arrives_right_after_its_schema_file_waits_for_it(lake: Lake) -> None:
    table = lake.table("hurry")
    lake.put(f"dev/schema/{table}/s.json", columns(("id", "BIGINT")))
    version = lake.put(f"dev/append/{table}/x.csv", "id\n1\n")
    assert lake.entry(table, version)["status"] == "loaded"


def test_an_identical_schema_file_is_unchanged(lake: Lake) -> None:
    table = lake.table("again")
    key, schema = f"dev/schema/{table}/s.json", columns(("id", "BIGINT"), ("name", "VARCHAR(10)"))
    assert lake.drop(key, schema)["status"] == "applied"
    assert lake.drop(key, schema)["status"] == "unchanged"


def test_a_schema_file_adds_and_widens_columns_and_the_log_lists_each_statement(
    lake: Lake,
) -> None:
    table = lake.table("grow")
    key = f"dev/schema/{table}/s.json"
    lake.drop(key, columns(("id", "BIGINT"), ("name", "VARCHAR(5)")))
    lake.drop(f"dev/append/{table}/x.csv", "id,name\n1,short\n")
    wider = lake.drop(
        key,
        columns(
            ("id", "BIGINT"), ("name", "VARCHAR(20)"), ("note", "VARCHAR(9)"), schema_version="2"
        ),
    )
    assert (wider["status"], wider["schema_version"]) == ("applied", "2")
    assert wider["statements"] == [
        f'ALTER TABLE "public"."{table}" ALTER COLUMN "name" TYPE VARCHAR(20)',
        f'ALTER TABLE "public"."{table}" ADD COLUMN "note" VARCHAR(9)',
    ]
    assert (
        lake.drop(f"dev/append/{table}/y.csv", "id,name,note\n2,rather long,new\n")["status"]
        == "loaded"
    )
    assert lake.rows(table, "id, name, note") == [(1, "short", None), (2, "rather long", "new")]


def test_a_column_is_retyped_only_if_the_schema_file_allows_it(lake: Lake) -> None:
    table = lake.table("retype")
    key = f"dev/schema/{table}/s.json"
    lake.drop(key, columns(("id", "BIGINT"), ("price", "VARCHAR(9)")))
    lake.drop(f"dev/append/{table}/x.csv", "id,price\n1,9.50\n2,cheap\n")
    numbers = columns(("id", "BIGINT"), ("price", "NUMERIC(9,2)"))
    assert 'list "retype" in allowed_changes' in lake.drop(key, numbers)["error"]["message"]
    refused = lake.drop(key, {**numbers, "allowed_changes": ["retype"]})
    assert (refused["status"], refused["error"]["type"]) == ("rejected", "SchemaChangeRefusedError")
    assert '"cheap"' in refused["error"]["message"]
    assert lake.rows(table) == [(1, "9.50"), (2, "cheap")]
    lake.drop(f"dev/truncate/{table}/all.csv", "id,price\n1,9.50\n")
    assert lake.drop(key, {**numbers, "allowed_changes": ["retype"]})["status"] == "applied"
    assert [str(price) for _, price in lake.rows(table, "id, price")] == ["9.50"]


def test_a_column_missing_from_the_schema_file_is_not_dropped(lake: Lake) -> None:
    table = lake.table("leave")
    key = f"dev/schema/{table}/s.json"
    lake.drop(key, columns(("id", "BIGINT"), ("old", "DATE")))
    entry = lake.drop(key, columns(("id", "BIGINT")))
    assert (entry["status"], entry["error"]["type"]) == ("rejected", "SchemaChangeRefusedError")
    assert "'old'" in entry["error"]["message"]
    dropped = lake.drop(key, columns(("id", "BIGINT"), allowed_changes=["drop"]))
    assert dropped["statements"] == [f'ALTER TABLE "public"."{table}" DROP COLUMN "old"']


def test_a_later_schema_file_may_change_the_allowed_operations(lake: Lake) -> None:
    table = lake.table("allow")
    key = f"dev/schema/{table}/s.json"
    lake.drop(key, columns(("id", "BIGINT")))
    assert (
        lake.drop(key, columns(("id", "BIGINT"), allowed_operations=["append"]))["status"]
        == "applied"
    )
    assert (
        lake.drop(f"dev/truncate/{table}/x.csv", "id\n1\n")["error"]["type"]
        == "ActionNotAllowedError"
    )
    entry = lake.drop(key, columns(("id", "BIGINT"), ("more", "INT")))
    assert (entry["status"], entry["error"]["type"]) == ("rejected", "ActionNotAllowedError")


def test_keys_encodings_and_defaults_are_read_back_unchanged(lake: Lake) -> None:
    table = lake.table("keys")
    schema = {
        "columns": [
            {"name": "id", "type": "bigint", "nullable": False},
            {"name": "k", "type": "bigint", "identity": [1, 1]},
            {
                "name": "name",
                "type": "varchar(40)",
                "default": "it's",
                "encode": "zstd",
                "description": "5% o'clock \\ x",
            },
            {"name": "price", "type": "numeric(10,2)", "default": 1.5},
            {"name": "ok", "type": "boolean", "default": True},
            {"name": "at", "type": "timestamp", "default": {"function": "GETDATE"}},
            {"name": "day", "type": "date", "default": "2026-01-01"},
        ],
        "primary_key": ["id"],
        "distkey": "id",
        "sortkey": ["at", "id"],
        "csv": {"missing_columns": "default"},
    }
    assert lake.drop(f"dev/schema/{table}/s.json", schema)["status"] == "applied"
    assert lake.drop(f"dev/schema/{table}/s.json", schema)["status"] == "unchanged"
    assert (
        lake.drop(f"dev/schema/{table}/s.json", {**schema, "schema_version": "2"})["status"]
        == "applied"
    )
    assert lake.drop(f"dev/append/{table}/x.csv", "id\n1\n")["status"] == "loaded"
    assert lake.rows(table, "id, name, price, ok")[0][:2] == (1, "it's")


def test_columns_are_found_under_their_other_names_and_without_a_name(lake: Lake) -> None:
    table = lake.table("named")
    schema = {
        "columns": [
            {"name": "row", "type": "INTEGER", "header": ""},
            {"name": "id", "type": "INTEGER", "header": ["Customer No.", "cust"]},
            {"name": "größe", "type": "INTEGER"},
        ]
    }
    lake.drop(f"dev/schema/{table}/s.json", schema)
    content = '"GRO\u0308SSE", "customer no." ,\n3,2,1\n'
    entry = lake.drop(f"dev/append/{table}/x.csv", content)
    assert (entry["status"], lake.rows(table)) == ("loaded", [(1, 2, 3)])


def test_a_file_without_a_header_is_loaded_in_the_order_of_the_schema_file(lake: Lake) -> None:
    table = lake.table("bare")
    schema = {
        "columns": [{"name": "id", "type": "INTEGER"}, {"name": "name", "type": "VARCHAR(9)"}],
        "csv": {"header": "none", "delimiter": "\x01"},
    }
    lake.drop(f"dev/schema/{table}/s.json", schema)
    entry = lake.drop(f"dev/append/{table}/x.csv", "1\x01a,b\n2\x01c\n")
    assert (entry["status"], entry["rows_loaded"]) == ("loaded", 2)
    assert lake.rows(table) == [(1, "a,b"), (2, "c")]


def test_ignored_columns_of_a_file_are_not_loaded(lake: Lake) -> None:
    table = lake.table("ignored")
    schema = columns(("id", "INTEGER"), ("name", "VARCHAR(9)"), csv={"ignore_columns": ["", "x"]})
    lake.drop(f"dev/schema/{table}/s.json", schema)
    entry = lake.drop(f"dev/append/{table}/x.csv.gz", gzip.compress(b',id,X,name\n0,1,y,"a,b"\n'))
    assert (entry["status"], entry["rows_loaded"]) == ("loaded", 1)
    assert lake.rows(table) == [(1, "a,b")]
    refused = lake.drop(f"dev/append/{table}/y.csv", ",id,x,name\n0,one,y,a\n")
    assert (refused["status"], refused["error"]["line"], refused["error"]["column"]) == (
        "rejected",
        2,
        "id",
    )
