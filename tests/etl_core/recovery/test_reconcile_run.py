"""The reconcile function's use cases over a lake, a log and ledgers in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from etl_core.model.errors import InvalidEventError, LoadFailedError
from etl_core.model.object_versions import ObjectVersion
from etl_core.model.status import SETTLED
from etl_core.model.upload import Upload
from etl_core.recovery.reconcile import LedgerEvidence, State
from etl_core.recovery.reconcile_log import entry_key
from etl_core.recovery.reconcile_run import (
    MOST_AT_ONCE,
    PageRequest,
    inspect_key,
    read_answers,
    rebuild_page,
    reconcile_lake,
    reconcile_page,
    send,
    waiting_page,
)
from etl_core.recovery.services import ListedPage, Services
from etl_core.upload_log.entry import PARTITION_KEY, SORT_KEY, key_of, received_entry
from tests.builders import LAKE, NOON, an_upload
from tests.etl_core.model.test_object_versions import a_version
from tests.etl_core.recovery.test_reconcile import a_fact

LATER = NOON + timedelta(hours=1)


@dataclass
class FakeLake:
    versions: list[ObjectVersion] = field(default_factory=list)
    page: int = 500

    def read_page(self, marker: Mapping[str, str] | None, limit: int) -> ListedPage:
        first = int((marker or {"KeyMarker": "0"})["KeyMarker"])
        last = first + min(limit, self.page)
        return ListedPage(
            self.versions[first:last],
            {"KeyMarker": str(last)} if last < len(self.versions) else None,
        )

    def read_versions(self, key: str) -> Sequence[ObjectVersion]:
        return [version for version in self.versions if version.key == key]


@dataclass
class FakeLog:
    items: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def read_entries(self, keys: Iterable[Mapping[str, str]]) -> list[dict[str, Any]]:
        wanted = [(key[PARTITION_KEY], key[SORT_KEY]) for key in keys]
        return [self._item(key) for key in wanted if key in self.items]

    def read_between(self, table_name: str, first: str, last: str) -> Iterator[dict[str, Any]]:
        for table, sort in self.items:
            if table == table_name and first <= sort <= last + "~":
                yield self._item((table, sort))

    def read_unanswered(
        self, marker: Mapping[str, Any] | None
    ) -> tuple[list[dict[str, Any]], Mapping[str, Any] | None]:
        """One entry a page."""
        waiting = [key for key, item in self.items.items() if item["status"] == "received"]
        number = (marker or {"n": 0})["n"]
        some = [self._item(key) for key in waiting[number : number + 1]]
        return some, {"n": number + 1} if number + 1 < len(waiting) else None

    def write_final(
        self, key: Mapping[str, str], attributes: Mapping[str, Any], attempts: int
    ) -> bool:
        entry = self.items.setdefault((key[PARTITION_KEY], key[SORT_KEY]), {})
        if entry.get("status") in SETTLED:
            return False
        entry.update(attributes, attempts=entry.get("attempts", 0) + attempts)
        return True

    def note(self, upload: Upload, **fields: Any) -> None:
        key = key_of(upload)
        entry = received_entry(upload, "arn:gone", NOON) | fields
        self.items[key[PARTITION_KEY], key[SORT_KEY]] = entry

    def _item(self, key: tuple[str, str]) -> dict[str, Any]:
        return {PARTITION_KEY: key[0], SORT_KEY: key[1], **self.items[key]}


@dataclass
class FakeTables:
    facts: list[LedgerEvidence] = field(default_factory=list)
    busy: list[list[str]] = field(default_factory=list)
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(request)
        return {"facts": [fact.to_json() for fact in self.facts], "busy": self.busy, "marker": None}


@dataclass
class FakeWorkflow:
    started: list[Upload] = field(default_factory=list)
    running: set[str] = field(default_factory=set)

    def start(self, event: Mapping[str, Any]) -> str:
        self.started.append(Upload.from_event(event))
        return f"arn:{len(self.started)}"

    def is_running(self, execution_arn: str) -> bool:
        return execution_arn in self.running


@dataclass
class Office:
    lake: FakeLake = field(default_factory=FakeLake)
    log: FakeLog = field(default_factory=FakeLog)
    tables: FakeTables = field(default_factory=FakeTables)
    workflow: FakeWorkflow = field(default_factory=FakeWorkflow)

    @property
    def services(self) -> Services:
        return Services(
            LAKE, ("dev",), self.lake, self.log, self.tables, self.workflow, lambda: LATER
        )

    def page(self, **request: Any) -> dict[str, Any]:
        return reconcile_page(PageRequest.parse(request), self.services).to_json()


@pytest.fixture
def office() -> Office:
    """One version in the lake, of which nobody knows."""
    return Office(FakeLake([a_version()]))


def test_what_nobody_knows_is_named_and_nothing_is_sent(office: Office) -> None:
    [finding] = office.page()["findings"]
    assert (finding["state"], finding["key"], finding["version"]) == (
        "never seen",
        a_version().key,
        "v1",
    )
    assert office.workflow.started == []


def test_a_finding_can_be_sent_as_it_is(office: Office) -> None:
    [sent] = send(office.services, office.page()["findings"])
    [upload] = office.workflow.started
    assert (upload.bucket, upload.key, upload.version_id, upload.landed_at) == (
        LAKE,
        a_version().key,
        "v1",
        NOON,
    )
    assert sent["log_key"] == key_of(upload)


def test_what_is_no_upload_is_not_sent(office: Office) -> None:
    with pytest.raises(InvalidEventError):
        send(office.services, [{"key": "dev/append/t/x.csv"}])
    assert office.workflow.started == []


def test_an_entry_without_answer_is_stuck_once_its_execution_is_over(office: Office) -> None:
    office.log.note(an_upload())
    assert office.page()["counts"] == {"stuck": 1}
    office.workflow.running.add("arn:gone")
    assert office.page() == {"findings": [], "counts": {"under way": 1}, "marker": None}


def test_the_missing_entry_of_a_ledger_row_is_written_with_etag_and_size(office: Office) -> None:
    office.tables.facts = [a_fact()]
    assert office.page(dry_run=True)["counts"] == {"unlogged": 1}
    assert office.log.items == {}
    assert office.page()["counts"] == {"unlogged": 1}
    [entry] = office.log.items.values()
    assert (entry["status"], entry["etag"], entry["file_size"], entry["attempts"]) == (
        "loaded",
        "e1",
        10,
        1,
    )
    assert office.page()["counts"] == {"fine": 1}


def test_a_refusal_that_the_ledger_contradicts_is_corrected(office: Office) -> None:
    office.tables.facts = [a_fact()]
    office.log.note(an_upload(), status="failed", attempts=2)
    office.page()
    [entry] = office.log.items.values()
    assert (entry["status"], entry["attempts"]) == ("loaded", 2)


def test_a_key_that_is_no_upload_is_not_asked_about_in_a_ledger(office: Office) -> None:
    office.lake.versions = [
        a_version("dev/upsert/t/x.csv"),
        a_version("nonsense"),
        a_version("dev/append/t/"),
    ]
    assert office.page()["counts"] == {"never seen": 2}
    assert office.tables.asked == []


def test_versions_of_a_ledger_that_is_locked_are_not_compared(office: Office) -> None:
    office.tables.busy = [["dev", "public", "t"]]
    assert office.page()["counts"] == {"not compared": 1}


def test_a_database_that_the_stack_does_not_have_is_refused(office: Office) -> None:
    with pytest.raises(LoadFailedError, match="'dve' is not one of this stack's: dev"):
        office.page(scope={"database": "dve"})


def test_a_key_s_versions_are_told_with_their_answers(office: Office) -> None:
    office.log.note(an_upload(), status="rejected")
    [finding] = inspect_key(office.services, a_version().key)
    assert (finding["state"], finding["status"], finding["sequencer"]) == (
        "fine",
        "rejected",
        "00000001",
    )


def test_the_whole_lake_is_compared_then_sent_in_landed_order(office: Office) -> None:
    office.lake = FakeLake(
        [
            a_version(f"dev/append/t/{n}.csv", landed_at=NOON - timedelta(minutes=n))
            for n in range(5)
        ],
        2,
    )
    assert reconcile_lake(PageRequest.parse({}), office.services, 60) == {
        "counts": {"never seen": 5}, "sent": 5, "marker": None,
    }  # fmt: skip
    assert [upload.key[-5] for upload in office.workflow.started] == ["4", "3", "2", "1", "0"]


def test_what_waits_though_its_object_is_gone_is_stuck_too(office: Office) -> None:
    office.log.note(an_upload())
    office.log.note(an_upload("dev/append/t/gone.csv"))
    [seen] = waiting_page(PageRequest.parse({}), office.services).findings
    assert (seen.state, seen.upload) == (State.STUCK, an_upload())
    told = reconcile_lake(PageRequest.parse({}), office.services, 60)
    assert told == {"counts": {"stuck": 2}, "sent": 2, "marker": None}
    assert [upload.key for upload in office.workflow.started] == [
        "dev/append/t/a.csv",
        "dev/append/t/gone.csv",
    ]


@pytest.mark.parametrize(
    "request_",
    [{"scope": {"table": "other"}}, {"scope": {"current_only": True}}, {"grace_seconds": 9999}],
)
def test_what_waits_elsewhere_or_not_for_long_is_left_alone(
    office: Office, request_: dict[str, Any]
) -> None:
    office.log.note(an_upload())
    assert waiting_page(PageRequest.parse(request_), office.services).findings == []


def test_one_run_of_the_schedule_sends_no_more_than_may_wait_for_each_other(office: Office) -> None:
    office.lake = FakeLake([a_version(f"dev/append/t/{n:04}.csv") for n in range(MOST_AT_ONCE + 5)])
    assert reconcile_lake(PageRequest.parse({}), office.services, 60)["sent"] == MOST_AT_ONCE


def test_a_run_that_has_no_time_left_tells_where_it_stopped(office: Office) -> None:
    office.lake = FakeLake([a_version(f"dev/append/t/{n}.csv") for n in range(5)], 2)
    told = reconcile_lake(PageRequest.parse({"dry_run": True}), office.services, -1)
    assert told == {"counts": {"never seen": 2}, "sent": 0, "marker": {"KeyMarker": "2"}}


def test_the_log_is_rebuilt_from_ledger_rows_and_answers_stay(office: Office) -> None:
    facts = [a_fact(), a_fact(upload_id="f" * 32, s3_key="dev/append/t/gone.csv", version_id="v9")]
    office.tables.facts = facts
    office.log.note(an_upload(), status="loaded", rows_loaded=77)
    told = rebuild_page(office.services, {"dry_run": True})
    assert [each["key"] for each in told["missing"]] == ["dev/append/t/gone.csv"]
    assert len(office.log.items) == 1
    rebuild_page(office.services, {})
    key = entry_key(facts[1])
    assert office.log.items[key[PARTITION_KEY], key[SORT_KEY]]["status"] == "loaded"
    assert rebuild_page(office.services, {})["missing"] == []
    assert 77 in [entry.get("rows_loaded") for entry in office.log.items.values()]


def test_answers_are_told_without_what_only_the_log_needs(office: Office) -> None:
    office.log.note(an_upload(), status="loaded", statements=["COPY ..."])
    [answer] = read_answers(office.services, [key_of(an_upload())])
    assert answer == key_of(an_upload()) | {
        "s3_key": a_version().key,
        "status": "loaded",
        "execution_arn": "arn:gone",
    }
