"""Work with a stack's reconcile function: ask with retries, read all pages, and send uploads in
order. Every call is bounded in time.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from etl_core.model.errors import RetryableError
from etl_core.model.lake_key import Action, KeyParts, describe_key
from etl_core.model.status import SETTLED, Status
from etl_core.recovery.reconcile import TO_SEND, State
from etl_core.recovery.reconcile_requests import (
    Answer,
    AnswersRequest,
    FindingSummary,
    LogKey,
    PageRequest,
    PendingRequest,
    SendRequest,
    SentUpload,
)
from etl_core.recovery.services import FunctionClient
from etl_core.recovery.wire import P, PagedRequest, R, Request, ask

BATCH = 25
POLL_SECONDS = 1.0
STALL_SECONDS = 1200.0
"""Without any new final status for so long, none will come: a load is shorter."""
_ATTEMPTS = 5
_LOOK_AHEAD = 1000


@dataclass(frozen=True)
class Clock:
    """The time, replaceable in tests."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Comparison:
    """The result for the whole lake: all findings, the number of versions in each state, and the
    messages about damaged ledgers.
    """

    findings: list[FindingSummary] = field(default_factory=list)
    counts: Counter[State] = field(default_factory=Counter)
    statuses: Counter[Status] = field(default_factory=Counter)
    damaged: dict[str, None] = field(default_factory=dict)

    @property
    def to_send(self) -> list[FindingSummary]:
        """The uploads to send, in arrival order."""
        return in_arrival_order(each for each in self.findings if each.state in TO_SEND)


@dataclass
class Delivery:
    """The uploads that were to be sent: final statuses so far, uploads without one, and uploads not sent."""

    answers: list[Answer] = field(default_factory=list)
    unanswered: list[SentUpload] = field(default_factory=list)
    not_sent: list[FindingSummary] = field(default_factory=list)

    @property
    def counts(self) -> Counter[Status]:
        """The number of uploads with each final status."""
        return Counter(answer.status for answer in self.answers)

    @property
    def open_count(self) -> int:
        """The number of uploads without a final status."""
        return len(self.unanswered) + len(self.not_sent)


def in_arrival_order(findings: Iterable[FindingSummary]) -> list[FindingSummary]:
    """Return the findings in the arrival order of their uploads."""
    return sorted(findings, key=lambda each: each.upload.order)


def ask_with_retries(function: FunctionClient, request: Request[R], clock: Clock) -> R:
    """Return the response; retry after a RetryableError. Raises EtlError."""
    for attempt in range(_ATTEMPTS - 1):
        try:
            return ask(function, request)
        except RetryableError:
            clock.sleep(2.0**attempt)
    return ask(function, request)


def pages(function: FunctionClient, request: PagedRequest[P], clock: Clock) -> Iterator[P]:
    """Yield the responses, page after page."""
    while True:
        page = ask_with_retries(function, request, clock)
        yield page
        if page.marker is None:
            return
        request = request.at(page.marker)


def compare_lake(
    function: FunctionClient,
    request: PageRequest,
    clock: Clock,
    on_page: Callable[[Comparison], None],
) -> Comparison:
    """Compare the whole lake, then look for pending uploads that the lake does not list."""
    comparison = Comparison()
    for page in pages(function, request, clock):
        comparison.findings += page.findings
        comparison.counts.update(page.counts)
        comparison.statuses.update(page.statuses)
        comparison.damaged |= dict.fromkeys(each.message for each in page.damaged)
        on_page(comparison)
    known = {finding.upload for finding in comparison.findings}
    pending = PendingRequest(scope=request.scope, grace_seconds=request.grace_seconds)
    for page in pages(function, pending, clock):
        new = [finding for finding in page.findings if finding.upload not in known]
        comparison.findings += new
        comparison.counts.update(finding.state for finding in new)
        comparison.statuses.update(each.status for each in new if each.status is not None)
    return comparison


def deliver(
    function: FunctionClient,
    findings: Sequence[FindingSummary],
    at_once: int,
    clock: Clock,
    on_change: Callable[[Delivery], None],
) -> Delivery:
    """Send uploads in the order given, at most `at_once` under way, and wait for their final statuses.

    A schema file, a truncate or an upsert waits for the uploads before it in the same table, and later ones
    wait for it. The pipeline accepts any order, but would load some files twice.
    """
    delivery, to_send = Delivery(), list(findings)
    under_way: dict[LogKey, SentUpload] = {}
    changed_at = clock.now()
    while to_send or under_way:
        batch = _next_batch(to_send, under_way.values(), min(BATCH, at_once - len(under_way)))
        answers: list[Answer] = []
        if batch:
            to_send = _remove(to_send, batch)
            under_way |= {each.log_key: each for each in _send(function, batch, clock)}
        else:
            answers = _read_answers(function, under_way, clock)
            delivery.answers += answers
            under_way = _without(under_way, answers)
        if answers or batch:
            changed_at = clock.now()
            on_change(delivery)
        elif clock.now() - changed_at > STALL_SECONDS:
            break
        else:
            clock.sleep(POLL_SECONDS)
    delivery.unanswered, delivery.not_sent = list(under_way.values()), to_send
    return delivery


def _remove(to_send: list[FindingSummary], batch: Sequence[FindingSummary]) -> list[FindingSummary]:
    """Return the rest.

    A batch comes from the first uploads only, so the others are not compared.
    """
    chosen = set(batch)
    rest = [each for each in to_send[:_LOOK_AHEAD] if each not in chosen]
    return rest + to_send[_LOOK_AHEAD:]


def _send(
    function: FunctionClient, batch: Sequence[FindingSummary], clock: Clock
) -> Sequence[SentUpload]:
    request = SendRequest(uploads=tuple(each.upload for each in batch))
    return ask_with_retries(function, request, clock).sent


def _without(
    under_way: dict[LogKey, SentUpload], answers: Sequence[Answer]
) -> dict[LogKey, SentUpload]:
    done = {answer.log_key for answer in answers}
    return {key: sent for key, sent in under_way.items() if key not in done}


def _next_batch(
    to_send: Sequence[FindingSummary], under_way: Iterable[SentUpload], size: int
) -> list[FindingSummary]:
    """Return the next uploads that need not wait for another one, at most `size`."""
    running = [each.key for each in under_way]
    busy = {_target(key) for key in running}
    closed = {_target(key) for key in running if _is_barrier(key)}
    batch: list[FindingSummary] = []
    for finding in to_send[:_LOOK_AHEAD]:
        if len(batch) >= size:
            break
        key = finding.upload.key
        if _target(key) in closed or (_target(key) in busy and _is_barrier(key)):
            closed.add(_target(key))
            continue
        batch.append(finding)
        busy.add(_target(key))
        if _is_barrier(key):
            closed.add(_target(key))
    return batch


def _target(key: str) -> KeyParts:
    return replace(describe_key(key), action=None)


def _is_barrier(key: str) -> bool:
    return describe_key(key).action in (Action.SCHEMA, Action.TRUNCATE, Action.UPSERT)


def _read_answers(
    function: FunctionClient, under_way: dict[LogKey, SentUpload], clock: Clock
) -> list[Answer]:
    """Return the entries that have the final status of this delivery, or one that no delivery changes."""
    request = AnswersRequest(log_keys=tuple(under_way))
    answers = ask_with_retries(function, request, clock).answers
    return [each for each in answers if _is_answer(each, under_way[each.log_key])]


def _is_answer(answer: Answer, sent: SentUpload) -> bool:
    is_ours = answer.execution_arn == sent.execution_arn
    return answer.status in SETTLED or (answer.status is not Status.RECEIVED and is_ours)
