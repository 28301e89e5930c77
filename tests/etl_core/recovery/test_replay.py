"""A table rebuilt from the lake: all rows of its ledger, or no change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_core.model.errors import (
    LoadFailedError,
    LoadTimeoutError,
    MissingTableError,
    ReplayRefusedError,
    TableDriftError,
)
from etl_core.model.lake_key import Action
from etl_core.model.status import Status
from etl_core.recovery.replay import content_rows, replay_table
from etl_core.recovery.tables_requests import ReplayRequest, ReplayResult
from tests.builders import NOON, TABLE, a_column, a_ledger_row, a_schema_file, a_spec, settings
from tests.etl_core.in_memory_pipeline import ROWS, InMemoryPipeline


def replay(pipeline: InMemoryPipeline, **fields: Any) -> ReplayResult:
    pipeline.warehouse.log.clear()
    return replay_table(ReplayRequest(table=TABLE, **fields), settings(), pipeline.ports, 60)


def spoil(pipeline: InMemoryPipeline) -> None:
    """Change the rows by hand."""
    pipeline.warehouse.states["dev"].rows["public", "t"][:] = [["9", "spoilt"]]


@given(
    st.lists(st.sampled_from(["append", "truncate", "upsert", "schema"]), max_size=12), st.randoms()
)
def test_a_table_consists_of_the_last_truncate_and_later_appends(
    actions: list[str], random: Any
) -> None:
    rows = [
        a_ledger_row(action, landed_at=NOON + timedelta(seconds=number), upload_id=f"{number:032}")
        for number, action in enumerate(actions)
    ]
    expected: list[Any] = []
    for row in rows:
        if row.action is not Action.SCHEMA:
            expected = [*([] if row.action is Action.TRUNCATE else expected), row]
    random.shuffle(rows)
    assert content_rows(rows) == expected


def test_the_rows_are_loaded_again_from_the_lake(pipeline: InMemoryPipeline) -> None:
    spoil(pipeline)
    assert replay(pipeline) == ReplayResult(files=1, copies=1, bytes=16, rows_expected=2, rows=2)
    assert pipeline.warehouse.table("t") == ROWS


def test_files_of_the_same_format_are_loaded_by_one_copy(pipeline: InMemoryPipeline) -> None:
    for number in range(5):
        pipeline.drop(f"dev/append/t/{number}.csv", f"id,name\n{number},x\n".encode())
    pipeline.drop("dev/append/t/other.csv", b"name,id\ny,7\n")
    done = replay(pipeline)
    assert (done.files, done.copies, done.rows) == (7, 2, 8)


def test_rows_from_before_the_last_truncate_are_not_loaded(pipeline: InMemoryPipeline) -> None:
    pipeline.drop("dev/truncate/t/new.csv", b"id,name\n5,e\n")
    pipeline.drop("dev/append/t/more.csv", b"id,name\n6,f\n")
    spoil(pipeline)
    assert replay(pipeline).files == 2
    assert pipeline.warehouse.table("t") == [["5", "e"], ["6", "f"]]


def test_the_ledger_is_locked_first_and_does_not_change(pipeline: InMemoryPipeline) -> None:
    before = pipeline.warehouse.ledger("public__t")
    replay(pipeline)
    assert pipeline.warehouse.log == [
        "BEGIN", "READ LEDGER", "COMMIT",
        "BEGIN", "LOCK", "READ LEDGER", "READ CATALOG", "DELETE", "COPY", "COUNT", "COMMIT",
    ]  # fmt: skip
    assert pipeline.warehouse.ledger("public__t") == before


def test_upserts_are_loaded_again_in_arrival_order() -> None:
    pipeline = InMemoryPipeline()
    allowed = ["append", "upsert"]
    pipeline.drop(
        "dev/schema/t/s.json", a_schema_file(primary_key=["id"], allowed_operations=allowed)
    )
    pipeline.drop("dev/append/t/1.csv", b"id,name\n1,a\n2,a\n")
    pipeline.drop("dev/append/t/2.csv", b"id,name\n1,b\n")
    pipeline.drop("dev/upsert/t/3.csv", b"id,name\n1,c\n3,c\n")
    pipeline.drop("dev/append/t/4.csv", b"id,name\n1,d\n")
    before = list(pipeline.warehouse.table("t") or [])
    spoil(pipeline)

    done = replay(pipeline)

    assert (
        pipeline.warehouse.table("t") == before == [["2", "a"], ["1", "c"], ["3", "c"], ["1", "d"]]
    )
    assert (done.files, done.copies, done.rows_expected, done.rows) == (4, 3, 6, 4)


def test_a_dry_run_changes_nothing(pipeline: InMemoryPipeline) -> None:
    spoil(pipeline)
    assert replay(pipeline, dry_run=True) == ReplayResult(
        files=1, copies=1, bytes=16, rows_expected=2
    )
    assert pipeline.warehouse.table("t") == [["9", "spoilt"]]
    assert "LOCK" not in pipeline.warehouse.log


def test_an_overwritten_file_is_loaded_in_its_old_version(
    pipeline: InMemoryPipeline,
) -> None:
    pipeline.put("dev/append/t/first.csv", b"id,name\n99,new\n")
    replay(pipeline)
    assert pipeline.warehouse.table("t") == ROWS


def test_a_file_that_is_overwritten_during_the_rebuild_is_loaded_in_its_old_version(
    pipeline: InMemoryPipeline,
) -> None:
    pipeline.on("COPY", lambda: pipeline.put("dev/append/t/first.csv", b"id,name\n99,new\n8,x\n"))
    replay(pipeline, accept_counts=True)
    assert pipeline.warehouse.table("t") == ROWS


def test_an_upload_that_is_loaded_while_the_files_are_opened_is_included(
    pipeline: InMemoryPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, uploads = pipeline.store.open, list[Any]()

    def load_another(upload: Any) -> Any:
        uploads.append(upload)
        if len(uploads) == 1:
            pipeline.drop("dev/append/t/more.csv", b"id,name\n3,c\n")
        return find(upload)

    monkeypatch.setattr(pipeline.store, "open", load_another)
    assert replay(pipeline).rows == 3
    assert pipeline.warehouse.table("t") == [*ROWS, ["3", "c"]]


def test_row_counts_that_differ_from_the_ledger_are_refused_unless_accepted(
    pipeline: InMemoryPipeline,
) -> None:
    [row] = [row for row in pipeline.warehouse.ledger("public__t") if row["action"] == "append"]
    row["rows_loaded"] = 3
    spoil(pipeline)
    with pytest.raises(
        ReplayRefusedError,
        match=r"first.csv: 2 rows were loaded, the ledger records 3.*--accept-counts",
    ):
        replay(pipeline)
    assert pipeline.warehouse.table("t") == [["9", "spoilt"]]
    assert replay(pipeline, accept_counts=True).rows == 2


def test_every_missing_version_is_named(pipeline: InMemoryPipeline) -> None:
    pipeline.drop("dev/append/t/more.csv", b"id,name\n3,c\n")
    for key in ("first", "more"):
        del pipeline.store.versions["lake", f"dev/append/t/{key}.csv"]
    with pytest.raises(
        ReplayRefusedError, match="2 of its 2 uploads cannot be loaded again"
    ) as caught:
        replay(pipeline)
    assert len(caught.value.details) == 2
    assert pipeline.warehouse.table("t") == [*ROWS, ["3", "c"]]


def test_a_file_with_a_column_that_a_later_schema_dropped_is_refused(
    pipeline: InMemoryPipeline,
) -> None:
    ledger = pipeline.warehouse.ledger("public__t")
    [row] = [row for row in ledger if row["action"] == "schema"]
    later = row["landed_at"] + timedelta(hours=1)
    ledger.append(
        row
        | {"upload_id": "2", "landed_at": later, "schema_file": a_spec(a_column("id")).to_json()}
    )
    with pytest.raises(ReplayRefusedError, match="'name', which a later schema file dropped"):
        replay(pipeline, dry_run=True)


def test_a_table_without_a_ledger_is_refused(pipeline: InMemoryPipeline) -> None:
    pipeline.on("READ LEDGER", MissingTableError('relation "public__t" does not exist'))
    with pytest.raises(ReplayRefusedError, match=r"public.t in dev has no ledger"):
        replay(pipeline)


def test_a_table_that_was_altered_by_hand_is_refused(pipeline: InMemoryPipeline) -> None:
    pipeline.warehouse.states["dev"].catalog["public", "t"].pop()
    with pytest.raises(TableDriftError):
        replay(pipeline)


def test_a_rebuild_that_takes_too_long_is_rolled_back(pipeline: InMemoryPipeline) -> None:
    pipeline.on("COPY", LoadTimeoutError("canceled"))
    with pytest.raises(
        LoadFailedError, match="did not finish in the function's time and was rolled back"
    ):
        replay(pipeline)
    assert pipeline.warehouse.table("t") == ROWS


class TestALedgerThatKnowsLessThanTheLog:
    """Somebody deleted a ledger row, or restored the warehouse from a snapshot."""

    def lose(self, pipeline: InMemoryPipeline, key: str) -> None:
        rows = pipeline.warehouse.states["dev"].ledgers["public__t"]
        rows[:] = [row for row in rows if row["s3_key"] != key]

    @pytest.mark.parametrize("dry_run", [True, False])
    def test_a_rebuild_that_would_lose_rows_is_refused(
        self, pipeline: InMemoryPipeline, dry_run: bool
    ) -> None:
        pipeline.drop("dev/append/t/lost.csv", b"id,name\n5,e\n")
        self.lose(pipeline, "dev/append/t/lost.csv")
        with pytest.raises(ReplayRefusedError, match=r"1 uploads .*'dev/append/t/lost\.csv'"):
            replay(pipeline, dry_run=dry_run)
        assert pipeline.warehouse.table("t") == [*ROWS, ["5", "e"]]

    def test_an_upload_that_a_later_truncate_made_void_is_not_missed(
        self, pipeline: InMemoryPipeline
    ) -> None:
        pipeline.drop("dev/append/t/lost.csv", b"id,name\n5,e\n")
        pipeline.drop("dev/truncate/t/all.csv", b"id,name\n6,f\n")
        self.lose(pipeline, "dev/append/t/lost.csv")
        assert replay(pipeline).rows == 1

    def test_a_schema_file_is_missed(self, pipeline: InMemoryPipeline) -> None:
        wider = a_spec(a_column(), a_column("name", "VARCHAR(20)"), a_column("more"))
        pipeline.drop("dev/schema/t/2.json", wider.to_json().encode())
        self.lose(pipeline, "dev/schema/t/2.json")
        with pytest.raises(ReplayRefusedError, match=r"dev/schema/t/2\.json"):
            replay(pipeline)

    def test_rows_for_which_no_upload_accounts_are_lost_only_by_choice(
        self, pipeline: InMemoryPipeline
    ) -> None:
        pipeline.warehouse.states["dev"].rows["public", "t"].append(["7", "by hand"])
        with pytest.raises(ReplayRefusedError, match="has 3 rows, its ledger accounts for 2"):
            replay(pipeline)
        assert replay(pipeline, accept_counts=True).rows == 2
        assert pipeline.warehouse.table("t") == ROWS


def test_a_schema_file_for_a_table_with_an_empty_ledger_and_loaded_files_is_refused(
    pipeline: InMemoryPipeline,
) -> None:
    pipeline.drop("dev/append/t/more.csv", b"id,name\n5,e\n")
    pipeline.warehouse.states["dev"].ledgers["public__t"].clear()

    outcome = pipeline.drop("dev/schema/t/again.json", a_spec().to_json().encode())

    assert outcome.error is not None
    assert (outcome.status, outcome.error.type) == (Status.FAILED, "DamagedLedgerError")
    assert "such as 'dev/append/t/" in outcome.error.message
    assert pipeline.warehouse.ledger("public__t") == []
