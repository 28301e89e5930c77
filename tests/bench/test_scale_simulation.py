"""The simulation follows the state machine's rules."""

from __future__ import annotations

import json

import pytest

from bench import scale_simulation
from bench.scale_simulation import (
    COPY_SECONDS,
    LOAD_SECONDS,
    MAX_BATCH,
    RECEIVE_SECONDS,
    Case,
    Result,
    Simulation,
    main,
)


def simulate(files: int, seconds: float, tables: int, slots: int = 5) -> Result:
    return Simulation(Case("test", files, seconds, tables, slots)).run()


def test_an_upload_alone_takes_six_transitions_and_three_calls() -> None:
    result = simulate(1, 1, 1)
    assert result.states_per_upload == 6
    assert result.invocations_per_upload == 3
    assert result.most_waiting == 0
    seconds = RECEIVE_SECONDS + LOAD_SECONDS + COPY_SECONDS
    assert result.answer_seconds_median == pytest.approx(seconds, abs=0.1)


def test_uploads_of_one_table_share_copies_and_are_all_answered() -> None:
    result = simulate(1000, 1, 1)
    assert result.ended
    assert result.most_loads_at_once == 1
    assert MAX_BATCH / 2 < result.files_per_copy <= MAX_BATCH
    assert result.invocations_per_upload < 1.1


def test_never_more_loads_run_than_there_are_slots() -> None:
    result = simulate(300, 1, 300, slots=3)
    assert result.ended
    assert result.most_loads_at_once == 3
    assert result.files_per_load == 1


def test_more_slots_shorten_the_wait_of_many_tables() -> None:
    few, many = simulate(200, 10, 200, slots=5), simulate(200, 10, 200, slots=50)
    assert many.answer_seconds_p99 < few.answer_seconds_p99 / 3


def test_uploads_that_are_pending_for_too_long_are_loaded_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batched = simulate(400, 1, 1)
    monkeypatch.setattr(scale_simulation, "PENDING_SECONDS", 3.0)
    alone = simulate(400, 1, 1)
    assert alone.ended
    assert alone.files_per_copy < batched.files_per_copy / 2


def test_the_same_seed_gives_the_same_figures(capsys: pytest.CaptureFixture[str]) -> None:
    main(["1e4/day, 100 tables", "--json"])
    first = capsys.readouterr().out
    main(["1e4/day, 100 tables", "--json"])
    assert capsys.readouterr().out == first
    assert json.loads(first)["ended"] is True
