"""Rewrites the clauses of Redshift's SQL that need more than an edit of single words. Pure.

Each pass replaces one occurrence of its construct and returns the new text of the statement; the passes are repeated
until none finds anything. A statement without their words is not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from redshift_emulator.restructure import calls
from redshift_emulator.restructure.lateral_alias import lateral_alias
from redshift_emulator.restructure.merge_duplicates import remove_duplicates
from redshift_emulator.restructure.outer_join import outer_join
from redshift_emulator.restructure.pivot import pivot
from redshift_emulator.restructure.qualify import qualify
from redshift_emulator.restructure.sized_literals import sized_literals
from redshift_emulator.restructure.source import Source
from redshift_emulator.restructure.super_paths import super_path

__all__ = ["lateral_alias", "restructured"]

_COMMANDS = frozenset(
    {"select", "with", "(", "insert", "update", "delete", "create", "merge", "explain"}
)
# The passes by a word that their construct contains.
_PASSES: tuple[tuple[str, Callable[[Source], str | None]], ...] = (
    ("array", calls.array),
    ("decode", calls.decode),
    ("convert", calls.convert),
    ("ratio_to_report", calls.ratio_to_report),
    ("nulls", calls.nulls),
    ("percentile_cont", calls.percentile),
    ("percentile_disc", calls.percentile),
    (".", super_path),
    ("[", super_path),
    ("+", outer_join),
    ("pivot", pivot),
    ("unpivot", pivot),
    ("qualify", qualify),
    ("duplicates", remove_duplicates),
    ("create", sized_literals),
)


def restructured(sql: str, words: Sequence[str]) -> str:
    """Return a statement in the form that PostgreSQL has. `words` are its words and symbols."""
    if words[0] not in _COMMANDS:
        return sql
    present = frozenset(words)
    if words[0] == "create" and "select" not in present:
        return sql  # a table's columns and keys; LIKE and REFERENCES name tables, not paths
    for word, replace in _PASSES:
        if word not in present:
            continue
        while (changed := replace(Source.of(sql))) is not None:
            sql = changed
    return sql
