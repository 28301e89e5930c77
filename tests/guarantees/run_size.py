"""The size of a run of the guarantee tests.

`ETL_ORDER_RUNS=300` is the long run: 300 scenarios per isolation level, all else in full.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from typing import TypeVar

_T = TypeVar("_T")

RUNS = int(os.environ.get("ETL_ORDER_RUNS", "0"))
IS_LONG = RUNS > 0


def short_or_long(short: _T, long: _T) -> _T:
    """Return the first value in the normal run, the second in the long run."""
    return long if IS_LONG else short


ISOLATION_LEVELS = short_or_long(["snapshot"], ["snapshot", "serializable"])
"""Of modules that in the normal run use one isolation level: Redshift's default.

test_any_order.py always uses both.
"""

COUNTS: defaultdict[str, Counter[str]] = defaultdict(Counter)
"""Counts of the long run by kind, printed at its end."""


def count(kind: str, *names: str) -> None:
    """Count each name once under this kind."""
    COUNTS[kind].update(names)
