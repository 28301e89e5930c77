"""What a long copy carries through the state machine."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl_core.loading.ledger import ledger_name
from etl_core.model.long_copy import (
    MAX_ATTEMPTS,
    MAX_STATEMENT_BYTES,
    MAX_STATEMENTS,
    MAX_TABLES,
    LongCopy,
    LongCopyResult,
    LongCopyStatus,
    StagingTable,
    pause_seconds,
    staging_created_at,
    staging_name,
)
from etl_core.model.table_ref import TableRef
from tests.builders import NOON, an_upload

UPLOAD_ID = an_upload().upload_id
NAME = staging_name(NOON, UPLOAD_ID, "0a1b2c3d", 0)
RESULT = LongCopyResult(LongCopyStatus.FINISHED, "", 4711, NOON, (3,))


def a_table(name: str = NAME, **fields: Any) -> StagingTable:
    return StagingTable(
        **{"name": name, "upload_ids": (UPLOAD_ID,), "create": "CREATE", "copy": "COPY",
           "count": "SELECT", **fields}
    )  # fmt: skip


def a_copy(**fields: Any) -> LongCopy:
    return LongCopy(
        **{"database": "dev", "attempt": 1, "planned_at": NOON, "tables": (a_table(),), **fields}
    )


@pytest.mark.parametrize(
    "carried",
    [
        a_copy(),
        a_copy(tables=()),
        a_copy(settings=("SET a TO 'b'",)),
        a_copy(statement_id="x"),
        a_copy(result=RESULT),
        a_copy(result=LongCopyResult(LongCopyStatus.LOST, "gone")),
    ],
)
def test_it_is_read_as_it_was_written(carried: LongCopy) -> None:
    assert LongCopy.parse(json.loads(json.dumps(carried.to_state()))) == carried


def test_numbers_may_come_back_with_a_fraction_of_zero() -> None:
    state = a_copy(result=RESULT).to_state()
    state["attempt"] = 1.0
    state["result"] |= {"counts": [3.0], "session_id": 4711.0}
    assert LongCopy.parse(state) == a_copy(result=RESULT)


HOSTILE = [None, True, 0, -1, 1.5, "", "x", [], {}, [None], "staging_x", float("nan"), float("inf")]


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
@pytest.mark.parametrize(
    "path",
    [("database",), ("attempt",), ("planned_at",), ("tables",), ("tables", 0), ("tables", 0, "name"),
     ("tables", 0, "upload_ids"), ("tables", 0, "copy"), ("statement_id",), ("result",),
     ("result", "status"), ("result", "counts"), ("result", "started_at"), ("result", "session_id")],
)  # fmt: skip
def test_malformed_data_is_no_long_copy_or_another_one(path: tuple[Any, ...], value: Any) -> None:
    state = copy.deepcopy(a_copy(statement_id="s", result=RESULT).to_state())
    place = state
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    parsed = LongCopy.parse(state)
    assert parsed is None or all(staging_created_at(table.name) for table in parsed.tables)


@pytest.mark.parametrize("value", [*HOSTILE, {"tables": []}], ids=repr)
def test_other_data_is_no_long_copy(value: Any) -> None:
    assert LongCopy.parse(value) is None


def test_the_number_of_attempts_and_tables_is_limited() -> None:
    assert LongCopy.parse(a_copy(attempt=MAX_ATTEMPTS).to_state()) is not None
    assert LongCopy.parse(a_copy(attempt=MAX_ATTEMPTS + 1).to_state()) is None
    assert LongCopy.parse(a_copy(tables=(a_table(),) * MAX_TABLES).to_state()) is not None
    assert LongCopy.parse(a_copy(tables=(a_table(),) * (MAX_TABLES + 1)).to_state()) is None


def test_the_statements_of_each_table_are_found_by_their_numbers() -> None:
    for settings in ((), ("SET a TO 'b'", "SET c TO 'd'")):
        carried = a_copy(tables=(a_table(), a_table(copy="other")), settings=settings)
        numbers = range(1, len(carried.statements) + 1)
        tables = [carried.table_of_statement(number) for number in numbers]
        assert [index for index in tables if index >= 0] == [0, 0, 0, 1, 1, 1]
        assert [carried.statements[number - 1] for number in carried.count_numbers] == [
            "SELECT"
        ] * 2


def test_what_the_services_do_not_take_does_not_fit() -> None:
    assert a_copy().fits
    assert len(a_copy(tables=(a_table(),) * MAX_TABLES).statements) <= MAX_STATEMENTS
    assert not a_copy(tables=(a_table(),) * MAX_TABLES, settings=("SET", "SET")).fits
    assert not a_copy(tables=(a_table(copy="é" * (MAX_STATEMENT_BYTES // 2 + 1)),)).fits
    assert not a_copy(tables=(a_table(copy="x" * 60_000),) * 2).fits
    assert not a_copy(tables=(a_table(upload_ids=(UPLOAD_ID,) * 5000),)).fits


def test_a_staging_table_says_when_it_was_planned_and_is_no_ledger() -> None:
    assert staging_created_at(NAME) == NOON
    assert len(NAME) < 64
    for name in ("staging_", NAME + "x", NAME.replace("20261122", "20269922"), "public__t"):
        assert staging_created_at(name) is None


@given(st.text("staging_0123456789abcdef", min_size=1), st.text("_0123456789abcdef", min_size=1))
def test_no_ledger_has_the_name_of_a_staging_table(schema: str, table: str) -> None:
    assert staging_created_at(ledger_name(TableRef("dev", schema, table))) is None


def test_the_pause_grows_with_the_time_that_has_passed() -> None:
    after = [pause_seconds(NOON, NOON + timedelta(seconds=s)) for s in (-5, 0, 60, 600, 86_400)]
    assert after == [2, 2, 6, 60, 120]


def test_a_day_of_looks_fits_into_the_history_of_an_execution() -> None:
    passed, looks = 0, 0
    while passed < 86_400:
        passed, looks = passed + pause_seconds(NOON, NOON + timedelta(seconds=passed)), looks + 1
    # Each look enters and leaves three states and runs one task of four events.
    assert looks * (3 * 2 + 4) < 10_000


def test_a_result_replaces_nothing_else() -> None:
    assert a_copy().submitted("s").ended(RESULT) == replace(
        a_copy(), statement_id="s", result=RESULT
    )
