"""The cases of cases.py, run against the emulator."""

from __future__ import annotations

import pytest

from tests.redshift_emulator.copy.cases import FAILS, LOADS, Fails, Loads
from tests.redshift_emulator.copy.lake import Lake


@pytest.mark.parametrize("case", LOADS, ids=lambda case: case.name)
def test_a_file_loads(lake: Lake, case: Loads) -> None:
    table = lake.table(case.columns)
    lake.copy(table, lake.put(case.body), case.parameters)
    assert lake.rows(table) == case.rows
    assert lake.sql("SELECT pg_last_copy_count()") == [(len(case.rows),)]


@pytest.mark.parametrize("case", FAILS, ids=lambda case: case.name)
def test_a_file_fails(lake: Lake, case: Fails) -> None:
    table, url = lake.table(case.columns), lake.put(case.body)
    refused = lake.refusal(table, url, case.parameters)
    assert refused.pgcode == "XX000"
    assert f"Load into table '{table}' failed.  Check 'sys_load_error_detail' system table" in str(
        refused
    )
    first = lake.errors(url)[0]
    assert (first.code, first.line, first.column, first.value) == case.error
    assert lake.count(table) == 0
    assert lake.sql("SELECT pg_last_copy_count()") == [(0,)]
