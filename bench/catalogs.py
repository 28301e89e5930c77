"""The cost of one small load, and of planning a change, while the database's catalog grows."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import sqlalchemy as sa

from bench.cloud import SMALL_ROWS, BenchCloud, BenchError, bench_cloud
from bench.measure import PartResult, Turns, growth, series_of, timed
from bench.sizes import Size
from etl_core.model.table_ref import TableRef
from etl_core.schema_changes.live_table import parse_table, select_table
from etl_core.schema_changes.plan import make_plan
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file

COUNTS = {Size.TINY: (10, 50), Size.QUICK: (10, 5_000), Size.FULL: (10, 5_000)}
ROUNDS = {Size.TINY: 2, Size.QUICK: 15, Size.FULL: 40}
DATABASES = ("dev", "analytics")
COLUMNS = 20
TABLE, WIDE = "small", "wide"
UNTIL_ANSWER, LOAD, PLANNING = "until the answer", "the function load", "reading and planning"
FLAT, MOST_PLANNING = 1.2, 1.5


def measure(size: Size, report: Callable[[str], None]) -> PartResult:
    """Load and plan in turn in two databases, one with many tables."""
    loads, plans = dict[str, list[float]](), dict[str, list[float]]()
    cases = dict[str, Callable[[], float]]()
    with bench_cloud() as cloud, contextlib.ExitStack() as stack:
        for database, count in zip(DATABASES, COUNTS[size], strict=True):
            name = f"{count:,} tables"
            cloud.create_table(TABLE, database)
            connection = stack.enter_context(_connection(cloud, database))
            seconds = timed(partial(_fill, connection, database, count))
            report(f"  {name}: created in {seconds:.0f} s")
            loads[name], plans[name] = [], []
            cases[name] = partial(
                _plan_and_load, cloud, database, connection, plans[name], loads[name]
            )
        turns = Turns(cases, ROUNDS[size]).run(report)
    loads, plans = (  # without the warm-up
        {name: values[1:] for name, values in each.items()} for each in (loads, plans)
    )
    note = (
        "Two databases of one emulator, one with many tables, in turn: a file of "
        f"{SMALL_ROWS} rows is loaded, and a change of {COLUMNS + 1} columns is planned from the live "
        "table."
    )
    return PartResult(
        [
            *turns.series(UNTIL_ANSWER),
            *series_of(loads, LOAD),
            *series_of(plans, PLANNING),
        ],
        [
            growth(turns.values, UNTIL_ANSWER, FLAT),
            growth(loads, LOAD, FLAT),
            growth(plans, PLANNING, MOST_PLANNING),
        ],
        [note],
    )


def _plan_and_load(
    cloud: BenchCloud,
    database: str,
    connection: sa.Connection,
    plans: list[float],
    loads: list[float],
) -> float:
    plans.append(timed(partial(_plan, connection, database)))
    seconds, load = cloud.load_small(TABLE, database)
    loads.append(load)
    return seconds


def _spec(kind: str, *more: Mapping[str, str]) -> SchemaFile:
    """Return a schema file with COLUMNS text columns and more."""
    columns = [{"name": f"c{n}", "type": kind, "description": "a text"} for n in range(COLUMNS)]
    return SchemaFile.parse(json.dumps({"columns": [*columns, *more]}).encode())


def _plan(connection: sa.Connection, database: str) -> None:
    table = TableRef(database, "public", WIDE)
    desired = _spec("VARCHAR(40)", {"name": "more", "type": "DATE"})
    rows = connection.execute(select_table(table)).fetchall()
    plan = make_plan(parse_table(table, rows), table_of_schema_file(desired, table), ())
    if len(rows) != COLUMNS or len(plan.statements) != COLUMNS + 1 or plan.refusals:
        raise BenchError(f"unexpected plan: {plan}")


def _fill(connection: sa.Connection, database: str, count: int) -> None:
    """Create the table to plan for, and others with defaults and keys, so that every part of the catalog grows."""
    wide = table_of_schema_file(_spec("VARCHAR(20)"), TableRef(database, "public", WIDE))
    for statement in make_plan(None, wide, ()).statements:
        connection.execute(statement.element)
    columns = ", ".join(f"c{n} integer default {n}" for n in range(COLUMNS))
    for number in range(count):
        connection.exec_driver_sql(
            f"CREATE TABLE t{number} (id bigint not null primary key, {columns})"
        )


@contextlib.contextmanager
def _connection(cloud: BenchCloud, database: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(
        "redshift+psycopg2://",
        creator=lambda: cloud.connect(database),
        isolation_level="AUTOCOMMIT",
        use_native_hstore=False,
    )
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
