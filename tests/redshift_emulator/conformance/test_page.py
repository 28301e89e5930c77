"""The conformance page is current, and no limit of the emulator looks like a refusal of Redshift."""

from __future__ import annotations

import pytest

from redshift_emulator import missing
from redshift_emulator.refusals import REFUSALS
from tests.redshift_emulator.conformance.page import (
    LIMIT,
    PAGE,
    PROBES,
    REFUSED,
    Outcome,
    Probe,
    Row,
    judge,
    measure,
    read_probes,
    render,
    unclear,
)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """What an emulator makes of all probes."""
    return measure()


def test_the_page_is_current(rows: list[Row]) -> None:
    assert render(rows) == PAGE.read_text("utf-8")


def test_what_is_missing_is_refused_in_the_emulators_name(rows: list[Row]) -> None:
    assert unclear(rows) == []


def test_a_refusal_of_redshift_does_not_name_the_emulator(rows: list[Row]) -> None:
    refused = [row for row in rows if row.probe.section == REFUSED]
    assert len(refused) > 50
    assert [row.probe.name for row in refused if row.status != "refused as on Redshift"] == []
    limits = {row.name for row in REFUSALS if LIMIT in row.message}
    assert limits == {row.name for row in REFUSALS if "a limit of the emulator" in row.source}


def test_everything_that_is_missing_is_on_the_page() -> None:
    probed = {probe.name.lower() for probe in read_probes(PROBES.read_text("utf-8"))}
    listed = {*missing.FUNCTIONS, *missing.RELATIONS, *missing.VALUES} - {"collate", "datetime"}
    assert listed - probed == set()


@pytest.mark.parametrize(
    ("section", "documented", "outcome", "expected"),
    [
        ("Math functions", "2", Outcome("2.0"), "works"),
        ("Math functions", "2", Outcome("3"), "differs"),
        ("Math functions", "", Outcome(error="x() is not supported by this emulator"), "missing"),
        ("Math functions", "", Outcome(error="function x() does not exist"), "missing"),
        (REFUSED, "", Outcome(error="syntax error"), "refused as on Redshift"),
        (REFUSED, "", Outcome("1"), "differs"),
        (REFUSED, "", Outcome(error="x is not supported by this emulator"), "missing"),
    ],
)
def test_an_outcome_is_judged(
    section: str, documented: str, outcome: Outcome, expected: str
) -> None:
    probe = Probe(section, "x", ("SELECT x()",), documented)
    assert judge(probe, outcome, frozenset()).status == expected
