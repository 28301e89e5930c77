"""Ask the ledger about an upload whose load gave no answer: nothing is loaded, and the answer is true."""

from __future__ import annotations

import pytest

from etl_core.loading.load import load_upload
from etl_core.loading.recall import recall
from etl_core.model.errors import ConnectionLostError, LockConflictError
from etl_core.model.status import Status
from etl_core.model.upload import Upload
from etl_core.upload_log.outcome import LoadOutcome
from tests.builders import LAKE, settings
from tests.etl_core.in_memory_pipeline import ROWS, InMemoryPipeline


def ask(pipeline: InMemoryPipeline, upload: Upload) -> LoadOutcome | None:
    pipeline.warehouse.log.clear()
    return recall(upload, settings(), pipeline.ports, 20.0)


@pytest.mark.parametrize("version_id", ["v1", None])
def test_an_upload_in_the_ledger_has_the_status_and_the_rows_of_its_row(
    pipeline: InMemoryPipeline, version_id: str | None
) -> None:
    upload = pipeline.put("dev/append/t/x.csv", b"id,name\n3,c\n", version_id=version_id)
    pipeline.load(upload)

    outcome = ask(pipeline, upload)

    assert outcome is not None
    assert (outcome.settled, outcome.rows_loaded, outcome.version_id) == (Status.LOADED, 1, "v1")
    assert pipeline.warehouse.log == ["BEGIN", "LOCK", "READ LEDGER", "ROLLBACK"]


def test_an_upload_that_is_not_in_the_ledger_was_not_loaded(pipeline: InMemoryPipeline) -> None:
    upload = pipeline.put("dev/append/t/x.csv", b"id,name\n3,c\n")
    assert ask(pipeline, upload) is None
    assert pipeline.warehouse.table("t") == ROWS


def test_an_upload_before_a_later_truncate_is_superseded_whether_it_was_loaded_or_not(
    pipeline: InMemoryPipeline,
) -> None:
    upload = pipeline.put("dev/append/t/x.csv", b"id,name\n3,c\n")
    pipeline.drop("dev/truncate/t/y.csv", b"id,name\n4,d\n")
    outcome = ask(pipeline, upload)
    assert outcome is not None
    assert outcome.status is Status.SUPERSEDED


@pytest.mark.parametrize("key", ["dev/append/none/x.csv", "dev/apend/t/x.csv", "x"])
def test_without_a_ledger_nothing_was_loaded(pipeline: InMemoryPipeline, key: str) -> None:
    assert ask(pipeline, pipeline.put(key, b"id\n")) is None


def test_a_load_that_still_holds_the_ledger_is_waited_for(pipeline: InMemoryPipeline) -> None:
    pipeline.on("LOCK", LockConflictError("locked"))
    with pytest.raises(LockConflictError):
        ask(pipeline, pipeline.put("dev/append/t/x.csv", b"id,name\n3,c\n"))


def test_an_upload_whose_object_is_gone_after_it_was_loaded_is_not_rejected(
    pipeline: InMemoryPipeline,
) -> None:
    upload = pipeline.put("dev/append/t/x.csv", b"id,name\n3,c\n")
    pipeline.load(upload)
    del pipeline.store.versions[LAKE, upload.key]

    assert pipeline.load(upload).settled is Status.LOADED


def test_an_upload_whose_object_is_gone_before_it_was_loaded_is_rejected(
    pipeline: InMemoryPipeline,
) -> None:
    upload = pipeline.put("dev/append/t/x.csv", b"id,name\n3,c\n")
    del pipeline.store.versions[LAKE, upload.key]
    outcome = pipeline.load(upload)
    assert outcome.error is not None
    assert (outcome.status, outcome.error.type) == (Status.REJECTED, "MissingObjectError")


def test_whether_the_object_existed_is_not_answered_while_the_ledger_cannot_be_read(
    pipeline: InMemoryPipeline,
) -> None:
    upload = pipeline.put("dev/append/t/x.csv", b"id,name\n3,c\n")
    del pipeline.store.versions[LAKE, upload.key]
    pipeline.on("LOCK", ConnectionLostError("away"))
    with pytest.raises(ConnectionLostError):
        pipeline.load(upload)


def test_a_load_that_runs_alone_loads_no_other_upload(pipeline: InMemoryPipeline) -> None:
    other = pipeline.put("dev/append/t/other.csv", b"id,name\n4,d\n")
    pipeline.backlog.note(other)
    upload = pipeline.put("dev/append/t/x.csv", b"id,name\n3,c\n")

    load_upload(upload, settings(), pipeline.ports, 300.0, alone=True)

    assert other.key not in pipeline.answers.written
    assert pipeline.warehouse.table("t") == [*ROWS, ["3", "c"]]
