"""Staging tables: their SQL, and that it runs in the emulator."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from etl_core.loading.staging import (
    KEEP_FOR,
    drop_staging,
    left_behind,
    move_rows,
    plan_staging,
    select_count,
    select_staging_tables,
)
from etl_core.model.long_copy import staging_name
from etl_core.schema_files.tables import table_of_schema_file
from etl_core.sql import CopyCsv, CopySource, describe_sql, render_sql
from tests.builders import NOON, TABLE, a_column, a_spec, an_upload
from tests.etl_core.live import LiveTable

UPLOAD_ID = an_upload().upload_id
NAME = staging_name(NOON, UPLOAD_ID, "0a1b2c3d", 0)
COLUMNS = (
    a_column("id", "BIGINT", nullable=False),
    a_column("name", "VARCHAR(20)"),
    a_column("kind", "VARCHAR(9)", default="new"),
)


def a_command(*columns: str, **schema: object) -> CopyCsv:
    target = table_of_schema_file(a_spec(*COLUMNS, **schema), TABLE)
    source = CopySource(
        manifest_url="s3://bucket/manifests/50%.json", role_arn="arn:role", compression="GZIP",
        delimiter="|", quote='"', null_as="\\N", date_format="auto", time_format="auto", encoding="UTF8",
    )  # fmt: skip
    return CopyCsv(target, columns or ("name", "id"), source)


def test_a_staging_table_has_the_columns_of_the_files_in_their_order() -> None:
    planned = plan_staging(NAME, [UPLOAD_ID], a_command())
    assert " ".join(planned.create.split()) == (
        f'CREATE TABLE "etl_ledger"."{NAME}" ( "name" VARCHAR(20), "id" BIGINT NOT NULL ) DISTSTYLE EVEN'
    )
    assert planned.copy.startswith(f'COPY "etl_ledger"."{NAME}" ("name", "id") FROM ')
    assert "'s3://bucket/manifests/50%.json'" in planned.copy
    assert "NULL AS '\\\\N'" in planned.copy
    assert planned.upload_ids == (UPLOAD_ID,)


def test_a_staging_table_is_distributed_like_its_target_and_not_sorted() -> None:
    with_key = plan_staging(NAME, [], a_command(distkey="id", sortkey=["id"]))
    assert with_key.create.endswith('DISTKEY ("id")') or 'DISTKEY ("id")' in with_key.create
    assert "SORTKEY" not in with_key.create
    assert "DISTKEY" not in plan_staging(NAME, [], a_command("name", distkey="id")).create


def test_the_text_of_a_statement_is_not_changed_for_the_log() -> None:
    command = a_command()
    assert render_sql(command) == describe_sql(command)
    spaced = CopyCsv(command.table, ("a\u2028b",), command.source)
    assert "a\u2028b" in render_sql(spaced)


@pytest.fixture
def ledger_schema(live: LiveTable) -> None:
    live.run("CREATE SCHEMA IF NOT EXISTS etl_ledger")
    live.run(f"DROP TABLE IF EXISTS etl_ledger.{NAME}")


def test_the_rows_are_moved_with_the_defaults_of_the_target(
    live: LiveTable, ledger_schema: None
) -> None:
    command = a_command()
    live.create(command.table, [{"id": 1, "name": "old"}])
    live.run(plan_staging(NAME, [UPLOAD_ID], command).create)
    live.run(f"INSERT INTO etl_ledger.{NAME} VALUES ('a', 2), (NULL, 3)")
    connection = live.autocommit
    assert connection.execute(select_count(NAME, command)).scalar_one() == 2
    assert connection.execute(move_rows(NAME, command)).rowcount == 2
    assert live.rows(["id", "name", "kind"]) == [
        (1, "old", "new"),
        (2, "a", "new"),
        (3, None, "new"),
    ]
    assert list(connection.execute(select_staging_tables()).scalars()) == [NAME]
    connection.execute(drop_staging(NAME))
    connection.execute(drop_staging(NAME))
    assert list(connection.execute(select_staging_tables()).scalars()) == []


def test_a_staging_table_refuses_a_null_as_its_target_does(
    live: LiveTable, ledger_schema: None
) -> None:
    live.run(plan_staging(NAME, [UPLOAD_ID], a_command()).create)
    with pytest.raises(sa.exc.IntegrityError, match="Cannot insert a NULL value into column"):
        live.run(f"INSERT INTO etl_ledger.{NAME} VALUES ('a', NULL)")


def test_a_staging_table_is_left_behind_after_three_days() -> None:
    others = ["public__t", "staging_area", "staging_20261122120000_x"]
    assert left_behind([NAME, *others], NOON + KEEP_FOR + timedelta(seconds=1)) == [NAME]
    assert left_behind([NAME, *others], NOON + KEEP_FOR) == []
