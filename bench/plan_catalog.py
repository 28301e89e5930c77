"""Whether the plan of one table takes longer when the catalog holds many others: 10, 1,000 and 5,000 tables in the stand-in.

`python -m bench.plan_catalog` starts a stand-in of its own and prints the medians of reading the live table (which every load does, to
find out whether it was altered), of planning, of both, and the ratio of the last catalog to the first. Target: the same time (a ratio of
at most 1.5).
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
    """Prints as it measures."""
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
                f"{last:>5,} tables (made in {time.perf_counter() - started:.0f} s): ",
                end="",
                flush=True,
            )
            medians.append(measure(connection, desired))
        print(f"ratio {medians[-1] / medians[0]:.2f} (target: at most 1.5)")


def spec(kind: str, *more: ColumnSpec) -> SchemaFile:
    """A schema file of COLUMNS texts."""
    columns = tuple(
        ColumnSpec(name=f"c{number}", type=kind, description="a text") for number in range(COLUMNS)
    )
    return SchemaFile(columns=(*columns, *more))


def fill(connection: sa.Connection, first: int, last: int) -> None:
    """Tables beside the one that is measured, with defaults and keys, so that every part of the catalog grows."""
    columns = ", ".join(f"c{number} integer default {number}" for number in range(COLUMNS))
    for number in range(first, last):
        connection.exec_driver_sql(
            f"CREATE TABLE many.t{number} (id bigint not null primary key, {columns})"
        )


def measure(connection: sa.Connection, desired: SchemaFile) -> float:
    """The median of reading and planning, in seconds, after a first run that fills the caches."""
    reads, plans = [], []
    for _ in range(RUNS + 1):
        started = time.perf_counter()
        rows = connection.execute(select_table(TABLE)).fetchall()
        read = time.perf_counter()
        made = make_plan(parse_table(TABLE, rows), table_of_schema_file(desired, TABLE), ())
        plans.append(time.perf_counter() - read)
        reads.append(read - started)
        if len(rows) != COLUMNS or len(made.statements) != COLUMNS + 1 or made.refusals:
            raise SystemExit(f"not the plan that was meant: {made}")
    both = statistics.median(read + plan for read, plan in zip(reads[1:], plans[1:], strict=True))
    read, plan = statistics.median(reads[1:]), statistics.median(plans[1:])
    print(
        f"reading {read * 1000:.1f} ms, planning {plan * 1000:.1f} ms, both {both * 1000:.1f} ms (medians of {RUNS})"
    )
    return both


@contextmanager
def emulator(folder: Path) -> Iterator[sa.Connection]:
    """A connection to a stand-in that lasts as long as the block."""
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
