"""Simulate bursts and long days: how long uploads wait, and what every service does for them.

`python -m bench.scale_simulation` prints the figures of each case; `--json` prints a line of JSON
per case. The simulation has the state machine's waits, the leases, the slots and the micro-batches.
It has no quotas: it shows the rates, and docs/explanation/scale.md compares them with the quotas.
The seconds at the top are assumptions about AWS; replace them by measured ones.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import random
import statistics
import sys
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

RECEIVE_SECONDS = 0.06
"""The record function before the load, warm: one write to the log, the lease, a slot."""
RECORD_SECONDS = 0.06
LOOK_SECONDS = 0.03
"""One BatchGetItem by the state machine."""
LOAD_SECONDS = 2.0
"""Of each transaction besides COPY: connect, lock and read the ledger, read the catalog, write the ledger, commit."""
COPY_SECONDS = 2.0
"""Of each COPY, however small."""
FILE_SECONDS = 0.02
"""Of each further file: HEAD and GET before COPY, and its part of COPY."""
ANSWER_SECONDS = 0.005
"""Of each member's final log entry, after COMMIT."""

FIRST_WAIT_SECONDS, WAIT_GROWTH, LONGEST_WAIT_SECONDS = 2.0, 2.0, 60.0
TAKE_ALONG_SECONDS = 60.0
MAX_BATCH = 500
SLOTS = 5
PENDING_SECONDS = 86_400.0
"""A load looks for uploads that were received within this time: LONGEST_WAIT in etl_core.upload_log.entry."""

RECEIVE_STATES, LOAD_STATES, LOOK_STATES, END_STATES = 2, 3, 3, 1
"""State transitions: Receive and Next step; Load, Record and Next step; Wait, Look and Answered?; Succeeded."""
RECEIVE_EVENTS, LOAD_EVENTS, LOOK_EVENTS, START_END_EVENTS = 7, 12, 9, 4
"""History events: a function call has five, a service call five, a wait and a choice two each."""
ENTRY_UNITS = 2
"""Write units of a log entry of 1 to 2 KB. The index takes as many again."""
LEASE_UNITS = 1
DOLLARS_PER_STATE = 25e-6
DOLLARS_PER_CALL, DOLLARS_PER_GB_SECOND = 0.2e-6, 16.6667e-6
DOLLARS_PER_WRITE_UNIT, DOLLARS_PER_READ_UNIT = 0.625e-6, 0.125e-6
DOLLARS_PER_EVENT = 1e-6
DOLLARS_PER_PUT, DOLLARS_PER_GET = 5e-6, 0.4e-6
"""List prices of us-east-1, November 2026; scale.md names their sources."""
LOAD_GB, RECORD_GB = 0.5, 0.25
"""Memory of the functions."""
MAX_EVENTS = 2_500_000
"""The simulation of one case ends here at the latest."""


@dataclass(frozen=True)
class Case:
    """`files` arrive within `seconds`, in equal parts for `tables` tables."""

    name: str
    files: int
    seconds: float
    tables: int
    slots: int = SLOTS
    first_wait: float = FIRST_WAIT_SECONDS


def a_day(files: int, tables: int, slots: int = SLOTS) -> Case:
    """Return a part of a day with `files` files: about 50,000 of them, or a quarter of an hour."""
    share = min(1.0, max(50_000 / files, 900 / 86_400 if files < 10**8 else 0.0))
    name = f"{files:.0e}/day, {tables:,} tables, {slots} slots".replace("e+0", "e")
    return Case(name, round(files * share), 86_400 * share, tables, slots)


CASES = (
    *(a_day(files, tables) for files in (10**4, 10**6) for tables in (1, 100, 10_000)),
    a_day(10**6, 100, 20),
    a_day(10**6, 10_000, 50),
    *(a_day(10**8, tables, 50) for tables in (1, 100, 10_000)),
    Case("1e5 in one hour, 1 table", 100_000, 3600, 1),
    Case("1e5 in one hour, 1 table, first wait 5 s", 100_000, 3600, 1, first_wait=5.0),
)


@dataclass(eq=False)
class Upload:
    """One execution and its upload."""

    table: int
    arrived_at: float
    wait: float
    answered_at: float | None = None
    decided_at: float | None = None
    in_load: bool = False
    looks_at_slot: bool = False
    states: int = RECEIVE_STATES
    events: int = RECEIVE_EVENTS + START_END_EVENTS
    calls: int = 1


@dataclass
class Rates:
    """Counts per second of simulated time, by name; the highest is the peak."""

    counts: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, name: str, at: float, count: float = 1) -> None:
        self.counts[name][int(at)] += count  # type: ignore[assignment]

    def peak(self, name: str) -> float:
        return max(self.counts[name].values(), default=0)


@dataclass(frozen=True)
class Result:
    """The figures of one case. `ended`: all uploads were answered before MAX_EVENTS."""

    case: str
    ended: bool
    answer_seconds_median: float
    answer_seconds_p99: float
    waiting_at_end_of_arrivals: int
    most_waiting: int
    files_per_load: float
    files_per_copy: float
    loads_per_hour: float
    most_loads_at_once: int
    states_per_upload: float
    states_per_second_peak: float
    history_events_most: int
    invocations_per_upload: float
    functions_at_once_peak: float
    dollars_per_million: float
    starts_per_second_peak: float
    log_write_units_peak: float
    lease_writes_peak: float
    lease_reads_peak: float
    slot_writes_peak: float
    log_reads_peak: float


class Simulation:
    """One case. Events are (time, number, method, upload); the busiest keys of DynamoDB are table 0's."""

    def __init__(self, case: Case, seed: int = 1) -> None:
        self.case, self.random = case, random.Random(seed)
        self.queue: list[tuple[float, int, str, Upload]] = []
        self.numbers = itertools.count()
        self.uploads: list[Upload] = []
        self.pending: dict[int, deque[Upload]] = defaultdict(deque)
        self.leases: set[int] = set()
        self.slots_free = case.slots
        self.rates = Rates()
        self.waiting = self.most_waiting = self.waiting_at_end = 0
        self.loads = self.copies = self.copied = self.busy = self.most_busy = 0
        self.now = self.load_seconds = 0.0
        self.polls = 0

    def run(self) -> Result:
        """Simulate until every upload has its answer."""
        for upload in self._arrivals():
            self._at(upload.arrived_at, "receive", upload)
        count = 0
        while self.queue and count < MAX_EVENTS:
            self.now, _, method, upload = heapq.heappop(self.queue)
            if self.now <= self.case.seconds:
                self.waiting_at_end = self.waiting
            getattr(self, method)(upload)
            count += 1
        return self._result()

    def _arrivals(self) -> Iterator[Upload]:
        times = sorted(self.random.uniform(0, self.case.seconds) for _ in range(self.case.files))
        for number, time in enumerate(times):
            upload = Upload(number % self.case.tables, time, self.case.first_wait)
            self.uploads.append(upload)
            self.rates.add("starts", time)
            self.rates.add("states", time, RECEIVE_STATES)
            yield upload

    def _at(self, time: float, method: str, upload: Upload) -> None:
        heapq.heappush(self.queue, (time, next(self.numbers), method, upload))

    def receive(self, upload: Upload) -> None:
        """Run the record function: write the entry if it is new, then ask for a turn."""
        self.rates.add("functions", self.now, RECEIVE_SECONDS)
        if upload.calls == 1:
            self.pending[upload.table].append(upload)
            self._write_entry(upload)
        self._at(self.now + RECEIVE_SECONDS, "ask", upload)

    def ask(self, upload: Upload) -> None:
        """Take the table's lease and a slot, or wait."""
        if self._is_answered(upload):
            self._end(upload)
            return
        if upload.table == 0:
            self.rates.add("lease_writes", self.now, LEASE_UNITS)
        upload.looks_at_slot = upload.table not in self.leases and not self.slots_free
        if upload.table in self.leases:
            self._wait(upload)
        elif not self.slots_free:
            # The lease is given back.
            self.rates.add("slot_writes", self.now, LEASE_UNITS)
            if upload.table == 0:
                self.rates.add("lease_writes", self.now, LEASE_UNITS)
            self._wait(upload)
        else:
            self.leases.add(upload.table)
            self.slots_free -= 1
            self.loads += 1
            self.busy += 1
            self.most_busy = max(self.most_busy, self.busy)
            upload.in_load = True
            self._add(upload, LOAD_STATES, LOAD_EVENTS, calls=2)
            self.batch(upload)

    def _wait(self, upload: Upload) -> None:
        self.waiting += 1
        self.most_waiting = max(self.most_waiting, self.waiting)
        pause = upload.wait * self.random.uniform(0.75, 1.25)
        upload.wait = min(upload.wait * WAIT_GROWTH, LONGEST_WAIT_SECONDS)
        self._at(self.now + pause + LOOK_SECONDS, "look", upload)

    def look(self, upload: Upload) -> None:
        """Read the own entry and the lease, and end, ask again or wait on."""
        self.waiting -= 1
        self.polls += 1
        self._add(upload, LOOK_STATES, LOOK_EVENTS)
        if upload.table == 0:
            self.rates.add("log_reads", self.now)
            self.rates.add("lease_reads", self.now)
        if self._is_answered(upload):
            self._end(upload)
        elif self._is_held(upload):
            self._wait(upload)
        else:
            self._add(upload, RECEIVE_STATES, RECEIVE_EVENTS, calls=1)
            self.receive(upload)

    def batch(self, upload: Upload) -> None:
        """Start a transaction of a load: first with its own upload, then with what is pending."""
        members = self._members(upload)
        if not members:
            self._at(self.now, "record", upload)
            return
        copied_at = self.now + LOAD_SECONDS + COPY_SECONDS + FILE_SECONDS * (len(members) - 1)
        self.copies += 1
        self.copied += len(members)
        for number, member in enumerate(members, 1):
            member.answered_at = copied_at + ANSWER_SECONDS * number
            self._write_entry(member, member.answered_at)
        done_at = copied_at + ANSWER_SECONDS * len(members)
        self._count_function(self.now, done_at)
        self.load_seconds += done_at - self.now
        upload.decided_at = upload.decided_at or copied_at
        goes_on = done_at - upload.decided_at <= TAKE_ALONG_SECONDS
        self._at(done_at, "batch" if goes_on else "record", upload)

    def _members(self, own: Upload) -> list[Upload]:
        """Return the upload itself, if it is not loaded yet, and the oldest pending uploads of its table."""
        pending = self.pending[own.table]
        members = [] if own.answered_at is not None else [own]
        while pending and len(members) < MAX_BATCH:
            each = pending.popleft()
            is_recent = self.now - each.arrived_at <= PENDING_SECONDS
            if each.answered_at is None and not each.in_load and is_recent:
                members.append(each)
        return members

    def _count_function(self, started: float, ended: float) -> None:
        for second in range(int(started), int(ended) + 1):
            overlap = min(ended, second + 1) - max(started, second)
            self.rates.add("functions", second, overlap)

    def record(self, upload: Upload) -> None:
        """Give back the lease and the slot, and end."""
        self.rates.add("functions", self.now, RECORD_SECONDS)
        if upload.table == 0:
            self.rates.add("lease_writes", self.now, LEASE_UNITS)
        self.leases.discard(upload.table)
        self.slots_free += 1
        self.busy -= 1
        self._end(upload)

    def _is_held(self, upload: Upload) -> bool:
        """Return whether what the execution waits for is held: its table's lease, or every slot."""
        if upload.looks_at_slot:
            return not self.slots_free
        return upload.table in self.leases

    def _is_answered(self, upload: Upload) -> bool:
        return upload.answered_at is not None and upload.answered_at <= self.now

    def _end(self, upload: Upload) -> None:
        self._add(upload, END_STATES, 0)

    def _add(self, upload: Upload, states: int, events: int, calls: int = 0) -> None:
        upload.states += states
        upload.events += events
        upload.calls += calls
        self.rates.add("states", self.now, states)

    def _write_entry(self, upload: Upload, time: float | None = None) -> None:
        if upload.table == 0:
            self.rates.add("log_writes", self.now if time is None else time, ENTRY_UNITS)

    def _dollars(self) -> float:
        """Return the price of all uploads without Redshift, storage and CloudWatch."""
        calls = sum(each.calls for each in self.uploads)
        polls = self.polls * 2 * 0.5  # two items, eventually consistent
        # The entry is written twice and the index twice; a call writes the lease.
        writes = len(self.uploads) * 4 * ENTRY_UNITS + (calls + self.loads) * LEASE_UNITS
        gb_seconds = (calls - self.loads) * RECORD_SECONDS * RECORD_GB + self.load_seconds * LOAD_GB
        return (
            sum(each.states for each in self.uploads) * DOLLARS_PER_STATE
            + calls * DOLLARS_PER_CALL
            + gb_seconds * DOLLARS_PER_GB_SECOND
            + writes * DOLLARS_PER_WRITE_UNIT
            + polls * DOLLARS_PER_READ_UNIT
            + len(self.uploads) * (DOLLARS_PER_EVENT + 3 * DOLLARS_PER_GET)
            + self.copies * DOLLARS_PER_PUT
        )

    def _result(self) -> Result:
        answered = sorted(
            each.answered_at - each.arrived_at for each in self.uploads if each.answered_at
        )
        last = max((each.answered_at or 0.0 for each in self.uploads), default=1.0)
        peak = self.rates.peak
        return Result(
            case=self.case.name,
            ended=not self.queue,
            answer_seconds_median=statistics.median(answered),
            answer_seconds_p99=answered[int(len(answered) * 0.99)],
            waiting_at_end_of_arrivals=self.waiting_at_end,
            most_waiting=self.most_waiting,
            files_per_load=self.copied / self.loads,
            files_per_copy=self.copied / self.copies,
            loads_per_hour=self.loads / last * 3600,
            most_loads_at_once=self.most_busy,
            states_per_upload=statistics.fmean(each.states for each in self.uploads),
            states_per_second_peak=peak("states"),
            history_events_most=max(each.events for each in self.uploads),
            invocations_per_upload=statistics.fmean(each.calls for each in self.uploads),
            functions_at_once_peak=peak("functions"),
            dollars_per_million=1e6 * self._dollars() / len(self.uploads),
            starts_per_second_peak=peak("starts"),
            log_write_units_peak=peak("log_writes"),
            lease_writes_peak=peak("lease_writes"),
            lease_reads_peak=peak("lease_reads"),
            slot_writes_peak=peak("slot_writes"),
            log_reads_peak=peak("log_reads"),
        )


def main(arguments: list[str] | None = None) -> None:
    """Simulate the cases whose name contains the argument, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "name", nargs="?", default="", help="a case, or a part of the names of several"
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON per case")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    exact = [case for case in CASES if case.name == chosen.name]
    for case in exact or [case for case in CASES if chosen.name in case.name]:
        result = asdict(Simulation(case, chosen.seed).run())
        sys.stdout.write(f"{json.dumps(result) if chosen.json else describe(result)}\n")
        sys.stdout.flush()


def describe(result: dict[str, Any]) -> str:
    """Return the figures of one case, one per line."""
    state = "" if result["ended"] else f"; stopped after {MAX_EVENTS:,} events"
    lines = [f"    {name} {value:,.6g}" for name, value in list(result.items())[2:]]
    return "\n".join([f"{result['case']}{state}", *lines])


if __name__ == "__main__":
    main()
