"""What the local Redshift adds to a small statement: the same statements through it and straight to its PostgreSQL.

    python bench/redshift_statements.py [--count 300] [--rounds 15]

The two take turns. Prints the medians of both, the median of the rounds' differences with the quarter and three-quarter points
between which half of them lie, and the CPU time the stand-in spent per statement, which a busy machine changes less than the wall
clock; at the end the machine's load. The target: under 100 microseconds added.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

STATEMENTS: dict[str, Callable[[int], str]] = {
    "SELECT 1, plan remembered": lambda _: "SELECT 1",
    "SELECT of one row, text differs": lambda n: f"SELECT b FROM bench WHERE a = {n} AND b <> 'foo'",
    "INSERT of one row, text differs": lambda n: f"INSERT INTO bench (a, b) VALUES ({n}, 'x')",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=300, help="statements of a round")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "local.redshift", "--data", folder + "/data", "--exit-with-stdin"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                compare(process, Path(folder), arguments.count, arguments.rounds)
            finally:
                process.terminate()


def compare(process: subprocess.Popen[str], folder: Path, count: int, rounds: int) -> None:
    """Runs every statement both ways, in turns."""
    assert process.stdout is not None
    _, host, port = process.stdout.readline().split()
    sockets = (folder / "data" / "pgdata" / "postmaster.pid").read_text().splitlines()[4]
    through = psycopg2.connect(host=host, port=port, user="awsuser", dbname="dev", sslmode="disable")
    direct = psycopg2.connect(host=sockets, user="awsuser", dbname="dev")
    for session in (through, direct):
        session.autocommit = True
    with direct.cursor() as cursor:
        cursor.execute("CREATE TABLE bench (a integer, b varchar(10))")
    for name, statement in STATEMENTS.items():
        run(direct, statement, count), run(through, statement, count)
        pairs, spent = [], 0.0
        for _ in range(rounds):
            fast = run(direct, statement, count)
            before = cpu_seconds(process)
            pairs.append((fast, run(through, statement, count)))
            spent += cpu_seconds(process) - before
        added = sorted(slow - fast for fast, slow in pairs)
        print(
            f"{name:34} direct {statistics.median(fast for fast, _ in pairs):5.0f} us"
            f"   through {statistics.median(slow for _, slow in pairs):5.0f} us   added {statistics.median(added):4.0f} us"
            f" ({added[rounds // 4]:.0f} to {added[-1 - rounds // 4]:.0f})   CPU {spent / count / rounds * 1e6:4.0f} us"
        )
    print("load of the machine: " + ", ".join(f"{load:.1f}" for load in os.getloadavg()))
    through.close()
    direct.close()


def cpu_seconds(process: subprocess.Popen[str]) -> float:
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)


def run(session: Connection, statement: Callable[[int], str], count: int) -> float:
    """The median time of a statement in microseconds."""
    taken = []
    with session.cursor() as cursor:
        for number in range(count):
            text = statement(number)
            start = time.perf_counter()
            cursor.execute(text)
            taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1e6


if __name__ == "__main__":
    main()
