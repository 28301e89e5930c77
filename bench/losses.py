"""The same file into two tables: one whose values our own reader checks beside COPY, and one where it does not.

COPY cuts off a part of some values and says nothing (surplus decimals, the time of a DATE, blanks after a
text), so the load reads the file too and counts them. Without such types, or with `on_lossy` `ignore`
and given formats, nothing can be lost or misread, and COPY alone reads the file.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench import workload
from bench.cloud import BenchCloud, bench_cloud
from bench.measure import PartResult, Target, Turns
from bench.sizes import Size

CHECKED, UNCHECKED = "this loader, values checked", "this loader, nothing to check"
SIZES = {Size.TINY: (2_000, 1), Size.QUICK: (1_000_000, 3), Size.FULL: (1_000_000, 5)}
LIMIT = 1.5
"""The most that checking may cost, as a multiple of the load without it."""
NOTHING_TO_CHECK = {
    "on_lossy": "ignore",
    "date_format": "YYYY-MM-DD",
    "time_format": "YYYY-MM-DD HH:MI:SS",
}


def measure(size: Size, report: Callable[[str], None]) -> PartResult:
    """Measure both loads in turns."""
    rows, rounds = SIZES[size]
    with bench_cloud() as cloud, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder) / "file.csv"
        workload.write_file(file, rows)
        tables = {CHECKED: ("losses_checked", {}), UNCHECKED: ("losses_free", NOTHING_TO_CHECK)}
        for table, options in tables.values():
            cloud.create_table(table, schema=_schema(options))
        cases = {name: partial(_load, cloud, file, table) for name, (table, _) in tables.items()}
        turns = Turns(cases, rounds).run(report)
    name = workload.size_name(rows)
    claim = f"{CHECKED} / {UNCHECKED}, {name}"
    targets = (
        [Target(claim, turns.ratio(CHECKED, UNCHECKED), LIMIT)] if size is not Size.TINY else []
    )
    return PartResult(list(turns.series(name)), targets, [_NOTE])


_NOTE = (
    "The file and the types are the same. `values checked`: the defaults, with NUMERIC, DATE, TIMESTAMP and "
    f"VARCHAR columns. `nothing to check`: `csv` is {json.dumps(NOTHING_TO_CHECK)}. A file of at most 4 MB is "
    "always read."
)


def _schema(options: dict[str, str]) -> bytes:
    return json.dumps(json.loads(workload.schema_file()) | {"csv": options}).encode()


def _load(cloud: BenchCloud, file: Path, table: str) -> float:
    """Load the file into the empty table and return the seconds until its answer."""
    with (
        contextlib.closing(cloud.connect_to_postgres()) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"TRUNCATE {table}")
    with file.open("rb") as content:
        seconds, _ = cloud.load(f"dev/append/{table}/{uuid.uuid4().hex}.csv", content)
    cloud.empty_bucket(cloud.client.outputs.lake_bucket)
    return seconds
