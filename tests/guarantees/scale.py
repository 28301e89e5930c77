"""How much the proofs try. `ETL_ORDER_RUNS=300` is the long run: so many stories per isolation level, and everything else in full."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from typing import TypeVar

_T = TypeVar("_T")

RUNS = int(os.environ.get("ETL_ORDER_RUNS", "0"))
IS_LONG = RUNS > 0


def few_or_all(few: _T, every: _T) -> _T:
    """The first in the normal run, the second in the long one."""
    return every if IS_LONG else few


FIGURES: defaultdict[str, Counter[str]] = defaultdict(Counter)
"""What the long run did, by kind; shown at its end."""


def note(kind: str, *whats: str) -> None:
    """Counts one of each."""
    FIGURES[kind].update(whats)
