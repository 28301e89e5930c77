"""Reading one table from the catalog costs the same however many others there are. Told from the plans: a time would tell nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa

from etl_core.schema_changes.diff import diff
from etl_core.schema_changes.live_table import select_table, select_views
from etl_core.schema_files.column_types import DIALECT
from etl_core.schema_files.tables import describe_table, table_of_schema_file
from redshift_emulator.server import Server
from tests.builders import TABLE, a_column, a_spec
from tests.etl_core.live import LiveTable

_WITHOUT_AN_INDEX_ON_THE_NAME = {"pg_class", "pg_namespace"}


@pytest.mark.parametrize(
    "query", [select_table(TABLE), select_views(TABLE)], ids=["table", "views"]
)
def test_no_part_of_the_catalog_is_read_for_all_tables(
    live: LiveTable, query: sa.Select[Any]
) -> None:
    sql = str(query.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})).replace(
        "%%", "%"
    )

    live.run("SET enable_seqscan = off")  # what is read as a whole all the same has no other way
    try:
        lines = live.alone.exec_driver_sql("EXPLAIN " + sql.replace("%", "%%")).scalars().all()
    finally:
        live.run("SET enable_seqscan = on")

    scans = set(re.findall(r"Seq Scan on (\w+)", "\n".join(lines)))
    assert scans <= _WITHOUT_AN_INDEX_ON_THE_NAME


def test_names_that_postgresql_stores_short_are_read_in_full(live: LiveTable) -> None:
    names = ["a" * 127, "b" * 64, "c" * 63, "d" * 60, "é" * 63, "f"]
    spec = a_spec(*(a_column(name, "INTEGER") for name in names))

    actual = live.create(table_of_schema_file(spec, TABLE))

    assert [str(column.name) for column in actual.columns] == names


def test_whoever_may_log_in_may_read_what_a_table_is(live: LiveTable, emulator: Server) -> None:
    """Also one who has no right on the table, nor on anything else."""
    spec = a_spec(
        a_column("id", nullable=False, default=5, description="x"),
        primary_key=["id"],
        sortkey=["id"],
    )
    mine = live.create(table_of_schema_file(spec, TABLE))
    live.run("CREATE USER nobody_known PASSWORD 'Passw0rd'")
    host, port = emulator.address

    try:
        with LiveTable.connect(host, port, "Passw0rd", user="nobody_known") as other:
            theirs = other.read()
    finally:
        live.run("DROP USER nobody_known")

    assert diff(theirs, mine) == ()
    assert describe_table(theirs) == describe_table(mine)
