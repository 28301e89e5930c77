"""Long loads: copy into a staging table without a lock, then move in a short transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from etl_core.model.errors import (
    CopyRefusedError,
    LoadErrorLine,
    LoadFailedError,
    LoadTimeoutError,
    LockConflictError,
    ThrottledError,
)
from etl_core.model.long_copy import (
    MAX_ATTEMPTS,
    MAX_STATE_BYTES,
    STATEMENTS_PER_TABLE,
    LongCopy,
    LongCopyResult,
    LongCopyStatus,
    staging_name,
)
from etl_core.model.names import LEDGER_SCHEMA
from etl_core.model.retry_policies import MAX_WAIT_ATTEMPTS
from etl_core.model.status import Status
from etl_core.sql import VALUE_SETTINGS
from tests.builders import NOON, a_column, a_schema_file
from tests.etl_core.fake_data_api import LongLoads
from tests.etl_core.in_memory_pipeline import ROWS, InMemoryPipeline

BIG = "dev/append/t/big.csv"
CONTENT = b"id,name\n3,c\n4,d\n"
FIRST_COPY = len(VALUE_SETTINGS) + 2
"""The number of the statement that copies into the first staging table."""


@pytest.fixture
def long_loads(pipeline: InMemoryPipeline) -> LongLoads:
    return LongLoads(pipeline)


def ended(status: LongCopyStatus, error: str = "") -> Callable[[LongCopy], LongCopy]:
    """Return a step that ends a copy in this way."""
    return lambda copy: copy.submitted("id").ended(LongCopyResult(status, error, 7, NOON))


def test_a_long_load_moves_the_rows_of_its_staging_table(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    outcome = long_loads.load(pipeline.put(BIG, CONTENT))

    assert (outcome.status, outcome.rows_loaded) == (Status.LOADED, 2)
    assert pipeline.warehouse.table("t") == [*ROWS, ["3", "c"], ["4", "d"]]
    assert len(pipeline.warehouse.ledger("public__t")) == 3
    assert long_loads.staging == []
    [copied, moved] = outcome.statements
    assert copied.startswith('COPY "etl_ledger"."staging_')
    assert moved.startswith('INSERT INTO "public"."t" ("id", "name") SELECT')


def test_planning_a_long_load_changes_nothing_and_keeps_no_lock(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    pipeline.warehouse.log.clear()
    planned = long_loads.step(pipeline.put(BIG, CONTENT), None)

    assert isinstance(planned, LongCopy)
    assert (planned.attempt, planned.statement_id, planned.result) == (1, None, None)
    assert pipeline.warehouse.table("t") == ROWS
    log = pipeline.warehouse.log
    assert "COMMIT" not in log[: log.index("ROLLBACK")]
    assert not {"COPY", "MOVE", "INSERT LEDGER", "CREATE TABLE"} & set(log)


def test_dates_and_times_of_a_long_load_are_read_as_everywhere(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    planned = long_loads.step(pipeline.put(BIG, CONTENT), None)

    assert isinstance(planned, LongCopy)
    assert planned.statements[:2] == ("SET timezone TO 'UTC'", "SET datestyle TO 'ISO, MDY'")
    assert planned.statements[FIRST_COPY - 1].startswith("COPY ")


def test_a_file_below_the_limit_is_loaded_at_once(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    long_loads.long_load_bytes = len(CONTENT) + 1
    assert long_loads.load(pipeline.put(BIG, CONTENT)).status is Status.LOADED
    assert long_loads.copies == []
    long_loads.long_load_bytes = len(CONTENT)
    assert long_loads.load(pipeline.put(BIG, CONTENT + b"5,e\n")).status is Status.LOADED
    assert len(long_loads.copies) == 1


def test_without_the_setting_or_an_old_caller_nothing_is_long(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    long_loads.long_load_bytes = 0
    assert long_loads.load(pipeline.put(BIG, CONTENT)).status is Status.LOADED
    assert pipeline.load(pipeline.put("dev/append/t/b.csv", CONTENT)).status is Status.LOADED
    assert long_loads.copies == []


def test_a_load_that_runs_out_of_time_goes_the_long_way(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    long_loads.long_load_bytes = 1 << 40
    pipeline.on("COPY", LoadTimeoutError("too slow"))
    outcome = long_loads.load(pipeline.put(BIG, CONTENT))

    assert (outcome.status, outcome.rows_loaded) == (Status.LOADED, 2)
    assert len(long_loads.copies) == 1


def test_an_old_caller_learns_that_the_time_ran_out(pipeline: InMemoryPipeline) -> None:
    pipeline.on("COPY", LoadTimeoutError("too slow"))
    outcome = pipeline.load(pipeline.put(BIG, CONTENT))
    assert outcome.status is Status.FAILED
    assert outcome.error is not None
    assert outcome.error.type == "LoadTimeoutError"


def test_a_move_that_runs_out_of_time_fails(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    pipeline.on("MOVE", LoadTimeoutError("too slow"))
    outcome = long_loads.load(pipeline.put(BIG, CONTENT))
    assert outcome.status is Status.FAILED
    assert outcome.error is not None
    assert outcome.error.type == "LoadTimeoutError"
    assert pipeline.warehouse.table("t") == ROWS
    assert long_loads.staging == []


# Other uploads during the copy


def test_an_append_during_the_copy_is_loaded_first(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    def append(copy: LongCopy) -> LongCopy:
        assert pipeline.drop("dev/append/t/other.csv", b"id,name\n9,z\n").status is Status.LOADED
        return copy

    long_loads.before_copy = append
    long_loads.load(pipeline.put(BIG, CONTENT))
    assert pipeline.warehouse.table("t") == [*ROWS, ["9", "z"], ["3", "c"], ["4", "d"]]


def test_a_later_truncate_during_the_copy_makes_it_void(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    upload = pipeline.put(BIG, CONTENT)

    def truncate(copy: LongCopy) -> LongCopy:
        assert pipeline.drop("dev/truncate/t/all.csv", b"id,name\n9,z\n").status is Status.LOADED
        return copy

    long_loads.after_copy = truncate
    outcome = long_loads.load(upload)
    assert outcome.status is Status.SUPERSEDED
    assert pipeline.warehouse.table("t") == [["9", "z"]]
    assert long_loads.staging == []


def test_another_execution_of_the_same_upload_wins_and_the_rows_count_once(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    upload = pipeline.put(BIG, CONTENT)
    other = LongLoads(pipeline)

    def race(copy: LongCopy) -> LongCopy:
        long_loads.after_copy = lambda copy: copy
        assert other.load(upload).status is Status.LOADED
        assert long_loads.staging == [copy.tables[0].name]
        return copy

    long_loads.after_copy = race
    outcome = long_loads.load(upload)
    assert outcome.status is Status.DUPLICATE
    assert pipeline.warehouse.table("t") == [*ROWS, ["3", "c"], ["4", "d"]]
    assert long_loads.staging == []


def test_a_late_truncate_that_is_long_loads_later_appends_again(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    truncate = pipeline.put("dev/truncate/t/all.csv", b"id,name\n7,x\n")
    pipeline.drop("dev/append/t/later.csv", b"id,name\n8,y\n")

    def append(copy: LongCopy) -> LongCopy:
        pipeline.drop("dev/append/t/latest.csv", b"id,name\n9,z\n")
        return copy

    long_loads.before_copy = append
    outcome = long_loads.load(truncate)
    assert (outcome.status, outcome.rows_loaded) == (Status.LOADED, 1)
    assert pipeline.warehouse.table("t") == [["7", "x"], ["8", "y"], ["9", "z"]]
    # The first two were staged; the one that came during the copy was copied by the move.
    [copy] = long_loads.copies
    assert sum(len(table.upload_ids) for table in copy.tables) == 2


def test_a_schema_change_during_the_copy_starts_over(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    upload = pipeline.put(BIG, CONTENT)

    def rename(copy: LongCopy) -> LongCopy:
        long_loads.after_copy = lambda copy: copy
        columns = [a_column("id"), a_column("title", "VARCHAR(20)", renamed_from="name")]
        changed = a_schema_file(*columns, schema_version="2")
        schema_file = pipeline.put("dev/schema/t/v2.json", changed)
        assert pipeline.load(schema_file, MAX_WAIT_ATTEMPTS).status is Status.APPLIED
        catalog = pipeline.warehouse.states["dev"].catalog["public", "t"]
        catalog[1]._mapping["attname"] = "title"
        return copy

    long_loads.after_copy = rename
    outcome = long_loads.load(upload)
    assert outcome.status is Status.LOADED
    assert [copy.attempt for copy in long_loads.copies] == [1, 2]
    assert '"title"' in long_loads.copies[1].tables[0].create
    assert long_loads.staging == []


def test_a_file_that_was_overwritten_during_the_copy_starts_over_from_a_pinned_copy(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    upload = pipeline.put(BIG, CONTENT)

    def overwrite(copy: LongCopy) -> LongCopy:
        long_loads.before_copy = lambda copy: copy
        pipeline.put(BIG, b"id,name\n666,bad\n")
        return copy

    long_loads.before_copy = overwrite
    outcome = long_loads.load(upload)
    assert (outcome.status, outcome.rows_loaded) == (Status.LOADED, 2)
    assert pipeline.warehouse.table("t") == [*ROWS, ["3", "c"], ["4", "d"]]
    assert pipeline.store.pinned
    assert long_loads.staging == []


# Failures


def refused(copy: LongCopy) -> LongCopy:
    error = f"Query #{FIRST_COPY} failed with ERROR: Load into table 'staging' failed."
    return copy.submitted("id").ended(LongCopyResult(LongCopyStatus.FAILED, error, 7, NOON))


def test_a_refused_copy_is_explained_like_any_other(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    lines = [LoadErrorLine("big.csv", 2, "id", "int4", 1207, "Invalid digit")]
    pipeline.warehouse.failure = CopyRefusedError("refused", lines)
    long_loads.before_copy = refused
    outcome = long_loads.load(pipeline.put(BIG, b"id,name\nx,c\n"))

    assert outcome.status is Status.REJECTED
    assert outcome.error is not None
    assert outcome.error.type == "CopyRefusedError"
    assert "line 2" in outcome.error.message
    assert "'x'" in outcome.error.message
    assert pipeline.warehouse.table("t") == ROWS
    assert len(long_loads.copies) == 1


def test_a_refused_append_that_a_truncate_loads_again_is_named(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    truncate = pipeline.put("dev/truncate/t/all.csv", b"id,name\n7,x\n")
    pipeline.drop("dev/append/t/later.csv", b"id,name\n8,y\n")
    lines = [LoadErrorLine("later.csv", 2, "id", "int4", 1207, "Invalid digit")]
    pipeline.warehouse.failure = CopyRefusedError("refused", lines)
    long_loads.before_copy = lambda copy: replace(
        refused(copy),
        result=LongCopyResult(
            LongCopyStatus.FAILED,
            f"Query #{FIRST_COPY + STATEMENTS_PER_TABLE} failed with ERROR: Load into table",
            7,
            NOON,
        ),
    )
    outcome = long_loads.load(truncate)
    assert outcome.status is Status.FAILED
    assert outcome.error is not None
    assert "dev/append/t/later.csv" in outcome.error.message


@pytest.mark.parametrize("error", [LoadFailedError("disk full"), CopyRefusedError("no number")])
def test_another_error_of_the_copy_is_the_outcome(
    pipeline: InMemoryPipeline, long_loads: LongLoads, error: LoadFailedError
) -> None:
    pipeline.warehouse.failure = error
    long_loads.before_copy = ended(LongCopyStatus.FAILED, "ERROR: something")
    outcome = long_loads.load(pipeline.put(BIG, CONTENT))
    assert outcome.status is Status.FAILED
    assert outcome.error is not None
    assert outcome.error.message == error.message


def test_a_transient_error_of_the_copy_starts_over_a_few_times(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    pipeline.warehouse.failure = ThrottledError("S3 returned SlowDown")
    long_loads.before_copy = ended(LongCopyStatus.FAILED, "ERROR: SlowDown")
    outcome = long_loads.load(pipeline.put(BIG, CONTENT))
    assert outcome.status is Status.FAILED
    assert outcome.error is not None
    assert "S3 returned SlowDown" in outcome.error.message
    assert (
        [copy.attempt for copy in long_loads.copies] == [1, 2, 3] == [*range(1, MAX_ATTEMPTS + 1)]
    )


def test_a_lost_copy_starts_over(pipeline: InMemoryPipeline, long_loads: LongLoads) -> None:
    def lose(copy: LongCopy) -> LongCopy:
        long_loads.before_copy = lambda copy: copy
        return copy.ended(LongCopyResult(LongCopyStatus.LOST, "Lambda.Unknown"))

    long_loads.before_copy = lose
    assert long_loads.load(pipeline.put(BIG, CONTENT)).status is Status.LOADED
    first, second = long_loads.copies
    assert (first.attempt, second.attempt) == (1, 2)
    assert first.tables[0].name != second.tables[0].name


def test_a_cancelled_copy_fails_and_says_so(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    long_loads.before_copy = ended(LongCopyStatus.ABORTED, "Query cancelled on user's request")
    outcome = long_loads.load(pipeline.put(BIG, CONTENT))
    assert outcome.status is Status.FAILED
    assert outcome.error is not None
    assert "cancelled on user's request" in outcome.error.message
    assert len(long_loads.copies) == 1


@pytest.mark.parametrize("damage", ["dropped", "another count"])
def test_a_staging_table_that_was_touched_is_not_used(
    pipeline: InMemoryPipeline, long_loads: LongLoads, damage: str
) -> None:
    def touch(copy: LongCopy) -> LongCopy:
        long_loads.after_copy = lambda copy: copy
        rows = pipeline.warehouse.states["dev"].rows
        if damage == "dropped":
            del rows[LEDGER_SCHEMA, copy.tables[0].name]
        else:
            rows[LEDGER_SCHEMA, copy.tables[0].name].append(["666", "bad"])
        return copy

    long_loads.after_copy = touch
    assert long_loads.load(pipeline.put(BIG, CONTENT)).status is Status.LOADED
    assert pipeline.warehouse.table("t") == [*ROWS, ["3", "c"], ["4", "d"]]
    assert len(long_loads.copies) == 2


def test_a_retryable_error_of_the_move_keeps_the_staging_table_for_the_next_try(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    upload = pipeline.put(BIG, CONTENT)
    planned = long_loads.step(upload, None)
    assert isinstance(planned, LongCopy)
    copy = long_loads.run(planned)
    pipeline.on("LOCK", LockConflictError("locked"))
    with pytest.raises(LockConflictError):
        long_loads.step(upload, copy)
    assert long_loads.staging == [copy.tables[0].name]
    outcome = long_loads.step(upload, copy)
    assert not isinstance(outcome, LongCopy)
    assert outcome.status is Status.LOADED
    again = long_loads.step(upload, copy)
    assert not isinstance(again, LongCopy)
    assert again.status is Status.DUPLICATE
    assert pipeline.warehouse.table("t") == [*ROWS, ["3", "c"], ["4", "d"]]


def test_a_table_that_cannot_be_dropped_changes_no_outcome_and_is_dropped_later(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    long_loads.after_copy = lambda copy: pipeline.on("DROP STAGING", LockConflictError("x")) or copy
    assert long_loads.load(pipeline.put(BIG, CONTENT)).status is Status.LOADED
    assert len(long_loads.staging) == 1
    old = staging_name(NOON.replace(month=10), "0" * 32, "0" * 8, 0)
    pipeline.warehouse.states["dev"].rows[LEDGER_SCHEMA, old] = []
    kept = long_loads.staging[0]
    long_loads.after_copy = lambda copy: copy
    long_loads.load(pipeline.put("dev/append/t/next.csv", CONTENT))
    assert long_loads.staging == [kept]


def test_a_statement_that_the_data_api_does_not_take_is_loaded_at_once(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    names = [f"column_{number:04d}_" + "x" * 100 for number in range(1000)]
    assert sum(map(len, names)) > MAX_STATE_BYTES
    wide = a_schema_file(*(a_column(name) for name in names))
    assert pipeline.drop("dev/schema/wide/s.json", wide).status is Status.APPLIED
    content = (",".join(names) + "\n" + ",".join("1" for _ in names) + "\n").encode()
    outcome = long_loads.load(pipeline.put("dev/append/wide/a.csv", content))
    assert (outcome.status, outcome.rows_loaded) == (Status.LOADED, 1)
    assert long_loads.copies == []


def test_the_duration_includes_the_copy(pipeline: InMemoryPipeline, long_loads: LongLoads) -> None:
    long_loads.after_copy = lambda copy: replace(copy, planned_at=NOON.replace(hour=9))
    assert long_loads.load(pipeline.put(BIG, CONTENT)).duration_ms == 3 * 3600 * 1000


def keyed(pipeline: InMemoryPipeline) -> None:
    allowed = ["append", "truncate", "upsert", "schema"]
    spec = a_schema_file(primary_key=["id"], allowed_operations=allowed)
    assert pipeline.drop("dev/schema/k/s.json", spec).status is Status.APPLIED


@pytest.mark.parametrize("action", ["append", "upsert"])
def test_a_long_load_before_a_loaded_upsert_gives_the_table_of_the_arrival_order(
    pipeline: InMemoryPipeline, long_loads: LongLoads, action: str
) -> None:
    keyed(pipeline)
    pipeline.drop("dev/append/k/0.csv", b"id,name\n5,old\n")
    late = pipeline.put(f"dev/{action}/k/big.csv", b"id,name\n4,late\n5,late\n6,late\n")
    pipeline.drop("dev/append/k/1.csv", b"id,name\n5,after\n")
    pipeline.drop("dev/upsert/k/2.csv", b"id,name\n6,last\n")

    outcome = long_loads.load(late)

    assert (outcome.status, outcome.rows_loaded, len(long_loads.copies)) == (Status.LOADED, 3, 1)
    kept = [["5", "old"]] if action == "append" else []
    assert sorted(pipeline.warehouse.table("k") or []) == sorted(
        [*kept, ["4", "late"], ["5", "late"], ["5", "after"], ["6", "last"]]
    )
    assert long_loads.staging == []
    assert outcome.statements[0].startswith('COPY "etl_ledger"."staging_')


def test_a_long_upsert_with_a_repeated_key_is_refused_with_its_lines(
    pipeline: InMemoryPipeline, long_loads: LongLoads
) -> None:
    keyed(pipeline)

    outcome = long_loads.load(pipeline.put("dev/upsert/k/big.csv", b"id,name\n4,a\n5,b\n4,c\n"))

    assert outcome.status is Status.REJECTED
    assert outcome.error is not None
    assert outcome.error.message.startswith("lines 2 and 4 have the same primary key: id is '4'")
    assert long_loads.staging == []
