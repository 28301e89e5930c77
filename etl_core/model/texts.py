"""Texts from outside: which characters falsify the place that shows them."""

from __future__ import annotations

import re

CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""C0, DEL and C1. Redshift stores no NUL; a line feed or an escape sequence falsifies logs and terminals."""
