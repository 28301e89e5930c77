"""What the whole stack says about the values of a file: warnings, refusals, what is ignored."""

from __future__ import annotations

import csv
import gzip
import io
from typing import Any

import pytest

from tests.e2e.conftest import Lake, columns


def test_what_copy_cuts_is_a_warning_in_the_api(lake: Lake) -> None:
    table = lake.table("cut")
    kinds = ("id", "INTEGER"), ("price", "NUMERIC(6,2)"), ("code", "VARCHAR(2)")
    lake.drop(f"dev/schema/{table}/s.json", columns(*kinds))

    content = "id,price,code\n1,1.50,ab   \n2,0.125,c \n3,0.005,d\n,,\n"
    entry = lake.drop(f"dev/append/{table}/a.csv", content)

    assert (entry["status"], entry["rows_loaded"]) == ("loaded", 4)
    blanks, cut, empty = entry["warnings"]
    assert (blanks["kind"], blanks["count"], blanks["value"]) == ("value.blanks_cut", 1, "ab   ")
    assert lake.rows(table, "'[' || code || ']'")[:3] == [("[]",), ("[ab]",), ("[c ]",)]
    assert (cut["kind"], cut["count"], cut["line"]) == ("value.decimals_cut", 2, 3)
    assert (cut["column"], cut["value"]) == ("price", "0.125")
    assert (empty["kind"], empty["count"], empty["line"]) == ("row.all_empty", 1, 5)


def test_a_refused_value_has_its_place_and_cure_in_the_api(lake: Lake) -> None:
    table = lake.table("cure")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER"), ("n", "INTEGER")))

    entry = lake.drop(f"dev/append/{table}/a.csv", "id,n\n1,2\n3,N/A\n")

    error = entry["error"]
    assert (entry["status"], error["code"]) == ("rejected", "value.not_integer")
    assert (error["line"], error["column"], error["value"]) == (3, "n", "N/A")
    assert "csv.null_as" in error["hint"]
    assert "code 1207" in error["details"][0]


def test_a_value_that_is_not_utf8_is_reported(lake: Lake) -> None:
    table = lake.table("latin")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "INTEGER"), ("n", "VARCHAR(9)")))

    entry = lake.drop(f"dev/append/{table}/a.csv", b"id,n\n1,Stra\xdfe\n")

    assert (entry["status"], entry["error"]["code"]) == ("rejected", "value.not_utf8")
    assert entry["error"]["value"] == "Stra\ufffde"
    assert "cp1252" in entry["error"]["hint"]


def test_a_marker_file_is_ignored(lake: Lake) -> None:
    table = lake.table("marker")

    assert lake.drop(f"dev/append/{table}/_SUCCESS", b"")["status"] == "ignored"


@pytest.mark.parametrize(
    ("kind", "text", "stored"),
    [
        ("TIME", "24:00:00", "24:00:00"),
        ("TIMESTAMP", "12.17.1997 07:37:16.00 PST", "1997-12-17 07:37:16"),
        ("TIMESTAMPTZ", "12/17/1997 07:37:16.00 US/Pacific", "1997-12-17 15:37:16+00"),
        ("TIMESTAMPTZ", "2017-11-18 22:00:00 America/Chicago", "2017-11-19 04:00:00+00"),
    ],
)
def test_what_aws_lists_is_loaded(lake: Lake, kind: str, text: str, stored: str) -> None:
    table = lake.table("zones")
    lake.drop(f"dev/schema/{table}/s.json", columns(("t", kind)))

    assert lake.drop(f"dev/append/{table}/a.csv", f"t\n{text}\n")["status"] == "loaded"
    assert lake.rows(table, "t::varchar") == [(stored,)]


def test_empty_and_blank_texts_become_null_if_the_schema_file_says_so(lake: Lake) -> None:
    table = lake.table("nulls")
    schema = columns(("id", "INTEGER"), ("n", "VARCHAR(9)"))
    schema["csv"] = {"empty_as_null": True, "blank_as_null": True, "empty_rows": "skip"}
    lake.drop(f"dev/schema/{table}/s.json", schema)

    entry = lake.drop(f"dev/append/{table}/a.csv", "id,n\n1,\n2,  \n,\n3,x\n")

    assert (entry["status"], entry["rows_loaded"]) == ("loaded", 3)
    assert lake.rows(table, "id, n") == [(1, None), (2, None), (3, "x")]


def _quarantined(lake: Lake, entry: dict[str, Any]) -> dict[str, bytes]:
    """Return the objects of an entry's quarantine."""
    bucket, _, folder = entry["quarantine_prefix"].removeprefix("s3://").partition("/")
    s3 = lake.client.aws.client("s3")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=folder)["Contents"]
    return {
        each["Key"].removeprefix(folder): s3.get_object(Bucket=bucket, Key=each["Key"])[
            "Body"
        ].read()
        for each in listed
    }


def test_rows_that_do_not_fit_are_set_aside_and_can_be_corrected(lake: Lake) -> None:
    table = lake.table("aside")
    schema = columns(("id", "INTEGER"), ("n", "VARCHAR(4)"), ("day", "DATE"))
    schema["csv"] = {"on_bad_rows": "quarantine", "max_bad_percent": 50}
    lake.drop(f"dev/schema/{table}/s.json", schema)
    content = (
        'id,n,day\r\n1,a,2024-01-02\r\nx7,"b\r\nc",2024-01-02\r\n'
        '2,abcde,2024-13-02\r\n3,"d\r\ne",\r\n4,5",\r\n5,f,2024-02-29'
    )

    entry = lake.drop(f"dev/append/{table}/a.csv.gz", gzip.compress(content.encode()), table)

    assert (entry["status"], entry["rows_loaded"], entry["rows_quarantined"]) == ("loaded", 3, 3)
    assert lake.rows(table, "id, n") == [(1, "a"), (3, "d\r\ne"), (5, "f")]
    found = _quarantined(lake, entry)
    assert sorted(found) == ["reasons.csv", "rows.csv"]
    assert found["rows.csv"] == (
        b'id,n,day\r\nx7,"b\r\nc",2024-01-02\r\n2,abcde,2024-13-02\r\n4,5",\r\n'
    )
    reasons = list(csv.reader(io.StringIO(found["reasons.csv"].decode())))
    assert [row[:3] for row in reasons[1:]] == [
        ["3", "id", "x7"],
        ["5", "n", "abcde"],
        ["5", "day", "2024-13-02"],
        ["8", "", ""],
    ]

    corrected = found["rows.csv"].replace(b"x7", b"7").replace(b"abcde", b"abc")
    corrected = corrected.replace(b"-13-", b"-12-").replace(b'5"', b"5")
    again = lake.drop(f"dev/append/{table}/a.csv", corrected, table)
    assert (again["status"], again["rows_loaded"]) == ("loaded", 3)
    assert "rows_quarantined" not in again
    assert lake.count(table) == 6
