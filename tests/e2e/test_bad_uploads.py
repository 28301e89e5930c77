"""Every bad upload is reported with what happened, the rule and the fix, and leaves the table unchanged."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.e2e.conftest import Lake, columns


@dataclass(frozen=True)
class Case:
    """One bad upload. `key` contains {table}; `says` are parts of the message."""

    key: str
    content: bytes
    status: str
    error: str
    says: tuple[str, ...]
    logged_under: str = "{table}"


CASES = {
    "two parts": Case("dev/file.csv", b"id\n1\n", "rejected", "InvalidKeyError",
    ("db_name/action/table_name/file",), "_unparsed"),
    "no table": Case("dev/append//x.csv", b"id\n1\n", "rejected", "InvalidKeyError", ("table",), "_unparsed"),
    "unknown action": Case("dev/merge/{table}/x.csv", b"id\n1\n", "rejected", "InvalidKeyError",
    ("'merge'", "append")),
    "unknown database": Case("prod/append/{table}/x.csv", b"id\n1\n", "rejected", "InvalidKeyError", ("'prod'", "dev")),
    "unsafe name": Case(
        'dev/append/{table}"; drop/x.csv', b"id\n1\n", "rejected", "InvalidKeyError", ("safe name",), '{table}"; drop'
    ),
    "long name": Case(
        "dev/append/{table}" + "x" * 130 + "/x.csv", b"id\n1\n", "rejected", "InvalidKeyError",
        ("127",), "{table}" + "x" * 130
    ),
    "no schema": Case("dev/append/{table}_other/x.csv", b"id\n1\n", "rejected", "NoSchemaError",
    ("schema file",), "{table}_other"),
    "wrong extension": Case("dev/append/{table}/x.xlsx", b"id\n1\n", "rejected",
    "InvalidDataFileError", ("'x.xlsx'", ".csv")),
    "schema extension": Case("dev/schema/{table}/x.csv", b"{}", "rejected", "InvalidSchemaFileError", (".json",)),
    "empty": Case("dev/append/{table}/x.csv", b"", "rejected", "InvalidDataFileError", ("empty",)),
    "blank": Case("dev/append/{table}/x.csv", b"\n\n", "rejected", "InvalidDataFileError", ("empty",)),
    "not gzip": Case("dev/append/{table}/x.csv.gz", b"id,name\n1,a\n", "rejected", "InvalidDataFileError", ("GZIP",)),
    "missing": Case("dev/append/{table}/x.csv", b"id\n1\n", "rejected", "HeaderMismatchError", ("'name' is missing",)),
    "extra": Case("dev/append/{table}/x.csv", b"id,name,more\n", "rejected", "HeaderMismatchError",
    ("'more' is not in",)),
    "twice": Case("dev/append/{table}/x.csv", b"id,name,ID\n", "rejected", "HeaderMismatchError",
    ("'id' is named 2 times",)),
    "misspelled": Case("dev/append/{table}/x.csv", b"id,nmae\n", "rejected", "HeaderMismatchError",
    ("'nmae'", "did you mean 'name'")),
    "not json": Case("dev/schema/{table}/s.json", b"{", "rejected", "InvalidSchemaFileError", ("not valid JSON",)),
    "several faults": Case(
        "dev/schema/{table}/s.json",
        b'{"columns": [{"name": "a", "type": "UUID"}, {"name": "A", "type": "INT", "nul": 1}], "distkey": "z"}',
        "rejected",
        "InvalidSchemaFileError",
        ("$.columns[0].type", "$.columns[1].name", "$.columns[1].nul", "$.distkey"),
    ),
    "bad value": Case(
        "dev/append/{table}/x.csv", b"id,name\n1,a\nx7,b\n", "rejected", "CopyRefusedError", ("line 3", "'id'", "'x7'")
    ),
    "too long": Case(
        "dev/append/{table}/x.csv", "id,name\n1,äääääääääää\n".encode(), "rejected",
        "CopyRefusedError", ("line 2", "'name'")
    ),
    "too few fields": Case("dev/append/{table}/x.csv", b"id,name\n1\n", "rejected", "CopyRefusedError", ("line 2",)),
    "bad row in a replace": Case("dev/truncate/{table}/x.csv", b"id,name\n5,a\n,b\n6\n", "rejected",
    "CopyRefusedError", ("line 4",)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_bad_upload_is_reported_and_changes_nothing(lake: Lake, name: str) -> None:
    case, table = CASES[name], lake.table("bad")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER"), ("name", "VARCHAR(20)")))
    lake.drop(f"dev/append/{table}/good.csv", "id,name\n1,one\n")
    key, logged_under = (
        case.key.replace("{table}", table),
        case.logged_under.replace("{table}", table),
    )
    entry = lake.drop(key, case.content, table=logged_under)
    assert (entry["status"], entry["error"]["type"]) == (case.status, case.error)
    for part in case.says:
        assert part in entry["error"]["message"]
    assert lake.rows(table) == [(1, "one")]


def test_a_forbidden_action_is_rejected_with_the_allowed_actions(lake: Lake) -> None:
    table = lake.table("only")
    lake.drop(
        f"dev/schema/{table}/s.json", columns(("id", "INTEGER"), allowed_operations=["append"])
    )
    entry = lake.drop(f"dev/truncate/{table}/x.csv", "id\n1\n")
    assert (entry["status"], entry["error"]["type"]) == ("rejected", "ActionNotAllowedError")
    assert "append" in entry["error"]["message"]


def test_a_folder_marker_starts_nothing(lake: Lake) -> None:
    table = lake.table("folder")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER")))
    lake.put(f"dev/append/{table}/", b"")
    lake.drop(f"dev/append/{table}/x.csv", "id\n1\n")
    assert [entry["action"] for entry in lake.client.log_entries(table)] == ["append", "schema"]
