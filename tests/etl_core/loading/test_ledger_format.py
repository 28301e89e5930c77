"""Ledgers from before the column `format_version`: the first load adds it, and older functions go on."""

from __future__ import annotations

import pytest

from etl_core.loading.ledger import ledger_table, parse_row, select_rows
from etl_core.model.errors import ConnectionLostError
from etl_core.model.names import LEDGER_SCHEMA
from etl_core.model.status import Status
from etl_core.recovery.read_ledgers import PAGE, read_versions, select_page
from etl_core.recovery.tables_requests import VersionQuery
from tests.builders import TABLE, a_column
from tests.etl_core.in_memory_pipeline import InMemoryPipeline
from tests.etl_core.live import LiveTable
from tests.etl_core.live_pipeline import LivePipeline

LEDGER = ledger_table(TABLE)
ID, NAME = a_column("id", "BIGINT"), a_column("name", "VARCHAR(10)")
OLD_COLUMNS = "upload_id, action, landed_at, sequencer, s3_key, version_id, status, rows_loaded, loaded_at, schema_file"
CREATE_OLD = (
    "CREATE TABLE etl_ledger.public__t (upload_id VARCHAR(32) NOT NULL, action VARCHAR(16) NOT NULL, "
    "landed_at TIMESTAMP NOT NULL, sequencer VARCHAR(64) NOT NULL, s3_key VARCHAR(1024) NOT NULL, "
    "version_id VARCHAR(1024) NOT NULL, status VARCHAR(16) NOT NULL, rows_loaded BIGINT, "
    "loaded_at TIMESTAMP NOT NULL, schema_file VARCHAR(65535))"
)
"""The ledger as the loader created it until the column was introduced."""


@pytest.fixture
def old(live: LiveTable) -> LivePipeline:
    """A table t with a ledger of format 1, which holds its schema file."""
    pipeline = LivePipeline(live)
    pipeline.drop(ID, NAME)
    live.run(f"CREATE TABLE etl_ledger.kept AS SELECT {OLD_COLUMNS} FROM etl_ledger.public__t")
    live.run("DROP TABLE etl_ledger.public__t")
    live.run(CREATE_OLD)
    live.run(
        f"INSERT INTO etl_ledger.public__t ({OLD_COLUMNS}) SELECT {OLD_COLUMNS} FROM etl_ledger.kept"
    )
    return pipeline


def formats(live: LiveTable) -> list[int | None]:
    rows = live.autocommit.exec_driver_sql(
        "SELECT format_version FROM etl_ledger.public__t ORDER BY landed_at"
    )
    return [row[0] for row in rows]


def columns(live: LiveTable) -> list[str]:
    rows = live.autocommit.exec_driver_sql("SELECT * FROM etl_ledger.public__t")
    return list(rows.keys())


def test_a_new_ledger_has_the_column(live: LiveTable) -> None:
    LivePipeline(live).drop(ID, NAME)

    assert formats(live) == [2]


def test_the_first_load_adds_the_column_in_its_own_transaction(old: LivePipeline) -> None:
    assert old.again().status is Status.DUPLICATE
    assert "format_version" not in columns(old.live)

    assert old.drop(ID, NAME, a_column("more")).status is Status.APPLIED
    assert formats(old.live) == [None, 2]
    assert old.drop(ID, NAME, a_column("more")).status is Status.UNCHANGED
    assert formats(old.live) == [None, 2, 2]


def test_a_crash_before_the_commit_leaves_the_ledger_as_it_was(old: LivePipeline) -> None:
    def crash(step: str) -> None:
        if step == "COMMIT":
            raise ConnectionLostError("the connection broke")

    old.warehouse.before = crash
    with pytest.raises(ConnectionLostError):
        old.drop(ID, NAME, a_column("more"))
    old.warehouse.before = lambda step: None

    assert "format_version" not in columns(old.live)
    assert old.again().status is Status.APPLIED


def test_an_older_function_writes_and_reads_the_ledger_after_the_change(
    old: LivePipeline,
) -> None:
    """It names its columns, in INSERT and in SELECT."""
    old.drop(ID, NAME, a_column("more"))
    old.live.run(
        f"INSERT INTO etl_ledger.public__t ({OLD_COLUMNS}) VALUES ('{'0' * 32}', 'append', "
        "'2026-11-22 13:00:00', '01', 'dev/append/t/old.csv', 'v9', 'loaded', 3, '2026-11-22 13:00:00', NULL)"
    )

    names = old.live.autocommit.exec_driver_sql(f"SELECT {OLD_COLUMNS} FROM etl_ledger.public__t")
    assert len(names.fetchall()) == 3
    assert formats(old.live) == [None, 2, None]
    assert old.drop(ID, NAME, a_column("more")).status is Status.UNCHANGED


def test_recovery_reads_both_formats(old: LivePipeline) -> None:
    def pages() -> list[str]:
        rows = old.live.autocommit.execute(select_page("public__t", "")).fetchall()
        return [parse_row(row).s3_key for row in rows]

    before = pages()
    query = VersionQuery(TABLE, (old.upload.version_id or "",), ())
    found = read_versions([query], old.warehouse, 60)
    old.drop(ID, NAME, a_column("more"))

    assert len(found.rows) == 1
    assert before == ["dev/schema/t/s.json"]
    assert len(pages()) == 2 <= PAGE
    assert len(old.live.autocommit.execute(select_rows(LEDGER)).fetchall()) == 2


def test_a_data_file_adds_the_column_too(pipeline: InMemoryPipeline) -> None:
    for row in pipeline.warehouse.ledger("public__t"):
        del row["format_version"], row["rows_quarantined"]
    catalog = pipeline.warehouse.states["dev"].catalog[LEDGER_SCHEMA, "public__t"]
    del catalog[-2:]

    pipeline.drop("dev/append/t/a.csv", b"id,name\n3,c\n")
    assert pipeline.warehouse.log[-4:] == ["ADD COLUMN", "ADD COLUMN", "INSERT LEDGER", "COMMIT"]

    pipeline.drop("dev/append/t/b.csv", b"id,name\n4,d\n")
    assert "ADD COLUMN" not in pipeline.warehouse.log
    assert [row["format_version"] for row in pipeline.warehouse.ledger("public__t")] == [
        None, None, 2, 2,
    ]  # fmt: skip


def test_a_ledger_of_a_later_format_stops_the_load_with_the_fix(
    pipeline: InMemoryPipeline,
) -> None:
    pipeline.warehouse.ledger("public__t")[0]["format_version"] = 4

    outcome = pipeline.drop("dev/append/t/a.csv", b"id,name\n3,c\n")

    assert outcome.status is Status.FAILED
    assert outcome.error is not None
    assert "Deploy the later version again" in outcome.error.message
