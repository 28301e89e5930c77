"""Reading one table from the catalog costs the same with any number of other tables.

Checked with EXPLAIN, not with a clock.
"""

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
def test_the_query_scans_no_catalog_table_that_has_an_index(
    live: LiveTable, query: sa.Select[Any]
) -> None:
    sql = str(query.compile(dialect=DIALECT, compile_kwargs={"literal_binds": True})).replace(
        "%%", "%"
    )

    live.run("SET enable_seqscan = off")  # only a table without a usable index is still scanned
    try:
        lines = live.autocommit.exec_driver_sql("EXPLAIN " + sql.replace("%", "%%")).scalars().all()
    finally:
        live.run("SET enable_seqscan = on")

    scans = set(re.findall(r"Seq Scan on (\w+)", "\n".join(lines)))
    assert scans <= _WITHOUT_AN_INDEX_ON_THE_NAME


def test_long_names_are_read_in_full_although_postgresql_stores_them_short(live: LiveTable) -> None:
    names = ["a" * 127, "b" * 64, "c" * 63, "d" * 60, "é" * 63, "f"]
    spec = a_spec(*(a_column(name, "INTEGER") for name in names))

    actual = live.create(table_of_schema_file(spec, TABLE))

    assert [str(column.name) for column in actual.columns] == names


def test_a_user_without_privileges_reads_the_table_from_the_catalog(
    live: LiveTable, emulator: Server
) -> None:
    spec = a_spec(
        a_column("id", nullable=False, default=5, description="x"),
        primary_key=["id"],
        sortkey=["id"],
    )
    expected = live.create(table_of_schema_file(spec, TABLE))
    live.run("CREATE USER no_privileges PASSWORD 'Passw0rd'")
    host, port = emulator.address

    try:
        with LiveTable.connect(host, port, "Passw0rd", user="no_privileges") as other:
            read = other.read()
    finally:
        live.run("DROP USER no_privileges")

    assert diff(read, expected) == ()
    assert describe_table(read) == describe_table(expected)
