"""What the reconcile function does, with services in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_core.model.errors import LoadFailedError
from etl_core.model.status import Status
from etl_core.model.table_filter import TableFilter
from etl_core.model.table_ref import TableRef
from etl_core.model.upload import Upload
from etl_core.recovery.reconcile import Scope, State
from etl_core.recovery.reconcile_requests import (
    Answer,
    AnswersRequest,
    KeyRequest,
    LakeReport,
    LakeRequest,
    LogKey,
    Page,
    PendingRequest,
    Prospect,
    RefusedRequest,
    RefusedUpload,
    SendRequest,
)
from etl_core.recovery.reconcile_run import (
    MAX_SENT,
    event_of,
    inspect_key,
    pending_page,
    read_answers,
    reconcile_lake,
    refused_page,
    send,
)
from etl_core.recovery.tables_requests import DamagedLedger
from etl_core.recovery.wire import InvalidRequestError
from etl_core.turns.next_step import REPLAY
from etl_core.upload_log.entry import key_of
from etl_core.upload_log.outcome import Failure
from tests.builders import LAKE, NOON, an_upload
from tests.etl_core.model.test_object_versions import a_version
from tests.etl_core.recovery.in_memory_services import FakeLake, FakeTables, InMemoryServices
from tests.etl_core.recovery.test_reconcile import ledger_evidence

KEYS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)


@given(
    key=KEYS,
    version=st.sampled_from(["v1", None]),
    size=st.sampled_from([0, 10, None]),
    number=st.integers(0, 9),
)
def test_the_event_of_an_upload_is_read_as_the_same_upload(
    key: str, version: Any, size: Any, number: int
) -> None:
    upload = an_upload(key, version_id=version, size=size, sequencer=f"{number:08x}")
    event = event_of(upload)
    assert Upload.from_event(event) == upload
    assert event[REPLAY] is True, "the execution asks the ledger, whatever the log says"


@pytest.mark.parametrize("dry_run", [False, True])
def test_entries_of_an_older_version_get_the_keys_of_the_indexes(
    memory: InMemoryServices, dry_run: bool
) -> None:
    upload = an_upload(a_version().key, version_id=a_version().version_id)
    memory.log.add(upload, status="rejected")
    [entry] = memory.log.items.values()
    memory.page(dry_run=dry_run)
    assert memory.log.completed == []
    del entry["listed"]

    page = memory.page(dry_run=dry_run)

    assert memory.log.completed == ([] if dry_run else [upload.key])
    assert page.statuses == {Status.REJECTED: 1}


def test_an_unknown_version_is_reported_and_not_sent(memory: InMemoryServices) -> None:
    [finding] = memory.page().findings
    assert (finding.state, finding.upload.key, finding.version) == (
        State.NEVER_SEEN,
        a_version().key,
        "v1",
    )
    assert memory.workflow.started == []


def test_the_upload_of_a_finding_can_be_sent(memory: InMemoryServices) -> None:
    [finding] = memory.page().findings
    [sent] = send(SendRequest(uploads=(finding.upload,)), memory.services).sent
    [upload] = memory.workflow.started
    assert (upload.bucket, upload.key, upload.version_id, upload.landed_at) == (
        LAKE,
        a_version().key,
        "v1",
        NOON,
    )
    assert sent.log_key.to_item() == key_of(upload)


def test_nothing_is_sent_if_one_upload_is_in_another_bucket(memory: InMemoryServices) -> None:
    uploads = (an_upload(), replace(an_upload(), bucket="other"))
    with pytest.raises(InvalidRequestError, match=f"in the bucket 'other'.*lake '{LAKE}'"):
        send(SendRequest(uploads=uploads), memory.services)
    assert memory.workflow.started == []


def test_a_pending_upload_is_stuck_once_its_execution_has_ended(memory: InMemoryServices) -> None:
    memory.log.add(an_upload())
    assert memory.page().counts == {State.STUCK: 1}
    memory.workflow.running.add("arn:gone")
    running = Page(counts={State.UNDER_WAY: 1}, statuses={Status.RECEIVED: 1})
    assert memory.page() == running


def test_the_missing_entry_of_a_ledger_row_is_written_with_etag_and_size(
    memory: InMemoryServices,
) -> None:
    memory.tables.rows = [ledger_evidence()]
    assert memory.page(dry_run=True).counts == {State.UNLOGGED: 1}
    assert memory.log.items == {}
    assert memory.page().counts == {State.UNLOGGED: 1}
    [entry] = memory.log.items.values()
    assert (entry["status"], entry["etag"], entry["file_size"], entry["attempts"]) == (
        "loaded",
        "e1",
        10,
        1,
    )
    assert memory.page().counts == {State.RECORDED: 1}


def test_a_failure_in_the_log_is_corrected_if_the_ledger_has_the_upload(
    memory: InMemoryServices,
) -> None:
    memory.tables.rows = [ledger_evidence()]
    memory.log.add(an_upload(), status="failed", attempts=2)
    memory.page()
    [entry] = memory.log.items.values()
    assert (entry["status"], entry["attempts"]) == ("loaded", 2)


def test_no_ledger_is_read_for_keys_that_are_no_valid_upload(memory: InMemoryServices) -> None:
    memory.lake.versions = [
        a_version("dev/merge/t/x.csv"),
        a_version("nonsense"),
        a_version("dev/append/t/"),
    ]
    assert memory.page().counts == {State.NEVER_SEEN: 2}
    assert memory.tables.requests == []


def test_versions_of_a_locked_ledger_are_not_compared(memory: InMemoryServices) -> None:
    memory.tables.busy = [TableRef("dev", "public", "t")]
    assert memory.page().counts == {State.NOT_COMPARED: 1}


def test_a_database_that_the_stack_does_not_have_is_refused(memory: InMemoryServices) -> None:
    with pytest.raises(LoadFailedError, match="'dve' is not one of this stack's databases: dev"):
        memory.page(scope=Scope(database="dve"))


def test_the_versions_of_a_key_are_reported_with_their_status(memory: InMemoryServices) -> None:
    memory.log.add(an_upload(), status="rejected")
    [finding] = inspect_key(KeyRequest(key=a_version().key), memory.services).findings
    assert (finding.state, finding.status, finding.upload.sequencer) == (
        State.RECORDED,
        Status.REJECTED,
        "00000001",
    )


def test_the_whole_lake_is_compared_then_sent_in_arrival_order(memory: InMemoryServices) -> None:
    memory.lake = FakeLake(
        [
            a_version(f"dev/append/t/{n}.csv", landed_at=NOON - timedelta(minutes=n))
            for n in range(5)
        ],
        2,
    )
    report = reconcile_lake(LakeRequest(), memory.services, 60)
    assert report == LakeReport({State.NEVER_SEEN: 5}, sent=5, marker=None)
    assert [upload.key[-5] for upload in memory.workflow.started] == ["4", "3", "2", "1", "0"]


def test_a_pending_upload_is_stuck_although_its_object_is_gone(memory: InMemoryServices) -> None:
    memory.log.add(an_upload())
    memory.log.add(an_upload("dev/append/t/gone.csv"))
    [finding] = pending_page(PendingRequest(), memory.services).findings
    assert (finding.state, finding.upload) == (State.STUCK, an_upload())
    report = reconcile_lake(LakeRequest(), memory.services, 60)
    statuses = {Status.RECEIVED: 2}
    assert report == LakeReport({State.STUCK: 2}, sent=2, marker=None, statuses=statuses)
    assert [upload.key for upload in memory.workflow.started] == [
        "dev/append/t/a.csv",
        "dev/append/t/gone.csv",
    ]


@pytest.mark.parametrize(
    "request_",
    [
        PendingRequest(scope=Scope(table="other")),
        PendingRequest(scope=Scope(current_only=True)),
        PendingRequest(grace_seconds=9999),
    ],
)
def test_pending_uploads_out_of_scope_or_within_the_grace_are_skipped(
    memory: InMemoryServices, request_: PendingRequest
) -> None:
    memory.log.add(an_upload())
    assert pending_page(request_, memory.services).findings == ()


def test_one_run_over_the_lake_sends_a_limited_number(memory: InMemoryServices) -> None:
    memory.lake = FakeLake([a_version(f"dev/append/t/{n:04}.csv") for n in range(MAX_SENT + 5)])
    assert reconcile_lake(LakeRequest(), memory.services, 60).sent == MAX_SENT


def test_a_run_without_time_left_reports_where_it_stopped(memory: InMemoryServices) -> None:
    memory.lake = FakeLake([a_version(f"dev/append/t/{n}.csv") for n in range(5)], 2)
    report = reconcile_lake(LakeRequest(dry_run=True), memory.services, -1)
    assert report == LakeReport({State.NEVER_SEEN: 2}, sent=0, marker={"KeyMarker": "2"})


def test_an_answer_has_no_fields_for_internal_use(memory: InMemoryServices) -> None:
    memory.log.add(an_upload(), status="loaded", statements=["COPY ..."])
    key = LogKey.of(key_of(an_upload()))
    [answer] = read_answers(AnswersRequest(log_keys=(key,)), memory.services).answers
    assert answer == Answer(
        **key_of(an_upload()),
        s3_key=a_version().key,
        status=Status.LOADED,
        execution_arn="arn:gone",
    )


def logged_as_loaded(memory: InMemoryServices) -> None:
    """The log says that the version was loaded; the ledger is empty."""
    memory.log.add(an_upload(), status="loaded", loaded_timestamp="2026-11-22T12:00:00Z")


def test_what_the_log_calls_loaded_and_the_ledger_does_not_know_is_reported_and_not_sent(
    memory: InMemoryServices,
) -> None:
    logged_as_loaded(memory)

    [finding] = memory.page().findings
    report = reconcile_lake(LakeRequest(), memory.services, 60)

    assert (finding.state, finding.status) == (State.NOT_IN_LEDGER, Status.LOADED)
    assert (report.counts, report.sent) == ({State.NOT_IN_LEDGER: 1}, 0)
    assert memory.workflow.started == []


def test_what_was_loaded_after_the_ledger_was_read_is_found_by_a_second_look(
    memory: InMemoryServices,
) -> None:
    logged_as_loaded(memory)
    tables, row = memory.tables, ledger_evidence()

    class LoadedInBetween(FakeTables):
        def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
            answer = tables.ask(request)
            tables.rows = [row]
            return answer

    memory.tables = LoadedInBetween()
    assert memory.page().counts == {State.RECORDED: 1}


def test_a_version_of_a_damaged_ledger_is_not_sent_and_the_ledger_is_named(
    memory: InMemoryServices,
) -> None:
    damaged = DamagedLedger("garbage", TableRef("dev", "public", "t"))
    memory.tables.damaged = [damaged]
    memory.lake.versions.append(a_version("dev/append/other/x.csv"))

    page = memory.page()
    report = reconcile_lake(LakeRequest(), memory.services, 60)

    assert page.damaged == report.damaged == (damaged,)
    assert {each.upload.key: each.state for each in page.findings} == {
        "dev/append/t/a.csv": State.LEDGER_DAMAGED,
        "dev/append/other/x.csv": State.NEVER_SEEN,
    }
    assert [upload.key for upload in memory.workflow.started] == ["dev/append/other/x.csv"]


def refused(memory: InMemoryServices, **scope: Any) -> list[RefusedUpload]:
    """Return all refused uploads, page by page."""
    found: list[RefusedUpload] = []
    request = RefusedRequest(scope=Scope(**scope))
    while True:
        page = refused_page(request, memory.services)
        found += page.refused
        if page.marker is None:
            return found
        request = request.at(page.marker)


def add_refused(memory: InMemoryServices, key: str, error: Any, **version: Any) -> None:
    """Add a version whose entry is `rejected`."""
    memory.lake.versions.append(a_version(key, **version))
    upload = an_upload(key, version_id=version.get("version_id", "v1"))
    memory.log.add(upload, status="rejected", error=error)


def an_error(name: str) -> dict[str, Any]:
    return {"type": name, "message": f"{name} happened", "details": ["x" * 1000] * 50}


@pytest.mark.parametrize(
    ("patterns", "prospect"),
    [
        (("dev.sales.*",), Prospect.SAME_FAULT),
        (("dev.sales.*", "dev.public.t"), Prospect.MAY_LOAD),
        ((), Prospect.MAY_LOAD),
    ],
)
def test_what_was_not_served_is_sent_again_when_it_is(
    patterns: tuple[str, ...], prospect: Prospect
) -> None:
    memory = InMemoryServices(table_filter=TableFilter(patterns))
    add_refused(memory, "dev/append/t/x.csv", an_error("TableNotServedError"))

    [found] = refused(memory)

    assert found.prospect is prospect


@pytest.mark.parametrize(
    ("key", "error", "version", "prospect"),
    [
        ("dev/append/t/x.csv", "NoSchemaError", {}, Prospect.MAY_LOAD),
        ("dev/append/t/x.csv", "CopyRefusedError", {}, Prospect.MAY_LOAD),
        ("dev/append/t/x.csv", "HeaderMismatchError", {}, Prospect.MAY_LOAD),
        ("dev/append/t/x.csv", "CopyRefusedError", {"is_latest": False}, Prospect.REPLACED),
        ("dev/schema/t/s.json", "InvalidSchemaFileError", {}, Prospect.SAME_FAULT),
        ("dev/append/t/x.csv", "InvalidArrivalError", {}, Prospect.SAME_FAULT),
        (
            "dev/append/t/x.csv",
            "InvalidKeyError",
            {},
            Prospect.MAY_LOAD,
        ),  # its database is here now
        ("other/append/t/x.csv", "InvalidKeyError", {}, Prospect.SAME_FAULT),
        ("dev/append/t/x\0.csv", "InvalidKeyError", {}, Prospect.SAME_FAULT),
        ("nonsense", "InvalidKeyError", {}, Prospect.SAME_FAULT),
    ],
)
def test_a_refused_upload_is_sent_again_if_its_cause_may_be_gone(
    key: str, error: str, version: dict[str, Any], prospect: Prospect
) -> None:
    memory = InMemoryServices()
    add_refused(memory, key, an_error(error), **version)

    [found] = refused(memory)

    assert (found.upload.key, found.status, found.prospect) == (key, Status.REJECTED, prospect)
    assert found.error == Failure(error, f"{error} happened")


@pytest.mark.parametrize("error", [None, "text", {}, {"type": 7}, {"message": "x" * 9000}])
def test_a_damaged_error_of_an_entry_does_not_stop_the_others(error: Any) -> None:
    memory = InMemoryServices(FakeLake(page=1))
    add_refused(memory, "dev/append/t/x.csv", error)
    add_refused(memory, "dev/append/t/y.csv", an_error("NoSchemaError"))

    first, second = refused(memory)

    assert len(first.error.message) <= 1000
    assert second.error.type == "NoSchemaError"


@pytest.mark.parametrize(
    ("status", "count"),
    [("failed", 1), ("rejected", 1), ("loaded", 0), ("received", 0), ("superseded", 0)],
)
def test_only_rejected_and_failed_uploads_are_refused(status: str, count: int) -> None:
    memory = InMemoryServices(FakeLake([a_version()]))
    memory.log.add(an_upload(), status=status)
    assert len(refused(memory)) == count


def test_an_upload_that_the_ledger_knows_is_not_refused(memory: InMemoryServices) -> None:
    memory.log.add(an_upload(), status="failed")
    memory.tables.rows = [ledger_evidence()]
    assert refused(memory) == []


def test_the_scope_limits_the_refused_uploads() -> None:
    memory = InMemoryServices()
    add_refused(memory, "dev/append/t/x.csv", an_error("NoSchemaError"))
    assert len(refused(memory, table="t")) == 1
    assert refused(memory, table="other") == refused(memory, since=NOON + timedelta(1)) == []


def test_every_status_is_counted_truly(memory: InMemoryServices) -> None:
    memory.lake = FakeLake([a_version(f"dev/append/t/{n}.csv", f"v{n}") for n in range(5)])
    for number, status in enumerate(("rejected", "failed", "unknown", "superseded")):
        memory.log.add(
            an_upload(f"dev/append/t/{number}.csv", version_id=f"v{number}"), status=status
        )

    page = memory.page()

    assert page.statuses == {
        Status.REJECTED: 1, Status.FAILED: 1, Status.UNKNOWN: 1, Status.SUPERSEDED: 1,
    }  # fmt: skip
    assert sum(page.counts.values()) == 5, "the fifth has no status"
    report = reconcile_lake(LakeRequest(dry_run=True), memory.services, 60)
    assert report.statuses == page.statuses
