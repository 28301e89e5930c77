"""Plans against golden files (plans/*.sql), and all their SQL against the emulator.

ETL_WRITE_PLANS=1 writes the files; review the difference before you commit it.
"""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from etl_core.schema_changes.diff import diff
from etl_core.schema_changes.plan import make_plan
from tests.etl_core.live import LiveTable
from tests.etl_core.schema_changes.golden_plans import GoldenPlan, golden_plans

GOLDEN_PLANS = golden_plans()


@pytest.mark.parametrize("golden", GOLDEN_PLANS, ids=lambda golden: golden.path.stem)
def test_a_plan_matches_its_golden_file(golden: GoldenPlan) -> None:
    if os.environ.get("ETL_WRITE_PLANS"):
        golden.path.write_text(golden.text())
        return
    assert golden.path.read_text() == golden.text()


@pytest.mark.parametrize("golden", GOLDEN_PLANS, ids=lambda golden: golden.path.stem)
def test_the_emulator_runs_every_statement_and_the_table_matches_the_file(
    live: LiveTable, golden: GoldenPlan
) -> None:
    if golden.actual is None:
        live.create(golden.desired)
        assert diff(live.read(), golden.desired) == ()
        return
    plan = make_plan(live.create(golden.actual), golden.desired, golden.spec.allowed_changes)

    assert [one.sql for one in plan.statements] == [one.sql for one in golden.plan().statements]
    if not plan.refusals:
        assert live.apply(plan) is None
        assert diff(live.read(), golden.desired) == ()


def test_the_permission_that_a_refusal_asks_for_is_enough() -> None:
    """With all permissions, no refusal asks for one any more."""
    asking = [golden for golden in GOLDEN_PLANS if asks_for_permission(golden)]
    for golden in asking:
        all_changes = ("retype", "nullability", "default", "drop", "narrow")
        spec = golden.spec.model_copy(update={"allowed_changes": all_changes})
        assert not asks_for_permission(replace(golden, spec=spec))
    assert len(asking) >= 5


def asks_for_permission(golden: GoldenPlan) -> bool:
    return any("in allowed_changes" in str(refusal) for refusal in golden.plan().refusals)
