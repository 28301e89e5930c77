"""Many small files at once, compared with trivial functions in the same state machine plus one COPY."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise

from bench import workload
from bench.cloud import RECEIVED, SMALL_ROWS, BenchCloud, BenchError, bench_cloud
from bench.measure import PartResult, Series, Target, timed
from bench.sampler import FunctionSampler
from bench.sizes import Size

BURST_SECONDS = 900.0
UPLOADERS = 4
WARM_UP_FILES = 16
LOADED, ANSWERED, ENDED = (
    "this loader: loaded",
    "this loader: answered",
    "this loader: executions ended",
)
TRIVIAL, COPY = "trivial functions", "one COPY of the files"
CPU, CONNECTIONS = "load function: CPU per file", "warehouse connections, most"
SIZES: dict[Size, tuple[Sequence[tuple[int, int]], int]] = {
    Size.TINY: (((20, 1), (20, 4)), 1),
    Size.QUICK: (((200, 1), (200, 50)), 1),
    Size.FULL: (((200, 1), (1000, 1), (200, 50), (1000, 50)), 3),
}
"""Files and tables of each burst, and rounds."""

MOST_OF_TRIVIAL, MOST_GROWTH, MOST_CONNECTIONS, MOST_CPU = 1.5, 5.5, 2, 0.15


@dataclass(frozen=True)
class Burst:
    """What one burst took, in seconds since the first PutObject. None: not within BURST_SECONDS."""

    loaded: float | None
    answered: float | None
    ended: float | None
    cpu_per_file: float
    connections: int
    received_left: int
    statuses: Counter[str]


def measure(size: Size, report: Callable[[str], None]) -> PartResult:
    shapes, rounds = SIZES[size]
    bursts = [_Bursts(files, tables, rounds, report) for files, tables in shapes]
    for each in bursts:
        with bench_cloud() as cloud, bench_cloud() as trivial:
            trivial.make_functions_trivial()
            each.run(cloud, trivial)
    series = [one for each in bursts for one in each.series()]
    targets = [one for each in bursts for one in each.targets()]
    return PartResult(series, [*targets, *_growth(bursts)], [_NOTE])


_NOTE = (
    f"Files of {SMALL_ROWS} rows, uploaded by {UPLOADERS} threads. `loaded`: all rows are in the tables. "
    "`answered`: no entry of the log is without a final status. `trivial functions`: the same files "
    "in a second cloud whose `load` and `record` do nothing, until the last execution has ended. "
    "Connections are sampled ten times a second, so a shorter peak may be missing."
)


@dataclass
class _Bursts:
    files: int
    tables: int
    rounds: int
    report: Callable[[str], None]
    bursts: list[Burst] = field(default_factory=list)
    trivial: list[float] = field(default_factory=list)
    copies: list[float] = field(default_factory=list)

    @property
    def name(self) -> str:
        tables = "1 table" if self.tables == 1 else f"{self.tables} tables"
        return f"{self.files:,} files, {tables}"

    def run(self, cloud: BenchCloud, trivial: BenchCloud) -> None:
        self.report(self.name)
        warm_up = _Bursts(WARM_UP_FILES, 1, 1, lambda _: None)
        warm_up.run_once(cloud, trivial, "warm_up")
        for number in range(1, self.rounds + 1):
            self.run_once(cloud, trivial, f"burst{number}")

    def run_once(self, cloud: BenchCloud, trivial: BenchCloud, stem: str) -> None:
        tables = [f"{stem}_{number}" for number in range(self.tables)]
        for table in tables:
            cloud.create_table(table)
        keys = [
            f"dev/append/{tables[number % len(tables)]}/{number}.csv"
            for number in range(self.files)
        ]
        burst = _run_burst(cloud, tables, keys)
        self.bursts.append(burst)
        self.trivial.append(_run_trivial(trivial, keys))
        self.copies.append(_copy_once(cloud, tables[0], keys))
        self.report(f"  {burst}; trivial {self.trivial[-1]:.1f} s, COPY {self.copies[-1]:.1f} s")

    def series(self) -> list[Series]:
        return [
            self._ours(LOADED, [each.loaded for each in self.bursts]),
            self._ours(ANSWERED, [each.answered for each in self.bursts]),
            self._ours(ENDED, [each.ended for each in self.bursts]),
            Series(TRIVIAL, self.name, "s", tuple(self.trivial)),
            Series(COPY, self.name, "s", tuple(self.copies)),
            Series(CPU, self.name, "s CPU", tuple(each.cpu_per_file for each in self.bursts)),
            Series(
                CONNECTIONS,
                self.name,
                "connections",
                tuple(float(each.connections) for each in self.bursts),
            ),
        ]

    def _ours(self, case: str, values: Sequence[float | None]) -> Series:
        known = tuple(value for value in values if value is not None)
        missing = ""
        if len(known) < len(values):
            left = [dict(each.statuses) for each in self.bursts]
            missing = f"not within {BURST_SECONDS:.0f} s in every round; statuses: {left}"
        return Series(case, self.name, "s", known, missing)

    def targets(self) -> list[Target]:
        left = max(each.received_left for each in self.bursts)
        targets = [
            Target(f"entries left `{RECEIVED}`, {self.name}", left, 0),
            Target(
                f"load function, CPU per file, {self.name}",
                max(each.cpu_per_file for each in self.bursts),
                MOST_CPU,
                "s",
            ),
        ]
        if self.tables == 1:
            most = max(each.connections for each in self.bursts)
            targets.append(
                Target(f"warehouse connections at any moment, {self.name}", most, MOST_CONNECTIONS)
            )
            targets.append(
                Target(
                    f"answered / (trivial functions + one COPY), {self.name}",
                    self._ratio(),
                    MOST_OF_TRIVIAL,
                )
            )
        return targets

    def _ratio(self) -> float | None:
        """Return the largest ratio of a round; None if a burst was not answered in time."""
        ratios = [
            burst.answered / (trivial + copy)
            for burst, trivial, copy in zip(self.bursts, self.trivial, self.copies, strict=True)
            if burst.answered is not None
        ]
        return max(ratios) if len(ratios) == len(self.bursts) else None


def _growth(bursts: Sequence[_Bursts]) -> list[Target]:
    """Return how much longer the larger burst into one table takes, in its slowest round."""
    targets = []
    for small, large in pairwise([each for each in bursts if each.tables == 1]):
        answered = [[burst.answered for burst in each.bursts] for each in (small, large)]
        short, long = ([each for each in one if each is not None] for one in answered)
        finished = len(short) == len(small.bursts) and len(long) == len(large.bursts)
        ratio = max(long) / min(short) if finished else None
        targets.append(Target(f"answered: {large.name} / {small.name}", ratio, MOST_GROWTH))
    return targets


def _run_burst(cloud: BenchCloud, tables: Sequence[str], keys: Sequence[str]) -> Burst:
    times = dict[str, float]()
    already = sum(cloud.execution_statuses().values())
    checks: dict[str, Callable[[], bool]] = {
        "loaded": partial(_all_loaded, cloud, tables, len(keys) * SMALL_ROWS),
        "answered": partial(_all_answered, cloud, tables, len(keys)),
        "ended": partial(_all_ended, cloud, already + len(keys)),
    }
    with FunctionSampler(cloud) as sampler, _uploads(cloud, keys) as started:
        while checks and time.perf_counter() - started < BURST_SECONDS:
            for name in list(checks):
                if checks[name]():
                    times[name] = time.perf_counter() - started
                    del checks[name]
            time.sleep(_interval(started))
    statuses = _statuses(cloud, tables)
    return Burst(
        loaded=times.get("loaded"),
        answered=times.get("answered"),
        ended=times.get("ended"),
        cpu_per_file=sampler.cpu_seconds / len(keys),
        connections=max(sampler.open_connections),
        received_left=statuses[RECEIVED],
        statuses=statuses,
    )


def _run_trivial(cloud: BenchCloud, keys: Sequence[str]) -> float:
    total = sum(cloud.execution_statuses().values()) + len(keys)
    with _uploads(cloud, keys) as started:
        while time.perf_counter() - started < BURST_SECONDS:
            if _all_ended(cloud, total):
                return time.perf_counter() - started
            time.sleep(_interval(started))
    raise BenchError(f"the trivial functions did not end in {BURST_SECONDS:.0f} s")


@contextlib.contextmanager
def _uploads(cloud: BenchCloud, keys: Sequence[str]) -> Iterator[float]:
    """Upload the files in the background. Yield the time of the start."""
    contents = {
        key: workload.content(SMALL_ROWS, first=n * SMALL_ROWS) for n, key in enumerate(keys)
    }
    with ThreadPoolExecutor(UPLOADERS) as uploaders:
        started = time.perf_counter()
        puts = [uploaders.submit(cloud.put, key, content) for key, content in contents.items()]
        yield started
        for put in puts:
            put.result()


def _interval(started: float) -> float:
    waited = time.perf_counter() - started
    return 0.1 if waited < 5 else min(1.0, waited / 50)


def _all_loaded(cloud: BenchCloud, tables: Sequence[str], rows: int) -> bool:
    with (
        contextlib.closing(cloud.connect_to_postgres()) as connection,
        connection.cursor() as cursor,
    ):
        counts = " + ".join(f"(SELECT COUNT(*) FROM {table})" for table in tables)
        cursor.execute(f"SELECT {counts}")
        return bool(cursor.fetchone()[0] >= rows)


def _all_answered(cloud: BenchCloud, tables: Sequence[str], files: int) -> bool:
    if cloud.has_pending():
        return False
    statuses = _statuses(cloud, tables)
    return not statuses[RECEIVED] and statuses.total() - statuses["applied"] >= files


def _statuses(cloud: BenchCloud, tables: Sequence[str]) -> Counter[str]:
    return sum((cloud.statuses(table) for table in tables), Counter[str]())


def _all_ended(cloud: BenchCloud, executions: int) -> bool:
    if cloud.is_running():
        return False
    return cloud.execution_statuses()["SUCCEEDED"] >= executions


def _copy_once(cloud: BenchCloud, table: str, keys: Sequence[str]) -> float:
    """Return the seconds of one COPY of the files, with a manifest, into a table of the same columns."""
    lake = cloud.client.outputs.lake_bucket
    entries = [{"url": f"s3://{lake}/{key}", "mandatory": True} for key in keys]
    cloud.put("bursts/manifest", json.dumps({"entries": entries}).encode(), cloud.work_bucket)
    with contextlib.closing(cloud.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE copied ({workload.DDL_COLUMNS})")
        statement = (
            f"COPY copied FROM 's3://{cloud.work_bucket}/bursts/manifest' "
            f"IAM_ROLE '{cloud.copy_role}' MANIFEST CSV IGNOREHEADER 1"
        )
        seconds = timed(lambda: cursor.execute(statement))
        cursor.execute("SELECT COUNT(*) FROM copied")
        if cursor.fetchone()[0] != len(keys) * SMALL_ROWS:
            raise BenchError("the COPY did not load all files")
        cursor.execute("DROP TABLE copied")
    return seconds
