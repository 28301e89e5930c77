"""Texts of messages: characters that falsify the place that shows them, and lists that end."""

from __future__ import annotations

import re
from collections.abc import Iterable

CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""C0, DEL and C1. Redshift stores no NUL; a line feed or an escape sequence falsifies logs and terminals."""

_LISTED = 5


def listed(items: Iterable[str], separator: str = "; ") -> str:
    """Return the first five items as one text, and how many more there are."""
    every = list(items)
    more = len(every) - _LISTED
    return separator.join([*every[:_LISTED], *([f"and {more:,} more"] if more > 0 else [])])
