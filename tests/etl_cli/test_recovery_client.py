"""The operator's loops: pages to their end, uploads in landed order with a bounded number under way, and patience."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from etl_cli.recovery_client import (
    STALL_SECONDS,
    Clock,
    Delivery,
    Survey,
    ask_patiently,
    deliver,
    survey,
)
from etl_core.model.errors import LoadFailedError, ThrottledError
from etl_core.model.object_versions import upload_from_json
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
    """The reconcile function: answers what was sent after `delay` looks at it, in the status that `status_of` says."""

    status_of: Callable[[str], str] = lambda key: "loaded"
    delay: int = 1
    sent: list[str] = field(default_factory=list)
    most_under_way: int = 0
    open: dict[str, tuple[Mapping[str, str], int]] = field(default_factory=dict)

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        if request["kind"] == "send":
            return {"sent": [self._send(value) for value in request["uploads"]]}
        return {"entries": [entry for key in request["log_keys"] for entry in self._look(key)]}

    def _send(self, value: Mapping[str, Any]) -> dict[str, Any]:
        key = key_of(upload_from_json(LAKE, value))
        self.sent.append(value["key"])
        self.open[value["key"]] = key, self.delay
        self.most_under_way = max(self.most_under_way, len(self.open))
        return {"key": value["key"], "log_key": key, "execution_arn": f"arn:{value['key']}"}

    def _look(self, log_key: Mapping[str, str]) -> list[dict[str, Any]]:
        [name] = [name for name, (key, _) in self.open.items() if key == log_key]
        left = self.open[name][1]
        if left > 0:
            self.open[name] = log_key, left - 1
            return [
                {
                    **log_key,
                    "status": "failed",
                    "execution_arn": "arn:an earlier one",
                    "s3_key": name,
                }
            ]
        status = self.status_of(name)
        if status == "received":
            return [{**log_key, "status": status, "execution_arn": f"arn:{name}"}]
        del self.open[name]
        return [{**log_key, "status": status, "execution_arn": f"arn:{name}", "s3_key": name}]


def a_finding(key: str, second: int = 0, state: str = "never seen") -> dict[str, Any]:
    return {
        "state": state,
        "key": key,
        "version_id": f"v{second}",
        "version": f"v{second}",
        "etag": "e",
        "size": 1,
        "sequencer": "0",
        "landed_at": f"2026-11-22T12:00:{second:02}Z",
    }


def run(function: FakeReconcile, uploads: list[dict[str, Any]], at_once: int = 100) -> Delivery:
    return deliver(function, uploads, at_once, FakeClock().clock(), lambda made: None)


def test_every_upload_is_sent_once_and_answered() -> None:
    function = FakeReconcile()
    made = run(function, [a_finding(f"dev/append/t/{number}.csv", number) for number in range(60)])
    assert function.sent == [f"dev/append/t/{number}.csv" for number in range(60)]
    assert (made.counts, made.unanswered) == ({"loaded": 60}, [])


def test_no_more_than_asked_for_are_under_way() -> None:
    function = FakeReconcile(delay=3)
    run(
        function,
        [a_finding(f"dev/append/t/{number}.csv", number) for number in range(40)],
        at_once=7,
    )
    assert function.most_under_way == 7


def test_an_answer_of_an_earlier_execution_is_not_taken_for_this_one_s() -> None:
    made = run(FakeReconcile(lambda key: "rejected", delay=2), [a_finding("dev/append/t/x.csv")])
    assert [answer["execution_arn"] for answer in made.answers] == ["arn:dev/append/t/x.csv"]


@pytest.mark.parametrize("action", ["schema", "truncate"])
def test_what_changes_a_table_as_a_whole_waits_and_is_waited_for(action: str) -> None:
    keys = [
        "dev/append/t/1.csv",
        f"dev/{action}/t/2",
        "dev/append/t/3.csv",
        "dev/append/other/4.csv",
    ]
    function = FakeReconcile()
    made = run(function, [a_finding(key, number) for number, key in enumerate(keys)])
    assert function.sent == [keys[0], keys[3], keys[1], keys[2]]
    assert len(made.answers) == 4


def test_what_is_never_answered_is_told_so_and_not_waited_for_for_ever() -> None:
    time = FakeClock()
    function = FakeReconcile(lambda key: "received")
    uploads = [a_finding("dev/schema/t/s.json"), a_finding("dev/append/t/x.csv", 1)]
    made = deliver(function, uploads, 10, time.clock(), lambda made: None)
    assert [each["key"] for each in made.unanswered] == [
        "dev/schema/t/s.json",
        "dev/append/t/x.csv",
    ]
    assert function.sent == ["dev/schema/t/s.json"]
    assert time.time == pytest.approx(STALL_SECONDS, abs=5)


def test_a_lake_is_compared_page_by_page_and_sent_in_landed_order() -> None:
    pages = {
        None: {"findings": [a_finding("b", 5)], "counts": {"never seen": 1, "fine": 2}, "marker": {"KeyMarker": "b"}},
        "b": {"findings": [a_finding("c", 1, "stuck"), a_finding("d", 0, "unlogged")], "counts": {"stuck": 1, "unlogged": 1}},
    }  # fmt: skip

    class Pages:
        def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
            if request["kind"] == "waiting":
                return {"findings": [a_finding("c", 1, "stuck"), a_finding("a", 9, "stuck")]}
            return pages[(request["marker"] or {}).get("KeyMarker")]

    seen: list[int] = []
    made = survey(
        Pages(), {}, FakeClock().clock(), lambda made: seen.append(sum(made.counts.values()))
    )
    assert [each["key"] for each in made.to_send] == ["c", "b", "a"]
    assert seen == [3, 5]
    assert made.counts["stuck"] == 2


def test_an_error_that_may_pass_is_met_by_asking_again() -> None:
    errors: list[Exception] = [ThrottledError("slow down"), ThrottledError("slow down")]

    class Busy:
        def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
            if errors:
                raise errors.pop()
            return {"done": True}

    assert ask_patiently(Busy(), {}, FakeClock().clock()) == {"done": True}


def test_an_error_that_stays_is_raised() -> None:
    class Broken:
        asked = 0

        def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
            self.asked += 1
            raise (ThrottledError("slow down") if self.asked < 3 else LoadFailedError("no"))

    with pytest.raises(LoadFailedError):
        ask_patiently(Broken(), {}, FakeClock().clock())


def test_nothing_found_is_nothing_to_send() -> None:
    assert Survey().to_send == []
