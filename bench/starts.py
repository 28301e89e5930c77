"""Cold starts: a new process that imports a function, compared with one that imports boto3."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence

from bench.cold_start import BASELINE, TARGETS, Spent
from bench.cold_start import measure as measure_starts
from bench.measure import PartResult, Series, Target, paired_ratio
from bench.sizes import Size
from local_cloud.function_environment import ensure_environment

RUNS = {Size.TINY: 2, Size.QUICK: 15, Size.FULL: 30}
COMPILED, NOT_COMPILED = "with compiled files", "without compiled files"


def measure(size: Size, report: Callable[[str], None]) -> PartResult:
    ensure_environment(report)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        flags = {
            COMPILED: ("-X", f"pycache_prefix={folder}/compiled"),
            NOT_COMPILED: ("-B", "-X", f"pycache_prefix={folder}/none"),
        }
        times = {state: measure_starts(RUNS[size], each) for state, each in flags.items()}
    series = [one for state, each in times.items() for one in _series(state, each)]
    note = (
        "Whole processes on the functions' interpreter, with only the packages of the layer, in "
        "turn. A layer has compiled files if a Python of Lambda's version is there to write them."
    )
    return PartResult(series, list(_targets(times[COMPILED])), [note])


def _series(state: str, times: Mapping[str, Sequence[Spent]]) -> Iterator[Series]:
    for case, spent in times.items():
        yield Series(case, state, "s", tuple(each.elapsed for each in spent))
        yield Series(case, state, "s CPU", tuple(each.cpu for each in spent))


def _targets(times: Mapping[str, Sequence[Spent]]) -> Iterator[Target]:
    baseline = [each.elapsed for each in times[BASELINE]]
    for name, limit in TARGETS.items():
        if limit is not None:
            elapsed = [each.elapsed for each in times[name]]
            yield Target(f"{name} / {BASELINE}", paired_ratio(elapsed, baseline), limit)
