"""Time that the emulator adds to a small statement, compared with a plain forwarder and with direct
access to PostgreSQL.

    python -m bench.redshift_statements [--count 300] [--rounds 11]

The three take turns. The output has the median of a statement sent directly to PostgreSQL's Unix
socket, and the medians (with quartiles) of what the emulator and the forwarder add to it in each
round. The forwarder only passes bytes on over TCP, so its figure is the minimum that any proxy
costs on this machine. Everything is measured twice: with client, emulator and PostgreSQL on one
CPU, and on all CPUs, where each message may have to wake another CPU (expensive in a virtual
machine). For an INSERT the emulator also sends a statement that locks the table.

Target: the emulator adds less than 100 microseconds on one CPU.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812

ROUNDS = 11
STATEMENTS: dict[str, Callable[[int], str]] = {
    "SELECT 1": lambda _: "SELECT 1",
    "SELECT of one row, text differs": lambda n: (
        f"SELECT b FROM small WHERE a = {n} AND b <> 'foo'"
    ),
    "INSERT of one row, text differs": lambda n: f"INSERT INTO small (a, b) VALUES ({n}, 'x')",
}


def main() -> None:
    """Start an emulator and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=300, help="statements per round")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        command = [
            sys.executable,
            "-m",
            "redshift_emulator",
            "--data",
            folder + "/data",
            "--exit-with-stdin",
        ]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None
                _, host, port = process.stdout.readline().split()
                sockets = (
                    (Path(folder) / "data" / "pgdata" / "postmaster.pid")
                    .read_text()
                    .splitlines()[4]
                )
                login = {"user": "awsuser", "dbname": "dev"}
                compare(
                    lambda: psycopg2.connect(host=host, port=port, sslmode="disable", **login),
                    lambda: psycopg2.connect(host=sockets, **login),
                    psutil.Process(process.pid),
                    count=arguments.count,
                    rounds=arguments.rounds,
                )
            finally:
                process.terminate()


def compare(
    connect: Callable[[], Connection],
    raw: Callable[[], Connection],
    emulator: psutil.Process,
    *,
    count: int = 300,
    rounds: int = ROUNDS,
) -> None:
    """Measure and print.

    `connect` opens a session through the emulator, `raw` one to PostgreSQL's Unix socket.
    """
    with contextlib.ExitStack() as stack:
        direct = stack.enter_context(contextlib.closing(raw()))
        routes = {"emulator": stack.enter_context(contextlib.closing(connect()))}
        routes["forwarder"] = stack.enter_context(
            contextlib.closing(stack.enter_context(forwarded(direct)))
        )
        for session in (direct, *routes.values()):
            session.autocommit = True
        with direct.cursor() as cursor:
            cursor.execute("CREATE TABLE small (a integer, b varchar(10))")
        time.sleep(2)  # the emulator has just started and still imports the modules of COPY
        for cpus in placements():
            place((psutil.Process(), emulator), cpus)
            with direct.cursor() as cursor:
                cursor.execute("TRUNCATE small")
            print(
                f"small statements, {'one CPU' if len(cpus) == 1 else f'{len(cpus)} CPUs'}; microseconds"
            )
            for name, statement in STATEMENTS.items():
                measure(name, statement, direct, routes, count, rounds)
    print("load average of the machine: " + ", ".join(f"{load:.1f}" for load in os.getloadavg()))


def placements() -> list[set[int]]:
    """Return the sets of CPUs to measure on: one CPU, and all that this process can use."""
    if not hasattr(os, "sched_getaffinity"):
        return [set(range(os.cpu_count() or 1))]
    allowed = os.sched_getaffinity(0)
    return [{min(allowed)}, allowed]


def place(roots: tuple[psutil.Process, ...], cpus: set[int]) -> None:
    """Bind the processes, their descendants and all threads to `cpus`."""
    if not hasattr(os, "sched_setaffinity"):
        return
    for process in {
        process for root in roots for process in (root, *root.children(recursive=True))
    }:
        for thread in process.threads():
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(thread.id, cpus)


def measure(
    name: str,
    statement: Callable[[int], str],
    direct: Connection,
    routes: dict[str, Connection],
    count: int,
    rounds: int,
) -> None:
    """Print the line of one statement. The first round does not count."""
    base: list[float] = []
    added: dict[str, list[float]] = {route: [] for route in routes}
    for _ in range(rounds + 1):
        base.append(run(direct, statement, count))
        for route, session in routes.items():
            added[route].append(run(session, statement, count) - base[-1])
    line = f"  {name:32} direct {statistics.median(base[1:]):4.0f}"
    for route, values in added.items():
        lower, middle, upper = statistics.quantiles(values[1:], n=4)
        line += f"   {route} adds {middle:4.0f} ({lower:.0f} to {upper:.0f})"
    print(line)


def run(session: Connection, statement: Callable[[int], str], count: int) -> float:
    """Return the median time of a statement in microseconds."""
    taken = []
    with session.cursor() as cursor:
        for number in range(count):
            text = statement(number)
            start = time.perf_counter()
            cursor.execute(text)
            taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1e6


@contextlib.contextmanager
def forwarded(direct: Connection) -> Iterator[Connection]:
    """Open a session of the same user and database through a forwarder, which runs in its own process."""
    info = direct.info
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"{info.host}/.s.PGSQL.{info.port}"
        process = multiprocessing.Process(target=forward, args=(listener, address), daemon=True)
        process.start()
        try:
            yield psycopg2.connect(
                host="127.0.0.1",
                port=listener.getsockname()[1],
                user=info.user,
                dbname=info.dbname,
                sslmode="disable",
                gssencmode="disable",
            )
        finally:
            process.terminate()
            process.join()


def forward(listener: socket.socket, address: str) -> None:
    """Serve one client. Each message must get a response that ends in ReadyForQuery."""
    client, _ = listener.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)
        while message := client.recv(1 << 14):
            server.sendall(message)
            response = b""
            while response[-6:-1] != b"Z\0\0\0\5":
                response = server.recv(1 << 15)
                if not response:
                    return
                client.sendall(response)


if __name__ == "__main__":
    main()
