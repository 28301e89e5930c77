"""The cost of one small load while the table's ledger grows."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from functools import partial

from bench.cloud import DATABASE, SMALL_ROWS, BenchCloud, BenchError, bench_cloud
from bench.measure import PartResult, Turns, growth, series_of
from bench.sizes import Size
from etl_core.loading.ledger import ledger_name
from etl_core.model.names import LEDGER_SCHEMA
from etl_core.model.table_ref import TableRef

LEDGERS: dict[Size, Sequence[tuple[int, int]]] = {
    Size.TINY: ((10, 0), (200, 5)),
    Size.QUICK: ((10, 0), (10_000, 200), (100_000, 200)),
    Size.FULL: ((10, 0), (10_000, 200), (100_000, 200)),
}
"""Rows of data files and of schema files, in addition to one real row of each."""

ROUNDS = {Size.TINY: 2, Size.QUICK: 15, Size.FULL: 40}
UNTIL_ANSWER, LOAD = "until the answer", "the function load"
FLAT = 1.2


def measure(size: Size, report: Callable[[str], None]) -> PartResult:
    """Load small files in turn into tables whose ledgers have different sizes."""
    loads, cases = dict[str, list[float]](), dict[str, Callable[[], float]]()
    with bench_cloud() as cloud:
        for data_rows, schema_rows in LEDGERS[size]:
            table = f"ledger_{data_rows}"
            cloud.create_table(table)
            cloud.load_small(table)
            _fill(cloud, table, data_rows, schema_rows)
            name = f"{data_rows:,} files, {schema_rows} schema files"
            loads[name] = []
            cases[name] = partial(_load, cloud, table, loads[name])
            report(f"  {name}: filled")
        turns = Turns(cases, ROUNDS[size]).run(report)
    loads = {name: values[1:] for name, values in loads.items()}  # without the warm-up
    note = (
        f"Files of {SMALL_ROWS} rows into tables with ledgers of different sizes, in turn. The rows "
        "of the ledgers are copies of real ones, with other ids, keys and earlier times."
    )
    return PartResult(
        [*turns.series(UNTIL_ANSWER), *series_of(loads, LOAD)],
        [growth(turns.values, UNTIL_ANSWER, FLAT), growth(loads, LOAD, FLAT)],
        [note],
    )


def _load(cloud: BenchCloud, table: str, loads: list[float]) -> float:
    seconds, load = cloud.load_small(table)
    loads.append(load)
    return seconds


def _fill(cloud: BenchCloud, table: str, data_rows: int, schema_rows: int) -> None:
    """Multiply the ledger's own rows, whatever its columns are."""
    ledger = f"{LEDGER_SCHEMA}.{ledger_name(TableRef(DATABASE, 'public', table))}"
    changed = {
        "upload_id": "md5(action || n)",
        "s3_key": "s3_key || n",
        "version_id": "md5(version_id || n)",
        "landed_at": "landed_at - n * interval '1 minute'",
        "loaded_at": "loaded_at - n * interval '1 minute'",
    }
    with (
        contextlib.closing(cloud.connect_to_postgres()) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SELECT * FROM {ledger} LIMIT 0")
        columns = [each.name for each in cursor.description]
        values = ", ".join(changed.get(name, name) for name in columns)
        for action, count in (("append", data_rows), ("schema", schema_rows)):
            cursor.execute(
                f"INSERT INTO {ledger} ({', '.join(columns)}) SELECT {values} FROM {ledger}, "
                f"generate_series(1, {count}) AS n WHERE action = '{action}'"
            )
            if cursor.rowcount != count:
                raise BenchError(f"{cursor.rowcount} rows of {action} instead of {count}")
        cursor.execute(f"ANALYZE {ledger}")
