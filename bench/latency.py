"""One small file, compared with functions that do nothing in the same state machine."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from bench import workload
from bench.cloud import ANSWER_SECONDS, SMALL_ROWS, BenchCloud, BenchError, bench_cloud
from bench.measure import PartResult, Series, Turns
from bench.sizes import Size

OURS, TRIVIAL = "this loader", "trivial functions"
LOAD = "this loader: the function load"
ROUNDS = {Size.TINY: 2, Size.QUICK: 15, Size.FULL: 40}
TABLE = "small"


def measure(size: Size, report: Callable[[str], None]) -> PartResult:
    with bench_cloud() as cloud, bench_cloud() as trivial:
        trivial.make_functions_trivial()
        cloud.create_table(TABLE)
        load_seconds = list[float]()

        def ours() -> float:
            seconds, load = cloud.load_small(TABLE)
            load_seconds.append(load)
            return seconds

        cases = {OURS: ours, TRIVIAL: lambda: _run_trivial(trivial)}
        turns = Turns(cases, ROUNDS[size]).run(report)
    name = workload.size_name(SMALL_ROWS)
    load = Series(LOAD, name, "s", tuple(load_seconds[1:]))  # without the warm-up
    return PartResult([*turns.series(name), load], notes=[_note(turns)])


def _run_trivial(cloud: BenchCloud) -> float:
    """Upload a file. Return the seconds until its execution has succeeded."""
    before = cloud.execution_statuses()["SUCCEEDED"]
    content = workload.content(SMALL_ROWS)
    started = time.perf_counter()
    cloud.put(f"dev/append/{TABLE}/{uuid.uuid4().hex}.csv", content)
    while (waited := time.perf_counter() - started) < ANSWER_SECONDS:
        if cloud.execution_statuses()["SUCCEEDED"] > before:
            return time.perf_counter() - started
        time.sleep(max(0.005, waited / 100))
    raise BenchError(f"the execution did not end in {ANSWER_SECONDS:.0f} s")


def _note(turns: Turns) -> str:
    return (
        f"A file of {SMALL_ROWS} rows: from PutObject until the answer is in the log, or until the "
        "execution has succeeded. The trivial functions replace the code of `load` and `record` in "
        "a second cloud; events, state machine and permissions are the same. What they take, no "
        "loader with this architecture can save. "
        f"{OURS} / {TRIVIAL}: {turns.ratio(OURS, TRIVIAL):.2f}."
    )
