"""How much is measured."""

from __future__ import annotations

from enum import StrEnum


class Size(StrEnum):
    TINY = "tiny"
    """A few seconds for each part: only to see that the program works."""

    QUICK = "quick"
    """Minutes."""

    FULL = "full"
    """What docs/reference/benchmarks.md shows: about an hour."""
