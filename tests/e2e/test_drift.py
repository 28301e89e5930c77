"""A table altered outside of the pipeline: loads report the difference, and succeed once schema
file and table match again.
"""

from __future__ import annotations

from tests.e2e.conftest import Lake, columns

ONE_ROW = "id,name\n1,a\n"


def test_a_load_into_an_altered_table_names_the_difference_and_succeeds_after_a_matching_schema_file(
    lake: Lake,
) -> None:
    table = lake.table("drift")
    pairs = (("id", "BIGINT"), ("name", "VARCHAR(20)"))
    lake.drop(f"dev/schema/{table}/s.json", columns(*pairs))
    assert lake.drop(f"dev/append/{table}/x.csv", ONE_ROW)["status"] == "loaded"
    lake.client.sql("dev", f"ALTER TABLE {table} ADD COLUMN note DATE")

    for action in ("append", "truncate"):
        entry = lake.drop(f"dev/{action}/{table}/{action}.csv", ONE_ROW)
        assert (entry["status"], entry["error"]["type"]) == ("failed", "TableDriftError")
        assert entry["error"]["details"] == [
            "column 'note' is in the table, but not in the schema file"
        ]
        assert (
            "upload a schema file that describes the table as it is now"
            in entry["error"]["message"]
        )
        assert entry["redshift_table_exists"] is True
    assert lake.count(table) == 1

    applied = lake.drop(f"dev/schema/{table}/s.json", columns(*pairs, ("note", "DATE")))
    assert (applied["status"], applied.get("statements", [])) == ("applied", [])
    assert (
        lake.drop(f"dev/append/{table}/y.csv", "id,name,note\n2,b,2026-11-22\n")["status"]
        == "loaded"
    )
    assert lake.count(table) == 2


def test_a_load_succeeds_after_the_change_was_undone(lake: Lake) -> None:
    table = lake.table("undo")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "BIGINT"), ("name", "VARCHAR(20)")))
    lake.client.sql("dev", f"ALTER TABLE {table} RENAME COLUMN name TO title")
    entry = lake.drop(f"dev/append/{table}/x.csv", ONE_ROW)
    assert "column 'name' seems to have been renamed to 'title'" in entry["error"]["message"]

    lake.client.sql("dev", f"ALTER TABLE {table} RENAME COLUMN title TO name")
    assert lake.drop(f"dev/append/{table}/x.csv", ONE_ROW)["status"] == "loaded"


def test_a_table_that_somebody_renamed_is_found_under_its_new_name(lake: Lake) -> None:
    table = lake.table("renamed")
    lake.drop(f"dev/schema/{table}/s.json", columns(("id", "BIGINT"), ("name", "VARCHAR(20)")))
    lake.client.sql("dev", f"ALTER TABLE {table} RENAME TO {table}_2025")

    entry = lake.drop(f"dev/append/{table}/x.csv", ONE_ROW)

    assert (entry["status"], entry["error"]["type"]) == ("failed", "MissingTableError")
    assert f"public.{table}_2025" in entry["error"]["message"]
    assert "Rename it back" in entry["error"]["message"]
