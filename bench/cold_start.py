"""Cold start of the functions: what they import, compared with `import boto3`.

    python -m bench.cold_start [--runs 15] [--json]

Each measurement is a new process of the functions' interpreter (.venv-lambda). The runs are
interleaved, so that a busy machine slows all of them, and the figures are medians. CPU time is
measured besides the elapsed time, because other work on the machine changes it little. On Lambda
the start of a function is bound by its CPU share, too.

all compiled: everything has compiled files, as after the first start on a machine that keeps them.
layer compiled: only the packages have them, which is what is deployed with a compiled layer.
not compiled: nothing has them, which is what is deployed with a layer that was built without them.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from local_cloud.function_environment import FUNCTION_INTERPRETER

ROOT = Path(__file__).resolve().parent.parent
BASELINE = "import boto3"
TARGETS = {
    "load": 2.2,
    "tables": None,
    "record": 1.1,
    "query": 1.3,
    "reconcile": None,
    "long_copy": None,
}
CLIENT = "from etl_core.adapters.aws_clients import DATA, make_client; make_client('{}', DATA)"
STATEMENTS = {
    BASELINE: BASELINE,
    "python": "pass",
    **{name: f"import handlers.{name}" for name in TARGETS},
    "DynamoDB client": CLIENT.format("dynamodb"),
    "S3 client": CLIENT.format("s3"),
}


@dataclass(frozen=True)
class Spent:
    """Elapsed seconds and seconds of CPU."""

    elapsed: float
    cpu: float


def main() -> None:
    """Print the medians, and their ratios to `import boto3`."""
    parser = argparse.ArgumentParser(description="Cold start of the functions.")
    parser.add_argument("--runs", type=int, default=15, help="runs of each statement")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cold-start-") as folder:
        cache = Path(folder, "full")
        flags = ("-X", f"pycache_prefix={cache}")
        measured = {"all compiled": measure(options.runs, flags)}
        for package in ("etl_core", "handlers"):
            shutil.rmtree(cache / (ROOT / package).relative_to("/"))
        measured["layer compiled"] = measure(options.runs, ("-B", *flags))
        flags = ("-X", f"pycache_prefix={folder}/none")
        measured["not compiled"] = measure(options.runs, ("-B", *flags))
    if options.json:
        print(json.dumps({state: summary(times) for state, times in measured.items()}, indent=1))
        return
    for state, times in measured.items():
        print_table(state, times)


def measure(runs: int, flags: Sequence[str]) -> dict[str, list[Spent]]:
    """Return the times of every statement. One more run, which does not count, fills the caches."""
    times: dict[str, list[Spent]] = {name: [] for name in STATEMENTS}
    for run in range(runs + 1):
        for name, statement in STATEMENTS.items():
            spent = start([str(FUNCTION_INTERPRETER), *flags, "-c", statement])
            if run:
                times[name].append(spent)
    return times


def start(command: Sequence[str]) -> Spent:
    """Run a process and return what it took."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTHON")
    } | {"AWS_DEFAULT_REGION": "eu-central-1", "PYTHONPATH": str(ROOT)}
    before, began = _children_cpu(), time.perf_counter()
    subprocess.run(command, check=True, env=environment, cwd=ROOT)
    return Spent(time.perf_counter() - began, _children_cpu() - before)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def summary(times: dict[str, list[Spent]]) -> dict[str, dict[str, float]]:
    """Return medians, the spread between the quartiles, and the ratio of CPU times, by statement."""
    baseline = statistics.median(spent.cpu for spent in times[BASELINE])
    return {name: dict(_figures(spent, baseline)) for name, spent in times.items()}


def _figures(spent: Sequence[Spent], baseline: float) -> Iterator[tuple[str, float]]:
    cpu = [each.cpu for each in spent]
    low, middle, high = statistics.quantiles(cpu, n=4)
    yield "cpu_seconds", round(middle, 4)
    yield "cpu_spread", round(high - low, 4)
    yield "elapsed_seconds", round(statistics.median(each.elapsed for each in spent), 4)
    yield "ratio", round(middle / baseline, 2)


def print_table(state: str, times: dict[str, list[Spent]]) -> None:
    """Print the figures of one state, with the targets."""
    print(f"{state}, {len(times[BASELINE])} runs: medians, and the ratio of the CPU times")
    print(f"{'':16} {'CPU':>8} {'quartiles':>10} {'elapsed':>9} {'ratio':>7}  target")
    for name, figures in summary(times).items():
        target = TARGETS.get(name)
        limit = "" if target is None or state != "all compiled" else f"<= {target}"
        print(
            f"{name:16} {figures['cpu_seconds'] * 1000:5.0f} ms {figures['cpu_spread'] * 1000:7.0f} ms"
            f" {figures['elapsed_seconds'] * 1000:6.0f} ms {figures['ratio']:7.2f}  {limit}"
        )


if __name__ == "__main__":
    main()
