"""Repeating a part of a pattern without giving anything back."""

from __future__ import annotations

import re

# Some releases of Python 3.11 (3.11.2 is one) do not go back to where they were when a possessive repeat's body fails half-way (CPython's
# gh-106052). There the repeat is a greedy one, which takes more memory and finds the same wherever nothing that follows could match less.
MANY = b"*" if re.match(rb'(?:"(?:a|b)*+"c)*+', b'"ab"d').end() else b"*+"  # type: ignore[union-attr]
