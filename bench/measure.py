"""Samples of a measurement: their statistics, taking turns, and targets."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

SLOW_SECONDS = 60.0
"""A case that takes longer is measured once, without a warm-up."""


@dataclass(frozen=True)
class Spread:
    """The statistics of some values."""

    count: int
    minimum: float
    lower: float
    median: float
    upper: float
    maximum: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Raises ValueError without values."""
        if not values:
            raise ValueError("no values")
        if len(values) == 1:
            return cls(1, *(values[0],) * 5)
        lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
        return cls(len(values), min(values), lower, median, upper, max(values))


@dataclass(frozen=True)
class Series:
    """The values of one case at one size, in one unit. Without values, `missing` is the reason."""

    case: str
    size: str
    unit: str
    values: tuple[float, ...]
    missing: str = ""

    @property
    def spread(self) -> Spread:
        return Spread.of(self.values)

    @property
    def panel(self) -> tuple[str, str]:
        """Series with the same panel are compared with each other."""
        return self.size, self.unit

    def to_json(self) -> dict[str, Any]:
        return {
            "case": self.case,
            "size": self.size,
            "unit": self.unit,
            "values": [round(value, 6) for value in self.values],
            "missing": self.missing,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Series:
        values = tuple(float(each) for each in value["values"])
        return cls(value["case"], value["size"], value["unit"], values, value["missing"])


@dataclass(frozen=True)
class Target:
    """A claim about a measured value, and the limit that the value must not exceed.

    The value is None if the measurement was not finished.
    """

    claim: str
    value: float | None
    limit: float
    unit: str = ""

    @property
    def met(self) -> bool:
        return self.value is not None and self.value <= self.limit

    def to_json(self) -> dict[str, Any]:
        return {
            "claim": self.claim,
            "value": None if self.value is None else round(self.value, 4),
            "limit": self.limit,
            "unit": self.unit,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Target:
        measured = None if value["value"] is None else float(value["value"])
        return cls(value["claim"], measured, float(value["limit"]), value["unit"])


@dataclass(frozen=True)
class PartResult:
    """What one part measured."""

    series: Sequence[Series]
    targets: Sequence[Target] = ()
    notes: Sequence[str] = ()


def timed(work: Callable[[], object]) -> float:
    """Return how many seconds the work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@dataclass
class Turns:
    """Cases that take turns (A B A B), so that a drift of the machine affects all alike.

    `run` measures `rounds` rounds after one warm-up round. A case returns the seconds of one run,
    or raises CaseFailedError, which ends this case. A slow case is measured once.
    """

    cases: Mapping[str, Callable[[], float]]
    rounds: int
    warm_up: bool = True
    values: dict[str, list[float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def run(self, report: Callable[[str], None] = lambda _: None) -> Turns:
        self.values = {name: [] for name in self.cases}
        for number in range(0 if self.warm_up else 1, self.rounds + 1):
            for name, case in self.cases.items():
                if name in self.missing or self._is_slow(name):
                    continue
                try:
                    seconds = case()
                except CaseFailedError as error:
                    self.missing[name] = str(error)
                    report(f"  {name}: {error}")
                    continue
                report(f"  round {number}, {name}: {seconds:.3f} s")
                if number > 0 or seconds > SLOW_SECONDS:
                    self.values[name].append(seconds)
        return self

    def _is_slow(self, name: str) -> bool:
        return any(seconds > SLOW_SECONDS for seconds in self.values[name])

    def series(self, size: str, unit: str = "s") -> Iterator[Series]:
        for name, values in self.values.items():
            yield Series(name, size, unit, tuple(values), self.missing.get(name, ""))

    def ratio(self, case: str, other: str) -> float:
        return paired_ratio(self.values[case], self.values[other])


def paired_ratio(ones: Sequence[float], others: Sequence[float]) -> float:
    """Return the median of the ratios of both cases in each round.

    Two runs of one round follow each other, so a slow minute of the machine counts in both. Raises
    ValueError if one has no values.
    """
    pairs = list(zip(ones, others, strict=False))
    if not pairs:
        raise ValueError("both cases must be measured at least once")
    return statistics.median(one / other for one, other in pairs)


def growth(values: Mapping[str, Sequence[float]], quantity: str, limit: float) -> Target:
    """Return how much more the last case takes than the first, as a target."""
    first, *_, last = values
    claim = f"{quantity}: {last} / {first}"
    return Target(claim, paired_ratio(values[last], values[first]), limit)


def series_of(values: Mapping[str, Sequence[float]], size: str, unit: str = "s") -> list[Series]:
    return [Series(case, size, unit, tuple(each)) for case, each in values.items()]


class CaseFailedError(Exception):
    """A case cannot be measured. The message is the reason, for the page."""


def panels(series: Sequence[Series]) -> list[list[Series]]:
    """Return the series by panel, in order of appearance. Times are in ms where all are below a second."""
    order = list(dict.fromkeys(each.panel for each in series))
    found = [[each for each in series if each.panel == panel] for panel in order]
    return [_in_milliseconds(panel) for panel in found]


def _in_milliseconds(panel: list[Series]) -> list[Series]:
    is_time = panel[0].unit.split(" ")[0] == "s"
    if not is_time or max((max(each.values) for each in panel if each.values), default=1.0) >= 1.0:
        return panel
    unit = "m" + panel[0].unit
    return [
        replace(each, unit=unit, values=tuple(value * 1000 for value in each.values))
        for each in panel
    ]


def number_text(value: float) -> str:
    """Return a number for people: whole as it is, else with three significant digits."""
    if value == round(value) or abs(value) >= 1_000:
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{digits}f}"
