"""Statistics, taking turns, and targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from bench import measure
from bench.measure import (
    CaseFailedError,
    Series,
    Spread,
    Target,
    Turns,
    growth,
    number_text,
    paired_ratio,
    panels,
)


def test_a_spread_has_the_quartiles_of_the_values() -> None:
    spread = Spread.of([5.0, 1.0, 2.0, 4.0, 3.0])

    assert spread == Spread(5, minimum=1.0, lower=2.0, median=3.0, upper=4.0, maximum=5.0)


def test_a_spread_of_one_value_is_that_value() -> None:
    assert Spread.of([7.0]) == Spread(1, 7.0, 7.0, 7.0, 7.0, 7.0)


def test_a_spread_needs_a_value() -> None:
    with pytest.raises(ValueError, match="no values"):
        Spread.of([])


def _case(name: str, seconds: Iterator[float], calls: list[str]) -> Callable[[], float]:
    def run() -> float:
        calls.append(name)
        return next(seconds)

    return run


def test_cases_take_turns_and_the_warm_up_does_not_count() -> None:
    calls: list[str] = []
    cases = {
        "a": _case("a", iter([9.0, 1.0, 2.0]), calls),
        "b": _case("b", iter([9.0, 2.0, 4.0]), calls),
    }

    turns = Turns(cases, rounds=2).run()

    assert calls == ["a", "b"] * 3
    assert turns.values == {"a": [1.0, 2.0], "b": [2.0, 4.0]}
    assert turns.ratio("b", "a") == 2.0


def test_a_case_that_fails_has_a_reason_and_the_others_go_on() -> None:
    def broken() -> float:
        raise CaseFailedError("no such format")

    turns = Turns({"broken": broken, "good": lambda: 1.0}, rounds=3).run()

    assert list(turns.series("1 k rows")) == [
        Series("broken", "1 k rows", "s", (), "no such format"),
        Series("good", "1 k rows", "s", (1.0, 1.0, 1.0)),
    ]
    with pytest.raises(ValueError, match="at least once"):
        turns.ratio("broken", "good")


def test_a_slow_case_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "SLOW_SECONDS", 10.0)
    calls: list[str] = []

    turns = Turns({"slow": _case("slow", iter([11.0]), calls), "fast": lambda: 1.0}, 3).run()

    assert turns.values == {"slow": [11.0], "fast": [1.0, 1.0, 1.0]}


def test_a_ratio_is_the_median_of_the_rounds() -> None:
    # The second round was slow for both, so the ratio of the medians would be another one.
    assert paired_ratio([2.0, 30.0, 4.0], [1.0, 15.0, 4.0]) == 2.0


def test_growth_compares_the_last_case_with_the_first() -> None:
    target = growth({"10": [1.0], "100": [9.0], "1,000": [1.5]}, "load", 1.2)

    assert target == Target("load: 1,000 / 10", 1.5, 1.2)
    assert not target.met


@pytest.mark.parametrize(("value", "met"), [(1.2, True), (1.21, False), (None, False)])
def test_a_target_is_met_up_to_its_limit_and_not_without_a_value(
    value: float | None, met: bool
) -> None:
    assert Target("claim", value, 1.2).met is met


def test_a_panel_has_one_size_and_one_unit_and_small_times_are_in_milliseconds() -> None:
    fast, memory = Series("a", "small", "s", (0.01,)), Series("a", "small", "MB", (0.5,))
    slow, other = Series("b", "large", "s", (2.0,)), Series("b", "small", "s", (), "not installed")

    assert panels([fast, slow, memory, other]) == [
        [Series("a", "small", "ms", (10.0,)), Series("b", "small", "ms", (), "not installed")],
        [slow],
        [memory],
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (2.0, "2"),
        (0.012345, "0.0123"),
        (1.005, "1.00"),
        (98.76, "98.8"),
        (12_345.6, "12,346"),
    ],
)
def test_numbers_have_three_significant_digits(value: float, text: str) -> None:
    assert number_text(value) == text
