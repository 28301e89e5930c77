"""Memory of the load function for a large file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from bench import workload
from bench.cloud import BenchError, bench_cloud
from bench.measure import PartResult, Series, Target
from bench.sampler import FunctionSampler
from bench.sizes import Size

MEGABYTES = {Size.TINY: 10, Size.QUICK: 200, Size.FULL: 1_000}
MOST_MEGABYTES = 150.0
TABLE = "large"


def measure(size: Size, report: Callable[[str], None]) -> PartResult:
    """Load one large file. Its rows repeat, so that it is written quickly."""
    megabytes = MEGABYTES[size]
    with bench_cloud() as cloud, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder) / "large.csv"
        rows = workload.write_large_file(file, megabytes)
        cloud.create_table(TABLE)
        with FunctionSampler(cloud) as idle:
            cloud.load_small(TABLE)
        with FunctionSampler(cloud) as sampler, file.open("rb") as content:
            seconds, entry = cloud.load(f"dev/append/{TABLE}/large.csv", content)
        if entry["rows_loaded"] != rows:
            raise BenchError(f"{entry['rows_loaded']} rows were loaded instead of {rows}")
        report(f"  {rows:,} rows in {seconds:.1f} s: {sampler.peak_megabytes:.0f} MB")
    name = f"{megabytes:,} MB"
    series = [
        Series("a file of 100 rows", "resident memory, most", "MB", (idle.peak_megabytes,)),
        Series(f"a file of {name}", "resident memory, most", "MB", (sampler.peak_megabytes,)),
        Series(f"a file of {name}", "CPU", "s CPU", (sampler.cpu_seconds,)),
        Series(f"a file of {name}", "until the answer", "s", (seconds,)),
    ]
    target = Target(f"load function, {name}", sampler.peak_megabytes, MOST_MEGABYTES, "MB")
    note = "The largest resident memory of the function's process, as Linux records it (VmHWM)."
    return PartResult(series, [target], [note])
