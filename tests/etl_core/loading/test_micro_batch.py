"""Bursts: the load that holds the table's lock takes along the small appends that wait, each with a ledger row of its own."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from etl_core.loading.micro_batch import MAX_BATCH_MEMBERS, MAX_FILE_BYTES
from etl_core.model.errors import CopyRefusedError, LoadErrorLine, LoadFailedError
from etl_core.model.status import Status
from etl_core.model.upload import Upload
from tests.builders import a_column, a_schema_file
from tests.etl_core.in_memory_pipeline import ROWS, InMemoryPipeline


def waits(world: InMemoryPipeline, key: str, content: bytes, **fields: Any) -> Upload:
    """An upload that was received and has no answer yet."""
    upload = world.put(key, content, **fields)
    world.backlog.note(upload)
    return upload


def ledger_of(world: InMemoryPipeline) -> dict[str, int | None]:
    return {
        row["s3_key"]: row["rows_loaded"]
        for row in world.warehouse.ledger("public__t")
        if row["action"] != "schema"
    }


def test_what_waits_is_loaded_by_one_copy_with_a_ledger_row_each(world: InMemoryPipeline) -> None:
    waits(world, "dev/append/t/b.csv", b"id,name\n3,c\n4,d\n")
    waits(world, "dev/append/t/c.csv", b'ID,Name\n5,"e\ne"\n')

    outcome = world.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert (outcome.status, outcome.rows_loaded) == (Status.LOADED, 1)
    assert world.warehouse.log.count("COPY") == 1
    assert sorted(world.warehouse.table("t") or [])[2:] == [
        ["3", "c"],
        ["4", "d"],
        ["5", "e\ne"],
        ["6", "f"],
    ]
    assert ledger_of(world) == {
        "dev/append/t/first.csv": 2, "dev/append/t/b.csv": 2, "dev/append/t/c.csv": 1, "dev/append/t/d.csv": 1,
    }  # fmt: skip
    manifest = json.loads(world.store.current(world.warehouse.copies[-1].source.manifest_url))
    assert [entry["url"].rsplit("/")[-1] for entry in manifest["entries"]] == [
        "d.csv",
        "b.csv",
        "c.csv",
    ]


def test_a_companion_finds_itself_loaded(world: InMemoryPipeline) -> None:
    member = waits(world, "dev/append/t/b.csv", b"id,name\n3,c\n4,d\n")
    world.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    answer = world.load(member)

    assert (answer.status, answer.settled, answer.rows_loaded) == (
        Status.DUPLICATE,
        Status.LOADED,
        2,
    )
    assert (answer.schema_version, answer.table_exists) == ("1", True)
    assert "COPY" not in world.warehouse.log


@pytest.mark.parametrize(
    ("key", "content"),
    [
        ("dev/append/t/bad.csv", b"id,nmae\n3,c\n"),
        ("dev/append/t/bad.csv", b'id,name\n3,"c\n'),
        ("dev/append/t/bad.csv.gz", b"no gzip"),
        ("dev/append/t/bad.txt", b"id,name\n3,c\n"),
        ("dev/append/t/big.csv", b"id,name\n3," + b"c" * MAX_FILE_BYTES),
        ("dev/append/t/empty.csv", b""),
        ("analytics/append/t/other.csv", b"id,name\n3,c\n"),
        ("dev/append/s.t/other.csv", b"id,name\n3,c\n"),
    ],
)
def test_what_is_not_certain_to_load_is_left_to_its_own_run(
    world: InMemoryPipeline, key: str, content: bytes
) -> None:
    waits(world, key, content)

    world.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert world.warehouse.table("t") == [*ROWS, ["6", "f"]]
    assert key not in ledger_of(world)


def test_other_shapes_are_loaded_in_the_same_transaction_by_copies_of_their_own(
    world: InMemoryPipeline,
) -> None:
    waits(world, "dev/append/t/b.csv", b"name,id\nc,3\n")
    waits(world, "dev/append/t/c.csv.gz", gzip.compress(b"id,name\n4,d\n"))

    world.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert world.warehouse.log.count("COPY") == 3
    assert world.warehouse.log.count("COMMIT") == 1
    assert len(ledger_of(world)) == 4


def test_a_bad_row_of_a_companion_fails_it_alone(world: InMemoryPipeline) -> None:
    bad = waits(world, "dev/append/t/b.csv", b"id,name\nx,c\n")
    waits(world, "dev/append/t/c.csv", b"id,name\n5,e\n")
    line = LoadErrorLine("s3://lake/dev/append/t/b.csv", 2, "id", "int4", 1207, "Invalid digit")
    world.on("COPY", CopyRefusedError("load into table t failed", [line]))

    outcome = world.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert outcome.status is Status.LOADED
    assert len(outcome.statements) == 1
    assert sorted(world.warehouse.table("t") or []) == [*ROWS, ["5", "e"], ["6", "f"]]
    assert bad.key not in ledger_of(world)


def test_all_that_a_trial_finds_at_fault_are_left_out_at_once(world: InMemoryPipeline) -> None:
    for number in range(8):
        waits(world, f"dev/append/t/b{number}.csv", b"id,name\nx,c\n")
    waits(world, "dev/append/t/c.csv", b"id,name\n5,e\n")
    world.on("COPY", CopyRefusedError("load into table t failed"))
    world.warehouse.refused = [
        LoadErrorLine(
            f"s3://lake/dev/append/t/b{number}.csv", line, "id", "int4", 1207, "Invalid digit"
        )
        for line in (2, 3)
        for number in range(8)
    ]

    outcome = world.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert outcome.status is Status.LOADED
    assert sorted(world.warehouse.table("t") or []) == [*ROWS, ["5", "e"], ["6", "f"]]
    assert [word for word in world.warehouse.log if word in ("COPY", "TRIAL", "COMMIT")][-4:] == [
        "COPY", "TRIAL", "COPY", "COMMIT",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "error",
    [
        CopyRefusedError("load into table t failed"),
        LoadFailedError("a file of the manifest is gone"),
    ],
)
def test_a_refusal_that_names_no_file_is_settled_by_loading_alone(
    world: InMemoryPipeline, error: Exception
) -> None:
    waits(world, "dev/append/t/b.csv", b"id,name\n3,c\n")
    world.on("COPY", error)

    outcome = world.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert outcome.status is Status.LOADED
    assert world.warehouse.table("t") == [*ROWS, ["6", "f"]]


def test_a_bad_row_of_the_upload_itself_is_its_own_failure(world: InMemoryPipeline) -> None:
    waits(world, "dev/append/t/b.csv", b"id,name\n3,c\n")
    line = LoadErrorLine("s3://lake/dev/append/t/d.csv", 2, "id", "int4", 1207, "Invalid digit")
    world.on("COPY", CopyRefusedError("load into table t failed", [line]))

    outcome = world.drop("dev/append/t/d.csv", b"id,name\nx6,f\n")

    assert outcome.error is not None
    assert "line 2, column 'id' (int4), value 'x6': Invalid digit" in outcome.error.message
    assert world.warehouse.table("t") == ROWS
    assert world.warehouse.log.count("COPY") == 1


def test_counts_that_do_not_come_out_are_settled_by_loading_alone(world: InMemoryPipeline) -> None:
    """The warehouse in memory counts empty lines, which COPY does not."""
    waits(world, "dev/append/t/b.csv", b"id,name\n\n3,c\n")

    outcome = world.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert (outcome.status, outcome.rows_loaded) == (Status.LOADED, 1)
    assert world.warehouse.table("t") == [*ROWS, ["6", "f"]]
    assert world.warehouse.log.count("COPY") == 2


def test_an_overwritten_companion_is_left_out_and_the_rest_is_loaded(
    world: InMemoryPipeline,
) -> None:
    waits(world, "dev/append/t/b.csv", b"id,name\n3,c\n")
    world.on("COPY", lambda: world.put("dev/append/t/b.csv", b"id,name\n9,z\n"))

    world.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert world.warehouse.table("t") == [*ROWS, ["6", "f"]]
    assert world.store.pinned == []


def test_none_goes_along_from_behind_a_waiting_truncate_or_schema_file(
    world: InMemoryPipeline,
) -> None:
    first = world.put("dev/append/t/a.csv", b"id,name\n3,c\n")
    waits(world, "dev/append/t/b.csv", b"id,name\n4,d\n")
    waits(world, "dev/truncate/t/c.csv", b"id,name\n5,e\n")
    waits(world, "dev/append/t/d.csv", b"id,name\n6,f\n")

    world.load(first)

    assert world.warehouse.table("t") == [*ROWS, ["3", "c"], ["4", "d"]]


def test_a_truncate_takes_along_what_landed_behind_it(world: InMemoryPipeline) -> None:
    waits(world, "dev/append/t/b.csv", b"id,name\n4,d\n")
    truncate = world.put("dev/truncate/t/c.csv", b"id,name\n5,e\n")
    waits(world, "dev/append/t/d.csv", b"id,name\n6,f\n")

    outcome = world.load(truncate)

    assert outcome.rows_loaded == 1
    assert world.warehouse.table("t") == [["5", "e"], ["6", "f"]]
    assert world.warehouse.log.count("COPY") == 1


def test_appends_that_the_schema_does_not_allow_are_not_taken_along() -> None:
    world = InMemoryPipeline()
    world.drop("dev/schema/t/s.json", a_schema_file(allowed_operations=["truncate"]))
    truncate = world.put("dev/truncate/t/c.csv", b"id,name\n5,e\n")
    waits(world, "dev/append/t/d.csv", b"id,name\n6,f\n")

    world.load(truncate)

    assert world.warehouse.table("t") == [["5", "e"]]


def test_no_more_go_along_than_one_load_takes(world: InMemoryPipeline) -> None:
    for number in range(MAX_BATCH_MEMBERS + 5):
        world.backlog.note(world.store.put(f"dev/append/t/{number}.csv", b"id,name\n3,c\n"))

    world.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert len(world.warehouse.table("t") or []) == len(ROWS) + MAX_BATCH_MEMBERS + 1


def test_a_file_of_one_column_counts_its_empty_lines() -> None:
    world = InMemoryPipeline()
    world.drop("dev/schema/t/s.json", a_schema_file(a_column("name", "VARCHAR(20)")))
    waits(world, "dev/append/t/b.csv", b"name\na\n\nb\n")

    world.drop("dev/append/t/d.csv", b"name\nc\n")

    assert ledger_of(world)["dev/append/t/b.csv"] in (None, 3)


def test_none_goes_along_from_behind_a_schema_file_that_nobody_has_seen_yet(
    world: InMemoryPipeline,
) -> None:
    first = world.put("dev/append/t/a.csv", b"id,name\n3,c\n")
    world.put("dev/schema/t/s2.json", a_schema_file(csv={"delimiter": ";"}))
    waits(world, "dev/append/t/b.csv", b"id,name\n4,d\n")

    world.load(first)

    assert world.warehouse.table("t") == [*ROWS, ["3", "c"]]
