"""The law of plans: a schema file changes the live table to match it, without losing a value, or changes nothing.

ETL_PLAN_PAIRS sets the number of random pairs of schema files.
"""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, event, given, settings

from etl_core.loading.ledger import create_ledger_statements, insert_rows, ledger_table
from etl_core.loading.load import load_upload
from etl_core.model.status import Status
from etl_core.schema_changes.diff import diff
from etl_core.schema_changes.live_table import select_table
from etl_core.schema_changes.plan import make_plan
from etl_core.schema_files.schema_file import SchemaFile
from etl_core.schema_files.tables import table_of_schema_file
from etl_core.upload_log.outcome import LoadOutcome
from tests.builders import NOON, TABLE, a_ledger_row, a_schema_file, a_spec
from tests.builders import settings as load_settings
from tests.etl_core.live import LiveTable
from tests.etl_core.live_warehouse import LiveWarehouse, live_ports
from tests.etl_core.schema_changes.kept_values import lost_values
from tests.etl_core.schema_changes.schema_pairs import pairs
from tests.fakes import FakeStore

PAIRS = int(os.environ.get("ETL_PLAN_PAIRS", "80"))
_LEDGER = ledger_table(TABLE)
_REFUSED_BY_A_VALUE = re.compile(r"column '.+' cannot be changed")


@settings(max_examples=PAIRS, deadline=None, suppress_health_check=list(HealthCheck))
@given(pairs())
@pytest.mark.timeout(60 + PAIRS)
def test_a_schema_file_changes_the_live_table_to_match_it_or_changes_nothing(
    live: LiveTable, pair: Any
) -> None:
    raw_actual, raw_desired, values = pair
    in_force, spec = _spec(raw_actual), _spec(raw_desired)
    actual = live.create(table_of_schema_file(in_force, TABLE), values)
    desired = table_of_schema_file(spec, TABLE)
    rows, catalog = live.plain_rows(), _catalog(live)
    plan = make_plan(actual, desired, spec.allowed_changes)

    outcome = _upload(live, in_force, raw_desired)

    if plan.refusals:
        event("refused")
        assert outcome.status is Status.REJECTED
        assert (live.plain_rows(), _catalog(live)) == (rows, catalog)
    elif outcome.status is Status.REJECTED:
        event("refused by a value")
        assert outcome.error is not None
        assert _REFUSED_BY_A_VALUE.search(outcome.error.message)
        assert live.plain_rows() == rows
        assert _without_autocommit_changes(_catalog(live)) == _without_autocommit_changes(catalog)
        assert plan.autocommit or _catalog(live) == catalog
    else:
        event("applied" if plan.statements else "nothing to do")
        assert outcome.status is (
            Status.APPLIED if plan.statements or in_force != spec else Status.UNCHANGED
        )
        assert [str(change) for change in diff(live.read(), desired)] == []
        assert lost_values(actual, rows, desired, live.plain_rows(), live.read()) == ""


def _upload(live: LiveTable, in_force: SchemaFile, raw: dict[str, Any]) -> LoadOutcome:
    """Upload the schema file for a table that `in_force` created."""
    for statement in create_ledger_statements(_LEDGER):
        live.autocommit.execute(statement)
    live.autocommit.execute(sa.delete(_LEDGER))
    live.autocommit.execute(insert_rows(_LEDGER, [a_ledger_row("schema", schema_file=in_force)]))
    store = FakeStore()
    upload = store.put(
        "dev/schema/t/s.json",
        a_schema_file(*raw["columns"], **_more(raw)),
        landed_at=NOON.replace(minute=1),
    )
    return load_upload(upload, load_settings(), live_ports(store, LiveWarehouse(live)), 60)


def _catalog(live: LiveTable) -> list[dict[str, Any]]:
    """Return the catalog rows of the table."""
    return [dict(row._mapping) for row in live.autocommit.execute(select_table(TABLE))]


def _without_autocommit_changes(catalog: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the catalog rows without VARCHAR lengths, encodings and keys, which have committed
    before a value fails.
    """
    committed = {"encoding", "attisdistkey", "attsortkeyord", "reldiststyle"}
    return [
        {name: value for name, value in row.items() if name not in committed}
        | {"type_text": _without_varchar_length(row["type_text"])}
        for row in catalog
    ]


def _without_varchar_length(type_text: str) -> str:
    return type_text.partition("(")[0] if "varying" in type_text else type_text


def _spec(raw: dict[str, Any]) -> SchemaFile:
    return a_spec(*raw["columns"], **_more(raw))


def _more(raw: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if key != "columns"}
