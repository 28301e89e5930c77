"""What the operator's command line asks of the functions, page by page and batch by batch; each call is bounded in time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from etl_core.model.errors import RetryableError
from etl_core.model.lake_key import Action, KeyParts, describe_key
from etl_core.model.object_versions import parse_moment
from etl_core.model.status import SETTLED, Status
from etl_core.model.upload import padded_sequencer
from etl_core.recovery.reconcile import TO_SEND
from etl_core.upload_log.entry import PARTITION_KEY, SORT_KEY

Json = dict[str, Any]
BATCH = 25
POLL_SECONDS = 1.0
STALL_SECONDS = 1200.0
"""So long without any answer means that none will come: longer than one load may take."""
_ATTEMPTS = 5
_LOOK_AHEAD = 1000


class Asked(Protocol):
    """A function of the stack."""

    def ask(self, request: Mapping[str, Any]) -> Json:
        """Its answer. Raises EtlError."""
        ...


@dataclass(frozen=True)
class Clock:
    """Time, for those who wait."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Survey:
    """What the whole lake gave: all findings, and how many versions are in which state."""

    findings: list[Json] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def to_send(self) -> list[Json]:
        """What is to be sent, in landed order."""
        return sorted(
            (each for each in self.findings if each["state"] in TO_SEND), key=landed_order
        )


@dataclass
class Delivery:
    """What became of the uploads sent: the answers so far, and what has none."""

    answers: list[Json] = field(default_factory=list)
    unanswered: list[Json] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        """How many answers are of which status."""
        return Counter(answer["status"] for answer in self.answers)


def landed_order(finding: Mapping[str, Any]) -> tuple[Any, str, str]:
    """The order in which the findings' uploads landed (etl_core.model.upload.Upload.order)."""
    return (
        parse_moment(finding["landed_at"]),
        padded_sequencer(finding["sequencer"]),
        finding["key"],
    )


def ask_patiently(function: Asked, request: Mapping[str, Any], clock: Clock) -> Json:
    """The answer; an error that may pass is met by asking again. Raises EtlError."""
    for attempt in range(_ATTEMPTS - 1):
        try:
            return function.ask(request)
        except RetryableError:
            clock.sleep(2.0**attempt)
    return function.ask(request)


def pages(function: Asked, request: Mapping[str, Any], clock: Clock) -> Iterator[Json]:
    """The answers, page after page."""
    marker: Any = None
    while True:
        page = ask_patiently(function, {**request, "marker": marker}, clock)
        yield page
        marker = page.get("marker")
        if marker is None:
            return


def survey(
    function: Asked, request: Mapping[str, Any], clock: Clock, on_page: Callable[[Survey], None]
) -> Survey:
    """Compares the whole lake, page by page; then looks for what the log still waits for though the lake does not list it."""
    made = Survey()
    for page in pages(function, {**request, "kind": "page"}, clock):
        made.findings += page["findings"]
        made.counts.update(page["counts"])
        on_page(made)
    known = {_identity(finding) for finding in made.findings}
    for page in pages(function, {**request, "kind": "waiting"}, clock):
        new = [finding for finding in page["findings"] if _identity(finding) not in known]
        made.findings += new
        made.counts.update(finding["state"] for finding in new)
    return made


def _identity(finding: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(finding[name] for name in ("key", "version_id", "etag", "sequencer"))


def deliver(
    function: Asked,
    uploads: Sequence[Json],
    at_once: int,
    clock: Clock,
    on_answers: Callable[[Delivery], None],
) -> Delivery:
    """Sends uploads in the order given, so many at once, and waits for the log's answers.

    A schema file and a truncate wait for what the table got before them, and what follows waits for them: the pipeline would put
    right any order, but by loading things twice.
    """
    made, waiting = Delivery(), list(uploads)
    under_way: dict[tuple[str, str], Json] = {}
    heard_at = clock.now()
    while waiting or under_way:
        batch = _next_batch(waiting, under_way.values(), min(BATCH, at_once - len(under_way)))
        if batch:
            chosen = {id(upload) for upload in batch}
            waiting = [upload for upload in waiting if id(upload) not in chosen]
            sent = ask_patiently(function, {"kind": "send", "uploads": batch}, clock)["sent"]
            under_way |= {_log_key(one["log_key"]): one for one in sent}
        answers = [] if batch else _read_answers(function, list(under_way.values()), clock)
        for answer in answers:
            made.answers.append(answer)
            del under_way[_log_key(answer)]
        if answers or batch:
            heard_at = clock.now()
            on_answers(made)
        elif clock.now() - heard_at > STALL_SECONDS:
            break
        else:
            clock.sleep(POLL_SECONDS)
    made.unanswered = [*under_way.values(), *waiting]
    return made


def _next_batch(waiting: Sequence[Json], under_way: Iterable[Json], most: int) -> list[Json]:
    """The next uploads that need not wait for another one."""
    busy, closed = (
        {_target(each) for each in under_way},
        {_target(each) for each in under_way if _is_barrier(each)},
    )
    batch: list[Json] = []
    for upload in waiting[:_LOOK_AHEAD]:
        if len(batch) == most:
            break
        target = _target(upload)
        if target in closed or (target in busy and _is_barrier(upload)):
            closed.add(target)
            continue
        batch.append(upload)
        busy.add(target)
        if _is_barrier(upload):
            closed.add(target)
    return batch


def _target(upload: Mapping[str, Any]) -> KeyParts:
    return replace(describe_key(upload["key"]), action=None)


def _is_barrier(upload: Mapping[str, Any]) -> bool:
    return describe_key(upload["key"]).action in (Action.SCHEMA, Action.TRUNCATE)


def _read_answers(function: Asked, sent: Sequence[Json], clock: Clock) -> list[Json]:
    """The entries of what was sent that are this delivery's answer, or one that no delivery changes."""
    by_key = {_log_key(one["log_key"]): one for one in sent}
    request = {"kind": "answers", "log_keys": [one["log_key"] for one in sent]}
    entries = ask_patiently(function, request, clock)["entries"]
    return [entry for entry in entries if _is_answer(entry, by_key[_log_key(entry)])]


def _is_answer(entry: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
    status = entry["status"]
    is_ours = entry.get("execution_arn") == sent["execution_arn"]
    return status in SETTLED or (status != Status.RECEIVED and is_ours)


def _log_key(value: Mapping[str, Any]) -> tuple[str, str]:
    return value[PARTITION_KEY], value[SORT_KEY]
