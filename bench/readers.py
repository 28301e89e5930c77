"""How long a reader of a table waits while a load replaces its rows."""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from bench import workload
from bench.cloud import BenchCloud, BenchError, bench_cloud
from bench.measure import PartResult, Series, Spread, series_of, timed
from bench.sizes import Size

ROWS = {Size.TINY: 2_000, Size.QUICK: 200_000, Size.FULL: 1_000_000}
ROUNDS = {Size.TINY: 1, Size.QUICK: 3, Size.FULL: 5}
IDLE_SECONDS = 3.0
TABLE, OTHER = "replaced", "another"
IDLE, CONTROL, REPLACE = "no load", "a load of another table", "a replace of the table"


def measure(size: Size, report: Callable[[str], None]) -> PartResult:
    """Read a table in turn while nothing, another load, and its own replacement is running."""
    rows = ROWS[size]
    medians, longest = dict[str, list[float]](), dict[str, list[float]]()
    with bench_cloud() as cloud:
        # The replaced table is as large before as after, so that both reads cost the same.
        content = workload.content(rows)
        for table in (TABLE, OTHER):
            cloud.create_table(table)
            _replace(cloud, table, content)
        works: dict[str, Callable[[], object]] = {
            IDLE: partial(time.sleep, IDLE_SECONDS),
            CONTROL: partial(_replace, cloud, OTHER, content),
            REPLACE: partial(_replace, cloud, TABLE, content),
        }
        loads = list[float]()
        for number in range(1, ROUNDS[size] + 1):
            for name, work in works.items():
                _vacuum(cloud)
                with Reader(cloud, rows).running() as reader:
                    seconds = timed(work)
                spread = Spread.of(reader.waits)
                medians.setdefault(name, []).append(spread.median)
                longest.setdefault(name, []).append(spread.maximum)
                report(f"  round {number}, {name}: {spread}")
            loads.append(seconds)
    series = [
        *series_of(medians, "median SELECT of a round"),
        *series_of(longest, "longest SELECT of a round"),
        Series(REPLACE, "the replacement itself", "s", tuple(loads)),
    ]
    note = (
        f"A session counts the {workload.size_name(rows)} of a table without pause. Every count was "
        "right: the measurement ends with an error otherwise. The load of another table shows what "
        "the busy machine alone costs. A reader that waited for the replacement would wait for the "
        "seconds of the last bar."
    )
    return PartResult(series, notes=[note])


def _replace(cloud: BenchCloud, table: str, content: bytes) -> None:
    cloud.load(f"dev/truncate/{table}/{uuid.uuid4().hex}.csv", content)


def _vacuum(cloud: BenchCloud) -> None:
    """Remove the rows that earlier rounds have deleted, which would slow every read down."""
    with (
        contextlib.closing(cloud.connect_to_postgres()) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"VACUUM {TABLE}, {OTHER}")


@dataclass
class Reader:
    """A session that reads the table without pause, and the seconds of each read."""

    cloud: BenchCloud
    rows: int
    waits: list[float] = field(default_factory=list)
    error: BaseException | None = None
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def running(self) -> Iterator[Reader]:
        """Read while the block runs. Raises BenchError if a read saw a table that is half replaced."""
        thread = threading.Thread(target=self._run, name="reader")
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join()
        if self.error is not None:
            raise BenchError(f"the reader failed: {self.error}") from self.error

    def _run(self) -> None:
        try:
            with (
                contextlib.closing(self.cloud.connect()) as connection,
                connection.cursor() as cursor,
            ):
                while not self._stop.is_set():
                    started = time.perf_counter()
                    cursor.execute(f"SELECT COUNT(*) FROM {TABLE}")
                    (count,) = cursor.fetchone()
                    self.waits.append(time.perf_counter() - started)
                    if count != self.rows:
                        raise BenchError(f"a reader saw {count} of {self.rows} rows")
        except Exception as error:
            self.error = error
