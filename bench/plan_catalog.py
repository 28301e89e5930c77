"""Time to plan a change of one table while the catalog of the emulator holds 10, 1,000 and 5,000 tables.

`python -m bench.plan_catalog` starts its own emulator. It prints the medians of reading the live
table (every load does that to detect manual changes), of planning, and of both, and the ratio of
the last catalog to the first. Target: a ratio of at most 1.5.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import sqlalchemy as sa

from etl_core.model.table_ref import TableRef
from etl_core.schema_changes.live_table import parse_table, select_table
from etl_core.schema_changes.plan import make_plan
from etl_core.schema_files.schema_file import ColumnSpec, SchemaFile
from etl_core.schema_files.tables import table_of_schema_file
from redshift_emulator.server import Server, ServerOptions

RUNS = 30
SIZES = (10, 1_000, 5_000)
COLUMNS = 20
TABLE = TableRef("dev", "many", "t0")
PASSWORD = "Secret+/=1"


def main() -> None:
    """Print the figures as they are measured."""
    actual, desired = spec("VARCHAR(20)"), spec("VARCHAR(40)", ColumnSpec(name="more", type="DATE"))
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        emulator(Path(folder)) as connection,
    ):
        connection.exec_driver_sql("CREATE SCHEMA many")
        for statement in make_plan(None, table_of_schema_file(actual, TABLE), ()).statements:
            connection.execute(statement.element)
        medians = []
        for first, last in pairwise((1, *SIZES)):
            started = time.perf_counter()
            fill(connection, first, last)
            print(
                f"{last:>5,} tables (created in {time.perf_counter() - started:.0f} s): ",
                end="",
                flush=True,
            )
            medians.append(measure(connection, desired))
        print(f"ratio {medians[-1] / medians[0]:.2f} (target: at most 1.5)")


def spec(kind: str, *more: ColumnSpec) -> SchemaFile:
    """Return a schema file with COLUMNS text columns."""
    columns = tuple(
        ColumnSpec(name=f"c{number}", type=kind, description="a text") for number in range(COLUMNS)
    )
    return SchemaFile(columns=(*columns, *more))


def fill(connection: sa.Connection, first: int, last: int) -> None:
    """Create further tables with defaults and keys, so that every part of the catalog grows."""
    columns = ", ".join(f"c{number} integer default {number}" for number in range(COLUMNS))
    for number in range(first, last):
        connection.exec_driver_sql(
            f"CREATE TABLE many.t{number} (id bigint not null primary key, {columns})"
        )


def measure(connection: sa.Connection, desired: SchemaFile) -> float:
    """Return the median of reading and planning in seconds.

    The first run, which fills caches, does not count.
    """
    reads, planned = [], []
    for _ in range(RUNS + 1):
        started = time.perf_counter()
        rows = connection.execute(select_table(TABLE)).fetchall()
        read = time.perf_counter()
        plan = make_plan(parse_table(TABLE, rows), table_of_schema_file(desired, TABLE), ())
        planned.append(time.perf_counter() - read)
        reads.append(read - started)
        if len(rows) != COLUMNS or len(plan.statements) != COLUMNS + 1 or plan.refusals:
            raise SystemExit(f"unexpected plan: {plan}")
    both = statistics.median(a + b for a, b in zip(reads[1:], planned[1:], strict=True))
    reading, planning = statistics.median(reads[1:]), statistics.median(planned[1:])
    print(
        f"reading {reading * 1000:.1f} ms, planning {planning * 1000:.1f} ms, both "
        f"{both * 1000:.1f} ms (medians of {RUNS})"
    )
    return both


@contextmanager
def emulator(folder: Path) -> Iterator[sa.Connection]:
    """Start an emulator for the block and connect to it."""
    options = ServerOptions(data=folder / "data", databases=("dev",), password=PASSWORD)
    with Server.start(options) as server:
        host, port = server.address
        url = sa.URL.create("redshift+psycopg2", "awsuser", PASSWORD, host, port, "dev")
        engine = sa.create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            connect_args={"sslmode": "disable"},
            use_native_hstore=False,
        )
        try:
            with engine.connect() as connection:
                yield connection
        finally:
            engine.dispose()


if __name__ == "__main__":
    main()
