"""After its own upload, a load loads what else is pending for the table, and writes the answers."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl_core.loading import drain
from etl_core.loading.drain import MAX_LEAD_BYTES
from etl_core.model.errors import (
    ConnectionLostError,
    CopyRefusedError,
    EarlierUploadError,
    LoadErrorLine,
    LoadTimeoutError,
    LockConflictError,
    LogError,
    SchemaNotReadyError,
    ThrottledError,
)
from etl_core.model.status import Status
from etl_core.model.upload import Upload
from tests.builders import a_column, a_schema_file
from tests.etl_core.in_memory_pipeline import ROWS, InMemoryPipeline

WITH_NOTE = a_schema_file(
    a_column(), a_column("name", "VARCHAR(20)"), a_column("note", "VARCHAR(9)")
)


@pytest.fixture
def patient(pipeline: InMemoryPipeline) -> InMemoryPipeline:
    """The pipeline with table t, whose loads have time for other uploads."""
    pipeline.seconds = 300
    return pipeline


def put_pending(pipeline: InMemoryPipeline, key: str, content: bytes, **fields: Any) -> Upload:
    """Put an upload that was received and has no final status yet."""
    upload = pipeline.put(key, content, **fields)
    pipeline.backlog.note(upload)
    return upload


def statuses(pipeline: InMemoryPipeline) -> dict[str, str]:
    """Return the statuses of the written answers, by file name."""
    return {
        key.rsplit("/")[-1]: str(outcome.status)
        for key, outcome in pipeline.answers.written.items()
    }


def on_every(pipeline: InMemoryPipeline, word: str, action: Callable[[Any], None]) -> None:
    def hook(statement_word: str, statement: Any) -> None:
        if statement_word == word:
            action(statement)

    pipeline.warehouse.hook = hook


def test_a_single_upload_is_answered_by_its_own_execution(patient: InMemoryPipeline) -> None:
    assert patient.drop("dev/append/t/a.csv", b"id,name\n3,c\n").status is Status.LOADED
    assert patient.answers.written == {}
    assert patient.warehouse.log.count("BEGIN") == 1


def test_the_members_of_a_micro_batch_are_answered_with_what_was_loaded(
    patient: InMemoryPipeline,
) -> None:
    member = put_pending(patient, "dev/append/t/b.csv", b"id,name\n3,c\n4,d\n")

    own = patient.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert statuses(patient) == {"d.csv": "loaded", "b.csv": "loaded"}
    answer = patient.answers.written[member.key]
    assert (answer.rows_loaded, answer.version_id, answer.schema_version) == (2, "v1", "1")
    assert (answer.loaded_at, answer.statements) == (own.loaded_at, own.statements)
    assert answer.table_exists is True


def test_members_are_answered_only_after_the_commit(patient: InMemoryPipeline) -> None:
    put_pending(patient, "dev/append/t/b.csv", b"id,name\n3,c\n")
    patient.on("COMMIT", ConnectionLostError("the connection broke"))

    with pytest.raises(ConnectionLostError):
        patient.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert patient.answers.written == {}
    assert patient.warehouse.table("t") == ROWS


def test_everything_that_is_pending_is_loaded_in_arrival_order(patient: InMemoryPipeline) -> None:
    first = patient.put("dev/append/t/a.csv", b"id,name\n3,c\n")
    put_pending(patient, "dev/truncate/t/b.csv", b"id,name\n4,d\n")
    put_pending(patient, "dev/append/t/c.csv", b"id,name\n5,e\n")
    put_pending(patient, "dev/schema/t/s2.json", WITH_NOTE)
    put_pending(patient, "dev/append/t/bad.csv", b"id,nmae\n5,e\n")
    put_pending(patient, "dev/truncate/t/d.csv", b"id,name,note\n6,f,n\n")

    outcome = patient.load(first)

    assert outcome.status is Status.LOADED
    assert statuses(patient) == {
        "a.csv": "loaded",
        "b.csv": "loaded",
        "c.csv": "loaded",
        "s2.json": "applied",
        "bad.csv": "rejected",
        "d.csv": "loaded",
    }
    assert patient.warehouse.table("t") == [["6", "f", "n"]]
    assert all(each.status is not Status.RECEIVED for each in patient.backlog.logged.values())


def test_the_own_upload_is_answered_before_the_others_are_loaded(
    patient: InMemoryPipeline,
) -> None:
    first = patient.put("dev/append/t/a.csv", b"id,name\n3,c\n")
    put_pending(patient, "dev/truncate/t/b.csv", b"id,name\n4,d\n")
    seen: list[dict[str, str]] = []
    on_every(patient, "DELETE", lambda _: seen.append(statuses(patient)))

    patient.load(first)

    assert seen == [{"a.csv": "loaded"}]


@pytest.mark.parametrize(
    "key", ["dev/append/t/x.txt", "dev/append/t/first.csv"], ids=["rejected", "duplicate"]
)
def test_others_are_loaded_after_an_upload_that_changes_nothing(
    patient: InMemoryPipeline, key: str
) -> None:
    put_pending(patient, "dev/append/t/b.csv", b"id,name\n3,c\n")
    upload = patient.put(key, b"id,name\n1,a\n2,b\n")
    patient.load(upload)

    patient.load(upload)

    assert patient.answers.written["dev/append/t/b.csv"].status is Status.LOADED


def test_a_duplicate_does_not_read_the_log_before_it_is_decided(
    patient: InMemoryPipeline,
) -> None:
    upload = patient.put("dev/append/t/a.csv", b"id,name\n3,c\n")
    patient.load(upload)
    reads: list[int] = []
    on_every(patient, "COMMIT", lambda _: reads.append(patient.backlog.reads))
    before = patient.backlog.reads

    assert patient.load(upload).status is Status.DUPLICATE
    assert reads == [before]


def test_a_data_file_applies_the_pending_schema_file_first(patient: InMemoryPipeline) -> None:
    put_pending(patient, "dev/schema/t/s2.json", WITH_NOTE)

    outcome = patient.drop("dev/append/t/x.csv", b"id,name,note\n3,c,n\n")

    assert outcome.status is Status.LOADED
    assert statuses(patient) == {"s2.json": "applied"}
    assert patient.warehouse.table("t") == [*ROWS, ["3", "c", "n"]]


def test_a_data_file_applies_the_first_schema_file_of_its_table() -> None:
    pipeline = InMemoryPipeline()
    pipeline.seconds = 300
    for number in range(3):
        put_pending(pipeline, f"dev/append/t/{number}.csv", b"id,name\n1,a\n")
    put_pending(pipeline, "dev/schema/t/s.json", a_schema_file())

    outcome = pipeline.drop("dev/append/t/x.csv", b"id,name\n3,c\n")

    assert outcome.status is Status.LOADED
    assert pipeline.answers.written["dev/schema/t/s.json"].status is Status.APPLIED
    assert set(statuses(pipeline)) == {"s.json", "0.csv", "1.csv", "2.csv", "x.csv"}
    assert len(pipeline.warehouse.table("t") or []) == 4


def test_data_files_without_a_pending_schema_file_cost_no_further_load() -> None:
    pipeline = InMemoryPipeline()
    pipeline.seconds = 300
    pipeline.put("dev/schema/t/s.json", a_schema_file())
    for number in range(5):
        put_pending(pipeline, f"dev/append/t/{number}.csv", b"id,name\n1,a\n")

    with pytest.raises(SchemaNotReadyError):
        pipeline.drop("dev/append/t/x.csv", b"id,name\n3,c\n")

    assert pipeline.warehouse.log.count("LOCK") == 1


def test_a_schema_file_loads_the_pending_data_files_before_it_first(
    patient: InMemoryPipeline,
) -> None:
    put_pending(patient, "dev/append/t/a.csv", b"id,name\n3,c\n")
    put_pending(patient, "dev/append/t/b.csv", b"id,name\n4,d\n")

    outcome = patient.drop("dev/schema/t/s2.json", WITH_NOTE)

    assert outcome.status is Status.APPLIED
    assert statuses(patient) == {"a.csv": "loaded", "b.csv": "loaded"}


def test_a_schema_file_waits_for_a_large_file_before_it(patient: InMemoryPipeline) -> None:
    put_pending(patient, "dev/append/t/a.csv", b"id,name\n3,c\n", size=MAX_LEAD_BYTES + 1)

    with pytest.raises(EarlierUploadError):
        patient.drop("dev/schema/t/s2.json", WITH_NOTE)


def test_a_large_file_is_left_to_its_own_execution(patient: InMemoryPipeline) -> None:
    put_pending(patient, "dev/append/t/big.csv", b"id,name\n3,c\n", size=MAX_LEAD_BYTES + 1)

    patient.drop("dev/append/t/a.csv", b"id,name\n4,d\n")

    assert patient.answers.written == {}
    assert patient.warehouse.table("t") == [*ROWS, ["4", "d"]]


def test_a_bad_value_in_a_pending_file_is_answered_and_the_others_are_loaded(
    patient: InMemoryPipeline,
) -> None:
    put_pending(patient, "dev/append/t/b.csv", b"id,name\nx,c\n")
    put_pending(patient, "dev/append/t/c.csv", b"id,name\n5,e\n")
    bad_url = "s3://lake/dev/append/t/b.csv"
    line = LoadErrorLine(bad_url, 2, "id", "int4", 1207, "Invalid digit")

    def refuse(statement: Any) -> None:
        if bad_url in patient.store.current(statement.source.manifest_url).decode():
            raise CopyRefusedError("load into table t failed", [line])

    on_every(patient, "COPY", refuse)

    outcome = patient.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert outcome.status is Status.LOADED
    assert statuses(patient) == {"c.csv": "loaded", "d.csv": "loaded", "b.csv": "rejected"}
    error = patient.answers.written["dev/append/t/b.csv"].error
    assert error is not None
    assert "line 2, column 'id', value 'x'" in error.message


@pytest.mark.parametrize(
    "error", [LockConflictError("locked"), ConnectionLostError("lost"), ThrottledError("slow")]
)
def test_a_temporary_error_of_another_upload_ends_the_loads_and_not_the_own_one(
    patient: InMemoryPipeline, error: Exception
) -> None:
    first = patient.put("dev/append/t/a.csv", b"id,name\n3,c\n")
    put_pending(patient, "dev/truncate/t/b.csv", b"id,name\n4,d\n")
    put_pending(patient, "dev/append/t/c.csv", b"id,name\n5,e\n")

    def fail(_: Any) -> None:
        raise error

    on_every(patient, "DELETE", fail)

    assert patient.load(first).status is Status.LOADED
    assert statuses(patient) == {"a.csv": "loaded"}
    assert patient.warehouse.log.count("LOCK") == 2


def test_an_unexpected_error_of_another_upload_is_left_to_its_own_execution(
    patient: InMemoryPipeline,
) -> None:
    first = patient.put("dev/append/t/a.csv", b"id,name\n3,c\n")
    put_pending(patient, "dev/truncate/t/b.csv", b"id,name\n4,d\n")

    def fail(_: Any) -> None:
        raise ZeroDivisionError

    on_every(patient, "DELETE", fail)

    assert patient.load(first).status is Status.LOADED
    assert "b.csv" not in statuses(patient)
    assert patient.warehouse.table("t") == [*ROWS, ["3", "c"]]


@pytest.mark.parametrize("step", ["INSERT LEDGER", "COPY"])
def test_an_unexpected_error_of_a_member_does_not_fail_the_upload(
    patient: InMemoryPipeline, step: str
) -> None:
    """For example a key that the driver cannot send."""
    put_pending(patient, "dev/append/t/b.csv", b"id,name\n3,c\n")
    patient.on(step, ValueError("a string literal cannot contain NUL"))

    outcome = patient.drop("dev/append/t/a.csv", b"id,name\n4,d\n")

    assert outcome.status is Status.LOADED
    assert ["4", "d"] in (patient.warehouse.table("t") or [])


def test_an_unexpected_error_while_a_member_is_opened_does_not_fail_the_upload(
    patient: InMemoryPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = put_pending(patient, "dev/append/t/b.csv", b"id,name\n3,c\n")
    find = patient.store.open

    def open_or_fail(upload: Upload) -> Any:
        if upload.key == bad.key:
            raise KeyError(upload.key)
        return find(upload)

    monkeypatch.setattr(patient.store, "open", open_or_fail)

    assert patient.drop("dev/append/t/a.csv", b"id,name\n4,d\n").status is Status.LOADED


def test_a_timeout_of_another_upload_is_not_its_answer(patient: InMemoryPipeline) -> None:
    """Its own execution has more time."""
    first = patient.put("dev/append/t/a.csv", b"id,name\n3,c\n")
    put_pending(patient, "dev/truncate/t/b.csv", b"id,name\n4,d\n")

    def fail(_: Any) -> None:
        raise LoadTimeoutError("out of time")

    on_every(patient, "DELETE", fail)

    assert patient.load(first).status is Status.LOADED
    assert statuses(patient) == {"a.csv": "loaded"}


@pytest.mark.parametrize(
    "error", [ThrottledError("slow down"), LogError("access denied")], ids=["throttled", "denied"]
)
def test_an_answer_that_cannot_be_written_is_left_to_the_upload_s_own_execution(
    patient: InMemoryPipeline, error: Exception
) -> None:
    member = put_pending(patient, "dev/append/t/b.csv", b"id,name\n3,c\n")

    def fail(_: Upload) -> None:
        raise error

    patient.answers.hook = fail

    assert patient.drop("dev/append/t/a.csv", b"id,name\n4,d\n").status is Status.LOADED
    assert patient.load(member).settled is Status.LOADED


def test_a_log_that_cannot_be_read_afterwards_does_not_fail_the_upload(
    patient: InMemoryPipeline,
) -> None:
    def fail_after_commit(_: Any) -> None:
        def hook() -> None:
            raise ThrottledError("slow down")

        patient.backlog.hook = hook

    on_every(patient, "COMMIT", fail_after_commit)

    assert patient.drop("dev/append/t/a.csv", b"id,name\n4,d\n").status is Status.LOADED


def test_no_other_upload_is_begun_when_time_is_short(pipeline: InMemoryPipeline) -> None:
    first = pipeline.put("dev/append/t/a.csv", b"id,name\n3,c\n")
    put_pending(pipeline, "dev/truncate/t/b.csv", b"id,name\n4,d\n")

    pipeline.load(first)

    assert pipeline.answers.written == {}


def test_the_time_for_other_uploads_is_limited(
    patient: InMemoryPipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "MAX_SECONDS", 0.0)
    first = patient.put("dev/append/t/a.csv", b"id,name\n3,c\n")
    put_pending(patient, "dev/truncate/t/b.csv", b"id,name\n4,d\n")

    patient.load(first)

    assert patient.answers.written == {}


def test_uploads_that_arrive_during_the_loads_are_loaded_too(patient: InMemoryPipeline) -> None:
    arrivals = iter(range(3))

    def arrive(_: Any) -> None:
        for number in arrivals:
            put_pending(patient, f"dev/truncate/t/{number}.csv", b"id,name\n%d,x\n" % number)
            return

    on_every(patient, "COMMIT", arrive)

    patient.drop("dev/append/t/a.csv", b"id,name\n3,c\n")

    assert list(statuses(patient)) == ["a.csv", "0.csv", "1.csv", "2.csv"]
    assert patient.warehouse.table("t") == [["2", "x"]]


def test_uploads_that_the_ledger_decided_are_answered_in_one_transaction(
    patient: InMemoryPipeline,
) -> None:
    """For example when the function that loaded them ended before it could answer."""
    late = patient.put("dev/append/t/late.csv", b"id,name\n3,c\n")
    done = [patient.put(f"dev/append/t/{number}.csv", b"id,name\n3,c\n") for number in range(9)]
    patient.drop("dev/truncate/t/all.csv", b"id,name\n1,a\n")
    extra = [patient.put(f"dev/append/t/x{number}.csv", b"id,name\n3,c\n") for number in range(9)]
    for upload in extra:
        patient.load(upload)
    for upload in (*done, late, *extra[1:]):
        patient.backlog.note(upload)
    patient.answers.written.clear()

    assert patient.load(extra[0]).status is Status.DUPLICATE

    assert patient.warehouse.log.count("LOCK") == 2
    expected = {each.key.rsplit("/")[-1]: "superseded" for each in (late, *done)}
    expected |= {each.key.rsplit("/")[-1]: "duplicate" for each in extra[1:]}
    assert statuses(patient) == expected
    assert patient.answers.written[extra[1].key].settled is Status.LOADED


def test_many_pending_uploads_need_few_transactions(patient: InMemoryPipeline) -> None:
    for number in range(30):
        put_pending(patient, f"dev/append/t/{number}.csv", b"id,name\n3,c\n")

    patient.drop("dev/append/t/d.csv", b"id,name\n6,f\n")

    assert patient.warehouse.log.count("COMMIT") == 1
    assert len(patient.answers.written) == 31
    assert patient.backlog.reads - 2 <= 2


FILES = st.lists(
    st.tuples(st.sampled_from(["append", "truncate"]), st.booleans()), min_size=1, max_size=7
)


@settings(max_examples=60)
@given(FILES, st.randoms(use_true_random=False))
def test_any_order_of_events_gives_the_sequential_table(
    files: list[tuple[str, bool]], random: Random
) -> None:
    """Some events arrive before others are loaded; a load may load any number of other uploads."""
    pipeline = InMemoryPipeline()
    pipeline.drop("dev/schema/t/s.json", a_schema_file())
    pipeline.seconds = 300
    uploads, expected = [], list[list[str]]()
    for number, (action, is_good) in enumerate(files):
        header = "id,name" if is_good else "id,nmae"
        content = f"{header}\n{number},x\n".encode()
        uploads.append(pipeline.put(f"dev/{action}/t/{number}.csv", content))
        if is_good:
            kept = [] if action == "truncate" else expected
            expected = [*kept, [str(number), "x"]]
    events = [*uploads, *random.choices(uploads, k=2)]
    random.shuffle(events)
    for event in events:
        for received in random.sample(uploads, random.randint(0, len(uploads))):
            if received.upload_id not in pipeline.backlog.logged:
                pipeline.backlog.note(received)
        pipeline.load(event)

    assert sorted(pipeline.warehouse.table("t") or []) == sorted(expected)
    assert all(each.status is not Status.RECEIVED for each in pipeline.backlog.logged.values())
