"""The client of the reconcile function: retries, pages, and uploads sent in order with a limited number under way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from etl_cli.recovery_client import (
    STALL_SECONDS,
    Clock,
    Comparison,
    Delivery,
    ask_with_retries,
    compare_lake,
    deliver,
)
from etl_core.model.errors import LoadFailedError, StackError, ThrottledError
from etl_core.model.status import Status
from etl_core.model.times import parse_utc_time
from etl_core.model.upload import Upload
from etl_core.recovery.reconcile import State
from etl_core.recovery.reconcile_requests import (
    Answer,
    Answers,
    AnswersRequest,
    FindingSummary,
    KeyFindings,
    KeyRequest,
    LogKey,
    Page,
    PageRequest,
    PendingRequest,
    SendRequest,
    SentUpload,
    SentUploads,
    parse_reconcile_request,
)
from etl_core.recovery.wire import to_json
from etl_core.upload_log.entry import key_of
from tests.builders import LAKE


@dataclass
class FakeClock:
    time: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.time += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.time, self.sleep)


@dataclass
class FakeReconcile:
    """The reconcile function.

    After `delay` requests for an answer, the upload has the status that `status_of` returns.
    """

    status_of: Callable[[str], Status] = lambda key: Status.LOADED
    delay: int = 1
    sent: list[str] = field(default_factory=list)
    most_under_way: int = 0
    under_way: dict[LogKey, tuple[str, int]] = field(default_factory=dict)

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        match parse_reconcile_request(request):
            case SendRequest() as asked:
                return to_json(SentUploads(tuple(map(self._send, asked.uploads))))
            case AnswersRequest() as asked:
                return to_json(Answers(tuple(map(self._answer, asked.log_keys))))
            case _:
                raise AssertionError(request)

    def _send(self, upload: Upload) -> SentUpload:
        log_key = LogKey.of(key_of(upload))
        self.sent.append(upload.key)
        self.under_way[log_key] = upload.key, self.delay
        self.most_under_way = max(self.most_under_way, len(self.under_way))
        return SentUpload(upload.key, log_key, f"arn:{upload.key}")

    def _answer(self, log_key: LogKey) -> Answer:
        key, left = self.under_way[log_key]
        if left > 0:
            self.under_way[log_key] = key, left - 1
            return an_answer(log_key, key, Status.FAILED, "arn:an earlier one")
        status = self.status_of(key)
        if status is not Status.RECEIVED:
            del self.under_way[log_key]
        return an_answer(log_key, key, status, f"arn:{key}")


def an_answer(log_key: LogKey, key: str, status: Status, execution_arn: str) -> Answer:
    return Answer(**log_key.to_item(), s3_key=key, status=status, execution_arn=execution_arn)


def a_finding(
    key: str, second: int = 0, state: State = State.NEVER_SEEN, status: Status | None = None
) -> FindingSummary:
    time = parse_utc_time(f"2026-11-22T12:00:{second:02}Z")
    upload = Upload(LAKE, key, f"v{second}", "e", 1, "0", time)
    return FindingSummary(state, status, f"v{second}", upload)


def run(function: FakeReconcile, findings: list[FindingSummary], at_once: int = 100) -> Delivery:
    return deliver(function, findings, at_once, FakeClock().clock(), lambda delivery: None)


def test_every_upload_is_sent_once_and_gets_its_answer() -> None:
    function = FakeReconcile()
    delivery = run(
        function, [a_finding(f"dev/append/t/{number}.csv", number) for number in range(60)]
    )
    assert function.sent == [f"dev/append/t/{number}.csv" for number in range(60)]
    assert (delivery.counts, delivery.open_count) == ({Status.LOADED: 60}, 0)


def test_at_most_the_requested_number_of_uploads_is_under_way() -> None:
    function = FakeReconcile(delay=3)
    run(
        function,
        [a_finding(f"dev/append/t/{number}.csv", number) for number in range(40)],
        at_once=7,
    )
    assert function.most_under_way == 7


def test_the_answer_of_an_earlier_execution_is_ignored() -> None:
    delivery = run(
        FakeReconcile(lambda key: Status.REJECTED, delay=2), [a_finding("dev/append/t/x.csv")]
    )
    assert [answer.execution_arn for answer in delivery.answers] == ["arn:dev/append/t/x.csv"]


@pytest.mark.parametrize("action", ["schema", "truncate"])
def test_a_schema_file_and_a_truncate_wait_and_are_waited_for(action: str) -> None:
    keys = [
        "dev/append/t/1.csv",
        f"dev/{action}/t/2",
        "dev/append/t/3.csv",
        "dev/append/other/4.csv",
    ]
    function = FakeReconcile()
    delivery = run(function, [a_finding(key, number) for number, key in enumerate(keys)])
    assert function.sent == [keys[0], keys[3], keys[1], keys[2]]
    assert len(delivery.answers) == 4


def test_an_upload_that_gets_no_answer_is_reported_after_a_time_limit() -> None:
    time = FakeClock()
    function = FakeReconcile(lambda key: Status.RECEIVED)
    findings = [a_finding("dev/schema/t/s.json"), a_finding("dev/append/t/x.csv", 1)]
    delivery = deliver(function, findings, 10, time.clock(), lambda delivery: None)
    assert [each.key for each in delivery.unanswered] == ["dev/schema/t/s.json"]
    assert [each.upload.key for each in delivery.not_sent] == ["dev/append/t/x.csv"]
    assert function.sent == ["dev/schema/t/s.json"]
    assert time.time == pytest.approx(STALL_SECONDS, abs=5)


def test_a_lake_is_compared_page_by_page_and_sent_in_arrival_order() -> None:
    pages = {
        None: Page(
            findings=(a_finding("b", 5),),
            counts={State.NEVER_SEEN: 1, State.RECORDED: 2},
            marker={"KeyMarker": "b"},
        ),
        "b": Page(
            findings=(a_finding("c", 1, State.STUCK), a_finding("d", 0, State.UNLOGGED)),
            counts={State.STUCK: 1, State.UNLOGGED: 1},
        ),
    }
    pending = (a_finding("c", 1, State.STUCK), a_finding("a", 9, State.STUCK))

    class Pages:
        def ask(self, value: Mapping[str, Any]) -> dict[str, Any]:
            request = parse_reconcile_request(value)
            if isinstance(request, PendingRequest):
                return to_json(Page(findings=pending, counts={State.STUCK: 2}))
            assert isinstance(request, PageRequest)
            return to_json(pages[(request.marker or {}).get("KeyMarker")])

    seen: list[int] = []
    comparison = compare_lake(
        Pages(),
        PageRequest(),
        FakeClock().clock(),
        lambda so_far: seen.append(sum(so_far.counts.values())),
    )
    assert [each.upload.key for each in comparison.to_send] == ["c", "b", "a"]
    assert seen == [3, 5]
    assert comparison.counts[State.STUCK] == 2


def test_a_retryable_error_is_retried() -> None:
    errors: list[Exception] = [ThrottledError("slow down"), ThrottledError("slow down")]

    class Busy:
        def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
            if errors:
                raise errors.pop()
            return {"findings": []}

    assert ask_with_retries(Busy(), KeyRequest(key="k"), FakeClock().clock()) == KeyFindings(())


def test_another_error_is_raised() -> None:
    class Broken:
        asked = 0

        def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
            self.asked += 1
            raise (ThrottledError("slow down") if self.asked < 3 else LoadFailedError("no"))

    with pytest.raises(LoadFailedError):
        ask_with_retries(Broken(), KeyRequest(key="k"), FakeClock().clock())


def test_a_response_that_is_not_valid_is_a_fault_of_the_stack() -> None:
    class Other:
        def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
            return {"found": []}

    with pytest.raises(StackError, match="findings: Field required"):
        ask_with_retries(Other(), KeyRequest(key="k"), FakeClock().clock())


def test_without_findings_there_is_nothing_to_send() -> None:
    assert Comparison().to_send == []
