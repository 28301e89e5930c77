"""Loads of big tables: statistics, VACUUM and ANALYZE after a large truncate, and warnings of data files."""

from __future__ import annotations

from typing import Any

import pytest

from etl_core.model.errors import (
    CopyRefusedError,
    EtlError,
    LoadFailedError,
    LoadTimeoutError,
)
from etl_core.model.status import Status
from etl_core.sql import describe_sql
from tests.builders import a_schema_file
from tests.etl_core.in_memory_pipeline import InMemoryPipeline

NEW = b"id,name\n7,x\n"
VACUUM, ANALYZE = 'VACUUM DELETE ONLY "public"."t"', 'ANALYZE "public"."t"'


@pytest.fixture
def pipeline(pipeline: InMemoryPipeline) -> InMemoryPipeline:
    """The table has two rows, which are many."""
    pipeline.settings = {"maintenance_min_rows": 2}
    pipeline.seconds = 60.0
    return pipeline


def test_a_large_truncate_refreshes_statistics_and_is_followed_by_vacuum_and_analyze(
    pipeline: InMemoryPipeline,
) -> None:
    outcome = pipeline.drop("dev/truncate/t/new.csv", NEW)

    assert (outcome.status, outcome.warnings) == (Status.LOADED, ())
    assert outcome.statements[-2:] == (VACUUM, ANALYZE)
    assert describe_sql(pipeline.warehouse.copies[-1]).endswith("COMPUPDATE OFF STATUPDATE ON")
    log = pipeline.warehouse.log
    assert log.index("AUTOCOMMIT") > log.index("COMMIT")
    assert log.count("AUTOCOMMIT") == 2


@pytest.mark.parametrize("least", [3, 0], ids=["too few rows", "turned off"])
def test_a_small_truncate_is_only_loaded(pipeline: InMemoryPipeline, least: int) -> None:
    pipeline.settings = {"maintenance_min_rows": least}

    outcome = pipeline.drop("dev/truncate/t/new.csv", NEW)

    assert outcome.status is Status.LOADED
    assert "AUTOCOMMIT" not in pipeline.warehouse.log
    assert "STATUPDATE" not in describe_sql(pipeline.warehouse.copies[-1])
    assert pipeline.answers.written == {}


def test_an_append_is_only_loaded(pipeline: InMemoryPipeline) -> None:
    pipeline.drop("dev/append/t/more.csv", b"id,name\n3,a\n4,a\n5,a\n")

    assert "AUTOCOMMIT" not in pipeline.warehouse.log
    assert "STATUPDATE" not in describe_sql(pipeline.warehouse.copies[-1])


def test_the_upload_has_its_answer_before_the_vacuum_begins(pipeline: InMemoryPipeline) -> None:
    answered: list[set[str]] = []
    pipeline.warehouse.hook = lambda word, _: (
        answered.append(set(pipeline.answers.written)) if word == "AUTOCOMMIT" else None
    )

    pipeline.drop("dev/truncate/t/new.csv", NEW)

    assert answered == [{"dev/truncate/t/new.csv"}] * 2
    assert pipeline.answers.written["dev/truncate/t/new.csv"].status is Status.LOADED


@pytest.mark.parametrize(
    "error", [LoadFailedError("VACUUM is running"), LoadTimeoutError("canceling statement")]
)
def test_a_failed_vacuum_is_a_warning_and_the_upload_is_loaded(
    pipeline: InMemoryPipeline, error: EtlError
) -> None:
    pipeline.on("AUTOCOMMIT", error)

    outcome = pipeline.drop("dev/truncate/t/new.csv", NEW)

    assert outcome.status is Status.LOADED
    assert outcome.statements[-1] == ANALYZE
    [warning] = [each.message for each in outcome.warnings]
    assert f"{VACUUM} failed: {error.message}" in warning
    assert pipeline.warehouse.table("t") == [["7", "x"]]
    assert [each["message"] for each in outcome.to_task_output()["warnings"]] == [warning]


def test_other_pending_uploads_go_before_the_vacuum(pipeline: InMemoryPipeline) -> None:
    """A file that is too large to load along, so it waits for the table."""
    truncate = pipeline.put("dev/truncate/t/new.csv", NEW)
    waiting = pipeline.put("dev/append/t/large.csv", b"id,name\n8,y\n", size=1 << 40)
    pipeline.backlog.note(waiting)

    outcome = pipeline.load(truncate)

    assert outcome.status is Status.LOADED
    assert "AUTOCOMMIT" not in pipeline.warehouse.log
    [warning] = [each.message for each in outcome.warnings]
    assert "other uploads wait for the table" in warning


def test_a_late_truncate_that_reloads_appends_has_fresh_statistics_in_the_last_copy_only(
    pipeline: InMemoryPipeline,
) -> None:
    truncate = pipeline.put("dev/truncate/t/new.csv", NEW)
    pipeline.drop("dev/append/t/gz.csv", b"name,id\nb,9\n")

    pipeline.warehouse.copies.clear()
    pipeline.load(truncate)

    texts = [describe_sql(copy) for copy in pipeline.warehouse.copies]
    assert len(texts) == 2
    assert ["STATUPDATE ON" in text for text in texts] == [False, True]


def test_a_refused_copy_with_fresh_statistics_is_still_explained(
    pipeline: InMemoryPipeline,
) -> None:
    """The refused COPY is found although it is not the one that was planned."""
    pipeline.on("COPY", CopyRefusedError("Load into table 't' failed"))

    outcome = pipeline.drop("dev/truncate/t/new.csv", NEW)

    assert outcome.status is Status.FAILED
    assert "AUTOCOMMIT" not in pipeline.warehouse.log
    assert pipeline.warehouse.table("t") == [["1", "a"], ["2", "b"]]


# Warnings and intervals of data files


def test_a_column_of_an_unknown_type_is_a_warning_of_every_load(pipeline: InMemoryPipeline) -> None:
    rows: list[Any] = pipeline.warehouse.states["dev"].catalog["public", "t"]
    rows[1]._mapping["type_text"] = "polygon"

    outcome = pipeline.drop("dev/append/t/more.csv", b"id,name\n3,c\n")

    assert outcome.status is Status.LOADED
    [warning] = [each.message for each in outcome.warnings]
    assert warning.startswith("column 'name' has the type 'polygon'")


@pytest.mark.parametrize(
    ("of_file", "of_stack", "seconds"),
    [
        ({}, 0, None),
        ({}, 60, 60),
        ({"load_interval_seconds": 300}, 60, 300),
        ({"load_interval_seconds": 0}, 60, None),
    ],
)
def test_the_outcome_of_a_loaded_file_has_the_interval_to_the_next_load(
    of_file: dict[str, Any], of_stack: int, seconds: int | None
) -> None:
    pipeline = InMemoryPipeline()
    pipeline.settings = {"load_interval_seconds": of_stack}
    schema = pipeline.drop("dev/schema/u/s.json", a_schema_file(**of_file))

    loaded = pipeline.drop("dev/append/u/a.csv", b"id,name\n1,a\n")
    refused = pipeline.drop("dev/append/u/b.csv", b"id,other\n1,a\n")

    assert loaded.load_interval_seconds == seconds
    assert loaded.to_task_output().get("load_interval_seconds") == seconds
    assert (schema.load_interval_seconds, refused.load_interval_seconds) == (None, None)
