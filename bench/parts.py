"""The parts of the benchmark, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench import (
    bursts,
    catalogs,
    functions,
    latency,
    ledgers,
    loads,
    logs,
    losses,
    readers,
    starts,
    statements,
    waiting,
)
from bench.measure import PartResult
from bench.sizes import Size

Report = Callable[[str], None]


@dataclass(frozen=True)
class Part:
    title: str
    measure: Callable[[Size, Report], PartResult]


PARTS: Mapping[str, Part] = {
    "loads": Part("One large file", loads.measure),
    "losses": Part("Values that COPY would cut", losses.measure),
    "latency": Part("One small file", latency.measure),
    "bursts": Part("Many small files at once", bursts.measure),
    "waiting": Part("Executions that wait", waiting.measure),
    "ledgers": Part("A growing ledger", ledgers.measure),
    "catalogs": Part("A growing catalog", catalogs.measure),
    "logs": Part("A growing log", logs.measure),
    "functions": Part("Memory for a large file", functions.measure),
    "readers": Part("A reader during a replace", readers.measure),
    "starts": Part("Cold starts", starts.measure),
    "statements": Part("Small statements through the emulator", statements.measure),
}
