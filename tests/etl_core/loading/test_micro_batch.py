"""Micro-batches: the load that holds the table's lock also loads small pending appends, each with
its own ledger row.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest

from etl_core.loading.micro_batch import MAX_BATCH_MEMBERS, MAX_FILE_BYTES
from etl_core.model.errors import CopyRefusedError, LoadErrorLine, LoadFailedError
from etl_core.model.status import Status
from etl_core.model.upload import Upload
from tests.builders import NOON, a_column, a_schema_file
from tests.etl_core.in_memory_pipeline import ROWS, InMemoryPipeline
from tests.guarantees.bad_files import COLUMNS as BAD_FILE_COLUMNS
from tests.guarantees.bad_files import KINDS, bad_file


def put_pending(pipeline: InMemoryPipeline, key: str, content: bytes, **fields: Any) -> Upload:
    """Put an upload that was received and has no final status yet."""
    upload = pipeline.put(key, content, **fields)
    pipeline.backlog.note(upload)
    return upload


def ledger_of(pipeline: InMemoryPipeline) -> dict[str, int | None]:
    return {
        row["s3_key"]: row["rows_loaded"]
        for row in pipeline.warehouse.ledger("public__t")
        if row["action"] != "schema"
    }


def test_pending_uploads_are_loaded_by_one_copy_with_a_ledger_row_each(
    pipeline: InMemoryPipeline,
) -> None:
    put_pending(pipeline, "dev/append/t/b.csv", b"id,name\n3,c\n4,d\n")
    put_pending(pipeline, "dev/append/t/c.csv", b'ID,Name\n5,"e\ne"\n')

    outcome = pipeline.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert (outcome.status, outcome.rows_loaded) == (Status.LOADED, 1)
    assert pipeline.warehouse.log.count("COPY") == 1
    assert sorted(pipeline.warehouse.table("t") or [])[2:] == [
        ["3", "c"],
        ["4", "d"],
        ["5", "e\ne"],
        ["6", "f"],
    ]
    assert ledger_of(pipeline) == {
        "dev/append/t/first.csv": 2, "dev/append/t/b.csv": 2, "dev/append/t/c.csv": 1, "dev/append/t/d.csv": 1,
    }  # fmt: skip
    manifest = json.loads(pipeline.store.current(pipeline.warehouse.copies[-1].source.manifest_url))
    assert [entry["url"].rsplit("/")[-1] for entry in manifest["entries"]] == [
        "d.csv",
        "b.csv",
        "c.csv",
    ]


def test_a_member_finds_itself_loaded(pipeline: InMemoryPipeline) -> None:
    member = put_pending(pipeline, "dev/append/t/b.csv", b"id,name\n3,c\n4,d\n")
    pipeline.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    outcome = pipeline.load(member)

    assert (outcome.status, outcome.settled, outcome.rows_loaded) == (
        Status.DUPLICATE,
        Status.LOADED,
        2,
    )
    assert (outcome.schema_version, outcome.table_exists) == ("1", True)
    assert "COPY" not in pipeline.warehouse.log


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
def test_an_upload_that_may_not_load_is_left_to_its_own_load(
    pipeline: InMemoryPipeline, key: str, content: bytes
) -> None:
    put_pending(pipeline, key, content)

    pipeline.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert pipeline.warehouse.table("t") == [*ROWS, ["6", "f"]]
    assert key not in ledger_of(pipeline)


def test_files_of_other_shapes_are_loaded_in_the_same_transaction_by_separate_copies(
    pipeline: InMemoryPipeline,
) -> None:
    put_pending(pipeline, "dev/append/t/b.csv", b"name,id\nc,3\n")
    put_pending(pipeline, "dev/append/t/c.csv.gz", gzip.compress(b"id,name\n4,d\n"))

    pipeline.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert pipeline.warehouse.log.count("COPY") == 3
    assert pipeline.warehouse.log.count("COMMIT") == 1
    assert len(ledger_of(pipeline)) == 4


def test_a_bad_row_of_a_member_fails_only_that_member(pipeline: InMemoryPipeline) -> None:
    bad = put_pending(pipeline, "dev/append/t/b.csv", b"id,name\nx,c\n")
    put_pending(pipeline, "dev/append/t/c.csv", b"id,name\n5,e\n")
    line = LoadErrorLine("s3://lake/dev/append/t/b.csv", 2, "id", "int4", 1207, "Invalid digit")
    pipeline.on("COPY", CopyRefusedError("load into table t failed", [line]))

    outcome = pipeline.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert outcome.status is Status.LOADED
    assert len(outcome.statements) == 1
    assert sorted(pipeline.warehouse.table("t") or []) == [*ROWS, ["5", "e"], ["6", "f"]]
    assert bad.key not in ledger_of(pipeline)


def test_all_bad_members_that_a_trial_finds_are_left_out_at_once(
    pipeline: InMemoryPipeline,
) -> None:
    for number in range(8):
        put_pending(pipeline, f"dev/append/t/b{number}.csv", b"id,name\nx,c\n")
    put_pending(pipeline, "dev/append/t/c.csv", b"id,name\n5,e\n")
    pipeline.on("COPY", CopyRefusedError("load into table t failed"))
    pipeline.warehouse.refused = [
        LoadErrorLine(
            f"s3://lake/dev/append/t/b{number}.csv", line, "id", "int4", 1207, "Invalid digit"
        )
        for line in (2, 3)
        for number in range(8)
    ]

    outcome = pipeline.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert outcome.status is Status.LOADED
    assert sorted(pipeline.warehouse.table("t") or []) == [*ROWS, ["5", "e"], ["6", "f"]]
    assert [word for word in pipeline.warehouse.log if word in ("COPY", "TRIAL", "COMMIT")][-4:] == [
        "COPY", "TRIAL", "COPY", "COMMIT",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "error",
    [
        CopyRefusedError("load into table t failed"),
        LoadFailedError("a file of the manifest does not exist"),
    ],
)
def test_a_refusal_that_names_no_file_is_retried_with_one_copy_per_file(
    pipeline: InMemoryPipeline, error: Exception
) -> None:
    put_pending(pipeline, "dev/append/t/b.csv", b"id,name\n3,c\n")
    pipeline.on("COPY", error)

    outcome = pipeline.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert outcome.status is Status.LOADED
    assert pipeline.warehouse.table("t") == [*ROWS, ["6", "f"]]


def test_a_bad_row_of_the_upload_itself_fails_the_upload(pipeline: InMemoryPipeline) -> None:
    put_pending(pipeline, "dev/append/t/b.csv", b"id,name\n3,c\n")
    line = LoadErrorLine("s3://lake/dev/append/t/d.csv", 2, "id", "int4", 1207, "Invalid digit")
    pipeline.on("COPY", CopyRefusedError("load into table t failed", [line]))

    outcome = pipeline.drop("dev/append/t/d.csv", b"id,name\nx6,f\n")

    assert outcome.error is not None
    assert "line 2, column 'id', value 'x6': is not a whole number" in outcome.error.message
    assert pipeline.warehouse.table("t") == ROWS
    assert pipeline.warehouse.log.count("COPY") == 1


def test_a_wrong_row_count_is_retried_with_one_copy_per_file(
    pipeline: InMemoryPipeline,
) -> None:
    pipeline.warehouse.counts_empty_lines = True
    put_pending(pipeline, "dev/append/t/b.csv", b"id,name\n\n3,c\n")

    outcome = pipeline.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert (outcome.status, outcome.rows_loaded) == (Status.LOADED, 1)
    assert pipeline.warehouse.table("t") == [*ROWS, ["6", "f"]]
    assert pipeline.warehouse.log.count("COPY") == 2


def test_an_overwritten_member_is_left_out_and_the_rest_is_loaded(
    pipeline: InMemoryPipeline,
) -> None:
    put_pending(pipeline, "dev/append/t/b.csv", b"id,name\n3,c\n")
    pipeline.on("COPY", lambda: pipeline.put("dev/append/t/b.csv", b"id,name\n9,z\n"))

    pipeline.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert pipeline.warehouse.table("t") == [*ROWS, ["6", "f"]]
    assert pipeline.store.pinned == []


def test_no_upload_after_a_pending_truncate_or_schema_file_joins_the_micro_batch(
    pipeline: InMemoryPipeline,
) -> None:
    first = pipeline.put("dev/append/t/a.csv", b"id,name\n3,c\n")
    put_pending(pipeline, "dev/append/t/b.csv", b"id,name\n4,d\n")
    put_pending(pipeline, "dev/truncate/t/c.csv", b"id,name\n5,e\n")
    put_pending(pipeline, "dev/append/t/d.csv", b"id,name\n6,f\n")

    pipeline.load(first)

    assert pipeline.warehouse.table("t") == [*ROWS, ["3", "c"], ["4", "d"]]


def test_a_truncate_loads_the_pending_appends_that_arrived_after_it(
    pipeline: InMemoryPipeline,
) -> None:
    put_pending(pipeline, "dev/append/t/b.csv", b"id,name\n4,d\n")
    truncate = pipeline.put("dev/truncate/t/c.csv", b"id,name\n5,e\n")
    put_pending(pipeline, "dev/append/t/d.csv", b"id,name\n6,f\n")

    outcome = pipeline.load(truncate)

    assert outcome.rows_loaded == 1
    assert pipeline.warehouse.table("t") == [["5", "e"], ["6", "f"]]
    assert pipeline.warehouse.log.count("COPY") == 1


def test_appends_that_the_schema_does_not_allow_do_not_join_the_micro_batch() -> None:
    pipeline = InMemoryPipeline()
    pipeline.drop("dev/schema/t/s.json", a_schema_file(allowed_operations=["truncate"]))
    truncate = pipeline.put("dev/truncate/t/c.csv", b"id,name\n5,e\n")
    put_pending(pipeline, "dev/append/t/d.csv", b"id,name\n6,f\n")

    pipeline.load(truncate)

    assert pipeline.warehouse.table("t") == [["5", "e"]]


def test_the_size_of_a_micro_batch_is_limited(pipeline: InMemoryPipeline) -> None:
    for number in range(MAX_BATCH_MEMBERS + 5):
        pipeline.backlog.note(pipeline.store.put(f"dev/append/t/{number}.csv", b"id,name\n3,c\n"))

    pipeline.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert len(pipeline.warehouse.table("t") or []) == len(ROWS) + MAX_BATCH_MEMBERS + 1


def test_a_file_of_one_column_counts_its_empty_lines() -> None:
    pipeline = InMemoryPipeline()
    pipeline.drop("dev/schema/t/s.json", a_schema_file(a_column("name", "VARCHAR(20)")))
    put_pending(pipeline, "dev/append/t/b.csv", b"name\na\n\nb\n")

    pipeline.drop("dev/append/t/d.csv", b"name\nc\n")

    assert ledger_of(pipeline)["dev/append/t/b.csv"] in (None, 3)


def test_no_upload_after_a_schema_file_that_is_not_logged_joins_the_micro_batch(
    pipeline: InMemoryPipeline,
) -> None:
    first = pipeline.put("dev/append/t/a.csv", b"id,name\n3,c\n")
    pipeline.put("dev/schema/t/s2.json", a_schema_file(csv={"delimiter": ";"}))
    put_pending(pipeline, "dev/append/t/b.csv", b"id,name\n4,d\n")

    pipeline.load(first)

    assert pipeline.warehouse.table("t") == [*ROWS, ["3", "c"]]


@pytest.mark.parametrize("seconds", [20.0, 300.0])
def test_equal_files_whose_events_have_no_version_id_get_a_version_each(
    pipeline: InMemoryPipeline, seconds: float
) -> None:
    """Alone and together in one micro-batch: the ledger then knows every version without the log."""
    pipeline.seconds = seconds
    uploads = [
        pipeline.put("dev/append/t/same.csv", b"id,name\n7,g\n", version_id=None) for _ in range(3)
    ]
    for upload in uploads:
        pipeline.backlog.note(upload)
    for upload in uploads:
        pipeline.load(upload)

    rows = [row for row in pipeline.warehouse.ledger("public__t") if "same" in row["s3_key"]]
    assert sorted(row["version_id"] for row in rows) == ["v1", "v2", "v3"]
    assert pipeline.warehouse.table("t") == [*ROWS, *[["7", "g"]] * 3]
    for number in (1, 2, 3):
        again = pipeline.load(replace(uploads[0], version_id=f"v{number}"))
        assert again.status is Status.DUPLICATE
    assert len(pipeline.warehouse.table("t") or ()) == 5


BAD, GOOD = 490, 10


@pytest.mark.parametrize("lead", ["a bad one", "a good one"])
def test_files_once_found_bad_are_answered_by_the_load_that_found_them(
    pipeline: InMemoryPipeline, lead: str
) -> None:
    """490 bad files and 10 good ones: one function answers them all, with a few COPYs."""
    pipeline.seconds, later = 300.0, NOON.replace(minute=1)
    bad = [
        pipeline.store.put(f"dev/append/t/bad{number}.csv", b"id,name\nx,c\n", landed_at=later)
        for number in range(BAD)
    ]
    good = [
        pipeline.store.put(f"dev/append/t/good{number}.csv", b"id,name\n7,g\n", landed_at=later)
        for number in range(GOOD)
    ]
    for each in (*bad, *good):
        pipeline.backlog.note(each)
    pipeline.warehouse.refused = [
        LoadErrorLine(f"s3://lake/{each.key}", 2, "id", "int4", 1207, "Invalid digit")
        for each in bad
    ]

    def refuse_bad_files(word: str, statement: Any) -> None:
        if word == "COPY":
            store = pipeline.store
            entries = json.loads(store.current(statement.source.manifest_url))["entries"]
            if any(b"\nx," in store.current(entry["url"]) for entry in entries):
                raise CopyRefusedError("load into table t failed")

    pipeline.warehouse.hook = refuse_bad_files

    own = bad[0] if lead == "a bad one" else good[0]
    outcome = pipeline.load(own)

    answers = pipeline.answers.written
    assert len(answers) == BAD + GOOD
    assert {answers[each.key].status for each in good} == {Status.LOADED}
    assert {answers[each.key].status for each in bad} == {Status.REJECTED}
    assert outcome.status is answers[own.key].status
    failures = [answers[each.key].error for each in bad]
    assert all("column 'id'" in each.message for each in failures if each is not None)
    assert all("'x'" in each.message for each in failures if each is not None)
    assert pipeline.warehouse.log.count("COPY") <= 4
    assert pipeline.warehouse.log.count("TRIAL") == 1
    assert pipeline.warehouse.table("t") == [*ROWS, *[["7", "g"]] * GOOD]


SCHEMA_T = (a_column("id", "INTEGER"), a_column("name", "VARCHAR(9)"))


def with_files_uploaded_twice(on_repeat: str) -> tuple[InMemoryPipeline, list[Upload]]:
    """Return a pipeline with four loaded files, and the same files again, pending."""
    pipeline = InMemoryPipeline()
    pipeline.seconds = 300.0
    pipeline.drop("dev/schema/t/s.json", a_schema_file(*SCHEMA_T, csv={"on_repeat": on_repeat}))
    for number in range(4):
        pipeline.drop(f"dev/append/t/{number}.csv", f"id,name\n{number},x\n".encode())
    again = [
        put_pending(pipeline, f"dev/append/t/{number}.csv", f"id,name\n{number},x\n".encode())
        for number in range(4)
    ]
    return pipeline, again


def test_repeats_in_a_micro_batch_are_skipped_if_the_schema_file_says_so() -> None:
    pipeline, again = with_files_uploaded_twice("skip")

    own = pipeline.load(again[0])

    assert own.status is Status.IGNORED
    answers = {key: each.status for key, each in pipeline.answers.written.items()}
    assert answers == {each.key: Status.IGNORED for each in again}
    assert len(pipeline.warehouse.table("t") or ()) == 4


def test_repeats_in_a_micro_batch_load_with_the_warning_that_they_have_alone() -> None:
    pipeline, again = with_files_uploaded_twice("load")

    pipeline.load(again[0])

    answers = pipeline.answers.written
    assert [answers[each.key].status for each in again] == [Status.LOADED] * 4
    assert [[one.kind for one in answers[each.key].warnings] for each in again] == [
        ["upload.repeated"]
    ] * 4
    assert pipeline.warehouse.log.count("COPY") == 1


def test_the_same_bytes_pending_twice_under_one_key_are_loaded_once_if_repeats_are_skipped() -> (
    None
):
    pipeline = InMemoryPipeline()
    pipeline.seconds = 300.0
    pipeline.drop("dev/schema/t/s.json", a_schema_file(*SCHEMA_T, csv={"on_repeat": "skip"}))
    first = put_pending(pipeline, "dev/append/t/first.csv", b"id,name\n1,x\n")
    twice = [put_pending(pipeline, "dev/append/t/a.csv", b"id,name\n2,y\n") for _ in range(2)]

    pipeline.load(first)

    logged = [pipeline.backlog.logged[each.upload_id].status for each in twice]
    assert logged == [Status.LOADED, Status.IGNORED]
    assert pipeline.warehouse.table("t") == [["1", "x"], ["2", "y"]]


FOUND_BY_US = [
    "ambiguous date",
    "unknown column",
    "missing column",
    "other delimiter",
    "UTF-16",
    "spreadsheet",
    "cut gzip",
    "empty",
]
"""Kinds of bad files that a load refuses without COPY."""


def with_bad_files() -> tuple[InMemoryPipeline, dict[str, Upload]]:
    """Return a pipeline with a pending file of each of these kinds."""
    pipeline = InMemoryPipeline()
    pipeline.seconds = 300.0
    columns = [a_column(name, kind) for name, kind in BAD_FILE_COLUMNS]
    pipeline.drop("dev/schema/t/s.json", a_schema_file(*columns))
    numbers = [list(KINDS).index(kind) for kind in FOUND_BY_US]
    bad = [bad_file(number) for number in numbers]
    return pipeline, {
        each.reason: put_pending(pipeline, f"dev/append/t/{each.name}", each.content)
        for each in bad
    }


@pytest.mark.parametrize("lead", ["good", "bad"])
def test_a_bad_file_beside_another_gets_the_answer_that_it_gets_alone(lead: str) -> None:
    """All are answered by one load, whether its own file is good or bad itself."""
    alone, uploads = with_bad_files()
    alone.seconds = 20.0  # no time for other uploads
    expected = {each.key: alone.load(each) for each in uploads.values()}
    together, uploads = with_bad_files()
    own = put_pending(together, "dev/append/t/own.csv", b"id,day,note\n1,2026-01-01,a\n")
    if lead == "bad":
        own = put_pending(together, "dev/append/t/own.csv", b"id,day,nota\n1,2026-01-01,a\n")

    outcome = together.load(own)

    assert outcome.status is (Status.LOADED if lead == "good" else Status.REJECTED)
    for reason, upload in uploads.items():
        answer = together.answers.written[upload.key]
        assert (answer.status, answer.error) == (Status.REJECTED, expected[upload.key].error)
        assert answer.error is not None
        assert reason in answer.error.message
    before = together.warehouse.log.index("COMMIT" if lead == "good" else "ROLLBACK")
    assert together.warehouse.log[:before].count("BEGIN") == 1


def test_a_bad_file_is_left_to_its_own_load_while_a_schema_file_may_cure_it(
    pipeline: InMemoryPipeline,
) -> None:
    """The load has waited in vain for the schema file; the other upload has not."""
    pipeline.put("dev/schema/t/s2.json", a_schema_file(a_column("id"), a_column("more")))
    own = pipeline.put("dev/append/t/own.csv", b"id,name\n3,c\n")
    waits = put_pending(pipeline, "dev/append/t/waits.csv", b"id,more\n4,d\n")

    outcome = pipeline.load(own, retry_count=99)

    assert outcome.status is Status.LOADED
    assert waits.key not in pipeline.answers.written
    assert pipeline.backlog.logged[waits.upload_id].status is Status.RECEIVED
