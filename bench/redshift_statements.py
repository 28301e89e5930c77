"""What the local Redshift adds to a small statement: the same statements through it and straight to its PostgreSQL.

    python bench/redshift_statements.py [--count 2000]

Prints the median of both, the difference, and the CPU time the stand-in spent per statement, which a busy machine changes
less than the wall clock.
"""

from __future__ import annotations

import argparse
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
    parser.add_argument("--count", type=int, default=2000)
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "local.redshift", "--data", folder + "/data", "--exit-with-stdin"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                compare(process, Path(folder), count)
            finally:
                process.terminate()


def compare(process: subprocess.Popen[str], folder: Path, count: int) -> None:
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
        run(direct, statement, 200), run(through, statement, 200)
        before = cpu_seconds(process)
        slow = run(through, statement, count)
        spent = (cpu_seconds(process) - before) / count
        fast = run(direct, statement, count)
        print(
            f"{name:34} direct {fast:5.0f} us   through {slow:5.0f} us   added {slow - fast:4.0f} us   CPU {spent * 1e6:4.0f} us"
        )
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
