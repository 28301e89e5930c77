"""Time that the emulator adds to a small statement, compared with a plain forwarder.

The forwarder only passes bytes on over TCP, so it costs the least that any proxy can cost on this
machine. Everything is measured with all processes on one CPU, and on all CPUs, where each message
may have to wake another CPU (expensive in a virtual machine). For an INSERT the emulator also sends
a statement that locks the table.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import statistics
import time
from collections.abc import Callable, Iterator, Mapping

import psutil
import psycopg2

from bench.cloud import DATABASE, Connection, bench_cloud
from bench.measure import PartResult, Series, Target
from bench.sizes import Size

STATEMENTS: Mapping[str, Callable[[int], str]] = {
    "SELECT 1": lambda _: "SELECT 1",
    "SELECT of one row": lambda n: f"SELECT b FROM small WHERE a = {n} AND b <> 'foo'",
    "INSERT of one row": lambda n: f"INSERT INTO small (a, b) VALUES ({n}, 'x')",
}
COUNTS = {Size.TINY: (20, 2), Size.QUICK: (300, 11), Size.FULL: (300, 21)}
"""Statements per round, and rounds."""

DIRECT, EMULATOR, FORWARDER = "PostgreSQL itself", "the emulator adds", "a forwarder adds"
MOST_MICROSECONDS = 100.0


def measure(size: Size, report: Callable[[str], None]) -> PartResult:
    count, rounds = COUNTS[size]
    series = list[Series]()
    with bench_cloud() as cloud, contextlib.ExitStack() as stack:
        direct = stack.enter_context(contextlib.closing(cloud.connect_to_postgres()))
        routes = {
            EMULATOR: stack.enter_context(contextlib.closing(cloud.connect(sslmode="disable"))),
            FORWARDER: stack.enter_context(_forwarded(direct)),
        }
        with direct.cursor() as cursor:
            cursor.execute("CREATE TABLE small (a integer, b varchar(10))")
        time.sleep(2)  # the emulator has just started and still imports the modules of COPY
        for cpus in _placements():
            _place((psutil.Process(), cloud.emulator), cpus)
            for name, statement in STATEMENTS.items():
                place = "one CPU" if len(cpus) == 1 else f"{len(cpus)} CPUs"
                report(f"  {name}, {place}")
                series += _compare(f"{name}, {place}", statement, direct, routes, count, rounds)
    added = [each for each in series if each.case == EMULATOR and "one CPU" in each.size]
    targets = [
        Target(f"{EMULATOR}: {each.size}", each.spread.median, MOST_MICROSECONDS, "µs")
        for each in added
    ]
    note = (
        f"Medians of {count} statements. The forwarder passes bytes on and nothing else: the least "
        "that a proxy can cost here."
    )
    return PartResult(series, targets, [note])


def _compare(
    name: str,
    statement: Callable[[int], str],
    direct: Connection,
    routes: Mapping[str, Connection],
    count: int,
    rounds: int,
) -> list[Series]:
    """Send the statement in turn on every route. The first round is a warm-up."""
    base, added = list[float](), {route: list[float]() for route in routes}
    for _ in range(rounds + 1):
        base.append(_median_microseconds(direct, statement, count))
        for route, session in routes.items():
            added[route].append(_median_microseconds(session, statement, count) - base[-1])
    values = {DIRECT: base} | added
    return [Series(case, name, "µs", tuple(each[1:])) for case, each in values.items()]


def _median_microseconds(session: Connection, statement: Callable[[int], str], count: int) -> float:
    taken = []
    with session.cursor() as cursor:
        for number in range(count):
            text = statement(number)
            start = time.perf_counter()
            cursor.execute(text)
            taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1e6


def _placements() -> list[set[int]]:
    """Return the sets of CPUs to measure on: one CPU, and all that this process can use."""
    if not hasattr(os, "sched_getaffinity"):
        return [set(range(os.cpu_count() or 1))]
    allowed = os.sched_getaffinity(0)
    return [{min(allowed)}, allowed]


def _place(roots: tuple[psutil.Process, ...], cpus: set[int]) -> None:
    """Bind the processes, their descendants and all threads to `cpus`."""
    if not hasattr(os, "sched_setaffinity"):
        return
    for root in roots:
        for process in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                for thread in process.threads():
                    with contextlib.suppress(ProcessLookupError):
                        os.sched_setaffinity(thread.id, cpus)


@contextlib.contextmanager
def _forwarded(direct: Connection) -> Iterator[Connection]:
    """Open a session of the same user and database through a forwarder in a process of its own."""
    info = direct.info
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"{info.host}/.s.PGSQL.{info.port}"
        process = multiprocessing.Process(target=_forward, args=(listener, address), daemon=True)
        process.start()
        try:
            session = psycopg2.connect(
                host="127.0.0.1",
                port=listener.getsockname()[1],
                user=info.user,
                dbname=DATABASE,
                sslmode="disable",
                gssencmode="disable",
            )
            session.autocommit = True
            with contextlib.closing(session):
                yield session
        finally:
            process.terminate()
            process.join()


def _forward(listener: socket.socket, address: str) -> None:
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
